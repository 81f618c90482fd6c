"""One training run from its first step, or its last checkpoint, to its end: what all training stages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import pathlib
import time
from typing import Any

import jax
import ml_collections
import numpy as np

from launch import training_program
from launch.errors import UserError
from launch.feeds import Feed
from launch.metrics import MetricsLog
from launch.models import CHECKPOINTS
from launch.progress import StageProgress
from launch.training_program import Plan, mesh_and_rules
from mistral_moe import mesh_context
from mistral_moe.checkpoint import CheckpointError, CheckpointStore, abstract
from mistral_moe.training import multitask, partition
from mistral_moe.training.optim import OptimConfig
from mistral_moe.training.step import TrainState


def optim_config(
    train: ml_collections.ConfigDict, learning_rates: Mapping[str, float | None], num_steps: int
) -> OptimConfig:
    """Optimiser settings of one run from the config's section `train`.

    Raises:
      UserError: impossible settings.
    """
    try:
        return OptimConfig(
            learning_rates=dict(learning_rates),
            num_steps=num_steps,
            warmup_steps=min(num_steps, int(round(num_steps * train.warmup_fraction))),
            final_fraction=train.final_fraction,
            weight_decay=train.weight_decay,
            clip_norm=train.clip_norm,
            b1=train.b1,
            b2=train.b2,
        )
    except ValueError as error:
        raise UserError(str(error), "mend the stage's steps or the section train of the config") from error


def accumulation(config: ml_collections.ConfigDict, rows_key: str) -> int:
    """Microbatches of a step, held against the rows that they split.

    Args:
      config: the whole config.
      rows_key: the key of the rows of a step, of one branch: "train.batch_size".

    Raises:
      UserError: they don't divide; names both keys.
    """
    section, key = rows_key.split(".")
    rows, parts = int(config[section][key]), int(config.train.accumulate)
    if parts < 1 or rows % parts:
        raise UserError(
            f"train.accumulate={parts} microbatches don't divide {rows_key}={rows} rows",
            f"set --config.train.accumulate to a divisor of {rows}, or --config.{rows_key} to a multiple",
        )
    return parts


def fit(
    config: ml_collections.ConfigDict,
    folder: pathlib.Path,
    plan: Plan,
    params: dict,
    feed: Feed,
    progress: StageProgress,
    *,
    lineage: Callable[[dict, dict], dict[str, Any]],
    metrics_folders: Mapping[str, pathlib.Path] | None = None,
    done_before: int = 0,
    total_steps: int | None = None,
) -> tuple[TrainState, dict[str, Any]]:
    """Trains to the end of the plan, resuming from the newest checkpoint in `folder/checkpoints`.

    A run that was killed and resumed ends bit-identical to one that was not: the state, the data position and the
    curriculum are saved together, and all that a step does follows from them.

    Args:
      config: the whole config.
      folder: of the run.
      plan: what to do.
      params: all parameters at the start.
      feed: batches.
      progress: where to tell.
      lineage: (all parameters, trained parameters) -> lineage, saved with each checkpoint.
      metrics_folders: where metrics go: branch name -> folder; for a single model {"": folder}.
      done_before: steps of earlier phases of the stage, for the display and the metrics.
      total_steps: steps of the whole stage, for the display.

    Returns:
      The final state, and the final curriculum state.

    Raises:
      UserError: a corrupt checkpoint, parameters that don't fit the mesh.
    """
    train, branches = config.train, plan.branches
    program = training_program.build(plan, params, *mesh_and_rules(config, len(branches)))
    state = program.make_state(*training_program.split(params, plan))

    num_steps = plan.optim.num_steps
    total_steps = total_steps or num_steps
    try:
        with CheckpointStore(folder / CHECKPOINTS) as store:
            state, start = _resume(store, state, feed, plan.optim.learning_rates)
            if start == num_steps:
                return _model_alone(state), feed.get_state()[1]
            logs = {
                name: MetricsLog(path, done_before + start, plan.fields)
                for name, path in (metrics_folders or {"": folder / "metrics"}).items()
            }
            every = int(train.log_every)
            meter = _Meter(logs, branches, plan.tokens_per_step, every, progress, done_before, total_steps, feed.waited)
            began = time.monotonic()
            for step in range(start, num_steps):
                local = feed.next(step, state.params)
                batch = {
                    name: jax.make_array_from_process_local_data(program.rows, value) for name, value in local.items()
                }
                with mesh_context.use(program.mesh):
                    state, metrics = program.step(state, batch)
                meter.after_step(step + 1, metrics)
                if (step + 1) % int(train.checkpoint_every) == 0 or step + 1 == num_steps:
                    # Rows first: a run resumed from this checkpoint will not write them again.
                    meter.drain(last=step + 1 == num_steps)
                    _save(store, step + 1, state, feed, lineage)
            for log in logs.values():
                log.close()
            progress.note(f"waited for data {feed.waited() / max(time.monotonic() - began, 1e-9):.2%} of the time")
    except CheckpointError as error:
        raise UserError(str(error)) from error
    finally:
        feed.close()
    return _model_alone(state), feed.get_state()[1]


def _model_alone(state: TrainState) -> TrainState:
    return state.replace(params=multitask.detach(state.params))


def _resume(
    store: CheckpointStore, state: TrainState, feed: Feed, learning_rates: Mapping[str, float | None]
) -> tuple[TrainState, int]:
    """The newest checkpoint's state and step, or the given state and 0."""
    step = store.latest_step()
    if step is None:
        return state, 0
    targets = {
        "params": abstract(multitask.detach(state.all_params)),
        "opt": abstract(_optimiser_items(state)),
        "data_iter": None,
        "curriculum": None,
    }
    saved = store.restore(targets, step)
    try:
        feed.set_state(saved["data_iter"], saved["curriculum"])
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{store.folder}/{step}: its data position can't be used: {error}") from error
    trained, frozen = partition.split(saved["params"], learning_rates)
    opt = saved["opt"]
    tasks = {name: leaf for name, leaf in opt.items() if name == multitask.LEAF}
    return TrainState(opt["step"], trained | tasks, frozen, opt["opt_state"]), step


