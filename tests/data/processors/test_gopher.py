"""Gopher's rules: documents that each rule drops, and what it leaves alone."""

import pytest

from data.document import Document, Reject
from data.processors.gopher import LINE_REPETITION, REPETITION, quality
from data.processors.rules import Profile, judge, measures
from data.processors.view import DocView

GOPHER = Profile("gopher", (*REPETITION, *quality()))
PROSE = (
    "The keeper of the lighthouse had lived on the island for most of his life, and he knew every stone of it. When "
    "the winter storms came he would carry his lamp up the narrow stairs and sit beside the great lens until morning. "
    "Ships that passed far out at sea could be seen by their lights, and sometimes he gave them names of his own. "
    "Nobody ever answered, but that was not what he wanted."
)


def view(text, **meta):
    return DocView(Document(text, "language", "t:1", "MIT", meta=meta))


def reason(text, profile=GOPHER, **meta):
    left = judge(view(text, **meta), profile)
    return left.reason if isinstance(left, Reject) else ""


def sentences(count):
    """Different sentences of ordinary words."""
    nouns = ["river", "window", "garden", "letter", "market", "harbour", "teacher", "winter", "forest", "village"]
    verbs = ["crossed", "painted", "followed", "described", "measured", "avoided", "watched", "sold", "found", "left"]
    found = []
    for i in range(count):
        noun, verb, other = nouns[i % 10], verbs[(i // 10) % 10], nouns[(i * 7 + 3) % 10]
        found.append(f"In year {1700 + i} the {noun} that we have {verb} lay beyond {other} number {i}.")
    return found


def test_prose_is_kept():
    assert reason(PROSE) == ""


DROPPED = {
    "gopher_paragraph_repeats": "\n\n".join(["short", "short", "short", *sentences(3)]),
    "gopher_line_repeats": "\n".join(["Share", "Share", "Share", "Share", *sentences(4)]),
    "gopher_top_2_gram": PROSE + " buy now" * 30,
    "gopher_repeated_5_grams": PROSE + " " + PROSE,
    "gopher_too_few_words": "The cat and the dog have met.",
    "gopher_short_words": "the of and " + " ".join(f"{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(300)),
    "gopher_long_words": PROSE + " " + " ".join(f"electroencephalographically{i}x" for i in range(60)),
    "gopher_hashes": PROSE + " # a1 # b2 # c3 # d4 # e5 # f6 # g7 # h8 # i9 # j10 # k11 # l12",
    "gopher_ellipses": PROSE + " " + " ".join(f"word{chr(97 + i)}…" for i in range(16)),
    "gopher_bullets": "\n".join(f"- {line}" for line in sentences(12)),
    "gopher_ellipsis_ends": "\n".join(line + ("..." if i % 3 == 0 else "") for i, line in enumerate(sentences(12))),
    "gopher_words_without_letters": PROSE + " " + " ".join(map(str, range(1000, 1040))),
    "gopher_stop_words": " ".join(
        f"Der Hund Nummer{chr(97 + i % 26)}{chr(97 + i // 26)} schläft gern" for i in range(60)
    ),
}


@pytest.mark.parametrize("name", DROPPED)
def test_dropped(name):
    found = reason(DROPPED[name], Profile("one", tuple(rule for rule in GOPHER.steps if rule.name == name)))
    assert found == name
    assert reason(PROSE, Profile("one", tuple(rule for rule in GOPHER.steps if rule.name == name))) == ""


@pytest.mark.parametrize("text", ["", " ", "\n\n\n", "\x0b", "...", "a"])
def test_next_to_nothing_is_dropped(text):
    assert reason(text)


def test_measures_of_lines_are_exact():
    found = measures(view("a\nb\n\nb\n\nb"), Profile("lines", LINE_REPETITION))
    assert found == {
        "gopher_paragraph_repeats": pytest.approx(1 / 3),
        "gopher_paragraph_repeat_characters": pytest.approx(1 / 9),
        "gopher_line_repeats": pytest.approx(2 / 4),
        "gopher_line_repeat_characters": pytest.approx(2 / 9),
    }


def test_line_feeds_at_both_ends_are_two_empty_lines():
    assert measures(view("\na\n"), Profile("lines", LINE_REPETITION))["gopher_line_repeats"] == pytest.approx(1 / 3)


def test_english_rules_leave_other_languages_alone():
    german = DROPPED["gopher_stop_words"]
    rule = Profile("one", tuple(rule for rule in GOPHER.steps if rule.name == "gopher_stop_words"))
    assert reason(german, rule) == "gopher_stop_words"
    assert reason(german, rule, language="de") == ""
    assert reason(german, rule, language="en-GB") == "gopher_stop_words"


def test_words_are_not_counted_where_none_are_told_apart():
    chinese = "我们在海边的小屋里住了整整一个夏天。每天早晨都有渔船从港口出发。" * 2
    names = {rule.name for rule in GOPHER.steps if rule.asks(view(chinese, language="zh"))}
    assert names == {*(rule.name for rule in LINE_REPETITION), "gopher_bullets", "gopher_ellipsis_ends"}


def test_every_rule_names_its_paper():
    assert all("2112.11446" in rule.paper for rule in GOPHER.steps)
