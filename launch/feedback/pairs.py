"""Pairs of completions to compare, the order in which their sides are shown, and the form that answers are kept in."""

from __future__ import annotations

from collections.abc import Container, Iterable
import dataclasses
import hashlib
import json
import pathlib
import threading
from typing import Any, Protocol

from launch.errors import UserError

HUMAN, ASSISTANT = "\n\nHuman:", "\n\nAssistant:"
_FIELDS = ("prompt", "a", "b")
_FIX = 'write objects like {"prompt": "...", "a": "...", "b": "..."}, one a line'


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two completions of a prompt.

    Attributes:
      prompt: as the person reads it.
      a: one completion.
      b: the other.
      models: {"a": name, "b": name} of the models that wrote them, where that is known.
      seeds: {"a": int, "b": int} of the sampling, where that is known.
      meta: what else the file of pairs says of it.
    """

    prompt: str
    a: str
    b: str
    models: dict[str, Any] | None = None
    seeds: dict[str, Any] | None = None
    meta: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def id(self) -> str:
        """Follows from the three texts, so that an answer stays with its pair whatever file it came from."""
        return digest(self.prompt, self.a, self.b)

    def shown(self, swapped: bool) -> tuple[str, str]:
        """(left, right)."""
        return (self.b, self.a) if swapped else (self.a, self.b)

    def shown_id(self, swapped: bool) -> str:
        """Of the pair in this order: what an answer names, so that it means what the person saw."""
        return digest(self.prompt, *self.shown(swapped))

    @property
    def as_row(self) -> dict[str, Any]:
        """The line of a file of pairs that `read_pairs` makes this pair of."""
        row: dict[str, Any] = {name: getattr(self, name) for name in _FIELDS}
        row |= {name: getattr(self, name) for name in ("models", "seeds") if getattr(self, name) is not None}
        return row | self.meta

    @property
    def flaw(self) -> str:
        """Why nobody can compare its sides, or no reader of the HH format take them apart; "" where all is well."""
        for name in _FIELDS:
            if not getattr(self, name).strip():
                return f"its {name!r} is empty"
        if self.a.strip() == self.b.strip():
            return "both sides are the same"
        for name in ("a", "b"):
            found = [mark for mark in (HUMAN, ASSISTANT) if mark in getattr(self, name)]
            if found:
                return f"its {name!r} holds {found[0]!r}, where the HH format begins another turn"
        return ""


def digest(*texts: str) -> str:
    """16 hex digits of the texts."""
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]


def is_swapped(pair: Pair, seed: int) -> bool:
    """Whether `b` is shown on the left: a fair coin for each pair, drawn by the seed."""
    return bool(hashlib.sha256(f"{seed}/{pair.id}".encode()).digest()[0] & 1)


def hh_text(prompt: str, completion: str) -> str:
    """A dialogue in the format of Anthropic's HH-RLHF. A prompt that is one already only gets the assistant's turn."""
    dialogue = prompt if prompt.startswith(HUMAN) else f"{HUMAN} {prompt}"
    if not dialogue.rstrip().endswith(ASSISTANT):
        dialogue += ASSISTANT
    return f"{dialogue.rstrip()} {completion}"


def row_complaint(row: dict[str, Any]) -> str:
    """What makes a JSON object no pair, "" where it is one."""
    for name in _FIELDS:
        if name not in row:
            return f"it has no {name!r}"
        if not isinstance(row[name], str):
            return f"its {name!r} is no string"
        try:
            row[name].encode("utf-8")
        except UnicodeEncodeError as error:
            return f"its {name!r} is no UTF-8 text ({error.reason})"
    for name in ("models", "seeds"):
        if row.get(name) is not None and set(row[name] if isinstance(row[name], dict) else ()) != {"a", "b"}:
            return f'its {name!r} is no object like {{"a": ..., "b": ...}}'
    try:
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except ValueError as error:
        return f"it can't be written again ({error})"
    return ""


def pair_of(row: dict[str, Any]) -> Pair:
    """The pair of a row without complaint."""
    meta = {key: value for key, value in row.items() if key not in (*_FIELDS, "models", "seeds")}
    return Pair(*(row[name] for name in _FIELDS), row.get("models"), row.get("seeds"), meta)


def read_pairs(path: str) -> tuple[list[Pair], dict[str, list[str]]]:
    """The pairs in a file of JSON lines {prompt, a, b}, with `models` and `seeds` {a, b} where known.

    Other fields are kept as `meta`.

    Returns:
      (pairs that can be compared, why others can't -> their places).

    Raises:
      UserError: the file can't be read, a line is no pair, or nothing is left to compare.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--pairs_file={path} can't be read: {error}", "give a UTF-8 file of JSON lines") from error
    pairs: list[Pair] = []
    left_out: dict[str, list[str]] = {}
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        pair = _parsed(line, f"{path}:{number}")
        reason = pair.flaw or ("it is there twice" if pair.id in seen else "")
        if reason:
            left_out.setdefault(reason, []).append(f"{path}:{number}")
            continue
        seen |= {pair.shown_id(False), pair.shown_id(True)}
        pairs.append(pair)
    if not pairs:
        told = "; ".join(f"{places[0]}: {reason}" for reason, places in left_out.items())
        raise UserError(f"{path} has nothing to compare" + (f" ({told})" if told else ""), _FIX)
    return pairs, left_out


def _parsed(line: str, place: str) -> Pair:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{place} is no JSON ({error})", _FIX) from error
    wrong = row_complaint(row) if isinstance(row, dict) else "it is no object"
    if wrong:
        raise UserError(f"{place} is no pair: {wrong}", _FIX)
    return pair_of(row)


class Source(Protocol):
    """Where pairs come from.

    Attributes:
      wanted: how many there are to be.
      failure: why no more will come, "" while all goes well.
    """

    wanted: int
    failure: str

    def first(self, answered: Container[str]) -> Pair | None:
        """The first pair whose id is not among the answered ones; None where there is none yet."""

    def find(self, shown_id: str) -> tuple[Pair, bool] | None:
        """(pair, whether its sides are swapped) of what a person was shown."""

    def count(self, answered: Container[str]) -> int:
        """How many of its pairs are answered."""

    def stop(self, seconds: float) -> bool:
        """Lets no more pairs come; whether that is so after so many seconds at most."""


class PairList:
    """See `Source`. Pairs may be added by another thread while it is read."""

    def __init__(self, pairs: Iterable[Pair] = (), wanted: int | None = None) -> None:
        """Holds `pairs`, the first `wanted` of them if that is given."""
        self.failure = ""
        self._lock = threading.Lock()
        self._pairs: list[Pair] = []
        self._by_shown_id: dict[str, tuple[Pair, bool]] = {}
        for pair in pairs:
            if wanted is None or len(self._pairs) < wanted:
                self.add(pair)
        self.wanted = len(self._pairs) if wanted is None else wanted

    def __len__(self) -> int:
        with self._lock:
            return len(self._pairs)

    def add(self, pair: Pair) -> bool:
        """Adds a pair; False where it is there already, its sides in either order."""
        with self._lock:
            if pair.id in self._by_shown_id:
                return False
            self._pairs.append(pair)
            for swapped in (False, True):
                self._by_shown_id[pair.shown_id(swapped)] = pair, swapped
            return True

    def first(self, answered: Container[str]) -> Pair | None:
        """See `Source`."""
        with self._lock:
            return next((pair for pair in self._pairs if pair.id not in answered), None)

    def find(self, shown_id: str) -> tuple[Pair, bool] | None:
        """See `Source`."""
        with self._lock:
            return self._by_shown_id.get(shown_id)

    def count(self, answered: Container[str]) -> int:
        """See `Source`."""
        with self._lock:
            return sum(pair.id in answered for pair in self._pairs)

    def stop(self, seconds: float) -> bool:
        """See `Source`."""
        return True
