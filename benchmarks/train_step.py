"""Tokens per second of our mixture's training step beside Hugging Face Mixtral's, at equal config, weights and batch.

    python -m benchmarks.train_step                                  # float32 on the CPU
    python -m benchmarks.train_step --shapes=small,medium --json=out.json
    python -m benchmarks.train_step --shapes=1b --dtype=bfloat16 --torch_compile --scan_unroll=1     # on a GPU

A step is forward, backward, clipping by global norm and AdamW. The two run in turns (A B A B ...) with the same
threads, so that a busy machine slows both; the ratio is the median over the turns. The peer is the fastest that a short
probe finds among the expert implementations of transformers 5, with `sdpa` attention and torch's fused AdamW.
"""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import functools
import gc
import json
import os
import pathlib
import statistics
import time

# Before JAX: leave the peer its share of a GPU's memory. Before torch: its OpenMP threads must not spin at barriers. On
# a machine that others use too, spinning cost the peer up to a factor of nine in a small matmul, and would flatter us.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from absl import app
from absl import flags
from absl import logging
import jax
import jax.numpy as jnp
import numpy as np
import torch
import transformers

from mistral_moe import hf
from mistral_moe.kernels.grouped_matmul import BACKENDS
from mistral_moe.models.config import DTYPES, MistralConfig
from mistral_moe.training.flops import parameter_count, training_flops
from mistral_moe.training.losses import language_model_loss
from mistral_moe.training.optim import OptimConfig, make_optimizer
from mistral_moe.training.step import init_state, make_step

IMPLEMENTATIONS = ("eager", "grouped_mm", "batched_mm")
LEARNING_RATE = 1e-4
# Dense bfloat16 peaks from the data sheets, FLOP/s.
PEAKS = {"NVIDIA H100 80GB HBM3": 989.5e12, "NVIDIA H200": 989.5e12}


@dataclasses.dataclass(frozen=True)
class Shape:
    """What is timed: a mixture of 8 experts, top-2, on batches of [batch, length] tokens."""

    d_model: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    d_ff: int
    vocab_size: int
    batch: int
    length: int


SHAPES = {
    "tiny": Shape(128, 4, 4, 2, 352, 2048, 16, 128),
    "small": Shape(256, 4, 8, 4, 896, 4096, 8, 256),
    "medium": Shape(512, 4, 8, 4, 1792, 8192, 4, 512),
    "1b": Shape(1024, 16, 16, 8, 3584, 32_000, 16, 1024),
    "3b": Shape(1536, 16, 16, 8, 5376, 32_000, 16, 1024),
}

