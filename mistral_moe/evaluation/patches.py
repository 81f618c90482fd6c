"""Unified diffs that a model writes: found in its answer, and held against the files that the right one changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
import dataclasses
import re
from typing import Any

import unidiff

MOST_FILES = 5
_TAG = re.compile(r"<(patch|diff)>(.*?)(?:</\1>|\Z)", re.DOTALL)
_FENCE = re.compile(r"```(?:diff|patch)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)
_START = re.compile(r"^(?:diff --git |--- )", re.MULTILINE)
_DEFINITION = re.compile(r"\b(?:def|class|function|func|fn)\s+(\w+)")


@dataclasses.dataclass(frozen=True)
class Touched:
    """What a patch changes.

    Attributes:
      files: paths in the order of the patch, without a/ and b/.
      functions: "path:name" of each function or class that a hunk's header names: what git saw last before the hunk.
    """

    files: tuple[str, ...]
    functions: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Overlap:
    """Of what a patch touches against what it should; the three are 0 where nothing is shared.

    Attributes:
      recall: share of what should be touched that is.
      precision: share of what is touched that should be.
      f1: their harmonic mean.
    """

    recall: float
    precision: float
    f1: float


def extract(output: str) -> str:
    """The diff in a model's answer: of a tag, else of a fence, else from where one begins; "" if there is none.

    Tags are <patch> and <diff>. An answer that goes on from an open tag has its end alone.
    """
    closed = re.split(r"</(?:patch|diff)>", output)[0]
    candidates = [match.group(2) for match in _TAG.finditer(output)]
    candidates += [match.group(1) for match in _FENCE.finditer(output)]
    for text in [*candidates, closed]:
        text = text.replace("\r\n", "\n")
        if start := _START.search(text):
            # A last line of a single space is one of the file's: an empty one that stays.
            lines = text[start.start() :].split("\n```")[0].rstrip("\n")
            return f"{lines}\n"
    return ""


def touched(patch: str) -> Touched | None:
    """What a patch changes; None where it is no unified diff or changes nothing."""
    try:
        parsed = unidiff.PatchSet.from_string(patch)
    except (unidiff.UnidiffParseError, ValueError, IndexError):
        return None
    files, functions = [], set()
    for file in parsed:
        if not (len(file) or file.is_rename or file.is_binary_file):
            continue  # the names of a file alone
        if file.path not in files:
            files.append(file.path)
        for hunk in file:
            if names := _DEFINITION.findall(hunk.section_header):
                functions.add(f"{file.path}:{names[-1]}")
    return Touched(tuple(files), frozenset(functions)) if files else None


def overlap(found: Iterable[str], gold: Iterable[str]) -> Overlap:
    """Recall, precision and F1 of two sets of names; `gold` isn't empty."""
    found, gold = set(found), set(gold)
    shared = len(found & gold)
    if not shared:
        return Overlap(0.0, 0.0, 0.0)
    recall, precision = shared / len(gold), shared / len(found)
    return Overlap(recall, precision, 2 * recall * precision / (recall + precision))


def localised(files: Sequence[str], gold: Iterable[str]) -> bool:
    """Whether the first MOST_FILES files hold all of the gold ones: who lists every file has found none."""
    return set(gold) <= set(files[:MOST_FILES])


def predictions(samples: Iterable[Mapping[str, Any]], model_name: str) -> list[dict[str, str]]:
    """Rows of the file that SWE-bench's own harness reads.

    Args:
      samples: with `instance_id` and `model_patch`.
      model_name: what the harness's report calls the model.
    """
    return [
        {
            "instance_id": sample["instance_id"],
            "model_name_or_path": model_name,
            "model_patch": sample["model_patch"],
        }
        for sample in samples
    ]
