"""Chess games replayed: movetext to tokens, tokens to legal moves, and certificates that replay them again.

The grammar is that of the PGN specification (Edwards 1994, sections 8.2 and 18) with what programs write besides:
figurines, `e.p.`, evaluation signs. Moves are resolved by python-chess, which raises for what is illegal or
ambiguous; null moves, which it accepts, are refused here.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import chess
import chess.variant

MAX_PLIES = 20_000
RESULTS = {"1-0": "White wins", "0-1": "Black wins", "1/2-1/2": "a draw", "*": "unfinished"}

_MOVES_IN_LINE = 10
_CHESS960 = ("chess960", "chess 960", "fischerandom", "fischerrandom", "fischer random", "chess-960")
_ORTHODOX = ("", "?", "-", "standard", "chess", "normal", "from position")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>\{[^}]*(?:\}|\Z)|;[^\n]*|(?:(?<=\n)|\A)%[^\n]*)
    |(?P<open>\()|(?P<close>\))
    |(?P<glyph>\$\d+|[!?]+|<[^<>\n]{0,80}>)
    |(?P<result>1-0|0-1|1/2-1/2|1/2|½-½|\*)(?![^\s(){};])
    |(?P<number>(?!0000)\d{1,5}(?:\.+|(?=[\s)};]|\Z)))
    |(?P<symbol>[^\s(){};!?$]+)""",
    re.VERBOSE,
)
_FIGURINES = str.maketrans("♔♕♖♗♘♚♛♜♝♞", "KQRBNKQRBN", "♙♟")
# What annotators put after a move: signs of evaluation, en passant, a novelty, check and mate in words.
_REMARKS = frozenset(
    (
        "e.p.",
        "ep",
        "ep.",
        "N",
        "+-",
        "-+",
        "+/-",
        "-/+",
        "+/=",
        "=/+",
        "=",
        "±",
        "∓",
        "⩲",
        "⩱",
        "∞",
        "□",
        "ch",
        "mate",
        "#",
        "+",
        ".",
    )
)
_ENDS = re.compile(r"[+#!?]+$")
_TOLERATED = chess.STATUS_BAD_CASTLING_RIGHTS | chess.STATUS_INVALID_EP_SQUARE


class IllegalMove(ValueError):
    """A move that the position doesn't allow.

    Attributes:
      position: of its token in the movetext, in characters.
      ply: moves before it.
      is_word: the token isn't even a move by its form.
    """

    def __init__(self, message: str, position: int, ply: int, is_word: bool = False):
        super().__init__(message)
        self.position, self.ply, self.is_word = position, ply, is_word


@dataclasses.dataclass(frozen=True)
class Game:
    """A replayed main line.

    Attributes:
      start, end: the positions before and after the moves.
      moves: in SAN.
      result: that the movetext names, or "".
      is_closed: no variation is left open at the end, where the text breaks off.
    """

    start: chess.Board
    moves: tuple[str, ...]
    end: chess.Board
    result: str
    is_closed: bool


def start_position(headers: Mapping[str, str]) -> chess.Board:
    """The board on which a game begins, by its Variant and FEN headers.

    Raises:
      LookupError: a variant that python-chess doesn't know.
      ValueError: a FEN that is none, or a position that can't arise.
    """
    name = headers.get("Variant", "").strip().lower()
    is_960 = name in _CHESS960 or name.startswith("wild")
    try:
        board_type = chess.Board if is_960 or name in _ORTHODOX else chess.variant.find_variant(name)
    except ValueError as error:
        raise LookupError(str(error)) from error
    fen = headers.get("FEN") or board_type.starting_fen
    board = board_type(fen, chess960=name in _CHESS960)
    board.chess960 = board.chess960 or board.has_chess960_castling_rights()
    if status := board.status() & ~_TOLERATED:
        raise ValueError(f"FEN {fen!r} is no position that can be played on: {status!r}")
    return board


def tokens(movetext: str) -> Iterator[tuple[str, str, int]]:
    """Yields (kind, text, position) of the main line's moves and results, without comments and variations."""
    depth = 0
    for match in _TOKEN.finditer(movetext):
        kind = match.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(depth - 1, 0)
        elif depth == 0 and kind in ("symbol", "result"):
            yield kind, match.group(), match.start()
    if depth:
        yield "unclosed", "", len(movetext)


def replay(start: chess.Board, movetext: str) -> Game:
    """Plays the main line of a movetext.

    Raises:
      IllegalMove: at the first move that is illegal, ambiguous, null or no move at all.
    """
    board, moves, result, is_closed = start.copy(stack=False), [], "", True
    for kind, token, position in tokens(movetext):
        if kind == "unclosed":
            is_closed = False
            continue
        if kind == "result":
            result = "1/2-1/2" if token in ("1/2", "½-½") else token
            continue
        if token in _REMARKS:
            continue
        if result:
            raise IllegalMove(f"{token[:40]!r} after the result", position, len(moves))
        if len(moves) == MAX_PLIES:
            raise IllegalMove(f"more than {MAX_PLIES} moves", position, len(moves))
        move = _move(board, token, position, len(moves))
        moves.append(board.san_and_push(move))
    return Game(start, tuple(moves), board, result, is_closed)


def _move(board: chess.Board, token: str, position: int, ply: int) -> chess.Move:
    san = _ENDS.sub("", token.translate(_FIGURINES)).replace("e.p.", "")
    where = f"ply {ply + 1} ({board.fullmove_number}{'.' if board.turn else '...'} {token[:40]})"
    try:
        move = board.parse_san(san)
    except chess.InvalidMoveError as error:
        raise IllegalMove(f"{where}: {error}", position, ply, True) from error
    except ValueError as error:
        raise IllegalMove(f"{where}: {error}", position, ply) from error
    if not move:
        raise IllegalMove(f"{where}: a null move", position, ply)
    return move


def numbered(game: Game) -> str:
    """The moves with their numbers, five of each side a line."""
    number, is_white = game.start.fullmove_number, game.start.turn
    words: list[str] = []
    for index, san in enumerate(game.moves):
        if is_white:
            words.append(f"{number}. {san}")
        else:
            words.append(f"{number}... {san}" if index == 0 else san)
            number += 1
        is_white = not is_white
    return "\n".join(" ".join(words[at : at + _MOVES_IN_LINE]) for at in range(0, len(words), _MOVES_IN_LINE))


def certificate(game: Game) -> dict[str, Any]:
    """What `holds` needs beside the moves."""
    return {
        "game": "chess",
        "variant": type(game.start).uci_variant,
        "chess960": game.start.chess960,
        "start": game.start.fen(),
        "plies": len(game.moves),
        "final": game.end.fen(),
    }


def holds(proof: Mapping[str, Any], moves: Iterable[str]) -> bool:
    """Whether lines are legal moves as `numbered` writes them and lead from the certificate's start to its end.

    Raises:
      ValueError, KeyError: the certificate is damaged.
    """
    board = chess.variant.find_variant(proof["variant"])(proof["start"], chess960=proof["chess960"])
    text = "\n".join(moves)
    try:
        game = replay(board, text)
    except IllegalMove:
        return False
    # python-chess reads moves written with a capture or check that isn't one.
    return numbered(game) == text and (len(game.moves), game.end.fen()) == (proof["plies"], proof["final"])
