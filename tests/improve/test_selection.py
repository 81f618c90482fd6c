"""What is kept is good, different, not too much of one prompt, and the same whatever the order."""

import collections

from hypothesis import given, settings, strategies as st
import pytest

from mistral_moe.improve.selection import (
    DUPLICATE,
    NEAR_DUPLICATE,
    OVER_CAP,
    Candidate,
    grams,
    jaccard,
    normalised,
    select,
)

TEXTS = st.sampled_from(("2 + 3 = 5", "2 + 3  = 5 ", "3 + 2 = 5", "so it is 5", "5", "five it is, then", "  5", ""))
CANDIDATES = st.lists(
    st.builds(Candidate, st.sampled_from("pqr"), TEXTS, st.sampled_from((0.0, 0.5, 0.8, 0.81, 1.0))), max_size=24
)


@given(CANDIDATES, st.integers(1, 3), st.sampled_from((0.5, 0.9, 2.0)), st.randoms())
@settings(max_examples=150)
def test_the_kept_are_good_different_capped_and_do_not_depend_on_the_order(candidates, cap, near, random):
    def kept_of(candidates):
        reasons = select(candidates, 0.8, cap, near)
        return [candidate for candidate, reason in zip(candidates, reasons) if not reason]

    kept = kept_of(candidates)
    assert all(candidate.quality > 0.8 for candidate in kept)
    assert max(collections.Counter(candidate.prompt for candidate in kept).values(), default=0) <= cap
    for number, one in enumerate(kept):
        for other in kept[:number]:
            if one.prompt == other.prompt:
                assert normalised(one.text) != normalised(other.text)
                assert jaccard(grams(normalised(one.text)), grams(normalised(other.text))) < near
    shuffled = random.sample(candidates, len(candidates))
    assert collections.Counter(kept_of(shuffled)) == collections.Counter(kept)
    # Each prompt that has something good keeps something.
    assert {c.prompt for c in kept} == {c.prompt for c in candidates if c.quality > 0.8}


@given(CANDIDATES, CANDIDATES)
@settings(max_examples=60)
def test_prompts_do_not_see_each_other(first, second):
    second = [Candidate(candidate.prompt.upper(), candidate.text, candidate.quality) for candidate in second]
    together = select(first + second, 0.8, 2, 0.9)
    assert together == select(first, 0.8, 2, 0.9) + select(second, 0.8, 2, 0.9)


def test_every_reason_is_told():
    long = "we add the tens and then the ones of both of the numbers and get "
    candidates = [
        Candidate("p", "wrong", 0.0, "wrong"),
        Candidate("p", "not above", 0.8),
        Candidate("p", "no number", float("nan")),
        Candidate("p", f"{long}5", 1.0),
        Candidate("p", f"{long}5  \n", 0.9),
        Candidate("p", f"{long}6", 0.9),
        Candidate("p", "something else entirely", 0.85),
    ]
    low = "below_threshold"
    assert select(candidates, 0.8, 1, 0.8) == ["wrong", low, low, "", DUPLICATE, NEAR_DUPLICATE, OVER_CAP]


def test_what_was_kept_before_counts():
    candidates = [Candidate("p", "again", 1.0), Candidate("p", "new", 1.0), Candidate("q", "again", 1.0)]
    assert select(candidates, 0.8, 2, 0.9, [("p", "again ")]) == [DUPLICATE, "", ""]
    assert select(candidates, 0.8, 1, 0.9, [("p", "another")]) == [OVER_CAP, OVER_CAP, ""]


def test_indentation_is_part_of_a_program_and_other_blanks_are_not():
    assert normalised("if x:\n    y = 1\n\n") == normalised("if x:\n    y  =  1  ")
    assert normalised("if x:\n    y\n    z") != normalised("if x:\n    y\nz")
    assert normalised("ﬁve") == "five"


@pytest.mark.parametrize("wrong", [(-0.1, 1, 0.9), (1.1, 1, 0.9), (0.8, 0, 0.9), (0.8, 1, 0.0)])
def test_settings_that_keep_nothing_or_everything_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        select([], *wrong)
