"""VQA's normalisation by its rules, and the accuracy over ten leave-one-out subsets."""

import itertools

import pytest

from mistral_moe.evaluation import vqa_accuracy


@pytest.mark.parametrize(
    "answer, expected",
    [
        ("Yes.", "yes"),
        ("The two dogs", "2 dogs"),
        ("none", "0"),
        ("100,978", "100978"),
        ("2:50 pm", "2:50 pm"),
        ("3.5", "3.5"),
        ("5.", "5"),
        ("girl's", "girl's"),
        ("dont", "don't"),
        ("its", "its"),
        ("black/white", "black white"),
        ("black, white", "black white"),
        ("yes!\n", "yes"),
        (" an  Apple ", "apple"),
    ],
)
def test_answers_are_normalised_by_the_rules(answer, expected):
    assert vqa_accuracy.normalised(answer) == expected
    assert vqa_accuracy.normalised(expected) == expected


@pytest.mark.parametrize("same", range(11))
def test_accuracy_is_the_mean_over_leave_one_out_subsets(same):
    people = ["yes"] * same + ["no"] * (10 - same)
    subsets = itertools.combinations(people, 9)
    expected = sum(min(subset.count("yes") / 3, 1) for subset in subsets) / 10
    assert vqa_accuracy.accuracy("Yes!", people) == pytest.approx(expected)


def test_accuracy_needs_two_people():
    with pytest.raises(ValueError, match="at least two"):
        vqa_accuracy.accuracy("yes", ["yes"])
