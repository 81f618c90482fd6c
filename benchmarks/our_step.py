"""Our training step on one batch, as it is timed and profiled."""

from __future__ import annotations

import functools

import jax
import numpy as np

from benchmarks.mixtures import Shape
from mistral_moe.models.config import MistralConfig
from mistral_moe.training.losses import language_model_loss
from mistral_moe.training.optim import OptimConfig, make_optimizer
from mistral_moe.training.step import init_state, make_step

LEARNING_RATE = 1e-4


def random_tokens(shape: Shape) -> np.ndarray:
    """[B, T] int32."""
    return np.random.default_rng(0).integers(0, shape.vocab_size, (shape.batch, shape.length)).astype(np.int32)


class OurStep:
    """Forward, backward, clipping by global norm and AdamW, again and again on the same batch."""

    def __init__(self, config: MistralConfig, tokens: np.ndarray, params: dict) -> None:
        """tokens [B, T] int32; every token but a row's last is predicted."""
        length = tokens.shape[1]
        self._batch = jax.device_put(
            {
                "tokens": tokens,
                "targets": np.roll(tokens, -1, axis=1),
                "segment_ids": np.ones_like(tokens),
                "positions": np.broadcast_to(np.arange(length, dtype=np.int32), tokens.shape),
                "loss_weights": np.broadcast_to(np.arange(length) < length - 1, tokens.shape).astype(np.float32),
            }
        )
        rates = dict.fromkeys(("router", "experts", "trunk", "balance"), LEARNING_RATE)
        optimizer = make_optimizer(OptimConfig(rates, num_steps=100_000))
        self._step = jax.jit(make_step(functools.partial(language_model_loss, config), optimizer), donate_argnums=0)
        self._state = jax.jit(functools.partial(init_state, frozen={}, optimizer=optimizer))(params)

    def turn(self, steps: int) -> float:
        """Runs this many steps, waits for the last, gives its loss."""
        for _ in range(steps):
            self._state, metrics = self._step(self._state, self._batch)
        jax.block_until_ready(self._state)
        return float(metrics["loss"])

    def program(self) -> str:
        """The compiled step's HLO."""
        return self._step.lower(self._state, self._batch).compile().as_text()

    def device(self) -> str:
        return jax.devices()[0].device_kind
