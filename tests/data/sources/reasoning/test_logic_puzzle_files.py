"""Puzzles from files: LogiQA and bAbI text, BIG-bench tasks, rows of many layouts."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.reasoning import puzzle_text, puzzles, question_rows

LOGIQA = (
    "\nc\nAll birds fly.\nPingu is a bird.\nWhat follows?\nA.Pingu swims.\nB.Nothing.\nC.Pingu flies.\nD.Pingu sings.\n"
    "\nA\nIt rains.\nIs it wet?\nA. Yes\nB. No\nC. Perhaps\nD. Never\n"
)
BABI = (
    "1 Mary moved to the bathroom.\n2 John went to the hallway.\n3 Where is Mary? \tbathroom\t1\n"
    "4 Daniel went back to the hallway.\n5 Where is Daniel? \thallway\t4\n"
    "1 A story ends here.\n1 Sandra left.\n2 Who left?\tSandra\t1\n"
)


def text_items(make_input, text, name="a.txt"):
    return list(puzzle_text.read(make_input(name, text if isinstance(text, bytes) else text.encode())))


def row_items(make_input, rows, name="a.jsonl"):
    return list(puzzles.read(make_input(name, "".join(json.dumps(row) + "\n" for row in rows).encode())))


def test_logiqa_text(make_input):
    first, second = text_items(make_input, LOGIQA)
    assert first.text == (
        "All birds fly.\nPingu is a bird.\n\nWhat follows?\nA. Pingu swims.\nB. Nothing.\nC. Pingu flies.\nD."
        " Pingu sings.\n"
        "Answer: C. Pingu flies."
    )
    assert first.meta == {
        "answer": "Pingu flies.",
        "answer_index": 2,
        "options": ["Pingu swims.", "Nothing.", "Pingu flies.", "Pingu sings."],
    }
    assert first.source == "logic_puzzles:a.txt#puzzle0"
    assert second.meta["answer"] == "Yes"


def test_broken_logiqa_blocks_cost_themselves(make_input):
    broken = "\nd\nContext only.\nQuestion?\nA. x\nB. y\n"
    items = text_items(make_input, LOGIQA + broken + LOGIQA.replace("\r", "") + "\nb\nlonely\n")
    assert [type(item) for item in items] == [Document, Document, Quarantined, Document, Document, Quarantined]
    assert items[2].reason == "malformed" and "none of the options AB" in items[2].evidence
    assert items[2].offset == len(LOGIQA) + 1


def test_babi_text(make_input):
    first, second, third = text_items(make_input, BABI)
    assert first.text == (
        "Mary moved to the bathroom.\nJohn went to the hallway.\nQuestion: Where is Mary?\nAnswer: bathroom\n"
        "Daniel went back to the hallway.\nQuestion: Where is Daniel?\nAnswer: hallway"
    )
    assert first.meta["answer"] == "bathroom\nhallway"
    assert first.meta["questions"][1] == {"question": "Where is Daniel?", "answer": "hallway", "supports": [4]}
    assert isinstance(second, Skipped) and second.reason == "no_question"
    assert third.meta["answer"] == "Sandra"


def test_babi_lines_out_of_order(make_input):
    bad, good = text_items(make_input, "1 A.\n3 B?\tx\t1\n" + "1 A.\n2 B?\tx\t1\n")
    assert bad.reason == "malformed" and good.meta["answer"] == "x"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"Just some prose.\nNothing else.\n", "unknown_layout"),
        (b"\x00\x01\x02", "unknown_layout"),
        (b"1 A.\n2 \xff\xfe?\tx\t1\n", "undecodable"),
        (b"1 " + b"a" * (2 << 20), "too_long"),
    ],
)
def test_hostile_text(make_input, data, reason):
    (item,) = text_items(make_input, data)
    assert item.reason == reason


def test_big_bench_hard(make_input):
    task = {
        "canary": "canary GUID 1",
        "examples": [{"input": "not True is", "target": "False"}, {"input": "Q: 1\nA:", "target": "-1"}, 7],
    }
    first, second, third = puzzles.read(make_input("t.json", json.dumps(task).encode()))
    assert first.text == "not True is\nAnswer: False" and first.source == "logic_puzzles:t.json#0"
    assert first.meta == {"answer": "False", "canary": "canary GUID 1"}
    assert second.text == "Q: 1\nA: -1"
    assert isinstance(third, Quarantined) and third.reason == "unknown_layout" and third.offset == 2


def test_big_bench_scores(make_input):
    task = {
        "name": "birds",
        "canary": "c",
        "task_prefix": "Choose.",
        "examples": [
            {"input": "Which flies?", "target_scores": {"stone": 0, "owl": 1}},
            {"input": "Which?\n(A) stone\n(B) owl", "target_scores": {"stone": 0, "owl": 1}},
            {"input": "Which?", "target_scores": {"a": 0, "b": 0}},
            {"input": "Say it", "target": ["yes", "aye"]},
        ],
    }
    first, second, third, fourth = puzzles.read(make_input("task.json", json.dumps(task).encode()))
    assert first.text == "Choose.\n\nWhich flies?\nA. stone\nB. owl\nAnswer: B. owl" and first.meta["task"] == "birds"
    assert second.text.endswith("(B) owl\nAnswer: owl")
    assert third.reason == "no_answer"
    assert fourth.meta["answer"] == "yes" and fourth.meta["accepted"] == ["aye"]


ANSWERED = "C\n\nQ\nA. x\nB. y\nAnswer: B. y"


@pytest.mark.parametrize(
    "row",
    [
        {
            "id": 7,
            "answer": 1,
            "text": "C",
            "question": "Q",
            "options": ["x", "y"],
            "type": {"Categorical": True, "Other": False},
        },
        {"context": "C", "query": "Q", "options": ["x", "y"], "correct_option": 1},
        {"context": "C", "question": "Q", "answers": ["x", "y"], "label": 1, "id_string": "train_0"},
        {"passage": "C", "question": "Q", "options": ["(A) x", "(B) y"], "answer": "B"},
        {"context": "C", "question": "Q", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"},
        {"context": "C", "question": "Q", "options": {"A": "x", "B": "y"}, "answer": "B"},
        {"context": "C", "question": "Q", "options": "['x', 'y']", "correct_option": "1"},
        {"context": "C", "question": "Q", "options": ["x", "y"], "answer": "(B)"},
        {"context": "C", "question": "Q", "options": ["x", "y"], "answer": "B. y"},
        {"context": "C", "query": "Q", "choices": ["x", "y"], "gold": 1.0},
    ],
)
def test_rows_of_many_layouts(make_input, row):
    (item,) = row_items(make_input, [row])
    assert item.text == ANSWERED and item.meta["answer"] == "y" and item.meta["answer_index"] == 1


def test_rows_without_options(make_input):
    rows = [
        {"context": "2 + 2 =", "continuation": "4"},
        {"premises": ["All x are y.", "z is x."], "conclusion": "z is y.", "label": "True"},
        {
            "context": "Cats purr.",
            "questions": [{"id": "q1", "text": "Do cats purr?", "label": True}, {"text": "Dogs?", "label": False}],
        },
        {"label": "entailed", "major_premise": ["All x are y."], "minor_premise": ["z is x."], "conclusion": "z is y."},
        {"question": "2*3?", "rationale": "Two threes.", "answer": "6"},
    ]
    found = row_items(make_input, rows)
    assert [item.text for item in found] == [
        "2 + 2 =\nAnswer: 4",
        "All x are y.\nz is x.\n\nDoes this follow? z is y.\nAnswer: True",
        "Cats purr.\n\nDo cats purr?\nAnswer: True",
        "Cats purr.\n\nDogs?\nAnswer: False",
        "All x are y.\nz is x.\n\nDoes this follow? z is y.\nAnswer: entailed",
        "2*3?\nReasoning: Two threes.\nAnswer: 6",
    ]
    assert len({item.source for item in found}) == 6


def test_rows_that_are_no_puzzle(make_input):
    rows = [
        {"question": "Q", "options": ["x", "y"], "answer": 5},
        {"question": "Q", "options": ["x", "y"], "label": -1},
        {"question": "Q", "options": ["x", "y"]},
        {"colour": "red"},
        [1, 2],
        {"question": "Q", "options": 3, "answer": 1},
        {"question": "\ud800 Q", "answer": "a\u0000b"},
    ]
    items = row_items(make_input, rows)
    reasons = ["malformed", "no_answer", "no_answer", "unknown_layout", "unknown_layout", "malformed"]
    assert [item.reason for item in items[:-1]] == reasons
    assert items[-1].text == "Q\nAnswer: ab".replace("Q", items[-1].text.split("\n")[0])
    items[-1].text.encode("utf-8")


def test_tables(make_input, tmp_path):
    (item,) = puzzles.read(make_input("a.csv", b"context,query,options,correct_option\nC,Q,\"['x', 'y']\",1\n"))
    assert item.text == ANSWERED
    file = make_input("a.parquet")
    pq.write_table(
        pa.table({"context": ["C"], "query": ["Q"], "options": [["x", "y"]], "correct_option": [1]}), file.url
    )
    (item,) = puzzles.read(InputFile(file.url, file.root, 1))
    assert item.text == ANSWERED and item.source == "logic_puzzles:a.parquet#0"


def test_ranges_cover_a_file_once(make_input):
    data = b"".join(json.dumps({"question": f"Q{n}", "answer": str(n)}).encode() + b"\n" for n in range(20))
    file = make_input("a.jsonl", data)
    whole = [item.source for item in puzzles.read(file)]
    parts = [
        item.source
        for start in range(0, len(data), 50)
        for item in puzzles.read(file, start, min(start + 50, len(data)))
    ]
    assert parts == whole and len(whole) == 20


def test_long_lists_of_marks_are_read_in_no_time():
    text = "- \n" * 200_000
    puzzle = next(question_rows.puzzles({"question": text + "x", "options": ["a" * 50, "b"], "answer": 1}))
    assert puzzle.index == 1


def test_samples(samples, input_files):
    found = {file.name: list(puzzles.read(file)) for file in input_files(samples("reasoning/logic_puzzles"))}
    assert {name: len(items) for name, items in found.items()} == dict.fromkeys(found, 250) and len(found) >= 3
    documents = [item for items in found.values() for item in items]
    assert all(isinstance(item, Document) and "canary GUID" in item.meta["canary"] for item in documents)
    assert not any("canary" in item.text for item in documents)
    for item in found["bbh_boolean_expressions.json"]:
        expression, answer = item.text.removesuffix(item.meta["answer"]).split(" is\n")
        assert answer == "Answer: " and str(eval(expression, {"__builtins__": {}})) == item.meta["answer"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["question", "options", "answer", "context", "label", "questions", "target_scores", "examples"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=100)),
    st.sampled_from(["f.jsonl", "f.json", "f.csv"]),
)
def test_any_rows_give_items(tmp_path, data, name):
    path = tmp_path / name
    path.write_bytes(data)
    items = list(puzzles.read(InputFile(str(path), str(tmp_path), len(data))))
    assert items and all(isinstance(item, (Document, Quarantined, Skipped)) for item in items) or name == "f.csv"


LINES = st.sampled_from(["a", "B", "1 x", "2 y?\tz\t1", "A. q", "B. r", "", "words", "1 ", "\t"])


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.lists(LINES, max_size=30).map(lambda lines: "\n".join(lines).encode())))
def test_any_text_gives_items(tmp_path, data):
    path = tmp_path / "f.txt"
    path.write_bytes(data)
    items = list(puzzle_text.read(InputFile(str(path), str(tmp_path), len(data))))
    assert items and all(isinstance(item, (Document, Quarantined, Skipped)) for item in items)
