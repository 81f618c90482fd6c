"""Our models compute what Hugging Face's Mistral and Mixtral compute, from the same weights: logits and gradients."""

import dataclasses
import functools
import json

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe import hf, hf_config
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import Mistral, logits
from mistral_moe.routing.balance import load_balance_loss
from mistral_moe.training.losses import language_model_loss

_REASON = "test-only peer: pip install -r requirements.lock -r requirements-test.lock"
torch = pytest.importorskip("torch", reason=_REASON)
transformers = pytest.importorskip("transformers", reason=_REASON)

TOLERANCE = 1e-4
BATCH, LENGTH = 2, 16
DENSE = MistralConfig(
    vocab_size=64, d_model=32, num_layers=2, num_heads=4, num_kv_heads=2, head_dim=8, d_ff=48, rope_theta=500.0
)

UNROLLED = {"scan_unroll": 2}


def dense(**changes):
    return dataclasses.replace(DENSE, **changes)


def mixture(num_experts, top_k, **changes):
    names = tuple(f"expert_{index}" for index in range(num_experts))
    return dense(experts=names, top_k=top_k, router_scope="layer", router_context="none", **changes)


DENSE_CASES = {
    "gqa 4:4": dense(num_kv_heads=4),
    "gqa 4:2, unrolled": dense(**UNROLLED),
    "gqa 4:1": dense(num_kv_heads=1),
    "window 5 of 16": dense(sliding_window=5),
    "window 1, unrolled": dense(sliding_window=1, **UNROLLED),
    "head_dim 20, not d_model / heads": dense(head_dim=20),
    "all at once, unrolled": dense(head_dim=20, num_kv_heads=1, sliding_window=5, norm_eps=1e-3, **UNROLLED),
}
MIXTURE_CASES = {
    "2 experts, top 1, blocks": mixture(2, 1, num_kv_heads=4),
    "2 experts, top 2, dense, unrolled": mixture(2, 2, moe_backend="dense", **UNROLLED),
    "5 experts, top 1, dense": mixture(5, 1, sliding_window=5, moe_backend="dense"),
    "5 experts, top 2, blocks": mixture(5, 2, num_kv_heads=1),
    "5 experts, top 3, blocks, unrolled": mixture(5, 3, head_dim=20, sliding_window=5, **UNROLLED),
    "8 experts, top 2, blocks, unrolled": mixture(8, 2, **UNROLLED),
    "8 experts, top 3, dense": mixture(8, 3, num_kv_heads=1, moe_backend="dense"),
}
EACH_KIND = pytest.mark.parametrize(
    "config", [dense(head_dim=20, num_kv_heads=1), mixture(5, 3, head_dim=20, num_kv_heads=1)], ids=["dense", "mixture"]
)


@functools.cache
def peer(config):
    """A Hugging Face model of this config with random weights large enough for every part to matter."""
    kind = "Mixtral" if config.experts else "Mistral"
    theirs = getattr(transformers, f"{kind}Config")(**hf_config.config_to_hf(config), attn_implementation="eager")
    model = getattr(transformers, f"{kind}ForCausalLM")(theirs)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if "norm" in name:
                noise = 1 + 0.2 * noise
            elif "embed" not in name:
                noise = noise * weight.shape[-1] ** -0.5
            weight.copy_(noise)
    return model


def tokens_of(config):
    return np.random.default_rng(0).integers(0, config.vocab_size, (BATCH, LENGTH)).astype(np.int32)


@functools.cache
def peer_result(config):
    """(logits, gradients by name) of the peer, for the mean next-token loss."""
    model = peer(config)
    tokens = torch.tensor(tokens_of(config), dtype=torch.long)
    model.zero_grad()
    out = model(tokens, labels=tokens)
    out.loss.backward()
    gradients = {name: weight.grad.numpy().copy() for name, weight in model.named_parameters()}
    return out.logits.detach().numpy(), gradients


def state_dict(model):
    return {name: weight.numpy() for name, weight in model.state_dict().items()}


def our_result(config, params):
    """(logits, gradient tree) of ours, for the same loss."""
    tokens = tokens_of(config)
    batch = {
        "tokens": tokens,
        "targets": np.roll(tokens, -1, axis=1),
        "segment_ids": np.ones_like(tokens),
        "positions": np.broadcast_to(np.arange(LENGTH, dtype=np.int32), tokens.shape),
        "loss_weights": np.broadcast_to(np.arange(LENGTH) < LENGTH - 1, tokens.shape).astype(np.float32),
    }

    def run(params):
        out = Mistral(config).apply({"params": params}, tokens, batch["segment_ids"], batch["positions"])
        return logits(params, out.hidden), jax.grad(lambda p: language_model_loss(config, p, batch)[0])(params)

    # The programs are many and tiny: compiling them fast matters, running them fast doesn't.
    return jax.jit(run, compiler_options={"xla_backend_optimization_level": 0})(params)