_SHAPES = flags.DEFINE_list("shapes", ["small"], f"Which shapes: {', '.join(SHAPES)}.")
_DTYPE = flags.DEFINE_enum("dtype", "float32", DTYPES, "Of parameters, optimiser state and activations, on both sides.")
_ROUNDS = flags.DEFINE_integer("rounds", 7, "Turns of each side.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 3, "Steps a turn.", lower_bound=1)
_IMPLEMENTATIONS = flags.DEFINE_list("implementations", list(IMPLEMENTATIONS), "Of the peer's experts, to be probed.")
_TORCH_COMPILE = flags.DEFINE_bool("torch_compile", False, "Also probe each implementation under torch.compile.")
_BACKEND = flags.DEFINE_enum("moe_backend", "blocks", BACKENDS, "Our grouped matmul.")
_UNROLL = flags.DEFINE_integer("scan_unroll", 0, "Our layers per iteration of the scan; 0 unrolls them all.")
_JSON = flags.DEFINE_string("json", None, "File for the figures.")
_MARKDOWN = flags.DEFINE_string("markdown", None, "File for the table that is also printed.")

# One turn: runs this many steps, waits for the last, gives its loss.
Turn = Callable[[int], float]


def model_config(shape: Shape, dtype: str, backend: str, unroll: int) -> MistralConfig:
    """Our config of a shape, with the router in Mixtral's form."""
    return MistralConfig(
        vocab_size=shape.vocab_size,
        d_model=shape.d_model,
        num_layers=shape.num_layers,
        num_heads=shape.num_heads,
        num_kv_heads=shape.num_kv_heads,
        head_dim=shape.d_model // shape.num_heads,
        d_ff=shape.d_ff,
        experts=tuple(f"expert_{index}" for index in range(8)),
        router_scope="layer",
        router_context="none",
        dtype=dtype,
        param_dtype=dtype,
        scan_unroll=unroll or shape.num_layers,
        moe_backend=backend,
    )


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A host array of the same bits; numpy has bfloat16 only through JAX."""
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(jnp.bfloat16)
    return tensor.numpy()


def make_peer(config: MistralConfig, device: str) -> torch.nn.Module:
    """Hugging Face Mixtral of the same shape with its own initialisation."""
    theirs = transformers.MixtralConfig(**hf.config_to_hf(config), attn_implementation="sdpa", use_cache=False)
    torch.manual_seed(0)
    return transformers.MixtralForCausalLM(theirs).to(device=device, dtype=getattr(torch, config.dtype)).train()


def peer_turn(model: torch.nn.Module, tokens: np.ndarray, implementation: str, compiled: bool) -> Turn:
    """The peer's side.

    Args:
      model: its weights are trained in place.
      tokens: [B, T] int32.
      implementation: of the experts.
      compiled: whether under torch.compile.
    """
    model.set_experts_implementation(implementation)
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    forward = torch.compile(model) if compiled else model
    batch = torch.tensor(tokens, dtype=torch.long, device=device)

    def turn(steps: int) -> float:
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            loss = forward(input_ids=batch, labels=batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        return loss.item()

    return turn


def our_turn(config: MistralConfig, params: dict, tokens: np.ndarray) -> Turn:
    """Our side, from parameters on the host, on tokens [B, T] int32."""
    length = tokens.shape[1]
    batch = {
        "tokens": tokens,
        "targets": np.roll(tokens, -1, axis=1),
        "segment_ids": np.ones_like(tokens),
        "positions": np.broadcast_to(np.arange(length, dtype=np.int32), tokens.shape),
        "loss_weights": np.broadcast_to(np.arange(length) < length - 1, tokens.shape).astype(np.float32),
    }
    batch = jax.device_put(batch)
    rates = dict.fromkeys(("router", "experts", "trunk", "balance"), LEARNING_RATE)
    optimizer = make_optimizer(OptimConfig(rates, num_steps=100_000))
    step = jax.jit(make_step(functools.partial(language_model_loss, config), optimizer), donate_argnums=0)
    state = jax.jit(functools.partial(init_state, frozen={}, optimizer=optimizer))(jax.device_put(params))

    def turn(steps: int) -> float:
        nonlocal state
        for _ in range(steps):
            state, metrics = step(state, batch)
        jax.block_until_ready(state)
        return float(metrics["loss"])

    return turn


def seconds_of(turn: Turn, steps: int) -> tuple[float, float]:
    """(wall seconds, CPU seconds over all threads) of one step, over a turn of several."""
    wall, processor = time.perf_counter(), time.process_time()
    turn(steps)
    return (time.perf_counter() - wall) / steps, (time.process_time() - processor) / steps


def batched_mm_bytes(config: MistralConfig, num_tokens: int) -> int:
    """Bytes of what `batched_mm` keeps for the backward pass: it gathers an expert's weights for each assignment."""
    per_assignment = 3 * config.d_model * config.d_ff * jnp.dtype(config.dtype).itemsize
    return config.num_layers * num_tokens * config.top_k * per_assignment


def free_bytes(device: str) -> int:
    """Memory that is free now, on the host or on the GPU."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def probe(config: MistralConfig, tokens: np.ndarray, device: str) -> dict[str, float]:
    """Seconds a step of each form of the peer that runs here, by name; what fails is said and left out."""
    found = {}
    for implementation in _IMPLEMENTATIONS.value:
        if implementation == "batched_mm":
            needed, free = batched_mm_bytes(config, tokens.size), free_bytes(device)
            # Its gradient doubles a layer's share; and a machine that runs out of memory takes others' work with it.
            if 2 * needed > free:
                print(f"  {implementation}: left out, needs over {needed / 1e9:,.0f} GB of {free / 1e9:,.0f} GB free")
                continue
        for compiled in (False, True) if _TORCH_COMPILE.value else (False,):
            name = implementation + "+compile" * compiled
            try:
                turn = peer_turn(make_peer(config, device), tokens, implementation, compiled)
                # The first step also compiles. A second one far behind the best so far needs no more looking at.
                turn(1)
                found[name], _ = seconds_of(turn, 1)
                if found[name] < 2 * min(found.values()):
                    found[name] = min(found[name], *(seconds_of(turn, 1)[0] for _ in range(2)))
            except (RuntimeError, NotImplementedError, ValueError, ImportError) as error:
                print(f"  {name}: not here ({type(error).__name__}: {str(error).splitlines()[0][:120]})", flush=True)
                continue
            finally:
                turn = None
                gc.collect()
                torch.compiler.reset()
            print(f"  {name}: {tokens.size / found[name]:,.0f} tokens/s", flush=True)
    if not found:
        raise RuntimeError("no expert implementation of the peer runs here: see the lines above")
    return found


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def measure(name: str, device: str) -> dict:
    """One shape's row of figures."""
    shape = SHAPES[name]
    config = model_config(shape, _DTYPE.value, _BACKEND.value, _UNROLL.value)
    tokens = np.random.default_rng(0).integers(0, shape.vocab_size, (shape.batch, shape.length)).astype(np.int32)
    count = parameter_count(config)
    print(f"{name}: {count['total'] / 1e6:,.1f} M parameters, {count['active'] / 1e6:,.1f} M active", flush=True)

    probed = probe(config, tokens, device)
    best = min(probed, key=probed.get)
    implementation, _, compiled = best.partition("+")
    model = make_peer(config, device)
    params = hf.params_from_hf(config, {key: to_numpy(value) for key, value in model.state_dict().items()})
    ours, theirs = our_turn(config, params, tokens), peer_turn(model, tokens, implementation, bool(compiled))
    del params
    first = {"ours": ours(1), "peer": theirs(1)}
    tolerance = 1e-4 if config.dtype == "float32" else 2e-2
    if abs(first["ours"] - first["peer"]) > tolerance * first["peer"]:
        raise RuntimeError(f"not the same model: the first losses are {first['ours']} and {first['peer']}")
    ours(1), theirs(1)

    rates, core_rates = {"ours": [], "peer": []}, {"ours": [], "peer": []}
    for _ in range(_ROUNDS.value):
        for side, turn in (("ours", ours), ("peer", theirs)):
            wall, processor = seconds_of(turn, _STEPS.value)
            rates[side].append(tokens.size / wall)
            core_rates[side].append(tokens.size / processor)
    flops = training_flops(config, shape.length, dict.fromkeys(("experts", "router", "trunk"), LEARNING_RATE))
    result = {
        "shape": name,
        "config": dataclasses.asdict(shape),
        "parameters": count["total"],
        "first_loss": first,
        "peer_implementation": best,
        "peer_probe_seconds": probed,
        "tokens_per_second": {side: spread(values) for side, values in rates.items()},
        "tokens_per_core_second": {side: spread(values) for side, values in core_rates.items()},
        "ratio": spread([mine / other for mine, other in zip(rates["ours"], rates["peer"], strict=True)]),
        "training_flops_per_token": flops,
    }
    peak = PEAKS.get(jax.devices()[0].device_kind)
    if peak and config.dtype == "bfloat16":
        result["mfu"] = {side: flops * statistics.median(values) / peak for side, values in rates.items()}
    return result


def table(rows: list[dict]) -> str:
    """The figures as a markdown table."""
    lines = [
        "| shape | parameters | ours, tok/s | Hugging Face, tok/s | its experts | ratio (min to max) | MFU ours / HF |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rate, ratio = row["tokens_per_second"], row["ratio"]
        mfu = f"{row['mfu']['ours']:.1%} / {row['mfu']['peer']:.1%}" if "mfu" in row else "not known"
        lines.append(
            f"| {row['shape']} | {row['parameters'] / 1e6:,.1f} M | {rate['ours']['median']:,.0f} | "
            f"{rate['peer']['median']:,.0f} | {row['peer_implementation']} | "
            f"**{ratio['median']:.2f}** ({ratio['min']:.2f} to {ratio['max']:.2f}) | {mfu} |"
        )
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    unknown = [name for name in _SHAPES.value if name not in SHAPES]
    if unknown:
        raise app.UsageError(f"unknown shape {unknown[0]!r}; there are {', '.join(SHAPES)}")
    logging.set_verbosity(logging.WARNING)
    transformers.utils.logging.set_verbosity_error()
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    device = "cuda" if jax.default_backend() == "gpu" else "cpu"
    rows = [measure(name, device) for name in _SHAPES.value]
    print(table(rows))
    document = {
        "device": jax.devices()[0].device_kind,
        "threads": threads,
        "dtype": _DTYPE.value,
        "moe_backend": _BACKEND.value,
        "rounds": _ROUNDS.value,
        "steps": _STEPS.value,
        "versions": {module.__name__: module.__version__ for module in (jax, torch, transformers)},
        "results": rows,
    }
    for path, text in ((_JSON.value, json.dumps(document, indent=2)), (_MARKDOWN.value, table(rows))):
        if path:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(path).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
