"""Likelihood requests per second beside lm-eval's own `hf` model on the same weights, and what the harness adds to the model.

    python -m benchmarks.evaluation                                   # float32 on the CPU
    python -m benchmarks.evaluation --shapes=tiny,small --json=out.json
    python -m benchmarks.evaluation --shapes=1b --dtype=bfloat16      # on a GPU

1,000 questions of ARC with their choices (--benchmarks names the folder), tokenised by Mistral's own tokenizer; mixtures of
8 experts, top-2. Both sides get the very requests that the benchmark makes and run in turns (A B A B ...), each in its own
process with the same number of threads; the ratio is the median over the turns. The peer has the fastest of its batch
sizes and of transformers' expert implementations, which a probe finds. What either compiles or warms up is not counted; the
first call of ours, which compiles, is told apart. Choices of both are compared.

The second table is the harness's overhead: the whole benchmark (reading files, prompts, the store of answers, metrics,
records) over the model's own time on token ids.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import statistics
import tempfile
import time

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

from benchmarks import results, text_corpora
from benchmarks.mixtures import IMPLEMENTATIONS, SHAPES, model_config, spread, to_numpy
from benchmarks.sides import Side
from data import tokenizer as tokenizer_lib
from launch import allocator
from launch.evaluation import runner
from launch.evaluation.benchmark import Options
from launch.evaluation.registry import choose
from launch.evaluation.run_model import RunModel
from launch.progress import NullProgress
from mistral_moe import hf, hf_config
from mistral_moe.evaluation.language_model import Continuation, LanguageModel, LogLikelihood, in_order
from mistral_moe.inference import score
from mistral_moe.inference.weights import prepare
from mistral_moe.models.config import DTYPES, MistralConfig

WINDOW = 512
VOCABULARY = 32_000  # of Mistral's tokenizer v1
PEER_BATCHES = (8, 32, 64)

_SHAPES = flags.DEFINE_list("shapes", ["tiny", "small"], f"Which shapes of benchmarks.mixtures: {', '.join(SHAPES)}.")
_DTYPE = flags.DEFINE_enum("dtype", "float32", DTYPES, "Of weights and activations, on both sides.")
_BENCHMARKS = flags.DEFINE_string("benchmarks", "", "Folder of the sets; empty for benchmarks/ in the samples' folder.")
_QUESTIONS = flags.DEFINE_integer("questions", 1000, "How many.", lower_bound=2)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Turns of each side.", lower_bound=1)
_JSON = flags.DEFINE_string("json", None, "File for the figures.")
_MARKDOWN = flags.DEFINE_string("markdown", None, "File for the tables that are also printed.")


class Recorder:
    """A model that notes what it is asked and answers nothing of worth."""

    identity = "recorder"

    def __init__(self) -> None:
        self.asked: list[Continuation] = []

    def log_likelihoods(self, requests):
        self.asked += requests
        return ((index, LogLikelihood(0.0, False, 1)) for index in range(len(requests)))


def options_of(folder: str, questions: int) -> Options:
    """Half of the questions of each of ARC's two tasks."""
    return Options(data_dir=pathlib.Path(folder), limit=questions // 2)


def requests_of(folder: str, questions: int) -> list[Continuation]:
    """What the benchmark asks."""
    recorder = Recorder()
    choose(["arc"])[0].load().run(recorder, options_of(folder, questions))
    return recorder.asked


class Peer:
    """lm-eval's `hf` model around Hugging Face Mixtral with its own initialisation."""

    def __init__(self, config: MistralConfig, device: str, threads: int, folder: str) -> None:
        torch.set_num_threads(threads)
        transformers.utils.logging.set_verbosity_error()
        theirs = transformers.MixtralConfig(**hf_config.config_to_hf(config), attn_implementation="sdpa")
        torch.manual_seed(0)
        model = transformers.MixtralForCausalLM(theirs).to(device=device, dtype=getattr(torch, config.dtype)).eval()
        weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        safetensors.torch.save_file(weights, f"{folder}/weights.safetensors")
        self._model = model
        shutil.copyfile(tokenizer_lib.mistral_path("v1"), f"{folder}/tokenizer.model")
        self._tokenizer = transformers.LlamaTokenizer.from_pretrained(folder, add_bos_token=True)
        self._tokenizer.pad_token = self._tokenizer.eos_token
        self._lm = None

    def use(self, implementation: str, batch: int) -> None:
        """Chooses an implementation of the experts and a batch size."""
        from lm_eval.models.huggingface import HFLM

        self._model.set_experts_implementation(implementation)
        options = dict(batch_size=batch, max_length=WINDOW, add_bos_token=True)
        self._lm = HFLM(pretrained=self._model, tokenizer=self._tokenizer, **options)

    def turn(self, requests: list[Continuation]) -> list[float]:
        """Nats of each request."""
        from lm_eval.api.instance import Instance

        asked = [
            Instance(request_type="loglikelihood", doc={}, arguments=(one.context, one.text), idx=index)
            for index, one in enumerate(requests)
        ]
        return [nats for nats, _ in self._lm.loglikelihood(asked, disable_tqdm=True)]


class Ours:
    """Our model with the peer's weights."""

    def __init__(self, config: MistralConfig, folder: str) -> None:
        tensors = safetensors.torch.load_file(f"{folder}/weights.safetensors")
        params = jax.device_put(hf.params_from_hf(config, {name: to_numpy(t) for name, t in tensors.items()}))
        self._config, self._weights = config, prepare(config, params)
        tokenizer = tokenizer_lib.load(tokenizer_lib.mistral_path("v1"))
        self._model = RunModel(config, self._weights, tokenizer, WINDOW, "benchmark")
        self._pairs: list[tuple[list[int], list[int]]] = []

    def turn(self, requests: list[Continuation]) -> list[float]:
        """Nats of each request."""
        return [found.nats for found in in_order(self._model.log_likelihoods(requests))]

    def tokenise(self, requests: list[Continuation]) -> int:
        """Keeps the requests as token ids; how many tokens they are without sharing."""
        self._pairs = list(self._model._encode(requests))
        return sum(len(context) + len(text) for context, text in self._pairs)

    def model_alone(self) -> float:
        """Seconds of the model on the kept token ids."""
        started = time.perf_counter()
        for _ in score.log_likelihoods(self._config, self._weights, self._pairs):
            pass
        return time.perf_counter() - started

    def whole_benchmark(self, folder: str, questions: int) -> float:
        """Seconds of the benchmark from its files to its records."""
        benchmark = choose(["arc"])[0].load()
        model: LanguageModel = self._model
        with tempfile.TemporaryDirectory() as output, NullProgress(["arc"]) as progress, progress.stage("arc") as stage:
            started = time.perf_counter()
            entry = runner.run_one(benchmark, model, options_of(folder, questions), pathlib.Path(output), stage)
            seconds = time.perf_counter() - started
        if entry["status"] != runner.SCORED:
            raise RuntimeError(entry["reason"])
        return seconds

    def device(self) -> str:
        """Name of the device."""
        return jax.devices()[0].device_kind


def choices(nats: list[float], requests: list[Continuation]) -> list[int]:
    """The likeliest choice of each question."""
    groups: dict[str, list[int]] = {}
    for index, one in enumerate(requests):
        groups.setdefault(one.context, []).append(index)
    return [int(np.argmax([nats[index] for index in group])) for group in groups.values()]


def measure(name: str, device: str, threads: int, folder: str) -> dict:
    """The row of one shape."""
    shape = dataclasses.replace(SHAPES[name], vocab_size=VOCABULARY)
    config = model_config(shape, _DTYPE.value, "blocks", 0)
    requests = requests_of(folder, _QUESTIONS.value)
    print(f"{name}: {len(requests):,} requests", flush=True)
    with tempfile.TemporaryDirectory() as weights:
        peer = Side(Peer, config, device, threads, weights)
        ours = Side(Ours, config, weights)
    try:
        probed = {}
        for implementation in IMPLEMENTATIONS:
            for batch in PEER_BATCHES:
                peer.call("use", implementation, batch)
                peer.call("turn", requests[:256])
                peer.call("turn", requests[:256])
                probed[f"{implementation}, batch {batch}"] = peer.wall
                print(f"  {implementation}, batch {batch}: {256 / peer.wall:,.0f} requests/s", flush=True)
                if peer.wall > 3 * min(probed.values()):
                    break
        best = min(probed, key=probed.get)
        implementation, batch = best.split(", batch ")
        peer.call("use", implementation, int(batch))
        mine = ours.call("turn", requests)
        compiled = ours.wall
        theirs = peer.call("turn", requests)
        tokens = ours.call("tokenise", requests)
        ours.call("whole_benchmark", folder, 2)  # loads lm-eval
        rates: dict[str, list[float]] = {"ours": [], "peer": []}
        alone, whole = [], []
        for _ in range(_ROUNDS.value):
            for side, process in (("ours", ours), ("peer", peer)):
                process.call("turn", requests)
                rates[side].append(len(requests) / process.wall)
            alone.append(ours.call("model_alone"))
            whole.append(ours.call("whole_benchmark", folder, _QUESTIONS.value))
        pairs = zip(choices(mine, requests), choices(theirs, requests), strict=True)
        equal = [one == other for one, other in pairs]
        return {
            "shape": name,
            "device": ours.call("device"),
            "requests": len(requests),
            "tokens_unshared": tokens,
            "peer": best,
            "requests_per_second": {side: spread(values) for side, values in rates.items()},
            "ratio": spread([a / b for a, b in zip(rates["ours"], rates["peer"], strict=True)]),
            "first_call_seconds": compiled,
            "equal_choices": sum(equal) / len(equal),
            "largest_difference_nats": float(np.abs(np.subtract(mine, theirs)).max()),
            "model_seconds": statistics.median(alone),
            "benchmark_seconds": statistics.median(whole),
            "overhead": statistics.median([w / a for w, a in zip(whole, alone, strict=True)]) - 1,
        }
    finally:
        peer.close()
        ours.close()


def table(rows: list[dict]) -> str:
    """The figures as markdown tables."""
    lines = [
        "| shape | ours, requests/s | lm-eval's hf, requests/s | its setting | ratio (min to max) | first call, s | equal choices | largest difference, nats |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rate, ratio = row["requests_per_second"], row["ratio"]
        lines.append(
            f"| {row['shape']} | {rate['ours']['median']:,.0f} | {rate['peer']['median']:,.0f} | {row['peer']} | "
            f"**{ratio['median']:.2f}** ({ratio['min']:.2f} to {ratio['max']:.2f}) | {row['first_call_seconds']:.1f} | "
            f"{row['equal_choices']:.1%} | {row['largest_difference_nats']:.5f} |"
        )
    lines += ["", "| shape | model alone, s | whole benchmark, s | overhead |", "|---|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['shape']} | {row['model_seconds']:.2f} | {row['benchmark_seconds']:.2f} | **{row['overhead']:.1%}** |"
        )
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    for unknown in [name for name in _SHAPES.value if name not in SHAPES]:
        raise app.UsageError(f"unknown shape {unknown!r}; there are {', '.join(SHAPES)}")
    allocator.ensure()
    logging.set_verbosity(logging.WARNING)
    threads = len(os.sched_getaffinity(0))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = str(pathlib.Path(_BENCHMARKS.value or text_corpora.samples_folder() / "benchmarks").resolve())
    rows = [measure(name, device, threads, folder) for name in _SHAPES.value]
    print(table(rows))
    document = {
        "device": rows[0]["device"],
        "threads": threads,
        "dtype": _DTYPE.value,
        "questions": _QUESTIONS.value,
        "versions": {module.__name__: module.__version__ for module in (jax, torch, transformers)},
        "results": rows,
    }
    results.save(document, table(rows), _JSON.value, _MARKDOWN.value)


if __name__ == "__main__":
    app.run(main)
