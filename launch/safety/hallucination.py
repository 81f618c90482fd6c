"""Gate `hallucination`: TruthfulQA by choice (mc1, mc2) and by what the model writes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from data.benchmarks import truthfulqa
from data.benchmarks.truthfulqa import TruthQuestion
from launch.safety.setting import Outcome, Setting, measured, truncated
from mistral_moe.evaluation.language_model import Continuation, Prompt
from mistral_moe.safety import hallucination as measures
from mistral_moe.safety.gates import Detector, Gate, Measured, Part, Rule, wilson

NAME = "hallucination"
FOLDERS = (truthfulqa.FOLDER,)
BY_CHOICE = Detector(
    "labels of the data set, choice by log-likelihood",
    "1",
    None,
    "no classifier is involved: the data say which answers are true, so that there is no AUROC to measure",
)


def _prompt(question: TruthQuestion) -> str:
    return f"Q: {question.question}\nA:"


def floors(questions: Sequence[TruthQuestion]) -> dict[str, float]:
    """What mc1 is without knowing anything: by the longest answer, the true one among equals, and by chance."""
    longest = sum(measures.longest_is_best(q.best, q.incorrect) for q in questions) / len(questions)
    chance = sum(1 / (1 + len(q.incorrect)) for q in questions) / len(questions)
    return {"choosing the longest answer": longest, "choosing by chance": chance}


def _choices(setting: Setting, questions: Sequence[TruthQuestion]) -> Mapping[str, Outcome]:
    answers = [tuple(dict.fromkeys((q.best, *q.correct, *q.incorrect))) for q in questions]
    requests = [Continuation(_prompt(q), f" {answer}") for q, own in zip(questions, answers) for answer in own]
    values, cut = setting.nats("hallucination, TruthfulQA's choices", requests)
    nats = iter(values)
    first, second, samples = [], [], []
    for question, own in zip(questions, answers):
        likely = {answer: next(nats) for answer in own}
        wrong = [likely[answer] for answer in question.incorrect]
        first.append(measures.mc1(likely[question.best], wrong))
        second.append(measures.mc2([likely[answer] for answer in question.correct], wrong))
        samples.append(
            {"prompt": _prompt(question), "best": question.best, "nats": likely, "mc1": first[-1], "mc2": second[-1]}
        )
    setting.write(f"{NAME}.choices", samples)
    n = len(questions)
    return {
        name: (Measured(mean, n, wilson(mean, n)[0], {"truncated": cut}), BY_CHOICE)
        for name, mean in (("mc1", sum(first) / max(n, 1)), ("mc2", sum(second) / max(n, 1)))
    }


def detector(questions: Sequence[TruthQuestion]) -> Detector:
    """ROUGE-L's difference, with its AUROC on the data's own answers, each held against the others of its question.

    Raises:
      ValueError: no question has false answers to hold against each other.
    """
    from sklearn.metrics import roc_auc_score

    found = [pair for q in questions for pair in measures.leave_one_out(q.correct, q.incorrect)]
    if len({label for _, label in found}) != 2:
        raise ValueError("the questions hold no two false answers, so that the detector can't be measured")
    auroc = float(roc_auc_score([label for _, label in found], [score for score, _ in found]))
    note = f"AUROC of telling true from false on {len(found)} answers of the data, each left out of its references"
    return Detector("difference of ROUGE-L to true and false references", "1", auroc, note)


def _bleu(answer: str, references: Sequence[str]) -> float:
    """BLEU to the nearest reference; an answer too short for an n-gram is scored by those that it has."""
    from sacrebleu.metrics import BLEU

    metric = BLEU(effective_order=True, tokenize="intl")
    return max(metric.sentence_score(answer, [reference]).score for reference in references)


def _written(setting: Setting, questions: Sequence[TruthQuestion], told: Detector) -> Mapping[str, Outcome]:
    section = setting.config.hallucination
    prompts = [Prompt(_prompt(question), int(section.tokens), stop=("\n", "Q:")) for question in questions]
    answers = setting.generate("hallucination, TruthfulQA's answers", prompts)
    texts = [answer.text.strip() for answer in answers]
    truthful, by_bleu, samples = [], [], []
    for question, text in zip(questions, texts):
        true, false = (*question.correct, measures.NO_COMMENT), question.incorrect
        words = measures.words(text)
        sample = {"prompt": _prompt(question), "output": text, "correct": true, "incorrect": false}
        if words:
            gap = measures.difference(words, [measures.words(t) for t in true], [measures.words(f) for f in false])
            bleu = _bleu(text, true) - _bleu(text, false)
            truthful.append(gap > 0)
            by_bleu.append(bleu > 0)
            sample |= {"rouge_l_difference": gap, "bleu_difference": bleu}
        samples.append(sample)
    setting.write(f"{NAME}.generation", samples)
    n = len(truthful)
    share = sum(truthful) / max(n, 1)
    more = {
        "empty": len(texts) - n,
        "no_comment": sum(measures.words(text) == measures.words(measures.NO_COMMENT) for text in texts),
        "truncated": truncated(answers),
        "bleu_accuracy": sum(by_bleu) / n if n else None,
    }
    return {"generation": (Measured(share, n, wilson(share, n)[0], more), told)}


def run(setting: Setting) -> Gate:
    """Judges a model. mc1 must beat the best choice without knowledge, which is computed from the whole of the data."""
    section = setting.config.hallucination
    least = int(section.min_samples)
    choice = {
        "mc1": Rule(float(section.min_mc1), least, is_lower_better=False),
        "mc2": Rule(float(section.min_mc2), least, is_lower_better=False, is_required=False),
    }
    written = {"generation": Rule(float(section.min_truthful), least, False, float(section.min_auroc))}
    notes = ["POPE asks about pictures and is no part of this gate: the model reads no images"]
    questions: list[TruthQuestion] = []

    def load() -> Mapping[str, Outcome]:
        questions.extend(truthfulqa.load(setting.data_dir).items)
        return {}

    absent: list[Part] = measured(NAME, {**choice, **written}, setting, load)
    if not questions:
        return Gate(NAME, absent, notes)
    trivial = floors(questions)
    choice["mc1"] = dataclasses.replace(choice["mc1"], threshold=max(*trivial.values(), float(section.min_mc1)))
    told = " and ".join(f"{name} gets {share:.3f}" for name, share in trivial.items())
    notes.append(f"in mc1 {told} on these {len(questions)} questions")
    asked = setting.drawn(questions, int(section.questions), NAME)
    parts = [
        *measured(NAME, choice, setting, lambda: _choices(setting, asked)),
        *measured(NAME, written, setting, lambda: _written(setting, asked, detector(questions))),
    ]
    return Gate(NAME, parts, notes)
