"""The iterations of a run: ask, answer, score, learn, watch; from the start, or from the newest checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import contextlib
import dataclasses
import math
import pathlib
import time
from typing import Any

import ml_collections
import numpy as np

from data.loader import MixtureError, MixtureLoader, Prefetcher
from data.tokenizer import Tokenizer
from launch.errors import UserError
from launch.metrics import MetricsLog
from launch.models import CHECKPOINTS
from launch.progress import StageProgress
from launch.rl import plan as plan_lib
from launch.rl import prompts as prompts_lib
from launch.rl.learner import Learner, RatioError
from launch.rl.prompts import Asked
from launch.rl.rollouts import Actor
from launch.rl.scoring import Scorer
from mistral_moe.checkpoint import CheckpointError, CheckpointStore
from mistral_moe.inference.serve import Completion, Request
from mistral_moe.rl import kl_control, monitors
from mistral_moe.rl.monitors import Finding, Observation
from mistral_moe.rl.rollout import make_rollout

# Kinds of work that a run's time is split into.
KINDS = ("rollout", "reward", "reference", "update", "evaluation")
# Iterations in a row without a single finished answer, after which nothing can be learned.
_UNFINISHED = 3
# Fields of a history whose keys are iterations, which JSON would make texts of.
_BY_ITERATION = ("pass_at_1", "sampled_pass_at_1")
# Stands for the held-out problems where a seed is made from an iteration's number.
_HELD_OUT = 2**31


@dataclasses.dataclass
class History:
    """What a run has seen so far; in every checkpoint.

    Attributes:
      iterations: done.
      observations: of each.
      pass_at_1: iteration -> share of held-out problems solved greedily; 0 is before the first.
      sampled_pass_at_1: likewise the share of answers that are right, drawn as the training's are.
      first_ratio_error: the largest of all iterations.
      seconds: by kind.
      answers: drawn; `unusable` of them could not be learned from (`Usable.counts`), by reason.
      skipped: iterations without an update, as no answer was finished or usable.
      stopped: why the run ended before its last iteration, or "".
      findings: of the monitors, the newest of each name.
      rehearsal: the position in the text that is rehearsed, of `MixtureLoader.get_state`.
    """

    iterations: int = 0
    observations: list[Observation] = dataclasses.field(default_factory=list)
    pass_at_1: dict[int, float] = dataclasses.field(default_factory=dict)
    sampled_pass_at_1: dict[int, float] = dataclasses.field(default_factory=dict)
    first_ratio_error: float = 0.0
    seconds: dict[str, float] = dataclasses.field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))
    answers: int = 0
    unusable: dict[str, int] = dataclasses.field(default_factory=dict)
    skipped: int = 0
    unfinished: int = 0
    early_stops: int = 0
    stopped: str = ""
    findings: dict[str, Finding] = dataclasses.field(default_factory=dict)
    rehearsal: dict[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As a checkpoint keeps it."""
        return dataclasses.asdict(self) | {name: sorted(getattr(self, name).items()) for name in _BY_ITERATION}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "History":
        """The inverse of `to_json`."""
        return cls(
            **saved
            | {
                "observations": [Observation(**row) for row in saved["observations"]],
                "findings": {name: Finding(**finding) for name, finding in saved["findings"].items()},
            }
            | {name: {int(iteration): value for iteration, value in saved[name]} for name in _BY_ITERATION}
        )

    @contextlib.contextmanager
    def timed(self, kind: str):
        """Counts the time of a block."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[kind] += time.monotonic() - began


class Loop:
    """A run.

    Args:
      config: the whole config.
      learner: what learns.
      scorer: what answers are worth.
      tokenizer: the model's.
      train, held_out: problems.
      model: the learner's.
      progress: where to tell.
      rehearsal: batches of text beside the answers, or None.
    """

    def __init__(
        self,
        config: ml_collections.ConfigDict,
        learner: Learner,
        scorer: Scorer,
        tokenizer: Tokenizer,
        train: Sequence[Asked],
        held_out: Sequence[Asked],
        model: Any,
        progress: StageProgress,
        rehearsal: MixtureLoader | Prefetcher | None = None,
    ):
        self._config, self._section, self._learner, self._scorer = config, config.ppo, learner, scorer
        self._tokenizer, self._train, self._held_out, self._progress = tokenizer, train, held_out, progress
        self._rehearsal = rehearsal
        self._seed = int(self._section.seed)
        self._length = plan_lib.length_of(self._section)
        self._actor = Actor(model, learner.mesh, int(self._section.engine_rows), self._length)
        self.history = History()

    def run(self, folder: pathlib.Path, lineage: Callable[[dict, dict], dict[str, Any]]) -> History:
        """Runs to the last iteration, or until the KL runs away.

        A run that was killed anywhere and resumed ends bit-identical to one that was not: an iteration follows from the
        state before it, the seed and its number.

        Args:
          folder: of the stage.
          lineage: (all parameters, trained ones) -> lineage, saved with each checkpoint.

        Raises:
          UserError: a corrupt checkpoint, or a first ratio that is not 1.
        """
        every, total = int(self._section.checkpoint_every), int(self._section.iterations)
        try:
            with CheckpointStore(folder / CHECKPOINTS) as store:
                self._resume(store)
                log = MetricsLog(folder / "metrics", self.history.iterations)
                try:
                    if not self.history.iterations and not self.history.pass_at_1:
                        self._measure(0)
                    while self.history.iterations < total and not self.history.stopped:
                        row = self.iterate(self.history.iterations)
                        log.write(self.history.iterations, row)
                        done = self.history.iterations == total or self.history.stopped
                        if done or self.history.iterations % every == 0:
                            self._save(store, lineage)
                finally:
                    log.close()
        except CheckpointError as error:
            raise UserError(str(error)) from error
        except RatioError as error:
            raise UserError(
                str(error),
                "draw and train in one dtype (model.dtype=float32), or raise --config.ppo.first_ratio_tolerance",
            ) from error
        return self.history

    def _pass_at_1(self, samples: int, temperature: float) -> float:
        asked = [one for one in self._held_out for _ in range(samples)]
        # The same seeds at every measurement: what differs is the policy.
        seeds = [prompts_lib.seed_of_row(self._seed, _HELD_OUT, row) for row in range(len(asked))]
        done = self._answers(asked, temperature, seeds)
        correct, _ = self._scorer.verdicts([one.problem for one in asked], self._texts(done))
        return float(correct.mean())

    def _answers(self, asked: Sequence[Asked], temperature: float, seeds: Sequence[int]) -> list[Completion]:
        stop, most = (self._tokenizer.eos_id,), int(self._section.max_tokens)
        requests = [
            Request(one.ids, most, temperature=temperature, seed=seed, stop=stop) for one, seed in zip(asked, seeds)
        ]
        return self._actor.answer(self._learner.params, requests)

    def _texts(self, done: Sequence[Completion]) -> list[str]:
        return [self._tokenizer.decode(completion.text_tokens) for completion in done]

    def iterate(self, iteration: int) -> dict[str, float]:
        """One iteration, the next of the run; returns its row of metrics."""
        section, history = self._section, self.history
        before = dict(history.seconds)
        chosen = prompts_lib.of_iteration(len(self._train), int(section.prompts), self._seed, iteration)
        asked = [self._train[index] for index in chosen for _ in range(int(section.samples))]
        groups = np.repeat(np.arange(int(section.prompts), dtype=np.int32), int(section.samples))
        seeds = [prompts_lib.seed_of_row(self._seed, iteration, row) for row in range(len(asked))]
        with history.timed("rollout"):
            done = self._answers(asked, float(section.temperature), seeds)
        with history.timed("reward"):
            answers = [completion.tokens for completion in done]
            ids = [one.ids for one in asked]
            problems = [one.problem for one in asked]
            scores = self._scorer.score(problems, self._texts(done), ids, answers, seeds)
        with history.timed("reference"):
            rollout = make_rollout(ids, answers, [completion.ends == "stop" for completion in done], self._length)
            batch, statistics = self._learner.experience_of(rollout, scores.total, groups)
            statistics = {name: float(value) for name, value in statistics.items()}
        row = statistics | {f"score/{name}": float(part.mean()) for name, part in scores.parts.items()}
        row["kl_coefficient"] = float(self._learner.control.coefficient)
        self._count(len(asked), statistics)
        runaway = bool(kl_control.is_runaway(statistics["kl"], float(section.kl_limit)))
        learns = statistics["rows/used"] > 0 and statistics["rows/finished"] > 0 and not runaway
        entropy = math.nan
        if learns:
            with history.timed("update"):
                updated = self._learner.update(batch, iteration, self._rehearsal)
            row |= updated.metrics | {"updates": updated.updates, "first_ratio_error": updated.first_ratio_error}
            history.first_ratio_error = max(history.first_ratio_error, updated.first_ratio_error)
            history.early_stops += updated.stopped_early
            entropy = updated.metrics["entropy"]
            self._learner.after_iteration(statistics["kl"], int(statistics["rows/used"]))
        else:
            history.skipped += not runaway
        history.iterations = iteration + 1
        row |= self._measure(iteration + 1)
        self._watch(row, entropy if learns else None)
        if runaway:
            self._stop("kl_runaway", f"the KL is {statistics['kl']:.1f} nats an answer, above {section.kl_limit:g}")
        elif history.unfinished >= _UNFINISHED:
            self._stop("no_finished_answer", f"no answer ended by itself in {_UNFINISHED} iterations in a row")
        row |= {f"seconds/{kind}": history.seconds[kind] - before[kind] for kind in KINDS}
        told = {"score": row["score"], "kl": row["kl"], "length": row["length"]}
        if history.pass_at_1:
            told["pass_at_1"] = list(history.pass_at_1.values())[-1]
        self._progress.update(history.iterations, int(section.iterations), **told)
        return row

    def _count(self, answers: int, statistics: dict[str, float]) -> None:
        self.history.answers += answers
        for reason in ("not_finite", "empty", "cut_off"):
            found = int(statistics[f"rows/{reason}"])
            if found:
                self.history.unusable[reason] = self.history.unusable.get(reason, 0) + found
        self.history.unfinished = 0 if statistics["rows/finished"] else self.history.unfinished + 1

    def _measure(self, iteration: int) -> dict[str, float]:
        """The held-out pass@1 where it is due, greedy and as the training draws."""
        if iteration % int(self._section.evaluate_every) and iteration != int(self._section.iterations):
            return {}
        with self.history.timed("evaluation"):
            greedy = self._pass_at_1(1, 0.0)
            sampled = self._pass_at_1(int(self._section.samples), float(self._section.temperature))
        self.history.pass_at_1[iteration], self.history.sampled_pass_at_1[iteration] = greedy, sampled
        return {"pass_at_1": greedy, "sampled_pass_at_1": sampled}

    def _watch(self, row: dict[str, float], entropy: float | None) -> None:
        """Hands the iteration to the monitors; what is new is printed."""
        history, held_out = self.history, row.get("pass_at_1")
        if entropy is None:  # nothing was learned, and nothing measured it
            entropy = history.observations[-1].entropy if history.observations else 0.0
        error = self._stderr(held_out) if held_out is not None else 0.0
        history.observations.append(
            Observation(row["score"], held_out, row["kl"], row["length"], entropy, row["truncated"], error)
        )
        start = history.pass_at_1.get(0)
        before = (start, self._stderr(start)) if start is not None else None
        found = monitors.findings(history.observations, plan_lib.limits_of(self._section), before)
        for finding in found:
            self._tell(finding)
        if held_out is not None and monitors.HELD_OUT_FALL not in {finding.name for finding in found}:
            # A dip at the beginning is no sign of a run that ends above its start.
            history.findings.pop(monitors.HELD_OUT_FALL, None)

    def _stderr(self, share: float) -> float:
        """Of a share of the held-out problems."""
        return math.sqrt(share * (1 - share) / max(len(self._held_out), 1))

    def _tell(self, finding: Finding) -> None:
        if finding.name not in self.history.findings:
            self._progress.note(f"iteration {self.history.iterations}: {finding.name}: {finding.message}")
        self.history.findings[finding.name] = finding

    def _stop(self, name: str, message: str) -> None:
        self._tell(Finding(name, message, {}))
        self.history.stopped = f"{name}: {message}"
        self._progress.note(f"stopped after {self.history.iterations} iterations: {self.history.stopped}")

    def _save(self, store: CheckpointStore, lineage: Callable[[dict, dict], dict[str, Any]]) -> None:
        params = self._learner.params
        if self._rehearsal is not None:
            self.history.rehearsal = self._rehearsal.get_state()
        store.save(
            self.history.iterations,
            {
                "params": params,
                "opt": self._learner.arrays(),
                "data_iter": self.history.to_json(),
                "lineage": lineage(params, self._learner.trained),
            },
        )

    def _resume(self, store: CheckpointStore) -> None:
        step = store.latest_step()
        if step is None:
            return
        saved = store.restore(self._learner.targets() | {"data_iter": None}, step)
        try:
            self.history = History.from_json(saved["data_iter"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{store.folder}/{step}: its history can't be used: {error}") from error
        if self._rehearsal is not None:
            try:
                self._rehearsal.set_state(self.history.rehearsal)
            except MixtureError as error:
                raise CheckpointError(f"{store.folder}/{step}: {error}") from error
        self._learner.restore(saved["params"], saved["opt"])
