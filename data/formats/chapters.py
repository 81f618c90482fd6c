"""A book's body cut into chapters, and chapters into pieces of bounded size, at paragraph borders; nothing is lost.

Headings are found by the conventions of plain text books: a short paragraph after at least two blank lines that names
itself (`CHAPTER IV`, `Kapitel 4`, `IV.`, `PREFACE`), or any short paragraph after four.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Sequence

from data.formats.plain_text import clean, one_line

MAX_BYTES = 64 << 10
_MAX_HEADING_CHARACTERS = 160
_MAX_HEADING_LINES = 3
_MIN_WRAPPED_WIDTH = 55
_MARGIN_SLACK = 6  # editors that fill paragraphs leave a few characters
_MAX_CAPITALS_SHARE = 0.75
_FIRST_CJK = "\u2e80"
_NUMBERED = re.compile(
    r"(?:chapter|chap\.|book|part|volume|vol\.|section|canto|act|scene|letter|stave|lecture|essay|"
    r"chapitre|livre|partie|acte|sc[eè]ne|lettre|kapitel|buch|teil|theil|abschnitt|aufzug|auftritt|akt|"
    r"cap[ií]tulo|libro|parte|acto|carta|capitolo|atto|livro|hoofdstuk|boek|deel|luku|osa|rozdzia[lł]|глава|часть|книга|том)"
    r"\s+(?:the\s+)?[\w\-]+\b",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:preface|foreword|introduction|prologue|epilogue|conclusion|appendix|contents|table of contents|dedication|"
    r"notes|footnotes|index|glossary|bibliography|pr[ée]face|avant-propos|vorwort|einleitung|nachwort|inhalt|pr[óo]logo|"
    r"ep[íi]logo|introducci[óo]n|introduzione|prefazione|voorwoord|предисловие)\b",
    re.IGNORECASE,
)
_ROMAN = re.compile(r"(?:[IVXLC]{1,8}|\d{1,3})\.?$")


@dataclasses.dataclass(frozen=True)
class Piece:
    """A chapter, or one of the parts of a long one.

    Attributes:
      title: the chapter's heading, "" before the first.
      part, parts: which part this is, from 1, and how many the chapter has.
      text: heading and paragraphs, cleaned, prose unwrapped.
    """

    title: str
    part: int
    parts: int
    text: str


@dataclasses.dataclass
class _Section:
    title: str
    paragraphs: list[str]
    headings: int = 0

    @property
    def is_empty(self) -> bool:
        return len(self.paragraphs) == self.headings


def pieces(body: str, max_bytes: int = MAX_BYTES) -> Iterator[Piece]:
    """Yields the chapters of a book in order, each in parts of at most `max_bytes` of UTF-8."""
    for section in _sections(body):
        parts = _bounded([clean(paragraph) for paragraph in section.paragraphs], max_bytes)
        for number, part in enumerate(parts, 1):
            yield Piece(section.title, number, len(parts), part)


def _paragraphs(body: str) -> Iterator[tuple[list[str], int]]:
    """Blocks of lines, each with the number of blank lines before it."""
    block: list[str] = []
    blanks = 0
    for line in body.split("\n"):
        if line.strip():
            block.append(line.rstrip())
            continue
        if block:
            yield block, blanks
            block, blanks = [], 0
        blanks += 1
    if block:
        yield block, blanks


def _is_heading(block: Sequence[str], blanks: int) -> bool:
    text = " ".join(map(str.strip, block))
    if len(block) > _MAX_HEADING_LINES or len(text) > _MAX_HEADING_CHARACTERS or text.endswith((",", ";", "-")):
        return False
    if not any(map(str.isalnum, text)):
        return False
    names_itself = bool(_NUMBERED.match(text) or _NAMED.match(text) or _ROMAN.match(text))
    return blanks >= 4 or (names_itself and (blanks >= 2 or text.isupper()))


def _sections(body: str) -> list[_Section]:
    sections = [_Section("", [])]
    for block, blanks in _paragraphs(body):
        if not _is_heading(block, blanks):
            sections[-1].paragraphs.append(_unwrapped(block))
            continue
        title = one_line(" ".join(block))
        heading = "\n".join(map(str.strip, block))
        current = sections[-1]
        if current.is_empty and current.headings:
            current.title = f"{current.title} / {title}" if current.headings == 1 else title
            current.paragraphs.append(heading)
            current.headings += 1
        else:
            sections.append(_Section(title, [heading], 1))
    for before, section in zip(sections, sections[1:], strict=False):
        # A run of headings is a table of contents: all but the last two belong to what comes before.
        extra = max(section.headings - 2, 0)
        before.paragraphs += section.paragraphs[:extra]
        del section.paragraphs[:extra]
    return [section for section in sections if section.paragraphs]


def _unwrapped(block: Sequence[str]) -> str:
    """A paragraph's lines joined where a typewriter's margin broke them; verse, tables and lists stay as they are.

    Lines were broken by a margin if the next line's first word would not have fitted on any of them. Verse may look so
    too, but begins its lines with capitals.
    """
    stripped = [line.strip() for line in block]
    width = max(map(len, stripped))
    indents = {len(line) - len(line.lstrip()) for line in block[1:]}
    if len(block) < 2 or width < _MIN_WRAPPED_WIDTH or len(indents) > 1 or any("   " in line for line in stripped):
        return "\n".join(block)
    pairs = list(zip(stripped, stripped[1:], strict=False))
    fits = any(len(line) + 1 + len(after.split(" ", 1)[0]) <= width - _MARGIN_SLACK for line, after in pairs)
    capitals = sum(line[0].isupper() for line in stripped[1:])
    if fits or (len(pairs) > 1 and capitals > _MAX_CAPITALS_SHARE * len(pairs)):
        return "\n".join(block)
    joined = [stripped[0]]
    for line in stripped[1:]:
        glued = joined[-1].endswith("-") or (joined[-1][-1] >= _FIRST_CJK and line[0] >= _FIRST_CJK)
        joined.append(line if glued else " " + line)
    return "".join(joined)


def _bounded(paragraphs: Sequence[str], max_bytes: int) -> list[str]:
    """Paragraphs joined to texts of about equal size, none over `max_bytes`."""
    blocks = [piece for paragraph in paragraphs if paragraph for piece in _split_long(paragraph, max_bytes)]
    sizes = [len(block.encode()) + 2 for block in blocks]
    wanted = sum(sizes) / max(math.ceil(sum(sizes) / max_bytes), 1)
    groups: list[list[str]] = []
    used = 0
    for block, size in zip(blocks, sizes, strict=True):
        if not groups or used + size - 2 > max_bytes or used >= wanted:
            groups.append([])
            used = 0
        groups[-1].append(block)
        used += size
    return ["\n\n".join(group) for group in groups]


def _split_long(paragraph: str, max_bytes: int) -> Iterator[str]:
    """A paragraph in pieces of at most `max_bytes`, cut at line ends or blanks where there are any."""
    data = paragraph.encode()
    while len(data) > max_bytes:
        cut = max(data.rfind(b"\n", 0, max_bytes + 1), data.rfind(b" ", max_bytes // 2, max_bytes + 1))
        if cut <= 0:
            cut = max_bytes
            while cut > 1 and data[cut] & 0xC0 == 0x80:
                cut -= 1
        yield data[:cut].decode()
        data = data[cut:].lstrip()
    if data:
        yield data.decode()
