"""Records of games whose every move was replayed, and the check of their certificates."""

from __future__ import annotations

from data.document import Document
from data.sources.reasoning import chess_moves, go_moves

NAME = "game_records"

_RULES = {"chess": chess_moves.holds, "go": go_moves.holds}


def verify(document: Document) -> bool:
    """Whether the moves in a document's text are legal and end in the position that its certificate names."""
    try:
        proof = document.meta["certificate"]
        _, moves, _ = document.text.split("\n\n")
        return _RULES[proof["game"]](proof, moves.split("\n"))
    except (KeyError, ValueError, TypeError, IndexError, AttributeError):
        return False
