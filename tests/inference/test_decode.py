"""Completions: greedy is the argmax of the whole forward pass, one token after the other."""

import jax
import numpy as np
import pytest

from mistral_moe.inference import decode
from mistral_moe.inference.decode import complete, read

PROMPTS = [[1, 5, 9], [1], [1, 7, 7, 3, 20, 11]]
NEVER = 31


@pytest.fixture(params=(0, 3), ids=("dense", "mixture"))
def model(request, tiny_config, tiny_params):
    config = tiny_config(experts=request.param, sliding_window=4)
    params = tiny_params(config)
    # A token that is never the first choice can stand for EOS.
    params["lm_head"] = params["lm_head"].at[:, NEVER].set(0) * 3
    return config, params


def step_by_step(config, params, prompt, num_tokens, model_logits):
    """Each next token from a forward pass over a row that holds what is known so far and nothing else."""
    known = list(prompt)
    for _ in range(num_tokens):
        row = np.zeros((1, 16), np.int32)
        row[0, : len(known)] = known
        batch = {
            "tokens": row,
            "segment_ids": (np.arange(16) < len(known)).astype(np.int32)[None],
            "positions": np.arange(16, dtype=np.int32)[None],
        }
        known.append(int(model_logits(config, params, batch)[0, len(known) - 1].argmax()))
    return known[len(prompt) :]


def test_greedy_is_a_step_by_step_argmax_for_prompts_of_any_length(model, model_logits):
    config, params = model
    found = complete(config, params, PROMPTS, 8, eos_id=NEVER)
    assert found == [step_by_step(config, params, prompt, 8, model_logits) for prompt in PROMPTS]


def test_prompts_do_not_influence_each_other(model):
    config, params = model
    together = complete(config, params, PROMPTS, 6, eos_id=NEVER)
    assert complete(config, params, PROMPTS[::-1], 6, eos_id=NEVER)[::-1] == together
    # The longest alone has the shape of the row it had in company.
    assert complete(config, params, PROMPTS[2:], 6, eos_id=NEVER) == together[2:]


def test_a_completion_ends_before_eos(model):
    config, params = model
    whole = complete(config, params, PROMPTS, 8, eos_id=NEVER)
    eos = whole[0][3]
    cut = complete(config, params, PROMPTS, 8, eos_id=eos)
    for short, long in zip(cut, whole):
        assert short == (long[: long.index(eos)] if eos in long else long)
    assert len(cut[0]) <= 3


def test_sampling_is_repeatable_by_seed_and_cold_sampling_is_greedy(model):
    config, params = model
    warm = [complete(config, params, PROMPTS, 6, eos_id=NEVER, temperature=2.0, seed=seed) for seed in (0, 0, 1)]
    assert warm[0] == warm[1] != warm[2]
    cold = complete(config, params, PROMPTS, 6, eos_id=NEVER, temperature=1e-4)
    assert cold == complete(config, params, PROMPTS, 6, eos_id=NEVER)


def test_an_empty_prompt_is_refused(model):
    config, params = model
    with pytest.raises(ValueError, match="prompt 1 is empty"):
        complete(config, params, [[1], []], 2, eos_id=NEVER)


SHAPES = {
    "dense": dict(),
    "window": dict(sliding_window=3),
    "one decision for all layers": dict(experts=3, top_k=1),
    "a decision a layer": dict(experts=3, router_scope="layer", router_hidden=5, sliding_window=5),
    "the token alone": dict(experts=3, router_context="none"),
    "reasoning": dict(has_reasoning=True, reasoning_steps=2),
}


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_reading_in_pieces_is_reading_at_once(tiny_config, tiny_params, model_logits, changes):
    """Rows of different lengths, each piece padded, through a cache no longer than what is still seen."""
    config = tiny_config(**changes)
    params = tiny_params(config, 3)
    if config.has_reasoning:
        params["reasoning"]["gate"] = params["reasoning"]["gate"] + 0.7
    pieces = np.array([[4, 1, 1, 5, 1], [2, 1, 3, 1, 1]])  # tokens that each row reads in each pass
    rng = np.random.default_rng(0)
    rows = rng.integers(1, 30, (2, pieces.sum(axis=1).max()))
    size = config.sliding_window or rows.shape[1]
    batch = {
        "tokens": rows,
        "segment_ids": np.ones_like(rows),
        "positions": np.broadcast_to(np.arange(rows.shape[1]), rows.shape),
    }
    expected = model_logits(config, params, batch)
    cache, starts = None, np.zeros(2, np.int32)
    for lengths in pieces.T.astype(np.int32):
        tokens = np.zeros((2, lengths.max()), np.int32)
        for row, start, length in zip((0, 1), starts, lengths):
            tokens[row, :length] = rows[row, start : start + length]
        logits, cache = read(config, params, cache, tokens, lengths, starts, size)
        starts = starts + lengths
        np.testing.assert_allclose(logits, expected[[0, 1], starts - 1], atol=2e-5)


def test_a_batch_that_is_done_reads_no_further(model, monkeypatch):
    """Counted by the passes that run, with the loop unrolled by hand."""
    config, params = model
    whole = complete(config, params, PROMPTS, 8, eos_id=NEVER)
    passes = []
    monkeypatch.setattr(decode, "read", lambda *rest: passes.append(1) or read(*rest))
    with jax.disable_jit():
        complete(config, params, PROMPTS[1:2], 8, eos_id=whole[1][0])
    assert len(passes) == 2
