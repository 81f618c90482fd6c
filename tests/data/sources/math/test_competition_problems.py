"""Competition problems: collections told by their columns, answers found in boxes and behind hashes."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.sources.math import boxed, competition

MATH = {
    "problem": "What is $1+1$?",
    "level": "Level 1",
    "type": "Algebra",
    "solution": "We add: $1+1=\\boxed{\\frac{4}{2}}$.",
}
GSM = {"question": "Six bags of 7?", "answer": "There are 6*7=<<6*7=42>>42.\nSo 1,042 less 1000.\n#### 1,042"}


def only(out):
    assert not out.skipped and not out.quarantined, out.reasons
    (document,) = out.documents
    return document


def test_math_as_single_json_files_lines_and_parquet(make_input, sort_items):
    expected = "Problem:\nWhat is $1+1$?\n\nSolution:\nWe add: $1+1=\\boxed{\\frac{4}{2}}$.\n\nAnswer: \\frac{4}{2}"
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([MATH]), buffer)
    lines = json.dumps(MATH).encode() + b"\n"
    for name, data in (
        ("train/algebra/1.json", json.dumps(MATH, indent=1).encode()),
        ("a.jsonl", lines),
        ("a.parquet", buffer.getvalue()),
        ("b.json", json.dumps([MATH]).encode()),
    ):
        document = only(sort_items(competition.read(make_input(name, data))))
        assert document.text == expected and document.licence == "MIT"
        assert document.meta == {
            "question": "What is $1+1$?",
            "answer": "\\frac{4}{2}",
            "level": "Level 1",
            "type": "Algebra",
        }
        assert document.source == f"competition_problems:{name}#0"


def test_gsm8k(make_input, sort_items):
    document = only(sort_items(competition.read(make_input("t.jsonl", json.dumps(GSM).encode()))))
    assert document.text == (
        "Problem:\nSix bags of 7?\n\nSolution:\nThere are 6*7=42.\nSo 1,042 less 1000.\n\nAnswer: 1042"
    )
    assert document.meta["answer"] == "1042" and document.licence == "MIT"


def test_imo_bench_tables(make_input, sort_items):
    answers = 'Problem ID,Problem,Short Answer,Category,Source\nimo-bench-1,"Find $x$,\nplease.",$2$,Algebra,IMO\n'
    document = only(sort_items(competition.read(make_input("answerbench.csv", answers.encode()))))
    assert document.text == "Problem:\nFind $x$,\nplease.\n\nAnswer: $2$"
    assert document.meta["problem_id"] == "imo-bench-1" and document.licence == "CC-BY-4.0"
    proofs = (
        "Problem ID,Problem,Solution,Grading guidelines,Short Answer,Lean Statement\n"
        'PB-1,Prove it.,It holds.,(Partial) 1,,"theorem a : b := by sorry"\n'
    )
    document = only(sort_items(competition.read(make_input("proofbench.csv", proofs.encode()))))
    assert document.text == (
        "Problem:\nProve it.\n\nSolution:\nIt holds.\n\nFormal statement:\n```lean4\ntheorem a : b := by sorry\n```"
    )
    assert document.meta["formal"] == "lean4" and "grading" not in document.text.lower()


def test_options_and_stories(make_input, sort_items):
    aqua = {"question": "2+2?", "options": ["A)3", "B)4"], "rationale": "Count.", "correct": "B"}
    document = only(sort_items(competition.read(make_input("a.jsonl", json.dumps(aqua).encode()))))
    assert document.text == "Problem:\n2+2?\n\nA) 3\nB) 4\n\nSolution:\nCount.\n\nAnswer: B) 4"
    svamp = {"Body": "Ann has 2.", "Question": "How many?", "Answer": 2.0}
    assert (
        "Ann has 2. How many?"
        in only(sort_items(competition.read(make_input("b.json", json.dumps([svamp]).encode())))).text
    )


@pytest.mark.parametrize(
    "row, reason",
    [
        ({"text": "x"}, "wrong_columns"),
        ({"problem": "x"}, "wrong_columns"),
        ({"problem": "", "answer": "1"}, "no_problem"),
        ({"problem": None, "answer": "1"}, "no_problem"),
        ({"problem": "x", "answer": ""}, "no_answer"),
        ({"problem": {"a": 1}, "answer": "1"}, "no_problem"),
        ([1, 2], "wrong_columns"),
        ("x", "wrong_columns"),
    ],
)
def test_other_records(row, reason, make_input, sort_items):
    good = json.dumps(MATH)
    data = f"{good}\n{json.dumps(row)}\nnot json\n{good}\n".encode()
    out = sort_items(competition.read(make_input("a.jsonl", data)))
    assert len(out.documents) == 2 and out.reasons == {reason: 1, "malformed": 1}


def test_a_compression_that_breaks_off(make_input, sort_items):
    data = gzip.compress(json.dumps(MATH).encode() * 999)[:60]
    assert sort_items(competition.read(make_input("a.jsonl.gz", data))).reasons == {"truncated": 1}


def test_boxes():
    assert boxed.boxed("\\boxed{1} then \\boxed{\\text{a \\} b}}") == "\\text{a \\} b}"
    assert boxed.boxed("\\boxed 7 or \\fbox{8}") == "8" and boxed.boxed("\\boxed{open") == ""
    assert boxed.split_hashes("x\n#### (1, 2)") == ("x", "(1, 2)") and boxed.split_hashes("x") == ("x", "")


def test_ranges_read_every_record_once(make_input, sort_items):
    rows = [dict(MATH, problem=f"Problem {number} é?") for number in range(40)]
    file = make_input("a.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    bounds = [*range(0, file.size, 500), file.size]
    found = [
        item for start, end in zip(bounds, bounds[1:], strict=False) for item in competition.read(file, start, end)
    ]
    assert [document.meta["question"] for document in sort_items(found).documents] == [row["problem"] for row in rows]


@given(st.binary(max_size=300), st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.parquet", "a.tsv"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(scratch, sort_items, noise, name):
    sort_items(competition.read(scratch(name, noise)))
    mixed = json.dumps(MATH).encode()[:40] + noise + json.dumps(GSM).encode()
    out = sort_items(competition.read(scratch(name, mixed)))
    # A table may be nothing but its header; of every other format something is told.
    assert out.documents or out.skipped or out.quarantined or name.endswith((".csv", ".tsv"))


def test_real_samples(samples, input_files, sort_items):
    documents = []
    for file in input_files(samples("math/competition_problems")):
        out = sort_items(competition.read(file))
        assert not out.quarantined and not out.skipped
        documents += out.documents
    assert len(documents) > 50 and all(document.licence == "CC-BY-4.0" for document in documents)
    assert all(document.text.startswith("Problem:\n") and document.meta["problem_id"] for document in documents)
    assert sum(bool(document.meta["answer"]) for document in documents) > len(documents) / 2
