import random

import pytest

from launch.evaluation import lm_eval_tasks, task_scores
from launch.evaluation.lm_eval_tasks import Job
from tests.evaluation import stubs


def scored(metric, documents, likelihood):
    answers, _ = lm_eval_tasks.run(stubs.StubModel(likelihood), [Job("t", documents)])
    return task_scores.score("t", metric, documents, answers["t"])


def _document(name, choices, gold, **more):
    return {"id": name, "query": name, "choices": choices, "gold": gold} | more


@pytest.mark.parametrize("metric", ["acc", "acc_norm"])
def test_output_is_the_target_just_where_the_score_is_one(metric):
    rng = random.Random(1)
    documents = [
        _document(str(n), ["x" * rng.randint(1, 9) + str(i) for i in range(4)], rng.randrange(4)) for n in range(200)
    ]
    score = scored(metric, documents, lambda context, text: -rng.random() * 4 - len(text))
    assert [sample["score"] for sample in score.samples] == [float(s["output"] == s["target"]) for s in score.samples]
    assert score.value == score.others[metric] and score.others["acc"] != score.others["acc_norm"]
    assert score.value == pytest.approx(sum(score.values) / 200)


def test_credits_are_earned_in_part():
    documents = [_document("p", ["a", "b"], 0, credits=[1.0, 0.25]), _document("q", ["a", "b"], 0, credits=[1.0, 0.25])]
    score = scored("credit", documents, lambda context, text: float((context, text) in (("p", " a"), ("q", " b"))))
    assert score.value == pytest.approx(0.625) and score.floor.value == 1.0


def test_similarity_is_the_mean_of_both_correlations():
    ratings = [str(rating) for rating in range(6)]
    documents = [_document(str(n), ratings, n, similarity=float(n)) for n in range(6)]
    # Rates n as n^2 / 5: in the right order, not in proportion.
    score = scored(
        "pearson_and_spearman",
        documents,
        lambda context, text: -100 * (float(text) - round(int(context) ** 2 / 5)) ** 2,
    )
    assert score.others["spearman"] < 1 and score.others["pearson"] < score.others["spearman"]
    assert score.value == pytest.approx((score.others["pearson"] + score.others["spearman"]) / 2)
    assert score.floor.value == 0 and 0 < score.stderr < 0.2


def test_a_rating_is_the_mean_under_its_likelihoods():
    assert task_scores.expected_rating([-1000.0, 0.0, -1000.0]) == pytest.approx(1.0)
    assert task_scores.expected_rating([5.0] * 6) == pytest.approx(2.5)
    assert task_scores.expected_rating([-1e9, -1e9 + 1]) == pytest.approx(1 / (1 + 2.718281828**-1))


def test_the_error_of_multirc_is_that_of_its_questions():
    """Each question's first answer is judged right, so that all deviation is of the other answers."""

    def question(number, is_hard):
        first = _document(f"{number}a", ["no", "yes"], 1, group=number)
        return [first, _document(f"{number}{'hard' if is_hard else 'easy'}", ["no", "yes"], 1, group=number)]

    documents = [document for number in range(40) for document in question(number, number % 2)]
    score = scored("multirc", documents, lambda context, text: float((text == " yes") != context.endswith("hard")))
    assert score.others["em"] == 0.5 and score.others["f1a"] == pytest.approx(2 * 60 / (60 + 80))
    # Half the error of the share of right questions, and a share for F1.
    assert 0.5 * 0.5 / 40**0.5 < score.stderr < 2 * 0.5 / 40**0.5
    easy = [document for document in documents if not document["group"] % 2]
    assert scored("multirc", easy, lambda context, text: float(text == " yes")).stderr == 0


def test_labels_metrics_have_the_best_constant_for_floor():
    documents = [_document(str(n), ["no", "yes"], int(n > 0)) for n in range(4)]
    score = scored("acc_and_f1", documents, lambda context, text: float(text == " yes"))
    assert score.value == score.floor.value == pytest.approx((0.75 + 6 / 7) / 2) and score.floor.name == "always yes"
    score = scored("mcc", documents, lambda context, text: float(text == " yes"))
    assert score.value == score.floor.value == 0
