"""What is asked next, and what becomes of an answer; the server's threads share it."""

from __future__ import annotations

import threading
from typing import Any

from launch.feedback.pairs import Source, is_swapped
from launch.feedback.store import CHOICES, AnswerStore, verdict_of


class Refused(Exception):
    """An answer that can't be kept; the message is for the person who gave it."""


class Ending(Exception):
    """The server ends: nothing more is kept, and it is to be sent again to the next one."""


class Session:
    """Pairs, their answers, and the order of the sides."""

    def __init__(self, source: Source, store: AnswerStore, seed: int) -> None:
        """Asks for the pairs of `source` that `store`, which is open, has no answer to.

        Args:
          source: the pairs.
          store: the answers.
          seed: of the order of the sides.
        """
        self._source, self._store, self._seed = source, store, seed
        self._lock = threading.Lock()
        self._taken_back: set[str] = set()
        self._keys: dict[int, str] = {}
        self._is_closed = False

    def state(self) -> dict[str, Any]:
        """What the page shows: `status` (ask, drawing, failed or done), the pair, the counts, and what can be undone."""
        with self._lock:
            return self._state()

    def close(self) -> dict[str, Any]:
        """Keeps nothing from now on, and tells the last state."""
        with self._lock:
            self._is_closed = True
            return self._state()

    def _state(self) -> dict[str, Any]:
        source, answers = self._source, self._store.answers
        pair = source.first(answers)
        shown = None
        if pair is not None:
            swapped = is_swapped(pair, self._seed)
            left, right = pair.shown(swapped)
            shown = {"id": pair.shown_id(swapped), "prompt": pair.prompt, "left": left, "right": right}
        answered = source.count(answers)
        if shown is not None:
            status = "ask"
        elif answered >= source.wanted:
            status = "done"
        else:
            status = "failed" if source.failure else "drawing"
        verdicts = [answer.verdict for answer in answers.values()]
        last = self._store.last
        return {
            "status": status,
            "message": source.failure if status == "failed" else "",
            "pair": shown,
            "answered": answered,
            "wanted": source.wanted,
            # Of the whole folder, earlier sessions and other pairs included.
            "counts": {
                "preferences": sum(verdict in ("a", "b") for verdict in verdicts),
                "ties": verdicts.count("tie"),
                "skips": verdicts.count("skip"),
            },
            "undo": last[1] if last is not None and source.find(last[0]) is not None else None,
        }

    def answer(self, shown_id: str, choice: str, key: str) -> dict[str, Any]:
        """Keeps an answer, once however often it is sent.

        Args:
          shown_id: of the pair as it was shown.
          choice: one of `CHOICES`.
          key: of this press of a key; a late repeat of one whose answer was taken back is told from a new one by it.

        Returns:
          The new state.

        Raises:
          Refused: no such pair or choice, or another answer to it is there.
          OSError: it could not be written.
          Ending: after `close`.
        """
        with self._lock:
            if self._is_closed:
                raise Ending
            if choice not in CHOICES:
                raise Refused(f"an answer is one of {', '.join(CHOICES)}")
            found = self._source.find(shown_id)
            if found is None:
                raise Refused("this pair is not among those of this server; the answer was not kept")
            if key in self._taken_back:
                raise Refused("this answer was taken back")
            pair, swapped = found
            earlier = self._store.answers.get(pair.id)
            if earlier is None:
                self._store.add(pair, choice, swapped)
                self._keys[self._store.answers[pair.id].number] = key
            elif earlier.verdict != verdict_of(choice, swapped):
                raise Refused("this pair has another answer already, given in another window")
            return self._state()

    def undo(self, number: int) -> dict[str, Any]:
        """Takes the last answer back, once however often that is asked.

        Args:
          number: of the answer; nothing happens where it is not there any more.

        Returns:
          The new state, which shows its pair again.

        Raises:
          Refused: it is not the last answer, or not of these pairs.
          OSError: the file can't be changed.
          Ending: after `close`.
        """
        with self._lock:
            if self._is_closed:
                raise Ending
            last = self._store.last
            if all(answer.number != number for answer in self._store.answers.values()):
                return self._state()
            if last is None or last[1] != number:
                raise Refused("only the last answer can be taken back, and another was given since")
            if self._source.find(last[0]) is None:
                raise Refused("the last answer is to a pair that is not among those of this server")
            self._store.undo()
            if number in self._keys:
                self._taken_back.add(self._keys.pop(number))
            return self._state()
