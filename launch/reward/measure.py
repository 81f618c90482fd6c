"""What a reward model is worth on pairs it has not seen, and where its zero lies."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from data.preferences import encoding
from data.tokenizer import Tokenizer
from launch.errors import CheckFailed
from launch.reward import floors
from launch.reward.model import score_all
from launch.reward.pairs import Pairs, PairSet
from mistral_moe.inference import serve
from mistral_moe.models.config import MistralConfig
from mistral_moe.rl import scalar_head
from mistral_moe.rl.preference import preference_report, reference_shift


def reference_texts(
    config: MistralConfig,
    params: dict,
    pairs: PairSet,
    tokenizer: Tokenizer,
    samples: int,
    max_tokens: int,
    max_length: int,
    seed: int,
) -> list[np.ndarray]:
    """Texts whose mean score is to be 0.

    Args:
      config: of the reference, the model before any reward.
      params: its parameters, without a head.
      pairs: whose prompts it answers, each once and in turn.
      tokenizer: the model's.
      samples: how many; 0 takes the answers of the pairs instead, chosen and rejected alike.
      max_tokens: of an answer.
      max_length: of a prompt with its answer; longer prompts are cut at their beginning.
      seed: of the draws.

    Returns:
      int32 [N_i] each: prompt and answer, its EOS included where it came to one.
    """
    if not samples:
        return [ids for pair in pairs.encoded for ids in (pair.chosen, pair.rejected)]
    max_tokens = min(max_tokens, max_length // 2)
    different = list(dict.fromkeys(pair.prompt for pair in pairs.pairs))[:samples]
    prompts = [encoding.cut_left(encoding.prompt_ids(p, tokenizer), max_length - max_tokens) for p in different]
    requests = [
        serve.Request(
            prompts[number % len(prompts)].tolist(),
            max_tokens,
            temperature=1.0,
            seed=(seed + number) % 2**32,
            stop=(tokenizer.eos_id,),
        )
        for number in range(samples)
    ]
    drawn = serve.generate(config, scalar_head.without_head(params), requests)
    return [np.array([*request.prompt, *one.tokens], np.int32) for request, one in zip(requests, drawn)]


def normalised(
    config: MistralConfig, params: dict, texts: list[np.ndarray], width: int
) -> tuple[dict, dict[str, float]]:
    """The reward model whose mean score over the reference texts is 0.

    Returns:
      The parameters with their shift, and `shift`, `deviation` (of the scores), `mean_after`, `texts`, `not_finite`.

    Raises:
      CheckFailed: no text has a finite score.
    """
    found = score_all(config, params, texts, width)
    finite = np.isfinite(found)
    if not finite.any():
        raise CheckFailed(f"none of {len(found)} reference texts has a finite score: training has diverged")
    shift = float(reference_shift(found, finite))
    params = scalar_head.shifted(params, shift)
    after = score_all(config, params, texts, width)[finite]
    return params, {
        "shift": shift,
        "deviation": float(found[finite].std()),
        "mean_after": float(after.mean()),
        "texts": len(found),
        "not_finite": int((~finite).sum()),
    }


def report(config: MistralConfig, params: dict, pairs: Pairs) -> dict[str, Any]:
    """The reward model on the held-out pairs, beside its floors; all JSON-able.

    Returns:
      The fields of `PreferenceReport`, with `floors`.

    Raises:
      CheckFailed: no pair has two finite scores.
    """
    heldout = pairs.heldout
    better, worse = (
        score_all(config, params, [getattr(pair, side) for pair in heldout.encoded], pairs.width)
        for side in ("chosen", "rejected")
    )
    lengths = np.array([pair.answers for pair in heldout.encoded])
    try:
        found = preference_report(better, worse, lengths[:, 0], lengths[:, 1])
    except ValueError as error:
        raise CheckFailed(f"the reward model can't be measured: {error}; training has diverged") from error
    told = _jsonable(dataclasses.asdict(found))
    return told | {"floors": floors.measured(pairs.train.pairs, heldout.pairs, lengths)}


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _jsonable(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
