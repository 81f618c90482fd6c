"""Tokens per second of our mixture's training step beside Hugging Face Mixtral's, at equal config, weights and batch.

    python -m benchmarks.train_step                                  # float32 on the CPU
    python -m benchmarks.train_step --shapes=small,medium --json=out.json
    python -m benchmarks.train_step --shapes=1b --dtype=bfloat16 --torch_compile --scan_unroll=1     # on a GPU

A step is forward, backward, clipping by global norm and AdamW. The two run in turns (A B A B ...), so that a busy machine
slows both, each in its own process with the same number of threads and the same allocator settings (launch/allocator.py);
the ratio is the median over the turns. The peer is the fastest that a short probe finds among the expert implementations
of transformers 5, with `sdpa` attention and torch's fused AdamW.
"""

from __future__ import annotations

import dataclasses
import gc
import os
import statistics
import tempfile

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
import safetensors.torch
import torch
import transformers

from benchmarks import results
from benchmarks.mixtures import IMPLEMENTATIONS, SHAPES, model_config, spread, to_numpy
from benchmarks.our_step import LEARNING_RATE, OurStep, random_tokens
from benchmarks.sides import Side
from launch import allocator
from mistral_moe import hf, hf_config
from mistral_moe.kernels.grouped_matmul import BACKENDS
from mistral_moe.models.config import DTYPES, MistralConfig
from mistral_moe.training.flops import parameter_count, training_flops

# Dense bfloat16 peaks from the data sheets, FLOP/s.
PEAKS = {"NVIDIA H100 80GB HBM3": 989.5e12, "NVIDIA H200": 989.5e12}

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


