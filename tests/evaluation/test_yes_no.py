"""POPE's metrics against scikit-learn and by hand."""

import random

import pytest
import sklearn.metrics

from mistral_moe.evaluation import yes_no


def test_metrics_are_those_of_scikit_learn():
    rng = random.Random(1)
    labels = [rng.random() < 0.4 for _ in range(300)]
    said = [label if rng.random() < 0.7 else not label for label in labels]
    found = yes_no.measure(said, labels)
    assert found.accuracy == pytest.approx(sklearn.metrics.accuracy_score(labels, said))
    assert found.precision == pytest.approx(sklearn.metrics.precision_score(labels, said))
    assert found.recall == pytest.approx(sklearn.metrics.recall_score(labels, said))
    assert found.f1 == pytest.approx(sklearn.metrics.f1_score(labels, said))
    assert found.yes_rate == pytest.approx(sum(said) / 300)


def test_always_yes_is_half_right_and_neither_is_always_wrong():
    assert yes_no.measure([True] * 4, [True, False] * 2) == yes_no.YesNo(0.5, 0.5, 1.0, 2 / 3, 1.0, 0, 4)
    assert yes_no.measure([None, None], [True, False]) == yes_no.YesNo(0.0, 0.0, 0.0, 0.0, 0.0, 2, 2)


def test_labels_of_other_number_are_an_error():
    with pytest.raises(ValueError, match="1 predictions for 2"):
        yes_no.measure([True], [True, False])
    with pytest.raises(ValueError):
        yes_no.measure([], [])


@pytest.mark.parametrize(
    "text, said", [("Yes, there is.", True), ("I think NO.", False), ("no yes", False), ("maybe", None), ("", None)]
)
def test_the_first_of_the_two_words_is_the_answer(text, said):
    assert yes_no.read(text) is said
