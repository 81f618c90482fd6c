"""Who sees whom: packed documents kept apart bit for bit, causality, the sliding window, rotary positions."""

import functools

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.models.attention import Attention, attention_mask, rotary, sight_of
from mistral_moe.models.mistral import Mistral

VARIANTS = {
    "dense": dict(),
    "dense, window 3": dict(sliding_window=3),
    "reasoning": dict(has_reasoning=True, reasoning_steps=2),
    **{
        f"mixture, {scope}, {context}": dict(experts=3, router_scope=scope, router_context=context)
        for scope in ("model", "layer")
        for context in ("mean", "none")
    },
    "mixture, window 3": dict(experts=3, sliding_window=3, router_scope="layer"),
    "mixture, router with hidden units": dict(experts=3, router_hidden=8, top_k=2),
}
ROWS = ((5, 7, 4), (9, 7))


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys(), scope="module")
def model(request, tiny_config, tiny_params):
    """(config, params) of each variant, with a reasoning gate that is open."""
    config = tiny_config(moe_backend="blocks", **request.param)
    params = tiny_params(config)
    if config.has_reasoning:
        params["reasoning"]["gate"] = jnp.full(config.d_model, 0.5)
    return config, params


def with_other_tokens(batch, where, seed=1):
    """The batch with other tokens where the mask says so."""
    shift = np.random.default_rng(seed).integers(1, 30, batch["tokens"].shape)
    return batch | {"tokens": np.where(where, 1 + (batch["tokens"] - 1 + shift) % 31, batch["tokens"]).astype(np.int32)}


@pytest.mark.parametrize("segment", (1, 2, 3))
def test_other_documents_do_not_move_at_all(model, model_logits, packed_batch, segment):
    config, params = model
    batch = packed_batch(ROWS)
    perturbed = np.zeros_like(batch["tokens"], bool)
    perturbed[0] = batch["segment_ids"][0] == segment
    before, after = (model_logits(config, params, b) for b in (batch, with_other_tokens(batch, perturbed)))
    assert np.array_equal(before[~perturbed], after[~perturbed])
    assert not np.array_equal(before[perturbed], after[perturbed]), "the perturbation must do something"


def test_the_future_does_not_matter(model, model_logits, packed_batch):
    config, params = model
    batch = packed_batch(((16,), (16,)))
    for cut in (1, 6, 15):
        future = np.broadcast_to(np.arange(16) >= cut, batch["tokens"].shape)
        before, after = (model_logits(config, params, b) for b in (batch, with_other_tokens(batch, future)))
        np.testing.assert_array_equal(before[:, :cut], after[:, :cut])
        assert not np.array_equal(before[:, cut:], after[:, cut:])


@pytest.mark.parametrize("changes", [dict(), dict(experts=3, router_scope="layer", sliding_window=3), dict(experts=3)])
def test_no_gradient_of_one_document_reaches_another(tiny_config, tiny_params, packed_batch, changes):
    """Each document has tokens of its own, so that the gradient of the embedding tells them apart."""
    config = tiny_config(moe_backend="blocks", **changes)
    params = tiny_params(config)
    batch = packed_batch(ROWS)
    batch["tokens"] = (batch["segment_ids"] * 8 + np.arange(16) % 8).astype(np.int32)

    @jax.jit
    def of_second_document(params):
        def outcome(params):
            out = Mistral(config).apply({"params": params}, batch["tokens"], batch["segment_ids"], batch["positions"])
            return jnp.sum(jnp.where((batch["segment_ids"] == 2)[..., None], out.hidden**2 * jnp.arange(16), 0))

        return jax.grad(outcome)(params)["embedding"]

    gradient = np.asarray(of_second_document(params))
    assert gradient[16:24].any(axis=1).sum() >= 7
    assert not gradient[8:16].any() and not gradient[24:].any()


@hypothesis.settings(max_examples=8, deadline=None)
@hypothesis.given(
    size=st.integers(1, 10), start=st.integers(0, 6), neighbour=st.integers(1, 6), seed=st.integers(0, 1000)
)
def test_packed_anywhere_a_document_says_what_it_says_alone(
    model, model_logits, packed_batch, size, start, neighbour, seed
):
    config, params = model
    before = tuple(length for length in (min(start, neighbour), start - neighbour) if length > 0)
    batch = packed_batch(((*before, size, *((16 - start - size,) if start + size < 16 else ())), (size,)), seed=seed)
    batch["tokens"][0, start : start + size] = batch["tokens"][1, :size]
    logits = model_logits(config, params, batch)
    np.testing.assert_allclose(logits[0, start : start + size], logits[1, :size], atol=1e-5)


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(
    rows=st.lists(st.lists(st.integers(0, 2), min_size=9, max_size=9), min_size=1, max_size=3),
    window=st.one_of(st.none(), st.integers(1, 10)),
)
def test_the_mask_is_causal_inside_one_segment_inside_the_window(rows, window):
    found = np.asarray(attention_mask(jnp.asarray(rows, jnp.int32), window))
    for row, segments in enumerate(rows):
        for query in range(9):
            for key in range(9):
                seen = key <= query and segments[key] == segments[query] and (window is None or query - key < window)
                assert found[row, query, key] == seen


