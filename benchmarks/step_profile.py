"""Where our training step's time goes, and how fast the matrix products can be: XLA's beside torch's.

    python -m benchmarks.step_profile --shapes=small,medium

The first table is a profile of the step of `benchmarks.train_step`: milliseconds by part of the model, matrix products apart
from the rest. Threads are added up, so the sum may pass the step's time. The second holds the products of one expert's
block, in turns in one process. A step can't be faster than its products; where XLA's matrix product is slower than the
peer's, that ratio bounds the ratio of the steps.
"""

from __future__ import annotations

import collections
import glob
import os
import re
import statistics
import tempfile
import time

# Before torch: its OpenMP threads must not spin while XLA's turn runs.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from absl import app
from absl import flags
import jax
from jax.profiler import ProfileData
import numpy as np
import torch

from benchmarks import results
from benchmarks.mixtures import SHAPES, Shape, model_config
from benchmarks.our_step import OurStep, random_tokens
from launch import allocator
from mistral_moe.models.mistral import init_params

_SHAPES = flags.DEFINE_list("shapes", ["small"], f"Which shapes: {', '.join(SHAPES)}.")
_STEPS = flags.DEFINE_integer("steps", 3, "Steps that are profiled.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Turns of each product.", lower_bound=1)
_JSON = flags.DEFINE_string("json", None, "File for the figures.")
_MARKDOWN = flags.DEFINE_string("markdown", None, "File for the tables that are also printed.")

# The first that is found in the path of a name scope.
PARTS = ("experts", "attention", "router", "norm", "DV->")
_NAMED = re.compile(r'%?([\w.\-]+) = .*?metadata=\{op_name="([^"]*)"')
# XLA's names of what holds a matrix product on CPU, and of what only calls others.
_PRODUCTS, _CALLERS = ("ynn_fusion", "dot"), ("while", "call", "conditional")


def part_of(scope: str) -> str:
    """The part of the model that an operation belongs to, with the pass."""
    if "jvp" not in scope:
        return "optimizer and clipping"
    part = next((part for part in PARTS if part in scope), "stacking of layers, loss, other")
    return ("head" if part == "DV->" else part) + (", backward" if "transpose(jvp" in scope else ", forward")


def profile(step: OurStep) -> dict[str, dict[str, float]]:
    """Milliseconds a step: part -> {products, rest}."""
    step.turn(6)
    scopes = dict(reversed(_NAMED.findall(step.program())))
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            step.turn(_STEPS.value)
        (path,) = glob.glob(f"{folder}/**/*.xplane.pb", recursive=True)
        data = ProfileData.from_file(path)
    found: dict[str, dict[str, float]] = collections.defaultdict(lambda: {"products": 0.0, "rest": 0.0})
    for event in (event for plane in data.planes for line in plane.lines for event in line.events):
        name = dict(event.stats).get("hlo_op", "")
        if name and not name.startswith(_CALLERS):
            kind = "products" if name.startswith(_PRODUCTS) else "rest"
            found[part_of(scopes.get(name, "jvp"))][kind] += event.duration_ns / 1e6 / _STEPS.value
    return dict(sorted(found.items(), key=lambda item: -sum(item[1].values())))


def products(shape: Shape) -> dict[str, dict[str, float]]:
    """GFLOP/s, median: product -> {xla, torch}; an expert's even share of rows, and one large square."""
    rows = shape.batch * shape.length * 2 // 8
    width, hidden = shape.d_model, shape.d_ff
    sizes = {
        f"[{rows}, {width}] x [{width}, {hidden}]": ("mk,kn->mn", (rows, width), (width, hidden)),
        f"[{rows}, {hidden}] x [{width}, {hidden}]^T": ("mk,nk->mn", (rows, hidden), (width, hidden)),
        f"[{rows}, {width}]^T x [{rows}, {hidden}]": ("km,kn->mn", (rows, width), (rows, hidden)),
        "[2048, 2048] x [2048, 2048]": ("mk,kn->mn", (2048, 2048), (2048, 2048)),
    }
    rng = np.random.default_rng(0)
    found = {}
    for name, (equation, left, right) in sizes.items():
        arrays = [rng.normal(size=size).astype(np.float32) for size in (left, right)]
        ours, theirs = [jax.device_put(array) for array in arrays], [torch.tensor(array) for array in arrays]
        product = jax.jit(lambda a, b, equation=equation: jax.numpy.einsum(equation, a, b))
        seconds: dict[str, list[float]] = {"xla": [], "torch": []}
        for turn in range(-2, _ROUNDS.value):
            for side in seconds:
                began = time.perf_counter()
                if side == "xla":
                    product(*ours).block_until_ready()
                else:
                    torch.einsum(equation, *theirs)
                if turn >= 0:
                    seconds[side].append(time.perf_counter() - began)
        contracted = left[equation[:2].index("k")]
        flops = 2 * left[0] * left[1] * right[0] * right[1] / contracted
        found[name] = {side: flops / statistics.median(times) / 1e9 for side, times in seconds.items()}
    return found


def tables(row: dict) -> str:
    """A shape's two tables as markdown."""
    lines = [f"| {row['shape']}: part | products, ms | rest, ms |", "|---|---|---|"]
    lines += [f"| {part} | {ms['products']:,.1f} | {ms['rest']:,.1f} |" for part, ms in row["milliseconds"].items()]
    total = {kind: sum(ms[kind] for ms in row["milliseconds"].values()) for kind in ("products", "rest")}
    lines += [f"| all | {total['products']:,.1f} | {total['rest']:,.1f} |", ""]
    lines += [f"| {row['shape']}: product | XLA, GFLOP/s | torch, GFLOP/s | ratio |", "|---|---|---|---|"]
    for name, rate in row["gflops"].items():
        lines.append(f"| {name} | {rate['xla']:,.0f} | {rate['torch']:,.0f} | {rate['xla'] / rate['torch']:.2f} |")
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    if unknown := [name for name in _SHAPES.value if name not in SHAPES]:
        raise app.UsageError(f"unknown shape {unknown[0]!r}; there are {', '.join(SHAPES)}")
    if jax.default_backend() != "cpu":
        raise app.UsageError("this reads the names that XLA gives its operations on a CPU; set JAX_PLATFORMS=cpu")
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    rows, texts = [], []
    for name in _SHAPES.value:
        shape = SHAPES[name]
        config = model_config(shape, "float32", "blocks", 0)
        step = OurStep(config, random_tokens(shape), init_params(config, jax.random.key(0)))
        rows.append({"shape": name, "milliseconds": profile(step), "gflops": products(shape)})
        texts.append(tables(rows[-1]))
        print(texts[-1] + "\n", flush=True)
    results.save(rows, "\n\n".join(texts), _JSON.value, _MARKDOWN.value)


if __name__ == "__main__":
    allocator.ensure()
    app.run(main)
