"""Mathematics by generation: GSM8K, MATH and the short answers of IMO-Bench; an answer is right if it means the reference."""

from __future__ import annotations

import collections
import dataclasses
import random
from collections.abc import Callable, Sequence
from typing import Any

from data.benchmarks import gsm8k as gsm8k_data
from data.benchmarks import imo as imo_data
from data.benchmarks import math_problems as math_data
from launch.evaluation import asking
from launch.evaluation.benchmark import Benchmark, Options, Score, Unavailable, mean_and_stderr
from mistral_moe.evaluation import math_answers
from mistral_moe.evaluation.language_model import LanguageModel, Prompt

_FEWSHOT = {"gsm8k": 5, "math": 4}
_GSM8K_TOKENS = 256  # as lm-eval
_SOLUTION_TOKENS = 512
_INSTRUCTION = "Put the final answer in \\boxed{}."
# What math_answers couldn't tell, by the name it is counted under.
_UNTOLD = {
    "unparsed": "unparsed_answers",
    "refused": "refused_answers",
    "timeout": "timeouts",
    "error": "algebra_errors",
}


@dataclasses.dataclass(frozen=True)
class _Question:
    id: str
    prompt: Prompt
    reference: str
    group: dict[str, str]


def _shots(train: Sequence[dict[str, Any]], options: Options, default: int) -> tuple[list[dict[str, Any]], str]:
    """Examples, the same for all questions so that they are computed once, and what to say where they are fewer."""
    wanted = default if options.fewshot is None else options.fewshot
    if not train:
        return [], asking.no_examples(options) or (f"no train file to show {default} examples of" if wanted else "")
    shown = min(wanted, len(train))
    why = f"{wanted} examples were asked for and there are {shown}" if shown < wanted else ""
    return random.Random(options.seed).sample(list(train), shown), why


