import random

import hypothesis
import hypothesis.strategies as st
import pytest

from mistral_moe.evaluation import floors


@st.composite
def _documents(draw):
    def one():
        choices = draw(st.lists(st.text("ab", min_size=1, max_size=4), min_size=2, max_size=4))
        return {"choices": choices, "gold": draw(st.integers(0, len(choices) - 1))}

    return [one() for _ in range(draw(st.integers(1, 8)))]


def _score(documents, take):
    return sum(take(document) == document["gold"] for document in documents) / len(documents)


@hypothesis.given(_documents())
def test_best_is_the_best_of_the_four_and_says_which(documents):
    by_name = {
        "longest choice": floors.longest(documents),
        "shortest choice": floors.shortest(documents),
        "chance": floors.chance(documents),
    }
    place = max(_score(documents, lambda _, place=place: place) for place in range(4))
    found = floors.best(documents)
    assert found.value == pytest.approx(max([*by_name.values(), place]))
    assert found.value == pytest.approx(by_name.get(found.name, place))


@hypothesis.given(_documents())
def test_strategies_are_what_their_names_say(documents):
    longest = _score(
        documents, lambda document: max(range(len(document["choices"])), key=lambda i: len(document["choices"][i]))
    )
    shortest = _score(
        documents, lambda document: min(range(len(document["choices"])), key=lambda i: len(document["choices"][i]))
    )
    assert floors.longest(documents) == pytest.approx(longest)
    assert floors.shortest(documents) == pytest.approx(shortest)
    assert floors.chance(documents) == pytest.approx(
        sum(1 / len(document["choices"]) for document in documents) / len(documents)
    )


def test_credits_take_the_place_of_gold_and_answers_that_of_choices():
    document = {"choices": ["A", "B", "C"], "gold": 0, "answers": ["x", "xxx", "xx"], "credits": [1.0, 0.25, 0.0]}
    assert floors.longest([document]) == 0.25
    assert floors.shortest([document]) == 1.0
    assert floors.chance([document]) == pytest.approx(1.25 / 3)


def test_labels_are_named_and_choices_that_differ_are_counted():
    same = [{"choices": ["no", "yes"], "gold": 1}] * 3 + [{"choices": ["no", "yes"], "gold": 0}]
    assert floors.best(same) == floors.Floor(0.75, "always yes")
    other = [{"choices": ["same", "size"], "gold": 1}, {"choices": ["four", "five"], "gold": 1}]
    assert floors.best(other) == floors.Floor(1.0, "always choice 2")


def test_majority_is_no_worse_than_any_place():
    rng = random.Random(0)
    documents = [{"choices": ["a"] * 3, "gold": rng.randrange(3)} for _ in range(50)]
    value, place = floors.majority(documents)
    assert value == max(_score(documents, lambda _, i=i: i) for i in range(3)) == _score(documents, lambda _: place)


def test_the_best_constant_label_is_by_the_metric_itself():
    golds = [0] * 8 + [1] * 2

    def share_of_ones(golds, predictions):
        return sum(predictions) / len(predictions)

    assert floors.best_constant(golds, ["no", "yes"], share_of_ones) == floors.Floor(1.0, "always yes")


def test_the_most_common_text():
    assert floors.most_common_text(["7", "8", "7"]) == floors.Floor(2 / 3, "always '7'")
