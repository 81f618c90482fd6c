"""The curriculum climbs by the base rule, starves no level, and is a pure function of a JSON-able state."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import curriculum
from data.curriculum import Curriculum, CurriculumError

unit = st.floats(0, 1)
score_lists = st.lists(st.lists(unit, min_size=5, max_size=5), max_size=8)
curricula = st.builds(
    Curriculum,
    kind=st.sampled_from(curriculum.KINDS),
    focus=st.floats(0.01, 100),
    rehearsal=st.floats(0, 100),
    floor=st.floats(0, 0.2),
    smoothing=st.floats(0, 0.99),
    total_steps=st.integers(1, 10),
)


def run(subject, scores, state=None):
    state = subject.init() if state is None else state
    for step, row in enumerate(scores, start=state["step"] + 1):
        state = subject.update(state, row, step)
    return state


@settings(max_examples=150, deadline=None)
@given(subject=curricula, scores=score_lists)
def test_weights_sum_to_one_and_none_is_below_the_floor(subject, scores):
    state = run(subject, scores)
    for weights in [subject.weights(state), *(entry["weights"] for entry in state["history"])]:
        assert len(weights) == 5 and abs(sum(weights) - 1) < 1e-12 and min(weights) >= subject.floor - 1e-15
    assert len(state["history"]) == len(scores)
    assert [entry["scores"] for entry in state["history"]] == scores


@settings(max_examples=80, deadline=None)
@given(subject=curricula, scores=score_lists, cut=st.integers(0, 8))
def test_resumed_through_json_takes_the_same_decisions(subject, scores, cut):
    halfway = run(subject, scores[:cut])
    untouched = json.dumps(halfway)
    resumed = run(subject, scores[cut:], json.loads(untouched))
    assert resumed == run(subject, scores)
    assert json.dumps(halfway) == untouched


@settings(max_examples=200, deadline=None)
@given(performance=unit, other=unit)
def test_base_rule_is_exact_and_monotone(performance, other):
    low, high = sorted((performance, other))
    assert curriculum.level_of_performance(performance) == min(int(performance * 5), 4)
    assert curriculum.level_of_performance(low) <= curriculum.level_of_performance(high)
    state = Curriculum(smoothing=0.0).update(Curriculum().init(), [performance] * 5, 1)
    assert (state["performance"], state["level"]) == (performance, min(int(performance * 5), 4))


@settings(max_examples=100, deadline=None)
@given(scores=st.lists(st.tuples(unit, unit), min_size=1, max_size=6), smoothing=st.floats(0, 0.99))
def test_a_model_that_scores_better_everywhere_is_never_at_a_lower_level(scores, smoothing):
    subject = Curriculum(smoothing=smoothing)
    worse = run(subject, [[min(pair)] * 5 for pair in scores])
    better = run(subject, [[max(pair)] * 5 for pair in scores])
    assert all(a["level"] <= b["level"] for a, b in zip(worse["history"], better["history"]))


@pytest.mark.parametrize(
    "performance,level", [(0, 0), (0.19, 0), (0.2, 1), (0.4, 2), (0.6, 3), (0.8, 4), (0.99, 4), (1, 4)]
)
def test_levels_at_their_bounds(performance, level):
    assert curriculum.level_of_performance(performance) == level


def test_current_level_has_the_focus_earlier_ones_share_the_rehearsal():
    subject = Curriculum(focus=0.6, rehearsal=0.4, floor=0.0)
    assert subject.weights(subject.init()) == (1.0, 0.0, 0.0, 0.0, 0.0)
    assert subject.weights(subject.init() | {"level": 2}) == pytest.approx((0.2, 0.2, 0.6, 0.0, 0.0))
    floored = Curriculum(focus=0.6, rehearsal=0.4, floor=0.1)
    assert floored.weights(subject.init() | {"level": 2}) == pytest.approx((0.2, 0.2, 0.4, 0.1, 0.1))


def test_performance_is_smoothed_at_the_current_level_only():
    subject = Curriculum(smoothing=0.5)
    state = subject.update(subject.init(), [0.5, 0.0, 0.0, 0.0, 0.0], 10)
    assert (state["performance"], state["level"]) == (0.5, 2)
    state = subject.update(state, [1.0, 1.0, 0.1, 1.0, 1.0], 20)
    assert (state["performance"], state["level"]) == (pytest.approx(0.3), 1)


def test_fixed_goes_by_steps_and_uniform_draws_all_alike():
    fixed = Curriculum(kind="fixed", total_steps=100)
    levels = [fixed.update(fixed.init(), [0.0] * 5, step)["level"] for step in (0, 19, 20, 59, 80, 100, 500)]
    assert levels == [0, 0, 1, 2, 4, 4, 4]
    uniform = Curriculum(kind="uniform")
    assert uniform.weights(uniform.update(uniform.init(), [0.9] * 5, 1)) == (0.2,) * 5


def test_errors_name_the_option():
    for options in (
        {"kind": "random"},
        {"focus": 0.0},
        {"focus": float("nan")},
        {"rehearsal": -1.0},
        {"floor": 0.21},
        {"floor": -0.1},
        {"smoothing": 1.0},
        {"kind": "fixed", "total_steps": 0},
    ):
        with pytest.raises(CurriculumError, match=f"option {list(options)[-1]}="):
            Curriculum(**options)
    subject = Curriculum()
    for scores in ([0.5] * 4, [0.5] * 4 + [1.1], [0.5] * 4 + [float("nan")]):
        with pytest.raises(CurriculumError, match="5 numbers"):
            subject.update(subject.init(), scores, 1)
    with pytest.raises(CurriculumError, match="step 3 lies before"):
        subject.update(subject.update(subject.init(), [0.5] * 5, 4), [0.5] * 5, 3)
    for state in ({}, {"level": 0}, subject.init() | {"level": 7}):
        with pytest.raises(CurriculumError, match="not a curriculum's state"):
            subject.weights(state)


def test_progress_draws_what_gains_and_is_even_before_anything_gained():
    subject = Curriculum(kind="progress", floor=0.02, smoothing=0.5)
    state = run(subject, [[0.1] * 5])
    assert subject.weights(state) == pytest.approx([0.2] * 5)
    state = run(subject, [[0.1, 0.4, 0.1, 0.0, 0.1], [0.1, 0.4, 0.2, 0.0, 0.1]], state)
    # Gains, smoothed by a half: 0.3 / 4 of the second level, 0.1 / 2 of the third; losses count as none.
    assert subject.weights(state) == pytest.approx([0.02, 0.02 + 0.9 * 0.6, 0.02 + 0.9 * 0.4, 0.02, 0.02])
    assert list(subject.weights(state)) == state["history"][-1]["weights"]
