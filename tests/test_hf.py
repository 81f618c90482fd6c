"""The Hugging Face mapping without Hugging Face: its tables, and what it says when tensors and configs don't fit."""

import dataclasses

import flax.traverse_util
import numpy as np
import pytest

from mistral_moe import hf, hf_config

MIXTRAL = {
    "architectures": ["MixtralForCausalLM"],
    "vocab_size": 32,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 24,
    "num_local_experts": 3,
    "num_experts_per_tok": 2,
}
MISTRAL = {key: value for key, value in MIXTRAL.items() if "experts" not in key}
MISTRAL["architectures"] = ["MistralForCausalLM"]


def tensors_of(config, naming="checkpoint"):
    rng = np.random.default_rng(0)
    return {row.name: rng.normal(size=row.shape).astype(np.float32) for row in hf.tensor_map(config, naming)}


@pytest.mark.parametrize("naming", hf.NAMINGS)
@pytest.mark.parametrize("source", [MISTRAL, MIXTRAL], ids=["mistral", "mixtral"])
def test_every_tensor_goes_there_and_back_and_fills_every_leaf(source, naming):
    config = hf_config.config_from_hf(source)
    tensors = tensors_of(config, naming)
    params = hf.params_from_hf(config, tensors)
    back = hf.params_to_hf(config, params, naming)
    assert back.keys() == tensors.keys()
    for name, array in tensors.items():
        np.testing.assert_array_equal(back[name], array, err_msg=name)
    for path, leaf in flax.traverse_util.flatten_dict(params, sep="/").items():
        assert np.all(leaf != 0) != path.endswith("selection_bias"), path


def test_the_namings_agree():
    config = hf_config.config_from_hf(MIXTRAL)
    params = hf.params_from_hf(config, tensors_of(config))
    fused = hf.params_to_hf(config, params, "fused")
    again = hf.params_to_hf(config, hf.params_from_hf(config, fused))
    for name, array in tensors_of(config).items():
        np.testing.assert_array_equal(again[name], array, err_msg=name)
    assert hf.naming_of(fused) == "fused" and hf.naming_of(again) == "checkpoint"
    with pytest.raises(ValueError, match="unknown naming 'flat'"):
        hf.tensor_map(config, "flat")


def test_rotary_frequencies_of_old_checkpoints_are_ignored():
    config = hf_config.config_from_hf(MISTRAL)
    tensors = tensors_of(config) | {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(2)}
    assert hf.params_from_hf(config, tensors)["embedding"].shape == (32, 16)


def test_errors_name_the_tensor():
    config = hf_config.config_from_hf(MIXTRAL)
    tensors = tensors_of(config)
    missing = {name: array for name, array in tensors.items() if name != "model.layers.1.block_sparse_moe.gate.weight"}
    with pytest.raises(ValueError, match=r"'model.layers.1.block_sparse_moe.gate.weight' is missing"):
        hf.params_from_hf(config, missing)
    with pytest.raises(ValueError, match=r"unexpected tensor 'model.layers.2.input_layernorm.weight'"):
        hf.params_from_hf(config, tensors | {"model.layers.2.input_layernorm.weight": np.ones(16)})
    with pytest.raises(ValueError, match=r"'lm_head.weight' has shape \(16, 32\), but the config asks for \(32, 16\)"):
        hf.params_from_hf(config, tensors | {"lm_head.weight": np.ones((16, 32))})


def test_errors_name_the_parameter():
    config = hf_config.config_from_hf(MIXTRAL)
    params = hf.params_from_hf(config, tensors_of(config))
    with pytest.raises(ValueError, match=r"'lm_head' is missing"):
        hf.params_to_hf(config, {name: leaf for name, leaf in params.items() if name != "lm_head"})
    with pytest.raises(ValueError, match=r"'embedding' has shape \(32, 8\) where 'model.embed_tokens.weight' needs"):
        hf.params_to_hf(config, params | {"embedding": params["embedding"][:, :8]})


