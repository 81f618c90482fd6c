"""The answers of a folder: preferences in HH format, and beside them the pairs that were not decided."""

from __future__ import annotations

from collections.abc import Callable
import contextlib
import dataclasses
import pathlib
from typing import Any

from launch import provenance
from launch.errors import UserError
from launch.feedback.lines import DurableLines
from launch.feedback.pairs import Pair, hh_text, row_complaint
from launch.workdir import Workdir

PREFERENCES_FILE = "preferences.jsonl"
UNDECIDED_FILE = "undecided.jsonl"
CHOICES = ("A", "B", "tie", "skip")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What was said of a pair.

    Attributes:
      number: counts the answers of a folder.
      verdict: "a" or "b" for the better side of the pair, "tie" or "skip".
    """

    number: int
    verdict: str


def verdict_of(choice: str, swapped: bool) -> str:
    """The verdict on a pair, from what was chosen (one of `CHOICES`, A being left) and whether `b` stood on the left."""
    if choice in ("A", "B"):
        return "a" if (choice == "A") != swapped else "b"
    return choice


class AnswerStore:
    """A context manager; while it is open no other process may write to the folder.

    Attributes:
      answers: id of a pair -> its answer.
    """

    def __init__(self, folder: pathlib.Path, labeller: str) -> None:
        """Touches nothing on disk.

        Args:
          folder: of both files.
          labeller: recorded with each answer.
        """
        self.folder, self.labeller = folder, labeller
        self.answers: dict[str, Answer] = {}
        self._held = contextlib.ExitStack()

    def __enter__(self) -> "AnswerStore":
        """Opens the files.

        Raises:
          UserError: another process holds them, they can't be read, or a line is no answer.
        """
        with self._held:
            self._held.enter_context(Workdir(self.folder).lock())
            self._decided = DurableLines(self.folder / PREFERENCES_FILE, _preference_complaint)
            self._undecided = DurableLines(self.folder / UNDECIDED_FILE, _undecided_complaint)
            self._take_in()
            self._held = self._held.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._held.close()

    def _take_in(self) -> None:
        for lines in (self._decided, self._undecided):
            for row in lines.rows:
                if row["id"] in self.answers:
                    raise UserError(
                        f"{lines.path} has a second answer to the pair {row['id']}", "remove one of its two lines"
                    )
                self.answers[row["id"]] = Answer(row["number"], verdict_of(row["answer"], row["left"] == "b"))
        self._next = max((answer.number for answer in self.answers.values()), default=0) + 1

    @property
    def last(self) -> tuple[str, int] | None:
        """(id of the pair, number) of the last answer."""
        ends = [lines.rows[-1] for lines in (self._decided, self._undecided) if lines.rows]
        row = max(ends, key=lambda row: row["number"], default=None)
        return None if row is None else (row["id"], row["number"])

    def add(self, pair: Pair, choice: str, swapped: bool) -> None:
        """Keeps an answer; it is on disk when this returns.

        Args:
          pair: not answered yet.
          choice: one of `CHOICES`; A is the left side.
          swapped: whether `b` stood on the left.

        Raises:
          OSError: it could not be written; nothing of it is there then.
        """
        verdict = verdict_of(choice, swapped)
        facts = {"id": pair.id, "number": self._next, "answer": choice, "left": "b" if swapped else "a"}
        facts |= {"labeller": self.labeller, "time": provenance.now()}
        if verdict in ("a", "b"):
            sides = {"chosen": verdict, "rejected": "b" if verdict == "a" else "a"}
            row = {side: hh_text(pair.prompt, getattr(pair, of)) for side, of in sides.items()} | facts
            row |= {"models": _by_side(pair.models, sides), "seeds": _by_side(pair.seeds, sides)}
            lines = self._decided
        else:
            row = {"prompt": pair.prompt, "a": pair.a, "b": pair.b} | facts
            row |= {"models": pair.models, "seeds": pair.seeds}
            lines = self._undecided
        lines.append(row | ({"meta": pair.meta} if pair.meta else {}))
        self.answers[pair.id] = Answer(self._next, verdict)
        self._next += 1  # a number that was taken back is not given again

    def undo(self) -> None:
        """Takes the last answer back. Raises OSError where the file can't be changed."""
        last = self.last
        lines = next(
            lines for lines in (self._decided, self._undecided) if lines.rows and lines.rows[-1]["id"] == last[0]
        )
        lines.drop_last()
        del self.answers[last[0]]


def _by_side(known: dict[str, Any] | None, sides: dict[str, str]) -> dict[str, Any] | None:
    return None if known is None else {side: known[of] for side, of in sides.items()}


def _answer_complaint(row: dict[str, Any], choices: tuple[str, ...]) -> str:
    kinds: dict[str, Callable[[Any], bool]] = {
        "id": lambda value: isinstance(value, str),
        "number": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "answer": lambda value: value in choices,
        "left": lambda value: value in ("a", "b"),
    }
    return next((f"its {name!r} is {row.get(name)!r}" for name, fits in kinds.items() if not fits(row.get(name))), "")


def _preference_complaint(row: dict[str, Any]) -> str:
    for side in ("chosen", "rejected"):
        if not isinstance(row.get(side), str):
            return f"it has no text {side!r}"
    return _answer_complaint(row, CHOICES[:2])


def _undecided_complaint(row: dict[str, Any]) -> str:
    return row_complaint(row) or _answer_complaint(row, CHOICES[2:])
