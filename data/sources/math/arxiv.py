"""arXiv sources: packages as arXiv serves them, dumps of many packages, and trees of loose .tex files.

One document for each root file: one that has a `\\documentclass`, or that no other file of its package puts in. A file
that went into a root is a part, not a document. What a package is made of is told by its first bytes, since arXiv names
tar archives, single gzipped files and PDFs alike (https://info.arxiv.org/help/mimetypes.html).
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from data import archives, streams
from data.document import Document, Quarantined, Skipped
from data.formats import latex, latex_scan, latex_tree
from data.inputs import InputFile
from data.sources.math import licences
from data.sources.math.members import MemberFile, member_file

NAME = "arxiv_math"
TEX_SUFFIXES = (".tex", ".ltx", ".latex")
_TEXT_SUFFIXES = (*TEX_SUFFIXES, ".sty", ".cls", ".def", ".tikz", ".inc", ".bbl", ".txt", ".macros")
_PACKED = (".gz", ".tgz", ".tar", ".zip")
MAX_TEX_BYTES = 8 << 20  # of one file
MAX_PACKAGE_BYTES = 64 << 20  # of a package's text; what is read beyond begins a package of its own
MIN_CHARACTERS = 200  # of a document's text
_ID = re.compile(r"(?:^|[/!_-])((?:\d{4}\.\d{4,5}|[a-z]+(?:-[a-z]+)?_?\d{7})(?:v\d+)?)(?=\.|$)")
_CLASS = re.compile(r"\\documentclass\s*(?:\[[^\[\]]*\])?\s*\{([^{}]*)\}|\\documentstyle")
_PART_CLASSES = {"subfiles", "standalone"}

Item = Document | Quarantined | Skipped


def read(file: InputFile) -> Iterator[Item]:
    """Documents of one file: a package, a dump of packages, or one .tex with what it puts in beside it."""
    try:
        with file.open() as stream:
            head = stream.read(1024)
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, file.size, error.evidence)
        return
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or head[257:262] == b"ustar" or _is_old_tar(head):
        yield from _read_archive(file)
    elif head.startswith((b"%PDF", b"%!PS", b"\x89PNG", b"\xff\xd8", b"<!DOCTYPE", b"<html", b"\xd0\xcf")):
        yield Skipped(file.name, 0, "not_tex", file.size, repr(head[:12]))
    elif not head.strip(b" \t\r\n\x00"):  # an archive without members is nothing but zeros
        yield Skipped(file.name, 0, "empty", file.size)
    else:
        yield _read_single(file)


def _is_old_tar(head: bytes) -> bool:
    """Whether a block is a tar header of before ustar: its checksum in octal is that of its bytes."""
    if len(head) < 512:
        return False
    field = head[148:156].strip(b" \x00")
    checksum = sum(head[:148]) + 8 * 32 + sum(head[156:512])
    return bool(re.fullmatch(rb"[0-7]{3,7}", field)) and int(field, 8) == checksum


def roots(files: Sequence[InputFile]) -> list[InputFile]:
    """Of a tree of .tex files, those that are documents by themselves.

    A file that can't be read is a root, so that reading it says why.
    """
    by_folder: dict[str, list[InputFile]] = {}
    for file in files:
        by_folder.setdefault(file.root, []).append(file)
    chosen = []
    for group in by_folder.values():
        parts = _parts({file.name: _sketch_of_file(file) for file in group})
        chosen += [file for file in group if file.name not in parts]
    return chosen


@dataclasses.dataclass(frozen=True)
class _Sketch:
    """What tells roots from parts: the names that a source puts in, and whether it has a class of its own."""

    included: tuple[str, ...] = ()
    stands_alone: bool = True


def _sketch(source: str) -> _Sketch:
    text = latex_scan.strip_comments(source, latex_scan.Verbatim())
    match = _CLASS.search(text)
    alone = match is not None and (match.group(1) or "").strip() not in _PART_CLASSES
    return _Sketch(tuple(latex_tree.included_names(text)), alone)


def _sketch_of_file(file: InputFile) -> _Sketch:
    try:
        return _sketch(latex_scan.decode(file.read(MAX_TEX_BYTES), "latin-1"))
    except (streams.StreamError, OSError):
        return _Sketch()


def _parts(sketches: Mapping[str, _Sketch]) -> set[str]:
    """Names of the files that others put in, and that aren't documents of their own."""
    included: set[str] = set()
    for name, sketch in sketches.items():
        folder = posixpath.dirname(name)
        for candidate in (path for written in sketch.included for path in latex_tree.candidates(written)):
            # LaTeX reads names from where the root lies, which is this folder or one above it.
            place = folder
            while (path := posixpath.normpath(posixpath.join(place, candidate))) not in sketches and place:
                place = posixpath.dirname(place)
            if path != name:
                included.add(path)
    return {name for name in included if name in sketches and not sketches[name].stands_alone}


