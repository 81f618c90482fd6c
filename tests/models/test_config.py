"""A config that makes no sense is refused with the name of the field."""

import dataclasses

import pytest


@pytest.mark.parametrize(
    "name", ("vocab_size", "d_model", "num_layers", "num_heads", "num_kv_heads", "head_dim", "d_ff")
)
@pytest.mark.parametrize("value", (0, -1))
def test_sizes_are_at_least_one(tiny_config, name, value):
    with pytest.raises(ValueError, match=rf"model\.{name} is {value}"):
        tiny_config(**{name: value})


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(num_heads=3), r"model\.num_heads \(3\) must be a multiple of model\.num_kv_heads \(2\)"),
        (dict(head_dim=3), r"model\.head_dim is 3"),
        (dict(sliding_window=0), r"model\.sliding_window is 0"),
        (dict(experts=("code", "math", "code")), r"model\.experts names one expert twice"),
        (dict(experts=5, top_k=0), r"model\.top_k is 0; with 5 experts it is 1 to 5"),
        (dict(experts=5, top_k=6), r"model\.top_k is 6"),
        (dict(reasoning_steps=1), r"model\.has_reasoning is False"),
        (dict(router_scope="token"), r"model\.router_scope is 'token'; it is one of model, layer"),
        (dict(router_context="sum"), r"model\.router_context is 'sum'"),
        (dict(remat="all"), r"model\.remat is 'all'"),
        (dict(dtype="float16"), r"model\.dtype is 'float16'"),
        (dict(param_dtype="int8"), r"model\.param_dtype is 'int8'"),
    ],
)
def test_what_contradicts_itself_is_refused_by_field(tiny_config, changes, message):
    with pytest.raises(ValueError, match=message):
        tiny_config(**changes)


def test_a_dense_model_does_not_care_for_top_k(tiny_config):
    assert tiny_config(top_k=7).num_experts == 0


def test_dense_is_the_same_shape_without_experts_and_reasoning(tiny_config):
    mixture = tiny_config(experts=5, has_reasoning=True, reasoning_steps=2, sliding_window=3, dtype="bfloat16")
    dense = mixture.dense()
    assert (mixture.num_experts, dense.num_experts) == (5, 0)
    assert not dense.has_reasoning and dense.reasoning_steps == 0
    kept = {field.name for field in dataclasses.fields(mixture)} - {"experts", "has_reasoning", "reasoning_steps"}
    assert all(getattr(dense, name) == getattr(mixture, name) for name in kept)


@pytest.mark.parametrize("steps", (0, 3))
def test_as_forced_keeps_the_reasoning_block(tiny_config, steps):
    forced = tiny_config(experts=5, has_reasoning=True, reasoning_steps=1).as_forced(steps)
    assert (forced.experts, forced.has_reasoning, forced.reasoning_steps) == ((), True, steps)


def test_a_config_can_key_a_cache(tiny_config):
    assert hash(tiny_config(experts=2)) == hash(tiny_config(experts=2))
    assert tiny_config(experts=2) != tiny_config(experts=3)
