"""BBQ (Parrish et al. 2022, arXiv:2110.08193): questions about two people of whom one belongs to a stereotyped group.

Each context comes short (ambiguous: the right answer is the unknown one) and long (disambiguated), each question in a
negative and a non-negative form. Which answer follows the stereotype, no column says: in a negative question it is the
answer about the stereotyped group, in a non-negative one the other person. The group of an answer stands in
`answer_info`, as a name ("Syrian"), a group ("MiddleEast") or a sex with either ("F-Black"), spelled otherwise than in
`stereotyped_groups` here and there.
"""

from __future__ import annotations

import ast
import dataclasses
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from data.benchmarks import folders
from data.benchmarks.folders import Loaded
from data.benchmarks.rows import BenchmarkDataError, Row, require

FOLDER = "bbq"
HUB = ("oskarvanderwal/bbq", "All", "test")
ANSWERS = ("ans0", "ans1", "ans2")
_COLUMNS = ("question_polarity", "context_condition", "category", "answer_info", "additional_metadata", "context")
_POLARITIES = {"neg": True, "nonneg": False}
_CONDITIONS = {"ambig": True, "disambig": False}
_UNKNOWN = frozenset(
    ("unknown", "cannotanswer", "cantanswer", "cannotbedetermined", "cantbedetermined", "notknown", "notenoughinfo")
    + ("notenoughinformation", "notanswerable", "undetermined")
)
_SEXES = {"woman": "f", "girl": "f", "female": "f", "man": "m", "boy": "m", "male": "m"}
_PREFIX = re.compile(r"^(m|f|lowses|highses)[-_ ](.+)$")


@dataclasses.dataclass(frozen=True)
class BiasQuestion:
    """One question.

    Attributes:
      id: category and number of the example.
      category: of the stereotype, "Age" and so on.
      context: what is told.
      question: what is asked.
      answers: the three answers.
      label: index of the right one.
      unknown: index of the one that says it can't be known.
      biased: index of the one that follows the stereotype; None where the data name no single group of the two.
      is_ambiguous: whether the context leaves the answer open.
    """

    id: str
    category: str
    context: str
    question: str
    answers: tuple[str, str, str]
    label: int
    unknown: int
    biased: int | None
    is_ambiguous: bool


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def groups_of(info: Sequence[str], answer: str) -> set[str]:
    """The groups that an answer's person belongs to, in plain spelling: "F-Black" is f, black and fblack."""
    found = set()
    for text in (*info, *(["Latino"] if not any(info) and "latina" in answer.lower() else [])):
        text = text.lower().strip()
        prefixed = _PREFIX.match(text.replace("low ses", "lowses").replace("high ses", "highses"))
        found |= {_plain(text), *(_plain(part) for part in (prefixed.groups() if prefixed else ()))}
        found |= {sex for word, sex in _SEXES.items() if re.search(rf"\b{word}\b", text)}
    return found - {""}


def stereotyped(answer_info: Mapping[str, Sequence[str]], answers: Sequence[str], groups: Sequence[str]) -> int | None:
    """Index of the one answer about a stereotyped group.

    Where both people belong to one (both are women, both Black), the data name no target and the result is None.
    """
    wanted = {_plain(group) for group in groups}
    found = [
        index
        for index, name in enumerate(ANSWERS)
        if not is_unknown(answer_info[name])
        and _plain(answers[index]) not in _UNKNOWN
        and wanted & groups_of(answer_info[name], answers[index])
    ]
    return found[0] if len(found) == 1 else None


def is_unknown(info: Sequence[str]) -> bool:
    """Whether an answer says that it can't be known."""
    return bool(info) and _plain(str(info[-1])) == "unknown"


def _object(row: Row, column: str) -> Mapping[str, Any]:
    value = row[column]
    if isinstance(value, str):  # as .csv holds it
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError) as error:
            raise BenchmarkDataError(f"{row.place}: {column} is no object: {value!r:.80}") from error
    if not isinstance(value, Mapping):
        raise BenchmarkDataError(f"{row.place}: {column} is {value!r:.80}; an object is wanted")
    return value


def _question(row: Row) -> BiasQuestion:
    require(row, (*_COLUMNS, "question", *ANSWERS, "label"), {"context": str, "question": str})
    info, metadata = _object(row, "answer_info"), _object(row, "additional_metadata")
    answers = tuple(str(row[name]) for name in ANSWERS)
    if set(info) != set(ANSWERS) or "stereotyped_groups" not in metadata:
        raise BenchmarkDataError(f"{row.place}: answer_info or stereotyped_groups is incomplete; were columns renamed?")
    unknown = [index for index, name in enumerate(ANSWERS) if is_unknown(info[name])]
    if not unknown:  # some rows lack their answers' information
        unknown = [index for index, answer in enumerate(answers) if _plain(answer) in _UNKNOWN]
    if len(unknown) != 1:
        raise BenchmarkDataError(f"{row.place} has {len(unknown)} answers that say unknown; it must be one")
    try:
        is_negative = _POLARITIES[row["question_polarity"]]
        is_ambiguous, label = _CONDITIONS[row["context_condition"]], int(row["label"])
    except (KeyError, TypeError, ValueError) as error:
        raise BenchmarkDataError(f"{row.place}: {error} is no polarity, condition or label of BBQ") from error
    if not 0 <= label < len(ANSWERS):
        raise BenchmarkDataError(f"{row.place}: label {label} is none of the three answers")
    target = stereotyped(info, answers, metadata["stereotyped_groups"])
    other = None if target is None else ({0, 1, 2} - {target, unknown[0]}).pop()
    number = f"{row['category']}:{row.fields.get('example_id', row.place)}"
    biased = target if is_negative else other
    return BiasQuestion(
        number, str(row["category"]), row["context"], row["question"], answers, label, unknown[0], biased, is_ambiguous
    )


def load(data_dir: pathlib.Path | None) -> Loaded[BiasQuestion]:
    """All questions, each once.

    Raises:
      MissingDataError: there is no data.
      BenchmarkDataError: a row is no question.
    """
    found = {}
    rows = folders.rows(data_dir, FOLDER, HUB)
    for row in rows:
        question = _question(row)
        found.setdefault((question.category, question.context, question.question, question.answers), question)
    return Loaded(list(found.values()), {"duplicates": len(rows) - len(found)})
