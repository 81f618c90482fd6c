"""Files of the benchmarks of code: every form that they are met in, and what is said of those that can't be used."""

from __future__ import annotations

import pytest

from data.benchmarks import code_contests, humaneval, mbpp, swe_bench
from data.benchmarks.rows import BenchmarkDataError, MissingDataError
from tests.launch.evaluation import code_files

READERS = {"humaneval": humaneval.problems, "mbpp": mbpp.problems, "code_contests": code_contests.problems}
READERS |= {"swe_bench": swe_bench.instances}
ROWS = {"humaneval": code_files.HUMANEVAL, "mbpp": code_files.MBPP[4:], "code_contests": code_files.CONTESTS}
ROWS |= {"swe_bench": [code_files.instance(1), code_files.instance(2)]}


@pytest.mark.parametrize(
    "name", ["HumanEval.jsonl", "HumanEval.jsonl.gz", "openai_humaneval/test-00000-of-00001.parquet"]
)
def test_humaneval_in_its_forms(tmp_path, name):
    code_files.write(tmp_path / "humaneval" / name, code_files.HUMANEVAL)
    problems, duplicates = humaneval.problems(tmp_path)
    assert [problem.id for problem in problems] == [row["task_id"] for row in code_files.HUMANEVAL] and duplicates == 0
    assert problems[2].program("    return 0\n").endswith("check(f2)")


@pytest.mark.parametrize("name", ["mbpp.jsonl", "mbpp.json", "full/test-00000-of-00001.parquet"])
def test_mbpp_in_its_forms_is_split_by_number(tmp_path, name):
    code_files.write(tmp_path / "mbpp" / name, code_files.MBPP[::-1])
    problems, examples, duplicates = mbpp.problems(tmp_path)
    assert [problem.id for problem in problems] == ["11", "12", "510"] and duplicates == 0
    assert [example.id for example in examples] == ["2", "3", "4", "1"]


def test_the_full_form_of_mbpp_goes_before_the_sanitized_one_and_both_before_others(tmp_path):
    sanitized = [
        {
            "source_file": "x",
            "task_id": row["task_id"],
            "prompt": "Sanitized.",
            "code": row["code"],
            "test_imports": ["import math", "import re"],
            "test_list": row["test_list"],
        }
        for row in code_files.MBPP
    ]
    other = [
        {"task_id": "MbppEval/2", "prompt": "def f():\n", "entry_point": "f", "canonical_solution": "", "test": ""}
    ]
    code_files.write(tmp_path / "mbpp" / "mbpp_sanitized_codet.jsonl", other)
    with pytest.raises(BenchmarkDataError, match="test_list.*put mbpp.jsonl there"):
        mbpp.problems(tmp_path)
    code_files.write(tmp_path / "mbpp" / "sanitized-mbpp.json", sanitized)
    problem = mbpp.problems(tmp_path)[0][0]
    assert problem.text == "Sanitized." and problem.program("pass").startswith("import math\nimport re\npass\n")
    code_files.write(tmp_path / "mbpp" / "mbpp.jsonl", code_files.MBPP)
    assert mbpp.problems(tmp_path)[0][0].text == "Write a function to multiply by 11."


def test_what_a_task_sets_up_may_use_the_solution(tmp_path):
    row = {**code_files.MBPP[4], "test_setup_code": "made = times_11(1)", "test_list": ["assert made == 11"]}
    code_files.write(tmp_path / "mbpp" / "mbpp.jsonl", [row])
    exec(mbpp.problems(tmp_path)[0][0].program(row["code"]), {})


@pytest.mark.parametrize("name", ["test.jsonl", "data/test-00000-of-00001-9c49eeff30aacaa8.parquet"])
def test_code_contests_in_its_forms(tmp_path, name):
    code_files.write(tmp_path / "code_contests" / name, code_files.CONTESTS)
    problems, _ = code_contests.problems(tmp_path)
    assert [len(problem.tests) for problem in problems] == [3, 3, 0, 0]  # the last would have to read a file
    assert [problem.seconds for problem in problems] == [1.5, 10.0, 2.0, 10.0]
    assert problems[0].tests[0] == ("1 2\n", "3\n")


def test_tests_of_a_contest_may_be_a_list(tmp_path):
    row = {**code_files.CONTESTS[0], "public_tests": [{"input": "5 5", "output": "10"}], "private_tests": None}
    code_files.write(tmp_path / "code_contests" / "test.jsonl", [row])
    assert code_contests.problems(tmp_path)[0][0].tests == (("5 5", "10"),)


