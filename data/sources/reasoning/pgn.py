"""Chess games in Portable Game Notation: a file of any length cut into games, each replayed before it is believed.

Games are cut by lines, so that one that can't be read costs only itself and its place in the file is known. A game
whose main line holds an illegal or ambiguous move is quarantined whole: what comes before the move would have no
result.
"""

from __future__ import annotations

import codecs
import dataclasses
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from data import streams
from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.reasoning import chess_moves
from data.sources.reasoning.pieces import Item, guarded, joined
from data.sources.reasoning.pieces import line as one_line

NAME = "game_records"
DOMAIN = "reasoning"
LICENCE = "CC0-1.0"  # moves are facts; annotations, which may be works, are left out
_MAX_GAME_BYTES = 2 << 20

_NAME = r"\[\s*([A-Za-z0-9][A-Za-z0-9_+#=:-]*)\s+"
_TAG_START = re.compile(_NAME + '"')
_TAG = re.compile(_NAME + r'"((?:[^"\\]|\\.|"(?!\s*\]))*)"\s*\]')
_MAX_TAG_LINE = 8 << 10
_COMMENT = re.compile(r"[{;]")
_RESULT = re.compile(r"(?:^|[\s)}])(?:1-0|0-1|1/2-1/2|\*)\s*(?:\{[^}]*\}\s*)?$")
_RESULT_TAIL = 400
_UNKNOWN = ("", "?", "-", "????.??.??")
_SHOWN = (("Event", "Event"), ("Site", "Site"), ("Date", "Date"), ("Round", "Round"), ("Opening", "Opening"))
_FACTS = ("Event", "Site", "Date", "Round", "White", "Black", "ECO", "Opening", "TimeControl", "Termination")


@dataclasses.dataclass
class _RawGame:
    """Lines of one game as they stand in the file."""

    offset: int
    tags: list[str] = dataclasses.field(default_factory=list)
    moves: list[str] = dataclasses.field(default_factory=list)
    num_bytes: int = 0
    fault: tuple[str, str, int] | None = None  # reason, evidence, offset
    is_ended: bool = False

    def has_event(self) -> bool:
        return any(tag.startswith("[Event ") for tag in self.tags)

    def is_empty(self) -> bool:
        return not (self.tags or self.moves or self.fault)


@guarded
def read(file: InputFile) -> Iterator[Item]:
    """Yields each game as a document.

    Games without moves and of variants that are not known are skipped. Reasons of quarantine: illegal_move,
    bad_position, binary, too_long, truncated (a comment or variation that never closes), unknown_layout.
    """
    with file.open() as stream:
        is_utf16 = stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    with _utf8(file) if is_utf16 else file.open() as stream:
        for number, raw in enumerate(_games(stream)):
            yield _document(file, raw, number)


def _utf8(file: InputFile) -> BinaryIO:
    """A file of UTF-16 as a stream of UTF-8."""
    return io.BytesIO(streams.decode(file.read()).encode("utf-8", "surrogatepass"))


def _decode(line: bytes) -> str:
    """UTF-8, or what older programs wrote: the specification's Latin-1 as Windows has it."""
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return line.decode("cp1252")
        except UnicodeDecodeError:
            return line.decode("latin-1")


def _games(stream: BinaryIO) -> Iterator[_RawGame]:
    """Cuts a file at tags that follow movetext, and where movetext follows a result."""
    game, in_comment, after_blank = _RawGame(0), False, True
    for line in streams.lines(stream):
        text = _decode(line.data)
        # A comment may hold lines that look like tags ([%clk ...] wrapped); only a new game's Event ends an open one.
        is_event = text.startswith("[Event ")
        is_tag = bool(_TAG_START.match(text.lstrip())) and len(text) <= _MAX_TAG_LINE
        is_tag &= not in_comment or (after_blank and is_event)
        is_blank = not text.strip()
        has_begun = bool(game.moves or game.is_ended or (is_event and (game.fault or game.has_event())))
        is_remark = is_blank or text.lstrip().startswith(("{", ";", "%"))
        if (is_tag and has_begun) or (game.is_ended and not (in_comment or is_tag or is_remark)):
            if in_comment:
                game.fault = game.fault or ("truncated", "a comment is never closed", line.offset)
            yield game
            game, in_comment = _RawGame(line.offset), False
        after_blank = is_blank
        if game.is_empty():
            game.offset = line.offset
        game.num_bytes += line.num_bytes
        if line.too_long or game.num_bytes > _MAX_GAME_BYTES:
            game.fault = game.fault or ("too_long", f"over {_MAX_GAME_BYTES} bytes in a game", line.offset)
        elif b"\x00" in line.data:
            game.fault = game.fault or ("binary", "holds NUL, so it is no text", line.offset)
        elif is_tag:
            game.tags.append(text)
        elif not is_blank:
            game.moves.append(text)
            in_comment = _is_in_comment(text, in_comment)
            if not in_comment and not text.startswith((";", "%")):
                game.is_ended |= bool(_RESULT.search(text[-_RESULT_TAIL:]))
    if not game.is_empty():
        if in_comment:
            game.fault = game.fault or ("truncated", "a comment is never closed", game.offset)
        yield game


