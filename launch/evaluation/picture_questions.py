"""Questions about pictures that a model without an image tower answers from words: VQA, easy-VQA and POPE."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from data.benchmarks import coco_captions, rows
from data.benchmarks import pope as pope_data
from data.benchmarks import vqa as vqa_data
from launch.evaluation import asking
from launch.evaluation.benchmark import Options, Score
from mistral_moe.evaluation import vqa_accuracy, yes_no
from mistral_moe.evaluation.language_model import LanguageModel, Prompt

_ANSWER_TOKENS = 16


def _question(text: str, question: str, cue: str) -> str:
    return f"{f'Picture: {text} ' if text else ''}Question: {question} {cue}:"


def _blind(texts: Sequence[str], what: str) -> str:
    """How a benchmark was scored, of whose images some are there in words."""
    described = sum(map(bool, texts))
    if not described:
        return "scored on text alone: the question, the image was not seen"
    return f"scored on text alone: {what} for {described} of {len(texts)} questions, the image was not seen"


def _image_texts(options: Options, *beside: str) -> Mapping[str, str]:
    """What is known in words of COCO's images, by their number: captions, else objects; none without their files."""
    if options.data_dir is None:
        return {}
    try:
        images = coco_captions.load(options.data_dir, beside).images
    except rows.MissingDataError:
        return {}
    return _texts(images.values())


def _texts(images) -> dict[str, str]:
    return {image.id: _sentences(image.captions) or ", ".join(image.objects) for image in images}


def _sentences(captions: Sequence[str]) -> str:
    return " ".join(f"{' '.join(caption.split()).rstrip('.')}." for caption in captions)


