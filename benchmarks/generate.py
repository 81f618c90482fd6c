"""Tokens per second of our engine beside `transformers.generate`, at equal config, weights, prompts and new tokens.

    python -m benchmarks.generate                                          # float32 on the CPU
    python -m benchmarks.generate --shapes=tiny,small --batches=1,8,32 --json=out.json
    python -m benchmarks.generate --shapes=1b --dtype=bfloat16 --batches=1,8,32,64 --int8     # on a GPU

Mixtures of 8 experts, top-2, greedy, with both sides' caches on. The two run in turns (A B A B ...), each in its own
process with the same number of threads and the same allocator settings; the ratio is the median over the turns. The
peer is the fastest of transformers' expert implementations at each batch, which a probe finds; its prompts have one
length, so that it pads nothing. A last row asks for prompts and completions of many lengths: ours in 32 rows, theirs in
batches of 32 in the order given, padded on the left, each as long as its longest. Greedy tokens of the two are
compared: with weights that mean nothing two logits may lie closer than rounding, after which texts differ, so the share
of equal first tokens is told.

A second table sets the time of a decoding step against reading what it must read once: the weights (of the experts that
its tokens choose, taken as spread evenly) and the keys and values, at the bandwidth of benchmarks/bandwidth.py. A model
that fits a CPU's cache may be above 100 %.
"""

from __future__ import annotations

import dataclasses
import gc
import os
import statistics
import tempfile

# As in benchmarks/train_step.py: a share of the GPU for the peer, and no spinning threads.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from absl import app
from absl import flags
from absl import logging
import jax
import numpy as np
import safetensors.torch
import torch
import transformers

from benchmarks import bandwidth, results
from benchmarks.mixtures import IMPLEMENTATIONS, SHAPES, model_config, spread, to_numpy
from benchmarks.sides import Side
from launch import allocator
from mistral_moe import hf, hf_config
from mistral_moe.inference import cache as cache_lib
from mistral_moe.inference.serve import Engine, Request
from mistral_moe.inference.weights import prepare
from mistral_moe.models.config import DTYPES, MistralConfig
from mistral_moe.training.flops import parameter_count

MIXED = "mixed"
MIXED_REQUESTS, MIXED_ROWS = 96, 32

_SHAPES = flags.DEFINE_list("shapes", ["small"], f"Which shapes of benchmarks.mixtures: {', '.join(SHAPES)}.")
_BATCHES = flags.DEFINE_list("batches", ["1", "8", "32", MIXED], f"Prompts at once; {MIXED!r}: of many lengths.")
_DTYPE = flags.DEFINE_enum("dtype", "float32", DTYPES, "Of weights and activations, on both sides.")
_PROMPT = flags.DEFINE_integer("prompt_tokens", 64, "Tokens of each prompt.", lower_bound=1)
_NEW = flags.DEFINE_integer("new_tokens", 64, "Tokens that each prompt gets.", lower_bound=2)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of each side.", lower_bound=1)
_IMPLEMENTATIONS = flags.DEFINE_list("implementations", list(IMPLEMENTATIONS), "Of the peer's experts, to be probed.")
_INT8 = flags.DEFINE_bool("int8", False, "Our weights in eight bits; the peer's stay as they are.")
_BURST = flags.DEFINE_integer("burst", 32, "Tokens that our engine draws between two looks at its requests.")
_JSON = flags.DEFINE_string("json", None, "File for the figures.")
_MARKDOWN = flags.DEFINE_string("markdown", None, "File for the tables that are also printed.")


@dataclasses.dataclass(frozen=True)
class Work:
    """Prompts, and how many tokens each gets."""

    prompts: list[list[int]]
    new_tokens: list[int]

    @property
    def total(self) -> int:
        return sum(self.new_tokens)


