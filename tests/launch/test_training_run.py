"""A training run: interrupted anywhere and resumed it ends bit-identical, and a broken checkpoint is one clear error."""

import functools
import pathlib
import shutil

import jax
import ml_collections
import numpy as np
import pytest

from launch import config_file, train_dense, train_experts, train_joint, train_router, train_seed, training_run
from launch.errors import UserError
from launch.metrics import read_rows
from launch.models import CHECKPOINTS
from launch.progress import NullProgress
from mistral_moe.checkpoint import digest
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params
from mistral_moe.training.losses import language_model_loss
from mistral_moe.training.multitask import TaskTerms

ROOT = pathlib.Path(__file__).parents[2]
MODEL = MistralConfig(
    vocab_size=32, d_model=8, num_layers=1, num_heads=2, num_kv_heads=1, head_dim=4, d_ff=16, moe_backend="dense"
)
STEPS, ROWS, LENGTH = 7, 2, 8


class Interrupted(Exception):
    """What the feed raises in place of a kill."""


class CountingFeed:
    """Batches that depend on nothing but their position, and a curriculum state that follows the parameters."""

    def __init__(self, branches=0, stop_at=None):
        self.position, self.seen = 0, []
        self._shape = (branches, ROWS, LENGTH) if branches else (ROWS, LENGTH)
        self._stop_at = stop_at

    def next(self, step, params):
        if step == self._stop_at:
            raise Interrupted
        self.seen = [*self.seen, step]
        self.position += 1
        tokens = np.random.default_rng(self.position).integers(1, 32, self._shape).astype(np.int32)
        ones = np.ones(self._shape, np.int32)
        return {
            "tokens": tokens,
            "targets": np.roll(tokens, -1, -1),
            "segment_ids": ones,
            "positions": np.broadcast_to(np.arange(LENGTH, dtype=np.int32), self._shape).copy(),
            "loss_weights": ones.astype(np.float32),
            "task_ids": tokens % 2,
        }

    def get_state(self):
        return {"position": self.position}, {"seen": self.seen}

    def set_state(self, position, curriculum):
        self.position, self.seen = position["position"], list(curriculum["seen"])

    def waited(self):
        return 0.0

    def close(self):
        self.closed = True


def settings(checkpoint_every=2):
    train = dict(warmup_fraction=0.2, final_fraction=0.1, weight_decay=0.1, clip_norm=1.0, b1=0.9, b2=0.95)
    train |= dict(log_every=2, checkpoint_every=checkpoint_every)
    return ml_collections.ConfigDict(dict(train=train, mesh=dict(data=-1)))


def _fit(folder, feed, branches=(), frozen_trunk=False, tasks=None):
    config = settings()
    rates = {"experts": 1e-2, "trunk": None if frozen_trunk else 1e-2, "tasks": 1e-2 if tasks else None}
    plan = training_run.Plan(
        loss_fn=functools.partial(language_model_loss, MODEL, tasks=tasks),
        optim=training_run.optim_config(config.train, rates, STEPS),
        tokens_per_step=ROWS * LENGTH,
        branches=branches,
        tasks=tasks,
    )
    with NullProgress(["run"]).stage("run") as progress:
        state, curriculum = training_run.fit(
            config,
            folder,
            plan,
            init_params(MODEL, jax.random.key(0)),
            feed,
            progress,
            lineage=lambda params, trained: {"facts": {}},
            metrics_folders={name: folder / name / "metrics" for name in branches} or None,
        )
    return digest(state.all_params), curriculum


_TASKS = TaskTerms(("even", "odd"), (1.0, 0.5), learned=True)


@pytest.mark.parametrize(
    ("branches", "tasks"),
    [
        ((), None),
        pytest.param(("a", "b"), _TASKS, marks=pytest.mark.slow),
        pytest.param((), _TASKS, marks=pytest.mark.slow),
        pytest.param(("a", "b"), None, marks=pytest.mark.slow),
    ],
    ids=["single", "branches, tasks", "single, tasks", "branches"],
)
def test_interrupted_and_resumed_equals_unbroken(tmp_path, branches, tasks):
    fit = functools.partial(_fit, branches=branches, frozen_trunk=bool(branches), tasks=tasks)
    unbroken = fit(tmp_path / "unbroken", CountingFeed(len(branches)))
    broken = tmp_path / "broken"
    for stop_at in (1, 3, 6):
        with pytest.raises(Interrupted):
            fit(broken, CountingFeed(len(branches), stop_at))
    assert fit(broken, CountingFeed(len(branches))) == unbroken
    for name in branches or ("",):
        rows = [read_rows(folder / name / "metrics" / "metrics.jsonl") for folder in (tmp_path / "unbroken", broken)]
        assert [row["step"] for row in rows[1]] == [2, 4, 6, 7]
        # A mean over two steps that the interruption fell between covers the second alone; the last row is one step.
        # The share of the time that was spent waiting for data is no result.
        last = [{key: value for key, value in of_run[-1].items() if key != "input_wait"} for of_run in rows]
        assert last[0] == last[1] and len(last[0]) < len(rows[0][-1])


def test_a_finished_run_is_not_run_again(tmp_path):
    first = _fit(tmp_path, CountingFeed())
    again = CountingFeed(stop_at=0)
    assert _fit(tmp_path, again) == first
    assert again.seen == list(range(STEPS))


def test_a_corrupt_checkpoint_names_its_folder(tmp_path):
    _fit(tmp_path, CountingFeed())
    (step,) = (tmp_path / CHECKPOINTS).iterdir()
    shutil.rmtree(step / "params")
    with pytest.raises(UserError, match=str(tmp_path)):
        _fit(tmp_path, CountingFeed())


@pytest.mark.parametrize("parts", (0, 3, 16))
def test_microbatches_that_do_not_divide_the_rows_are_refused_by_key(parts):
    config = ml_collections.ConfigDict(dict(train=dict(accumulate=parts), experts=dict(batch_size=8)))
    with pytest.raises(
        UserError, match=rf"train\.accumulate={parts} microbatches don't divide experts\.batch_size=8 rows"
    ):
        training_run.accumulation(config, "experts.batch_size")


def test_every_stage_reads_its_batch_in_the_microbatches_of_the_config():
    config = config_file.load(str(ROOT / "experiments" / "tiny.py"))
    config.train.accumulate = 2
    config.router.batch_size = 4
    assert train_seed.plan_of(config)[0].accumulate == 2
    assert train_dense.plan_of(config, 1.0)[0].accumulate == 2
    assert train_experts.plan_of(config)[0].accumulate == 2
    assert train_router.plan_of(config)[0].accumulate == 2
    assert {train_joint.phase_plan(config, name)[0].accumulate for name in train_joint.PHASES} == {2}
    config.joint.oracle_rows = 3
    with pytest.raises(UserError, match=r"train\.accumulate=2 microbatches don't divide joint\.oracle_rows=3"):
        train_joint.phase_plan(config, "end_to_end")
