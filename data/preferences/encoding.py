"""Pairs as tokens that fit a window."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from data.preferences.pair import Pair, Unusable
from data.tokenizer import Tokenizer

_PROMPT_SHARE = 4  # of a window's tokens, one in so many is the prompt's where both sides are too long


@dataclasses.dataclass(frozen=True)
class EncodedPair:
    """A pair's tokens.

    Attributes:
      chosen, rejected: int32 [N], BOS, the prompt, the answer and EOS.
      answers: tokens of the chosen and of the rejected answer, EOS included, before anything was cut.
      margin: as the pair's.
      prompt_cut: tokens at the beginning of the prompt that the window had no room for, of the side that lost more.
      answers_cut: answers whose end, EOS with it, the window had no room for: 0 to 2.
    """

    chosen: np.ndarray
    rejected: np.ndarray
    answers: tuple[int, int]
    margin: float
    prompt_cut: int
    answers_cut: int


def prompt_ids(parts: Sequence[str], tokenizer: Tokenizer) -> np.ndarray:
    """Tokens of a prompt in parts, int32 [N]: BOS, text and control symbols in turn.

    Raises:
      TokenizerError: the tokenizer lacks a control symbol.
      ValueError: text with lone surrogates.
    """
    pieces = [np.array([tokenizer.bos_id], np.int32)]
    for place, part in enumerate(parts):
        pieces.append(np.array([tokenizer.control_id(part)], np.int32) if place % 2 else tokenizer.encode(part))
    return np.concatenate(pieces)


def cut_left(ids: np.ndarray, length: int) -> np.ndarray:
    """The mark of the beginning and the last tokens, at most `length` in all: a question's end matters most."""
    return ids if len(ids) <= length else np.concatenate([ids[:1], ids[len(ids) - length + 1 :]])


def encode(pair: Pair, tokenizer: Tokenizer, max_length: int) -> EncodedPair:
    """The tokens of a pair.

    Prompts that don't fit are cut at their beginning, after BOS; an answer that would leave its prompt less than a
    quarter of the window is cut at its end.

    Args:
      pair: the pair.
      tokenizer: the model's.
      max_length: tokens of the window, at least 8.

    Raises:
      Unusable: `not_utf8`, or `equal_in_window`: the sides differ behind the window's end alone.
      TokenizerError: the tokenizer lacks a control symbol.
    """
    try:
        prompt = prompt_ids(pair.prompt, tokenizer)
        answers = [tokenizer.encode(text, eos=True) for text in (pair.chosen, pair.rejected)]
    except UnicodeEncodeError as error:
        raise Unusable("not_utf8", f"a lone surrogate at character {error.start}") from error
    least = min(len(prompt), max(max_length // _PROMPT_SHARE, 1))
    cut = [answer[: max_length - least] for answer in answers]
    sides = [np.concatenate([cut_left(prompt, max_length - len(answer)), answer]) for answer in cut]
    if np.array_equal(*sides):
        raise Unusable("equal_in_window", f"alike in the first {max_length - least} tokens")
    return EncodedPair(
        chosen=sides[0],
        rejected=sides[1],
        answers=(len(answers[0]), len(answers[1])),
        margin=pair.margin,
        prompt_cut=max(len(prompt) + max(map(len, cut)) - max_length, 0),
        answers_cut=sum(len(short) < len(whole) for short, whole in zip(cut, answers)),
    )