def work_of(batch: str, vocab_size: int) -> Work:
    """The prompts of one row of the table, the same on both sides."""
    rng = np.random.default_rng(0)
    if batch == MIXED:
        lengths = rng.integers(8, 2 * _PROMPT.value, MIXED_REQUESTS)
        new = np.minimum(rng.geometric(1 / _NEW.value, MIXED_REQUESTS) + 1, 4 * _NEW.value)
    else:
        lengths, new = np.full(int(batch), _PROMPT.value), np.full(int(batch), _NEW.value)
    # No id below 3: none is padding or ends a text.
    return Work([rng.integers(3, vocab_size, length).tolist() for length in lengths], new.tolist())


class Peer:
    """Hugging Face Mixtral with its own initialisation."""

    def __init__(self, config: MistralConfig, device: str, threads: int, weights_path: str) -> None:
        torch.set_num_threads(threads)
        transformers.utils.logging.set_verbosity_error()
        theirs = transformers.MixtralConfig(**hf_config.config_to_hf(config), attn_implementation="sdpa")
        torch.manual_seed(0)
        model = transformers.MixtralForCausalLM(theirs)
        self._model = model.to(device=device, dtype=getattr(torch, config.dtype)).eval()
        safetensors.torch.save_file({k: v.contiguous() for k, v in self._model.state_dict().items()}, weights_path)
        self._device = device

    def use(self, implementation: str) -> None:
        """Chooses an implementation of the experts."""
        self._model.set_experts_implementation(implementation)
        gc.collect()

    def turn(self, work: Work) -> list[list[int]]:
        """The new tokens of each prompt, in batches of at most as many rows as ours."""
        found = []
        for first in range(0, len(work.prompts), MIXED_ROWS):
            prompts, new = work.prompts[first : first + MIXED_ROWS], work.new_tokens[first : first + MIXED_ROWS]
            width = max(map(len, prompts))
            ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts], device=self._device)
            mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=self._device)
            with torch.inference_mode():
                out = self._model.generate(
                    ids,
                    attention_mask=mask,
                    max_new_tokens=max(new),
                    min_new_tokens=max(new),
                    do_sample=False,
                    use_cache=True,
                    eos_token_id=None,
                    pad_token_id=0,
                )
            found += [row[:count] for row, count in zip(out[:, width:].tolist(), new, strict=True)]
        return found


class Ours:
    """Our engine with the peer's weights."""

    def __init__(self, config: MistralConfig, weights_path: str, int8: bool, burst: int) -> None:
        tensors = {name: to_numpy(value) for name, value in safetensors.torch.load_file(weights_path).items()}
        self._config, self._burst = config, burst
        self._weights = prepare(config, jax.device_put(hf.params_from_hf(config, tensors)), int8)
        self._engine, self._size = None, None

    def turn(self, work: Work) -> list[list[int]]:
        """The new tokens of each prompt."""
        longest = max(len(prompt) + new for prompt, new in zip(work.prompts, work.new_tokens, strict=True))
        size = min(len(work.prompts), MIXED_ROWS if len(set(work.new_tokens)) > 1 else len(work.prompts)), longest
        if size != self._size:
            places = cache_lib.places_needed(self._config, longest)
            together = 1 if len(set(work.new_tokens)) > 1 else min(8, size[0])
            self._engine = Engine(self._config, self._weights, size[0], places, self._burst, together)
            self._size = size
        requests = [Request(prompt, new) for prompt, new in zip(work.prompts, work.new_tokens, strict=True)]
        return [completion.tokens for completion in self._engine.generate(requests)]

    def device(self) -> str:
        return jax.devices()[0].device_kind

    def weight_bytes(self) -> dict[str, int]:
        """Bytes of the experts of all layers, and of all else that a step reads whole."""
        size = lambda tree: sum(leaf.nbytes for leaf in jax.tree.leaves(tree))  # noqa: E731
        experts = sum(size((layer.gate_up, layer.down)) for layer in self._weights.layers)
        return {"experts": experts, "rest": size(self._weights) - experts - self._weights.embedding.nbytes}


