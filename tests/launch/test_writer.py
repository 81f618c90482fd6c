"""A model as the writer of candidates: deterministic, whatever else is asked for, and clear about what is missing."""

from __future__ import annotations

import jax
import pytest

from data import tokenizer as tokenizer_lib
from experiments.tiny import get_config
from launch import writer as writer_lib
from launch.errors import UserError
from launch.evaluate import model_of
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params


@pytest.fixture(scope="module")
def writer():
    tokenizer = tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))
    config = MistralConfig(
        vocab_size=tokenizer.vocab_size, d_model=8, num_layers=1, num_heads=2, num_kv_heads=1, head_dim=4, d_ff=8
    )
    params = init_params(config, jax.random.key(0))
    return writer_lib.ModelWriter(config, params, tokenizer, "digest", 1.0, 4)


@pytest.mark.slow
def test_every_prompt_gets_its_completion_and_the_seed_decides_it(writer):
    prompts = [f"Problem: {number} + {number}\n" for number in range(writer_lib.ROWS + 1)]
    first = writer(prompts, 1)
    assert len(first) == len(prompts) and first == writer(prompts, 1)
    assert first != writer(prompts, 2)


def test_a_run_without_the_model_is_told(tmp_path):
    with pytest.raises(UserError, match="stage tokenizer is not complete"):
        writer_lib.load(get_config(), str(tmp_path), "seed", 0.7, 16)


def test_an_unknown_model_is_told_with_those_there_are():
    with pytest.raises(UserError, match="no model 'mixture'") as raised:
        model_of(get_config(), "mixture")
    assert "mixture_after_joint" in str(raised.value)


def test_a_runs_own_post_trained_models_have_names_and_others_have_none():
    config = get_config()
    config.post_training = ("sft", "reward")
    shape, stage, _ = model_of(config, "mixture_after_sft")
    assert stage == "sft" and shape == model_of(config, "mixture_after_joint")[0]
    for name in ("mixture_after_reward", "mixture_after_ppo"):
        with pytest.raises(UserError, match=f"no model '{name}'"):
            model_of(config, name)
