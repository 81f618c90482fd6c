"""Project Gutenberg's plain texts: the book without header, licence and credits, and what header and RDF say about it.

Thirty years of texts mark the licence in many ways. The catalogue's RDF is described at
https://www.gutenberg.org/ebooks/offline_catalogs.html.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re

from data import streams
from data.formats import xml
from data.formats.plain_text import one_line
from data.inputs import InputFile

PUBLIC_DOMAIN = "LicenseRef-PublicDomain-US"
COPYRIGHTED = "LicenseRef-Gutenberg-Copyrighted"

_START = re.compile(
    r"\W{0,6}START OF (?:THE|THIS) PROJECT GUTENBERG E-?(?:BOOK|TEXT)|\*END\W{0,4}THE SMALL PRINT", re.I
)
_REAL_START = re.compile(r"\W{0,6}START OF", re.I)
_END = re.compile(
    r"\W{0,6}END OF (?:THE |THIS )?(?:COPYRIGHTED )?PROJECT GUTENBERG|"
    r"\W{0,6}Ende dieses (?:Projekt|Project) Gutenberg|"
    r"\W{0,6}Fin (?:de|du|de ce) (?:Projet|Project) Gutenberg|"
    r"\W{0,9}This file should be named \S+\.(?:txt|zip)",
    re.I,
)
_INSERTED = re.compile(r"<<THIS ELECTRONIC VERSION OF THE COMPLETE WORKS", re.I)
_MAX_HEADER_LINES = 600
_MAX_INSERTED_LINES = 20
_MAX_MARKER_LINES = 5
_CREDITS = re.compile(
    r"(?:produced|transcribed|prepared|scanned|digitized|proofread|html version|"
    r"e-?text (?:prepared|produced|scanned)) |"
    r"\W?(?:this|the|our) (?:e-?book|e-?text|book|file|text|updated edition)[\w ,-]{0,40}? "
    r"(?:was|is) (?:produced|prepared|typed|scanned|transcribed|created|converted|proofread)",
    re.I,
)
_CREDITED = re.compile(r"\bby\b|\bfrom\b|@|https?:|www\.", re.I)
_MAX_CREDIT_CHARACTERS = 800
_FIELD = re.compile(r"(title|author|translator|editor|illustrator|language|release date|posting date):\s*(.*)", re.I)
_NUMBER = re.compile(r"\[\s*(?:e-?book|e-?text)\s*#\s*(\d{1,7})\s*\]", re.I)
_FIRST_LINE = re.compile(
    r"\W{0,6}(?:The )?Project Gutenberg(?:'s)? (?:e-?book|e-?text)?(?: of|,)? ?(.+?)(?:, by (.+))?$", re.I
)
_CHARSET = re.compile(rb"character set encoding:\s*([^\r\n]{1,60})", re.I)
_CHARSET_NAME = re.compile(
    r"(utf-?\d+|iso[ -]?8859-?\d+|windows-?\d+|cp-?\d+|big5|gb\d+|shift[_-]?jis|euc-\w+|koi8-r|mac\w*)", re.I
)
_MAX_CONTROL_SHARE = 0.001
_LANGUAGES = dict(
    zip(
        "english french german spanish italian portuguese dutch finnish swedish danish norwegian latin greek chinese "
        "esperanto hungarian polish russian japanese tagalog catalan czech welsh icelandic afrikaans".split(),
        "en fr de es it pt nl fi sv da no la el zh eo hu pl ru ja tl ca cs cy is af".split(),
        strict=True,
    )
)


@dataclasses.dataclass(frozen=True)
class BookFacts:
    """What is known about a book; "" and () where nothing is.

    Attributes:
      number: Gutenberg's number of the book.
      title, authors: as the catalogue has them.
      language: ISO 639-1 code.
      subjects: Library of Congress subject headings.
      issued: day or month of publication at Gutenberg.
      licence: PUBLIC_DOMAIN, COPYRIGHTED, or "" where nothing says so.
    """

    number: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    language: str = ""
    subjects: tuple[str, ...] = ()
    issued: str = ""
    licence: str = ""

    def or_else(self, other: BookFacts) -> BookFacts:
        """These facts, with another's where these say nothing."""
        names = (field.name for field in dataclasses.fields(self))
        return BookFacts(**{name: getattr(self, name) or getattr(other, name) for name in names})


