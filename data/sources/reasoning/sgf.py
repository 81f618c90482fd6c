"""Go games in the Smart Game Format (FF[1] to FF[4]), in whatever encoding they declare or were written.

A collection is decoded before it is parsed: in Shift_JIS and Big5 a character's second byte may be a bracket or
backslash, so a parser of bytes loses its way. The main line, the first variation at every branching, is replayed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from data import streams
from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.reasoning import go_moves, sgf_encodings
from data.sources.reasoning.pieces import MAX_WHOLE_BYTES, Item, guarded, joined, line

NAME = "game_records"
DOMAIN = "reasoning"
LICENCE = "CC0-1.0"  # moves are facts; comments, which may be works, are left out

_TREE = re.compile(r"\(\s*;")
_PART = re.compile(r"\s+|[();]|([A-Za-z]+)|\[([^\]\\]*(?:\\.[^\]\\]*)*)\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(\r\n|\n\r|.)", re.DOTALL)
_MAX_SETUP = 20_000
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SHOWN = {
    "EV": "Event",
    "GN": "Game",
    "RO": "Round",
    "PC": "Place",
    "DT": "Date",
    "KM": "Komi",
    "HA": "Handicap",
    "RU": "Rules",
}
_SIDES = (("Black", "PB", "BR", "BT"), ("White", "PW", "WR", "WT"))

Node = dict[str, list[str]]


class _Malformed(ValueError):
    """Not SGF from `position` on."""

    def __init__(self, message: str, position: int):
        super().__init__(message)
        self.position = position


@guarded
def read(file: InputFile) -> Iterator[Item]:
    """Yields each game of a collection as a document.

    Games other than Go, on boards that are not square, and without moves are skipped. Reasons of quarantine:
    illegal_move, bad_position, malformed, undecodable, binary, unknown_layout.
    """
    data = file.read(MAX_WHOLE_BYTES)
    codec = sgf_encodings.codec_of(data)
    text = sgf_encodings.decode(data, codec)
    at, number = 0, 0
    offset = len(data) - _size(text, codec)  # the byte order mark
    while match := _TREE.search(text, at):
        offset += _size(text[at : match.start()], codec)
        try:
            nodes, end = _main_line(text, match.start())
        except _Malformed as error:
            # Where a value is never closed, none after it is: the rest of the file is one piece.
            is_open = text[error.position : error.position + 1] == "["
            following = None if is_open else _TREE.search(text, max(error.position, match.end()))
            end = following.start() if following else len(text)
            size = _size(text[match.start() : end], codec)
            where = offset + _size(text[match.start() : error.position], codec)
            yield Quarantined(file.name, where, "malformed", size, str(error))
        else:
            size = _size(text[match.start() : end], codec)
            yield _document(file, nodes, codec, number, offset, size)
        number, at, offset = number + 1, end, offset + size
    if not number and text.strip():
        evidence = f"expected an SGF game tree '(;', found {text[:80]!r}"
        yield Quarantined(file.name, 0, "unknown_layout", len(data), evidence)


def _size(text: str, codec: str) -> int:
    """Bytes of a part of the text in the file."""
    return len(text.encode({"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(codec, codec), "replace"))


def _main_line(text: str, start: int) -> tuple[list[Node], int]:
    """The nodes of a game tree's main line, and where the tree ends.

    At every branching the first subtree goes on; the later ones are only balanced.
    """
    nodes: list[Node] = []
    depth, on_main, position, key = 0, True, start, ""
    while True:
        match = _PART.match(text, position)
        if match is None:
            at_end = position >= len(text) or text[position] == "["
            problem = "the game tree is never closed" if at_end else f"{text[position : position + 20]!r} is no SGF"
            raise _Malformed(problem, position)
        position = match.end()
        token = match.group()
        if token == "(":
            depth, key = depth + 1, ""
        elif token == ")":
            depth, on_main, key = depth - 1, False, ""
            if depth == 0:
                return nodes, position
        elif token == ";":
            key = ""
            if on_main:
                nodes.append({})
        elif match[1] is not None:
            # FF[1] to FF[3] write names with small letters that don't count: GaMe for GM.
            key = "".join(filter(str.isupper, match[1]))
        elif match[2] is not None:
            if not key:
                raise _Malformed("a value without a property", match.start())
            if on_main and nodes:
                nodes[-1].setdefault(key, []).append(match[2])


def _value(node: Node, key: str) -> str:
    """A property's text on one line, escapes undone."""
    values = node.get(key, [])
    return (
        line(_ESCAPE.sub(lambda m: m[1] if len(m[1]) == 1 and m[1] not in "\r\n" else "", values[0])) if values else ""
    )


