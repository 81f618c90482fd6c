"""Two captions of the same words and two images (Winoground), or a caption and a wrong one (SugarCrepe).

Winoground (Thrush et al. 2022), which is gated, is read from `winoground/`: examples.jsonl or the hub's parquet; where
somebody has put the images in words, `image_0_text` and `image_1_text` hold that. SugarCrepe (Hsieh et al. 2023) is read
from `sugar_crepe/` or `winoground/`: its own .json files of {"0": {filename, caption, negative_caption}}.
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from data.benchmarks import rows

HUB = "facebook/winoground", None, "test"
FOLDERS = ("winoground",)
SUGAR_FOLDERS = ("sugar_crepe", "sugar-crepe", "sugarcrepe", "winoground")
_TEXT_COLUMNS = (("image_0_text", "image_1_text"), ("text_0", "text_1"), ("image_0_caption", "image_1_caption"))


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Documents and duplicates met.

    Attributes:
      documents: of Winoground {id, captions: [two], texts: [two] or None, tag}; of SugarCrepe {id, caption, wrong,
        kind}.
      duplicates: met.
    """

    documents: list[dict[str, Any]]
    duplicates: int


def load(data_dir: pathlib.Path | None) -> Pairs:
    """Winoground.

    Raises:
      rows.MissingDataError: it isn't there.
      rows.BenchmarkDataError: a row lacks a caption.
    """
    if data_dir is None:
        from data.benchmarks import hub

        found = list(hub.rows(*HUB))
    else:
        globs = [f"{folder}/**/*{end}" for folder in FOLDERS for end in (".jsonl", ".jsonl.gz", ".parquet", ".csv")]
        found = [row for path in rows.find(data_dir, *globs) for row in rows.read(path)]
    documents = []
    for number, row in enumerate(found):
        rows.require(row, ("caption_0", "caption_1"), {"caption_0": str, "caption_1": str})
        texts = next(
            (
                [str(row[one]), str(row[two])]
                for one, two in _TEXT_COLUMNS
                if row.fields.get(one) and row.fields.get(two)
            ),
            None,
        )
        documents.append(
            {
                "id": str(row.fields.get("id", number)),
                "captions": [row["caption_0"].strip(), row["caption_1"].strip()],
                "texts": texts,
                "tag": str(row.fields.get("collapsed_tag") or row.fields.get("tag") or ""),
            }
        )
    return Pairs(*rows.without_duplicates(documents))


def load_sugar_crepe(data_dir: pathlib.Path) -> Pairs:
    """SugarCrepe, whose files are kinds of wrong captions: an object, attribute or relation added, replaced or swapped.

    Raises:
      rows.MissingDataError: it isn't there.
      rows.BenchmarkDataError: a file isn't in its layout.
    """
    documents = []
    for path in rows.find(
        data_dir, *(f"{folder}/{inner}*.json" for folder in SUGAR_FOLDERS for inner in ("", "data/"))
    ):
        value = rows.value(path)
        if not isinstance(value, dict) or not value:
            raise rows.BenchmarkDataError(f"{path} is no object of pairs by number; is it SugarCrepe's own file?")
        for number, fields in value.items():
            row = rows.Row(fields if isinstance(fields, dict) else {}, f"{path}:{number}")
            rows.require(row, ("caption", "negative_caption"), {"caption": str, "negative_caption": str})
            documents.append(
                {
                    "id": f"{path.stem}/{number}",
                    "caption": row["caption"].strip(),
                    "wrong": row["negative_caption"].strip(),
                    "kind": path.stem,
                }
            )
    return Pairs(*rows.without_duplicates(documents))
