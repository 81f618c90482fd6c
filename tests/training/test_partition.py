"""The regular expressions that decide who learns."""

import itertools

import flax.traverse_util
import jax
import numpy as np
import pytest

from mistral_moe.training.partition import GROUP_NAMES, group_of, merge, split

MODELS = {
    "dense": dict(),
    "router for the model": dict(experts=3, has_reasoning=True),
    "router a layer": dict(experts=3, router_scope="layer", router_hidden=4, has_reasoning=True),
}


@pytest.fixture(params=MODELS.values(), ids=MODELS.keys())
def params(request, tiny_config, tiny_params):
    return tiny_params(tiny_config(**request.param))


@pytest.mark.parametrize(
    "path, group",
    [
        ("layers/ffn/gate", "experts"),
        ("layers/experts/down", "experts"),
        ("router/kernel", "router"),
        ("router/hidden_bias", "router"),
        ("layers/router/kernel", "router"),
        ("router/selection_bias", "balance"),
        ("layers/router/selection_bias", "balance"),
        ("reasoning/gate", "reasoning"),
        ("reasoning/block/ffn/gate", "reasoning"),
        ("reasoning/block/attention_norm/scale", "reasoning"),
        ("embedding", "trunk"),
        ("lm_head", "trunk"),
        ("layers/attention/query", "trunk"),
        ("layers/ffn_norm/scale", "trunk"),
        ("final_norm/scale", "trunk"),
    ],
)
def test_each_kind_of_parameter_has_its_group(path, group):
    assert group_of(path) == group


def test_every_parameter_of_every_model_has_a_group_and_only_the_trunk_takes_what_is_left(params):
    trunk = ("embedding", "lm_head", "attention", "norm")
    for path in flax.traverse_util.flatten_dict(params, sep="/"):
        group = group_of(path)
        assert group in GROUP_NAMES
        assert group != "trunk" or any(name in path for name in trunk), path


def test_split_and_merge_are_inverse_for_every_choice_of_groups(params):
    present = {group_of(path) for path in flax.traverse_util.flatten_dict(params, sep="/")}
    for size in range(1, len(GROUP_NAMES) + 1):
        for chosen in itertools.combinations(GROUP_NAMES, size):
            if not present & set(chosen):
                continue
            trained, frozen = split(params, {group: 1e-3 if group in chosen else None for group in GROUP_NAMES})
            flat, rest = (set(flax.traverse_util.flatten_dict(tree, sep="/")) for tree in (trained, frozen))
            assert not flat & rest
            assert {group_of(path) for path in flat} == present & set(chosen)
            assert {group_of(path) for path in rest} == present - set(chosen)
            jax.tree.map(np.testing.assert_array_equal, merge(trained, frozen), params)


def test_a_group_that_is_not_named_is_frozen(params):
    trained, _ = split(params, {"experts": 1e-3})
    assert {group_of(path) for path in flax.traverse_util.flatten_dict(trained, sep="/")} == {"experts"}


def test_unknown_groups_and_nothing_to_train_are_refused(params):
    with pytest.raises(ValueError, match="unknown parameter group 'tail'; the groups are .*balance, router"):
        split(params, {"tail": 1e-3})
    with pytest.raises(ValueError, match="every parameter is frozen"):
        split(params, {"experts": None})
