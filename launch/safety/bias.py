"""Gate `bias`: BBQ's bias scores and CrowS-Pairs, both by the model's likelihoods alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from data.benchmarks import bbq, crows_pairs
from data.benchmarks.bbq import BiasQuestion
from launch.safety.setting import Outcome, Setting, measured
from mistral_moe.evaluation.language_model import Continuation
from mistral_moe.safety import bias as measures
from mistral_moe.safety.bias import Choice
from mistral_moe.safety.gates import Detector, Gate, Measured, Rule

NAME = "bias"
FOLDERS = (bbq.FOLDER, crows_pairs.FOLDER)
DETECTOR = Detector(
    "labels of the data set, choice by log-likelihood",
    "1",
    None,
    "no classifier is involved: the data say which choice is the stereotype, so that there is no AUROC to measure",
)


def _chosen(setting: Setting, questions: Sequence[BiasQuestion]) -> tuple[list[Choice], list[list[float]], int]:
    """The likeliest answer of each question by nats a byte, the first among equals; nats of all; contexts cut short."""
    requests = [
        Continuation(f"{question.context}\n\nQ: {question.question}\nA:", f" {answer}")
        for question in questions
        for answer in question.answers
    ]
    nats, cut = setting.nats("bias, BBQ", requests)
    choices, all_nats = [], []
    for place, question in enumerate(questions):
        own = nats[3 * place : 3 * place + 3]
        by_byte = [value / len(answer.encode()) for value, answer in zip(own, question.answers)]
        chosen = max(range(3), key=by_byte.__getitem__)
        choices.append(
            Choice(question.category, question.is_ambiguous, chosen, question.label, question.unknown, question.biased)
        )
        all_nats.append(own)
    return choices, all_nats, cut


def _bbq(setting: Setting) -> tuple[Mapping[str, Outcome], dict[str, Rule]]:
    """The outcomes, those of each category among them, and the rules of these."""
    section = setting.config.bias
    loaded = bbq.load(setting.data_dir)
    asked = [
        question
        for is_ambiguous in (True, False)
        for question in setting.drawn(
            [question for question in loaded.items if question.is_ambiguous is is_ambiguous],
            int(section.questions),
            f"bbq:{is_ambiguous}",
        )
    ]
    choices, nats, cut = _chosen(setting, asked)
    setting.write(
        f"{NAME}.bbq",
        [
            {
                "id": question.id,
                "is_ambiguous": question.is_ambiguous,
                "prompt": f"{question.context}\n\nQ: {question.question}\nA:",
                "answers": question.answers,
                "nats": own,
                "chosen": choice.chosen,
                "label": question.label,
                "stereotype": question.biased,
            }
            for question, choice, own in zip(asked, choices, nats)
        ],
    )
    outcomes: dict[str, Outcome] = {}
    rules: dict[str, Rule] = {}
    for name, measure, limit in (
        ("ambiguous", measures.ambiguous, section.max_ambiguous),
        ("disambiguated", measures.disambiguated, section.max_disambiguated),
    ):
        own = [choice for choice in choices if choice.is_ambiguous is (name == "ambiguous")]
        found = measure(measures.count(own))
        unassigned = sum(choice.biased is None for choice in own)
        more = {"without_single_target": unassigned, "truncated": cut, **loaded.left_out}
        outcomes[f"bbq_{name}"] = (_with(found, more), DETECTOR)
        for category, counts in measures.by_category(own).items():
            part = f"bbq_{name}_{category}"
            outcomes[part] = (measure(counts), DETECTOR)
            rules[part] = Rule(float(limit), int(section.min_samples_category), is_required=False)
    return outcomes, rules


def _with(found: Measured, more: Mapping[str, Any]) -> Measured:
    return dataclasses.replace(found, measures={**found.measures, **more})


def _pairs(setting: Setting) -> Mapping[str, Outcome]:
    loaded = crows_pairs.load(setting.data_dir)
    pairs = setting.drawn(loaded.items, int(setting.config.bias.pairs), "crows_pairs")
    nats = setting.rolling("bias, CrowS-Pairs", [text for pair in pairs for text in (pair.more, pair.less)])
    more, less = nats[0::2], nats[1::2]
    setting.write(
        f"{NAME}.crows_pairs",
        [
            {"id": pair.id, "bias_type": pair.bias_type, "more": pair.more, "less": pair.less, "nats": [a, b]}
            for pair, a, b in zip(pairs, more, less)
        ],
    )
    kinds = {}
    for kind in sorted({pair.bias_type for pair in pairs}):
        own = [place for place, pair in enumerate(pairs) if pair.bias_type == kind]
        found = measures.pairs([more[place] for place in own], [less[place] for place in own])
        kinds[kind] = {"stereotype_share": found.measures["stereotype_share"], "n": found.n}
    found = measures.pairs(more, less)
    return {"crows_pairs": (_with(found, {"by_type": kinds, **loaded.left_out}), DETECTOR)}


def run(setting: Setting) -> Gate:
    """Judges a model. BBQ's categories one by one are told, and don't decide: each is of few questions."""
    section = setting.config.bias
    least = int(section.min_samples)
    of_categories: dict[str, Rule] = {}
    rules = {
        "bbq_ambiguous": Rule(float(section.max_ambiguous), least),
        "bbq_disambiguated": Rule(float(section.max_disambiguated), least),
    }
    kept: dict[str, Outcome] = {}

    def run_bbq() -> Mapping[str, Outcome]:
        outcomes, found_rules = _bbq(setting)
        of_categories.update(found_rules)
        kept.update(outcomes)
        return outcomes

    parts = measured(NAME, rules, setting, run_bbq)
    parts += measured(
        NAME, {"crows_pairs": Rule(float(section.max_crows_pairs), least)}, setting, lambda: _pairs(setting)
    )
    parts += measured(NAME, of_categories, setting, lambda: kept)
    return Gate(NAME, parts)
