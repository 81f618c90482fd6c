"""Certificates replay from the files alone, and whatever is changed in a line is found."""

import json
import pathlib
import subprocess
import sys

import pytest

from data.verifiable import tasks
from data.verifiable.problem import PROGRAMS
from data.verifiable.verify import Verdict, Verifier
from launch.errors import UserError
from launch.improve import accepted
from launch.tuning.quality import judge, verified_quality, why_low
from launch.tuning.sampling import Sample

ROOT = pathlib.Path(__file__).parents[3]
ORIGIN = accepted.Origin(iteration=1, model="abc", temperature=1.0, threshold=0.8)


def judged(task="arithmetic", count=3, probabilities=None, text=None):
    samples = [
        Sample(problem, 0, 7, text or problem.meta["solution"], True)
        for problem in tasks.problems(task, count, 0, "train")
    ]
    with Verifier() as verifier:
        return judge(verifier, samples, probabilities)


@pytest.fixture
def folder(tmp_path):
    accepted.write(tmp_path / accepted.FOLDER / "1.jsonl", [accepted.line_of(one, ORIGIN) for one in judged()])
    return tmp_path


def verify(folder):
    with Verifier() as verifier:
        return accepted.verify(folder, verifier)


def tamper(folder, change, number=1):
    """Changes one line of the file."""
    path = folder / accepted.FOLDER / "1.jsonl"
    lines = accepted.read(path)
    change(lines[number])
    accepted.write(path, lines)


def resealed(change):
    """The change, with an id that fits it: who forges a line can make its id too."""

    def both(line):
        change(line)
        line["id"] = accepted._digest({name: value for name, value in line.items() if name != "id"})

    return both


def test_what_was_written_replays_from_either_folder(folder):
    assert verify(folder) == (3, [])
    assert verify(folder / accepted.FOLDER) == (3, [])


def _wrong_answer(line):
    line["completion"] = "Solution: it is 1000.\nAnswer: 1000"


def _other_problem(line):
    line["answer"] = "1000"


def _better_quality(line):
    line["certificate"].update(quality=0.9)


def _other_prompt(line):
    line["prompt"] = "Problem: What is 1 + 1?"


@pytest.mark.parametrize("change", [_wrong_answer, _other_problem, _better_quality, _other_prompt])
def test_a_tampered_line_is_named(folder, change):
    tamper(folder, change)
    count, failures = verify(folder)
    assert count == 3 and len(failures) == 1 and "1.jsonl:2: its contents are not" in failures[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_wrong_answer, "the verifier says 'answer 1000', correct 0"),
        (_other_problem, "the verifier says"),
        (_better_quality, "does not follow from its verdict"),
        (lambda line: line["certificate"].update(threshold=1.0), "is not above 1.0"),
        (lambda line: line["certificate"].pop("verdict"), "no accepted example"),
        (lambda line: line.update(problem=[]), "no accepted example"),
    ],
)
def test_a_forged_line_is_found_by_the_verifier(folder, change, told):
    tamper(folder, resealed(change))
    (failure,) = verify(folder)[1]
    assert told in failure


def test_a_learned_quality_is_told_apart_from_the_verdict_and_both_replay(tmp_path):
    ones = judged(probabilities=lambda samples: [0.85] * len(samples), text="I do not know.")
    assert all(one.candidate.quality == 0.85 and not one.verdict.correct for one in ones)
    path = tmp_path / "1.jsonl"
    accepted.write(path, [accepted.line_of(one, ORIGIN) for one in ones])
    assert verify(tmp_path) == (3, [])
    assert {line["certificate"]["by"] for line in accepted.read(path)} == {"reward"}


@pytest.mark.parametrize("found", [[0.5, float("nan"), 0.5], [0.5, 1.5, 0.5], [0.5]])
def test_what_is_no_probability_is_refused(found):
    with pytest.raises(ValueError, match="probabilities"):
        judged(probabilities=lambda samples: found)


@pytest.mark.parametrize("task", sorted(PROGRAMS))
def test_a_function_replays_without_its_solution(tmp_path, task):
    ones = [one for one in judged(task, 2) if one.quality > 0]
    if not ones:
        pytest.skip("this machine has no sandbox")
    accepted.write(tmp_path / "1.jsonl", [accepted.line_of(one, ORIGIN) for one in ones])
    assert "solution" not in accepted.read(tmp_path / "1.jsonl")[0]["problem"]["meta"]
    assert verify(tmp_path) == (len(ones), [])


def test_quality_needs_a_right_answer_and_an_end_and_a_bad_form_costs():
    assert verified_quality(Verdict(1.0, 1.0, ""), True) == 1.0
    assert verified_quality(Verdict(1.0, 0.5, ""), True) == 0.75
    assert verified_quality(Verdict(1.0, 1.0, ""), False) == verified_quality(Verdict(0.0, 1.0, ""), True) == 0.0
    verdicts = [(Verdict(1.0, 1.0, ""), False), (Verdict(0.0, 1.0, ""), True), (Verdict(1.0, 0.5, ""), True)]
    assert [why_low(*one) for one in verdicts] == ["unfinished", "wrong", "form"]


def test_the_command_ends_with_1_where_a_certificate_fails_and_needs_no_config(folder):
    def command(where):
        arguments = [sys.executable, "-m", "launch.self_improve", f"--verify={where}"]
        return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)

    done = command(folder)
    assert done.returncode == 0 and "3 accepted examples, every certificate replays" in done.stdout, done.stderr
    tamper(folder, resealed(_wrong_answer))
    done = command(folder)
    assert done.returncode == 1 and "1.jsonl:2" in done.stderr and "1 of 3 accepted examples fail" in done.stderr
    assert command(folder / "nowhere").returncode == 1


def test_a_broken_file_is_named_with_its_line(folder):
    path = folder / accepted.FOLDER / "1.jsonl"
    path.write_text(path.read_text() + "{\n")
    with pytest.raises(UserError, match=r"1\.jsonl:4 is no JSON"):
        verify(folder)
    path.write_text(json.dumps([1]) + "\n")
    with pytest.raises(UserError, match=r"1\.jsonl:1 is no JSON object"):
        verify(folder)
