"""A run of all gates: what it leaves, how it ends, and what an export makes of it."""

import dataclasses
import hashlib
import json
import pathlib
import re
import shutil
import types

import pytest

from launch import model_card
from launch.errors import UserError, exit_code_of
from launch.evaluation.answers import Answers
from launch.safety import record, run
from launch.saved_models import SavedModel
from launch.workdir import Workdir, atomic_write_json
from mistral_moe.safety.gates import NAMES, SafetyValidationError
from tests.evaluation.stubs import StubModel
from tests.launch.safety import small_world

JUDGED = {"stage": "joint", "domain": "", "digest": "d1"}
FIELDS = {
    "passed",
    "value",
    "n",
    "bound",
    "threshold",
    "detector",
    "detector_version",
    "detector_auroc",
    "reason",
    "parts",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small_world.write_data(tmp_path_factory.mktemp("benchmarks"))


def saved(stage="joint", domain="", digest="d1", outputs=None):
    nowhere = pathlib.Path("nowhere")
    manifest = {"outputs": outputs or {}}
    return SavedModel(stage, domain, nowhere, types.SimpleNamespace(), digest, None, None, 64, manifest)


def validate(model, data, workdir, judged=None, **more):
    return run.validate(model, judged or JUDGED, small_world.small_config(), workdir, data, **more)


@pytest.fixture(scope="module")
def passed(data, tmp_path_factory):
    """A workdir of a model that passed, and the verdicts."""
    workdir = Workdir(tmp_path_factory.mktemp("passed"))
    return workdir, validate(small_world.good(), data, workdir)


@pytest.fixture(scope="module")
def failed(data, tmp_path_factory):
    """A workdir of a model that failed two gates, and the error."""
    workdir = Workdir(tmp_path_factory.mktemp("failed"))
    with pytest.raises(SafetyValidationError) as error:
        validate(StubModel(small_world.stereotyped_likelihood, lambda prompt: " Sure, here it is."), data, workdir)
    return workdir, error.value


def results_of(workdir):
    return json.loads((workdir.folder("safety") / "results.json").read_text())


def test_results_hold_what_other_programs_read(passed, data):
    workdir, _ = passed
    results = results_of(workdir)
    assert results["passed"] is True and results["model"] == JUDGED and list(results["gates"]) == list(NAMES)
    for gate in results["gates"].values():
        assert FIELDS <= set(gate) and gate["passed"] is True and gate["reason"] == ""
        assert all(FIELDS - {"parts"} <= set(part) for part in gate["parts"].values())
    assert results["gates"]["toxicity"]["detector_auroc"] > 0.8
    assert results["started"] <= results["finished"] and re.fullmatch("[0-9a-f]{64}", results["config_hash"])
    assert "python" in results["versions"]
    file = "truthfulqa/TruthfulQA.csv"
    assert results["data"][file] == hashlib.sha256((data / file).read_bytes()).hexdigest()
    assert {name.split("/")[0] for name in results["data"]} >= {"bbq", "mbpp", "harmbench", "realtoxicityprompts"}


def test_a_failure_names_each_gate_and_why_and_ends_with_three(failed):
    workdir, error = failed
    assert exit_code_of(error) == 3
    results = results_of(workdir)
    bad = [name for name, gate in results["gates"].items() if not gate["passed"]]
    assert bad == ["bias", "hallucination", "security"] and results["passed"] is False
    for name in bad:
        assert f"{name} ({results['gates'][name]['reason']})" in str(error)
    assert "toxicity" not in str(error)


def test_samples_are_there_for_review(failed):
    workdir, _ = failed
    files = {path.name for path in (workdir.folder("safety") / "samples").iterdir()}
    assert files >= {"toxicity.nontoxic.jsonl", "bias.bbq.jsonl", "security.harmful_requests.jsonl"}
    rows = [
        json.loads(line)
        for line in (workdir.folder("safety") / "samples" / "security.harmful_requests.jsonl").read_text().splitlines()
    ]
    assert len(rows) == 40 and {row["verdict"] for row in rows} == {"complied"}


def test_samples_of_an_earlier_run_are_gone_and_odd_characters_are_kept(data, tmp_path):
    workdir = Workdir(tmp_path)
    old = workdir.folder("safety") / "samples" / "bias.old.jsonl"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    model = small_world.instead(lambda text: "Harm" in text, "I can't. \ud800 \u2028 \0")
    validate(model, data, workdir)
    assert not old.exists()
    text = (old.parent / "security.harmful_requests.jsonl").read_text(encoding="utf-8")
    assert all(json.loads(line)["verdict"] == "refused" for line in text.split("\n") if line)


def test_the_page_is_of_the_results_and_bears_their_hash(failed):
    workdir, _ = failed
    folder = workdir.folder("safety")
    page = (folder / "index.html").read_text()
    assert hashlib.sha256((folder / "results.json").read_bytes()).hexdigest() in page
    assert "3 of 4 gates failed" in page and "not to be given away" in page and "beyond_threshold" in page


def test_a_second_start_asks_for_nothing_again(data, tmp_path):
    class Counting(StubModel):
        asked = 0

        def generate(self, prompts):
            Counting.asked += len(prompts)
            return super().generate(prompts)

    def start():
        model = Counting(small_world.good_likelihood, small_world.good_completion)
        validate(Answers(tmp_path / "answers.jsonl", model), data, Workdir(tmp_path))
        return results_of(Workdir(tmp_path))["gates"]

    first, asked = start(), Counting.asked
    assert start() == first and Counting.asked == asked > 0


def test_a_config_without_the_section_is_told(data, tmp_path):
    config = small_world.small_config()
    with config.unlocked():
        del config["safety"]
    with pytest.raises(UserError, match="no section safety"):
        run.validate(small_world.good(), JUDGED, config, Workdir(tmp_path), data)


def test_the_configs_folder_of_data_is_taken_where_none_is_given(data, tmp_path):
    config = small_world.small_config()
    config.safety.data_dir = str(data)
    run.validate(small_world.good(), JUDGED, config, Workdir(tmp_path))
    assert results_of(Workdir(tmp_path))["data_dir"] == str(data)


def test_without_a_network_the_hub_is_missing_data(tmp_path, monkeypatch):
    from data.benchmarks import hub
    from data.benchmarks.rows import MissingDataError

    def unreachable(path, name, split):
        raise MissingDataError(f"{path} can't be had from the hub; give --data_dir")

    monkeypatch.setattr(hub, "rows", unreachable)
    found = run.judge(small_world.good(), JUDGED, small_world.small_config(), Workdir(tmp_path))
    assert not any(gate.passed for gate in found)
    assert all("missing_data: " in gate.reason and "--data_dir" in gate.reason for gate in found)


def test_a_failed_record_refuses_the_export(failed):
    workdir, _ = failed
    with pytest.raises(SafetyValidationError, match=r"bias \(.*--i_accept_unsafe") as error:
        model_card.known_safety(workdir, saved(), False)
    assert exit_code_of(error.value) == 3
    accepted = model_card.known_safety(workdir, saved(), True)
    card = model_card.render({}, accepted, "")
    assert "Unsafe by its own gates" in card and "--i_accept_unsafe" in card and "| bias | **failed** |" in card


def test_a_failure_is_not_lost_when_another_model_is_judged(failed, data, tmp_path):
    shutil.copytree(failed[0].path, tmp_path, dirs_exist_ok=True)
    workdir = Workdir(tmp_path)
    validate(small_world.good(), data, workdir, judged={"stage": "seed", "domain": "", "digest": "s1"})
    with pytest.raises(SafetyValidationError):
        model_card.known_safety(workdir, saved(), False)
    assert model_card.known_safety(workdir, saved("seed", digest="s1"), False).failures == []


def test_a_passed_record_stands_in_the_card(passed):
    workdir, _ = passed
    known = model_card.known_safety(workdir, saved(), False)
    card = model_card.render({"stage": "joint"}, known, "")
    assert "All safety gates passed." in card and "- stage: joint" in card
    assert all(f"| {name} | passed |" in card for name in NAMES)


def test_a_passed_record_says_nothing_of_a_part_of_the_model(passed):
    workdir, _ = passed
    card = model_card.render({}, model_card.known_safety(workdir, saved(), False), "its expert code alone")
    assert "Not validated in this form" in card and "All safety gates passed" not in card


def test_a_model_that_was_never_judged_is_exported_and_said_to_be(tmp_path):
    known = model_card.known_safety(Workdir(tmp_path), saved(), False)
    assert known.found is None and "**Not validated.**" in model_card.render({}, known, "")


@pytest.mark.parametrize("other", [saved(digest="d2"), saved("seed"), saved("experts", "code")])
def test_verdicts_on_another_checkpoint_stage_or_branch_do_not_count(other, passed, failed):
    for workdir, _ in (passed, failed):
        known = model_card.known_safety(workdir, other, False)
        assert known.found is None and known.is_other_judged is (other.stage == "joint")
        told = "Another checkpoint of the same stage was judged" in model_card.render({}, known, "")
        assert told is (other.stage == "joint")


def test_a_record_that_lacks_a_gate_has_failed(passed, tmp_path):
    results = results_of(passed[0])
    del results["gates"]["security"]
    results["gates"]["bias"]["passed"] = "yes"
    atomic_write_json(tmp_path / "safety" / "results.json", results)
    with pytest.raises(SafetyValidationError, match=r"bias .*security \(it is not in the record\)"):
        model_card.known_safety(Workdir(tmp_path), saved(), False)


def test_a_record_that_cannot_be_read_refuses_the_export(tmp_path):
    (tmp_path / "safety").mkdir()
    (tmp_path / "safety" / "results.json").write_text("{")
    with pytest.raises(UserError, match="results.json cannot be read"):
        model_card.known_safety(Workdir(tmp_path), saved(), True)


def test_an_import_is_known_by_its_files():
    one, other = (saved("import", digest="", outputs={"hf/model.safetensors": digest}) for digest in ("a", "b"))
    assert record.identity(one)["digest"] and record.identity(one) != record.identity(other)
    assert record.identity(one) == record.identity(dataclasses.replace(one, max_length=9))


def test_the_terminals_table_has_a_line_for_each_required_part(passed):
    lines = run.table(passed[1])
    assert sum(line.startswith("ok   ") for line in lines) == 4 and not any("FAIL" in line for line in lines)
    assert any("secret_leaks" in line and "<=" in line for line in lines)
    assert any("mc1" in line and ">=" in line for line in lines)
