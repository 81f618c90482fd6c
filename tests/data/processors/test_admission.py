"""Who is let in: licences by profile, and what is no text."""

import hypothesis
import hypothesis.strategies as st
import pytest

from data.document import Document
from data.processors.admission import admit, is_usable, what_is_broken


@pytest.mark.parametrize(
    ("licence", "profile"),
    [
        ("MIT", "code"),
        ("Apache-2.0 WITH LLVM-exception", "code"),
        ("MIT OR GPL-3.0-only", "code"),
        ("(MIT OR Apache-2.0) AND BSD-3-Clause", "stdlib_code"),
        ("MIT-CMU", "package_docs"),
        ("CNRI-Python", "package_docs"),
        ("CC0-1.0", "games"),
        ("CC-BY-SA-3.0", "qa"),
        ("CC-BY-SA-3.0-DE", "prose"),
        ("CC BY-SA 4.0", "wiki"),
        ("MIT AND CC-BY-SA-4.0", "docs"),
        ("LicenseRef-CC-BY", "papers"),
        ("LicenseRef-public-domain", "papers"),
        ("LicenseRef-PublicDomain-US", "prose"),
        ("LicenseRef-US-government-work", "legal"),
        ("CC-PDM-1.0", "web"),
        ("public domain", "prose"),
        ("public domain in the US", "prose"),
        ("NOASSERTION", "web"),
        ("", "images"),
        ("NOASSERTION", "papers"),
        ("NOASSERTION", "math"),
        ("LGPL-2.1-only", "proofs"),
    ],
)
def test_usable(licence, profile):
    assert is_usable(licence, profile)


@pytest.mark.parametrize(
    ("licence", "profile"),
    [
        ("GPL-3.0-only", "code"),
        ("LGPL-2.1-only", "code"),
        ("LGPL-2.1-only", "docs"),
        ("MIT AND GPL-3.0-only", "docs"),
        ("CC-BY-SA-4.0", "code"),
        ("CC-BY-NC-4.0", "web"),
        ("CC-BY-NC-4.0 OR CC-BY-NC-SA-4.0", "web"),
        ("CC BY-NC-ND 3.0", "prose"),
        ("LicenseRef-CC-BY-ND", "papers"),
        ("LicenseRef-Proprietary", "web"),
        ("NOASSERTION", "code"),
        ("NOASSERTION", "stdlib_code"),
        ("", "package_docs"),
        ("all rights reserved", "web"),
        ("MIT AND", "code"),
        ("(" * 1000, "code"),
        ("MIT OR " * 1000 + "MIT", "code"),
        ("GPL-3.0-only", "proofs"),
    ],
)
def test_refused(licence, profile):
    assert not is_usable(licence, profile)


@hypothesis.given(st.lists(st.sampled_from(["MIT", "CC-BY-NC-4.0", "AND", "OR", "WITH", "(", ")", "x", "CC", "BY"])))
@hypothesis.settings(max_examples=50)
def test_any_licence_is_judged(parts):
    assert is_usable(" ".join(parts), "web") in (True, False)


def document(text, licence="CC0-1.0"):
    return Document(text, "language", "t:1", licence)


def test_admitted():
    assert admit(document("A text.\twith a tab\nand a \x1b that somebody pasted " + "x" * 1000), "prose") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [("a\x00b", "NUL"), ("ab\ud800", "character 2"), ("\ufffd" * 5 + "x" * 995, "5 of 1000"), ("\x01\x02", "2 of 2")],
)
def test_not_text(text, said):
    found = admit(document(text), "prose")
    assert found.reason == "not_text" and said in found.evidence


def test_licence_is_asked_first():
    found = admit(document("a\x00", "CC-BY-ND-4.0"), "prose")
    assert (found.reason, found.evidence) == ("licence", "CC-BY-ND-4.0")


@hypothesis.given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cn")), max_size=50))
@hypothesis.settings(max_examples=50)
def test_what_is_not_broken_encodes(text):
    if "\ufffd" not in text:
        assert what_is_broken(text) == ""
