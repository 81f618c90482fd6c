"""Captions of pictures that a model without an image tower writes or tells apart from words: COCO, Winoground."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from data.benchmarks import coco_captions as coco_data
from data.benchmarks import rows
from data.benchmarks import winoground as winoground_data
from launch.evaluation import asking
from launch.evaluation.benchmark import Options, Score, Unavailable, mean_and_stderr
from mistral_moe.evaluation import captions, image_text
from mistral_moe.evaluation.language_model import Continuation, LanguageModel, LogLikelihood, Prompt

_CAPTION_TOKENS = 40


def _prompt(image: coco_data.Image) -> Prompt:
    return Prompt(f"A photo with: {', '.join(image.objects)}. Caption:", _CAPTION_TOKENS, ("\n",))


def _listed(image: coco_data.Image) -> str:
    return f"a photo of {', '.join(image.objects)}"


def coco_captions(model: LanguageModel, options: Options) -> Score:
    """CIDEr of captions written from the names of what is on the image.

    How rare n-grams are is told from the references of all images, also where `options.limit` has some left out: it is so
    that scores stay comparable.

    Raises:
      Unavailable: of no image it is known in words what is on it.
    """
    data = coco_data.load(options.data_dir)
    captioned = data.scored()
    images = [image for image in captioned if image.objects]
    if not images:
        raise Unavailable(
            "no_images",
            f"none of {len(captioned)} images has its objects in words, and the model sees none; put instances_*.json "
            "beside captions_*.json",
        )
    references = [image.captions for image in images]
    listed = [_listed(image) for image in images]
    typical = captions.most_typical(references)
    floors = {
        "the objects listed": captions.cider(listed, references),
        f"always {typical!r}": captions.cider([typical] * len(images), references),
    }
    floor_name = max(floors, key=lambda name: sum(floors[name]))

    chosen = asking.drawn(range(len(images)), options)
    prompts = [_prompt(images[index]) for index in chosen]
    answers = asking.generate(model, prompts)
    written = {index: answer.text.strip() for index, answer in zip(chosen, answers)}
    cider = captions.cider([written.get(index, "") for index in range(len(images))], references)
    others = captions.score(list(written.values()), [references[index] for index in chosen])
    samples = [
        {
            "id": images[index].id,
            "prompt": prompt.text,
            "output": answer.text,
            "references": references[index],
            "score": cider[index],
            "rouge_l": rouge,
        }
        for index, prompt, answer, rouge in zip(chosen, prompts, answers, others.rouge_l)
    ]
    value, stderr = mean_and_stderr([sample["score"] for sample in samples])
    parts: dict[str, dict[str, Any]] = {
        f"BLEU-{order}": {"value": bleu, "n": len(samples)} for order, bleu in enumerate(others.bleu, 1)
    }
    parts["ROUGE-L"] = asking.part(others.rouge_l)
    if all(len(texts) > 1 for texts in references):
        parts["human"] = asking.part(
            captions.cider([texts[0] for texts in references], [texts[1:] for texts in references]), metric="CIDEr"
        )
    return Score(
        metric="CIDEr",
        value=value,
        stderr=stderr,
        n=len(samples),
        floor=sum(floors[floor_name]) / len(images),
        floor_name=floor_name,
        fewshot=0,
        samples=samples,
        parts=parts,
        counted=asking.counted(
            duplicates=data.duplicates,
            without_text=len(captioned) - len(images),
            empty_outputs=sum(not text for text in written.values()),
            truncated_prompts=sum(answer.truncated > 0 for answer in answers),
        ),
        reason=asking.reason(
            "scored on text alone: the names of the objects stand for the image, which was not seen",
            asking.no_examples(options),
        ),
    )


def winoground(model: LanguageModel, options: Options) -> Score:
    """Winoground where its images are there in words, else SugarCrepe's captions without their images.

    Raises:
      Unavailable: Winoground is there without words for its images, and SugarCrepe isn't.
      rows.MissingDataError: neither is there.
    """
    found: winoground_data.Pairs | None = None
    missing = ""
    try:
        found = winoground_data.load(options.data_dir)
    except rows.MissingDataError as error:
        missing = str(error)
    if found and any(document["texts"] for document in found.documents):
        return _winoground(model, options, found)
    try:
        if options.data_dir is None:
            raise rows.MissingDataError(missing)
        return _sugar_crepe(model, options, winoground_data.load_sugar_crepe(options.data_dir))
    except rows.MissingDataError:
        if found is None:
            raise rows.MissingDataError(f"{missing}; sugar_crepe/*.json would stand in for them") from None
        raise Unavailable(
            "no_images",
            f"the model sees no images, and none of {len(found.documents)} examples has image_0_text and image_1_text",
        ) from None


def _winoground(model: LanguageModel, options: Options, data: winoground_data.Pairs) -> Score:
    described = [document for document in data.documents if document["texts"]]
    documents = asking.drawn(described, options)
    requests = [
        Continuation(f"Picture: {text} Caption:", f" {caption}")
        for document in documents
        for caption in document["captions"]
        for text in document["texts"]
    ]
    likely = asking.log_likelihoods(model, requests)
    samples = []
    for position, document in enumerate(documents):
        nats = [one.nats for one in likely[4 * position : 4 * position + 4]]
        scores = [nats[:2], nats[2:]]
        found = image_text.matches(scores)
        samples.append(
            {
                "id": document["id"],
                "prompt": document["texts"],
                "output": scores,
                "captions": document["captions"],
                "tag": document["tag"],
                "text": float(found.text),
                "image": float(found.image),
                "score": float(found.group),
                "tied": found.tied,
            }
        )
    value, stderr = mean_and_stderr([sample["score"] for sample in samples])
    parts = {
        name: asking.part([sample[name] for sample in samples], floor=image_text.CHANCE[name], floor_name="chance")
        for name in ("text", "image")
    }
    return Score(
        metric="group",
        value=value,
        stderr=stderr,
        n=len(samples),
        floor=image_text.CHANCE["group"],
        floor_name="chance",
        fewshot=0,
        samples=samples,
        parts=parts | asking.parts_by(samples, "tag"),
        counted=asking.counted(
            duplicates=data.duplicates,
            without_text=len(data.documents) - len(described),
            ties=sum(sample["tied"] > 0 for sample in samples),
            truncated_prompts=_truncated(likely, 4),
        ),
        reason=asking.reason(
            "scored on text alone: words stand for the images, which were not seen", asking.no_examples(options)
        ),
    )


def _sugar_crepe(model: LanguageModel, options: Options, data: winoground_data.Pairs) -> Score:
    kinds = sorted({document["kind"] for document in data.documents})
    documents = [
        document
        for kind in kinds
        for document in asking.drawn([one for one in data.documents if one["kind"] == kind], options)
    ]
    requests = [Continuation("", text) for document in documents for text in (document["caption"], document["wrong"])]
    likely = asking.log_likelihoods(model, requests)
    samples = []
    for document, right, wrong in zip(documents, likely[::2], likely[1::2]):
        samples.append(
            {
                "id": document["id"],
                "prompt": "",
                "output": [right.nats, wrong.nats],
                "captions": [document["caption"], document["wrong"]],
                "kind": document["kind"],
                "score": float(right.nats > wrong.nats),
            }
        )
    value, stderr = mean_and_stderr([sample["score"] for sample in samples])
    floors = {
        "the shorter caption": _preferred(data.documents, lambda text: -len(text)),
        "the longer caption": _preferred(data.documents, len),
    }
    floor_name = max(floors, key=floors.__getitem__)
    return Score(
        metric="accuracy",
        value=value,
        stderr=stderr,
        n=len(samples),
        floor=floors[floor_name],
        floor_name=floor_name,
        fewshot=0,
        samples=samples,
        parts=asking.parts_by(samples, "kind"),
        counted=asking.counted(
            duplicates=data.duplicates,
            ties=sum(right.nats == wrong.nats for right, wrong in zip(likely[::2], likely[1::2])),
            truncated_prompts=_truncated(likely, 2),
        ),
        reason=asking.reason(
            "SugarCrepe stands in for Winoground, which is gated",
            "scored on text alone: the likelier of two captions, the image was not seen",
            asking.no_examples(options),
        ),
    )


def _preferred(documents: Sequence[dict[str, Any]], liking: Callable[[str], float]) -> float:
    """Share of right captions that are liked better; of those liked alike, half."""
    differences = [liking(document["caption"]) - liking(document["wrong"]) for document in documents]
    return sum(0.5 if not difference else float(difference > 0) for difference in differences) / len(differences)


def _truncated(likely: Sequence[LogLikelihood], each: int) -> int:
    return sum(any(one.truncated for one in likely[at : at + each]) for at in range(0, len(likely), each))
