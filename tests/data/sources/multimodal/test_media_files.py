"""What the multimodal sources share: licences, columns, clean text, and media found by what records call them."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.sources.multimodal import fields, media_files


@pytest.mark.parametrize(
    ("values", "licence"),
    [
        (("http://creativecommons.org/licenses/by-nc-sa/2.0/",), "CC-BY-NC-SA-2.0"),
        (("https://creativecommons.org/licenses/by/3.0/de/",), "CC-BY-3.0-DE"),
        (("https://creativecommons.org/publicdomain/zero/1.0/",), "CC0-1.0"),
        (("https://creativecommons.org/publicdomain/mark/1.0/",), "LicenseRef-PublicDomain"),
        (("CC BY-SA 2.0",), "CC-BY-SA-2.0"),
        (("cc-by-4.0",), "CC-BY-4.0"),
        (("http://flickr.com/commons/usage/",), "LicenseRef-NoKnownCopyrightRestrictions"),
        (("?", None, "MIT"), "MIT"),
        (("?",), "NOASSERTION"),
        ((None, 7, "all rights reserved"), "NOASSERTION"),
    ],
)
def test_licences(values, licence):
    assert fields.spdx(*values) == licence


@given(st.text(st.characters(), max_size=20))
def test_text_is_clean_whatever_came(text):
    cleaned = fields.clean_text(text)
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned and "\x00" not in cleaned
    assert fields.clean_text(cleaned) == cleaned


def test_surrogates_that_belong_together_are_joined():
    assert fields.clean_text("\ud83d\ude00 \ud83d") == "\U0001f600 \ufffd"


def test_columns_in_any_case():
    assert fields.first({"TEXT": "", "Caption": "x"}, ("text", "caption")) == "x"
    assert fields.bare_meta({"A": 1.5, "b": float("nan"), "c": [1], "D": True}, ("a", "b", "c", "d")) == {
        "a": 1.5,
        "d": True,
    }


def found(near, path, suffixes=(".png", ".jpg")):
    file = media_files.find(near, path, suffixes, ("images",))
    return file and file.name


def test_paths_then_names_then_nothing(make_input):
    near = make_input("set/a.json", b"")
    for name in (
        "set/images/one.png",
        "set/two.jpg",
        "other/images/one.png",
        "other/three.png",
        "x/four.png",
        "y/four.png",
    ):
        make_input(name, b"x")
    assert found(near, "one.png") == "set/images/one.png"
    assert found(near, "two") == "set/two.jpg"
    assert found(near, "two.PDF") == "set/two.jpg"
    assert found(near, "/data/other/images/one.png") == "other/images/one.png"
    assert found(near, "https://host/x/three.png?size=2") == "other/three.png"
    assert found(near, "four.png") is None
    assert found(near, "C:\\scans\\y\\FOUR.png") == "y/four.png"
    for path in ("", "..", "five", "../../etc/passwd", "a\x00.png", "\ud800.png", "x" * 5000, "one.png/.."):
        assert found(near, path) is None


def test_files_that_come_later_are_seen(make_input):
    near = make_input("a.json", b"")
    assert found(near, "b") is None
    make_input("b.png", b"x")
    os.utime(os.path.dirname(near.url), ns=(1, 1))  # clocks of file systems are coarse
    assert found(near, "b") == "b.png"
