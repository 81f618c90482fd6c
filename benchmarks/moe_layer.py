"""Time of the mixture's parts, forward and backward: the grouped feed-forward beside `jax.lax.ragged_dot`, the layer beside a dense one.

    python -m benchmarks.moe_layer                                     # float32 on the CPU
    python -m benchmarks.moe_layer --shapes=gpu --dtype=bfloat16       # on a GPU

`op` is one grouped matmul (value and both gradients), ours and `jax.lax.ragged_dot` with JAX's own gradients. `layer` is the
experts of a layer with all that belongs to them (router, sort, gather, weighted sum) beside a dense feed-forward of equal active
FLOPs: one of top_k times the width. Sizes of the groups are those of a random router. The two sides run in turns in one process
and on the same arrays; the ratio is the median over the turns.
"""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import statistics
import time
from typing import Any

from absl import app
from absl import flags
import jax
import jax.numpy as jnp

from benchmarks import results
from launch import allocator
from mistral_moe.kernels.grouped_matmul import BACKENDS, grouped_matmul
from mistral_moe.models.config import DTYPES, MistralConfig
from mistral_moe.models.layers import FeedForward
from mistral_moe.models.moe import Experts, dispatch
from mistral_moe.models.router import Router


@dataclasses.dataclass(frozen=True)
class Shape:
    """T tokens of D units, E experts of F hidden units, k of them a token."""

    tokens: int
    d_model: int
    d_ff: int
    experts: int
    top_k: int


SHAPES = {
    "small": Shape(2048, 256, 896, 8, 2),
    "medium": Shape(2048, 512, 1792, 8, 2),
    "gpu": Shape(16384, 2048, 7168, 8, 2),
}

_SHAPES = flags.DEFINE_list("shapes", ["small", "medium"], f"Which shapes: {', '.join(SHAPES)}.")
_DTYPE = flags.DEFINE_enum("dtype", "float32", DTYPES, "Of everything.")
_BACKEND = flags.DEFINE_enum("moe_backend", "auto", BACKENDS, "Our grouped matmul.")
_ROUNDS = flags.DEFINE_integer("rounds", 9, "Turns of each side.", lower_bound=1)
_JSON = flags.DEFINE_string("json", None, "File for the figures.")
_MARKDOWN = flags.DEFINE_string("markdown", None, "File for the table that is also printed.")


def with_gradients(fn: Callable[..., jax.Array]) -> Callable[..., Any]:
    """Value and gradients of all arguments, under a fixed gradient of the result."""

    def run(cotangent: jax.Array, *arguments: Any) -> Any:
        out, pull = jax.vjp(fn, *arguments)
        return out, pull(cotangent)

    return jax.jit(run)