def _ask(
    model: LanguageModel, questions: Sequence[_Question], extract: Callable[[str], str]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """A record of each question, and the outcomes to count."""
    samples = []
    outcomes: collections.Counter[str] = collections.Counter()
    answers = asking.generate(model, [question.prompt for question in questions])
    for question, generated in zip(questions, answers):
        answer = extract(generated.text)
        verdict = math_answers.verify(question.reference, answer)
        outcomes["empty_outputs"] += not generated.text.strip()
        outcomes["no_answer"] += bool(generated.text.strip()) and not answer
        outcomes["truncated_prompts"] += generated.truncated > 0
        outcomes[_UNTOLD.get(verdict.how, "")] += 1
        samples.append(
            {
                "id": question.id,
                "prompt": question.prompt.text,
                "output": generated.text,
                "answer": answer,
                "reference": question.reference,
                "compared_by": verdict.how,
                "score": float(verdict.is_right),
                **question.group,
            }
        )
    return samples, {name: number for name, number in outcomes.items() if name and number}


def gsm8k(model: LanguageModel, options: Options) -> Score:
    """Exact match of the number behind `####`, or of the last number where a model never writes the mark."""
    data = gsm8k_data.load(options.data_dir)
    shots, why = _shots(data.train, options, _FEWSHOT["gsm8k"])
    shown = "".join(f"Question: {shot['question']}\nAnswer: {shot['answer']}\n\n" for shot in shots)
    questions = [
        _Question(
            document["id"],
            Prompt(f"{shown}Question: {document['question']}\nAnswer:", _GSM8K_TOKENS, ("Question:", "</s>")),
            math_answers.after_hashes(document["answer"]),
            {},
        )
        for document in asking.drawn(data.test, options)
    ]
    samples, outcomes = _ask(
        model, questions, lambda text: math_answers.after_hashes(text) or math_answers.last_number(text)
    )
    readings = {"strict": math_answers.after_hashes, "flexible": math_answers.last_number}
    parts = {
        name: asking.part(
            [float(math_answers.verify(one["reference"], read(one["output"])).is_right) for one in samples]
        )
        for name, read in readings.items()
    }
    references = [math_answers.after_hashes(document["answer"]) for document in data.test]
    common, share = math_answers.most_common(references)
    copied = [
        math_answers.verify(reference, math_answers.last_number(document["question"])).is_right
        for reference, document in zip(references, data.test)
    ]
    floor, floor_name = max((share, f"always {common}"), (sum(copied) / len(copied), "the question's last number"))
    value, stderr = mean_and_stderr([sample["score"] for sample in samples])
    return Score(
        metric="exact_match",
        value=value,
        stderr=stderr,
        n=len(samples),
        floor=floor,
        floor_name=floor_name,
        fewshot=len(shots),
        samples=samples,
        parts=parts,
        counted=asking.counted(duplicates=data.duplicates, **outcomes),
        reason=why,
    )


def math(model: LanguageModel, options: Options) -> Score:
    """MATH: the answer in the last box of a solution means that of the reference's."""
    data = math_data.load(options.data_dir)
    shots, why = _shots(data.train, options, _FEWSHOT["math"])
    shown = "".join(f"Problem:\n{shot['problem']}\n\nSolution: {shot['solution']}\n\n" for shot in shots)
    questions = [
        _Question(
            document["id"],
            _solution_prompt(shown, document["problem"]),
            _math_reference(document),
            {"level": document["level"], "type": document["type"]},
        )
        for document in asking.drawn(data.test, options)
    ]
    samples, outcomes = _ask(model, questions, math_answers.final_answer)
    common, share = math_answers.most_common([_math_reference(document) for document in data.test])
    value, stderr = mean_and_stderr([sample["score"] for sample in samples])
    return Score(
        metric="exact_match",
        value=value,
        stderr=stderr,
        n=len(samples),
        floor=share,
        floor_name=f"always {common}",
        fewshot=len(shots),
        samples=samples,
        parts=asking.parts_by(samples, "level") | asking.parts_by(samples, "type"),
        counted=asking.counted(duplicates=data.duplicates, **outcomes),
        reason=why,
    )


def _solution_prompt(shown: str, problem: str) -> Prompt:
    instruction = "" if shown else f"{_INSTRUCTION}\n\n"
    text = f"{shown}Problem:\n{problem}\n\n{instruction}Solution:"
    return Prompt(text, _SOLUTION_TOKENS, ("Problem:", "</s>"))


def _math_reference(document: dict[str, Any]) -> str:
    return document.get("answer") or math_answers.boxed(document["solution"])


def imo_problems(model: LanguageModel, options: Options) -> Score:
    """IMO-AnswerBench: short answers of olympiad problems; its proofs aren't scored.

    Raises:
      Unavailable: there are files of proofs alone.
    """
    data = imo_data.load(options.data_dir)
    if not data.answers:
        raise Unavailable(
            "no_grader",
            f"{data.proofs} proofs and {data.lean} Lean statements need a grader; put answerbench*.csv beside them",
        )
    questions = [
        _Question(
            document["id"],
            _solution_prompt("", document["problem"]),
            document["answer"],
            {"category": document["category"]},
        )
        for document in asking.drawn(data.answers, options)
    ]
    samples, outcomes = _ask(model, questions, math_answers.final_answer)
    unverifiable = sum(not math_answers.verifies_itself(question.reference) for question in questions)
    common, share = math_answers.most_common([document["answer"] for document in data.answers])
    value, stderr = mean_and_stderr([sample["score"] for sample in samples])
    unscored = f"; {data.proofs} proofs and {data.lean} Lean statements need a grader and are not scored"
    return Score(
        metric="exact_match",
        value=value,
        stderr=stderr,
        n=len(samples),
        floor=share,
        floor_name=f"always {common}",
        fewshot=0,
        samples=samples,
        parts=asking.parts_by(samples, "category"),
        counted=asking.counted(
            duplicates=data.duplicates, mended_rows=data.mended, unverifiable=unverifiable, **outcomes
        ),
        reason=asking.reason(
            f"answers of {len(data.answers)} problems{unscored if data.proofs or data.lean else ''}",
            f"{unverifiable} answers in words are compared as text" if unverifiable else "",
            asking.no_examples(options),
        ),
    )


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("math", "math", math),
    Benchmark("gsm8k", "math", gsm8k),
    Benchmark("imo_problems", "math", imo_problems),
)