def _is_in_comment(text: str, in_comment: bool) -> bool:
    """Whether a brace is open at the line's end. Comments don't nest, and `;` comments out the rest of a line."""
    if text.startswith("%") and not in_comment:
        return False
    position = 0
    while True:
        if in_comment:
            position = text.find("}", position) + 1
            if position == 0:
                return True
            in_comment = False
        match = _COMMENT.search(text, position)
        if match is None or match.group() == ";":
            return False
        in_comment, position = True, match.end()


def _document(file: InputFile, raw: _RawGame, number: int) -> Document | Quarantined | Skipped:
    def quarantined(reason: str, evidence: str, offset: int = raw.offset) -> Quarantined:
        return Quarantined(file.name, offset, reason, raw.num_bytes, evidence)

    if raw.fault:
        return quarantined(*raw.fault)
    headers = {key: value for line in raw.tags for key, value in _pairs(line)}
    if not raw.moves:
        return Skipped(file.name, raw.offset, "no_moves", raw.num_bytes, one_line(headers.get("Event")))
    movetext = "\n".join(raw.moves)
    try:
        start = chess_moves.start_position(headers)
        game = chess_moves.replay(start, movetext)
    except LookupError as error:
        return Skipped(file.name, raw.offset, "unsupported_variant", raw.num_bytes, str(error))
    except chess_moves.IllegalMove as error:
        if not headers and error.is_word and error.ply == 0:
            return quarantined("unknown_layout", f"expected PGN tags or moves, found {movetext[:80]!r}")
        return quarantined("illegal_move", str(error), raw.offset + _bytes_before(raw, movetext, error.position))
    except ValueError as error:
        return quarantined("bad_position", str(error))
    if not game.is_closed:
        return quarantined("truncated", "a variation is never closed")
    if not game.moves:
        return Skipped(file.name, raw.offset, "no_moves", raw.num_bytes, one_line(headers.get("Event")))
    proof = chess_moves.certificate(game)
    stated = headers.get("Result", "")
    result = game.result or (stated if stated in chess_moves.RESULTS else "*")
    meta = {key.lower(): one_line(headers[key]) for key in _FACTS if headers.get(key, "") not in _UNKNOWN}
    for side in ("white", "black"):
        if (elo := headers.get(f"{side.capitalize()}Elo", "")).isascii() and elo.isdigit() and len(elo) <= 4:
            meta[f"{side}_elo"] = int(elo)
    meta |= {"result": result, "certificate": proof}
    text = joined(
        (_heading(headers, proof), chess_moves.numbered(game), f"Result: {result}, {chess_moves.RESULTS[result]}")
    )
    return Document(text, DOMAIN, f"{NAME}:{file.name}#{number}", LICENCE, meta=meta)


def _pairs(line: str) -> list[tuple[str, str]]:
    """The tags of a line: as the grammar has them, or one that breaks it."""
    found = _TAG.findall(line)
    if not found or _TAG.sub("", line).strip():
        start = _TAG_START.match(line.strip())
        value = line.strip()[start.end() :].rstrip("] \t").removesuffix('"') if start else ""
        return [(start[1], value.strip())] if start else []
    return [
        (key, re.sub(r'\\(["\\])', r"\1", value).strip().removesuffix(".??").removesuffix(".??"))
        for key, value in found
    ]


def _bytes_before(raw: _RawGame, movetext: str, position: int) -> int:
    """About where in the game a character of its movetext lies: after the tags, which are stored before it."""
    before = movetext[:position].encode("utf-8", "surrogatepass")
    tags = sum(len(tag.encode("utf-8", "surrogatepass")) + 1 for tag in raw.tags)
    return min(tags + len(before), max(raw.num_bytes - 1, 0))


def _heading(headers: dict[str, str], proof: dict) -> str:
    """The headers that say something, one a line."""

    def value(key: str) -> str:
        return "" if headers.get(key, "") in _UNKNOWN else one_line(headers[key])

    variant = "chess960" if proof["chess960"] and proof["variant"] == "chess" else proof["variant"]
    lines = [f"A game of {variant}"]
    for side in ("White", "Black"):
        rating = value(f"{side}Elo")
        lines.append(f"{side}: {value(side) or 'unknown'}" + (f" ({rating})" if rating else ""))
    lines += [f"{word}: {value(key)}" for key, word in _SHOWN if value(key)]
    if value("ECO") and not value("Opening"):
        lines.append(f"Opening: {value('ECO')}")
    if headers.get("FEN"):
        lines.append(f"Start: {proof['start']}")
    return "\n".join(lines)
