"""Log-probabilities and entropies: chunked, tempered, and on a mesh what they are in one piece of numpy."""

import functools
import json
import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.kernels.cross_entropy import token_cross_entropy
from mistral_moe.rl.log_probs import from_logits, log_probs_and_entropy

ROOT = pathlib.Path(__file__).parents[2]


def example(seed=0, batch=2, length=5, width=4, vocabulary=7):
    rng = np.random.default_rng(seed)
    hidden, head = rng.normal(size=(batch, length, width)), rng.normal(size=(width, vocabulary)) * 2
    return hidden.astype(np.float32), head.astype(np.float32), rng.integers(0, vocabulary, (batch, length))


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
@pytest.mark.parametrize("chunk", [0, 3, 100])
def test_they_are_those_of_the_tempered_softmax(temperature, chunk):
    hidden, head, targets = example()
    logits = hidden.astype(np.float64) @ head / temperature
    log_softmax = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    found, entropy = log_probs_and_entropy(hidden, head, targets, temperature, chunk)
    expected = np.take_along_axis(log_softmax, targets[..., None], -1)[..., 0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(entropy, -(np.exp(log_softmax) * log_softmax).sum(-1), atol=1e-5)


def test_gradients_do_not_depend_on_chunks_and_are_those_of_the_training_loss():
    hidden, head, targets = example(1)
    weights = np.random.default_rng(2).normal(size=(2, *targets.shape)).astype(np.float32)

    @functools.partial(jax.jit, static_argnums=2)
    def gradients(hidden, head, chunk):
        def total(hidden, head):
            found = log_probs_and_entropy(hidden, head, targets, chunk=chunk)
            return sum((weight * x).sum() for weight, x in zip(weights, found))

        return jax.grad(total, (0, 1))(hidden, head)

    def plainly(hidden, head):
        softmax = jax.nn.softmax(hidden @ head)
        entropy = -(softmax * jnp.log(softmax)).sum(-1)
        return (-weights[0] * token_cross_entropy(hidden, head, targets)[0] + weights[1] * entropy).sum()

    expected = jax.jit(jax.grad(plainly, (0, 1)))(hidden, head)
    for chunk in (0, 3):
        for found, wanted in zip(gradients(hidden, head, chunk), expected):
            np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_the_logits_of_all_tokens_never_exist_at_once():
    hidden, head, targets = example(batch=4, length=64, width=4, vocabulary=512)

    def temporaries(chunk):
        def total(hidden, head):
            return sum(x.sum() for x in log_probs_and_entropy(hidden, head, targets, chunk=chunk))

        compiled = jax.jit(jax.grad(total, (0, 1))).lower(hidden, head).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    logits = targets.size * 512 * 4
    assert temporaries(16) < logits / 2 < logits < temporaries(0)


def test_a_token_that_is_ruled_out_adds_nothing():
    logits = jnp.array([[0.0, 0.0, -jnp.inf]])
    (found, entropy), gradient = (
        from_logits(logits, jnp.array([1])),
        jax.grad(lambda x: sum(from_logits(x, jnp.array([1])))[0])(logits),
    )
    assert float(found[0]) == pytest.approx(-np.log(2)) and float(entropy[0]) == pytest.approx(np.log(2))
    assert np.isfinite(np.asarray(gradient)).all() and float(gradient[0, 2]) == 0


def test_float32_comes_of_bfloat16():
    hidden, head, targets = example()
    for x in log_probs_and_entropy(jnp.asarray(hidden, jnp.bfloat16), jnp.asarray(head), targets, chunk=3):
        assert x.dtype == jnp.float32 and x.shape == targets.shape


@pytest.mark.parametrize("temperature, chunk", [(0.0, 0), (-1.0, 0), (1.0, -1)])
def test_what_can_not_be_drawn(temperature, chunk):
    hidden, head, targets = example()
    with pytest.raises(ValueError, match="above 0|a number of tokens"):
        log_probs_and_entropy(hidden, head, targets, temperature, chunk)


MESH = """
import json, jax, numpy as np
from mistral_moe import mesh_context
from mistral_moe.rl.log_probs import log_probs_and_entropy
from mistral_moe.sharding import make_mesh

rng = np.random.default_rng(0)
hidden, head = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 8, 8), (8, 16)))
targets = rng.integers(0, 16, (4, 8))

def run(hidden, head):
    log_probs, entropy = log_probs_and_entropy(hidden, head, targets, 0.7, 3)
    return (log_probs ** 2 + 3 * entropy).sum()

one = jax.jit(jax.value_and_grad(run, (0, 1)))(hidden, head)
with mesh_context.use(make_mesh(dict(data=2, fsdp=2, tensor=2), jax.devices())):
    many = jax.jit(jax.value_and_grad(run, (0, 1)))(hidden, head)
apart = jax.tree.map(lambda a, b: float(np.abs(a - b).max() / np.abs(a).max()), *jax.device_get((one, many)))
print(json.dumps([jax.device_count(), max(jax.tree.leaves(apart))]))
"""


def test_a_mesh_of_eight_gives_what_one_device_gives():
    flags = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", MESH], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    devices, apart = json.loads(done.stdout.splitlines()[-1])
    assert devices == 8 and apart < 1e-5