def _recoded(nodes: list[Node], codec: str) -> list[Node]:
    """The main line in the encoding that its own root declares, where a collection mixes them."""
    own = sgf_encodings.known(_value(nodes[0], "CA"))
    if not own or own == codec or codec.startswith("utf") or own.startswith("utf-16"):
        return nodes
    try:
        return [
            {key: [value.encode(codec).decode(own) for value in values] for key, values in node.items()}
            for node in nodes
        ]
    except UnicodeError as error:
        raise streams.StreamError("undecodable", 0, f"not {own}: {error}") from error


def _document(file: InputFile, nodes: list[Node], codec: str, number: int, offset: int, size: int) -> Item:
    def quarantined(reason: str, evidence: str) -> Quarantined:
        return Quarantined(file.name, offset, reason, size, evidence)

    def skipped(reason: str, evidence: str = "") -> Skipped:
        return Skipped(file.name, offset, reason, size, evidence)

    try:
        nodes = _recoded(nodes, codec)
    except streams.StreamError as error:
        return quarantined(error.reason, error.evidence)
    root = nodes[0]
    if _value(root, "GM") not in ("", "1"):
        return skipped("not_go", f"GM[{_value(root, 'GM')}]")
    side = re.fullmatch(r"(\d{1,2})(?::(\d{1,2}))?", _value(root, "SZ") or "19")
    if side is None or not 1 <= int(side[1]) <= go_moves.MAX_SIZE:
        return quarantined("bad_position", f"SZ[{_value(root, 'SZ')[:40]}] is no size of a board")
    if side[2] and side[2] != side[1]:
        return skipped("not_square", f"SZ[{side[0]}]")
    try:
        setup, moves = _game(nodes, int(side[1]))
        board = go_moves.replay(setup, moves)
    except go_moves.IllegalMove as error:
        return quarantined("illegal_move", str(error))
    except ValueError as error:
        return quarantined("bad_position", str(error))
    if not moves:
        return skipped("no_moves")
    result = _value(root, "RE") or "?"
    meta = {word.lower(): _value(root, key) for key, word in _SHOWN.items() if _value(root, key)}
    for word, key, rank, _ in _SIDES:
        meta |= {word.lower(): _value(root, key)} if _value(root, key) else {}
        meta |= {f"{word.lower()}_rank": _value(root, rank)} if _value(root, rank) else {}
    meta |= {"result": result, "encoding": codec, "certificate": go_moves.certificate(setup, moves, board)}
    ending = "Result: unknown" if result == "?" else f"Result: {result}, {words_of_result(result)}"
    text = joined((_heading(root, setup), go_moves.numbered(moves, setup.size), ending))
    return Document(text, DOMAIN, f"{NAME}:{file.name}#{number}", LICENCE, meta=meta)


