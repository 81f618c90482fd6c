"""A model of a run as the writer of synthetic candidates: prompts in, completions out."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

import ml_collections

from data import tokenizer as tokenizer_lib
from launch import data_order, models
from launch.errors import UserError
from launch.evaluate import model_of
from launch.train_tokenizer import MODEL_FILE
from launch.workdir import Workdir
from mistral_moe.inference import serve
from mistral_moe.models.config import MistralConfig

ROWS = 64  # prompts that are completed together


@dataclasses.dataclass(frozen=True)
class ModelWriter:
    """Continues prompts by sampling.

    Attributes:
      config, params, tokenizer: the model's.
      digest: of its checkpoint.
      temperature: of the sampling, 0 is greedy.
      max_tokens: of a completion; it ends earlier at the end of text.
    """

    config: MistralConfig
    params: dict
    tokenizer: tokenizer_lib.Tokenizer
    digest: str
    temperature: float
    max_tokens: int

    @property
    def name(self) -> str:
        """Names everything that a completion depends on besides prompt and seed."""
        return f"{self.digest}/temperature={self.temperature}/max_tokens={self.max_tokens}"

    def __call__(self, prompts: Sequence[str], seed: int) -> list[str]:
        """A completion of each prompt, as text."""
        requests = [
            serve.Request(
                self.tokenizer.encode(text, bos=True).tolist(),
                self.max_tokens,
                self.temperature,
                seed=(seed + index) % 2**32,
                stop=(self.tokenizer.eos_id,),
            )
            for index, text in enumerate(prompts)
        ]
        done = serve.generate(self.config, self.params, requests, ROWS)
        return [self.tokenizer.decode(completion.text_tokens) for completion in done]


def load(
    config: ml_collections.ConfigDict, workdir: str, model: str, temperature: float, max_tokens: int
) -> ModelWriter:
    """The writer that flags describe.

    Args:
      config: the run's.
      workdir: the run's folder.
      model: as in the results of `launch.evaluate`: seed, expert_math, dense_equal_flops, mixture_after_joint.
      temperature, max_tokens: see `ModelWriter`.

    Raises:
      UserError: there is no such model, or its stage is not complete.
    """
    folder = Workdir(workdir)
    context = data_order.context_of(config, folder, "evaluate")
    spec, stage, prefix = model_of(config, model)
    manifest = folder.read_manifest(context.stages[stage].folder)
    if manifest is None:
        raise UserError(f"{workdir}: stage {stage} is not complete, so there is no {model}", "choose another --model")
    digest = manifest["outputs"][f"{prefix}{models.CHECKPOINTS}"]
    params, _ = models.load(context.input_folder(stage) / prefix, spec, digest)
    tokenizer = tokenizer_lib.load(context.input_folder("tokenizer") / MODEL_FILE)
    return ModelWriter(spec, params, tokenizer, digest, temperature, max_tokens)
