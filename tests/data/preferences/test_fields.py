"""What rows of each format say, and why some are no pairs."""

import pytest

from data.preferences.fields import pair_of
from data.preferences.pair import Unusable

PROMPT = "\n\nHuman: Hello\n\nAssistant: Hi.\n\nHuman: Tell me\n\nAssistant:"
PARTS = ("", "[INST]", "Hello", "[/INST]", "Hi.", "</s>", "", "[INST]", "Tell me", "[/INST]", "")


def hh(chosen=" Yes.", rejected=" No.", prompt=PROMPT, **more):
    return {"chosen": prompt + chosen, "rejected": prompt + rejected, **more}


def messages(*texts):
    return [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(texts)]


def test_dialogues_of_hh_are_split_into_a_common_prompt_and_two_answers():
    pair = pair_of(hh())
    assert (pair.prompt, pair.chosen, pair.rejected, pair.margin) == (PARTS, "Yes.", "No.", 0.0)
    # Marks inside a line, and blank lines inside an answer, belong to the answer.
    pair = pair_of(hh(" a Human: b\n\nc Assistant: d"))
    assert pair.chosen == "a Human: b\n\nc Assistant: d"
    assert pair_of(hh(prompt=PROMPT.lstrip())).prompt == PARTS


def test_all_ways_of_writing_a_pair_say_the_same():
    turns = messages("Hello", "Hi.", "Tell me")
    rows = [
        hh(),
        {"prompt": turns, "chosen": "Yes.", "rejected": "No."},
        {"prompt": PROMPT, "chosen": "Yes.", "rejected": "No."},
        {"prompt": "x", "chosen": turns + messages("", "Yes.")[1:], "rejected": turns + messages("", "No.")[1:]},
        {"chosen": turns + messages("", "Yes.")[1:], "rejected": turns + messages("", "No.")[1:]},
        {"prompt": turns, "chosen": messages("", "Yes.")[1:], "rejected": messages("", "No.")[1:]},
        {"instruction": turns, "chosen_response": "Yes.", "rejected_response": "No."},
        hh() | {"prompt": PROMPT},
    ]
    assert {pair_of(row) for row in rows} == {pair_of(hh())}
    assert pair_of({"prompt": "Hello", "chosen": "a", "rejected": "b"}).prompt == ("", "[INST]", "Hello", "[/INST]", "")


def test_what_the_system_says_is_read_with_the_question():
    system = [{"role": "system", "content": "Be brief."}]
    row = {"chosen": system + messages("Why?", "So."), "rejected": system + messages("Why?", "No.")}
    assert pair_of(row).prompt == ("", "[INST]", "Be brief.\n\nWhy?", "[/INST]", "")


@pytest.mark.parametrize(
    "scores, margin",
    [
        ({"score_chosen": 8.5, "score_rejected": 6}, 2.5),
        ({"chosen-rating": 5, "rejected-rating": 2}, 3),
        ({"score_chosen": 8.5}, 0),
        ({"margin": 2}, 2),
        ({"score_chosen": 4, "score_rejected": 4}, 0),
    ],
)
def test_scores_become_a_margin(scores, margin):
    assert pair_of(hh(**scores)).margin == margin


@pytest.mark.parametrize(
    "row, reason",
    [
        (hh(" Yes.", " Yes. "), "equal_sides"),
        (hh(" "), "empty_side"),
        (hh() | {"chosen": ""}, "empty_side"),
        ({"prompt": "x", "chosen": "", "rejected": "a"}, "empty_side"),
        ({"chosen": PROMPT + " a"}, "missing_field"),
        ({"chosen": PROMPT + " a", "rejected": None}, "missing_field"),
        ({}, "missing_field"),
        ({"chosen": messages("x", "a")[1:], "rejected": messages("x", "b")[1:]}, "missing_field"),
        ({"chosen": 1, "rejected": 2}, "wrong_type"),
        ({"chosen": "a", "rejected": ["b"], "prompt": "x"}, "wrong_type"),
        ({"chosen": "a", "rejected": "b", "prompt": 3}, "wrong_type"),
        ({"chosen": ["a"], "rejected": ["b"], "prompt": "x"}, "wrong_type"),
        ({"chosen": "a", "rejected": "b"}, "not_a_dialogue"),
        (hh() | {"rejected": PROMPT.replace("Hello", "Bye") + " No."}, "no_common_prompt"),
        ({"chosen": messages("x", "a"), "rejected": messages("y", "b")}, "no_common_prompt"),
        ({"chosen": "\n\nAssistant: a", "rejected": "\n\nAssistant: b"}, "no_common_prompt"),
        (hh(" a\n\nHuman: b", " a\n\nHuman: c"), "no_answer"),
        ({"chosen": messages("x"), "rejected": messages("y")}, "no_answer"),
        ({"chosen": [], "rejected": [], "prompt": "x"}, "no_answer"),
        ({"chosen": "a", "rejected": "b", "prompt": " "}, "empty_prompt"),
        (hh(score_chosen=1, score_rejected=2), "score_order"),
        (hh(score_chosen=float("nan"), score_rejected=2), "score_not_finite"),
        (hh(score_chosen=float("inf"), score_rejected=2), "score_not_finite"),
        (hh(score_chosen="good", score_rejected=2), "wrong_type"),
    ],
)
def test_rows_that_are_no_pairs_say_why(row, reason):
    with pytest.raises(Unusable) as error:
        pair_of(row)
    assert error.value.reason == reason