def _game(nodes: list[Node], size: int) -> tuple[go_moves.Setup, list[go_moves.Move]]:
    """What stands before the first move, and the moves."""
    stones: dict[go_moves.Point, str] = {}
    count = 0
    moves: list[go_moves.Move] = []
    for node in nodes:
        for key, colour in (("AB", "b"), ("AW", "w"), ("AE", "")):
            for value in node.get(key, []):
                if moves:
                    raise go_moves.IllegalMove(f"stones are set up after move {len(moves)}", len(moves))
                for where in _points(value, size):
                    stones[where], count = colour, count + 1
                if count > _MAX_SETUP:
                    raise ValueError(f"over {_MAX_SETUP} stones are set up")
        if "B" in node and "W" in node:
            raise go_moves.IllegalMove(f"both sides move in one node after move {len(moves)}", len(moves))
        for key, colour in (("B", "b"), ("W", "w")):
            for value in node.get(key, []):
                if len(moves) == go_moves.MAX_MOVES:
                    raise go_moves.IllegalMove(f"more than {go_moves.MAX_MOVES} moves", len(moves))
                moves.append((colour, _move(value, size, len(moves))))
    handicap = _value(nodes[0], "HA")
    placed = [tuple(sorted(where for where, found in stones.items() if found == colour)) for colour in "bw"]
    free = int(handicap) if re.fullmatch(r"\d", handicap) and not stones else 0
    return go_moves.Setup(size, placed[0], placed[1], _value(nodes[0], "RU")[:80], free), moves


def _move(value: str, size: int, number: int) -> go_moves.Point | None:
    value = value.strip()
    if not value or (value == "tt" and size <= 19):
        return None
    try:
        return _point(value, size)
    except ValueError as error:
        raise go_moves.IllegalMove(f"move {number + 1}: {error}", number) from error


def _point(value: str, size: int) -> go_moves.Point:
    """`pd`: columns from the left, rows from above."""
    if len(value) != 2 or any(letter not in _LETTERS[:size] for letter in value):
        raise ValueError(f"{value[:20]!r} is no point of a board of {size}")
    return size - 1 - _LETTERS.index(value[1]), _LETTERS.index(value[0])


def _points(value: str, size: int) -> Iterator[go_moves.Point]:
    """A point, or a rectangle of points as FF[4] compresses them: `aa:cc`."""
    first, _, last = value.strip().partition(":")
    top, left = _point(first, size)
    bottom, right = _point(last or first, size)
    for row in range(min(top, bottom), max(top, bottom) + 1):
        for column in range(min(left, right), max(left, right) + 1):
            yield row, column


def words_of_result(result: str) -> str:
    """`B+3.5` -> `Black wins by 3.5 points`."""
    match = re.fullmatch(r"([BW])\+(.*)", result.strip(), re.IGNORECASE)
    if match is None:
        known = {"0": "a draw", "draw": "a draw", "jigo": "a draw", "void": "no result"}
        return known.get(result.strip().lower(), "unknown")
    winner, margin = {"B": "Black", "W": "White"}[match[1].upper()], match[2].strip()
    how = {"r": "by resignation", "t": "on time", "f": "by forfeit", "": ""}.get(margin[:1].lower())
    if how is None:
        number = re.match(r"\d+(?:\.\d+)?", margin)
        points = f"{float(number[0]):g}" if number else ""
        how = f"by {points} point{'' if points == '1' else 's'}" if number else ""
    return f"{winner} wins {how}".strip()


def _heading(root: Node, setup: go_moves.Setup) -> str:
    lines = [f"A game of Go on a board of {setup.size} by {setup.size}"]
    for word, player, rank, team in _SIDES:
        who = _value(root, player) or _value(root, team) or "unknown"
        lines.append(f"{word}: {who}" + (f" ({_value(root, rank)})" if _value(root, rank) else ""))
    lines += [f"{word}: {_value(root, key)}" for key, word in _SHOWN.items() if _value(root, key)]
    for word, stones in (("Black", setup.black), ("White", setup.white)):
        if stones:
            lines.append(f"{word} stones: {' '.join(go_moves.name(where, setup.size) for where in stones)}")
    return "\n".join(lines)
