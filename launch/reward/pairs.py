"""The pairs of a run as tokens, in two halves that share no prompt, with an account of every row."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import ml_collections
import numpy as np

from data.preferences import encoding, generated, reading
from data.preferences.encoding import EncodedPair
from data.preferences.pair import Pair, Unusable
from data.preferences.reading import Account, Placed, PreferenceDataError
from data.tokenizer import Tokenizer, TokenizerError
from launch.errors import UserError

GENERATED = "generated"
_WIDTH_MULTIPLE = 16
_LEAST_LENGTH = 8


@dataclasses.dataclass(frozen=True)
class PairSet:
    """Pairs of one half.

    Attributes:
      pairs: as text.
      encoded: the same as tokens.
    """

    pairs: tuple[Pair, ...]
    encoded: tuple[EncodedPair, ...]

    def __len__(self) -> int:
        return len(self.pairs)

    def arrays(self, width: int) -> dict[str, np.ndarray]:
        """tokens [N, 2, width] int32, the chosen side first; lengths [N, 2] int32; margins [N] float32."""
        tokens, lengths = np.zeros((len(self), 2, width), np.int32), np.zeros((len(self), 2), np.int32)
        for row, pair in enumerate(self.encoded):
            for side, ids in enumerate((pair.chosen, pair.rejected)):
                tokens[row, side, : len(ids)] = ids
                lengths[row, side] = len(ids)
        return {"tokens": tokens, "lengths": lengths, "margins": np.array([p.margin for p in self.encoded], np.float32)}


@dataclasses.dataclass(frozen=True)
class Pairs:
    """All pairs of a run.

    Attributes:
      train, heldout: the halves; all pairs of one prompt are in one of them.
      account: of the rows.
      cut: what the window had no room for: `prompts` cut at their beginning, `answers` cut at their end.
      width: T, tokens of the longest side, rounded up to a multiple of 16.
      digest: of all tokens in their order.
    """

    train: PairSet
    heldout: PairSet
    account: Account
    cut: dict[str, int]
    width: int
    digest: str


def load(config: ml_collections.ConfigDict, tokenizer: Tokenizer) -> Pairs:
    """The pairs that the section `reward` of a config names.

    Raises:
      UserError: pairs that aren't there or can't be used, or a half without any.
    """
    section, seed = config.reward, int(config.seed)
    percent = int(section.heldout_percent)
    if not 0 < percent < 100:
        raise UserError(f"reward.heldout_percent={percent} leaves nothing to learn from or to measure on", "give 10")
    try:
        if section.pairs == GENERATED:
            count, account = int(section.generated_pairs), Account()
            held = max(count * percent // 100, 1)
            names = tuple(section.tasks)
            halves = [
                generated.generate(names, n, seed, split) for n, split in ((count - held, "train"), (held, "heldout"))
            ]
            placed = [
                Placed(pair, f"{GENERATED} {split} pair {number}")
                for split, half in zip(("train", "heldout"), halves)
                for number, pair in enumerate(half, 1)
            ]
            account.rows = account.kept = len(placed)
            is_heldout = [False] * len(halves[0]) + [True] * len(halves[1])
        else:
            placed, account = reading.read(section.pairs)
            is_heldout = [held_out(one.pair, percent) for one in placed]
        return encoded(placed, is_heldout, account, tokenizer, int(section.max_length or config.train.seq_len))
    except (PreferenceDataError, TokenizerError, ValueError) as error:
        raise UserError(str(error), "mend --config.reward.pairs") from error


def held_out(pair: Pair, percent: int) -> bool:
    """Whether a pair is held out, by a hash of its prompt."""
    digest = hashlib.blake2b(json.dumps(pair.prompt).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 100 < percent


def encoded(
    placed: Sequence[Placed], is_heldout: Sequence[bool], account: Account, tokenizer: Tokenizer, max_length: int
) -> Pairs:
    """Pairs as tokens; those that the window makes alike are left out and counted.

    Raises:
      ValueError: a window that holds nothing, or a half without pairs.
      TokenizerError: the tokenizer lacks a control symbol.
    """
    if max_length < _LEAST_LENGTH:
        raise ValueError(f"reward.max_length={max_length} holds no prompt with an answer; give {_LEAST_LENGTH} or more")
    halves: tuple[list, list] = ([], [])
    cut, digest, longest = collections.Counter(prompts=0, answers=0), hashlib.sha256(), 0
    for one, held in zip(placed, is_heldout, strict=True):
        try:
            found = encoding.encode(one.pair, tokenizer, max_length)
        except Unusable as error:
            account.kept -= 1
            account.leave_out(one.place, error)
            continue
        halves[held].append((one.pair, found))
        cut["prompts"] += found.prompt_cut > 0
        cut["answers"] += found.answers_cut
        longest = max(longest, len(found.chosen), len(found.rejected))
        for ids in (found.chosen, found.rejected):
            digest.update(len(ids).to_bytes(4, "big") + ids.astype("<i4").tobytes())
    for name, half in zip(("to learn from", "held out"), halves):
        if not half:
            raise ValueError(
                f"none of {account.rows} pairs is {name}; give more pairs, or another reward.heldout_percent"
            )
    train, heldout = (PairSet(tuple(p for p, _ in half), tuple(e for _, e in half)) for half in halves)
    width = min(-(-longest // _WIDTH_MULTIPLE) * _WIDTH_MULTIPLE, max_length)
    return Pairs(train, heldout, account, dict(cut), width, digest.hexdigest())


class PairFeed:
    """Batches of pairs, each epoch in another order; see `launch.feeds.Feed`. A batch may reach into the next epoch.

    Args:
      arrays: of `PairSet.arrays`.
      batch_size: B, pairs.
      seed: of the orders.
      digest: of the pairs, so that no checkpoint goes on with others.
    """

    def __init__(self, arrays: dict[str, np.ndarray], batch_size: int, seed: int, digest: str):
        self._arrays, self._rows, self._seed, self._digest = arrays, batch_size, seed, digest
        self._size = len(arrays["tokens"])
        self._drawn = 0
        self._order: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int64))

    def next(self, step: int, params: dict) -> dict[str, np.ndarray]:
        """The next batch: tokens [B, 2, T], lengths [B, 2], margins [B]."""
        places = [self._place(self._drawn + row) for row in range(self._rows)]
        self._drawn += self._rows
        return {name: values[places] for name, values in self._arrays.items()}

    def _place(self, number: int) -> int:
        epoch, index = divmod(number, self._size)
        if epoch != self._order[0]:
            self._order = epoch, np.random.default_rng([self._seed, epoch]).permutation(self._size)
        return int(self._order[1][index])

    def get_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The pairs drawn so far; no curriculum."""
        return {"drawn": self._drawn, "digest": self._digest}, {}

    def set_state(self, position: dict[str, Any], curriculum: dict[str, Any]) -> None:
        """Goes to a saved position.

        Raises:
          ValueError: it is of other pairs.
        """
        if position["digest"] != self._digest:
            raise ValueError("it was reached with other pairs; put them back, or delete the stage's folder")
        self._drawn = int(position["drawn"])

    def waited(self) -> float:
        """Nothing is waited for: the pairs are in memory."""
        return 0.0

    def close(self) -> None:
        """There is nothing to close."""
