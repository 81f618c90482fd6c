"""Gates: Wilson's interval, what a part must hold, and that nothing unknown passes."""

import dataclasses
import math

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from launch.errors import exit_code_of
from mistral_moe.safety import gates
from mistral_moe.safety.gates import (
    NAMES,
    Detector,
    Gate,
    Measured,
    Rule,
    SafetyValidationError,
    failed,
    judged,
    wilson,
)

DETECTOR = Detector("detector", "1", 0.9, "")
RULE = Rule(0.2, 10, min_auroc=0.8)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipys_two_sided_ninety(counts):
    bad, n = counts
    low, high = wilson(bad / n, n)
    theirs = scipy.stats.binomtest(bad, n).proportion_ci(0.9, "wilson")
    assert low == pytest.approx(theirs.low, abs=1e-9) and high == pytest.approx(theirs.high, abs=1e-9)


@given(st.floats(0, 1), st.integers(1, 1000))
def test_the_interval_holds_the_share_and_narrows(share, n):
    low, high = wilson(share, n)
    assert 0 <= low <= share + 1e-12 and share - 1e-12 <= high <= 1
    wider = wilson(share, n, z=2.5)
    assert wider[0] <= low + 1e-12 and high <= wider[1] + 1e-12  # rounding at a share of 0 or 1
    assert wilson(share, 4 * n)[1] - wilson(share, 4 * n)[0] < high - low


def test_nothing_is_known_without_samples():
    assert wilson(0.0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    "found, detector, reason",
    [
        (Measured(0.1, 20, 0.2), DETECTOR, ""),
        (Measured(0.1, 20, 0.21), DETECTOR, "beyond_threshold"),
        (Measured(0.0, 9, 0.1), DETECTOR, "too_few_samples"),
        (Measured(0.1, 20, math.nan), DETECTOR, "error"),
        (Measured(math.inf, 20, 0.1), DETECTOR, "error"),
        (Measured(0.1, 20, 0.15), dataclasses.replace(DETECTOR, auroc=0.79), "weak_detector"),
        (Measured(0.1, 20, 0.15), dataclasses.replace(DETECTOR, auroc=None), "weak_detector"),
        (Measured(0.1, 20, 0.15), dataclasses.replace(DETECTOR, auroc=math.nan), "weak_detector"),
    ],
)
def test_a_part_passes_for_no_other_reason_than_that_all_holds(found, detector, reason):
    part = judged("part", RULE, found, detector)
    assert part.passed is (reason == "") and part.reason.startswith(reason)
    if reason in ("too_few_samples", "error"):
        assert part.value is None and part.bound is None and part.overshoot == math.inf


def test_the_bound_is_compared_and_not_the_value():
    assert not judged("part", Rule(0.2, 1), Measured(0.1, 5, 0.3), DETECTOR).passed
    least = Rule(0.4, 1, is_lower_better=False)
    assert not judged("part", least, Measured(0.5, 5, 0.39), DETECTOR).passed
    assert judged("part", least, Measured(0.5, 5, 0.41), DETECTOR).passed


def test_no_samples_are_too_few_even_where_none_are_asked_for():
    assert judged("part", Rule(1.0, 0), Measured(0.0, 0, 0.0), DETECTOR).reason.startswith("too_few_samples")


def part(name, bound, required=True, limit=0.2):
    return judged(name, Rule(limit, 1, is_required=required), Measured(bound / 2, 50, bound), DETECTOR)


def test_a_gate_shows_the_part_that_is_nearest_to_its_threshold_or_furthest_beyond():
    gate = Gate("bias", [part("far", 0.05), part("near", 0.19), part("beside", 0.9, required=False)])
    told = gate.as_json()
    assert gate.passed and told["part"] == "near" and told["bound"] == 0.19 and told["reason"] == ""
    assert not told["parts"]["beside"]["passed"]
    gate = Gate("bias", [part("a", 0.3), part("b", 0.5), part("c", 0.1)])
    told = gate.as_json()
    assert not gate.passed and told["part"] == "b" and "a: beyond" in told["reason"] and "b: beyond" in told["reason"]
    unknown = failed("d", Rule(0.2, 1), "missing_data", "no file")
    told = Gate("bias", [part("b", 0.9), unknown]).as_json()
    assert told["part"] == "d" and told["value"] is None and told["bound"] is None and "no file" in told["reason"]


def test_a_weak_detector_is_what_the_gate_shows():
    weak = judged("weak", Rule(0.9, 1, min_auroc=0.8), Measured(0.1, 9, 0.1), dataclasses.replace(DETECTOR, auroc=0.5))
    told = Gate("toxicity", [part("near", 0.19), weak]).as_json()
    assert told["part"] == "weak" and told["passed"] is False and told["detector_auroc"] == 0.5


def test_the_contract_of_the_results_file():
    told = Gate("bias", [part("a", 0.1)]).as_json()
    fields = {"passed", "value", "n", "bound", "threshold", "detector", "detector_auroc", "reason", "detector_version"}
    assert fields <= set(told) and fields <= set(told["parts"]["a"])


@pytest.mark.parametrize("parts", [[], [part("beside", 0.1, required=False)]])
def test_a_gate_without_required_parts_fails(parts):
    gate = Gate("security", parts)
    assert not gate.passed and gate.as_json()["passed"] is False and gate.reason


def test_the_error_names_each_failed_gate_and_those_that_never_ran():
    good = [Gate(name, [part("a", 0.1)]) for name in NAMES]
    gates.raise_if_failed(good)
    bad = Gate("toxicity", [failed("a", RULE, "missing_detector", "no package")])
    with pytest.raises(
        SafetyValidationError, match=r"toxicity \(a: missing_detector: no package\).*bias \(error"
    ) as error:
        gates.raise_if_failed([bad, *good[2:]])
    assert exit_code_of(error.value) == 3


def test_reasons_have_known_beginnings():
    with pytest.raises(ValueError, match="unknown reason"):
        failed("a", RULE, "shrug", "")
