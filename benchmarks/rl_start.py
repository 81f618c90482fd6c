"""The model that the sides of `benchmarks.rl_peer` begin with: a Mixtral that solves a share of a task's problems.

It is the run's dense model of equal FLOPs with its feed-forwards copied into experts (Komatsuzaki et al. 2022,
arXiv:2212.05055) and a random linear router a layer, taught worked solutions of the task and, as many again, of other
tasks, until it solves enough. It lies in a folder in Hugging Face's layout, from which either side reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
import dataclasses
import functools
import json
import pathlib
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy

from data import tokenizer as tokenizer_lib
from data.packing import PackedRows
from data.tokenizer import Tokenizer
from data.verifiable import tasks
from data.verifiable.problem import Problem
from launch import saved_models
from launch.corpora import model_batch
from launch.hf_files import CONFIG, SINGLE
from launch.tuning.examples import line_of, packed
from launch.workdir import Workdir
from mistral_moe import hf, hf_config
from mistral_moe.branching.mix import mix_branches
from mistral_moe.models.config import MistralConfig
from mistral_moe.training.losses import RouterTerms, language_model_loss
from mistral_moe.training.optim import OptimConfig, make_optimizer
from mistral_moe.training.step import init_state, make_step

FACTS = "start.json"
_REHEARSED = ("comparisons", "arithmetic")
_SOLUTIONS = 512
_ROWS, _LENGTH = 24, 128
_RATE = 1e-3
_STEPS_A_LOOK, _MOST_STEPS = 10, 600

# The share of held-out problems that parameters solve when they draw.
Measure = Callable[[dict], float]


@dataclasses.dataclass(frozen=True)
class Start:
    """A model on disk.

    Attributes:
      folder: in Hugging Face's layout, with the tokenizer's model.
      config: the model's, in Mixtral's form.
      tokenizer: the model's.
      facts: how it was made.
    """

    folder: pathlib.Path
    config: MistralConfig
    tokenizer: Tokenizer
    facts: dict

    def params(self) -> dict:
        """The parameters, anew."""
        tensors = safetensors.numpy.load_file(self.folder / SINGLE)
        return jax.tree.map(jnp.asarray, hf.params_from_hf(self.config, tensors))


def read(folder: pathlib.Path, experts: Sequence[str]) -> Start | None:
    """The model of a folder, or None where there is none yet.

    Args:
      folder: of `make`.
      experts: names for the mixture's experts.
    """
    if not (folder / FACTS).is_file():
        return None
    config = hf_config.config_from_hf(json.loads((folder / CONFIG).read_text()))
    config = dataclasses.replace(config, experts=tuple(experts), scan_unroll=config.num_layers)
    tokenizer = tokenizer_lib.load(folder / saved_models.TOKENIZER_FILE)
    return Start(folder, config, tokenizer, json.loads((folder / FACTS).read_text()))


def make(
    workdir: str,
    folder: pathlib.Path,
    config: MistralConfig,
    task: str,
    level: float,
    measure_with: Callable[[Tokenizer], Measure],
) -> None:
    """Teaches a model and writes it.

    Args:
      workdir: of a finished run.
      folder: to write.
      config: the mixture's, of the shape of the run's dense model.
      task: of `data.verifiable.tasks`, whose training problems it is shown.
      level: the share of solved problems at which the teaching ends.
      measure_with: makes of the tokenizer what measures it.

    Raises:
      UserError: the workdir lacks the stage dense.
      ValueError: the level was not reached.
    """
    dense = saved_models.find(Workdir(workdir), "dense")
    tokenizer = tokenizer_lib.load(dense.tokenizer)
    params = mix_branches(config, [dense.load()] * config.num_experts, jax.random.key(0))
    params, facts = _taught(config, params, tokenizer, task, level, measure_with(tokenizer))
    folder.mkdir(parents=True, exist_ok=True)
    theirs = hf_config.config_to_hf(config) | {
        "max_position_embeddings": dense.max_length,
        "torch_dtype": "float32",
        "bos_token_id": tokenizer.bos_id,
        "eos_token_id": tokenizer.eos_id,
    }
    (folder / CONFIG).write_text(json.dumps(theirs, indent=1))
    safetensors.numpy.save_file(hf.params_to_hf(config, params), folder / SINGLE, {"format": "pt"})
    shutil.copyfile(dense.tokenizer, folder / saved_models.TOKENIZER_FILE)
    # Last, since a folder that has it is whole.
    (folder / FACTS).write_text(json.dumps({"task": task, **facts}, indent=1))


def _taught(
    config: MistralConfig, params: dict, tokenizer: Tokenizer, task: str, level: float, measure: Measure
) -> tuple[dict, dict]:
    rows = _rows(tokenizer, task)
    optimizer = make_optimizer(OptimConfig({"trunk": _RATE, "experts": _RATE}, num_steps=10**6, weight_decay=0.0))
    frozen = {"layers": {"router": params["layers"].pop("router")}}
    loss = functools.partial(language_model_loss, config, terms=RouterTerms())
    step = jax.jit(make_step(loss, optimizer), donate_argnums=0)
    state = jax.jit(functools.partial(init_state, optimizer=optimizer))(params, frozen)
    order = np.concatenate([np.random.default_rng(turn).permutation(len(rows)) for turn in range(_MOST_STEPS)])
    solved = 0.0
    for number in range(_MOST_STEPS):
        chosen = [rows[int(row)] for row in order[number * _ROWS : (number + 1) * _ROWS]]
        batch = {name: np.stack([row[name] for row in chosen]) for name in chosen[0]}
        state, metrics = step(state, model_batch(batch))
        if (number + 1) % _STEPS_A_LOOK == 0:
            solved = measure(state.all_params)
            print(f"teaching: step {number + 1}, loss {float(metrics['loss']):.3f}, pass@1 {solved:.3f}", flush=True)
            if solved >= level:
                return state.all_params, {"steps": number + 1, "solutions": _SOLUTIONS, "level": level}
    raise ValueError(f"after {_MOST_STEPS} steps the model solves {solved:.1%} of {task}, not {level:.1%}")


def _rows(tokenizer: Tokenizer, task: str) -> PackedRows:
    shown: list[Problem] = tasks.problems(task, _SOLUTIONS, 0, "train")
    for other in _REHEARSED:
        shown += tasks.problems(other, _SOLUTIONS // len(_REHEARSED), 0, "train")
    lines = [line_of(problem, problem.meta["solution"]) for problem in shown]
    (rows,) = packed(tokenizer, lines, _LENGTH, seed=0)[0].values()
    return rows
