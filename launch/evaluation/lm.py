"""A language model as lm-eval's harness asks it: https://github.com/EleutherAI/lm-evaluation-harness."""

from __future__ import annotations

import collections
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from mistral_moe.evaluation.language_model import Continuation, LanguageModel, Prompt, in_order

DEFAULT_TOKENS = 256  # of a completion where the task doesn't say, as lm-eval's own models have it


class HarnessLM(LM):
    """lm-eval's `LM` over a `LanguageModel`.

    Attributes:
      counted: outcomes that a score doesn't show: "truncated_prompts", "empty_outputs".
    """

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self._model = model
        self.counted: collections.Counter[str] = collections.Counter()

    def loglikelihood(self, requests: list[Instance], **ignored: Any) -> list[tuple[float, bool]]:
        """(nats, is_greedy) of each (context, continuation)."""
        asked = [Continuation(*request.args) for request in requests]
        found = in_order(self._model.log_likelihoods(asked))
        # Once a question, not once a choice.
        cut = {one.context for one, answer in zip(asked, found, strict=True) if answer.truncated}
        self.counted["truncated_prompts"] += len(cut)
        return [(answer.nats, answer.is_greedy) for answer in found]

    def loglikelihood_rolling(self, requests: list[Instance], **ignored: Any) -> list[float]:
        """Nats of each whole text."""
        found = in_order(self._model.rolling([request.args[0] for request in requests]))
        return [answer.nats for answer in found]

    def generate_until(self, requests: list[Instance], **ignored: Any) -> list[str]:
        """The completion of each context, up to the task's stop texts."""
        found = in_order(self._model.generate([self._prompt(*request.args) for request in requests]))
        self.counted["truncated_prompts"] += sum(answer.truncated > 0 for answer in found)
        self.counted["empty_outputs"] += sum(not answer.text.strip() for answer in found)
        return [answer.text for answer in found]

    @staticmethod
    def _prompt(context: str, settings: dict[str, Any]) -> Prompt:
        until = settings.get("until") or ()
        stops = (until,) if isinstance(until, str) else tuple(until)
        samples = bool(settings.get("do_sample")) and float(settings.get("temperature", 1.0)) > 0
        return Prompt(
            context,
            int(settings.get("max_gen_toks") or settings.get("max_new_tokens") or DEFAULT_TOKENS),
            stops,
            float(settings.get("temperature", 1.0)) if samples else 0.0,
            float(settings.get("top_p", 1.0)) if samples else 1.0,
        )
