"""Philosophy from Project Gutenberg: books by chapters, without header and licence.

Speakers of dialogues keep their turns.
A text without Gutenberg's header is read as a book all the same; nothing is known of its licence then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from data.document import Document
from data.formats import chapters, gutenberg
from data.inputs import InputFile
from data.sources.reasoning.pieces import Item, Piece, converted, guarded

NAME = "philosophy_texts"
DOMAIN = "reasoning"

_TURN = re.compile(r"^([A-Z][A-Z .'’\-]{1,30}[A-Z])[.:](?:\s|$)", re.MULTILINE)
_MIN_TURNS = 4
_MAX_SPEAKERS = 20


@guarded
def read(file: InputFile) -> Iterator[Item]:
    """Yields the chapters of a book, or of every book in an archive, with the `speakers` of a dialogue in `meta`."""
    yield from converted(file, _book)


def _book(piece: Piece) -> Iterable[Item]:
    if piece.name != piece.file.name and not piece.name.lower().endswith(".txt"):
        return [piece.skipped("companion")]
    text = gutenberg.decode(piece.data)
    parts = list(chapters.pieces(gutenberg.strip_licence(text)))
    if not parts:
        return [piece.skipped("no_text", f"{piece.name} holds no more than a licence")]
    facts = gutenberg.all_facts(piece.file, text)
    book = {
        "book": facts.number,
        "title": facts.title or piece.name.rsplit("/", 1)[-1].split(".")[0],
        "authors": list(facts.authors),
        "subjects": list(facts.subjects),
        "language": facts.language,
    }
    found: list[Item] = []
    for number, part in enumerate(parts, 1):
        where = {"chapter": part.title, "number": number, "part": part.part, "parts": part.parts}
        meta = {**book, **where, "speakers": speakers(part.text)}
        meta = {name: value for name, value in meta.items() if value not in ("", [])}
        licence = facts.licence or "NOASSERTION"
        found.append(Document(part.text, DOMAIN, f"{NAME}:{piece.name}#{number}", licence, meta=meta))
    return found


def speakers(text: str) -> list[str]:
    """Who speaks in a dialogue: names in capitals that begin paragraphs again and again; [] where nobody does."""
    turns = Counter(_TURN.findall(text))
    names = sorted(name for name, count in turns.items() if count > 1)
    return names[:_MAX_SPEAKERS] if len(names) > 1 and sum(turns.values()) >= _MIN_TURNS else []