def probe(peer: Side, work: Work) -> dict[str, float]:
    """Seconds of each expert implementation of the peer that runs here, by name; what fails is said and left out."""
    found = {}
    for implementation in _IMPLEMENTATIONS.value:
        try:
            peer.call("use", implementation)
            peer.call("turn", Work(work.prompts[:MIXED_ROWS], [2] * min(len(work.prompts), MIXED_ROWS)))
            if found and peer.wall > 0.5 * min(found.values()):
                print(f"  {implementation}: two tokens take {peer.wall:.2f} s, far behind", flush=True)
                continue
            peer.call("turn", work)
        except RuntimeError as error:
            print(f"  {implementation}: not here ({str(error).strip().splitlines()[-1][:160]})", flush=True)
            continue
        found[implementation] = peer.wall
        print(f"  {implementation}: {work.total / peer.wall:,.0f} tokens/s", flush=True)
    if not found:
        raise RuntimeError("no expert implementation of the peer runs here: see the lines above")
    return found


def equal_share(ours: list[list[int]], theirs: list[list[int]]) -> float:
    """Share of tokens before the first that differs, over all prompts."""
    equal = 0
    for mine, other in zip(ours, theirs, strict=True):
        differs = [index for index, pair in enumerate(zip(mine, other, strict=True)) if pair[0] != pair[1]]
        equal += differs[0] if differs else len(mine)
    return equal / sum(map(len, ours))


def step_bound(
    config: MistralConfig, weight_bytes: dict[str, int], batch: int, length: float, bytes_per_second: float
) -> float:
    """Seconds of reading once what a step of `batch` rows at `length` tokens must read."""
    share = 1 - (1 - config.top_k / config.num_experts) ** batch
    kept = 2 * config.num_layers * config.num_kv_heads * config.head_dim * np.dtype(config.dtype).itemsize
    return (weight_bytes["rest"] + share * weight_bytes["experts"] + batch * length * kept) / bytes_per_second


def measure(name: str, device: str, threads: int) -> list[dict]:
    """The rows of one shape."""
    config = model_config(SHAPES[name], _DTYPE.value, "blocks", 0)
    count = parameter_count(config)
    print(f"{name}: {count['total'] / 1e6:,.1f} M parameters, {count['active'] / 1e6:,.1f} M active", flush=True)
    rows, sides = [], {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "weights.safetensors")
            sides["peer"] = Side(Peer, config, device, threads, path)
            sides["ours"] = Side(Ours, config, path, _INT8.value, _BURST.value)
        kind, weight_bytes = sides["ours"].call("device"), sides["ours"].call("weight_bytes")
        if (kind == "cpu") != (device == "cpu"):
            raise RuntimeError(f"the peer is on {device} and JAX on {kind}: install jax[cuda], or hide the GPU")
        bytes_per_second = bandwidth.of_device(kind)
        for batch in _BATCHES.value:
            rows.append(_row(name, config, batch, sides, kind, weight_bytes, bytes_per_second))
    finally:
        for process in sides.values():
            process.close()
    return rows