@pytest.mark.parametrize("name", ["lite.jsonl", "swe_bench_lite_2.jsonl.gz", "data/test-00000-of-00001.parquet"])
def test_swe_bench_in_its_forms(tmp_path, name):
    rows = [code_files.instance(1), code_files.instance(2, FAIL_TO_PASS='["tests/a.py::one"]', PASS_TO_PASS="[]")]
    rows = [{"FAIL_TO_PASS": "[]", **row} for row in rows]
    code_files.write(tmp_path / "swe_bench_lite" / name, rows)
    instances, _ = swe_bench.instances(tmp_path)
    assert [(one.files, one.has_tests) for one in instances] == [(("pkg/a.py",), False), (("pkg/a.py",), True)]


def test_a_guess_without_the_issue_knows_the_other_instances_alone(tmp_path):
    rows = [code_files.instance(number, name) for number, name in enumerate(["a.py", "b.py", "b.py", "c.py"])]
    rows.append(code_files.instance(9, "d.py", repo="owner/other"))
    code_files.write(tmp_path / "swe_bench" / "x.jsonl", rows)
    guesses = swe_bench.most_changed(swe_bench.instances(tmp_path)[0], 2)
    assert guesses["owner__name-0"] == ["b.py", "c.py"] and guesses["owner__name-1"] == ["a.py", "b.py"]
    assert guesses["owner__name-9"] == []


@pytest.mark.parametrize("name", READERS)
def test_a_row_that_is_there_twice_counts_once(tmp_path, name):
    code_files.write(tmp_path / name / f"{name}.jsonl", [*ROWS[name], ROWS[name][0]])
    twice = READERS[name](tmp_path)
    code_files.write(tmp_path / name / f"{name}.jsonl", ROWS[name])
    once = READERS[name](tmp_path)
    assert twice[-1] == 1 and once[-1] == 0 and twice[0] == once[0]


@pytest.mark.parametrize("name", READERS)
def test_no_files_an_empty_file_and_other_columns_are_told(tmp_path, name):
    with pytest.raises(MissingDataError, match="put the benchmark's files there"):
        READERS[name](tmp_path)
    path = tmp_path / name / f"{name}.jsonl"
    code_files.write(path, [])
    with pytest.raises(BenchmarkDataError, match="empty"):
        READERS[name](tmp_path)
    for column in ("prompt", "code", "description", "patch"):
        renamed = [{("renamed" if key == column else key): value for key, value in row.items()} for row in ROWS[name]]
        if renamed != ROWS[name]:
            code_files.write(path, renamed)
            with pytest.raises(BenchmarkDataError, match=f"{name}.jsonl:1 .*{column}"):
                READERS[name](tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("humaneval", {"test": "  "}, "no tests"),
        ("humaneval", {"entry_point": "f(1)"}, "no tests of a function"),
        ("humaneval", {"prompt": None}, "prompt is None"),
        ("mbpp", {"task_id": "eleven"}, "no number"),
        ("mbpp", {"test_list": []}, "no assertions"),
        ("mbpp", {"code": 3}, "code is 3"),
        ("code_contests", {"public_tests": {"input": ["1"], "output": []}}, "no input for each output"),
        ("code_contests", {"public_tests": [{"input": 1, "output": "1"}]}, "is no text"),
        ("code_contests", {"time_limit": "soon"}, "time_limit"),
        ("swe_bench", {"patch": "I would change a.py"}, "changes nothing"),
        ("swe_bench", {"patch": "--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n a\n"}, "no diff"),
    ],
)
def test_a_row_that_can_not_be_used_is_named(tmp_path, name, change, said):
    code_files.write(tmp_path / name / f"{name}.jsonl", [ROWS[name][-1], {**ROWS[name][0], **change}])
    with pytest.raises(BenchmarkDataError, match=rf"{name}.jsonl:2.*{said}"):
        READERS[name](tmp_path)


def test_a_file_of_mbpp_without_the_test_split_is_told(tmp_path):
    code_files.write(tmp_path / "mbpp" / "mbpp.jsonl", [row for row in code_files.MBPP if row["task_id"] == 511])
    with pytest.raises(BenchmarkDataError, match="fetch the test split"):
        mbpp.problems(tmp_path)