def _read_single(file: InputFile) -> Item:
    """A .tex by itself, or one of a tree with its parts beside it."""

    def lookup(name: str) -> str | None:
        part = file.sibling(name)
        if part is None or part.size > MAX_TEX_BYTES:
            return None
        try:
            return latex_scan.decode(part.read(MAX_TEX_BYTES), encoding)
        except (streams.StreamError, OSError):
            return None

    try:
        data = file.read(MAX_TEX_BYTES)
        encoding = latex_scan.declared_encoding(data)
        source = latex_scan.decode(data)
    except streams.StreamError as error:
        return Quarantined(file.name, error.offset, error.reason, file.size, error.evidence)
    if "\\" not in source[:1_000_000]:
        return Skipped(file.name, 0, "not_tex", file.size, source[:100])
    return _document(file, "", 0, len(data), source, lookup)


def _document(
    file: InputFile, member: str, offset: int, size: int, source: str, lookup: Callable[[str], str | None]
) -> Item:
    found = latex.read(source, lookup)
    key = member or "0"
    if len(found.text) < MIN_CHARACTERS:
        return Skipped(file.name, offset, "no_prose", size, member or found.text[:100])
    meta = {"title": found.title, "authors": list(found.authors), "parts": len(found.parts), "format": "latex"}
    identifier = _ID.search(file.name)
    if identifier:
        meta["arxiv_id"] = identifier.group(1)
        meta["url"] = f"https://arxiv.org/abs/{identifier.group(1).replace('_', '/')}"
    if found.missing:
        meta["missing_parts"] = list(found.missing[:20])
    return Document(found.text, "math", f"{NAME}:{file.name}#{key}", licences.stated(source), meta=meta)


def _read_archive(file: InputFile) -> Iterator[Item]:
    """A package, or a dump: members that are packages themselves are read at once, the .tex of the rest together."""
    package: dict[str, archives.Member] = {}
    held, is_empty = 0, True
    for member in archives.members(file):
        is_empty = False
        if isinstance(member, Quarantined):
            yield member
        elif _is_package(member) and not isinstance(file, MemberFile):
            yield from read(member_file(file, member))
        elif member.name.lower().endswith(_TEXT_SUFFIXES) and len(member.data) <= MAX_TEX_BYTES:
            if held + len(member.data) > MAX_PACKAGE_BYTES:
                yield from _read_package(file, package.values())
                package, held = {}, 0
            package[member.name] = member
            held += len(member.data)
        else:
            yield Skipped(file.name, member.offset, "not_tex", len(member.data), member.name[:200])
    yield from _read_package(file, package.values())
    if is_empty:
        yield Skipped(file.name, 0, "empty", file.size)


def _is_package(member: archives.Member) -> bool:
    lower = member.name.lower()
    return lower.endswith(_PACKED) and (
        _ID.search(lower) is not None or streams.compression_of(member.data[:6]) is not None
    )


def _read_package(file: InputFile, members: Iterable[archives.Member]) -> Iterator[Item]:
    """The documents of a package's text members, in the order of the archive."""
    members = list(members)
    encoding = next(filter(None, (latex_scan.declared_encoding(member.data) for member in members)), None)
    texts: dict[str, str] = {}
    broken: dict[str, streams.StreamError] = {}
    for member in members:
        try:
            texts[member.name] = latex_scan.decode(member.data, encoding)
        except streams.StreamError as error:
            broken[member.name] = error
    sources = [name for name in texts if name.lower().endswith(TEX_SUFFIXES)]
    # Old papers have TeX under other names.
    sources = sources or [name for name, text in texts.items() if "\\document" in text]
    sketches = {name: _sketch(texts[name]) for name in sources}
    parts = _parts(sketches)
    for member in members:
        size = len(member.data)
        if member.name in broken:
            error = broken[member.name]
            evidence = f"{member.name}: {error.evidence}"
            yield Quarantined(file.name, member.offset, error.reason, size, evidence)
        elif member.name not in sketches:
            yield Skipped(file.name, member.offset, "not_a_document", size, member.name)
        elif member.name in parts:
            yield Skipped(file.name, member.offset, "part", size, member.name)
        else:
            folder = posixpath.dirname(member.name)
            lookup = _Texts(texts, folder)
            yield _document(file, member.name, member.offset, size, texts[member.name], lookup)


class _Texts:
    """Looks up names relative to a root's folder among a package's texts."""

    def __init__(self, texts: Mapping[str, str], folder: str):
        self._texts, self._folder = texts, folder

    def __call__(self, name: str) -> str | None:
        return self._texts.get(posixpath.normpath(posixpath.join(self._folder, name)))