def influence(config, params, length):
    """[S, T] bool: whether changing token s moves the logits at t; one row of the batch for each s."""
    from mistral_moe.models.mistral import logits

    tokens = np.broadcast_to(np.arange(1, length + 1), (length + 1, length)).copy()
    tokens[np.arange(1, length + 1), np.arange(length)] += length
    segments, positions = np.ones_like(tokens), np.broadcast_to(np.arange(length), tokens.shape)
    out = jax.jit(Mistral(config).apply)({"params": params}, tokens, segments, positions)
    said = np.asarray(logits(params, out.hidden))
    return np.abs(said[1:] - said[0]).max(-1) > 1e-7


@pytest.mark.parametrize("layers", (1, 2))
@pytest.mark.parametrize("window", (None, 1, 3, 5))
def test_a_layer_reaches_back_one_window_and_two_layers_two(tiny_config, tiny_params, layers, window):
    config = tiny_config(num_layers=layers, sliding_window=window)
    mask = np.asarray(attention_mask(jnp.ones((1, 12), jnp.int32), window))[0].astype(int)
    reached = np.linalg.matrix_power(mask, layers) > 0  # query by key
    assert np.array_equal(influence(config, tiny_params(config), 12), reached.T)


def test_a_window_as_long_as_the_text_is_no_window(tiny_config, tiny_params, packed_batch, model_logits):
    plain, windowed = tiny_config(), tiny_config(sliding_window=16)
    batch = packed_batch(ROWS)
    said = [model_logits(config, tiny_params(plain), batch) for config in (plain, windowed)]
    assert np.array_equal(*said)


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(distance=st.integers(0, 50), shift=st.integers(0, 200), seed=st.integers(0, 100))
def test_rotary_scores_depend_on_the_distance_alone(distance, shift, seed):
    query, key = jnp.asarray(np.random.default_rng(seed).normal(size=(2, 1, 1, 1, 8)), jnp.float32)

    def score(at_query, at_key):
        return float(jnp.sum(rotary(query, jnp.array([[at_query]]), 1e4) * rotary(key, jnp.array([[at_key]]), 1e4)))

    assert score(distance, 0) == pytest.approx(score(distance + shift, shift), abs=1e-4)
    assert float(jnp.linalg.norm(rotary(query, jnp.array([[shift]]), 1e4))) == pytest.approx(
        float(jnp.linalg.norm(query)), rel=1e-5
    )


@pytest.mark.parametrize("heads, kv_heads", [(4, 4), (4, 2), (4, 1), (6, 3)])
def test_grouped_heads_are_one_softmax_a_head(tiny_config, heads, kv_heads):
    config = tiny_config(num_heads=heads, num_kv_heads=kv_heads, sliding_window=4)
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(2, 6, 16)), jnp.float32)
    positions = jnp.broadcast_to(jnp.arange(6), (2, 6))
    sight = sight_of(config, jnp.sort(jnp.asarray(rng.integers(0, 2, (2, 6))), axis=1))
    params = Attention(config).init(jax.random.key(0), x, positions, sight)["params"]
    found = Attention(config).apply({"params": params}, x, positions, sight)

    turned = functools.partial(rotary, positions=positions, theta=config.rope_theta)
    query, key, value = (np.einsum("BTD,DNH->BTNH", x, params[name]) for name in ("query", "key", "value"))
    query, key = np.asarray(turned(jnp.asarray(query))), np.asarray(turned(jnp.asarray(key)))
    expected = np.zeros_like(x)
    for head in range(heads):
        shared = head // (heads // kv_heads)
        scores = np.einsum("BTH,BSH->BTS", query[:, :, head], key[:, :, shared]) / config.head_dim**0.5
        weights = np.exp(scores) * np.asarray(sight.mask)
        mixed = np.einsum("BTS,BSH->BTH", weights / weights.sum(-1, keepdims=True), value[:, :, shared])
        expected += mixed @ np.asarray(params["output"][head])
    np.testing.assert_allclose(found, expected, atol=1e-5)
