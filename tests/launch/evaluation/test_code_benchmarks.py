"""Benchmarks of code with models of known score."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import jinja2
import pytest

from launch.evaluation import function_problems, swebench_harness
from launch.evaluation.benchmark import Options, Unavailable
from launch.evaluation.code_benchmarks import BENCHMARKS
from launch.evaluation.function_problems import called
from mistral_moe.evaluation.language_model import Generated
from tests.evaluation.stubs import StubModel
from tests.launch.evaluation import code_files

RUN = {benchmark.name: benchmark.run for benchmark in BENCHMARKS}
SOLUTIONS = {
    row["description"][:20]: row["solutions"]["solution"][0] for row in code_files.CONTESTS if "solutions" in row
}


@pytest.fixture
def options(tmp_path, isolation):
    code_files.write(tmp_path / "humaneval" / "HumanEval.jsonl.gz", code_files.HUMANEVAL)
    code_files.write(tmp_path / "mbpp" / "mbpp.jsonl", code_files.MBPP)
    code_files.write(tmp_path / "code_contests" / "test.jsonl", code_files.CONTESTS)
    code_files.write(tmp_path / "swe_bench_lite" / "lite.jsonl", [code_files.instance(n) for n in range(3)])
    return Options(data_dir=tmp_path, isolation=isolation)


def _knowing(answers):
    """A model that knows the answer to the last question of a prompt."""

    def complete(prompt):
        places = {prompt.text.rfind(question): answer for question, answer in answers.items()}
        place = max(places)
        return places[place] if place >= 0 else ""

    return StubModel(complete=complete)


def _perfect():
    answers = {row["prompt"]: row["canonical_solution"] for row in code_files.HUMANEVAL}
    answers |= {row["text"]: row["code"] for row in code_files.MBPP}
    answers |= SOLUTIONS
    answers |= {row["problem_statement"]: row["patch"] for row in map(code_files.instance, range(3))}
    return _knowing(answers)


@pytest.mark.parametrize(("name", "n"), [("humaneval", 4), ("mbpp", 3), ("code_contests", 2), ("swe_bench", 3)])
def test_who_knows_all_answers_scores_one(options, name, n):
    score = RUN[name](_perfect(), options)
    assert (score.value, score.stderr, score.n) == (1.0, 0.0, n), score.samples
    assert len(score.samples) == n and {"id", "prompt", "output", "score"} <= score.samples[0].keys()


@pytest.mark.parametrize("name", RUN)
@pytest.mark.parametrize("nothing", ["", " \n\t"])
def test_who_says_nothing_scores_nothing_and_is_counted(options, name, nothing):
    score = RUN[name](StubModel(complete=lambda prompt: nothing), options)
    assert score.value == 0 and score.counted["empty_outputs"] == score.n


def test_trivial_functions_score_the_floor(options):
    rows = [{**row, "test": "def check(candidate):\n    assert candidate(3) == 3"} for row in code_files.HUMANEVAL[:1]]
    code_files.write(options.data_dir / "humaneval" / "HumanEval.jsonl.gz", rows + code_files.HUMANEVAL[1:])
    score = RUN["humaneval"](StubModel(complete=lambda prompt: "    return x\n"), options)
    assert score.value == score.floor == 0.25
    # MBPP's test split holds no function of the kind; the floor is of all data, whatever the limit.
    assert RUN["mbpp"](StubModel(), options).floor == 0


@pytest.mark.parametrize("name", ["humaneval", "mbpp", "code_contests"])
def test_wrong_endless_and_dishonest_programs_do_not_pass(options, name, monkeypatch):
    monkeypatch.setattr(function_problems, "SECONDS", {"humaneval": 1.0, "mbpp": 1.0})
    bad = ["    while True: pass\n", "    import os; os._exit(0)\n", "    raise SystemExit\n", "def (", "\0", "\ud800"]
    if name != "humaneval":
        bad = [text.strip(" ") for text in bad]
    for text in bad:
        score = RUN[name](StubModel(complete=lambda prompt: text), _limited(options, 1))
        assert score.value == 0 and score.samples[0]["status"] in ("failed", "timeout", "wrong"), (text, score.samples)


def _limited(options, limit, **changes):
    return Options(data_dir=options.data_dir, isolation=options.isolation, limit=limit, **changes)


def test_attempts_are_drawn_by_seeds_of_their_own_and_estimated(options):
    asked = []

    def complete(prompt):
        asked.append(prompt)
        number = code_files.HUMANEVAL[int(prompt.text[5])]
        return number["canonical_solution"] if prompt.seed == 7 else "    return None\n"

    score = RUN["humaneval"](StubModel(complete=complete), _limited(options, 2, attempts=10, temperature=0.6, seed=5))
    assert sorted({(prompt.temperature, prompt.seed) for prompt in asked}) == [(0.6, seed) for seed in range(5, 15)]
    assert score.value == pytest.approx(0.1) and score.parts["pass@10"]["value"] == 1.0
    assert len(score.samples) == 20 and sum(sample["score"] for sample in score.samples) == 2
    assert {sample["status"] for sample in score.samples} == {"passed", "failed"}
    assert "AssertionError" in next(sample for sample in score.samples if not sample["score"])["stderr"]


def test_one_attempt_is_greedy_and_cut_where_the_official_harness_cuts(options):
    asked = []
    RUN["humaneval"](StubModel(complete=lambda prompt: asked.append(prompt) or ""), options)
    assert [prompt.text for prompt in asked] == [row["prompt"] for row in code_files.HUMANEVAL]
    assert {(prompt.temperature, prompt.stop, prompt.max_tokens) for prompt in asked} == {
        (0.0, ("\nclass", "\ndef", "\n#", "\nif", "\nprint"), 512)
    }


def test_mbpp_s_prompt_is_lm_eval_s(options):
    lm_eval = pytest.importorskip("lm_eval")
    yaml = (pathlib.Path(lm_eval.__file__).parent / "tasks" / "mbpp" / "mbpp.yaml").read_text(encoding="utf-8")
    line = next(line for line in yaml.splitlines() if line.startswith("doc_to_text: "))
    template = jinja2.Template(json.loads(line.removeprefix("doc_to_text: ")), keep_trailing_newline=True)
    asked = []
    RUN["mbpp"](StubModel(complete=lambda prompt: asked.append(prompt) or ""), options)
    by_number = {row["task_id"]: row for row in code_files.MBPP}
    shown = "".join(template.render(by_number[n]) + f"{by_number[n]['code']}\n[DONE]\n\n" for n in (2, 3, 4))
    assert [prompt.text for prompt in asked] == [shown + template.render(by_number[n]) for n in (11, 12, 510)]
    assert {prompt.stop for prompt in asked} == {("[DONE]",)}


def test_mbpp_s_examples_are_as_many_as_asked_for_and_too_few_are_told(options):
    for fewshot, shown in ((0, 0), (1, 1), (4, 4), (9, 4)):
        asked = []
        stub = StubModel(complete=lambda prompt: asked.append(prompt) or "")
        score = RUN["mbpp"](stub, _limited(options, 1, fewshot=fewshot))
        assert asked[0].text.count("[DONE]") == score.fewshot == shown
        assert ("examples" in score.reason) == (shown < fewshot)


def test_the_function_that_a_test_is_about():
    assert called("assert f(1) == 2") == "f"
    assert called("assert set(similar((1,), (2,))) == set()") == "similar"
    assert called("assert not is_odd(2)") == "is_odd"
    assert called("assert x") == called("assert (") == "f"


def test_prompts_that_were_cut_are_counted(options):
    class Short(StubModel):
        def generate(self, prompts):
            for index, _ in enumerate(prompts):
                yield index, Generated("", 1, "length", truncated=3)

    for name, run in RUN.items():
        score = run(Short(), options)
        assert score.counted["truncated_prompts"] == score.n, name


def test_programs_of_contests_are_judged_by_every_test_and_say_where_they_failed(options):
    constant = RUN["code_contests"](StubModel(complete=lambda prompt: "print(3)"), options)
    assert constant.value == 0 and constant.floor == 0
    first = constant.samples[0]
    assert first["status"] == "wrong" and first["stderr"].startswith("test 2 of 3: printed '3\\n', expected '4")
    assert constant.counted["without_tests"] == 2 and "2 problems without tests" in constant.reason
    fenced = _knowing({key: f"Sure:\n```python\n{text}\n```\nDone." for key, text in SOLUTIONS.items()})
    assert RUN["code_contests"](fenced, options).value == 1.0
    ends_badly = RUN["code_contests"](_knowing({key: f"{text}\n1 / 0" for key, text in SOLUTIONS.items()}), options)
    assert [sample["status"] for sample in ends_badly.samples] == ["passed", "failed"]  # the first left by exit(0)


def test_contests_without_tests_have_no_score(options):
    statement = {"task_id": "CodeContests/0", "entry_point": "s", "prompt": "x", "test": "", "canonical_solution": ""}
    code_files.write(options.data_dir / "code_contests" / "test.jsonl", [statement])
    with pytest.raises(Unavailable, match="no_tests: none of the 1 problems"):
        RUN["code_contests"](StubModel(), options)


@pytest.mark.parametrize("name", ["humaneval", "mbpp", "code_contests"])
def test_without_a_sandbox_the_model_is_not_even_asked(options, name, monkeypatch):
    monkeypatch.setenv("PATH", "")

    def complete(prompt):
        raise AssertionError("asked")

    with pytest.raises(Unavailable, match="no_sandbox: bubblewrap is not installed"):
        RUN[name](StubModel(complete=complete), Options(data_dir=options.data_dir))


def _repository(options, files):
    """A clone of owner/name; its commit."""
    folder = options.data_dir / "swe_bench_lite" / "repos" / "owner__name"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    return folder, subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_whether_a_patch_applies_is_asked_of_the_commit_and_changes_nothing(options):
    folder, commit = _repository(options, {"pkg/a.py": "one\ntwo\nthree\n"})
    rows = [code_files.instance(n, commit=commit) for n in range(3)] + [code_files.instance(3, commit="1" * 40)]
    code_files.write(options.data_dir / "swe_bench_lite" / "lite.jsonl", rows)
    (folder / "pkg" / "a.py").write_text("changed since\n")
    answers = {
        rows[0]["problem_statement"]: rows[0]["patch"],
        rows[1]["problem_statement"]: code_files.patch("pkg/a.py", "no such line", "x"),
    }
    score = RUN["swe_bench"](_knowing(answers), options)
    assert [sample.get("applies") for sample in score.samples] == [1.0, 0.0, 0.0, None]
    assert score.parts["applies"]["n"] == 3 and score.parts["applies"]["value"] == pytest.approx(1 / 3)
    assert "isn't checked for 1" in score.reason
    status = subprocess.run(["git", "-C", str(folder), "status", "--short"], capture_output=True, text=True).stdout
    assert status == " M pkg/a.py\n"


def test_without_the_harness_a_patch_is_scored_by_the_files_it_finds(options):
    right, wrong = code_files.patch("pkg/a.py", "one", "x"), code_files.patch("pkg/b.py", "one", "x")
    answers = {f"Issue {n} ": text for n, text in enumerate([right, f"```diff\n{wrong}{right}```", wrong])}
    score = RUN["swe_bench"](_knowing(answers), options)
    assert score.metric == "file_acc@5" and score.value == pytest.approx(2 / 3)
    assert score.floor == 1.0  # all three change the same file
    assert score.parts["file_precision"]["value"] == pytest.approx(0.5)
    assert "resolved needs docker + swebench: rows have no FAIL_TO_PASS" in score.reason


FAKE_HARNESS = """
import argparse, json, pathlib
parser = argparse.ArgumentParser()
for name in ("dataset_name", "split", "predictions_path", "run_id", "max_workers"):
    parser.add_argument("--" + name, required=True)
