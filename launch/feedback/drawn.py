"""Pairs that models write while a person answers, a few ahead, kept in a file so that a restart shows the same ones."""

from __future__ import annotations

from collections.abc import Container, Sequence
import hashlib
import pathlib
import sys
import threading
import traceback
from typing import Any

from launch.feedback.lines import DurableLines
from launch.feedback.pairs import ASSISTANT, HUMAN, Pair, PairList, pair_of, row_complaint
from launch.feedback.prompts import Ask, Drawing, fingerprint
from mistral_moe.evaluation.language_model import LanguageModel, Prompt, in_order

PAIRS_FILE = "pairs.jsonl"
_STOPS = (HUMAN, ASSISTANT)  # the HH format ends a turn there


class DrawnPairs(PairList):
    """See `Source`. `start` draws in a thread of its own, the only one that uses the models.

    The n-th draw is a function of the prompts, the models and the seed. One whose sides can't be compared (equal, empty)
    is passed over.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        models: Sequence[tuple[str, LanguageModel]],
        asks: Sequence[Ask],
        drawing: Drawing,
        wanted: int,
        seed: int,
        ahead: int = 4,
    ) -> None:
        """Takes in what an earlier start drew with the same models, prompts and seed.

        Args:
          folder: of the file of pairs; it exists, and no other process writes to it.
          models: (name, model) of side a and of side b, or one that writes both.
          asks: prompts, taken in turn, again with other seeds once all were.
          drawing: how they are put to the models.
          wanted: pairs in all.
          seed: of the sampling.
          ahead: pairs that are drawn before they are needed.

        Raises:
          UserError: the file can't be read or written, or holds something else.
        """
        self._models, self._asks, self._drawing, self._seed = list(models), list(asks), drawing, seed
        self._ahead = ahead
        made_of = [model.identity for _, model in models], fingerprint(self._asks), drawing.is_plain, seed
        self._drawn_from = hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]
        self._lines = DurableLines(folder / PAIRS_FILE, _complaint)
        rows = [row for row in self._lines.rows if row.get("drawn_from") == self._drawn_from]
        super().__init__((_plain(row) for row in rows), wanted)
        self._next = max((row["draw"] for row in rows), default=-1) + 1
        self._passed_over: dict[str, int] = {}
        self._wake, self._ends = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="drawing", daemon=True)
        self._answered = 0

    def start(self) -> None:
        """Begins to draw."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """See `Source`."""
        self._ends.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def count(self, answered: Container[str]) -> int:
        """See `Source`; makes room for further draws."""
        self._answered = super().count(answered)
        self._wake.set()
        return self._answered

    def _run(self) -> None:
        try:
            while not self._ends.is_set() and len(self) < self.wanted and not self.failure:
                room = min(self._answered + self._ahead, self.wanted) - len(self)
                if room > 0:
                    self._draw(room)
                else:
                    self._wake.wait()
                    self._wake.clear()
        except Exception as error:  # the page tells it, the terminal shows where
            traceback.print_exc()
            self.failure = f"the drawing broke off ({type(error).__name__}: {error})"
        if self.failure:
            print(self.failure, file=sys.stderr, flush=True)

    def _draw(self, count: int) -> None:
        """Draws `count` pairs, fewer where some can't be compared."""
        draws = range(self._next, self._next + count)
        seeds = [self._seeds(draw) for draw in draws]
        asks = [self._asks[draw % len(self._asks)] for draw in draws]
        sides = [[self._prompt(ask, of[side]) for ask, of in zip(asks, seeds)] for side in ("a", "b")]
        if len(self._models) == 1:
            texts = [done.text for done in in_order(self._models[0][1].generate(sides[0] + sides[1]))]
            left, right = texts[:count], texts[count:]
        else:
            left, right = ([done.text for done in in_order(m.generate(s))] for (_, m), s in zip(self._models, sides))
        names = {"a": self._models[0][0], "b": self._models[-1][0]}
        for draw, ask, of, a, b in zip(draws, asks, seeds, left, right):
            if self._ends.is_set():
                return
            self._next = draw + 1
            facts = {"drawn_from": self._drawn_from, "draw": draw}
            pair = Pair(ask.prompt, a, b, names, of, facts)
            reason = pair.flaw or ("" if self.find(pair.id) is None else "it was drawn before")
            if reason:
                self._pass_over(reason)
                continue
            self._lines.append(pair.as_row)  # on disk before anybody sees it
            self.add(_plain(pair.as_row))
            self._passed_over.clear()

    def _pass_over(self, reason: str) -> None:
        self._passed_over[reason] = self._passed_over.get(reason, 0) + 1
        if sum(self._passed_over.values()) >= max(50, 2 * len(self._asks)):
            told = "; ".join(f"{count} times {reason}" for reason, count in self._passed_over.items())
            self.failure = f"the last draws gave nothing to compare ({told}); raise --temperature or give other prompts"

    def _prompt(self, ask: Ask, seed: int) -> Prompt:
        return Prompt(
            text=ask.prompt,
            max_tokens=ask.max_tokens,
            stop=_STOPS,
            temperature=ask.temperature,
            top_p=ask.top_p,
            seed=seed,
            control=self._drawing.control(ask.prompt),
        )

    def _seeds(self, draw: int) -> dict[str, Any]:
        def of(side: str) -> int:
            drawn = hashlib.sha256(f"{self._seed}/{draw}/{side}".encode()).digest()
            return int.from_bytes(drawn[:4], "big") % 2**31

        return {"a": of("a"), "b": of("b")}


def _complaint(row: dict[str, Any]) -> str:
    return row_complaint(row) or ("" if isinstance(row.get("draw"), int) else "its 'draw' is no number")


def _plain(row: dict[str, Any]) -> Pair:
    """The pair of a line of the file, without what only this file needs to know."""
    return pair_of({key: value for key, value in row.items() if key not in ("drawn_from", "draw")})
