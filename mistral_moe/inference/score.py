"""Log-likelihoods of texts after contexts, many in a pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from mistral_moe.inference import branch_packing
from mistral_moe.inference.forward import Branches, read_branches
from mistral_moe.inference.weights import Weights
from mistral_moe.models.config import MistralConfig

_MIN_WIDTH = 256
_PASS_TOKENS = 8192  # of one pass: enough to fill a core's caches many times over, little enough to show progress
# Predictions that are made at a time, and the most float32 logits that this may be.
_PIECE, _LOGITS = 512, 1 << 24


@dataclasses.dataclass(frozen=True)
class Likelihood:
    """Of a text after its context: nats, and whether every token was the model's first choice."""

    nats: float
    is_greedy: bool


@functools.partial(jax.jit, static_argnames="config")
def _pass(
    config: MistralConfig,
    weights: Weights,
    tokens: jax.Array,
    branches: Branches,
    source: jax.Array,
    target: jax.Array,
    count: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """[N] float32 log-probabilities of the targets, and [N] bool whether each was the first choice, of the first `count`."""
    hidden = read_branches(config, weights, tokens, branches)
    hidden = hidden.reshape(-1, hidden.shape[-1])
    size = min(max(_LOGITS // config.vocab_size, 1), _PIECE, source.shape[0])

    def one_piece(index: jax.Array, found: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        # The last piece may reach back into the one before it, and then does some of it again.
        first = jnp.minimum(index * size, source.shape[0] - size)
        places, targets = (jax.lax.dynamic_slice_in_dim(x, first, size) for x in (source, target))
        logits = weights.lm_head.multiply(hidden[places], jnp.float32)
        wanted = jnp.take_along_axis(logits, targets[:, None], axis=-1)[:, 0]
        # The first of equal logits is the first choice, as it is of a greedy decoder.
        here = wanted - jax.nn.logsumexp(logits, axis=-1), jnp.argmax(logits, axis=-1) == targets
        return tuple(jax.lax.dynamic_update_slice_in_dim(x, new, first, 0) for x, new in zip(found, here))

    empty = jnp.zeros(source.shape, jnp.float32), jnp.zeros(source.shape, bool)
    return jax.lax.fori_loop(0, -(-count // size), one_piece, empty)


def log_likelihoods(
    config: MistralConfig, weights: Weights, requests: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> Iterator[tuple[int, Likelihood]]:
    """The likelihood of each text after its context.

    Args:
      config: the model's.
      weights: from `inference.weights.prepare`.
      requests: (context, text) as token ids, each at least one.

    Yields:
      (number of the request, its likelihood), pass by pass.

    Raises:
      ValueError: an empty context or text.
    """
    by_width: dict[int, list[int]] = {}
    for index, (context, text) in enumerate(requests):
        needed = max(len(context) + len(text) - 1, len(text), _MIN_WIDTH)
        by_width.setdefault(1 << (needed - 1).bit_length(), []).append(index)
    for width, chosen in sorted(by_width.items()):
        groups = branch_packing.group([requests[index] for index in chosen], width)
        for packed, complete in branch_packing.passes(groups, width, max(_PASS_TOKENS // width, 1)):
            branches = Branches(packed.part, packed.parent, packed.last, packed.positions)
            order = packed.request
            found = _pass(config, weights, packed.tokens, branches, packed.source, packed.target, len(order))
            log_probs, first = (x[: len(order)] for x in jax.device_get(found))
            nats = np.bincount(order, log_probs.astype(np.float64), len(chosen))
            misses = np.bincount(order, ~first, len(chosen))
            for place in complete:
                yield chosen[place], Likelihood(float(nats[place]), not misses[place])
