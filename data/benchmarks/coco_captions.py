"""COCO captions (Chen et al. 2015), with what is known of the images in words: the objects on them.

Under `coco_captions/`, `coco_mini/` or `coco/`, at any depth:
  - `captions_*.json` and `instances_*.json`: COCO's own layout;
  - `*.jsonl` of {image, captions, objects}: captions and objects joined;
  - parquet of the hub: {file_name, answer} (lmms-lab) or {filename, sentences} (Karpathy's splits).
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import Any

from data.benchmarks import rows

HUB = "lmms-lab/COCO-Caption2017", None, "val"
FOLDERS = ("coco_captions", "coco_mini", "coco")
_NUMBER = re.compile(r"(\d+)\.\w+$")


@dataclasses.dataclass
class Image:
    """An image in words.

    Attributes:
      id: COCO's number of it, or its file's name where that has none.
      captions: by people.
      objects: names of what is on it, sorted; empty where nobody wrote them down.
      is_training: of a training split of COCO's own files.
    """

    id: str
    captions: list[str] = dataclasses.field(default_factory=list)
    objects: list[str] = dataclasses.field(default_factory=list)
    is_training: bool = False


@dataclasses.dataclass(frozen=True)
class Captions:
    """Images by id, and how many captions were met again."""

    images: dict[str, Image]
    duplicates: int

    def scored(self) -> list[Image]:
        """Those that a model is scored on: without the training split where there is another."""
        captioned = [image for image in self.images.values() if image.captions]
        return [image for image in captioned if not image.is_training] or captioned


def image_id(name: Any) -> str:
    """COCO's number in a file's name, `COCO_val2014_000000310196.jpg` -> "310196"; the name where it has none."""
    found = _NUMBER.search(str(name))
    return str(int(found.group(1))) if found else str(name)


def load(data_dir: pathlib.Path | None, beside: Sequence[str] = ()) -> Captions:
    """All images of the files.

    Args:
      data_dir: folder of the benchmarks; None for the hub.
      beside: other folders whose files of COCO's own layout are read as well.

    Raises:
      rows.MissingDataError: there is none of the files.
      rows.BenchmarkDataError: one of them isn't what its name says.
    """
    images: dict[str, Image] = {}
    if data_dir is None:
        from data.benchmarks import hub

        return Captions(images, _add_joined(images, list(hub.rows(*HUB))))
    globs = [f"{folder}/**/{name}_*.json*" for folder in (*FOLDERS, *beside) for name in ("captions", "instances")]
    globs += [f"{folder}/**/*{end}" for folder in FOLDERS for end in (".jsonl", ".jsonl.gz", ".parquet")]
    paths = rows.find(data_dir, *globs)
    duplicates = 0
    # Joined files last: an image that they hold belongs to the benchmark, whatever split COCO has it in.
    for path in sorted(paths, key=lambda path: ".json" not in path.suffixes):
        if ".json" not in path.suffixes:
            duplicates += _add_joined(images, rows.read(path))
        elif path.name.startswith("instances_"):
            _add_objects(images, path)
        else:
            duplicates += _add_official(images, path)
    return Captions(images, duplicates)


def _official(path: pathlib.Path, *members: str) -> dict[str, Any]:
    value = rows.value(path)
    missing = [member for member in members if not isinstance(value, dict) or not isinstance(value.get(member), list)]
    if missing:
        raise rows.BenchmarkDataError(f"{path} has no list {', '.join(missing)}; is it COCO's own file?")
    return value


def _add_official(images: dict[str, Image], path: pathlib.Path) -> int:
    duplicates = 0
    seen = set()
    for number, annotation in enumerate(_official(path, "annotations")["annotations"], 1):
        row = rows.Row(annotation if isinstance(annotation, dict) else {}, f"{path}:annotations[{number}]")
        rows.require(row, ("image_id", "caption"), {"caption": str})
        key = annotation.get("id", number)
        if key in seen:
            duplicates += 1
            continue
        seen.add(key)
        image = images.setdefault(str(row["image_id"]), Image(str(row["image_id"]), is_training="train" in path.name))
        image.captions.append(row["caption"].strip())
    return duplicates


def _add_objects(images: dict[str, Image], path: pathlib.Path) -> None:
    value = _official(path, "annotations", "categories")
    names = {category["id"]: category["name"] for category in value["categories"]}
    for number, annotation in enumerate(value["annotations"], 1):
        row = rows.Row(annotation if isinstance(annotation, dict) else {}, f"{path}:annotations[{number}]")
        rows.require(row, ("image_id", "category_id"))
        if row["category_id"] not in names:
            raise rows.BenchmarkDataError(f"{row.place}: no category {row['category_id']}; is it COCO's own file?")
        key = str(row["image_id"])
        image = images.setdefault(key, Image(key, is_training="train" in path.name))
        image.objects = sorted({*image.objects, names[row["category_id"]]})


def _add_joined(images: dict[str, Image], found: list[rows.Row]) -> int:
    duplicates = 0
    joined: set[str] = set()
    for row in found:
        names = [column for column in ("file_name", "filename", "image", "image_id") if column in row.fields]
        texts = [column for column in ("captions", "answer", "sentences", "sentences_raw") if column in row.fields]
        if not names or not texts:
            raise rows.BenchmarkDataError(
                f"{row.place} lacks a file name or captions; it has {', '.join(map(str, row.fields))}: were columns renamed?"
            )
        key = image_id(row[names[0]])
        captions = [_caption(text, row) for text in _as_list(row[texts[0]])]
        if key in joined and images[key].captions == captions:
            duplicates += 1
            continue
        # Lines of one caption each add up; a joined row stands for what COCO's own file says of the image.
        if key not in joined:
            images[key] = Image(key, objects=images[key].objects if key in images else [])
        joined.add(key)
        images[key].captions.extend(captions)
        images[key].objects = sorted({*images[key].objects, *map(str, row.fields.get("objects") or ())})
    return duplicates


def _as_list(texts: Any) -> list[Any]:
    if texts is None:  # COCO keeps the captions of its test split to itself
        return []
    return texts if isinstance(texts, list) else [texts]


def _caption(text: Any, row: rows.Row) -> str:
    text = text.get("raw") if isinstance(text, dict) else text
    if not isinstance(text, str) or not text.strip():
        raise rows.BenchmarkDataError(f"{row.place}: {text!r:.80} is no caption; is it the right column?")
    return text.strip()