def _optimiser_items(state: TrainState) -> dict[str, Any]:
    """What a checkpoint holds beside the model."""
    tasks = {name: leaf for name, leaf in state.params.items() if name == multitask.LEAF}
    return {"step": state.step, "opt_state": state.opt_state, **tasks}


def _save(
    store: CheckpointStore, step: int, state: TrainState, feed: Feed, lineage: Callable[[dict, dict], dict[str, Any]]
) -> None:
    position, curriculum = feed.get_state()
    params = multitask.detach(state.all_params)
    store.save(
        step,
        {
            "params": params,
            "opt": _optimiser_items(state),
            "data_iter": position,
            "curriculum": curriculum,
            "lineage": lineage(params, multitask.detach(state.params)),
        },
    )


class _Meter:
    """Averages the metrics between two logged steps, one step behind the device so as not to stall it."""

    def __init__(self, logs, branches, tokens_per_step, every, progress, offset, total, waited):
        self._logs, self._branches, self._tokens = logs, branches, tokens_per_step
        self._every, self._progress, self._offset, self._total = every, progress, offset, total
        self._pending: tuple[int, Any] | None = None
        self._sums: dict[str, np.ndarray] = {}
        self._count = 0
        self._waited, self._waited_before = waited, 0.0
        self._last = self._logged = time.monotonic()

    def after_step(self, step: int, metrics: dict[str, jax.Array]) -> None:
        """Takes the metrics of a step that has just been dispatched."""
        previous, self._pending = self._pending, (step, metrics)
        if previous is not None:
            self._record(*previous)

    def drain(self, last: bool) -> None:
        """Waits for the newest step and records it; `last` writes a row for what is left."""
        if self._pending is not None:
            self._record(*self._pending, last=last)
            self._pending = None

    def _record(self, step: int, metrics: dict[str, jax.Array], last: bool = False) -> None:
        values = {name: np.asarray(value, np.float64) for name, value in jax.device_get(metrics).items()}
        values = {name: value for name, value in values.items() if value.ndim == (1 if self._branches else 0)}
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        headline = "loss" if "loss" in values else "cross_entropy"
        now = time.monotonic()
        speed = self._tokens / max(now - self._last, 1e-9)
        self._last = now
        self._progress.update(
            self._offset + step, self._total, **{headline: float(np.mean(values[headline]))}, tokens_per_second=speed
        )
        if step % self._every and not last:
            return
        means = {name: value / self._count for name, value in self._sums.items()}
        waited = self._waited()
        wait_share = (waited - self._waited_before) / max(now - self._logged, 1e-9)
        self._waited_before, self._logged = waited, now
        for name in [name for name in means if name.startswith("task_nats/")]:
            # Tokens of a task come unevenly: its loss is the ratio of the sums.
            task = name.removeprefix("task_nats/")
            means[f"task_loss/{task}"] = means.pop(name) / np.maximum(means[f"task_share/{task}"], 1e-9)
        for index, name in enumerate(self._branches or ("",)):
            scalars = {key: float(value[index] if self._branches else value) for key, value in means.items()}
            scalars["input_wait"] = wait_share
            self._logs[name].write(self._offset + step, scalars)
        self._sums, self._count = {}, 0


def account(plan: Plan, flops_per_token: float) -> dict[str, float]:
    """What a run cost, for its manifest: steps, tokens, flops_per_token (by `training.flops`), flops."""
    tokens = plan.optim.num_steps * plan.tokens_per_step
    return {
        "steps": plan.optim.num_steps,
        "tokens": tokens,
        "flops_per_token": flops_per_token,
        "flops": tokens * flops_per_token,
    }
