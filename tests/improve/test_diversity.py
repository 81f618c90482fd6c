"""A collapse is seen; getting better is none."""

import math

from hypothesis import given, strategies as st
import pytest

from mistral_moe.improve.diversity import distinct, entropy, has_collapsed, measure


def _of(answers):
    return measure([[f"Solution: it is {answer}." for answer in own] for own in answers], answers)


VARIED = _of([[f"{prompt}{number}" for number in range(4)] for prompt in range(16)])


def test_one_answer_to_everything_is_a_collapse():
    assert has_collapsed(VARIED, _of([["7"] * 4] * 16), 0.5)


def test_to_be_always_right_is_none():
    # All completions of a prompt agree, and no two prompts do.
    right = _of([[str(prompt)] * 4 for prompt in range(16)])
    assert right.answers_per_prompt == 0.25 and right.answer_nats == 0 and right.self_overlap == 1
    assert not has_collapsed(VARIED, right, 0.5)


def test_the_figures_of_known_texts():
    found = measure([["a b c d", "a b c e"], ["x", "x"]], [["1", "2"], ["3", "3"]])
    assert found.distinct_1 == pytest.approx(6 / 10)
    assert found.distinct_2 == pytest.approx(4 / 6)
    # {abc, bcd} and {abc, bce} share one of three; x and x are the same.
    assert found.self_overlap == pytest.approx((1 / 3 + 1) / 2)
    assert found.answers_per_prompt == pytest.approx((1 + 0.5) / 2)
    assert found.answer_nats == pytest.approx(math.log(2) / 2)
    assert found.answer_nats_over_all == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(4))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.randoms())
def test_entropy_is_between_none_and_that_of_all_different_and_knows_no_order(values, random):
    found = entropy(values)
    assert -1e-12 <= found <= math.log(len(set(values))) + 1e-12
    assert entropy(random.sample(values, len(values))) == found
    assert entropy([]) == 0.0


def test_copies_lower_what_is_distinct():
    assert distinct(["a b", "c d"], 1) == 1.0 and distinct(["a b", "a b"], 1) == 0.5
    assert distinct(["", "a"], 2) == 0.0


@pytest.mark.parametrize("wrong", [([], []), ([[]], [[]]), ([["a"]], [["1", "2"]]), ([["a"]], [])])
def test_an_answer_a_completion_is_needed(wrong):
    with pytest.raises(ValueError, match="completion"):
        measure(*wrong)