def in_turns(sides: dict[str, tuple[Callable, tuple]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each side, turn by turn, after a first call that compiles."""
    seconds = {name: [] for name in sides}
    for turn in range(-1, rounds):
        for name, (run, arguments) in sides.items():
            began = time.perf_counter()
            jax.block_until_ready(run(*arguments))
            if turn >= 0:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def config_of(shape: Shape, experts: int, d_ff: int) -> MistralConfig:
    """A config with the sizes that a feed-forward reads; heads don't matter here."""
    return MistralConfig(
        vocab_size=8,
        d_model=shape.d_model,
        num_layers=1,
        num_heads=1,
        num_kv_heads=1,
        head_dim=2,
        d_ff=d_ff,
        experts=tuple(f"expert_{index}" for index in range(experts)),
        top_k=shape.top_k,
        router_scope="layer",
        router_context="none",
        dtype=_DTYPE.value,
        param_dtype=_DTYPE.value,
        moe_backend=_BACKEND.value,
    )


def op(shape: Shape) -> dict[str, list[float]]:
    """The grouped matmul [M, D] x [E, D, F] and `jax.lax.ragged_dot`."""
    keys = jax.random.split(jax.random.key(0), 4)
    dtype, rows = jnp.dtype(_DTYPE.value), shape.tokens * shape.top_k
    lhs = jax.random.normal(keys[0], (rows, shape.d_model), dtype)
    rhs = jax.random.normal(keys[1], (shape.experts, shape.d_model, shape.d_ff), dtype)
    chosen = jax.random.randint(keys[2], (rows,), 0, shape.experts)
    sizes = jnp.sum(chosen[:, None] == jnp.arange(shape.experts), axis=0, dtype=jnp.int32)
    grad = jax.random.normal(keys[3], (rows, shape.d_ff), dtype)
    ours = with_gradients(lambda lhs, rhs: grouped_matmul(lhs, rhs, sizes, _BACKEND.value))
    theirs = with_gradients(lambda lhs, rhs: jax.lax.ragged_dot(lhs, rhs, sizes))
    arguments = grad, lhs, rhs
    return in_turns({"ours": (ours, arguments), "other": (theirs, arguments)}, _ROUNDS.value)


def layer(shape: Shape) -> dict[str, list[float]]:
    """The experts of a layer with their router, and a dense feed-forward of equal active FLOPs."""
    mixture, dense = config_of(shape, shape.experts, shape.d_ff), config_of(shape, 0, shape.d_ff * shape.top_k)
    keys = jax.random.split(jax.random.key(0), 5)
    x = jax.random.normal(keys[0], (1, shape.tokens, shape.d_model), jnp.dtype(_DTYPE.value))
    grad = jax.random.normal(keys[1], x.shape, x.dtype)
    positions = jnp.arange(shape.tokens, dtype=jnp.int32)[None]
    router, experts, feed_forward = Router(mixture), Experts(mixture), FeedForward(dense)
    routing = router.init(keys[2], x, positions)
    where = dispatch(router.apply(routing, x, positions), shape.experts)
    weights = routing, experts.init(keys[3], x, where)

    def of_mixture(x: jax.Array, weights: tuple) -> jax.Array:
        decision = router.apply(weights[0], x, positions)
        return experts.apply(weights[1], x, dispatch(decision, shape.experts))

    def of_dense(x: jax.Array, weights: dict) -> jax.Array:
        return feed_forward.apply(weights, x)

    sides = {
        "ours": (with_gradients(of_mixture), (grad, x, weights)),
        "other": (with_gradients(of_dense), (grad, x, feed_forward.init(keys[4], x))),
    }
    return in_turns(sides, _ROUNDS.value)


def main(argv: list[str]) -> None:
    if unknown := [name for name in _SHAPES.value if name not in SHAPES]:
        raise app.UsageError(f"unknown shape {unknown[0]!r}; there are {', '.join(SHAPES)}")
    rows = []
    lines = [
        "| what | shape | ours, ms | other, ms | other / ours (min to max) | ours, GFLOP/s |",
        "|---|---|---|---|---|---|",
    ]
    for name in _SHAPES.value:
        shape = SHAPES[name]
        product = 2.0 * shape.tokens * shape.top_k * shape.d_model * shape.d_ff
        for what, measure, flops in (("op / ragged_dot", op, 3 * product), ("layer / dense", layer, 9 * product)):
            seconds = measure(shape)
            ratios = [other / mine for mine, other in zip(seconds["ours"], seconds["other"], strict=True)]
            ours, other = (statistics.median(seconds[side]) for side in ("ours", "other"))
            rows.append(
                {
                    "what": what,
                    "shape": name,
                    "config": dataclasses.asdict(shape),
                    "seconds": seconds,
                    "ratio": statistics.median(ratios),
                    "device": jax.devices()[0].device_kind,
                }
            )
            lines.append(
                f"| {what} | {name} | {ours * 1e3:.1f} | {other * 1e3:.1f} | **{statistics.median(ratios):.2f}** "
                f"({min(ratios):.2f} to {max(ratios):.2f}) | {flops / ours / 1e9:,.0f} |"
            )
            print(lines[-1], flush=True)
    text = "\n".join(lines)
    print(f"\n{jax.devices()[0].device_kind}, {_DTYPE.value}\n\n{text}")
    results.save(rows, text, _JSON.value, _MARKDOWN.value)


if __name__ == "__main__":
    allocator.ensure()
    app.run(main)
