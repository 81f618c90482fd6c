"""The nine text benchmarks in a few rows each, in their authors' own files and as the hub has them: the same questions."""

from __future__ import annotations

import json
import pathlib


def _lines(path: pathlib.Path, rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _tsv(path: pathlib.Path, header, rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ([header] if header else []) + [list(map(str, row)) for row in rows]
    path.write_text("".join("\t".join(line) + "\n" for line in lines))


def _parquet(path: pathlib.Path, rows) -> None:
    import pyarrow
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path)


_ARC = [
    ("Which is hot?", ["ice water", "fire", "snow", "a cold stone"], "B"),
    ("Which flies?", ["a bird", "a whale", "a table", "an oak tree"], "1"),
]


def arc_official(base: pathlib.Path) -> None:
    for part in ("Easy", "Challenge"):
        rows = []
        for number, (stem, texts, key) in enumerate(_ARC):
            labels = "1234" if key.isdigit() else "ABCD"
            choices = [{"text": text, "label": label} for text, label in zip(texts, labels)]
            rows.append(
                {"id": f"{part}{number}", "question": {"stem": f"{part}: {stem}", "choices": choices}, "answerKey": key}
            )
        _lines(base / "ARC" / f"ARC-{part}" / f"ARC-{part}-Test.jsonl", rows)
        _lines(
            base / "ARC" / f"ARC-{part}" / f"ARC-{part}-Train.jsonl",
            [{**rows[0], "id": "t", "question": {**rows[0]["question"], "stem": "Which is red?"}}],
        )


def arc_hub(base: pathlib.Path) -> None:
    for part in ("Easy", "Challenge"):
        rows = []
        for number, (stem, texts, key) in enumerate(_ARC):
            labels = list("1234" if key.isdigit() else "ABCD")
            choices = {"text": texts, "label": labels}
            rows.append({"id": f"{part}{number}", "question": f"{part}: {stem}", "choices": choices, "answerKey": key})
        _parquet(base / "ai2_arc" / f"ARC-{part}" / "test-00000-of-00001.parquet", rows)
        _parquet(
            base / "ai2_arc" / f"ARC-{part}" / "train-00000-of-00001.parquet",
            [{**rows[0], "id": "t", "question": "Which is red?"}],
        )


_HELLASWAG = [
    {
        "ind": 4,
        "activity_label": "Cooking",
        "ctx_a": "[header] How to cook [title] Boil water.",
        "ctx_b": "then you",
        "ctx": "[header] How to cook [title] Boil water. then you",
        "endings": ["add the pasta.", "fly away.", "[step] sleep for a year.", "sing."],
        "label": 0,
    },
    {
        "ind": 5,
        "activity_label": "Running",
        "ctx_a": "A man ties his shoes.",
        "ctx_b": "he",
        "ctx": "A man ties his shoes. he",
        "endings": ["is a shoe.", "eats the road slowly.", "starts to run.", "melts."],
        "label": 2,
    },
]


def hellaswag_official(base: pathlib.Path) -> None:
    _lines(base / "hellaswag" / "hellaswag_val.jsonl", _HELLASWAG)
    _lines(
        base / "hellaswag" / "hellaswag_test.jsonl",
        [{k: v for k, v in row.items() if k != "label"} for row in _HELLASWAG],
    )


def hellaswag_hub(base: pathlib.Path) -> None:
    for split, withheld in (("validation", False), ("test", True)):
        rows = [{**row, "label": "" if withheld else str(row["label"])} for row in _HELLASWAG]
        _parquet(base / "hellaswag" / "data" / f"{split}-00000-of-00001.parquet", rows)


_PIQA = [
    {"goal": "To open a jar,", "sol1": "turn its lid.", "sol2": "look at it for an hour."},
    {"goal": "To dry a plate,", "sol1": "hold it under the tap.", "sol2": "use a towel."},
]


def piqa_official(base: pathlib.Path) -> None:
    _lines(base / "piqa" / "valid.jsonl", _PIQA)
    (base / "piqa" / "valid-labels.lst").write_text("0\n1\n")
    _lines(base / "piqa" / "test.jsonl", _PIQA)


def piqa_hub(base: pathlib.Path) -> None:
    _parquet(
        base / "piqa" / "validation-00000-of-00001.parquet",
        [{**row, "label": label} for row, label in zip(_PIQA, (0, 1))],
    )
    _parquet(base / "piqa" / "test-00000-of-00001.parquet", [{**row, "label": -1} for row in _PIQA])


_LOGIQA = [
    (
        "All cats are grey. Tom is a cat.",
        "What follows?",
        ["Tom is grey.", "Tom is a dog.", "Dogs are grey.", "Nothing."],
        "a",
    ),
    (
        "If it rains the street is wet. It is dry.",
        "So?",
        ["It rains.", "It snows.", "It does not rain.", "It pours down."],
        "c",
    ),
]


def logiqa_official(base: pathlib.Path) -> None:
    folder = base / "LogiQA"
    folder.mkdir()
    blocks = []
    for passage, question, options, letter in _LOGIQA:
        lines = [letter, passage, question, *(f"{mark}.{option}" for mark, option in zip("ABCD", options))]
        blocks.append("\n" + "\n".join(lines) + "\n")
    (folder / "Test.txt").write_text("".join(blocks))
    (folder / "Train.txt").write_text(blocks[0].replace("Tom", "Tim"))


def logiqa_hub(base: pathlib.Path) -> None:
    rows = [
        {"context": passage, "query": question, "options": options, "correct_option": "abcd".index(letter)}
        for passage, question, options, letter in _LOGIQA
    ]
    _parquet(base / "logiqa" / "test.parquet", rows)


_MMLU = {
    subject: [
        (f"{subject}: one and {number}?", [f"{number}", f"{number + 1}", "ten", "a very long number"], 1)
        for number in range(1, 4)
    ]
    for subject in ("abstract_algebra", "high_school_statistics", "anatomy")
}
_SHOWN = [(f"shown {number}", ["a", "b", "c", "d"], number % 4) for number in range(5)]


def mmlu_official(base: pathlib.Path) -> None:
    import csv

    for subject, questions in _MMLU.items():
        for split, rows in (("test", questions), ("dev", _SHOWN)):
            path = base / "mmlu" / split / f"{subject}_{split}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([question, *choices, "ABCD"[gold]] for question, choices, gold in rows)


def mmlu_hub(base: pathlib.Path) -> None:
    def row(subject, question):
        return {"question": question[0], "subject": subject, "choices": question[1], "answer": question[2]}

    for split in ("test", "dev"):
        everything = [
            row(s, question)
            for s, questions in _MMLU.items()
            for question in (questions if split == "test" else _SHOWN)
        ]
        _parquet(base / "mmlu" / "all" / f"{split}-00000-of-00001.parquet", everything)
        for subject in _MMLU:
            own = [one for one in everything if one["subject"] == subject]
            _parquet(base / "mmlu" / subject / f"{split}-00000-of-00001.parquet", own)


def bigbench_official(base: pathlib.Path) -> None:
    folder = base / "bigbench"
    choice = {
        "name": "colours",
        "task_prefix": "Name colours.",
        "examples": [
            {"input": "The sky is", "target_scores": {"blue": 1, "green": 0, "loud": 0}},
            {"input": "Grass is", "target_scores": {"blue": 0, "green": 1, "a sort of green": 0.5}},
        ],
    }
    text = {"examples": [{"input": "1+1", "target": ["2", "two"]}, {"input": "2+2", "target": "4"}]}
    for path, value in (
        (folder / "colours" / "task.json", choice),
        (folder / "sums" / "small" / "task.json", text),
        (
            folder / "bbh" / "boolean_expressions.json",
            {"canary": "x", "examples": [{"input": "not True is", "target": "False"}]},
        ),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(value))
    _lines(folder / "bigbench_misconceptions.jsonl", [{"query": "Is water dry?\nA:", "choices": ["T", "F"], "gold": 1}])
    _lines(folder / "bigbench_operators.jsonl", [{"context": "op 3 =", "continuation": "6"}])


def bigbench_hub(base: pathlib.Path) -> None:
    folder = base / "bigbench"
    _parquet(
        folder / "bbh" / "boolean_expressions" / "test-00000-of-00001.parquet",
        [{"input": "not True is", "target": "False"}],
    )
    rows = [
        {
            "idx": 0,
            "inputs": "Name colours.\nQ: The sky is\n  choice: blue\n  choice: green\n  choice: loud\nA: ",
            "targets": ["blue"],
            "multiple_choice_targets": ["blue", "green", "loud"],
            "multiple_choice_scores": [1, 0, 0],
        }
    ]
    _parquet(folder / "colours" / "validation-00000-of-00001.parquet", rows)


_ENTAILMENT = ("entailment", "not_entailment")
# name -> hub's columns, its rows, and for the official .tsv: folder, header, and a function of a row.
_GLUE = {
    "cola": (("sentence", "label"), [("He runs.", 1), ('Runs he " the.', 0), ("She sang.", 1)]),
    "sst2": (("sentence", "label"), [("a joy", 1), ("a bore", 0)]),
    "mrpc": (("sentence1", "sentence2", "label"), [("A b c.", "C b a.", 1), ("A b c.", "No.", 0), ("X.", "X!", 1)]),
    "stsb": (
        ("sentence1", "sentence2", "label"),
        [("A man.", "A man.", 5.0), ("A man.", "A dog.", 1.0), ("A.", "B.", 0.0)],
    ),
    "qqp": (("question1", "question2", "label"), [("Why?", "Why so?", 1), ("Who?", "Where?", 0)]),
    "qnli": (("question", "sentence", "label"), [("Who ran?", "Tim ran.", 0), ("Who ran?", "It rained.", 1)]),
    "rte": (("sentence1", "sentence2", "label"), [("Tim ran.", "Tim moved.", 0), ("Tim ran.", "Tim sat.", 1)]),
    "wnli": (("sentence1", "sentence2", "label"), [("It fits.", "The box fits.", 1), ("It fits.", "It is red.", 0)]),
    "mnli_matched": (
        ("premise", "hypothesis", "label"),
        [("A ran.", "A moved", 0), ("A ran.", "B ran.", 1), ("A ran.", "A sat.", 2)],
    ),
    "mnli_mismatched": (("premise", "hypothesis", "label"), [("C ran.", "C moved", 0), ("C ran.", "C sat.", 2)]),
}


def glue_official(base: pathlib.Path) -> None:
    glue = base / "GLUE"
    rows = {name: rows for name, (_, rows) in _GLUE.items()}
    _tsv(glue / "CoLA" / "dev.tsv", None, [("gj04", label, "" if label else "*", text) for text, label in rows["cola"]])
    _tsv(glue / "CoLA" / "test.tsv", ["index", "sentence"], [(0, "He.")])
    _tsv(glue / "SST-2" / "dev.tsv", ["sentence", "label"], rows["sst2"])
    header = ["\ufeffQuality", "#1 ID", "#2 ID", "#1 String", "#2 String"]
    _tsv(glue / "MRPC" / "dev.tsv", header, [(label, 1, 2, one, two) for one, two, label in rows["mrpc"]])
    header = [
        "index",
        "genre",
        "filename",
        "year",
        "old_index",
        "source1",
        "source2",
        "sentence1",
        "sentence2",
        "score",
    ]
    filler = ("news", "f", "2012", "1", "none", "none")
    _tsv(glue / "STS-B" / "dev.tsv", header, [(i, *filler, *row) for i, row in enumerate(rows["stsb"])])
    header = ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"]
    _tsv(glue / "QQP" / "dev.tsv", header, [(i, 1, 2, *row) for i, row in enumerate(rows["qqp"])])
    for folder, name, names in (
        ("QNLI", "qnli", _ENTAILMENT),
        ("RTE", "rte", _ENTAILMENT),
        ("WNLI", "wnli", ("0", "1")),
    ):
        header = ["index", *_GLUE[name][0]]
        _tsv(
            glue / folder / "dev.tsv",
            header,
            [(i, one, two, names[label]) for i, (one, two, label) in enumerate(rows[name])],
        )
    names = ("entailment", "neutral", "contradiction")
    for half in ("matched", "mismatched"):
        header = ["index", "promptID", "sentence1", "sentence2", "label1", "gold_label"]
        table = [
            (i, 7, one, two, names[label], names[label]) for i, (one, two, label) in enumerate(rows[f"mnli_{half}"])
        ]
        _tsv(glue / "MNLI" / f"dev_{half}.tsv", header, table)


def glue_hub(base: pathlib.Path) -> None:
    for name, (columns, rows) in _GLUE.items():
        table = [dict(zip(columns, row), idx=index) for index, row in enumerate(rows)]
        folder, half = ("mnli", name.removeprefix("mnli")) if name.startswith("mnli") else (name, "")
        _parquet(base / "glue" / folder / f"validation{half}-00000-of-00001.parquet", table)
        _parquet(base / "glue" / folder / f"test{half}-00000-of-00001.parquet", [{**row, "label": -1} for row in table])


_PASSAGE = "Paris hosted Bob.\n@highlight\nBob won in Paris\n@highlight\nAnn lost"


def superglue_official(base: pathlib.Path) -> None:
    folder = base / "SuperGLUE"
    _lines(
        folder / "BoolQ" / "val.jsonl",
        [{"passage": "Ice is cold.", "question": "is ice cold", "idx": 0, "label": True}],
    )
    _lines(
        folder / "CB" / "val.jsonl",
        [
            {"premise": "A ran.", "hypothesis": "A moved", "idx": 0, "label": "entailment"},
            {"premise": "A ran.", "hypothesis": "A sat", "idx": 1, "label": "contradiction"},
            {"premise": "A ran.", "hypothesis": "B ran", "idx": 2, "label": "neutral"},
        ],
    )
    _lines(
        folder / "COPA" / "val.jsonl",
        [
            {
                "premise": "It rained.",
                "choice1": "I got wet.",
                "choice2": "I flew.",
                "question": "effect",
                "label": 0,
                "idx": 0,
            }
        ],
    )
    answers = [{"text": "Bob", "idx": 0, "label": 1}, {"text": "Ann", "idx": 1, "label": 0}]
    question = {"question": "Who won?", "answers": answers, "idx": 0}
    other = {"question": "Who lost?", "answers": [{"text": "Ann", "idx": 2, "label": 1}], "idx": 1}
    _lines(
        folder / "MultiRC" / "val.jsonl",
        [{"passage": {"text": "Bob won, Ann lost.", "questions": [question, other]}, "idx": 0}],
    )
    spans = [
        {"start": 0, "end": 4},
        {"start": 13, "end": 15},
        {"start": _PASSAGE.index("Ann"), "end": _PASSAGE.index("Ann") + 2},
    ]
    query = {"query": "Then @placeholder left", "answers": [{"start": 13, "end": 15, "text": "Bob"}], "idx": 0}
    _lines(
        folder / "ReCoRD" / "val.jsonl",
        [{"source": "x", "passage": {"text": _PASSAGE, "entities": spans}, "qas": [query], "idx": 0}],
    )
    _lines(
        folder / "RTE" / "val.jsonl",
        [{"premise": "A ran.", "hypothesis": "A sat.", "label": "not_entailment", "idx": 0}],
    )
    _lines(
        folder / "WiC" / "val.jsonl",
        [
            {
                "word": "run",
                "sentence1": "He runs.",
                "sentence2": "A run.",
                "start1": 3,
                "end1": 7,
                "start2": 2,
                "end2": 5,
                "label": False,
                "idx": 0,
            }
        ],
    )
    target = {"span1_index": 0, "span1_text": "Tim", "span2_index": 3, "span2_text": "he"}
    _lines(
        folder / "WSC" / "val.jsonl",
        [{"text": "Tim sang because he could .", "target": target, "label": True, "idx": 0}],
    )
    _lines(folder / "WSC" / "test.jsonl", [{"text": "Tim sang because he could .", "target": target, "idx": 0}])


def superglue_hub(base: pathlib.Path) -> None:
    folder, name = base / "super_glue", "validation-00000-of-00001.parquet"
    _parquet(folder / "boolq" / name, [{"question": "is ice cold", "passage": "Ice is cold.", "idx": 0, "label": 1}])
    pairs = [("A moved", 0), ("A sat", 1), ("B ran", 2)]
    _parquet(folder / "cb" / name, [{"premise": "A ran.", "hypothesis": text, "label": label} for text, label in pairs])
    _parquet(
        folder / "copa" / name,
        [{"premise": "It rained.", "choice1": "I got wet.", "choice2": "I flew.", "question": "effect", "label": 0}],
    )
    asked = [("Who won?", "Bob", 1, 0), ("Who won?", "Ann", 0, 0), ("Who lost?", "Ann", 1, 1)]
    _parquet(
        folder / "multirc" / name,
        [
            {
                "paragraph": "Bob won, Ann lost.",
                "question": q,
                "answer": a,
                "idx": {"paragraph": 0, "question": group, "answer": 0},
                "label": label,
            }
            for q, a, label, group in asked
        ],
    )
    _parquet(
        folder / "record" / name,
        [
            {
                "passage": _PASSAGE,
                "query": "Then @placeholder left",
                "entities": ["Paris", "Bob", "Ann"],
                "answers": ["Bob"],
            }
        ],
    )
    _parquet(folder / "rte" / name, [{"premise": "A ran.", "hypothesis": "A sat.", "label": 1}])
    _parquet(
        folder / "wic" / name,
        [
            {
                "word": "run",
                "sentence1": "He runs.",
                "sentence2": "A run.",
                "start1": 3,
                "end1": 7,
                "start2": 2,
                "end2": 5,
                "label": 0,
            }
        ],
    )
    _parquet(
        folder / "wsc.fixed" / name,
        [
            {
                "text": "Tim sang because he could .",
                "span1_index": 0,
                "span1_text": "Tim",
                "span2_index": 3,
                "span2_text": "he",
                "label": 1,
            }
        ],
    )


NAMES = ("arc", "hellaswag", "piqa", "logiqa", "mmlu", "bigbench", "glue", "superglue")


def write(base: pathlib.Path, layout: str, *names: str) -> pathlib.Path:
    """Writes benchmarks into a folder in a layout, "official" or "hub"; all of NAMES where none is named."""
    base.mkdir(parents=True, exist_ok=True)
    for name in names or NAMES:
        globals()[f"{name}_{layout}"](base)
    return base
