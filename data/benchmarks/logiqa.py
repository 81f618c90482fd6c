"""LogiQA (Liu et al. 2020) and LogiQA 2.0 (Liu et al. 2023): reading comprehension that wants logical reasoning.

Layouts: the official text file (an empty line, the answer's letter, the passage, the question, four options "A. ..."), the hub's
(context, query or question, options, correct_option or label), 2.0's (text, question, options, answer), and prompts (query,
choices, gold).
"""

from __future__ import annotations

import json
import pathlib
import re

from data.benchmarks import documents, hub, rows
from data.benchmarks.documents import Document, Splits, Task
from data.benchmarks.rows import BenchmarkDataError, Row

_LINES = 7  # of a question in the official file: letter, passage, question, four options
_LETTER = re.compile(r"^\s*[A-Da-d]\s*[.)]\s*")


def parse(row: Row) -> Document | None:
    """A row of any of the layouts; None where its answer is withheld."""
    if documents.is_repacked(row):
        return documents.repacked(row, end="\nAnswer:")
    passage = documents.text_of(row, "context", "text")
    question = documents.text_of(row, "query", "question")
    rows.require(row, ["options"], {"options": (list, tuple)})
    options = [_LETTER.sub("", str(option)).strip() for option in row["options"]]
    label = next((row[name] for name in ("correct_option", "label", "answer") if name in row.fields), None)
    gold = documents.index_of(row, label, documents.letters(len(options)))
    query = f"Passage: {passage.strip()}\nQuestion: {question.strip()}\nChoices:\n{documents.lettered(options)}\nAnswer:"
    return documents.choice(row, query, options, gold)


def read_text(path: pathlib.Path) -> list[Row]:
    """Rows of an official text file: blocks of lines, or in 2.0 one JSON object a line.

    Raises:
      BenchmarkDataError: a question isn't whole.
    """
    try:
        lines = [(number, line.strip()) for number, line in enumerate(path.read_text("utf-8-sig").split("\n"), 1)]
    except (OSError, UnicodeDecodeError) as error:
        raise BenchmarkDataError(f"{path} can't be read: {error}; fetch it again") from error
    lines = [(number, line) for number, line in lines if line]
    if lines and lines[0][1].startswith("{"):
        return [_object(line, f"{path}:{number}") for number, line in lines]
    if not lines or len(lines) % _LINES:
        raise BenchmarkDataError(f"{path} has {len(lines)} lines with text, no multiple of {_LINES}; fetch it again")
    table = []
    for start in range(0, len(lines), _LINES):
        number = lines[start][0]
        letter, passage, question, *options = (line for _, line in lines[start : start + _LINES])
        if letter.lower() not in ("a", "b", "c", "d"):
            raise BenchmarkDataError(f"{path}:{number}: {letter!r:.40} is no answer's letter; fetch the file again")
        if not all(_LETTER.match(option) for option in options):
            raise BenchmarkDataError(f"{path}:{number}: the four options don't begin with A., B., C., D.")
        fields = {"context": passage, "question": question, "options": options, "label": letter}
        table.append(Row(fields, f"{path}:{number}"))
    return table


def _object(line: str, place: str) -> Row:
    try:
        return Row(dict(json.loads(line)), place)
    except (ValueError, TypeError) as error:
        raise BenchmarkDataError(f"{place} is no JSON object ({error}); fetch the file again") from error


def _splits(base: pathlib.Path) -> Splits:
    texts: dict[str, list[pathlib.Path]] = {}
    for path in sorted(base.rglob("*.txt")):
        split = documents.split_of(path.relative_to(base))
        # The official repository holds the Chinese original beside it.
        if split and not path.name.lower().startswith("zh"):
            texts.setdefault(split, []).append(path)
    if not texts:
        return documents.splits_in(base, lambda path: not path.name.lower().startswith("zh"))
    return {split: lambda paths=paths: [row for path in paths for row in read_text(path)] for split, paths in texts.items()}


def tasks(data_dir: pathlib.Path | None) -> list[Task]:
    """Its one task."""
    if data_dir is None:
        splits = hub.splits("EleutherAI/logiqa", "logiqa", ("test", "validation", "train"))
    else:
        splits = _splits(documents.folder(data_dir, "logiqa", "logiqa2"))
    return [documents.task("logiqa", splits, parse, "acc_norm")]
