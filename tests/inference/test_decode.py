"""Completions: greedy is the argmax of the whole forward pass, one token after the other."""

import numpy as np
import pytest

from mistral_moe.inference.decode import complete

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
