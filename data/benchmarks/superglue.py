"""SuperGLUE's eight tasks (Wang et al. 2019) as questions with labels, or texts, for answers.

Layouts: the official folders of val.jsonl (BoolQ, CB, COPA, MultiRC, ReCoRD, RTE, WiC, WSC), the hub's tables, and prompts (query,
choices, gold). The test splits' labels are withheld, so that the validation split is scored.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable

from data.benchmarks import documents, hub, layout, rows
from data.benchmarks.documents import Document, Parse, Task
from data.benchmarks.layout import Splits
from data.benchmarks.rows import BenchmarkDataError, MissingDataError, Row
from data.benchmarks.superglue_reading import multirc, read_multirc, read_record, record

_NO_YES = ("no", "yes")
_FALSE_TRUE = ("false", "true")


def boolq(row: Row) -> Document | None:
    """Whether the answer to a question about a passage is yes."""
    if documents.is_repacked(row):
        return documents.repacked(row, end="\nAnswer:", start="Passage: ")
    question = documents.text_of(row, "question").strip().removesuffix("?")
    label = row.fields.get("label", row.fields.get("answer"))
    query = f"{documents.text_of(row, 'passage')}\nQuestion: {question}?\nAnswer:"
    return documents.choice(row, query, _NO_YES, documents.index_of(row, label, _FALSE_TRUE))


def cb(row: Row) -> Document | None:
    """Whether a premise commits its writer to a hypothesis."""
    if documents.is_repacked(row):
        return documents.repacked(row, end="\nAnswer:")
    query = (
        f"{documents.text_of(row, 'premise')}\nQuestion: {documents.text_of(row, 'hypothesis').strip()}. "
        "True, False, or Neither?\nAnswer:"
    )
    label = documents.index_of(row, row.fields.get("label"), ("entailment", "contradiction", "neutral"))
    return documents.choice(row, query, ("True", "False", "Neither"), label)


def copa(row: Row) -> Document | None:
    """Which of two is the cause or the effect of a premise."""
    if documents.is_repacked(row):
        return documents.repacked(row)
    words = {"cause": "because", "effect": "therefore"}
    if documents.text_of(row, "question") not in words:
        raise BenchmarkDataError(f"{row.place}: question {row['question']!r:.40} is neither cause nor effect")
    query = f"{documents.text_of(row, 'premise').strip().removesuffix('.')} {words[row['question']]}"
    choices = [documents.text_of(row, column).strip() for column in ("choice1", "choice2")]
    label = documents.index_of(row, row.fields.get("label"), ("0", "1"))
    return documents.choice(row, query, [text[:1].lower() + text[1:] for text in choices], label)


def rte(row: Row) -> Document | None:
    """Whether a premise entails a hypothesis."""
    if documents.is_repacked(row):
        return documents.repacked(row, end="\nAnswer:")
    query = (
        f"{documents.text_of(row, 'premise')}\nQuestion: {documents.text_of(row, 'hypothesis').strip()} "
        "True or False?\nAnswer:"
    )
    label = documents.index_of(row, row.fields.get("label"), ("entailment", "not_entailment"))
    return documents.choice(row, query, ("True", "False"), label)


def wic(row: Row) -> Document | None:
    """Whether a word means the same in two sentences."""
    if documents.is_repacked(row):
        return documents.repacked(row, end="\nAnswer:")
    first, second = documents.text_of(row, "sentence1"), documents.text_of(row, "sentence2")
    start, end = row.fields.get("start1"), row.fields.get("end1")
    # The word as it stands in the first sentence, whatever its inflection.
    as_written = isinstance(start, int) and isinstance(end, int) and first[start:end].strip()
    word = first[start:end] if as_written else documents.text_of(row, "word")
    query = (
        f"Sentence 1: {first}\nSentence 2: {second}\nQuestion: Is the word '{word}' used in the same way in the two "
        "sentences above?\nAnswer:"
    )
    return documents.choice(row, query, _NO_YES, documents.index_of(row, row.fields.get("label"), _FALSE_TRUE))


def _detokenized(text: str) -> str:
    """Text without the spaces that a tokenizer of words has put around signs, as lm-eval joins it."""
    text = text.replace(" n't", "n't").replace(" )", ")").replace("( ", "(").replace('" ', '"').replace(' "', '"')
    return re.sub(r" (?=['.,])", "", text)


def wsc(row: Row) -> Document | None:
    """Whether a pronoun refers to a noun."""
    if documents.is_repacked(row):
        return documents.repacked(row, end="\nAnswer:")
    spans = row.fields.get("target", row.fields)
    lacking = [name for name in ("span1_text", "span2_text", "span2_index") if name not in spans]
    if lacking:
        raise BenchmarkDataError(f"{row.place} has no {', '.join(lacking)}; were columns renamed?")
    text, pronoun, place = documents.text_of(row, "text"), str(spans["span2_text"]), int(spans["span2_index"])
    # Places are counted in words, not characters.
    before = " ".join(text.split()[:place])
    passage = _detokenized(f"{before} *{pronoun}*{text[len(before) + len(pronoun) + 1 :]}".strip())
    query = (
        f'Passage: {passage}\nQuestion: In the passage above, does the pronoun "*{pronoun}*" refer to '
        f'"*{spans["span1_text"]}*"?\nAnswer:'
    )
    return documents.choice(row, query, _NO_YES, documents.index_of(row, row.fields.get("label"), _FALSE_TRUE))


KINDS: dict[str, tuple[str, Parse, Callable[[pathlib.Path], list[Row]]]] = {
    "boolq": ("acc", boolq, rows.read),
    "cb": ("acc_and_macro_f1", cb, rows.read),
    "copa": ("acc", copa, rows.read),
    "multirc": ("multirc", multirc, read_multirc),
    "record": ("record", record, read_record),
    "rte": ("acc", rte, rows.read),
    "wic": ("acc", wic, rows.read),
    "wsc": ("acc", wsc, rows.read),
}
# Folders beside `superglue` that hold one of its tasks; `rte` alone would be GLUE's as well.
_BESIDE = tuple(name for name in KINDS if name != "rte")


def tasks(data_dir: pathlib.Path | None) -> tuple[list[Task], list[str]]:
    """The tasks that are there, and the names of the missing ones.

    Raises:
      MissingDataError: none is there.
    """
    found, missing = [], []
    for name, (metric, parse, read) in KINDS.items():
        try:
            if data_dir is None:
                config = "wsc.fixed" if name == "wsc" else name
                splits = hub.splits("aps/super_glue", config, ("validation", "train"))
            else:
                splits = _splits(data_dir, name, read)
            found.append(documents.task(name, splits, parse, metric, order=("validation", "dev", "test", "")))
        except MissingDataError:
            if data_dir is None:
                raise
            missing.append(name)
    if not found:
        raise MissingDataError(f"{data_dir} holds none of superglue/{{{','.join(KINDS)}}}; put a folder of each there")
    return found, missing


def _splits(data_dir: pathlib.Path, name: str, read: Callable[[pathlib.Path], list[Row]]) -> Splits:
    names = ("wsc", "wsc.fixed") if name == "wsc" else (name,)
    try:
        return layout.splits_of(layout.folder(data_dir, "superglue"), *names, read=read)
    except MissingDataError:
        if name not in _BESIDE:
            raise
        return layout.splits_in(layout.folder(data_dir, *names), read=read)