def _mean(samples: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Mean and standard error of samples of which many share their prompt."""
    return asking.grouped_mean_and_stderr(
        [sample["score"] for sample in samples], [sample["prompt"] for sample in samples]
    )


def _uncertain(chosen: Sequence[asking.Choice]) -> dict[str, int]:
    return {
        "ties": sum(choice.is_tied for choice in chosen),
        "truncated_prompts": sum(choice.is_truncated for choice in chosen),
    }


@dataclasses.dataclass(frozen=True)
class _Part:
    samples: list[dict[str, Any]]
    floor: float
    floor_name: str
    counted: dict[str, int]
    reason: str
    metric: str


def vqa(model: LanguageModel, options: Options) -> Score:
    """VQA v2's accuracy, and easy-VQA's; the first is the benchmark's value where its files are there.

    Raises:
      rows.MissingDataError: neither is there.
    """
    found: dict[str, _Part] = {}
    missing = []
    for name, run in (("vqa_v2", _vqa_v2), ("easy_vqa", _easy_vqa)):
        try:
            found[name] = run(model, options)
        except rows.MissingDataError as error:
            missing.append(str(error))
    if not found:
        raise rows.MissingDataError("; ".join(missing))
    parts = {
        name: asking.part(
            [sample["score"] for sample in one.samples],
            [sample["prompt"] for sample in one.samples],
            metric=one.metric,
            floor=one.floor,
            floor_name=one.floor_name,
        )
        for name, one in found.items()
    }
    main = next(iter(found.values()))
    value, stderr = _mean(main.samples)
    return Score(
        metric=main.metric,
        value=value,
        stderr=stderr,
        n=len(main.samples),
        floor=main.floor,
        floor_name=main.floor_name,
        fewshot=0,
        samples=[sample for one in found.values() for sample in one.samples],
        parts=parts | asking.parts_by(main.samples, "answer_type"),
        counted=dict(sum((collections.Counter(one.counted) for one in found.values()), collections.Counter())),
        reason=asking.reason(
            "" if "vqa_v2" in found else "easy-VQA stands in for VQA v2, whose files are not there",
            main.reason,
            asking.no_examples(options),
        ),
    )


def _vqa_v2(model: LanguageModel, options: Options) -> _Part:
    data = vqa_data.load_v2(options.data_dir)
    texts = _image_texts(options, *vqa_data.FOLDERS)
    documents = asking.drawn(data.documents, options)
    words = [texts.get(document["image"], "") for document in documents]
    prompts = [
        Prompt(_question(text, document["question"], "Short answer"), _ANSWER_TOKENS, ("\n", "Question:"))
        for text, document in zip(words, documents)
    ]
    samples = []
    empty = truncated = 0
    for document, prompt, generated in zip(documents, prompts, asking.generate(model, prompts)):
        answer = generated.text.strip()
        empty += not answer
        truncated += generated.truncated > 0
        samples.append(
            {
                "id": f"vqa_v2/{document['id']}",
                "prompt": prompt.text,
                "output": generated.text,
                "answers": document["answers"],
                "answer_type": document["answer_type"],
                "score": vqa_accuracy.accuracy(answer, document["answers"]),
            }
        )
    floor, floor_name = _vqa_floor(data.documents)
    counted = asking.counted(duplicates=data.duplicates, empty_outputs=empty, truncated_prompts=truncated)
    return _Part(samples, floor, floor_name, counted, _blind(words, "captions stand for the image"), "vqa_accuracy")


def _vqa_floor(documents: Sequence[Mapping[str, Any]]) -> tuple[float, str]:
    """The better of "yes" and of the most common answer to each type of question."""
    common: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for document in documents:
        common[document["question_type"]].update(map(vqa_accuracy.normalised, document["answers"]))
    best = {kind: counts.most_common(1)[0][0] for kind, counts in common.items()}

    def mean(answers: Sequence[str]) -> float:
        return sum(
            vqa_accuracy.accuracy(answer, document["answers"]) for answer, document in zip(answers, documents)
        ) / len(documents)

    return max(
        (mean(["yes"] * len(documents)), "always yes"),
        (
            mean([best[document["question_type"]] for document in documents]),
            "most common answer to the question's type",
        ),
    )


def _easy_vqa(model: LanguageModel, options: Options) -> _Part:
    if options.data_dir is None:
        raise rows.MissingDataError("easy-VQA is on no hub; give its folder with --data_dir")
    data = vqa_data.load_easy(options.data_dir)
    documents = asking.drawn(data.test, options)
    contexts = [_question("", document["question"], "Short answer") for document in documents]
    samples = []
    chosen = asking.choose(model, contexts, data.answers)
    for document, context, choice in zip(documents, contexts, chosen):
        samples.append(
            {
                "id": f"easy_vqa/{document['id']}",
                "prompt": context,
                "output": choice.answer,
                "answers": [document["answer"]],
                "answer_type": "",
                "score": float(choice.answer == document["answer"]),
            }
        )
    floor, floor_name = _easy_floor(data)
    counted = asking.counted(duplicates=data.duplicates, **_uncertain(chosen))
    reason = "the likeliest of the answers in answers.txt; scored on text alone: the question, the image was not seen"
    return _Part(samples, floor, floor_name, counted, reason, "accuracy")


def _easy_floor(data: vqa_data.EasyQuestions) -> tuple[float, str]:
    """What the question's words alone tell."""
    answers: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for document in data.train or data.test:
        answers[document["question"]][document["answer"]] += 1
    everywhere = sum(answers.values(), collections.Counter()).most_common(1)[0][0]
    right = 0
    for document in data.test:
        counts = answers.get(document["question"])
        right += document["answer"] == (counts.most_common(1)[0][0] if counts else everywhere)
    where = "in train" if data.train else "here"
    return right / len(data.test), f"most common answer to the same question {where}"


def pope(model: LanguageModel, options: Options) -> Score:
    """POPE by the likelihood of yes and no.

    Raises:
      rows.MissingDataError: neither its questions are there nor images whose objects are known.
    """
    why = ""
    try:
        data = pope_data.load(options.data_dir)
        texts = _image_texts(options)
    except rows.MissingDataError:
        if options.data_dir is None:
            raise
        data, texts = _built(options)
        why = "questions made by POPE's rules of images whose objects are known, for its own are not there"
    documents = [
        document
        for setting in sorted({document["setting"] for document in data.documents})
        for document in asking.drawn([one for one in data.documents if one["setting"] == setting], options)
    ]
    words = [texts.get(coco_captions.image_id(document["image"]), "") for document in documents]
    contexts = [_question(text, document["question"], "Answer") for text, document in zip(words, documents)]
    samples = []
    chosen = asking.choose(model, contexts, ("yes", "no"))
    for document, context, choice in zip(documents, contexts, chosen):
        label = "yes" if document["is_yes"] else "no"
        samples.append(
            {
                "id": document["id"],
                "prompt": context,
                "output": choice.answer,
                "label": label,
                "image": document["image"],
                "setting": document["setting"],
                "score": float(choice.answer == label),
            }
        )
    value, stderr = _mean(samples)
    always = sum(document["is_yes"] for document in data.documents) / len(data.documents)
    return Score(
        metric="accuracy",
        value=value,
        stderr=stderr,
        n=len(samples),
        floor=max(always, 1 - always),
        floor_name="always yes" if always >= 0.5 else "always no",
        fewshot=0,
        samples=samples,
        parts=_pope_parts(samples),
        counted=asking.counted(duplicates=data.duplicates, **_uncertain(chosen)),
        reason=asking.reason(
            why, _blind(words, "captions or objects stand for the image"), asking.no_examples(options)
        ),
    )


def _built(options: Options) -> tuple[pope_data.YesNoQuestions, dict[str, str]]:
    images = coco_captions.load(options.data_dir).scored()
    documents = pope_data.asked_of(images, options.seed)
    if not documents:
        raise rows.MissingDataError(f"{options.data_dir} holds no POPE and no image whose objects are known")
    return pope_data.YesNoQuestions(documents, 0), _texts(images)


def _pope_parts(samples: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """F1 and the like of all questions, and all of it by setting."""

    def measured(of: Sequence[Mapping[str, Any]]) -> yes_no.YesNo:
        said = [sample["output"] == "yes" for sample in of]
        return yes_no.measure(said, [sample["label"] == "yes" for sample in of])

    whole = measured(samples)
    parts: dict[str, dict[str, Any]] = {
        name: {"value": getattr(whole, name), "n": whole.n} for name in ("precision", "recall", "f1", "yes_rate")
    }
    for setting in sorted({sample["setting"] for sample in samples}):
        chosen = [sample for sample in samples if sample["setting"] == setting]
        one = measured(chosen)
        parts[setting] = asking.part(
            [sample["score"] for sample in chosen],
            [sample["prompt"] for sample in chosen],
            precision=one.precision,
            recall=one.recall,
            f1=one.f1,
            yes_rate=one.yes_rate,
        )
    return parts
