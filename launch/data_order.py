"""Which rows every step of a stage reads, told from the config, the token cache and the curriculum's history alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ml_collections

from data.curriculum import Curriculum
from data.domains import LEVELS, task_name
from data.loader import MixtureLoader
from launch import corpora, train_joint
from launch.errors import UserError
from launch.progress import NullProgress
from launch.stage import StageContext
from launch.stages import STAGES, resolved
from launch.train_experts import CURRICULUM_FILE, curriculum_of, salt_of
from launch.workdir import Workdir, read_json_object
from mistral_moe.checkpoint import CheckpointStore

STAGES_WITH_DATA = ("seed", "experts", "router", "joint", "dense")


@dataclasses.dataclass(frozen=True)
class Stream:
    """What one stage, phase or branch reads.

    Attributes:
      name: `seed`, `experts/code`, `joint/end_to_end`.
      loader: at its first row.
      weights: (step, weights by component) from which on they hold, in the order of the steps.
      first_step: steps of the stage that other phases take before this one.
      num_steps: steps of it.
      known_until: the step up to which its weights are known; None where they never change.
    """

    name: str
    loader: MixtureLoader
    weights: Sequence[tuple[int, Mapping[str, float]]]
    first_step: int
    num_steps: int
    known_until: int | None = None

    def batches(self) -> Iterator[list[tuple[str, int]]]:
        """(component, global row index) of the rows of each step's global batch."""
        changes = dict(self.weights)
        for step in range(self.num_steps):
            if step in changes:
                self.loader.set_weights(changes[step])
            yield self.loader.next_rows()


def context_of(config: ml_collections.ConfigDict, workdir: Workdir, stage: str) -> StageContext:
    """A stage's context to read with; nothing is locked or made.

    Raises:
      UserError: the workdir has no tokens yet.
    """
    if workdir.read_manifest(STAGES["tokenizer"].folder) is None:
        raise UserError(
            f"{workdir}: stage tokenizer is not complete", "run launch.pipeline or launch.train_tokenizer first"
        )
    stages = resolved(config)
    spec = stages[stage]
    with NullProgress([stage]).stage(stage) as progress:
        return StageContext(config, workdir, workdir.folder(spec.folder), progress, {}, spec, stages)


def streams(context: StageContext) -> list[Stream]:
    """The streams of a stage, in the order of its phases or branches.

    Raises:
      UserError: the token cache is missing or corrupt, or the stage reads no training data.
    """
    config, stage = context.config, context.spec.name
    rows = int(config.train.batch_size)
    if stage == "experts":
        return [_branch(context, domain) for domain in config.domains]
    if stage == "joint":
        found, before = [], 0
        for name in train_joint.phases(config):
            steps = int(config.joint[name].steps)
            loader = corpora.all_domains_loader(context, rows, f"joint/{name}", ahead=False)
            found.append(Stream(f"joint/{name}", loader, (), before, steps))
            before += steps
        return found
    if stage == "dense":
        manifest = context.workdir.read_manifest(context.spec.folder)
        if manifest is None:
            raise UserError("stage dense takes as many steps as its FLOPs allow", "run it first")
        steps = int(manifest["training"]["steps"])
    elif stage in ("seed", "router"):
        section = config.seed_stage if stage == "seed" else config.router
        steps, rows = int(section.steps), rows if stage == "seed" else int(section.batch_size)
    else:
        raise UserError(f"stage {stage} reads no training data", f"those that do: {', '.join(STAGES_WITH_DATA)}")
    return [Stream(stage, corpora.all_domains_loader(context, rows, stage, ahead=False), (), 0, steps)]


def _branch(context: StageContext, domain: str) -> Stream:
    config = context.config
    curriculum = curriculum_of(config)
    loader = corpora.domain_loader(context, domain, int(config.experts.batch_size), salt_of(config), ahead=False)
    names = [task_name(domain, level) for level in LEVELS[domain]]
    history = _history(context).get(domain, [])
    weights = [(0, curriculum.weights(curriculum.init()))]
    weights += [(int(entry["step"]), entry["weights"]) for entry in history]
    every = int(config.experts.curriculum.eval_every)
    return Stream(
        f"experts/{domain}",
        loader,
        [(step, dict(zip(names, shares))) for step, shares in weights],
        0,
        int(config.experts.steps),
        _known_until(curriculum, history, every),
    )


def _known_until(curriculum: Curriculum, history: Sequence[Mapping[str, Any]], every: int) -> int | None:
    if curriculum.kind == "uniform":
        return None
    return (int(history[-1]["step"]) + every) if history else 0


def _history(context: StageContext) -> dict[str, list[dict[str, Any]]]:
    """The curriculum's history by domain: of the finished stage, else of its newest checkpoint."""
    finished = read_json_object(context.folder / CURRICULUM_FILE, "run the stage experts again")
    if finished is not None:
        return finished
    if not (context.folder / "checkpoints").is_dir():
        return {}
    with CheckpointStore(context.folder / "checkpoints") as store:
        if store.latest_step() is None:
            return {}
        saved = store.restore({"curriculum": None})
    return {domain: state["history"] for domain, state in saved["curriculum"].items()}
