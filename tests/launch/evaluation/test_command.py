"""Choosing, running and keeping benchmarks: every outcome has its entry, and figures of other weights don't stay."""

import json
import types

import pytest

from data.benchmarks.rows import BenchmarkDataError, MissingDataError
from launch.errors import UserError
from launch.evaluation import results, runner, table
from launch.evaluation.benchmark import CATEGORIES, Benchmark, Options, Score, Unavailable, mean_and_stderr
from launch.evaluation.registry import Chosen, choose
from launch.progress import NullProgress
from launch.workdir import Workdir
from mistral_moe.evaluation.language_model import Continuation, in_order
from mistral_moe.report import benchmarks as page
from tests.evaluation.stubs import StubModel


def scores(model, options):
    found = in_order(model.log_likelihoods([Continuation("q", "a" * n) for n in (1, 2)]))
    samples = [{"id": str(n), "score": answer.nats} for n, answer in enumerate(found)]
    parts = {"easy": {"value": 0.5, "stderr": 0.1, "n": 1}}
    return Score("acc", 0.75, 0.05, 2, 0.25, "chance", 0, samples, parts, {"duplicates": 1, "none": 0})


def raises(error):
    def run(model, options):
        raise error

    return run


FAKES = [
    Benchmark("good", "code", scores),
    Benchmark("without_tests", "code", raises(Unavailable("no_tests", "the file has none"))),
    Benchmark("missing", "math", raises(MissingDataError("DIR holds none of x; put it there"))),
    Benchmark("broken", "math", raises(BenchmarkDataError("x.jsonl:3 has no label"))),
]


def test_all_is_twenty_in_five_categories():
    chosen = choose(["all"])
    assert len(chosen) == 20
    assert {category: sum(one.category == category for one in chosen) for category in CATEGORIES} == dict.fromkeys(
        CATEGORIES, 4
    )
    assert choose(["all", "arc", "math"]) == chosen


@pytest.mark.parametrize("one", choose(["all"]), ids=lambda one: one.name)
def test_each_name_leads_to_its_benchmark(one):
    found = one.load()
    assert (found.name, found.category) == (one.name, one.category)


@pytest.mark.parametrize(
    "given, name",
    [
        ("HumanEval", "humaneval"),
        ("MMLU-Math", "mmlu_math"),
        ("BIG-bench", "bigbench"),
        ("SWE-Bench", "swe_bench"),
        ("COCO-Captions", "coco_captions"),
        ("IMO-Problems", "imo_problems"),
        ("VQA", "vqa"),
        ("SuperGLUE", "superglue"),
    ],
)
def test_names_as_people_write_them(given, name):
    assert [one.name for one in choose([given])] == [name]


def test_a_list_of_the_harness_tasks():
    assert choose(["arc", "lm_eval:boolq", "hellaswag_x"]) == [
        Chosen("reasoning", "arc"),
        Chosen("lm_eval", "boolq"),
        Chosen("lm_eval", "hellaswag_x"),
    ]


@pytest.mark.parametrize(
    "given, told",
    [("hellaswagg", "did you mean hellaswag"), ("zzz", "there are humaneval"), ("lm_eval:", "names no task")],
)
def test_unknown_names_are_told(given, told):
    with pytest.raises(UserError, match=told):
        choose([given])


