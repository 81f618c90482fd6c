"""POPE (Li et al. 2023): "Is there a dog in the image?", half of it about objects that aren't.

Read from `pope/coco_pope_{random,popular,adversarial}.json`, one object a line, or the hub's rows. Where they are
missing, the same questions are asked of images whose objects are known.
"""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import random
import re
from collections.abc import Sequence
from typing import Any

from data.benchmarks import coco_captions, rows

HUB = "lmms-lab/POPE", None, "test"
SETTINGS = ("random", "popular", "adversarial")
_PER_IMAGE = 3  # objects that are there, and as many that aren't, as in the paper
_COLUMNS = {"question": ("text", "question"), "label": ("label", "answer"), "image": ("image", "image_source")}


@dataclasses.dataclass(frozen=True)
class YesNoQuestions:
    """Documents {id, image, question, is_yes, setting} and duplicates met."""

    documents: list[dict[str, Any]]
    duplicates: int


def load(data_dir: pathlib.Path | None) -> YesNoQuestions:
    """POPE's own questions about COCO's images.

    Raises:
      rows.MissingDataError: they aren't there.
      rows.BenchmarkDataError: a column is missing or a label is neither yes nor no.
    """
    if data_dir is None:
        from data.benchmarks import hub

        return YesNoQuestions(*rows.without_duplicates(_document(row, "") for row in hub.rows(*HUB)))
    documents = []
    for path in _files(data_dir):
        setting = next((setting for setting in SETTINGS if setting in path.name), "")
        documents += [_document(row, setting) for row in rows.read(path)]
    return YesNoQuestions(*rows.without_duplicates(documents))


def _files(data_dir: pathlib.Path) -> list[pathlib.Path]:
    try:
        return rows.find(data_dir, "pope/**/coco_pope_*")
    except rows.MissingDataError:
        # The hub keeps the questions twice: in one split, and in a folder with one split a setting.
        try:
            return rows.find(data_dir, "pope/test*", "pope/data/test*", "pope/*.jsonl", "pope/*.parquet")
        except rows.MissingDataError:
            return rows.find(data_dir, "pope/coco_pope_*", "pope/Full/*.parquet")


def _document(row: rows.Row, setting: str) -> dict[str, Any]:
    columns = {name: next((one for one in these if one in row.fields), these[0]) for name, these in _COLUMNS.items()}
    rows.require(row, (columns["question"], columns["label"]), {columns["question"]: str})
    label = str(row[columns["label"]]).strip().lower()
    if label not in ("yes", "no"):
        raise rows.BenchmarkDataError(f"{row.place}: the label is {label!r:.80}; yes or no is wanted")
    setting = setting or str(row.fields.get("category") or "all")
    return {
        "id": f"{setting}/{row.fields.get('question_id', row.place.rpartition(':')[2])}",
        "image": str(row.fields.get(columns["image"], "")),
        "question": row[columns["question"]].strip(),
        "is_yes": label == "yes",
        "setting": setting,
    }


def asked_of(images: Sequence[coco_captions.Image], seed: int = 0) -> list[dict[str, Any]]:
    """POPE's questions for images whose objects are known, by the paper's three ways to choose what isn't there.

    Args:
      images: those without objects are left out.
      seed: of the draws.

    Returns:
      Documents as of `load`: for each image and setting, up to three objects that are there, and as many that aren't:
      drawn evenly, the most frequent of all images, or those most often together with what is there.
    """
    images = [image for image in images if image.objects]
    frequency = collections.Counter(name for image in images for name in image.objects)
    together: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for image in images:
        for name in image.objects:
            together[name].update(other for other in image.objects if other != name)
    documents = []
    for image in images:
        rng = random.Random(f"{seed}:{image.id}")
        absent = [name for name in sorted(frequency) if name not in image.objects]
        number = min(_PER_IMAGE, len(image.objects), len(absent))
        present = rng.sample(image.objects, number)
        beside = collections.Counter()
        for name in image.objects:
            beside.update(together[name])
        chosen = {
            "random": rng.sample(absent, number),
            "popular": sorted(absent, key=lambda name: (-frequency[name], name))[:number],
            "adversarial": sorted(absent, key=lambda name: (-beside[name], -frequency[name], name))[:number],
        }
        for setting in SETTINGS:
            for position, (name, is_yes) in enumerate(
                [(n, True) for n in present] + [(n, False) for n in chosen[setting]]
            ):
                documents.append(
                    {
                        "id": f"{setting}/{image.id}/{position}",
                        "image": image.id,
                        "question": f"Is there {_article(name)} {name} in the image?",
                        "is_yes": is_yes,
                        "setting": setting,
                    }
                )
    return documents


def _article(name: str) -> str:
    return "an" if re.match(r"[aeiou]", name) else "a"