def decode(data: bytes) -> str:
    """A text's characters: by byte order mark, UTF-8, by what its header names, or Windows-1252.

    Raises:
      StreamError: it is no text.
    """
    named = _CHARSET.search(data[: 64 << 10])
    found = _CHARSET_NAME.search(named.group(1).decode("latin-1")) if named else None
    encodings = ["utf-8", *([found.group(1).replace(" ", "-")] if found else []), "windows-1252", "latin-1"]
    for encoding in encodings:
        try:
            text = streams.decode(data, encoding)
            break
        except streams.StreamError as error:
            if error.reason == "binary" or encoding == encodings[-1]:
                raise
    controls = sum(text.count(chr(code)) for code in (*range(1, 9), *range(14, 32), *range(127, 160)))
    if controls > max(8, _MAX_CONTROL_SHARE * len(text)):
        raise streams.StreamError("binary", 0, f"{controls} control characters of {len(text)}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def strip_licence(text: str) -> str:
    """The book itself: what lies between the start and end markers, without the credits of those who typed it.

    A text without markers is returned as it is. Of several books in one file all are kept.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    kept: list[str] = []
    inside = not any(map(_START.match, lines[:_MAX_HEADER_LINES]))
    is_first, number = True, 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if _START.match(line):
            is_marker = bool(_REAL_START.match(line))
            # Old headers end twice: with the small print, and with the marker itself.
            if inside and is_first and is_marker and len(kept) < _MAX_HEADER_LINES:
                kept.clear()
            inside, number = True, _marker_end(lines, number) if is_marker else number
        elif inside and _END.match(line):
            inside = is_first = False
        elif inside and _INSERTED.match(line):
            ends = (n for n, found in enumerate(lines[number : number + _MAX_INSERTED_LINES], number) if ">>" in found)
            number = next(ends, number - 1) + 1
        elif inside:
            kept.append(line)
    return _without_credits("\n".join(kept)).strip("\n")


def _marker_end(lines: list[str], number: int) -> int:
    """Index of the line after a start marker: long titles run over several lines, up to the stars."""
    if lines[number - 1].rstrip().endswith("*") or "*" not in lines[number - 1][:6]:
        return number
    ends = (
        n + 1 for n in range(number, min(number + _MAX_MARKER_LINES, len(lines))) if lines[n].rstrip().endswith("***")
    )
    return next(ends, number)


def _without_credits(body: str) -> str:
    head, rest = body[: 4 * _MAX_CREDIT_CHARACTERS], body[4 * _MAX_CREDIT_CHARACTERS :]
    paragraphs = re.split(r"(\n[ \t]*\n\s*)", head)
    for index in range(0, min(len(paragraphs) - 1, 9), 2):
        found = paragraphs[index].strip()
        if len(found) <= _MAX_CREDIT_CHARACTERS and _CREDITS.match(found) and _CREDITED.search(found):
            paragraphs[index] = ""
    return "".join(paragraphs) + rest


def facts(text: str) -> BookFacts:
    """What a text's own header says."""
    lines = text[: 64 << 10].split("\n")[:_MAX_HEADER_LINES]
    first = next((line for line in lines if line.strip()), "").lstrip("\ufeff")
    if "gutenberg" not in first.lower() and not any(map(_START.match, lines)):
        return BookFacts()
    fields: dict[str, str] = {}
    field = None
    for line in lines:
        if _START.match(line):
            break
        if found := _FIELD.match(line):
            field = found.group(1).lower()
            fields.setdefault(field, found.group(2))
        elif field and line.startswith((" ", "\t")) and line.strip():
            fields[field] += " " + line.strip()
        else:
            field = None
    number = next((found.group(1) for found in map(_NUMBER.search, lines) if found), "")
    named = _FIRST_LINE.match(first.strip()[:300])
    title = fields.get("title") or (named.group(1) if named else "")
    author = fields.get("author") or (named.group(2) if named else "") or ""
    date = fields.get("release date") or fields.get("posting date") or ""
    copyrighted = "copyrighted project gutenberg" in " ".join(lines).lower()
    return BookFacts(
        number=number,
        title=one_line(title),
        authors=tuple(filter(None, [one_line(author)])),
        language=_LANGUAGES.get(fields.get("language", "").strip().lower(), ""),
        issued=one_line(date.split("[")[0]),
        licence=COPYRIGHTED if copyrighted else PUBLIC_DOMAIN,
    )


def rdf_facts(data: bytes) -> BookFacts:
    """What the catalogue's RDF file of a book says.

    Raises:
      StreamError: the file is malformed.
    """
    root = xml.parse(data)
    book = next((e for e in root.iter() if xml.local_name(e) == "ebook"), None)
    if book is None:
        raise streams.StreamError("malformed", 0, "RDF without a pgterms:ebook")
    children: dict[str, list] = {}
    for child in book:
        children.setdefault(xml.local_name(child), []).append(child)

    def texts(name: str, inner: str) -> list[str]:
        found = [
            one_line("".join(e.itertext()))
            for c in children.get(name, ())
            for e in c.iter()
            if xml.local_name(e) == inner
        ]
        return list(filter(None, found))

    subjects = [
        one_line("".join(child.itertext()))
        for child in children.get("subject", ())
        if any(value.endswith("/LCSH") for e in child.iter() for value in e.attrib.values())
    ]
    rights = " ".join(texts("rights", "rights")).lower()
    about = next((value for name, value in book.attrib.items() if name.endswith("}about")), "")
    return BookFacts(
        number="".join(filter(str.isdigit, about.rsplit("/", 1)[-1])),
        title=next(iter(texts("title", "title")), ""),
        authors=tuple(texts("creator", "name")),
        language=next(iter(texts("language", "value")), "").lower(),
        subjects=tuple(filter(None, subjects)),
        issued=next(iter(texts("issued", "issued")), ""),
        licence=PUBLIC_DOMAIN if "public domain" in rights else COPYRIGHTED if "copyright" in rights else "",
    )


def companion(file: InputFile, number: str) -> InputFile | None:
    """The catalogue's RDF file of a text, where it lies beside it or in the mirror's own layout."""
    stem = re.match(r"(?:pg)?(\d{1,7})(?:-\d)?\.", posixpath.basename(file.name).lower())
    for name in dict.fromkeys(filter(None, [stem.group(1) if stem else "", number])):
        for place in (
            f"pg{name}.rdf",
            f"{name}.rdf",
            f"../cache/epub/{name}/pg{name}.rdf",
            f"cache/epub/{name}/pg{name}.rdf",
        ):
            if found := file.sibling(place):
                return found
    return None


def all_facts(file: InputFile, text: str) -> BookFacts:
    """The catalogue's facts about a text, and its header's where the catalogue is silent, broken or not there."""
    own = facts(text)
    rdf = companion(file, own.number)
    if rdf is None:
        return own
    try:
        return rdf_facts(rdf.read(4 << 20)).or_else(own)
    except streams.StreamError:
        return own
