"""The files of an input: named by a path, a glob, a folder or a URL, and opened decompressed, within limits.

Everything a source reads goes through `InputFile`, so that a `gs://` bucket, a hub dataset and a local folder are the same
to it, and so that no file can lead outside its own input.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import hashlib
import os
import posixpath
import re
from collections.abc import Iterable
from typing import BinaryIO

import fsspec

from data import streams

_URL = re.compile(r"^[a-z][a-z0-9+.\-]*://", re.IGNORECASE)
_HUB = re.compile(r"^hub:([\w.\-]+/[\w.\-]+)$")
TFDS = "tfds:"
_COMPRESSION_SUFFIXES = (".gz", ".bz2", ".xz", ".zst")


class InputError(ValueError):
    """An input that names nothing, or a file outside it; the message says what to change."""


@functools.lru_cache(maxsize=64)
def _filesystem(protocol: str) -> fsspec.AbstractFileSystem:
    try:
        return fsspec.filesystem(protocol)
    except (ImportError, ValueError) as error:
        raise InputError(f"{protocol}:// cannot be read here ({error}); install what fsspec asks for") from error


def _split(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    protocol = url.split("://", 1)[0].lower() if _URL.match(url) else "file"
    filesystem = _filesystem(protocol)
    return filesystem, filesystem._strip_protocol(url)


@dataclasses.dataclass(frozen=True)
class InputFile:
    """One file of an input.

    Attributes:
      url: path or URL.
      root: the folder that the input was named by; a file's name is relative to it and `sibling` stays inside it.
      size: bytes as stored, compressed if it is.
    """

    url: str
    root: str
    size: int

    @property
    def name(self) -> str:
        """Path inside the input, with `/` on every system; of a TFDS split its name with the ending `.tfds`."""
        if self.url.startswith(TFDS):
            return f"{posixpath.basename(self.url.removeprefix(TFDS))}.tfds"
        return posixpath.relpath(_split(self.url)[1], _split(self.root)[1] or "/")

    @property
    def stem(self) -> str:
        """Lower-case base name without a suffix of compression: `train.jsonl` of `a/Train.jsonl.gz`."""
        base = posixpath.basename(self.name).lower()
        for suffix in _COMPRESSION_SUFFIXES:
            base = base.removesuffix(suffix)
        return base

    def matches(self, patterns: Iterable[str]) -> bool:
        """Whether the stem, or the whole lower-case name where a pattern holds a slash, matches one of the globs."""
        whole = posixpath.join(posixpath.dirname(self.name.lower()), self.stem)
        return any(fnmatch.fnmatchcase(whole if "/" in p else self.stem, p) for p in patterns)

    def is_compressed(self) -> bool:
        """Whether the first bytes are those of a compression that `open` undoes."""
        if self.url.startswith(TFDS):
            return False
        with self.open_raw() as stream:
            return streams.compression_of(stream.read(6)) is not None

    def open_raw(self) -> BinaryIO:
        """The stored bytes; seekable."""
        filesystem, path = _split(self.url)
        return filesystem.open(path, "rb")

    def open(self) -> BinaryIO:
        """The decompressed bytes, as a stream that raises `streams.StreamError` where the compression breaks."""
        return streams.decompressed(self.open_raw())

    def read(self, limit: int = streams.MAX_RECORD_BYTES) -> bytes:
        """All decompressed bytes.

        Raises:
          StreamError: the file is larger than `limit`, or its compression breaks.
        """
        with self.open() as stream:
            return streams.read_at_most(stream, limit)

    def sibling(self, relative: str) -> InputFile | None:
        """Another file of the same input, named relative to this one's folder; None where there is none.

        A name that leads outside the input's root, or through a link out of it, is answered with None as well.
        """
        filesystem, root = _split(self.root)
        target = posixpath.normpath(posixpath.join(posixpath.dirname(_split(self.url)[1]), relative))
        if "\x00" in relative or not _inside(filesystem, target, root) or not filesystem.isfile(target):
            return None
        return InputFile(
            filesystem.unstrip_protocol(target) if _URL.match(self.url) else target, self.root, filesystem.size(target)
        )

    def sha256(self) -> str:
        """Digest of the stored bytes; of a TFDS split, whose files TFDS vouches for, of its name."""
        if self.url.startswith(TFDS):
            return hashlib.sha256(self.url.encode()).hexdigest()
        with self.open_raw() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def _inside(filesystem: fsspec.AbstractFileSystem, target: str, root: str) -> bool:
    if "file" in filesystem.protocol:
        target, root = os.path.realpath(target), os.path.realpath(root)
    # The top of a file system may be called "".
    return posixpath.commonpath([target, root or "/"]) == (root or "/")


def expand(spec: str) -> list[InputFile]:
    """All files that an input names, sorted by name.

    Args:
      spec: a file, a folder (all files below it), a glob, a URL of any of these (`gs://`, `s3://`, ...),
        `hub:ORG/NAME` for the files of a hub dataset, or `tfds:NAME:SPLIT` for a split of a TFDS dataset, NAME being one
        that TFDS knows or the folder of one. Several are joined by commas.

    Raises:
      InputError: nothing is there.
    """
    files: dict[str, InputFile] = {}
    for part in filter(None, (part.strip() for part in spec.split(","))):
        if part.startswith(TFDS):
            if part.count(":") < 2:
                raise InputError(f"--input={part!r} names no split; write {part}:train")
            files[part] = InputFile(part, "", 0)
            continue
        if hub := _HUB.match(part):
            part = f"hf://datasets/{hub.group(1)}"
        for file in _expand_one(part):
            files.setdefault(file.url, file)
    if not files:
        raise InputError(f"--input={spec!r} names no file; give a file, a folder, a glob or a URL")
    return sorted(files.values(), key=lambda file: (file.name, file.url))


def _expand_one(spec: str) -> list[InputFile]:
    filesystem, path = _split(spec)
    is_url = bool(_URL.match(spec))

    def named(found: str) -> str:
        return filesystem.unstrip_protocol(found) if is_url else found

    def inside(found: dict[str, dict], root: str) -> list[InputFile]:
        # Links are followed only while they stay inside: a tree from a stranger may point anywhere.
        return [
            InputFile(named(name), named(root), entry["size"])
            for name, entry in found.items()
            if _inside(filesystem, name, root) and (entry["type"] == "file" or filesystem.isfile(name))
        ]

    # A name that exists is taken as it stands: real trees hold brackets and stars.
    if filesystem.isfile(path):
        return [InputFile(named(path), named(posixpath.dirname(path)), filesystem.size(path))]
    if filesystem.isdir(path):
        return inside(filesystem.find(path, detail=True), path)
    if not any(mark in path for mark in "*?["):
        raise InputError(f"--input={spec!r} does not exist; give a file, a folder, a glob or a URL")
    fixed = re.split(r"[*?\[]", path, maxsplit=1)[0]
    return inside(filesystem.glob(path, detail=True), posixpath.dirname(fixed))