def test_what_their_format_lacks_is_refused():
    config = hf_config.config_from_hf(MIXTRAL)
    params = hf.params_from_hf(config, tensors_of(config))
    params["reasoning"] = {"gate": np.zeros(16, np.float32)}
    assert "lm_head.weight" in hf.params_to_hf(config, params)
    with pytest.raises(ValueError, match="reasoning/gate.*open reasoning gate"):
        hf.params_to_hf(config, params | {"reasoning": {"gate": np.full(16, 0.1)}})
    params["layers"]["router"]["selection_bias"][1, 2] = 0.5
    with pytest.raises(ValueError, match="selection_bias.*chosen with a bias"):
        hf.params_to_hf(config, params)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"router_scope": "model"}, "router_scope is 'model', not 'layer'"),
        ({"router_context": "mean"}, "router_context is 'mean', not 'none'"),
        ({"router_hidden": 8}, "router_hidden is 8, not 0"),
        ({"has_reasoning": True, "reasoning_steps": 2}, "reasoning_steps is 2, not 0"),
    ],
)
def test_a_mixture_of_another_form_says_what_is_in_the_way(change, message):
    config = dataclasses.replace(hf_config.config_from_hf(MIXTRAL), **change)
    for attempt in (hf.tensor_map, hf_config.config_to_hf):
        with pytest.raises(ValueError, match=f"MixtralForCausalLM can't express this model: model.{message}"):
            attempt(config)


def test_a_reasoning_block_is_not_imported():
    config = dataclasses.replace(hf_config.config_from_hf(MISTRAL), has_reasoning=True)
    with pytest.raises(ValueError, match="no reasoning block"):
        hf.params_from_hf(config, {})


def test_config_defaults_are_those_of_the_architecture():
    mistral, mixtral = hf_config.config_from_hf(MISTRAL), hf_config.config_from_hf(MIXTRAL)
    assert (mistral.head_dim, mistral.sliding_window, mistral.rope_theta, mistral.norm_eps) == (4, 4096, 1e4, 1e-6)
    assert (mixtral.head_dim, mixtral.sliding_window, mixtral.rope_theta, mixtral.norm_eps) == (4, None, 1e6, 1e-5)
    assert (mistral.experts, mixtral.experts, mixtral.top_k) == ((), ("expert_0", "expert_1", "expert_2"), 2)


def test_config_reads_both_places_of_rope_theta():
    assert hf_config.config_from_hf(MISTRAL | {"rope_theta": 5e5}).rope_theta == 5e5
    newer = {"rope_parameters": {"rope_theta": 7e5, "rope_type": "default"}}
    assert hf_config.config_from_hf(MISTRAL | newer).rope_theta == 7e5
    assert hf_config.config_from_hf(MISTRAL | {"head_dim": 6, "sliding_window": None}).head_dim == 6


@pytest.mark.parametrize("source", [MISTRAL, MIXTRAL], ids=["mistral", "mixtral"])
def test_config_goes_there_and_back(source):
    config = hf_config.config_from_hf(source)
    assert hf_config.config_from_hf(hf_config.config_to_hf(config)) == config


@pytest.mark.parametrize(
    "change, message",
    [
        ({"architectures": ["LlamaForCausalLM"]}, "unknown architecture 'LlamaForCausalLM'"),
        ({"architectures": None, "model_type": "qwen3"}, "unknown architecture 'qwen3'"),
        ({"hidden_size": None}, "lacks 'hidden_size'"),
        ({"hidden_act": "gelu"}, "hidden_act='gelu'"),
        ({"tie_word_embeddings": True}, "tie_word_embeddings=True"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "rope_type='yarn'"),
    ],
)
def test_configs_that_do_not_fit_say_why(change, message):
    with pytest.raises(ValueError, match=message):
        hf_config.config_from_hf(MISTRAL | change)
