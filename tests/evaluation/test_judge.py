"""The contests' judge: parts at white space, numbers within 1e-5, case of no account."""

from __future__ import annotations

import random

import pytest

from mistral_moe.evaluation.judge import outputs_match


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("1 2\n3", "1\n2 3\n\n"),
        ("YES\n", "yes"),
        ("0.333333", "0.33333333"),
        ("1e3", "1000.0"),
        ("+5 .5 2.", "5 0.5 2"),
        ("inf", "INF"),
        ("", " \n"),
        ("Ä", "Ä"),
    ],
)
def test_the_same_in_other_words_is_right(output, expected):
    assert outputs_match(output, expected) and outputs_match(expected, output)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("1 2", "1 2 3"),
        ("12", "1 2"),
        ("0.3333", "0.33333333"),
        ("1", "1.00001001"),
        ("yes", "no"),
        ("1_0", "10"),
        ("٣", "3"),
        ("0x10", "16"),
        ("", "0"),
        ("nan 1", "nan 1.0"),
        ("Ä", "ä"),
        ("1\f2", "1 2"),
    ],
)
def test_something_else_is_wrong(output, expected):
    assert not outputs_match(output, expected) and not outputs_match(expected, output)


def test_an_output_is_right_for_itself_and_wrong_with_one_part_changed():
    rng = random.Random(0)
    for _ in range(200):
        parts = [rng.choice(["yes", "no", str(rng.randrange(99)), f"{rng.random():.4f}"]) for _ in range(6)]
        spaced = "".join(part + rng.choice([" ", "\n", "\t", "  \r\n"]) for part in parts)
        assert outputs_match(spaced, " ".join(parts))
        place = rng.randrange(6)
        assert not outputs_match(" ".join([*parts[:place], "other", *parts[place + 1 :]]), spaced)
