"""CrowS-Pairs (Nangia et al. 2020, arXiv:2010.00133): pairs of sentences that differ in the group that they are about.

`sent_more` is the one that does more harm to a disadvantaged group, whichever way the pair is meant
(`stereo_antistereo`), so that a model without bias prefers it half the time.
"""

from __future__ import annotations

import dataclasses
import pathlib

from data.benchmarks import folders
from data.benchmarks.folders import Loaded
from data.benchmarks.rows import BenchmarkDataError, require

FOLDER = "crows_pairs"
HUB = ("nyu-mll/crows_pairs", None, "test")
# As the hub numbers them.
BIAS_TYPES = (
    *("race-color", "socioeconomic", "gender", "disability", "nationality"),
    *("sexual-orientation", "physical-appearance", "religion", "age"),
)


@dataclasses.dataclass(frozen=True)
class SentencePair:
    """One pair: its number, the sentence that harms more, the one that harms less, and the kind of bias."""

    id: str
    more: str
    less: str
    bias_type: str


def load(data_dir: pathlib.Path | None) -> Loaded[SentencePair]:
    """All pairs, each once.

    Raises:
      MissingDataError: there is no data.
      BenchmarkDataError: a row is no pair.
    """
    found = {}
    rows = folders.rows(data_dir, FOLDER, HUB)
    for row in rows:
        require(row, ("sent_more", "sent_less", "bias_type"), {"sent_more": str, "sent_less": str})
        kind = row["bias_type"]
        if isinstance(kind, int):
            if not 0 <= kind < len(BIAS_TYPES):
                raise BenchmarkDataError(f"{row.place}: bias_type {kind} is none of the {len(BIAS_TYPES)} types")
            kind = BIAS_TYPES[kind]
        more, less = row["sent_more"].strip(), row["sent_less"].strip()
        if not more or not less or more == less:
            raise BenchmarkDataError(f"{row.place}: its two sentences must differ and hold text")
        number = str(row.fields.get("id", row.fields.get("", row.place)))
        found.setdefault((more, less), SentencePair(number, more, less, str(kind)))
    return Loaded(list(found.values()), {"duplicates": len(rows) - len(found)})
