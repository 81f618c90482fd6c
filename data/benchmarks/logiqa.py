"""LogiQA (Liu et al. 2020) and LogiQA 2.0 (Liu et al. 2023): reading comprehension that wants logical reasoning.

Layouts: the official text file (an empty line, the answer's letter, the passage, the question, four options "A. ..."), the hub's
(context, query or question, options, correct_option or label), 2.0's (text, question, options, answer), and prompts (query,
choices, gold).
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Sequence

from data.benchmarks import documents, hub, layout, rows
from data.benchmarks.documents import Document, Task
from data.benchmarks.layout import Splits
from data.benchmarks.rows import BenchmarkDataError, Row

_MARK = re.compile(r"\(?([A-Da-d])(?:([.?)])|(?=\s))\s*")
_LINES = 7  # of a question in the official file: letter, passage, question, four options


def parse(row: Row) -> Document | None:
    """A row of any of the layouts; None where its answer is withheld."""
    if documents.is_repacked(row):
        # Such prompts end after the options.
        is_whole = str(row["query"]).rstrip().endswith((":", " is"))
        return documents.repacked(row, end="" if is_whole else "\nAnswer:")
    passage = documents.text_of(row, "context", "text", "passage")
    question = documents.text_of(row, "query", "question")
    rows.require(row, ["options"], {"options": (list, tuple)})
    label = next((row[name] for name in ("correct_option", "label", "answer") if name in row.fields), None)
    options = _without_marks([str(option).strip() for option in row["options"]], isinstance(label, str))
    gold = documents.index_of(row, label, documents.letters(len(options)))
    query = (
        f"Passage: {passage.strip()}\nQuestion: {question.strip()}\nChoices:\n{documents.lettered(options)}\nAnswer:"
    )
    return documents.choice(row, query, options, gold)


def _without_marks(options: Sequence[str], by_letter: bool) -> list[str]:
    """Options without the letters in front of them: "A.", "A)", "(A)", "A?" or "A ".

    The official files aren't tidy. Where the letters are all there but not in their order (A, C, B, D in twenty questions of
    the test split), the answer's letter means the option so marked and not the one at its place. Where translation has moved
    some letters into their sentences, the other options lose theirs.

    Args:
      options: as they stand in the file.
      by_letter: the answer is told by a letter, so that options are put into the letters' order.
    """
    marks = [_MARK.match(option) for option in options]
    letters = [mark[1].upper() if mark else "" for mark in marks]
    expected = documents.letters(len(options))
    if sorted(letters) == expected:
        bare = [option[mark.end() :] for option, mark in zip(options, marks)]
        bare = [bare[letters.index(letter)] for letter in expected] if by_letter else bare
    else:
        # A word A may begin an option that has no mark: signs are wanted, and two of them.
        is_marked = [bool(mark and mark[2]) and letter == own for mark, letter, own in zip(marks, letters, expected)]
        if sum(is_marked) < 2:
            return list(options)
        bare = [option[mark.end() :] if is_one else option for option, mark, is_one in zip(options, marks, is_marked)]
    return bare if all(bare) else list(options)


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
        if not any(_MARK.match(option) for option in options):
            raise BenchmarkDataError(f"{path}:{number}: no option begins with A, B, C, D; fetch the file again")
        fields = {"context": passage, "question": question, "options": options, "label": letter}
        table.append(Row(fields, f"{path}:{number}"))
    return table


def _object(line: str, place: str) -> Row:
    try:
        return Row(dict(json.loads(line)), place)
    except (ValueError, TypeError) as error:
        raise BenchmarkDataError(f"{place} is no JSON object ({error}); fetch the file again") from error


def _is_english(path: pathlib.PurePath) -> bool:
    """Official folders hold the Chinese originals as well."""
    return "zh" not in re.split(r"[^a-z]+", path.name.lower())


def _splits(base: pathlib.Path) -> Splits:
    texts: dict[str, list[pathlib.Path]] = {}
    for path in sorted(base.rglob("*.txt")):
        split = layout.split_of(path.relative_to(base))
        if split and _is_english(path):
            texts.setdefault(split, []).append(path)
    if not texts:
        return layout.splits_in(base, _is_english)
    return {
        split: lambda paths=paths: [row for path in paths for row in read_text(path)] for split, paths in texts.items()
    }


def tasks(data_dir: pathlib.Path | None) -> list[Task]:
    """Its one task."""
    if data_dir is None:
        splits = hub.splits("EleutherAI/logiqa", "logiqa", ("test", "validation", "train"))
    else:
        splits = _splits(layout.folder(data_dir, "logiqa", "logiqa2", "logiqa-en"))
    return [documents.task("logiqa", splits, parse, "acc_norm")]
