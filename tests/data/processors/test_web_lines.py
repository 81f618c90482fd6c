"""C4's cleaning and FineWeb's rules, line by line."""

import pytest

from data.document import Document, Reject
from data.processors.c4 import C4
from data.processors.fineweb import FINEWEB
from data.processors.rules import Profile, judge, measures
from data.processors.view import DocView

CLEAN = Profile("c4", C4)
WEB = Profile("fineweb", FINEWEB)
FIVE = "One came. Two came.\nThree came here. Four came too. Five stayed away."


def judged(text, profile=CLEAN, **meta):
    return judge(DocView(Document(text, "language", "t:1", "MIT", meta=meta)), profile)


def measured(text, profile, name):
    return measures(DocView(Document(text, "language", "t:1", "MIT")), profile)[name]


def test_lines_are_kept_and_trimmed():
    assert judged(f"  {FIVE}  \n\nMenu\n").text == FIVE


@pytest.mark.parametrize(
    "line",
    [
        "Too few",
        "Please enable JavaScript in the browser.",
        "We and others use cookies on this site.",
        "See our Privacy Policy for what we do.",
        "This word is long: " + "x" * 1001,
    ],
)
def test_dropped_lines(line):
    assert judged(f"{line}\n{FIVE}\n{line}").text == FIVE


@pytest.mark.parametrize(
    ("line", "reason"),
    [("Some lorem ipsum dolor here", "c4_lorem_ipsum"), ("if (a > b) { return; }", "c4_curly_brackets")],
)
def test_dropped_pages(line, reason):
    left = judged(f"{FIVE}\n{line}")
    assert isinstance(left, Reject) and left.reason == reason


def test_a_line_that_goes_does_not_drop_the_page():
    assert judged(f"{FIVE}\nlorem ipsum\nuse javascript {{ here }} now").text == FIVE


def test_citations_are_taken_out():
    assert judged(FIVE + "\nThe sixth[1] came[edit] late.[citation needed]").text == FIVE + "\nThe sixth came late."
    # What stands on both sides of a citation may be a phrase.
    assert judged(FIVE + "\nlorem [3]ipsum dolor sit").reason == "c4_lorem_ipsum"


def test_too_few_sentences():
    left = judged("One came. Two came. Three came. Four came.")
    assert left.reason == "c4_too_few_sentences" and left.evidence.startswith("4,")
    assert judged("One came. Two came. Three came. Four came.", language="fr").text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("He met Mr. Smith e.g. in the U.S. today", 1),
        ("No! Really?! Yes... it is so.", 3),
        ("A first line here\nand a second one there", 2),
        ("It ended.  And then \t it began.", 2),
        ("Three times. \t . Then on it went", 3),
        ("[1] [2] [3]", 1),
    ],
)
def test_sentences(text, count):
    assert measured(text, CLEAN, "c4_too_few_sentences") == count


def test_fineweb_keeps_a_page():
    assert judged(FIVE + "\nThere is one more line, which is a good deal longer than thirty characters.", WEB).text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "\n".join(f"a line without any stop, number {n}, long enough" for n in range(9)),
            "fineweb_lines_without_stop",
        ),
        ("\n".join(f"Short line {n}." for n in range(9)), "fineweb_short_lines"),
        (
            "\n".join(
                ["This very line stands in the page two times over."] * 2 + ["A long line to end the page with."]
            ),
            "fineweb_repeated_lines",
        ),
        ("\n".join(f"Pneumonoultramicroscopicsilicovolcanoconiosis{n}." for n in range(9)), "fineweb_line_feeds"),
        ("", "fineweb_lines_without_stop"),
        (" \n ", "fineweb_lines_without_stop"),
    ],
)
def test_fineweb_drops(text, reason):
    assert judged(text, WEB).reason == reason


def test_stops_of_other_scripts_end_lines():
    assert measured(
        "यह पंक्ति समाप्त होती है।\nこれは終わりです。\nno stop", WEB, "fineweb_lines_without_stop"
    ) == pytest.approx(2 / 3)


def test_every_rule_names_its_paper():
    assert all("2024" in rule.paper or "2020" in rule.paper for rule in (*C4, *FINEWEB))
