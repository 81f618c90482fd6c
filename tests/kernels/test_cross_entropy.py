"""token_cross_entropy against optax, and chunked against unchunked."""

import functools

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mistral_moe.kernels.cross_entropy import token_cross_entropy

BATCH, LENGTH, WIDTH, VOCAB = 3, 8, 6, 11
CHUNKS = (1, 4, 12, 24)


def example(seed, scale=1.0, dtype="float32"):
    rng = np.random.default_rng(seed)
    hidden = jnp.asarray(scale * rng.normal(size=(BATCH, LENGTH, WIDTH)), dtype)
    head = jnp.asarray(rng.normal(size=(WIDTH, VOCAB)), "float32")
    return hidden, head, jnp.asarray(rng.integers(0, VOCAB, (BATCH, LENGTH)), jnp.int32)


@functools.cache
def compiled(chunk):
    """(nats, correct, gradients of hidden and head) of a weighted sum, so that tokens can't trade places."""

    def weighted(hidden, head, targets):
        nats, correct = token_cross_entropy(hidden, head, targets, chunk)
        return jnp.sum(nats * jnp.arange(1.0, nats.size + 1).reshape(nats.shape)), (nats, correct)

    @jax.jit
    def run(hidden, head, targets):
        (_, (nats, correct)), gradients = jax.value_and_grad(weighted, argnums=(0, 1), has_aux=True)(
            hidden, head, targets
        )
        return nats, correct, *gradients

    return run


@pytest.mark.parametrize("chunk", CHUNKS)
@hypothesis.settings(max_examples=15, deadline=None)
@hypothesis.given(seed=st.integers(0, 1000), scale=st.sampled_from((0.0, 1.0, 30.0)))
def test_chunked_is_unchunked_in_value_and_gradients(chunk, seed, scale):
    inputs = example(seed, scale)
    for one, other in zip(compiled(chunk)(*inputs), compiled(0)(*inputs)):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)


@hypothesis.settings(max_examples=15, deadline=None)
@hypothesis.given(seed=st.integers(0, 1000))
def test_it_is_optax_of_the_logits(seed):
    hidden, head, targets = example(seed)
    nats, correct, *_ = compiled(0)(hidden, head, targets)
    logits = hidden @ head
    expected = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    np.testing.assert_allclose(nats, expected, rtol=1e-5, atol=1e-5)
    assert np.array_equal(correct, logits.argmax(-1) == targets)
    assert 0 < correct.mean() < 1 or seed, "the example must hold both kinds"


@pytest.mark.parametrize("chunk", (0, 4))
def test_far_off_logits_stay_finite(chunk):
    hidden, head, targets = example(0, scale=1e4)
    for leaf in compiled(chunk)(hidden, head, targets):
        assert np.isfinite(leaf).all()


@pytest.mark.parametrize("chunk", (0, 4))
def test_bfloat16_hidden_states_give_float32_nats(chunk):
    hidden, head, targets = example(0, dtype="bfloat16")
    nats, _, hidden_gradient, head_gradient = compiled(chunk)(hidden, head, targets)
    assert (nats.dtype, hidden_gradient.dtype, head_gradient.dtype) == ("float32", "bfloat16", "float32")
    wide = compiled(0)(hidden.astype("float32"), head.astype("bfloat16").astype("float32"), targets)[0]
    np.testing.assert_allclose(nats, wide, atol=1e-5)


def largest_value(jaxpr):
    """Elements of the largest array that a program makes, inner programs included."""
    inner = [p for equation in jaxpr.eqns for p in jax.tree.leaves(list(equation.params.values()), is_leaf=is_program)]
    sizes = [variable.aval.size for equation in jaxpr.eqns for variable in equation.outvars]
    return max([0, *sizes, *(largest_value(getattr(p, "jaxpr", p)) for p in inner if is_program(p))])


def is_program(value):
    return hasattr(value, "eqns") or hasattr(value, "jaxpr")


@pytest.mark.parametrize("chunk, whole", [(0, True), (4, False)])
def test_in_chunks_the_logits_of_all_tokens_never_exist(chunk, whole):
    rows, vocab = BATCH * LENGTH, 50
    head = jnp.zeros((WIDTH, vocab))

    def loss(hidden):
        return token_cross_entropy(hidden, head, jnp.zeros((BATCH, LENGTH), jnp.int32), chunk)[0].sum()

    largest = largest_value(jax.make_jaxpr(jax.grad(loss))(jnp.zeros((BATCH, LENGTH, WIDTH))).jaxpr)
    assert (largest >= rows * vocab) == whole


def test_a_chunk_that_does_not_divide_the_tokens_is_refused():
    with pytest.raises(ValueError, match="3 x 8 tokens are no multiple of the cross-entropy chunk, 7"):
        token_cross_entropy(*example(0), chunk=7)
