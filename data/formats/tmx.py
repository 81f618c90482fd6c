"""Translation units of TMX 1.1 to 1.4b files (https://www.gala-global.org/tmx-14b), one at a time."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterator

from lxml import etree

from data.formats import xml
from data.formats.plain_text import one_line
from data.inputs import InputFile

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ANY_SOURCE = "*all*"
# Native codes of the format that was translated, and texts that interrupt the segment; what follows them goes on.
_CODES = frozenset({"bpt", "ept", "ph", "it", "ut", "sub"})


@dataclasses.dataclass(frozen=True)
class Unit:
    """One translation unit.

    Attributes:
      number: of the unit in the file, from 0.
      key: its `tuid`, or "".
      source: code of the source language, or "" where any may be it.
      variants: (language code, text) of each variant, in order, codes in lower case.
      note: its first note or property of type note, "" without one.
      num_bytes: of all variants.
    """

    number: int
    key: str
    source: str
    variants: tuple[tuple[str, str], ...]
    note: str
    num_bytes: int


def units(file: InputFile) -> Iterator[Unit]:
    """Yields the units of a file.

    Raises:
      StreamError: the XML is malformed, or its compression breaks; what came before has been yielded.
    """
    source, number = "", 0
    for element in xml.elements(file, ("header", "tu")):
        if xml.local_name(element) == "header":
            source = _source(element, "")
            continue
        yield _unit(element, number, source)
        number += 1


def _source(element: etree._Element, default: str) -> str:
    code = element.get("srclang", default).strip().lower().replace("_", "-")
    return "" if code == _ANY_SOURCE else code


def _unit(element: etree._Element, number: int, default_source: str) -> Unit:
    variants = []
    note = ""
    for child in element:
        name = xml.local_name(child)
        if name == "tuv":
            code = (child.get(_XML_LANG) or child.get("lang") or "").strip().lower().replace("_", "-")
            segments = [one_line(_segment(inner)) for inner in child if xml.local_name(inner) == "seg"]
            variants.append((code, " ".join(filter(None, segments))))
        elif not note and (name == "note" or (name == "prop" and child.get("type") == "note")):
            note = one_line(child.text or "")[:300]
    size = sum(len(text.encode()) for _, text in variants)
    return Unit(number, element.get("tuid", ""), _source(element, default_source), tuple(variants), note, size)


def _segment(element: etree._Element) -> str:
    """Text of a segment: highlighted text stays, codes go, a code that breaks the line leaves a blank."""
    pieces = [element.text or ""]
    for child in element:
        name = xml.local_name(child)
        if not name:
            # A reference to an entity of a DTD that is not read, `&nbsp;` mostly.
            pieces.append(html.unescape(child.text or ""))
        elif name not in _CODES:
            pieces.append(_segment(child))
        elif child.get("type") == "lb" or "<br" in (child.text or "").lower():
            pieces.append(" ")
        pieces.append(child.tail or "")
    return "".join(pieces)
