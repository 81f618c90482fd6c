"""Where a curve reaches a level, and how curves are told."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np

from benchmarks.learning_curves import Point, levels_table, reached, table


@st.composite
def curves(draw):
    steps = draw(st.lists(st.integers(1, 500), min_size=1, max_size=8))
    answers = np.cumsum([0, *steps]).tolist()
    solved = [draw(st.integers(0, 100)) / 100 for _ in answers]
    return [Point(count, share, count / 4) for count, share in zip(answers, solved)]


@given(curves(), st.floats(0.0, 1.0))
def test_a_level_is_reached_no_later_than_the_first_measurement_that_has_it(curve, level):
    found = reached(curve, level)
    there = [place for place, point in enumerate(curve) if point.solved >= level]
    if not there:
        assert found is None
        return
    after = curve[there[0]]
    before = curve[there[0] - 1] if there[0] else after
    assert before.answers <= found.answers <= after.answers
    assert before.seconds <= found.seconds <= after.seconds
    assert found.solved == level


@given(curves(), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_higher_level_takes_no_fewer_answers(curve, first, second):
    low, high = sorted((first, second))
    sooner, later = reached(curve, low), reached(curve, high)
    if later is not None:
        assert sooner.answers <= later.answers


def test_between_two_measurements_the_line_decides():
    curve = [Point(0, 0.2, 0.0), Point(100, 0.1, 10.0), Point(300, 0.5, 30.0)]
    assert reached(curve, 0.2) == Point(0, 0.2, 0.0)
    assert reached(curve, 0.3) == Point(200, 0.3, 20.0)
    assert reached(curve, 0.5) == Point(300, 0.5, 30.0)
    assert reached(curve, 0.6) is None


def test_the_tables_have_a_dash_where_nothing_was_measured_and_say_what_was_not_reached():
    sides = {"a": [Point(0, 0.1, 0.0), Point(2000, 0.3, 8.0)], "b": [Point(0, 0.1, 0.0), Point(1000, 0.15, 3.0)]}
    assert table(sides).splitlines()[2:] == ["| 0 | 0.100 | 0.100 |", "| 1,000 | - | 0.150 |", "| 2,000 | 0.300 | - |"]
    assert levels_table(sides, [0.2]).splitlines()[2:] == ["| 0.200 | 1,000 | 4 | not reached | - |"]
