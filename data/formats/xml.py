"""XML read without entities, DTDs or network, whole or one element at a time (lxml)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from lxml import etree

from data import streams
from data.inputs import InputFile

_SAFE = dict(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False)
# Bytes that a document type may hold: declarations of entities that nest are bombs, and no source needs long ones.
_MAX_DOCTYPE = 64 << 10
_SUBSET_END = re.compile(rb"\]\s*>")
_ENTITIES = "declares entities, which are not expanded"


def parse(data: bytes) -> etree._Element:
    """The root of a small document.

    Raises:
      StreamError: it is malformed, or declares entities.
    """
    refuse_entities(data[:_MAX_DOCTYPE])
    try:
        root = etree.fromstring(data, etree.XMLParser(remove_comments=True, remove_pis=True, **_SAFE))
    except etree.XMLSyntaxError as error:
        raise streams.StreamError("malformed", _line_offset(data, error), str(error)) from error
    _refuse_declared(root)
    return root


def _line_offset(data: bytes, error: etree.XMLSyntaxError) -> int:
    line, column = error.position
    return min(sum(map(len, data.splitlines(keepends=True)[: max(line - 1, 0)])) + max(column - 1, 0), len(data))


def refuse_entities(head: bytes) -> None:
    """Raises StreamError where a document's head declares entities, which only bombs and file readers need.

    Looks at the internal subset of the document type only: a text may well speak of `<!ENTITY`.
    """
    # Without the zeros of UTF-16 and UTF-32 the marks are ASCII in every encoding that libxml2 takes.
    flat = head.replace(b"\x00", b"").upper()
    start = flat.find(b"<!DOCTYPE")
    if start < 0 or b"[" not in flat[start:].split(b">", 1)[0]:
        return
    end = _SUBSET_END.search(flat, start)
    position = flat.find(b"<!ENTITY", start, end.start() if end else len(flat))
    if position >= 0:
        raise streams.StreamError("entities", position * round(len(head) / len(flat)), _ENTITIES)


def _refuse_declared(root: etree._Element) -> None:
    """The same by what the parser found, wherever in the file it stood; nothing has been expanded yet."""
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and next(dtd.iterentities(), None) is not None:
        raise streams.StreamError("entities", 0, _ENTITIES)


def elements(file: InputFile, tags: Collection[str]) -> Iterator[etree._Element]:
    """Yields each closed element whose local name is in `tags`, and forgets it when the next is asked for.

    Memory is that of one element, however large the file.

    Raises:
      StreamError: the XML is malformed from some offset on, declares entities, or its compression breaks. What came
        before has been yielded.
    """
    with file.open() as stream:
        counted = _Counted(stream)
        wanted = [name for tag in tags for name in (tag, f"{{*}}{tag}")]
        try:
            events = etree.iterparse(
                counted, events=("end",), tag=wanted, remove_comments=True, remove_pis=True, **_SAFE
            )
            is_first = True
            for _, element in events:
                if is_first:
                    _refuse_declared(element)
                    is_first = False
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
        except etree.XMLSyntaxError as error:
            raise streams.StreamError("malformed", counted.offset, str(error)) from error


class _Counted:
    """A stream that knows how far it was read, and refuses entities in its head."""

    def __init__(self, stream) -> None:
        # One piece at a time where that is possible: what precedes an error is parsed before it is raised.
        self._read = getattr(stream, "read1", stream.read)
        self._head = b""
        self.offset = 0

    def read(self, size: int = -1) -> bytes:
        data = self._read(min(size, 1 << 16) if size > 0 else 1 << 16)
        if self.offset < _MAX_DOCTYPE:
            self._head += data  # a declaration may lie on the border of two reads
            refuse_entities(self._head[:_MAX_DOCTYPE])
        self.offset += len(data)
        return data


def local_name(element: etree._Element) -> str:
    """An element's name without its namespace; "" for comments and instructions."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
