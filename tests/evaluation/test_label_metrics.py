import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from mistral_moe.evaluation import label_metrics

PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=30)


@hypothesis.given(PAIRS)
def test_labels_metrics_are_those_of_scikit_learn(pairs):
    golds, predictions = (list(values) for values in zip(*pairs))
    two = [min(gold, 1) for gold in golds], [min(prediction, 1) for prediction in predictions]
    assert label_metrics.f1(*two) == pytest.approx(sklearn.metrics.f1_score(*two, zero_division=0))
    assert label_metrics.matthews(*two) == pytest.approx(sklearn.metrics.matthews_corrcoef(*two))
    wanted = sklearn.metrics.f1_score(golds, predictions, labels=[0, 1, 2], average="macro", zero_division=0)
    assert label_metrics.macro_f1(golds, predictions, 3) == pytest.approx(wanted)
    assert label_metrics.accuracy(golds, predictions) == pytest.approx(
        sklearn.metrics.accuracy_score(golds, predictions)
    )


@hypothesis.given(PAIRS)
def test_correlations_are_those_of_scipy_and_0_for_constants(pairs):
    first, second = (np.array(values, float) * 0.7 for values in zip(*pairs))
    pearson, spearman = label_metrics.pearson(first, second), label_metrics.spearman(first, second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert pearson == spearman == 0
    else:
        assert pearson == pytest.approx(scipy.stats.pearsonr(first, second).statistic)
        assert spearman == pytest.approx(scipy.stats.spearmanr(first, second).statistic)


def test_a_group_is_right_only_as_a_whole():
    assert label_metrics.all_right(["a", "b", "a", "b"], [1, 0, 1, 1], [1, 0, 0, 1]) == [0.0, 1.0]


@pytest.mark.parametrize(
    "prediction, answers, exact, words",
    [
        ("The Beatles!", ["beatles"], 1, 1),
        ("John Lennon", ["Paul", "Lennon"], 0, 2 / 3),
        ("a a b", ["a b"], 1, 1),  # articles don't count
        ("x x y", ["x y y"], 0, 2 / 3),  # words count as often as both have them
        ("no", ["yes"], 0, 0),
    ],
)
def test_answers_compared_as_squad_does(prediction, answers, exact, words):
    assert label_metrics.squad_exact(prediction, answers) == exact
    assert label_metrics.squad_f1(prediction, answers) == pytest.approx(words)


@pytest.mark.parametrize(
    "output, targets, right",
    [
        (" False.", ["false"], 1),
        ("(B)", ["(B)"], 1),
        ("B", ["(B)"], 0),
        ("] ) >", ["] )"], 0),  # brackets are the answer, not punctuation to drop
        ('"two"', ["2", "two"], 1),
        ("1,000", ["1000"], 1),
        ("", ["two"], 0),
        ("False or true", ["False"], 0),
    ],
)
def test_exact_match(output, targets, right):
    assert label_metrics.exact_match(output, targets) == right


def test_bootstrap_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(1).normal(size=400)
    found = label_metrics.bootstrap_stderr(lambda drawn: values[drawn].mean(), len(values))
    assert found == pytest.approx(values.std(ddof=1) / 20, rel=0.1)
    assert found == label_metrics.bootstrap_stderr(lambda drawn: values[drawn].mean(), len(values))
    assert label_metrics.bootstrap_stderr(lambda drawn: 1.0, 1) == 0