def assert_equal_to_peer(config):
    their_logits, their_gradients = peer_result(config)
    our_logits, our_gradients = our_result(config, hf.params_from_hf(config, state_dict(peer(config))))
    np.testing.assert_allclose(our_logits, their_logits, rtol=TOLERANCE, atol=TOLERANCE)
    # Gradients are mapped as the weights are, so each is compared with the parameter that it belongs to.
    expected = flax.traverse_util.flatten_dict(hf.params_from_hf(config, their_gradients), sep="/")
    actual = flax.traverse_util.flatten_dict(our_gradients, sep="/")
    assert actual.keys() == expected.keys()
    for path, gradient in actual.items():
        # Relative to the leaf's largest entry; with top_k 1 the router's gradient is rounding alone, hence the floor.
        atol = TOLERANCE * np.abs(expected[path]).max() + 1e-7
        np.testing.assert_allclose(gradient, expected[path], rtol=TOLERANCE, atol=atol, err_msg=path)


# What other cases come near to is left to CI: each compiles both sides.
_SLOW = (
    "gqa 4:1",
    "window 1, unrolled",
    "2 experts, top 2, dense, unrolled",
    "5 experts, top 3, blocks, unrolled",
    "8 experts, top 3, dense",
)


def each(cases):
    return [pytest.param(config, id=name, marks=[pytest.mark.slow] * (name in _SLOW)) for name, config in cases.items()]


@pytest.mark.parametrize("config", each(DENSE_CASES))
def test_dense_logits_and_gradients(config):
    assert_equal_to_peer(config)


@pytest.mark.parametrize("config", each(MIXTURE_CASES))
def test_mixture_logits_and_gradients(config):
    assert_equal_to_peer(config)


@pytest.mark.parametrize(
    "config, change",
    [(dense(sliding_window=5), {"sliding_window": 6}), (mixture(2, 2), {"top_k": 1})],
    ids=["window", "top_k"],
)
def test_the_comparison_would_notice_an_error(config, change):
    params = hf.params_from_hf(config, state_dict(peer(config)))
    wrong, _ = our_result(dataclasses.replace(config, **change), params)
    assert np.abs(wrong - peer_result(config)[0]).max() > 100 * TOLERANCE


@pytest.mark.parametrize("naming", hf.NAMINGS)
@EACH_KIND
def test_round_trip_is_bit_exact(config, naming):
    theirs = state_dict(peer(config))
    params = hf.params_from_hf(config, theirs)
    renamed = hf.params_to_hf(config, params, naming)
    jax.tree.map(np.testing.assert_array_equal, hf.params_from_hf(config, renamed), params)
    back = hf.params_to_hf(config, params, "fused")
    assert back.keys() == theirs.keys()
    for name, weight in theirs.items():
        np.testing.assert_array_equal(back[name], weight, err_msg=name)


@EACH_KIND
def test_checkpoint_files_hold_what_the_map_says(config, tmp_path):
    """Names, shapes and values of what `save_pretrained` writes, and the config.json beside it."""
    from safetensors.numpy import load_file

    peer(config).save_pretrained(tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    expected = {row.name: row.shape for row in hf.tensor_map(config)}
    assert expected == {name: array.shape for name, array in saved.items()}
    ours = hf.params_to_hf(config, hf.params_from_hf(config, state_dict(peer(config))))
    for name, array in saved.items():
        np.testing.assert_array_equal(ours[name], array, err_msg=name)
    assert hf_config.config_from_hf(json.loads((tmp_path / "config.json").read_text())) == config


def test_load_balance_loss_is_theirs_over_top_k():
    """Ours counts shares of assignments (1 when balanced), theirs assignments a token (k): a factor of k.

    Over several layers ours is the mean of the layers' losses, while theirs multiplies means over all layers, in which
    one layer's imbalance can hide another's: they are compared layer by layer.
    """
    from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

    rng = np.random.default_rng(0)
    layers, experts, top_k = 3, 5, 2
    scores = (2 * rng.normal(size=(layers, BATCH, LENGTH, experts))).astype(np.float32)
    mask = (np.arange(LENGTH) < np.array([[LENGTH], [LENGTH - 6]])).astype(np.float32)
    _, chosen = jax.lax.top_k(jnp.asarray(scores), top_k)
    for theirs_mask, ours_mask in ((None, np.ones_like(mask)), (torch.tensor(mask), mask)):
        theirs = [
            load_balancing_loss_func((torch.tensor(layer.reshape(-1, experts)),), experts, top_k, theirs_mask).item()
            for layer in scores
        ]
        ours = load_balance_loss(jnp.asarray(scores), chosen, jnp.asarray(ours_mask))
        np.testing.assert_allclose(ours, np.mean(theirs) / top_k, rtol=1e-6)
