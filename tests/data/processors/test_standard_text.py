"""The standard form: what it mends, what it leaves, and that it is a fixed point."""

import unicodedata

import hypothesis
import hypothesis.strategies as st
import pytest

from data.processors.standard_text import standard_text, without_mojibake


@pytest.mark.parametrize(
    ("text", "standard"),
    [
        ("a\r\nb\rc\u2028d\x0be\x85f", "a\nb\nc\nd\ne\nf"),
        ("e\u0301cole", "école"),
        ("a  \nb\t\n", "a\nb"),
        ("\n\n  a\n\n", "  a"),
        ("a\n\n\n\n\n\nb", "a\n\n\nb"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("\ufeffa\x00b\x07c\x1b[0m\ud800", "abc[0m"),
        ("a\tb", "a   b"),
        ("10\u00a0km\u2009h", "10 km h"),
        ("می\u200cروم", "می\u200cروم"),
        ("\u3000一", "\u3000一"),
        (" \n\t\n", ""),
    ],
)
def test_examples(text, standard):
    assert standard_text(text) == standard


def test_tabs_may_be_kept():
    assert standard_text("if x:\n\ty\n", keep_tabs=True) == "if x:\n\ty"


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("schÃ¶n und grÃ¼n", "schön und grün"),
        ("itâ€™s fine", "it’s fine"),
        ("a line\nschÃ¶n\nschön", "a line\nschön\nschön"),
        ("schön, naïve, œuvre, Ã", "schön, naïve, œuvre, Ã"),
        ("À la carte — São Paulo", "À la carte — São Paulo"),
        ("日本語 हिन्दी العربية", "日本語 हिन्दी العربية"),
        ("plain", "plain"),
    ],
)
def test_mojibake(text, repaired):
    assert without_mojibake(text) == repaired


@hypothesis.given(st.text(max_size=100), st.booleans())
@hypothesis.settings(max_examples=200)
def test_a_fixed_point(text, keep_tabs):
    once = standard_text(text, keep_tabs)
    assert standard_text(once, keep_tabs) == once
    assert unicodedata.is_normalized("NFC", once)
    once.encode("utf-8")
    assert "\x00" not in once and "\n\n\n\n" not in once
