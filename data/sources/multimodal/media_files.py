"""Finds the picture, clip or recording that a record names, somewhere in the record's input.

Annotations and media travel apart: paths were true on another machine, videos were converted, wavs lie in a folder
beside. A file is taken by its path where that leads somewhere, else by its name, if just one file fits best.
"""

from __future__ import annotations

import functools
import os
import posixpath
from collections.abc import Callable, Iterable, Sequence

import fsspec

from data.inputs import InputFile

_MAX_NAMES = 2_000_000
_MAX_DEPTH = 10
# Suffixes that a record may name where the input holds a conversion.
_FOREIGN_SUFFIXES = (
    ".pdf", ".eps", ".ps", ".svg", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg", ".png", ".webp", ".gif", ".sph", ".mp3",
    ".m4a", ".aac", ".wav", ".flac", ".ogg", ".opus", ".mp4", ".webm", ".avi", ".mkv", ".mov", ".m4v", ".3gp", ".3g2",
    ".mpg", ".mpeg", ".wmv", ".ogv", ".flv", ".mts", ".m2ts",
)  # fmt: skip


def stem_of(path: str) -> str:
    """Lower-case base name without the suffix of a medium, if it has one: `video7` of `clips/Video7.mp4`."""
    base = posixpath.basename(path.replace("\\", "/").rstrip("/")).lower()
    suffix = next((suffix for suffix in _FOREIGN_SUFFIXES if base.endswith(suffix)), "")
    return base[: len(base) - len(suffix)]


def find(near: InputFile, path: str, suffixes: tuple[str, ...], folders: Sequence[str] = ()) -> InputFile | None:
    """The file that a record means, or None where no file, or no single one, fits.

    Args:
      near: the file that the record is in.
      path: path, name or bare id in the record; a URL counts by its path.
      suffixes: of the files to choose from.
      folders: relative to `near`'s, where to look for the name before the whole input is listed.
    """
    path = path.strip().replace("\\", "/")
    if "://" in path:
        path = path.split("://", 1)[1].split("?", 1)[0].split("#", 1)[0]
    if not path or "\x00" in path or len(path) > 4096 or any("\ud800" <= mark <= "\udfff" for mark in path):
        return None
    for candidate in (path, *(posixpath.join(folder, path) for folder in folders)):
        if candidate.lower().endswith(suffixes) and (found := near.sibling(candidate)) is not None:
            return found
    names = _index(near.root, _stamp(near), suffixes).get(stem_of(path), ())
    best, *others = sorted(((_fit(name, path, near.name), name) for name in names), reverse=True) or [None]
    if best is None or (others and others[0][0] == best[0]):
        return None
    return near.sibling(posixpath.relpath(best[1], posixpath.dirname(near.name) or "."))


def _fit(name: str, path: str, near: str) -> tuple[int, int, int]:
    """How well a file's name fits a record's path: folders shared at its end, same suffix, nearness to the record."""
    *folders, base = name.lower().split("/")
    *asked, asked_base = path.lower().split("/")
    shared = 0
    for mine, theirs in zip(reversed(folders), reversed(asked), strict=False):
        if mine != theirs:
            break
        shared += 1
    home = posixpath.dirname(near.lower()).split("/")
    common = len(posixpath.commonprefix([folders, home]))
    return shared, int(base == asked_base), common - max(len(folders) - common, 0)


def unclaimed(
    files: Sequence[InputFile], suffixes: tuple[str, ...], paths_of: Callable[[InputFile], Iterable[str]]
) -> list[InputFile]:
    """The files to read by themselves: all annotations, and the media that none of these names.

    Args:
      files: annotations and media of one input.
      suffixes: of media.
      paths_of: paths, names or ids that an annotation file names.
    """
    annotations = [file for file in files if not file.stem.endswith(suffixes)]
    named = frozenset(stem_of(path) for file in annotations for path in paths_of(file))
    return [file for file in files if not file.stem.endswith(suffixes) or stem_of(file.name) not in named]


def is_named(
    medium: InputFile,
    patterns: tuple[str, ...],
    suffixes: tuple[str, ...],
    paths_of: Callable[[InputFile], Iterable[str]],
) -> bool:
    """Whether an annotation file of the medium's input, one that fits `patterns`, names it."""
    return stem_of(medium.name) in _names_in(medium.root, _stamp(medium)[:1], patterns, suffixes, paths_of)


@functools.lru_cache(maxsize=2)
def _names_in(root: str, stamp: tuple[int, ...], patterns, suffixes, paths_of) -> frozenset[str]:
    top = InputFile(posixpath.join(root, "."), root, 0)
    below = (top.sibling(name) for name in _listing(root, stamp) if not name.lower().endswith(suffixes))
    annotations = (file for file in below if file is not None and file.matches(patterns))
    return frozenset(stem_of(path) for file in annotations for path in paths_of(file))


def _stamp(file: InputFile) -> tuple[int, ...]:
    """Changes when files come or go at the input's top or beside this one, so that listings may be kept."""
    if "://" in file.root:
        return ()
    folders = (file.root, posixpath.dirname(file.url))
    return tuple(os.stat(folder).st_mtime_ns if os.path.isdir(folder) else 0 for folder in folders)


@functools.lru_cache(maxsize=2)
def _listing(root: str, stamp: tuple[int, ...]) -> tuple[str, ...]:
    """Names of all files below a root, sorted; of a tree without end the first of it."""
    filesystem, top = fsspec.core.url_to_fs(root)
    names: list[str] = []
    for folder, _, found in filesystem.walk(top, maxdepth=_MAX_DEPTH):
        below = posixpath.relpath(folder, top)
        names += [name if below == "." else posixpath.join(below, name) for name in found]
        if len(names) > _MAX_NAMES:
            break
    return tuple(sorted(names))


@functools.lru_cache(maxsize=2)
def _index(root: str, stamp: tuple[int, ...], suffixes: tuple[str, ...]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for name in _listing(root, stamp):
        if name.lower().endswith(suffixes):
            index.setdefault(stem_of(name), []).append(name)
    return index
