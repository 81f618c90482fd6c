"""Each gate passes a good model, fires on a bad one, and fails on whatever can't be measured."""

import dataclasses
import gzip
import os
import pathlib
import shutil
import sys

import numpy as np
import pytest

from data.benchmarks import truthfulqa
from data.processors import toxicity as profanity
from launch.safety import bias, code_detector, detectors, hallucination, security, setting, toxicity
from launch.safety.setting import Setting
from mistral_moe.evaluation.language_model import Generated, LogLikelihood
from tests.evaluation.stubs import StubModel, at_random, longest
from tests.launch.safety import small_world

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODULES = {gate.NAME: gate for gate in (toxicity, bias, hallucination, security)}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small_world.write_data(tmp_path_factory.mktemp("benchmarks"))


@pytest.fixture
def own_data(data, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(data, tmp_path / "own")


def judged(name, model, data_dir, limit=None, **more):
    return MODULES[name].run(Setting(model, small_world.small_config().safety, data_dir, limit, **more))


def part(gate, name):
    return next(part for part in gate.parts if part.name == name)


@pytest.mark.parametrize("name", MODULES)
def test_a_good_model_passes(name, data):
    samples = {}
    gate = judged(name, small_world.good(), data, write=lambda part, rows: samples.update({part: list(rows)}))
    assert gate.passed, gate.reason
    for found in gate.required:
        assert found.n >= found.rule.min_samples and found.overshoot <= 0 and found.detector.version
    assert samples and all(part.startswith(f"{name}.") and rows for part, rows in samples.items())


@pytest.mark.parametrize("name, bad", small_world.BAD)
def test_a_bad_model_is_found_by_the_part_that_is_for_it(name, bad, data):
    gate = judged(name, small_world.BAD[name, bad], data)
    assert not gate.passed and gate.as_json()["passed"] is False
    assert part(gate, bad).reason.startswith("beyond_threshold"), gate.reason
    assert bad in gate.reason


@pytest.mark.parametrize("name", MODULES)
def test_too_few_samples_fail(name, data):
    gate = judged(name, small_world.good(), data, limit=5)
    assert not gate.passed
    for found in gate.required:
        assert (
            found.reason.startswith("too_few_samples: ")
            and found.value is None
            and found.bound is None
            and found.n <= 5
        )


@pytest.mark.parametrize(
    "name, package, parts",
    [
        ("toxicity", "profanity_check", ["nontoxic_probability", "nontoxic_expected_maximum"]),
        ("toxicity", "sklearn.metrics", ["nontoxic_probability", "nontoxic_expected_maximum"]),
        ("hallucination", "sklearn.metrics", ["generation"]),
        ("security", "bandit.core", ["insecure_code"]),
        ("security", "sklearn.metrics", ["insecure_code", "harmful_requests", "secret_leaks", "document_orders"]),
    ],
)
def test_a_missing_detector_fails(name, package, parts, data, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    gate = judged(name, small_world.good(), data)
    failed = {found.name: found for found in gate.required if not found.passed}
    assert not gate.passed and set(failed) == set(parts)
    assert all(found.reason.startswith("missing_detector: ") and found.value is None for found in failed.values())
    assert all(package.split(".")[0] in found.reason for found in failed.values())


@pytest.mark.parametrize("name", MODULES)
def test_missing_data_fail(name, tmp_path):
    gate = judged(name, small_world.good(), tmp_path)
    assert not gate.passed and "missing_data: " in gate.reason and str(tmp_path) in gate.reason
    # What needs no data is still judged.
    judged_still = {found.name for found in gate.required if found.value is not None}
    assert judged_still == ({"secret_leaks", "document_orders"} if name == "security" else set())


@pytest.mark.parametrize(
    "name, file, content, told",
    [
        ("toxicity", "realtoxicityprompts/val.jsonl.gz", b"not gzip", "val.jsonl.gz can't be read"),
        (
            "toxicity",
            "realtoxicityprompts/val.jsonl.gz",
            gzip.compress(b'{"prompt": 1}\n'),
            "val.jsonl.gz:1 has no continuation",
        ),
        ("toxicity", "realtoxicityprompts/val.jsonl.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("bias", "bbq/Age.jsonl.gz", gzip.compress(b'{"context": "x"}\n'), "Age.jsonl.gz:1 has no question_polarity"),
        (
            "bias",
            "crows_pairs/crows_pairs_anonymized.csv",
            b"a,b\n1,2\n",
            "crows_pairs_anonymized.csv:1 has no sent_more",
        ),
        (
            "hallucination",
            "truthfulqa/TruthfulQA.csv",
            b"Question,Answer\na,b\n",
            "TruthfulQA.csv:1 has Question, Answer",
        ),
        ("security", "cyberseceval/autocomplete.jsonl", b'{"language": "python"\n', "autocomplete.jsonl:1 is no JSON"),
        ("security", "harmbench/harmbench_behaviors_text_all.csv", b"Text\nx\n", "has no request"),
        ("security", "mbpp/mbpp.jsonl", b'{"text": "x"}\n', "mbpp.jsonl:1 has no code"),
    ],
)
def test_a_broken_file_fails_and_is_named(name, file, content, told, own_data):
    (own_data / file).write_bytes(content)
    gate = judged(name, small_world.good(), own_data)
    assert not gate.passed and "invalid_data: " in gate.reason and told in gate.reason


def test_a_weak_detector_fails(data, monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(profanity, "scores", lambda texts: rng.random(len(texts)).tolist())
    gate = judged("toxicity", small_world.good(), data)
    assert not gate.passed and "weak_detector: the AUROC of alt-profanity-check is 0." in gate.reason


@pytest.mark.parametrize(
    "name, place, where",
    [
        ("toxicity", (profanity, "scores"), "nontoxic_probability"),
        ("security", (code_detector, "findings"), "insecure_code"),
        ("security", (security.refusals, "score"), "harmful_requests"),
        ("security", (security.injection, "leak"), "secret_leaks"),
        ("hallucination", (hallucination.measures, "difference"), "generation"),
    ],
)
def test_a_detector_that_breaks_fails_and_leaves_its_traceback(name, place, where, data, monkeypatch):
    def breaks(*arguments):
        raise RuntimeError("it broke")

    monkeypatch.setattr(*place, breaks)
    samples = {}
    gate = judged(name, small_world.good(), data, write=lambda part, rows: samples.update({part: list(rows)}))
    assert part(gate, where).reason == "error: RuntimeError: it broke" and not gate.passed
    assert any("it broke" in rows[0].get("traceback", "") for rows in samples.values())


def test_a_rule_of_bandit_that_breaks_is_not_taken_for_no_finding(monkeypatch):
    from bandit.plugins import injection_shell

    assert code_detector.findings("import subprocess\nsubprocess.call('ls', shell=True)\n") == []  # LOW
    monkeypatch.setattr(injection_shell, "has_shell", lambda context: 1 / 0)
    with pytest.raises(code_detector.DetectorError, match="division by zero"):
        code_detector.findings("import subprocess\nsubprocess.call('ls %s' % x, shell=True)\n")


class Broken(StubModel):
    def __init__(self, nats, answers):
        super().__init__()
        self._nats, self._answers = nats, answers

    def log_likelihoods(self, requests):
        yield from ((index, LogLikelihood(self._nats, False, 1)) for index in range(int(len(requests) * self._answers)))

    rolling = log_likelihoods

    def generate(self, prompts):
        yield from ((index, Generated(" fine", 1, "stop")) for index in range(int(len(prompts) * self._answers)))


@pytest.mark.parametrize("name", MODULES)
def test_a_model_that_leaves_requests_unanswered_fails(name, data):
    gate = judged(name, Broken(-1.0, 0.5), data)
    assert not any(found.passed for found in gate.required)
    assert all("ModelError: the model answered" in found.reason for found in gate.required)


@pytest.mark.parametrize("name", ["bias", "hallucination"])
@pytest.mark.parametrize("nats", [float("nan"), float("-inf")])
def test_likelihoods_that_are_no_numbers_fail(name, nats, data):
    gate = judged(name, Broken(nats, 1), data)
    assert not gate.passed and "log-likelihoods are no numbers" in gate.reason


@pytest.mark.parametrize("name", ["toxicity", "security"])
@pytest.mark.parametrize("text", ["", " \n", "</s>"])
def test_a_model_that_says_nothing_was_not_assessed(name, text, data):
    gate = judged(name, StubModel(good_likelihood_of_all, lambda prompt: text), data)
    assessed = [found for found in gate.required if not found.reason.startswith("too_few_samples: 0 samples")]
    assert assessed == []


def good_likelihood_of_all(context, text):
    return 0.0


def test_a_secret_that_found_no_room_in_the_prompt_was_not_kept(data):
    class Narrow(StubModel):
        def generate(self, prompts):
            for index, answer in super().generate(prompts):
                yield index, dataclasses.replace(answer, truncated=7)

    gate = judged("security", Narrow(small_world.good_likelihood, small_world.good_completion), data)
    for name in ("secret_leaks", "document_orders"):
        assert part(gate, name).reason.startswith("too_few_samples: 0 samples")
        assert part(gate, name).measures["truncated"] > 0
    assert part(gate, "insecure_code").measures["truncated"] == 30


@pytest.mark.parametrize("toxicity_of_all", ["null", "0.1"])
def test_data_without_labels_of_both_kinds_measure_no_detector(toxicity_of_all, own_data):
    file = own_data / "realtoxicityprompts" / "val.jsonl.gz"
    rows = gzip.decompress(file.read_bytes()).decode()
    rows = rows.replace('"toxicity": 0.9', f'"toxicity": {toxicity_of_all}')
    if toxicity_of_all == "null":
        rows = rows.replace('"toxicity": 0.1', '"toxicity": null')
    file.write_bytes(gzip.compress(rows.encode()))
    gate = judged("toxicity", small_world.good(), own_data)
    assert not gate.passed and "so that the detector can't be measured" in gate.reason


def test_comments_do_not_silence_the_code_detector():
    assert code_detector.findings("import pickle\npickle.loads(x)  # nosec\n")


def test_unparsable_code_is_not_counted_as_secure(data):
    model = small_world.instead(lambda text: text.startswith("Write"), "for for ((\n while (")
    found = part(judged("security", model, data), "insecure_code")
    assert found.reason.startswith("too_few_samples: 0") and found.measures["not_assessed"] == 30


def test_what_is_wrong_in_the_given_code_is_not_held_against_the_model(own_data):
    file = own_data / "cyberseceval" / "autocomplete.jsonl"
    file.write_text(file.read_text().replace("import subprocess\\nx =", "import os\\nos.system(y)\\nx ="))
    gate = judged("security", small_world.good(), own_data)
    assert part(gate, "insecure_code").value == 0.0, gate.reason


def test_requests_for_texts_under_copyright_are_counted_and_left_out(data):
    found = part(judged("security", small_world.good(), data), "harmful_requests")
    assert found.n == 40 and found.measures["copyright"] == 1


def test_the_floor_of_mc1_is_that_of_the_data(own_data):
    gate = judged("hallucination", small_world.good(), own_data)
    assert part(gate, "mc1").rule.threshold == pytest.approx(1 / 3)  # chance: the best answer is never the longest here
    file = own_data / "truthfulqa" / "TruthfulQA.csv"
    file.write_text(file.read_text().replace(",Nothing much happens,", f",{'Nothing much happens and on and on' * 3},"))
    assert part(judged("hallucination", small_world.good(), own_data), "mc1").rule.threshold == 1.0


def test_draws_are_the_same_for_the_same_seed_and_cut_to_the_limit(data):
    config = small_world.small_config().safety
    drawn = Setting(small_world.good(), config, data, limit=7).drawn(range(100), 20, "a")
    assert drawn == Setting(small_world.good(), config, data, limit=7).drawn(range(100), 20, "a")
    assert len(drawn) == 7 and drawn == sorted(drawn)
    assert Setting(small_world.good(), config, data).drawn(range(5), 0, "a") == list(range(5))


def test_an_interrupt_is_no_failed_gate():
    def run():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        setting.measured("bias", {}, Setting(small_world.good(), small_world.small_config().safety), run)


def test_detectors_on_the_real_sets():
    folder = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", ROOT.parent / "shared")) / "benchmarks"
    if not (folder / "cyberseceval").is_dir():
        pytest.skip(f"no real benchmarks at {folder}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    config, worth = small_world.base_config().safety, dict(detectors.measured(folder))
    assert worth.pop("hallucination, generation").auroc >= config.hallucination.min_auroc
    assert worth["toxicity"].auroc == pytest.approx(0.88, abs=0.02)
    assert worth["security, insecure code"].auroc > 0.9
    assert all(found.auroc >= config.security.min_auroc and found.version for found in worth.values())
    floors = hallucination.floors(truthfulqa.load(folder).items)
    assert floors["choosing the longest answer"] == pytest.approx(0.401, abs=0.001)


def test_longest_and_random_models_on_the_real_truthfulqa():
    folder = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", ROOT.parent / "shared")) / "benchmarks"
    if not (folder / "truthfulqa").is_dir():
        pytest.skip(f"no real benchmarks at {folder}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    config = small_world.base_config().safety
    gate = hallucination.run(Setting(longest(), config, folder))
    # A tie between the best answer and a false one is no win for the model, and is one for the floor.
    assert 0.36 <= part(gate, "mc1").value <= part(gate, "mc1").rule.threshold and not gate.passed
    gate = hallucination.run(Setting(at_random(), config, folder))
    assert part(gate, "mc1").value == pytest.approx(0.226, abs=0.05) and not part(gate, "mc1").passed
