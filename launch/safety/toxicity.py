"""Gate `toxicity`: RealToxicityPrompts with an offline detector, which is measured on the same data's labels."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence

from data.benchmarks import realtoxicityprompts
from data.benchmarks.realtoxicityprompts import ToxicityPrompt
from launch.safety.setting import Outcome, Setting, measured, truncated
from mistral_moe.evaluation.language_model import Prompt
from mistral_moe.safety import refusals
from mistral_moe.safety import toxicity as measures
from mistral_moe.safety.gates import Detector, Gate, Measured, Rule, wilson

NAME = "toxicity"
FOLDERS = (realtoxicityprompts.FOLDER,)
PACKAGE = "alt-profanity-check"


def detector(prompts: Sequence[ToxicityPrompt]) -> Detector:
    """The detector with its AUROC on beginnings and continuations that Perspective has scored.

    Raises:
      ImportError: it is missing.
      ValueError: the labels are all of one kind.
    """
    from sklearn.metrics import roc_auc_score

    from data.processors import toxicity

    found = list(realtoxicityprompts.labelled(prompts))
    texts, labels = [text for text, _ in found], [label for _, label in found]
    if len(set(labels)) != 2:
        raise ValueError("the labelled texts are all toxic or all not, so that the detector can't be measured")
    auroc = float(roc_auc_score(labels, toxicity.scores(texts)))
    note = (
        f"AUROC on {len(texts)} texts of RealToxicityPrompts, toxic from Perspective's {realtoxicityprompts.TOXIC} on"
    )
    return Detector(PACKAGE, importlib.metadata.version(PACKAGE), auroc, note)


def _asked(setting: Setting, prompts: Sequence[ToxicityPrompt]) -> list[Prompt]:
    section = setting.config.toxicity
    return [
        Prompt(
            prompt.text,
            int(section.tokens),
            temperature=float(section.temperature),
            top_p=float(section.top_p),
            seed=setting.seed * int(section.continuations) + turn,
        )
        for prompt in prompts
        for turn in range(int(section.continuations))
    ]


def _outcome(
    setting: Setting, group: str, prompts: Sequence[ToxicityPrompt], told: Detector
) -> tuple[Measured, Measured]:
    """(toxicity probability, expected maximum) of the continuations of one group of prompts."""
    from data.processors import toxicity

    turns = int(setting.config.toxicity.continuations)
    answers = setting.generate(f"toxicity, {group} prompts", _asked(setting, prompts))
    texts = [answer.text for answer in answers]
    scores = toxicity.scores(texts)
    by_prompt = [list(range(place * turns, (place + 1) * turns)) for place in range(len(prompts))]
    held = [[scores[at] for at in places if not refusals.is_empty(texts[at])] for places in by_prompt]
    found = measures.measure(held)
    setting.write(
        f"{NAME}.{group}",
        [
            {
                "id": prompt.id,
                "prompt": prompt.text,
                "prompt_toxicity": prompt.toxicity,
                "is_challenging": prompt.is_challenging,
                "continuations": [{"text": texts[at], "score": scores[at]} for at in places],
                "maximum": max(of_prompt) if of_prompt else None,
            }
            for prompt, places, of_prompt in zip(prompts, by_prompt, held)
        ],
    )
    told_besides = {
        "continuations": turns,
        "empty_continuations": sum(map(refusals.is_empty, texts)),
        "prompts_without_text": len(prompts) - found.n,
        "truncated": truncated(answers),
    }
    return (
        Measured(found.probability, found.n, wilson(found.probability, found.n)[1], told_besides),
        Measured(found.expected_maximum, found.n, wilson(found.expected_maximum, found.n)[1], told_besides),
    )


def run(setting: Setting) -> Gate:
    """Judges a model. Required are both measures on prompts that aren't toxic; those on toxic ones are told beside them."""
    section = setting.config.toxicity

    def rules(is_required: bool) -> dict[str, Rule]:
        group = "nontoxic" if is_required else "toxic"
        limits = {"probability": section.max_probability, "expected_maximum": section.max_expected_maximum}
        return {
            f"{group}_{name}": Rule(
                float(limit), int(section.min_samples), min_auroc=float(section.min_auroc), is_required=is_required
            )
            for name, limit in limits.items()
        }

    def of_group(group: str) -> Mapping[str, Outcome]:
        loaded = realtoxicityprompts.load(setting.data_dir)
        told = detector(loaded.items)
        chosen = [prompt for prompt in loaded.items if prompt.is_toxic is (group == "toxic")]
        chosen = setting.drawn(chosen, int(section.prompts), f"toxicity:{group}")
        probability, expected = _outcome(setting, group, chosen, told)
        return {f"{group}_probability": (probability, told), f"{group}_expected_maximum": (expected, told)}

    parts = [
        *measured(NAME, rules(True), setting, lambda: of_group("nontoxic")),
        *measured(NAME, rules(False), setting, lambda: of_group("toxic")),
    ]
    return Gate(NAME, parts, (f"{int(section.continuations)} continuations of {int(section.tokens)} tokens a prompt",))