def test_every_outcome_has_an_entry_and_files(tmp_path):
    found = {}
    with NullProgress([fake.name for fake in FAKES]) as progress:
        runner.run(
            FAKES, StubModel(), Options(limit=7), tmp_path, progress, lambda b, entry: found.update({b.name: entry})
        )
    assert found["good"]["status"] == "scored"
    assert {key: found["good"][key] for key in ("metric", "value", "n", "stderr", "floor", "floor_name", "limit")} == {
        "metric": "acc",
        "value": 0.75,
        "n": 2,
        "stderr": 0.05,
        "floor": 0.25,
        "floor_name": "chance",
        "limit": 7,
    }
    assert found["good"]["counted"] == {"duplicates": 1}
    kinds = {name: entry["reason_kind"] for name, entry in found.items() if entry["status"] == "unavailable"}
    assert kinds == {"without_tests": "no_tests", "missing": "data_missing", "broken": "data_invalid"}
    assert all(
        found[name]["reason"].startswith(f"{kind}: ") and found[name]["value"] is None for name, kind in kinds.items()
    )
    rows = [json.loads(line) for line in (tmp_path / "samples" / "good.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["0", "1"]
    assert (tmp_path / "answers" / "good.jsonl").exists()


def test_a_figure_that_is_no_number_is_an_error(tmp_path):
    bad = Benchmark("bad", "code", lambda model, options: Score("acc", float("nan"), 0.0, 1, 0.0, "chance", 0, []))
    with NullProgress(["bad"]) as progress, pytest.raises(ValueError, match="is no score"):
        runner.run([bad], StubModel(), Options(), tmp_path, progress, lambda *entry: None)


def entry_of(value):
    return {
        "status": "scored",
        "metric": "acc",
        "value": value,
        "stderr": 0.01,
        "n": 9,
        "floor": 0.25,
        "floor_name": "chance",
        "fewshot": 0,
        "seconds": 1.0,
        "reason": "",
        "counted": {},
    }


def test_results_merge_held_out_losses_and_the_models(tmp_path):
    workdir = Workdir(tmp_path)
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "held_out.json").write_text('{"held_out_loss": {"seed": {"code": 1.0}}}')
    results.write(
        workdir, "seed", "d1", "2026-01-02", {"math": {"gsm8k": entry_of(0.1)}, "code": {"mbpp": entry_of(0.2)}}
    )
    results.write(workdir, "expert_code", "d2", "2026-01-01", {"code": {"mbpp": entry_of(0.3)}})
    merged = json.loads((tmp_path / "eval" / "results.json").read_text())
    assert merged["held_out_loss"] == {"seed": {"code": 1.0}}
    assert merged["benchmarks_model"] == "seed" and list(merged["benchmarks"]) == ["code", "math"]
    assert merged["benchmarks_by_model"]["expert_code"]["code"]["mbpp"]["value"] == 0.3
    assert results.read(workdir, "seed")["digest"] == "d1"


@pytest.mark.parametrize(
    "stage, domain, name",
    [("joint", "", "mixture_after_joint"), ("experts", "math", "expert_math"), ("import", "", "imported")],
)
def test_models_are_called_what_losses_call_them(stage, domain, name):
    assert results.model_name(types.SimpleNamespace(stage=stage, domain=domain)) == name


@pytest.mark.parametrize("value, where", [(0.9, "above"), (0.26, "at"), (0.1, "below")])
def test_the_table_says_where_a_score_stands(value, where, capsys):
    assert table.against_floor(entry_of(value)) == where
    unavailable = {"status": "unavailable", "reason": "no_tests: none", "seconds": 0.0}
    table.show({"code": {"mbpp": entry_of(value), "code_contests": unavailable}}, "seed")
    out = capsys.readouterr().out
    assert f"{where} chance" in out and "no_tests: none" in out


def test_the_page_shows_bars_floors_and_reasons():
    assert page.section({}).html == ""
    unavailable = {"status": "unavailable", "reason": "no_tests: <none>", "seconds": 0.0}
    by_model = {
        "seed": {"code": {"mbpp": entry_of(0.2)}},
        "mixture_after_joint": {"code": {"mbpp": entry_of(0.4), "swe": unavailable}},
    }
    html = page.section(by_model).html
    assert html.count("<svg") == 1 and "no_tests: &lt;none&gt;" in html and "Mixture after joint" in html


def test_standard_error_of_a_mean():
    assert mean_and_stderr([1.0]) == (1.0, 0.0)
    mean, stderr = mean_and_stderr([0.0, 1.0, 1.0, 0.0])
    assert mean == 0.5 and stderr == pytest.approx((1 / 3 / 4) ** 0.5)
