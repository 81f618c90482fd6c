"""Teaching a model examples, mixed with what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses
import functools
import pathlib
from typing import Any

from data import task_marks
from data.memory_documents import MemoryDocuments
from data.multitask.task import Example, Part
from data.packing import PackedRows
from data.tokenizer import Tokenizer
from data.verifiable.problem import Problem
from launch import corpora, models, training_run
from launch.errors import UserError
from launch.feeds import SingleFeed
from launch.improve import accepted
from launch.stage import StageContext
from mistral_moe.checkpoint import digest
from mistral_moe.improve import mixing
from mistral_moe.models.config import MistralConfig
from mistral_moe.training.flops import training_flops
from mistral_moe.training.losses import RouterTerms, language_model_loss

# Whose problems a task has, and which of the run's training tasks has its form.
DOMAINS = {
    "arithmetic": "math",
    "multiplication": "math",
    "remainders": "math",
    "small_sums": "math",
    "comparisons": "math",
    "functions": "code",
}
_TRAINING_TASKS = {"math": "math_problem", "code": "code_generation"}


def example_of(problem: Problem, completion: str) -> Example:
    """A problem as a training example: the completion alone, and the end after it, is learned."""
    parts = [Part(problem.parts[0], learned=False)] if problem.parts[0] else []
    for place in range(1, len(problem.parts), 2):
        parts.append(Part(problem.parts[place + 1], learned=False, control=problem.parts[place]))
    last = parts.pop()
    if last.text:
        return *parts, last, Part(completion)
    return *parts, Part(completion, control=last.control)


def packed(
    tokenizer: Tokenizer, lines: Sequence[Mapping[str, Any]], seq_len: int, seed: int
) -> tuple[dict[str, PackedRows], dict[str, float]]:
    """Rows of examples, each whole in one row, and their number, by `DOMAIN.accepted`."""
    found: dict[str, list[Example]] = {}
    for line in lines:
        found.setdefault(DOMAINS[line["task"]], []).append(example_of(accepted.problem_of(line), line["completion"]))
    rows = {}
    for domain, examples in sorted(found.items()):
        encoded = task_marks.encode(tokenizer, examples)
        marks = task_marks.collect([_TRAINING_TASKS[domain]] * len(examples), [unlearned for _, unlearned in encoded])
        source = MemoryDocuments([ids for ids, _ in encoded], marks)
        rows[f"{domain}.accepted"] = PackedRows(source, seq_len, seed=seed)
    return rows, {name: float(len(row)) for name, row in rows.items()}


@dataclasses.dataclass(frozen=True)
class Teacher:
    """Teaches; one training run a call, with checkpoints of its own.

    Attributes:
      context: the stage's.
      model: shape of the model.
      tokenizer: the run's.
      rates: learning rate of each parameter group; None freezes it.
    """

    context: StageContext
    model: MistralConfig
    tokenizer: Tokenizer
    rates: Mapping[str, float | None]

    def teach(
        self,
        name: str,
        params: dict,
        lineage: dict[str, Any],
        lines: Sequence[Mapping[str, Any]],
        epochs: float,
        done_before: int,
    ) -> tuple[dict, dict[str, Any], dict[str, Any]]:
        """Teaches examples.

        Args:
          name: of the run; its checkpoints lie in `runs/NAME` of the stage's folder.
          params: to begin with; used up.
          lineage: theirs.
          lines: the examples, with `task`, `problem`, `answer` and `completion`.
          epochs: how often each is seen.
          done_before: steps of earlier runs.

        Returns:
          Parameters, lineage, and figures: steps, tokens, flops, rows and the digest of the parameters.

        Raises:
          UserError: settings that can't be, of batch, mixture or learning rates.
        """
        config, section = self.context.config, self.context.config.improve
        seq_len, batch = int(config.train.seq_len), int(section.batch_size)
        salt = f"improve/{name}"
        rows, sizes = packed(self.tokenizer, lines, seq_len, int(config.seed))
        rehearsal, weights = corpora.all_domains(self.context, salt)
        share = float(section.rehearsal)
        try:
            mixture = mixing.weights(sizes, weights, share)
            num_steps = mixing.steps(int(sum(sizes.values())), batch, share, epochs, int(section.max_steps))
        except ValueError as error:
            raise UserError(str(error), "mend the section improve of the config") from error
        components = {part: (rows | rehearsal)[part] for part in mixture}
        loader = corpora.mixed_loader(self.context, components, mixture, batch)
        routed = self.rates.get("router") is not None
        terms = RouterTerms(
            balance=config.joint.balance, z=config.joint.z, domain=config.joint.domain if routed else 0.0
        )
        plan = training_run.Plan(
            loss_fn=functools.partial(language_model_loss, self.model, terms=terms, chunk=int(config.train.loss_chunk)),
            optim=training_run.optim_config(config.train, self.rates, num_steps),
            tokens_per_step=batch * seq_len,
            fields={"run": name},
            accumulate=training_run.accumulation(config, "improve.batch_size"),
        )

        def of_run(params: dict, trained: dict) -> dict:
            facts = {"tokenizer_sha256": self.tokenizer.sha256}
            return models.run_lineage(params, trained, lineage, salt, self.context.config_hash, facts)

        state, _ = training_run.fit(
            config,
            self.folder(name),
            plan,
            params,
            SingleFeed(loader, corpora.domain_of_components(self.context, loader)),
            self.context.progress,
            lineage=of_run,
            metrics_folders={"": self.context.folder / "metrics"},
            done_before=done_before,
            total_steps=done_before + num_steps,
        )
        figures = {
            **training_run.account(plan, training_flops(self.model, seq_len, dict(self.rates))),
            "example_rows": int(sum(sizes.values())),
            "digest": digest(state.all_params),
        }
        return state.all_params, of_run(state.all_params, state.params), figures

    def folder(self, name: str) -> pathlib.Path:
        """Of a run's checkpoints."""
        return self.context.folder / "runs" / name
