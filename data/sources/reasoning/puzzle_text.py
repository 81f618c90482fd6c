"""Puzzles in plain text: LogiQA's blocks of lines and bAbI's numbered stories, told apart by how they begin.

LogiQA (Liu et al. 2020): a blank line, the letter of the answer, context, question, options `A.` to `D.`. bAbI
(Weston et al. 2015): lines numbered from 1 in each story; a line with tabs is a question, its answer and the numbers
of the lines that tell it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from data import streams
from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.reasoning.pieces import Item, clean, guarded, joined
from data.sources.reasoning.question_rows import Puzzle, without_labels

NAME = "logic_puzzles"
DOMAIN = "reasoning"
LICENCE = "NOASSERTION"

_MAX_BLOCK = 1 << 20
_SNIFFED_LINES = 40
_LETTER = re.compile(rb"[ \t]*([A-Ha-h])[ \t.]*")
_OPTION = re.compile(r"\s*\(?([A-H])\s?[).:．、]")


@dataclasses.dataclass
class _Block:
    """Lines of one puzzle or story."""

    offset: int
    lines: list[bytes] = dataclasses.field(default_factory=list)
    num_bytes: int = 0
    is_too_long: bool = False

    def add(self, line: streams.Line) -> None:
        self.num_bytes += line.num_bytes
        self.is_too_long |= line.too_long or self.num_bytes > _MAX_BLOCK
        if not self.is_too_long:
            self.lines.append(line.data)


@guarded
def read(file: InputFile) -> Iterator[Item]:
    """Yields each puzzle of LogiQA, or each story of bAbI with its questions, as a document.

    Reasons of quarantine: unknown_layout, malformed, undecodable, binary, too_long. Stories without a question are
    skipped.
    """
    begins, convert, letter = _sniffed(file)
    if begins is None:
        with file.open() as stream:
            head = stream.read(100)
        if not head.strip():
            return
        evidence = f"expected LogiQA blocks (a letter, then lines) or bAbI stories ('1 ...'), found {head[:80]!r}"
        yield Quarantined(file.name, 0, "unknown_layout", file.size, evidence)
        return
    with file.open() as stream:
        for number, block in enumerate(_blocks(stream, begins)):
            yield _item(file, block, convert, f"{letter}{number}")


def _sniffed(file: InputFile):
    """How blocks of the file's layout begin, what one means, and what their keys begin with."""
    with file.open() as stream:
        for number, line in enumerate(streams.lines(stream)):
            data = line.data.removeprefix(b"\xef\xbb\xbf")
            if number > _SNIFFED_LINES or line.too_long:
                break
            if _LETTER.fullmatch(data):
                return _LETTER.fullmatch, _logiqa, "puzzle"
            if data.startswith(b"1 "):
                return re.compile(rb"1 .*", re.DOTALL).fullmatch, _babi, "story"
            if data.strip():
                break
    return None, None, ""


def _blocks(stream, begins) -> Iterator[_Block]:
    """Cuts a file where a line begins a new block; blank lines between blocks belong to the one before."""
    block: _Block | None = None
    for line in streams.lines(stream):
        if line.offset == 0 and line.data.startswith(b"\xef\xbb\xbf"):
            line = dataclasses.replace(line, data=line.data[3:])
        if block is None or (begins(line.data) and block.lines) or (begins(line.data) and block.is_too_long):
            if block is not None:
                yield block
            block = None
            if not line.data.strip():
                continue
            block = _Block(line.offset)
        block.add(line)
    if block is not None:
        yield block


def _item(file: InputFile, block: _Block, convert, key: str) -> Item:
    if block.is_too_long:
        return Quarantined(
            file.name, block.offset, "too_long", block.num_bytes, f"over {_MAX_BLOCK} bytes in one puzzle"
        )
    try:
        try:
            text = streams.decode(b"\n".join(block.lines))
        except streams.StreamError as error:
            return Quarantined(file.name, block.offset + error.offset, error.reason, block.num_bytes, error.evidence)
        found = convert(clean(text).split("\n"))
    except ValueError as error:
        return Quarantined(file.name, block.offset, "malformed", block.num_bytes, str(error))
    if found is None:
        return Skipped(
            file.name, block.offset, "no_question", block.num_bytes, block.lines[0][:80].decode("utf-8", "replace")
        )
    text, meta = found
    return Document(text, DOMAIN, f"{NAME}:{file.name}#{key}", LICENCE, meta=meta)


def _logiqa(lines: list[str]) -> tuple[str, dict]:
    """One block: the letter, context, question, and options, the run of lines A, B, C ... at the end."""
    letter, *rest = [line.strip() for line in lines if line.strip()]
    letter = letter.strip(" .").upper()
    start = next((at for at in range(len(rest) - 1, -1, -1) if (m := _OPTION.match(rest[at])) and m[1] == "A"), -1)
    letters = "".join(m[1] if (m := _OPTION.match(line)) else "?" for line in rest[start:]) if start >= 0 else ""
    if start < 1 or len(letters) < 2 or letters != "ABCDEFGH"[: len(letters)]:
        raise ValueError(
            f"expected context, question and options from A., found {len(rest)} lines with options {letters!r}"
        )
    if letter not in letters:
        raise ValueError(f"the answer {letter} is none of the options {letters}")
    options = without_labels(rest[start:])
    index = letters.index(letter)
    puzzle = Puzzle(rest[start - 1], options[index], "\n".join(rest[: start - 1]), options, index)
    return puzzle.text(), puzzle.meta()


def _babi(lines: list[str]) -> tuple[str, dict] | None:
    """One story: its lines in their order, questions with their answers."""
    shown: list[str] = []
    questions: list[dict] = []
    for expected, line in enumerate(filter(str.strip, lines), 1):
        number, _, words = line.partition(" ")
        if number != str(expected):
            raise ValueError(f"expected line {expected} of a story, found {line[:60]!r}")
        said, *rest = (part.strip() for part in words.split("\t"))
        if not rest:
            shown.append(said)
            continue
        if not said or not rest[0]:
            raise ValueError(f"line {expected} is a question without words or answer")
        supports = [int(part) for part in rest[1].split()] if len(rest) > 1 and re.fullmatch(r"[\d ]*", rest[1]) else []
        questions.append({"question": said, "answer": rest[0], "supports": supports})
        shown += [f"Question: {said}", f"Answer: {rest[0]}"]
    if not questions:
        return None
    return joined(shown, "\n"), {"answer": "\n".join(one["answer"] for one in questions), "questions": questions}
