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
# Of 24 tokens: divisors, and others, one more than all.
CHUNKS = (1, 4, 5, 7, 23, 24, 25)


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
        # Logits of hundreds leave a softmax of five digits; what counts is the size of the largest gradient.
        size = max(1.0, np.abs(np.asarray(other, np.float64)).max())
        np.testing.assert_allclose(one / size, other / size, atol=1e-5)


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


def temporaries(chunk, rows=512, vocab=4096):
    """Bytes that the gradient takes beside its arguments and results."""
    loss = jax.grad(lambda h, w: token_cross_entropy(h, w, jnp.zeros((1, rows), jnp.int32), chunk)[0].sum(), (0, 1))
    shapes = jax.ShapeDtypeStruct((1, rows, 8), "float32"), jax.ShapeDtypeStruct((8, vocab), "float32")
    return jax.jit(loss).lower(*shapes).compile().memory_analysis().temp_size_in_bytes


def test_memory_goes_with_the_chunk_and_not_with_the_tokens():
    whole = 4 * 512 * 4096
    assert temporaries(0) >= whole
    assert temporaries(32) < whole / 4
    assert temporaries(32) < temporaries(128) < temporaries(0)
    assert temporaries(32, rows=1024) < 1.3 * temporaries(32)


def test_mapped_over_branches_it_is_what_it_is_alone():
    inputs = [example(seed) for seed in range(3)]
    together = jax.vmap(compiled(7))(*(jnp.stack(leaves) for leaves in zip(*inputs)))
    for index, one in enumerate(inputs):
        for found, expected in zip(together, compiled(7)(*one)):
            np.testing.assert_allclose(found[index], expected, rtol=1e-5, atol=1e-5)


def test_in_bfloat16_chunks_do_not_round_the_gradient_of_the_head():
    """Many small chunks of bfloat16: summed in bfloat16 the gradient would lose what each of them adds."""
    hidden, head, targets = example(0, dtype="bfloat16")
    wide = compiled(0)(hidden.astype("float32"), head.astype("bfloat16").astype("float32"), targets)[3]
    found = compiled(1)(hidden, head, targets)[3]
    assert np.abs(np.asarray(found - wide)).max() < 0.01 * np.abs(np.asarray(wide)).max()


def test_a_negative_chunk_is_refused():
    with pytest.raises(ValueError, match="the cross-entropy chunk is -1"):
        token_cross_entropy(*example(0), chunk=-1)