def _row(
    name: str,
    config: MistralConfig,
    batch: str,
    sides: dict[str, Side],
    kind: str,
    weight_bytes: dict[str, int],
    bytes_per_second: float | None,
) -> dict:
    work = work_of(batch, config.vocab_size)
    print(f" {batch}:", flush=True)
    probed = probe(sides["peer"], work)
    best = min(probed, key=probed.get)
    sides["peer"].call("use", best)
    first = {side: sides[side].call("turn", work) for side in ("ours", "peer")}
    rates: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(_ROUNDS.value):
        for side in rates:
            sides[side].call("turn", work)
            rates[side].append(work.total / sides[side].wall)
    row = {
        "shape": name,
        "batch": batch,
        "device": kind,
        "parameters": parameter_count(config)["total"],
        "new_tokens": work.total,
        "peer_implementation": best,
        "peer_probe_seconds": probed,
        "equal_tokens": equal_share(first["ours"], first["peer"]),
        "tokens_per_second": {side: spread(values) for side, values in rates.items()},
        "ratio": spread([mine / other for mine, other in zip(rates["ours"], rates["peer"], strict=True)]),
    }
    if batch != MIXED:
        # A step's time without the prompts': the difference between many new tokens and few.
        few = Work(work.prompts, [max(2, new // 4) for new in work.new_tokens])
        seconds = {}
        for side, process in sides.items():
            process.call("turn", few)
            short, long = [], []
            for _ in range(3):
                process.call("turn", few)
                short.append(process.wall)
                process.call("turn", work)
                long.append(process.wall)
            steps = work.new_tokens[0] - few.new_tokens[0]
            seconds[side] = (statistics.median(long) - statistics.median(short)) / steps
        row["step_seconds"] = seconds
        if bytes_per_second:
            length = _PROMPT.value + (few.new_tokens[0] + work.new_tokens[0]) / 2
            row["bound_seconds"] = step_bound(config, weight_bytes, int(batch), length, bytes_per_second)
    ratio = row["ratio"]
    print(f"  ratio {ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})", flush=True)
    return row


def table(rows: list[dict]) -> str:
    """The figures as markdown tables."""
    lines = [
        "| shape | prompts | ours, tok/s | transformers, tok/s | its experts | ratio (min to max) | "
        "ms a step, ours / theirs | equal tokens |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rate, ratio, step = row["tokens_per_second"], row["ratio"], row.get("step_seconds")
        steps = f"{step['ours'] * 1e3:,.2f} / {step['peer'] * 1e3:,.2f}" if step else ""
        lines.append(
            f"| {row['shape']} | {row['batch']} | {rate['ours']['median']:,.0f} | {rate['peer']['median']:,.0f} | "
            f"{row['peer_implementation']} | **{ratio['median']:.2f}** ({ratio['min']:.2f} to {ratio['max']:.2f}) | "
            f"{steps} | {row['equal_tokens']:.1%} |"
        )
    bound = [row for row in rows if "bound_seconds" in row]
    if bound:
        lines += [
            "",
            "| shape | prompts | ms a step | at full bandwidth | share | transformers' share |",
            "|---|---|---|---|---|---|",
        ]
    for row in bound:
        step, least = row["step_seconds"], row["bound_seconds"]
        lines.append(
            f"| {row['shape']} | {row['batch']} | {step['ours'] * 1e3:.3f} | {least * 1e3:.3f} | "
            f"{least / step['ours']:.0%} | {least / step['peer']:.0%} |"
        )
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    for unknown in [name for name in _SHAPES.value if name not in SHAPES]:
        raise app.UsageError(f"unknown shape {unknown!r}; there are {', '.join(SHAPES)}")
    for wrong in [batch for batch in _BATCHES.value if batch != MIXED and not (batch.isdigit() and int(batch))]:
        raise app.UsageError(f"--batches has {wrong!r}; give numbers from 1 up, and {MIXED!r}")
    allocator.ensure()
    logging.set_verbosity(logging.WARNING)
    threads = len(os.sched_getaffinity(0))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = [row for name in _SHAPES.value for row in measure(name, device, threads)]
    print(table(rows))
    document = {
        "device": rows[0]["device"],
        "threads": threads,
        "dtype": _DTYPE.value,
        "int8": _INT8.value,
        "prompt_tokens": _PROMPT.value,
        "rounds": _ROUNDS.value,
        "versions": {module.__name__: module.__version__ for module in (jax, torch, transformers)},
        "results": rows,
    }
    results.save(document, table(rows), _JSON.value, _MARKDOWN.value)


if __name__ == "__main__":
    app.run(main)
