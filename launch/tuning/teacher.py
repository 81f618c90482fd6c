"""Teaching a model examples, mixed with what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses
import functools
import pathlib
from typing import Any

import ml_collections

from data.tokenizer import Tokenizer
from launch import corpora, models, training_run
from launch.errors import UserError
from launch.feeds import SingleFeed
from launch.stage import StageContext
from launch.train_joint import learning_rates
from launch.tuning.examples import packed
from mistral_moe.checkpoint import digest
from mistral_moe.improve import mixing
from mistral_moe.models.config import MistralConfig
from mistral_moe.training.flops import training_flops
from mistral_moe.training.losses import RouterTerms, language_model_loss


@dataclasses.dataclass(frozen=True)
class Teacher:
    """Teaches; one training run a call, with checkpoints of its own.

    Attributes:
      context: the stage's.
      section: of the config, named as the stage is: `batch_size`, `rehearsal`, `max_steps`, and the learning rate of each
        parameter group (`experts_lr`, ...), of which an unset one freezes its group.
      model: shape of the model.
      tokenizer: the run's.
    """

    context: StageContext
    section: ml_collections.ConfigDict
    model: MistralConfig
    tokenizer: Tokenizer

    def teach(
        self,
        name: str,
        params: dict,
        lineage: dict[str, Any],
        lines: Sequence[Mapping[str, Any]],
        epochs: float,
        done_before: int = 0,
    ) -> tuple[dict, dict[str, Any], dict[str, Any]]:
        """Teaches examples.

        Args:
          name: of the run; its checkpoints lie in `runs/NAME` of the stage's folder. "" for a stage's only one.
          params: to begin with; used up.
          lineage: theirs.
          lines: the examples, see `launch.tuning.examples.line_of`.
          epochs: how often each is seen.
          done_before: steps of earlier runs.

        Returns:
          Parameters, lineage, and figures: steps, tokens, flops, rows and the digest of the parameters.

        Raises:
          UserError: settings that can't be, of batch, mixture or learning rates.
        """
        config, section, stage = self.context.config, self.section, self.context.spec.name
        seq_len, batch = int(config.train.seq_len), int(section.batch_size)
        salt = f"{stage}/{name}" if name else stage
        rates = learning_rates(section)
        rows, sizes = packed(self.tokenizer, lines, seq_len, int(config.seed))
        rehearsal, weights = corpora.all_domains(self.context, salt)
        share = float(section.rehearsal)
        try:
            mixture = mixing.weights(sizes, weights, share)
            num_steps = mixing.steps(int(sum(sizes.values())), batch, share, epochs, int(section.max_steps))
        except ValueError as error:
            raise UserError(str(error), f"mend the section {stage} of the config") from error
        components = {part: (rows | rehearsal)[part] for part in mixture}
        loader = corpora.mixed_loader(self.context, components, mixture, batch)
        routed = rates.get("router") is not None
        terms = RouterTerms(
            balance=config.joint.balance, z=config.joint.z, domain=config.joint.domain if routed else 0.0
        )
        plan = training_run.Plan(
            loss_fn=functools.partial(language_model_loss, self.model, terms=terms, chunk=int(config.train.loss_chunk)),
            optim=training_run.optim_config(config.train, rates, num_steps),
            tokens_per_step=batch * seq_len,
            fields={"run": name} if name else {},
            accumulate=training_run.accumulation(config, f"{stage}.batch_size"),
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
            **training_run.account(plan, training_flops(self.model, seq_len, rates)),
            "example_rows": int(sum(sizes.values())),
            "digest": digest(state.all_params),
        }
        return state.all_params, of_run(state.all_params, state.params), figures

    def folder(self, name: str) -> pathlib.Path:
        """Of a run's checkpoints."""
        return self.context.folder / "runs" / name
