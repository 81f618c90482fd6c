"""Tiny models and packed batches that the tests of mistral_moe share. JAX is imported where it is used."""

import contextlib
import functools
import os

import hypothesis
import numpy as np
import pytest

# A torch for GPUs brings triton, which ends the process with a segmentation fault where TensorFlow was imported before it.
with contextlib.suppress(ImportError):
    import triton  # noqa: F401

# What takes time here is compiling hundreds of tiny programs: without LLVM's optimisations it is half. Set before JAX is
# first imported; JAX_DISABLE_MOST_OPTIMIZATIONS=0 runs the tests as a real run compiles.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# Spares every binary that a test starts the second start of launch/allocator.py.
os.environ.setdefault("GLIBC_TUNABLES", "")

# The same examples in every run, so that a failure is of the change under test and not of the day's draw.
# `pytest --hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("same")


def pytest_make_parametrize_id(config, val, argname):
    """Long bytes are named by their argument: a gzip file tells the second it was made, and the processes of
    pytest-xdist must collect tests of the same names."""
    return argname if isinstance(val, bytes) and (len(val) > 20 or val.startswith(b"\x1f\x8b")) else None


@pytest.fixture(scope="session")
def tiny_config():
    """make(**changes) -> a config of two layers; `experts=5` names five experts.

    The `dense` backend compiles in a third of the time of `blocks`; where the production backend is the point, the test
    says so, and test_moe holds the two equal.
    """
    from mistral_moe.models.config import MistralConfig

    def make(**changes):
        if isinstance(changes.get("experts"), int):
            changes["experts"] = tuple(f"e{index}" for index in range(changes["experts"]))
        sizes = dict(vocab_size=32, d_model=16, num_layers=2, num_heads=4, num_kv_heads=2, head_dim=4, d_ff=24)
        sizes["moe_backend"] = "dense"
        return MistralConfig(**(sizes | changes))

    return make


@pytest.fixture(scope="session")
def tiny_params():
    """make(config, seed=0) -> random parameters of the model's shapes, drawn by numpy: compiling an init takes seconds."""
    import flax.traverse_util
    import jax
    import jax.numpy as jnp

    from mistral_moe.models.mistral import init_params

    @functools.cache
    def shapes_of(config):
        shapes = jax.eval_shape(functools.partial(init_params, config), jax.random.key(0))
        return flax.traverse_util.flatten_dict(shapes, sep="/")

    def draw(rng, path, shape):
        if path.endswith("scale"):
            return 1 + 0.1 * rng.normal(size=shape)
        if path.endswith(("bias", "reasoning/gate")):
            return np.zeros(shape)
        if path == "embedding":
            return rng.normal(size=shape)
        # A router with opinions: at its own init (0.02) all experts would weigh the same.
        return rng.normal(size=shape) * (1.0 if "router" in path else shape[-2] ** -0.5)

    def make(config, seed=0):
        rng = np.random.default_rng(seed)
        flat = {path: jnp.asarray(draw(rng, path, leaf.shape), leaf.dtype) for path, leaf in shapes_of(config).items()}
        return flax.traverse_util.unflatten_dict(flat, sep="/")

    return make


@pytest.fixture(scope="session")
def packed_batch():
    """make(rows, ...) -> a batch; each row is a list of document lengths, the rest is padding (zeros)."""

    def make(rows=((5, 7, 4), (16,)), length=16, vocab_size=32, seed=0):
        rng = np.random.default_rng(seed)
        shape = (len(rows), length)
        segment_ids, positions = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        for row, lengths in enumerate(rows):
            start = 0
            for segment, size in enumerate(lengths, 1):
                segment_ids[row, start : start + size] = segment
                positions[row, start : start + size] = np.arange(size)
                start += size
        return {
            "tokens": rng.integers(1, vocab_size, shape).astype(np.int32),
            "targets": rng.integers(1, vocab_size, shape).astype(np.int32),
            "segment_ids": segment_ids,
            "positions": positions,
            "loss_weights": (segment_ids > 0).astype(np.float32),
        }

    return make


@pytest.fixture(scope="session")
def model_logits():
    """run(config, params, batch) -> logits [B, T, V], compiled once for each config."""
    import jax

    from mistral_moe.models.mistral import Mistral, logits

    @functools.cache
    def compiled(config):
        def forward(params, tokens, segment_ids, positions, decision):
            out = Mistral(config).apply({"params": params}, tokens, segment_ids, positions, decision=decision)
            return logits(params, out.hidden)

        return jax.jit(forward)

    def run(config, params, batch, decision=None):
        return np.asarray(compiled(config)(params, batch["tokens"], batch["segment_ids"], batch["positions"], decision))

    return run
