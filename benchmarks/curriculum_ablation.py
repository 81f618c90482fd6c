"""Curricula against drawing all levels alike, at equal tokens: held-out loss of every branch on its own domain.

    python -m benchmarks.curriculum_ablation --config=experiments/demo.py --workdir=runs/demo
    python -m benchmarks.curriculum_ablation --config=experiments/demo.py --workdir=runs/demo --kinds=adaptive,uniform --seeds=5

Takes the corpus, the tokens and the seed model of a finished run and trains its branches anew for each kind of curriculum and each
order of the data (`experts.data_seed`). Prints the mean over the orders with its standard error, and the difference to `uniform`
of the same order, which is what tells kinds apart: the orders' own differences cancel.
"""

from __future__ import annotations

import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from absl import app
from absl import flags
from absl import logging
import jax

from launch import config_file, corpora, data_order, models
from launch.workdir import Workdir
from mistral_moe.evaluation import held_out

_CONFIG = flags.DEFINE_string("config", "experiments/demo.py", "Config of the finished run.")
_WORKDIR = flags.DEFINE_string("workdir", None, "Its workdir; read only.", required=True)
_KINDS = flags.DEFINE_list(
    "kinds", ["uniform", "adaptive", "progress", "fixed"], "Kinds of curriculum; uniform is added."
)
_SEEDS = flags.DEFINE_integer("seeds", 3, "Orders of the data.", lower_bound=1)
_JSON = flags.DEFINE_string("json", "", "File for the figures.")
_KEPT = ("data", "tokenizer", "seed")


def losses_of(kind: str, seed: int) -> dict[str, float]:
    """Held-out nats per token of each branch on its own domain."""
    with tempfile.TemporaryDirectory(dir=pathlib.Path(_WORKDIR.value).parent) as place:
        for name in _KEPT:
            shutil.copytree(pathlib.Path(_WORKDIR.value) / name, pathlib.Path(place) / name, copy_function=os.link)
        flags_of_arm = [f"--config.experts.curriculum.kind={kind}", f"--config.experts.data_seed={seed}"]
        command = [sys.executable, "-m", "launch.train_experts", f"--config={_CONFIG.value}", f"--workdir={place}"]
        subprocess.run([*command, *flags_of_arm], check=True, stdout=subprocess.DEVNULL)
        config = config_file.load(_CONFIG.value)
        context = data_order.context_of(config, Workdir(place), "evaluate")
        model = models.dense_config(config)
        sums_of = held_out.jitted_batch_sums(model)
        section, found = config.evaluate, {}
        for domain in config.domains:
            recorded = context.input_manifest("experts")["outputs"][f"{domain}/{models.CHECKPOINTS}"]
            params, _ = models.load(context.input_folder("experts") / domain, model, recorded)
            batches = corpora.held_out(context, domain, int(section.rows_per_level), int(section.batch_size))
            sums = held_out.total(sums_of, params, [corpora.model_batch(batch) for batch in batches])
            found[domain] = float(sums["nats"] / sums["tokens"])
    jax.clear_caches()
    return found


def _with_error(values: list[float]) -> str:
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return f"{statistics.mean(values):.4f} ± {error:.4f}"


def main(argv: list[str]) -> None:
    """Prints one row a kind."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    logging.set_verbosity(logging.WARNING)
    kinds = list(dict.fromkeys(["uniform", *_KINDS.value]))
    found = {kind: [losses_of(kind, seed) for seed in range(_SEEDS.value)] for kind in kinds}
    domains = list(found["uniform"][0])
    print(f"| curriculum | {' | '.join(domains)} | mean | less than uniform |")
    print("|---|" + "---|" * (len(domains) + 2))
    for kind, runs in found.items():
        means = [statistics.mean(run.values()) for run in runs]
        plain = [statistics.mean(run.values()) for run in found["uniform"]]
        cells = [_with_error([run[domain] for run in runs]) for domain in domains] + [_with_error(means)]
        cells.append("" if kind == "uniform" else _with_error([b - a for a, b in zip(means, plain)]))
        print(f"| {kind} | {' | '.join(cells)} |")
    if _JSON.value:
        pathlib.Path(_JSON.value).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
