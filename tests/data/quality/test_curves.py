"""Curves: exact at the thresholds in force, the same in whichever order and parts the documents come."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Reject
from data.processors import rules
from data.processors.rules import Edit, Profile, Rule
from data.processors.view import DocView
from data.quality.curves import CurveAccumulator, CurveError, edges_of


def _length(view):
    return len(view.text)


def _spaces(view):
    return view.text.count(" ") / len(view.text) if view.text else math.nan


def _same(view):
    return view.text


PROFILE = Profile(
    "p",
    (
        Rule("too_short", _length, low=10, span=(1, 1000)),
        Edit("edit", _same),
        Rule("spaces", _spaces, high=0.3),
        Rule("size", _length, low=5, high=50, span=(0, 100)),
    ),
)


def _texts(count, seed=1):
    rng = random.Random(seed)
    return ["".join(rng.choice("ab ") for _ in range(rng.randrange(0, 90))) for _ in range(count)]


def _measures(text):
    return rules.measures(DocView(Document(text, "language", "s", "MIT")), PROFILE)


def test_at_the_threshold_in_force_the_share_is_what_the_rule_keeps():
    texts = _texts(300)
    curves = CurveAccumulator(PROFILE)
    for text in texts:
        curves.add(_measures(text))
    for rule in curves.rules():
        exact = sum(rule.keeps(_measures(text)[rule.name]) for text in texts) / len(texts)
        bound = rule.low if math.isfinite(rule.low) else rule.high
        assert curves.kept_share(rule.name, bound) == pytest.approx(exact), rule.name


def test_every_edge_is_exact_and_what_lies_between_is_near():
    texts = _texts(2000)
    curves = CurveAccumulator(PROFILE)
    for text in texts:
        curves.add(_measures(text))
    lengths = [len(text) for text in texts]
    edges = edges_of(PROFILE.steps[3])
    for threshold in [*edges, 33.3, 17.7]:
        exact = sum(threshold <= length <= 50 for length in lengths) / len(lengths)
        assert abs(curves.kept_share("size", threshold) - exact) < (1e-12 if threshold in edges else 0.02)


def test_parts_add_up_in_any_order_and_survive_json():
    texts = _texts(200)
    whole, parts = CurveAccumulator(PROFILE), [CurveAccumulator(PROFILE) for _ in range(3)]
    for text in texts:
        whole.add(_measures(text))
    shuffled = random.Random(2).sample(texts, len(texts))
    for place, text in enumerate(shuffled):
        parts[place % 3].add(_measures(text))
    merged = CurveAccumulator(PROFILE)
    for part in reversed(parts):
        merged.merge(CurveAccumulator.from_json(PROFILE, json.loads(json.dumps(part.to_json()))))
    assert merged.to_json() == whole.to_json() != {}
    assert merged.count("size") == 200


def test_rules_without_documents_are_left_out_and_keep_nothing():
    curves = CurveAccumulator(PROFILE)
    assert curves.rules() == [] and curves.kept_share("size", 3) == 0 and curves.to_json() == {}
    curves.add({"size": 7})
    assert [rule.name for rule in curves.rules()] == ["size"]


def test_nan_is_never_kept_and_infinities_count():
    curves = CurveAccumulator(PROFILE)
    for value in (math.nan, math.inf, -math.inf, 0.1):
        curves.add({"spaces": value})
    assert curves.kept_share("spaces", 0.3) == 0.5
    assert curves.kept_share("spaces", math.inf) == 0.75
    for value in (math.inf, 2000.0, 3.0):
        curves.add({"too_short": value})
    assert curves.kept_share("too_short", 10) == pytest.approx(2 / 3)
    assert curves.kept_share("too_short", 0) == 1


def test_what_does_not_belong_is_refused():
    curves = CurveAccumulator(PROFILE)
    with pytest.raises(CurveError, match="no rule 'other'"):
        curves.add({"other": 1.0})
    with pytest.raises(CurveError, match="other"):
        CurveAccumulator.from_json(PROFILE, {"other": {"1": 2}})
    with pytest.raises(CurveError, match="bin"):
        CurveAccumulator.from_json(PROFILE, {"size": {"9999": 2}})
    moved = Profile("p", (Rule("too_short", _length, low=11, span=(1, 1000)),))
    with pytest.raises(CurveError, match="thresholds"):
        curves.merge(CurveAccumulator(moved))
    with pytest.raises(KeyError):
        curves.kept_share("other", 1)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30), st.floats(-5, 2000), st.floats(-5, 2000))
def test_shares_lie_in_0_to_1_and_fall_as_rules_get_stricter(values, one, other):
    curves = CurveAccumulator(PROFILE)
    for value in values:
        curves.add({"too_short": value, "spaces": value})
    low, high = min(one, other), max(one, other)
    assert 0 <= curves.kept_share("too_short", high) <= curves.kept_share("too_short", low) + 1e-12 <= 1 + 1e-12
    assert 0 <= curves.kept_share("spaces", low) <= curves.kept_share("spaces", high) + 1e-12 <= 1 + 1e-12


def test_every_profile_of_every_processor_has_curves():
    from data.processors import code
    from data.processors import math as math_processor

    for module in (code, math_processor):
        for name, profile in module.PROFILES.items():
            document = Document(
                "x = 1 + 1\n" * 20, "code", "s:x", "MIT", meta={"kind": "program", "language": "python"}
            )
            curves = CurveAccumulator(profile)
            measures = module.measures(document, name)
            curves.add(measures)
            verdict = module.quality_filter(document, name)
            for rule in curves.rules():
                low, high = rule.span
                assert low < high
                bound = rule.low if math.isfinite(rule.low) else rule.high
                assert curves.kept_share(rule.name, bound) == rule.keeps(measures[rule.name])
            if isinstance(verdict, Document):
                assert all(rule.keeps(measures[rule.name]) for rule in curves.rules())
            else:
                assert isinstance(verdict, Reject)
