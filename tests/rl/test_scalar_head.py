"""A scalar head: how it begins, what it reads, and that it learns what is preferred."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import Mistral, init_params
from mistral_moe.rl import scalar_head
from mistral_moe.rl.preference import reference_shift
from mistral_moe.training import partition

MODEL = MistralConfig(
    vocab_size=32,
    d_model=16,
    num_layers=1,
    num_heads=2,
    num_kv_heads=1,
    head_dim=8,
    d_ff=32,
    experts=("a", "b", "c"),
    top_k=1,
    router_hidden=8,
    moe_backend="dense",
)
# Compiled: read operation by operation, a scan over layers is built anew each time.
scores = jax.jit(functools.partial(scalar_head.scores, MODEL))
loss = jax.jit(functools.partial(scalar_head.preference_loss, MODEL), static_argnames="margin")
hidden = jax.jit(lambda params, *text: Mistral(MODEL).apply({"params": params}, *text).hidden)


@pytest.fixture(scope="module")
def params():
    key = jax.random.key(0)
    return scalar_head.with_head(init_params(MODEL, key), scalar_head.init_head(MODEL, key))


def texts(rows=3, width=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(1, 32, (rows, width)).astype(np.int32), rng.integers(1, width + 1, rows).astype(np.int32)


def test_a_fresh_head_has_the_variance_of_the_paper_and_no_bias():
    wide = MistralConfig(vocab_size=8, d_model=4096, num_layers=1, num_heads=1, num_kv_heads=1, head_dim=4, d_ff=4)
    head = scalar_head.init_head(wide, jax.random.key(1))
    assert float(head["kernel"].var()) == pytest.approx(1 / 4097, rel=0.1)
    assert abs(float(head["kernel"].mean())) < 4 / 4097 and float(head["bias"]) == 0


def test_the_tree_is_a_language_model_and_a_group_of_its_own(params):
    shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), params)
    assert shapes == jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), scalar_head.abstract_params(MODEL))
    assert jax.tree.structure(scalar_head.without_head(params)) == jax.tree.structure(
        init_params(MODEL, jax.random.key(0))
    )
    trained, frozen = partition.split(params, {"head": 1e-3})
    assert set(trained) == {scalar_head.NAME} and scalar_head.NAME not in frozen


def test_the_score_is_the_head_at_the_last_real_token_whatever_the_padding(params):
    tokens, lengths = texts()
    found = scores(params, tokens, lengths)
    head = params[scalar_head.NAME]
    for row, length in enumerate(lengths):
        text, places = tokens[row : row + 1, :length], np.arange(length, dtype=np.int32)[None]
        out = hidden(scalar_head.without_head(params), text, np.ones_like(text), places)
        wanted = np.asarray(out[0, -1]) @ np.asarray(head["kernel"]) + float(head["bias"])
        np.testing.assert_allclose(found[row], wanted, rtol=1e-4, atol=1e-5)
    changed = np.where(np.arange(tokens.shape[1]) < lengths[:, None], tokens, 7)
    np.testing.assert_array_equal(scores(params, changed, lengths), found)
    assert float(scores(params, tokens, np.zeros_like(lengths))[0]) == 0


def test_shifting_by_the_references_mean_moves_every_score_alike_and_the_mean_to_0(params):
    tokens, lengths = texts(rows=16)
    before = scores(params, tokens, lengths)
    shift = reference_shift(before, jnp.ones(16, bool))
    after = scores(scalar_head.shifted(params, shift), tokens, lengths)
    assert abs(float(after.mean())) < 1e-6
    np.testing.assert_allclose(before - after, np.full(16, float(shift)), atol=1e-6)


def pairs(rows, seed):
    """Pairs of which the chosen side holds the token 5 somewhere in front of its end, and the other does not."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(6, 32, (rows, 2, 10)).astype(np.int32)
    lengths = rng.integers(5, 11, (rows, 2)).astype(np.int32)
    tokens[np.arange(rows), 0, rng.integers(1, lengths[:, 0] - 1)] = 5
    return {"tokens": tokens, "lengths": lengths, "margins": np.zeros(rows, np.float32)}


def test_a_separable_preference_is_learned_with_the_router_frozen(params):
    trained, frozen = partition.split(params, {"head": 1e-2, "trunk": 1e-2, "experts": 1e-2})
    optimizer = optax.adam(1e-2)
    state = optimizer.init(trained)
    loss_of = functools.partial(scalar_head.preference_loss, MODEL)

    @jax.jit
    def step(trained, state, batch):
        grads, told = jax.grad(lambda part: loss_of(partition.merge(part, frozen), batch), has_aux=True)(trained)
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(trained, updates), state, told

    for number in range(120):
        trained, state, _ = step(trained, state, pairs(32, number))
    _, told = loss(partition.merge(trained, frozen), pairs(256, 10_000))
    assert float(told["accuracy"]) > 0.95 and float(told["loss"]) < 0.3


def test_pairs_of_padding_count_for_nothing_and_margins_only_where_they_weigh(params):
    batch = pairs(6, 3)
    whole, told = loss(params, batch)
    padded = {name: np.concatenate([value, np.zeros_like(value[:2])]) for name, value in batch.items()}
    np.testing.assert_allclose(loss(params, padded)[0], whole, rtol=1e-6)
    assert set(told) == {"loss", "accuracy", "margin"}
    apart = batch | {"margins": np.full(6, 2.0, np.float32)}
    assert float(loss(params, apart)[0]) == float(whole)
    assert float(loss(params, apart, margin=0.5)[0]) > float(whole)
