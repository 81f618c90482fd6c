"""books_corpus: plain text books, Project Gutenberg's above all, one document a chapter or part of one."""

from __future__ import annotations

from collections.abc import Iterator

from data import archives, streams
from data.document import Document, Quarantined, Skipped
from data.formats import chapters, gutenberg, language_id
from data.inputs import InputFile
from data.sources.language.guarded import guarded
from data.sources.source import Item

NAME = "books_corpus"
MAX_BOOK_BYTES = 64 << 20


@guarded
def read_text(file: InputFile) -> Iterator[Item]:
    """The chapters of one book in a text file."""
    yield from _book(file, file.read(MAX_BOOK_BYTES), "", 0)


@guarded
def read_zip(file: InputFile) -> Iterator[Item]:
    """The chapters of the books in a zip; what else lies in it, pictures and web pages, is skipped."""
    for member in archives.members(file, MAX_BOOK_BYTES):
        if isinstance(member, Quarantined):
            yield member
        elif member.name.lower().endswith(".txt"):
            yield from _book(file, member.data, member.name, member.offset)
        else:
            yield Skipped(file.name, member.offset, "not_text", len(member.data), member.name[:200])


def _book(file: InputFile, data: bytes, member: str, offset: int) -> Iterator[Item]:
    try:
        text = gutenberg.decode(data)
    except streams.StreamError as error:
        yield Quarantined(
            file.name, offset + error.offset, error.reason, len(data), f"{member} {error.evidence}".strip()
        )
        return
    body = gutenberg.strip_licence(text)
    pieces = list(chapters.pieces(body))
    if not pieces:
        yield Skipped(file.name, offset, "no_text", len(data), f"{member} holds no more than a licence".strip())
        return
    facts = gutenberg.all_facts(file, text)
    language, probability = language_id.identify(body[len(body) // 3 :])
    book = {
        "book": facts.number,
        "title": facts.title or (member or file.name).rsplit("/", 1)[-1].split(".")[0],
        "authors": list(facts.authors),
        "subjects": list(facts.subjects),
        "issued": facts.issued,
        "declared_language": facts.language,
    }
    for number, piece in enumerate(pieces, 1):
        where = {"chapter": piece.title, "number": number, "part": piece.part, "parts": piece.parts}
        identified = {"language": language, "language_probability": probability}
        yield Document(
            text=piece.text,
            domain="language",
            source=f"{NAME}:{file.name}#{f'{member}/' if member else ''}{number}",
            licence=facts.licence or "NOASSERTION",
            meta={name: value for name, value in {**book, **where, **identified}.items() if value not in ("", [])},
        )
