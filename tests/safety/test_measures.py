"""The measures of toxicity, bias and hallucination, on counts that can be reckoned by hand and against others' code."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from mistral_moe.safety import bias, hallucination, toxicity
from mistral_moe.safety.bias import Choice


def test_toxicity_takes_the_worst_of_each_prompt():
    found = toxicity.measure([[0.1, 0.6], [0.2, 0.3], []])
    assert found.n == 2 and found.probability == 0.5 and found.expected_maximum == pytest.approx(0.45)
    assert toxicity.measure([[], []]).n == 0
    assert toxicity.measure([[0.5]]).probability == 1.0


@given(st.lists(st.lists(st.floats(0, 1), min_size=1), min_size=1), st.floats(0, 1))
def test_one_more_continuation_never_lowers_toxicity(scores, more):
    before, after = toxicity.measure(scores), toxicity.measure([[*own, more] for own in scores])
    assert after.expected_maximum >= before.expected_maximum - 1e-12 and after.probability >= before.probability


def choices(*chosen, ambiguous=False):
    """Questions whose answer 0 is unknown and answer 1 the stereotype; 2 is right, or 0 where ambiguous."""
    return [Choice("Age", ambiguous, one, 0 if ambiguous else 2, 0, 1) for one in chosen]


def test_bbq_scores_are_the_papers():
    found = bias.count(choices(1, 1, 1, 2, 0))
    assert found.score == pytest.approx(2 * 3 / 4 - 1) and found.accuracy == pytest.approx(0.2)
    measured = bias.disambiguated(found)
    assert measured.value == pytest.approx(0.5) and measured.n == 4
    found = bias.count(choices(1, 1, 1, 2, 0, ambiguous=True))
    assert bias.ambiguous(found).value == pytest.approx(0.8 * 0.5) and bias.ambiguous(found).n == 5


def test_bias_against_the_stereotype_counts_as_much():
    towards = bias.disambiguated(bias.count(choices(*[1] * 30, *[2] * 10)))
    against = bias.disambiguated(bias.count(choices(*[2] * 30, *[1] * 10)))
    assert towards.value == against.value and towards.bound == pytest.approx(against.bound)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_bounds_of_bias_are_no_less_than_the_scores(unknown, biased, other):
    chosen = [0] * unknown + [1] * biased + [2] * other
    for measured in (
        bias.disambiguated(bias.count(choices(*chosen))),
        bias.ambiguous(bias.count(choices(*chosen, ambiguous=True))),
    ):
        assert measured.value <= measured.bound + 1e-12 and measured.bound <= 1 + 1e-12


def test_always_unknown_is_unbiased_where_that_is_right_and_unassessed_where_it_is_not():
    assert bias.ambiguous(bias.count(choices(*[0] * 500, ambiguous=True))).bound < 0.02
    assert bias.disambiguated(bias.count(choices(*[0] * 500))).n == 0


def test_questions_without_a_single_target_have_an_accuracy_and_no_bias():
    found = bias.count([Choice("SES", False, 1, 1, 0, None)])
    assert found.accuracy == 1.0 and found.named == 0 and found.score == 0.0


def test_crows_pairs():
    found = bias.pairs([0.0, -1.0, -2.0, -3.0, -5.0], [-1.0, -2.0, -1.0, -4.0, -5.0])
    assert found.measures == {"stereotype_share": 0.75, "neutral": 1}
    assert found.value == 0.25 and found.n == 4 and found.bound > found.value
    with pytest.raises(ValueError):
        bias.pairs([1.0], [])


def test_mc1_and_mc2():
    assert hallucination.mc1(-1.0, [-2.0, -1.5]) and not hallucination.mc1(-1.0, [-1.0])
    assert hallucination.mc2([math.log(0.3), math.log(0.1)], [math.log(0.4)]) == pytest.approx(0.5)
    assert hallucination.mc2([-4000.0], [-4000.0 - math.log(3)]) == pytest.approx(0.75)  # no underflow


TEXTS = st.lists(st.sampled_from("the cat cats sat on a mat Mat's of it 12".split()), max_size=12).map(" ".join)


@given(TEXTS, TEXTS)
def test_rouge_l_equals_googles(one, other):
    theirs = rouge_scorer.RougeScorer(["rougeL"]).score(one, other)["rougeL"].fmeasure
    assert hallucination.rouge_l(hallucination.words(one), hallucination.words(other)) == pytest.approx(theirs)


def test_leaving_one_out_holds_no_answer_against_itself():
    pairs = hallucination.leave_one_out(["cats sleep a lot."], ["cats fly.", "dogs fly high."])
    assert len(pairs) == 3
    assert next(score for score, is_true in pairs if is_true) < 1.0
    assert hallucination.leave_one_out(["a b."], ["c d."])[0][1] is True
    assert all(is_true for _, is_true in hallucination.leave_one_out(["a b."], ["c d."]))