class Peer:
    """Hugging Face Mixtral with its own initialisation; lives in a process without JAX's threads."""

    def __init__(self, config: MistralConfig, tokens: np.ndarray, device: str, threads: int) -> None:
        torch.set_num_threads(threads)
        transformers.utils.logging.set_verbosity_error()
        self._config, self._tokens, self._device = config, tokens, device

    def _make_model(self) -> torch.nn.Module:
        theirs = transformers.MixtralConfig(
            **hf_config.config_to_hf(self._config), attn_implementation="sdpa", use_cache=False
        )
        torch.manual_seed(0)
        return (
            transformers.MixtralForCausalLM(theirs)
            .to(device=self._device, dtype=getattr(torch, self._config.dtype))
            .train()
        )

    def prepare(self, implementation: str, compiled: bool, weights_path: str | None = None) -> None:
        """Sets the model up anew.

        Args:
          implementation: of the experts.
          compiled: whether under torch.compile.
          weights_path: a safetensors file to write the initial weights to.
        """
        self.release()
        model = self._make_model()
        if weights_path:
            safetensors.torch.save_file({k: v.contiguous() for k, v in model.state_dict().items()}, weights_path)
        model.set_experts_implementation(implementation)
        self._model = torch.compile(model) if compiled else model
        self._parameters = list(model.parameters())
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.1, fused=True
        )
        self._batch = torch.tensor(self._tokens, dtype=torch.long, device=self._device)

    def release(self) -> None:
        """Gives the model's memory back."""
        self._model = self._parameters = self._optimizer = None
        gc.collect()
        torch.compiler.reset()

    def turn(self, steps: int) -> float:
        """Runs this many steps, waits for the last, gives its loss."""
        for _ in range(steps):
            self._optimizer.zero_grad(set_to_none=True)
            loss = self._model(input_ids=self._batch, labels=self._batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
            self._optimizer.step()
        return loss.item()


def ours(config: MistralConfig, tokens: np.ndarray, weights_path: str) -> OurStep:
    """Our mixture from the peer's weights."""
    weights = {name: to_numpy(value) for name, value in safetensors.torch.load_file(weights_path).items()}
    return OurStep(config, tokens, jax.device_put(hf.params_from_hf(config, weights)))


def batched_mm_bytes(config: MistralConfig, num_tokens: int) -> int:
    """Bytes of what `batched_mm` keeps for the backward pass: it gathers an expert's weights for each assignment."""
    per_assignment = 3 * config.d_model * config.d_ff * jnp.dtype(config.dtype).itemsize
    return config.num_layers * num_tokens * config.top_k * per_assignment


def free_bytes(device: str) -> int:
    """Memory that is free now, on the host or on the GPU."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def probe(peer: Side, config: MistralConfig, num_tokens: int, device: str) -> dict[str, float]:
    """Seconds a step of each form of the peer that runs here, by name; what fails is said and left out."""
    found = {}
    for implementation in _IMPLEMENTATIONS.value:
        if implementation == "batched_mm":
            needed, free = batched_mm_bytes(config, num_tokens), free_bytes(device)
            # Its gradient doubles a layer's share; and a machine that runs out of memory takes others' work with it.
            if 2 * needed > free:
                print(f"  {implementation}: left out, needs over {needed / 1e9:,.0f} GB of {free / 1e9:,.0f} GB free")
                continue
        for compiled in (False, True) if _TORCH_COMPILE.value else (False,):
            name = implementation + "+compile" * compiled
            seconds = []
            try:
                peer.call("prepare", implementation, compiled)
                # The first step also compiles. A second one far behind the best so far needs no more looking at.
                peer.call("turn", 1)
                while len(seconds) < 3 and (not seconds or not found or seconds[0] < 2 * min(found.values())):
                    peer.call("turn", 1)
                    seconds.append(peer.wall)
            except RuntimeError as error:
                print(f"  {name}: not here ({str(error).strip().splitlines()[-1][:160]})", flush=True)
                continue
            found[name] = min(seconds)
            print(f"  {name}: {num_tokens / found[name]:,.0f} tokens/s", flush=True)
    if not found:
        raise RuntimeError("no expert implementation of the peer runs here: see the lines above")
    return found


def measure(name: str, device: str, threads: int) -> dict:
    """One shape's row of figures."""
    shape = SHAPES[name]
    config = model_config(shape, _DTYPE.value, _BACKEND.value, _UNROLL.value)
    tokens = random_tokens(shape)
    count = parameter_count(config)
    print(f"{name}: {count['total'] / 1e6:,.1f} M parameters, {count['active'] / 1e6:,.1f} M active", flush=True)

    sides = {"peer": Side(Peer, config, tokens, device, threads)}
    try:
        probed = probe(sides["peer"], config, tokens.size, device)
        best = min(probed, key=probed.get)
        implementation, _, compiled = best.partition("+")
        with tempfile.TemporaryDirectory() as folder:
            weights = os.path.join(folder, "weights.safetensors")
            sides["peer"].call("prepare", implementation, bool(compiled), weights)
            sides = {"ours": Side(ours, config, tokens, weights)} | sides
        kind = sides["ours"].call("device")
        if (kind == "cpu") != (device == "cpu"):
            raise RuntimeError(
                f"the peer is on {device} and JAX on {kind}: install jax[cuda], or hide the GPU from torch"
            )
        first = {side: process.call("turn", 1) for side, process in sides.items()}
        tolerance = 1e-4 if config.dtype == "float32" else 2e-2
        if abs(first["ours"] - first["peer"]) > tolerance * first["peer"]:
            raise RuntimeError(f"not the same model: the first losses are {first['ours']} and {first['peer']}")
        for process in sides.values():
            process.call("turn", 1)
        rates, core_rates = {"ours": [], "peer": []}, {"ours": [], "peer": []}
        for _ in range(_ROUNDS.value):
            for side, process in sides.items():
                process.call("turn", _STEPS.value)
                rates[side].append(tokens.size * _STEPS.value / process.wall)
                core_rates[side].append(tokens.size * _STEPS.value / process.processor)
    finally:
        for process in sides.values():
            process.close()
    flops = training_flops(config, shape.length, dict.fromkeys(("experts", "router", "trunk"), LEARNING_RATE))
    result = {
        "shape": name,
        "config": dataclasses.asdict(shape),
        "device": kind,
        "parameters": count["total"],
        "first_loss": first,
        "peer_implementation": best,
        "peer_probe_seconds": probed,
        "tokens_per_second": {side: spread(values) for side, values in rates.items()},
        "tokens_per_core_second": {side: spread(values) for side, values in core_rates.items()},
        "ratio": spread([mine / other for mine, other in zip(rates["ours"], rates["peer"], strict=True)]),
        "training_flops_per_token": flops,
    }
    if kind in PEAKS and config.dtype == "bfloat16":
        result["mfu"] = {side: flops * statistics.median(values) / PEAKS[kind] for side, values in rates.items()}
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
    allocator.ensure()
    logging.set_verbosity(logging.WARNING)
    threads = len(os.sched_getaffinity(0))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = [measure(name, device, threads) for name in _SHAPES.value]
    print(table(rows))
    document = {
        "device": rows[0]["device"],
        "threads": threads,
        "dtype": _DTYPE.value,
        "moe_backend": _BACKEND.value,
        "rounds": _ROUNDS.value,
        "steps": _STEPS.value,
        "versions": {module.__name__: module.__version__ for module in (jax, torch, transformers)},
        "results": rows,
    }
    results.save(document, table(rows), _JSON.value, _MARKDOWN.value)


if __name__ == "__main__":
    app.run(main)
