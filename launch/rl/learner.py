"""What learns: the policy with its critic, its frozen reference, the KL's price; and one iteration's updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from launch import training_program
from launch.rl import plan as plan_lib
from launch.training_program import Plan, mesh_and_rules
from mistral_moe import mesh_context
from mistral_moe.checkpoint import abstract
from mistral_moe.models.config import MistralConfig
from mistral_moe.rl import kl_control, policy
from mistral_moe.rl.experience import make_experience
from mistral_moe.rl.minibatches import minibatch_of_update, take
from mistral_moe.rl.rewards import ScoreScale, new_scale
from mistral_moe.rl.rollout import Rollout
from mistral_moe.rl.update import REHEARSAL_FIELDS, Minibatch, group_experience
from mistral_moe.training import partition
from mistral_moe.training.step import TrainState


# Compiled once for all runs of a process.
_read = jax.jit(policy.read_as_trained, static_argnames=("config", "temperature", "chunk"))
_make_experience = jax.jit(make_experience, static_argnames="shaping")
_group_experience = jax.jit(group_experience, static_argnames=("algorithm", "shaping", "divide_by_std"))


class RatioError(ValueError):
    """The first ratio of an iteration is not 1: the old log-probabilities are not those of the training forward pass."""


@dataclasses.dataclass(frozen=True)
class Updated:
    """What an iteration's updates came to.

    Attributes:
      metrics: means over the updates, float.
      first_ratio_error: the largest |ratio - 1| in the first minibatch.
      updates: how many were made.
      stopped_early: whether the KL from the policy that drew the answers ended them.
    """

    metrics: dict[str, float]
    first_ratio_error: float
    updates: int
    stopped_early: bool


class Learner:
    """The state of a run, and what changes it."""

    def __init__(self, config: ml_collections.ConfigDict, plan: Plan, model: MistralConfig, params: dict):
        """Lays a run's state on the mesh, at its start.

        Args:
          config: the whole config.
          plan: of `rl.plan.plan_of`.
          model: its model.
          params: the model's parameters, which are the reference from here on.
        """
        section = config.ppo
        self._config, self._section, self._model = config, section, model
        self._seed, self._tolerance = int(section.seed), float(section.first_ratio_tolerance)
        started = plan_lib.start_params(config, params)
        self._program = training_program.build(plan, started, *mesh_and_rules(config))
        training_program.check_rows(int(section.minibatch_size), self._program, "ppo.minibatch_size")
        training_program.check_rows(int(section.rehearsal_rows), self._program, "ppo.rehearsal_rows")
        # The step consumes what it is given; the reference is a copy of what is trained, and shares what is frozen.
        trained, frozen = training_program.split(started, plan)
        reference, _ = partition.split(params, plan.optim.learning_rates)
        self._reference = jax.tree.map(jnp.copy, reference)
        self.state: TrainState = self._program.make_state(trained, frozen)
        self.control = plan_lib.control_of(section)
        self.scale: ScoreScale = new_scale()
        self._terms, self._shaping = plan_lib.terms_of(config), plan_lib.shaping_of(section)

    @property
    def mesh(self) -> jax.sharding.Mesh:
        return self._program.mesh

    @property
    def params(self) -> dict:
        """The policy, without its critic."""
        return policy.detach_critic(self.state.all_params)

    @property
    def trained(self) -> dict:
        """The part of the policy that is trained."""
        return policy.detach_critic(self.state.params)

    def experience_of(self, rollout: Rollout, scores: np.ndarray, groups: np.ndarray) -> tuple[Minibatch, dict]:
        """Reads a rollout batch and makes of its scores what is learned from.

        Rows are read in pieces of a minibatch's size: the same program on the same shapes gives the update's numbers.

        Args:
          rollout: B answers.
          scores: [B] float32.
          groups: [B] int32, the prompt of each.

        Returns:
          The batch, and scalars: those of `experience.make_experience`, with `entropy`.
        """
        size, terms, shaping = int(self._section.minibatch_size), self._terms, self._shaping
        how = {"temperature": terms.temperature, "chunk": terms.chunk}
        pieces, references = [], []
        with mesh_context.use(self.mesh):
            for start in range(0, rollout.tokens.shape[0], size):
                rows = self._placed(jax.tree.map(lambda leaf, at=start: leaf[at : at + size], rollout))
                pieces.append(_read(self._model, self.state.params, self.state.frozen, rows, **how)[0])
                references.append(_read(self._model, self._reference, self.state.frozen, rows, **how)[0].log_probs)
        log_probs, values = (
            np.concatenate([np.asarray(getattr(piece, name)) for piece in pieces])
            if getattr(pieces[0], name) is not None
            else None
            for name in ("log_probs", "values")
        )
        reference = np.concatenate([np.asarray(piece) for piece in references])
        beta = self.control.coefficient
        if terms.algorithm == "ppo":
            experience, self.scale, statistics = _make_experience(
                rollout, scores, log_probs, reference, values, beta, self.scale, shaping=shaping
            )
        else:
            experience, statistics = _group_experience(
                rollout,
                scores,
                groups,
                log_probs,
                reference,
                beta=beta,
                algorithm=terms.algorithm,
                shaping=shaping,
                divide_by_std=bool(self._section.divide_by_std),
            )
        return Minibatch(experience, jnp.asarray(reference)), statistics

    def update(
        self, batch: Minibatch, iteration: int, rehearsal: Iterator[Mapping[str, np.ndarray]] | None = None
    ) -> Updated:
        """The epochs over one rollout batch.

        Args:
          batch: the rollout batch.
          iteration: from 0.
          rehearsal: text, a batch an update, where the config has a weight for it.

        Raises:
          RatioError: the first ratio is not 1 within the config's tolerance.
        """
        rows, size = batch.reference_log_probs.shape[0], int(self._section.minibatch_size)
        count, limit = plan_lib.updates_of(self._section), self._section.early_stop_kl
        seen: list[dict[str, float]] = []
        first_error, stopped = 0.0, False
        for number in range(count):
            indices = minibatch_of_update(self._seed, iteration * count + number, rows, size)
            with mesh_context.use(self.mesh):
                rows_of_update = take(batch, indices)
                if rehearsal is not None:
                    text = next(rehearsal)
                    rows_of_update = rows_of_update.replace(rehearsal={name: text[name] for name in REHEARSAL_FIELDS})
                self.state, metrics = self._program.step(self.state, self._placed(rows_of_update))
            seen.append({name: float(value) for name, value in jax.device_get(metrics).items() if value.ndim == 0})
            if number == 0:
                first_error = seen[0]["ratio_error"]
                if not first_error <= self._tolerance:
                    raise RatioError(
                        f"iteration {iteration}: the first ratio is off 1 by {first_error:.2e}, more than "
                        f"{self._tolerance:.0e}"
                    )
            if limit is not None and seen[-1]["approximate_kl"] > limit:
                stopped = number + 1 < count
                break
        means = {name: float(np.mean([row[name] for row in seen])) for name in seen[0]}
        # Of the critic before it learned from this batch.
        if "explained_variance" in seen[0]:
            means["explained_variance"] = seen[0]["explained_variance"]
        return Updated(means, first_error, len(seen), stopped)

    def after_iteration(self, kl: float, answers: int) -> None:
        """Steers the price of the KL."""
        self.control = kl_control.update(self.control, jnp.float32(kl), answers)

    def arrays(self) -> dict[str, Any]:
        """What a checkpoint holds beside the model."""
        critic = {name: tree for name, tree in self.state.params.items() if name == policy.CRITIC}
        return {
            "step": self.state.step,
            "opt_state": self.state.opt_state,
            "kl_coefficient": self.control.coefficient,
            "scale": self.scale,
            **critic,
        }

    def targets(self) -> dict[str, Any]:
        """Shapes of a checkpoint's arrays, for a restore."""
        return {"params": abstract(self.params), "opt": abstract(self.arrays())}

    def restore(self, params: dict, arrays: dict[str, Any]) -> None:
        """Takes up a checkpoint's state."""
        trained, frozen = partition.split(params, self._rates())
        critic = {name: arrays[name] for name in (policy.CRITIC,) if name in arrays}
        self.state = TrainState(arrays["step"], trained | critic, frozen, arrays["opt_state"])
        self.control = self.control.replace(coefficient=arrays["kl_coefficient"])
        self.scale = arrays["scale"]

    def _rates(self) -> dict[str, float | None]:
        return plan_lib.learning_rates(self._section)

    def _placed(self, tree: Any) -> Any:
        """Rows on the devices that train on them."""
        return jax.device_put(tree, self._program.rows) if self.mesh.size > 1 else tree
