"""MultiRC and ReCoRD: SuperGLUE's tasks in whose official files one row holds several questions.

Their rows are first brought into the hub's form, one question a row.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from data.benchmarks import documents, rows
from data.benchmarks.documents import Document
from data.benchmarks.rows import BenchmarkDataError, Row


def read_multirc(path: pathlib.Path) -> list[Row]:
    """One row a (question, answer)."""
    return [flat for row in rows.read(path) for flat in _flat_multirc(row)]


def _flat_multirc(row: Row) -> Iterator[Row]:
    passage = row.fields.get("passage")
    if not isinstance(passage, dict):
        yield row
        return
    _require(row, passage, "passage", ("text", "questions"))
    for q_index, question in enumerate(passage["questions"]):
        _require(row, question, f"question {q_index}", ("question", "answers"))
        for answer in question["answers"]:
            _require(row, answer, f"an answer to question {q_index}", ("text",))
            fields = {
                "paragraph": passage["text"],
                "question": question["question"],
                "answer": answer["text"],
                "label": answer.get("label"),
                "idx": {"paragraph": row.fields.get("idx", row.place), "question": question.get("idx", q_index)},
            }
            yield Row(fields, row.place)


def multirc(row: Row) -> Document | None:
    """Whether an answer to a question about a paragraph is right; `group` is the question that it belongs to.

    lm-eval 0.4.13's own form of the task has yes for label 0 and so counts wrong answers as right ones; here label 1 is yes.
    """
    if documents.is_repacked(row):
        document = documents.repacked(row)
        return document if document is None else document | {"group": row.fields.get("group", row["query"])}
    answer, question = documents.text_of(row, "answer"), documents.text_of(row, "question")
    paragraph = documents.text_of(row, "paragraph")
    index = row.fields.get("idx")
    group = f"{index['paragraph']}/{index['question']}" if isinstance(index, dict) else f"{paragraph}\n{question}"
    choices = [f"{answer.strip()}\nIs the answer correct? {word}" for word in ("no", "yes")]
    label = documents.index_of(row, row.fields.get("label"), ("false", "true"))
    return documents.choice(row, f"{paragraph}\nQuestion: {question}\nAnswer:", choices, label, group=group)


def read_record(path: pathlib.Path) -> list[Row]:
    """One row a query."""
    return [flat for row in rows.read(path) for flat in _flat_record(row)]


def _flat_record(row: Row) -> Iterator[Row]:
    passage = row.fields.get("passage")
    if not isinstance(passage, dict):
        yield row
        return
    _require(row, passage, "passage", ("text", "entities"))
    rows.require(row, ["qas"], {"qas": list})
    text = passage["text"]
    for index, query in enumerate(row["qas"]):
        _require(row, query, f"query {index}", ("query",))
        # A span's end is its last character, not the one after it.
        yield Row(
            {
                "passage": text,
                "query": query["query"],
                "entities": [text[span["start"] : span["end"] + 1] for span in passage["entities"]],
                "answers": [answer["text"] for answer in query.get("answers", [])],
            },
            row.place,
        )


def record(row: Row) -> Document | None:
    """Which of a passage's entities a query's gap is; None where the answers are withheld.

    The document has `entities` and `answers_given`, by which launch.evaluation credits each choice.
    """
    passage, query = documents.text_of(row, "passage"), documents.text_of(row, "query")
    rows.require(row, ["entities", "answers"], {"entities": (list, tuple), "answers": (list, tuple)})
    entities, answers = sorted(set(row["entities"])), sorted(set(row["answers"]))
    if not answers:
        return None
    first, *highlights = passage.strip().split("\n@highlight\n")
    text = f"{first}\n\n" + "".join(f"  - {highlight}.\n" for highlight in highlights)
    choices = [f"- {query}".replace("@placeholder", entity) for entity in entities]
    gold = next((index for index, entity in enumerate(entities) if entity in answers), 0)
    more = {"entities": entities, "answers_given": answers}
    # Two spaces lead the line in the published form; one of them is the space in front of every choice.
    return documents.choice(row, text, choices, gold, **more)


def _require(row: Row, value: object, what: str, names: tuple[str, ...]) -> None:
    lacking = [name for name in names if not isinstance(value, dict) or name not in value]
    if lacking:
        raise BenchmarkDataError(f"{row.place}: {what} has no {', '.join(lacking)}; is it the official file?")