args = parser.parse_args()
rows = [json.loads(line) for line in open(args.dataset_name)]
predictions = [json.loads(line) for line in open(args.predictions_path)]
right = {row["instance_id"]: row["patch"] for row in rows if row["FAIL_TO_PASS"]}
resolved = [p["instance_id"] for p in predictions if p["model_patch"] == right[p["instance_id"]]]
(model,) = {p["model_name_or_path"] for p in predictions}
report = {"total_instances": len(rows), "submitted_instances": len(predictions), "resolved_instances": len(resolved),
          "resolved_ids": resolved, "schema_version": 2}
pathlib.Path(f"{model}.{args.run_id}.json").write_text(json.dumps(report))
"""


def _fake_docker(tmp_path, monkeypatch, exit_code=0, harness=FAKE_HARNESS):
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if harness:
        folder = tmp_path / "packages" / "swebench" / "harness"
        folder.mkdir(parents=True)
        (folder / "run_evaluation.py").write_text(harness)
        monkeypatch.syspath_prepend(str(tmp_path / "packages"))


@pytest.fixture
def judged(options):
    rows = [code_files.instance(n, FAIL_TO_PASS='["a"]', PASS_TO_PASS="[]") for n in range(3)]
    code_files.write(options.data_dir / "swe_bench_lite" / "lite.jsonl", rows)
    wrong = code_files.patch("pkg/a.py", "one", "wrong")
    answers = {f"Issue {n} ": text for n, text in enumerate([rows[0]["patch"], wrong, ""])}
    return RUN["swe_bench"], _knowing(answers), options


def test_where_docker_and_the_harness_are_there_they_decide(judged, tmp_path, monkeypatch):
    run, model, options = judged
    _fake_docker(tmp_path, monkeypatch)
    score = run(model, options)
    assert score.metric == "resolved" and score.value == pytest.approx(1 / 3) and score.floor == 0
    assert [sample["score"] for sample in score.samples] == [1.0, 0.0, 0.0]
    (rows,) = score.files.values()
    assert [set(row) for row in rows] == [{"instance_id", "model_name_or_path", "model_patch"}] * 3
    assert score.parts["file_acc@5"]["value"] == pytest.approx(2 / 3) and "docker" not in score.reason


@pytest.mark.parametrize(
    ("exit_code", "harness", "said"),
    [
        (1, FAKE_HARNESS, "docker doesn't answer"),
        (0, "raise SystemExit('no space')", "exit code 1 and no report: no space"),
        (0, "pass", "exit code 0 and no report"),
        (0, "open('model.evaluation.json', 'w').write('{}')", "no resolved_ids"),
    ],
)
def test_where_the_harness_can_not_tell_the_files_do_and_the_reason_says_so(
    judged, tmp_path, monkeypatch, exit_code, harness, said
):
    run, model, options = judged
    _fake_docker(tmp_path, monkeypatch, exit_code, harness)
    score = run(model, options)
    assert score.metric == "file_acc@5" and said in score.reason and "resolved needs docker + swebench" in score.reason


def test_what_the_harness_lacks_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert swebench_harness.missing() == "docker isn't installed"
    monkeypatch.undo()
    _fake_docker(tmp_path, monkeypatch, harness="")
    if "swebench" not in sys.modules:
        monkeypatch.setattr(swebench_harness.importlib.util, "find_spec", lambda name: None)
    assert swebench_harness.missing() == "the package swebench isn't installed"
