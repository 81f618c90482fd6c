"""Go games replayed on a board: captures, suicide, occupied points and simple ko, and certificates that replay them
again.

Positions are sgfmill's, whose `play` captures and tells the point that simple ko forbids; what it allows and rules
forbid (suicide, playing there, moving twice in a row) is refused here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xxhash
from sgfmill import boards

MAX_MOVES = 20_000
MAX_SIZE = 52  # SGF names points by one letter of 52 for each direction

_COLUMNS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # I is left out, as on boards
_MOVES_IN_LINE = 10
# Rule sets in which a move may take its own stones off the board.
_SUICIDE_RULES = ("nz", "newzealand", "goe", "ing", "tromptaylor")

Point = tuple[int, int]  # row from below, column from the left
Move = tuple[str, Point | None]  # colour b or w, None passes


class IllegalMove(ValueError):
    """A move that the position doesn't allow; `number` counts moves from 0."""

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.number = number


@dataclasses.dataclass(frozen=True)
class Setup:
    """What stands on the board before the first move."""

    size: int
    black: tuple[Point, ...] = ()
    white: tuple[Point, ...] = ()
    rules: str = ""
    handicap: int = 0


def name(point: Point | None, size: int) -> str:
    """`D4`, or on boards of more columns than letters `27-4` (column, row); `pass`."""
    if point is None:
        return "pass"
    row, column = point
    return f"{_COLUMNS[column]}{row + 1}" if size <= len(_COLUMNS) else f"{column + 1}-{row + 1}"


def point(word: str, size: int) -> Point | None:
    """The inverse of `name`.

    Raises:
      ValueError: no such point.
    """
    if word == "pass":
        return None
    if size <= len(_COLUMNS):
        row, column = int(word[1:]) - 1, _COLUMNS.index(word[:1] or " ")
    else:
        column, row = (int(part) - 1 for part in word.split("-"))
    if not (0 <= row < size and 0 <= column < size):
        raise ValueError(f"{word} is not on a board of {size}")
    return row, column


def replay(setup: Setup, moves: Sequence[Move]) -> boards.Board:
    """The board after the moves.

    Raises:
      IllegalMove: a stone on a stone, off the board, against simple ko, without liberties, or out of turn.
      ValueError: the stones of the setup overlap, lie off the board or have no liberties.
    """
    board = boards.Board(setup.size)
    placed = setup.black + setup.white
    try:
        is_legal = board.apply_setup(setup.black, setup.white, ())
    except IndexError as error:
        raise ValueError(f"a stone of the setup lies off the board of {setup.size}") from error
    if not is_legal or len(set(placed)) != len(placed):
        raise ValueError("the stones of the setup overlap or have no liberties")
    may_suicide = "".join(filter(str.isalpha, setup.rules.lower())) in _SUICIDE_RULES
    forbidden, last = None, ""
    for number, (colour, where) in enumerate(moves):
        told = f"move {number + 1} ({colour.upper()} {name(where, setup.size)})"
        # Black may lay the stones of a handicap as its first moves.
        if colour == last and not (colour == "b" and number < setup.handicap):
            raise IllegalMove(f"{told}: the same side twice", number)
        last = colour
        if where is None:
            forbidden = None
            continue
        if where == forbidden:
            raise IllegalMove(f"{told}: takes back a ko at once", number)
        try:
            forbidden = board.play(*where, colour)
        except IndexError as error:
            raise IllegalMove(f"{told}: not on a board of {setup.size}", number) from error
        except ValueError as error:
            raise IllegalMove(f"{told}: the point is occupied", number) from error
        if board.get(*where) is None and not may_suicide:
            raise IllegalMove(f"{told}: suicide", number)
    return board


def numbered(moves: Sequence[Move], size: int) -> str:
    """`1. B Q16 2. W D4 ...`, ten moves a line."""
    words = [f"{number}. {colour.upper()} {name(where, size)}" for number, (colour, where) in enumerate(moves, 1)]
    return "\n".join(" ".join(words[at : at + _MOVES_IN_LINE]) for at in range(0, len(words), _MOVES_IN_LINE))


def certificate(setup: Setup, moves: Sequence[Move], board: boards.Board) -> dict[str, Any]:
    """What `holds` needs beside the moves."""
    return {
        "game": "go",
        "size": setup.size,
        "black": [name(where, setup.size) for where in setup.black],
        "white": [name(where, setup.size) for where in setup.white],
        "rules": setup.rules,
        "handicap": setup.handicap,
        "plies": len(moves),
        "final": _digest(board),
    }


def _digest(board: boards.Board) -> str:
    stones = sorted(f"{colour}{row},{column}" for colour, (row, column) in board.list_occupied_points())
    return xxhash.xxh3_128_hexdigest(f"{board.side} {' '.join(stones)}".encode())


def holds(proof: Mapping[str, Any], lines: Iterable[str]) -> bool:
    """Whether lines of numbered moves are legal and lead from the certificate's setup to its final position.

    Raises:
      ValueError, KeyError: the certificate is damaged.
    """
    size = proof["size"]
    stones = [tuple(point(word, size) for word in proof[colour]) for colour in ("black", "white")]
    setup = Setup(size, stones[0], stones[1], proof["rules"], proof["handicap"])
    words = " ".join(lines).split()
    moves = [(colour.lower(), point(word, size)) for colour, word in zip(words[1::3], words[2::3], strict=False)]
    is_numbered = words[::3] == [f"{number}." for number in range(1, len(moves) + 1)]
    if len(words) != 3 * len(moves) or not is_numbered or any(colour not in "bw" for colour, _ in moves):
        return False
    try:
        board = replay(setup, moves)
    except IllegalMove:
        return False
    return (len(moves), _digest(board)) == (proof["plies"], proof["final"])
