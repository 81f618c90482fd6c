"""The word splitter: what it makes of English, that it loses nothing, and that it splits as spaCy does."""

import pathlib
import sysconfig

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from data.processors import words
from data.processors.words import Vocabulary, split_chunk, split_words

EXAMPLES = {
    "don't": ["do", "n't"],
    "Don’t,": ["Do", "n’t", ","],
    "I'm": ["I", "'m"],
    "can't've": ["ca", "n't", "'ve"],
    "were": ["were"],
    "it's.": ["it", "'s", "."],
    "John's": ["John", "'s"],
    "(e.g.": ["(", "e.g."],
    "U.S.": ["U.S."],
    "end.Next": ["end", ".", "Next"],
    '"Hi."': ['"', "Hi", ".", '"'],
    "10km.": ["10", "km", "."],
    "11am": ["11", "am"],
    "US$7": ["US$", "7"],
    "5%": ["5", "%"],
    "well-known": ["well", "-", "known"],
    "a--b": ["a", "--", "b"],
    "wait...": ["wait", "..."],
    "x[:,": ["x", "[:", ","],
    "(and/or)": ["(", "and/or", ")"],
    "f(x)": ["f(x", ")"],
    "http://a.org/x?y=1,": ["http://a.org/x?y=1", ","],
    "bob@mail.org": ["bob@mail.org"],
    "größer,schöner": ["größer", ",", "schöner"],
    ":-)": [":-)"],
    "“Ja”,": ["“", "Ja", "”", ","],
    "नमस्ते।": ["नमस्ते", "।"],
    "C++": ["C++"],
    "---": ["---"],
}


@pytest.mark.parametrize("chunk", EXAMPLES)
def test_examples(chunk):
    assert list(split_chunk(chunk)) == EXAMPLES[chunk]


@hypothesis.given(st.text(alphabet=st.sampled_from("ab1.,:;'\"()[]-/$%°…’—é中😀+*^<>@#ksS"), max_size=40))
@hypothesis.settings(max_examples=200)
def test_nothing_is_lost(chunk):
    assert "".join(split_chunk(chunk)) == chunk
    assert all(split_chunk(chunk)) or not chunk


@hypothesis.given(st.text(max_size=200))
@hypothesis.settings(max_examples=100)
def test_words_of_any_text(text):
    assert "".join(split_words(text)) == "".join(text.split())


@pytest.mark.parametrize("piece", ["(", "..,", "a@", "a.", "a-", ":)", "'", "1km", "中。", "+1", "http://a.a/"])
def test_a_chunk_of_100_000_characters(piece):
    chunk = piece * (100_000 // len(piece))
    assert "".join(split_chunk(chunk)) == chunk


def test_numbers_are_equal_for_equal_words():
    vocabulary = Vocabulary()
    numbers = vocabulary.numbers("the cat, the dog and the cat.")
    assert numbers.tolist() == [0, 1, 2, 0, 3, 4, 0, 1, 5]
    assert vocabulary.lengths(numbers).tolist() == [3, 3, 1, 3, 3, 3, 3, 3, 1]
    again = vocabulary.numbers("cat. the")
    assert [vocabulary.words[number] for number in again.tolist()] == ["cat", ".", "the"]
    assert again.tolist() == [1, 5, 0]


def test_flags():
    vocabulary = Vocabulary()
    flags = vocabulary.flags(vocabulary.numbers("the The 12 -- x1 € …"))
    letter, other = words.HAS_LETTER, words.HAS_OTHER_THAN_PUNCTUATION
    assert (flags & letter != 0).tolist() == [True, True, False, False, True, False, False]
    assert (flags & other != 0).tolist() == [True, True, True, False, True, True, False]
    assert (flags & words.STOP_MASK != 0).tolist() == [True] + [False] * 6


def test_an_empty_text_has_no_words():
    vocabulary = Vocabulary()
    numbers = vocabulary.numbers(" \n ")
    assert len(numbers) == len(vocabulary.lengths(numbers)) == len(vocabulary.flags(numbers)) == 0
    assert vocabulary.flags(numbers).dtype == np.uint16


@pytest.mark.parametrize(
    ("text", "marks"), [("One. Two", "ntn"), ('He said: "no."', "nnnt"), ("What?! Yes...", "nttn"), ("(a) dog.", "nnt")]
)
def test_sentence_marks(text, marks):
    assert Vocabulary().marks_of(text.split()) == marks


def test_the_vocabulary_is_replaced_when_it_is_full(monkeypatch):
    monkeypatch.setattr(words, "_MAX_CHUNKS", 3)
    monkeypatch.setattr(words, "_current", Vocabulary())
    first = words.vocabulary()
    numbers = first.numbers("one two three four one")
    assert words.vocabulary() is not first
    assert words.vocabulary() is words.vocabulary()
    assert numbers.tolist() == [0, 1, 2, 3, 0]


def test_long_chunks_are_not_remembered():
    vocabulary = Vocabulary()
    vocabulary.numbers("x" * 1000)
    assert not vocabulary._chunks


@pytest.mark.slow
def test_splits_as_spacy():
    spacy = pytest.importorskip("spacy", reason="spaCy is a peer of the tests only")
    tokenizer = spacy.blank("en").tokenizer
    root = pathlib.Path(sysconfig.get_paths()["stdlib"])
    files = ("argparse.py", "textwrap.py", "this.py", "re/__init__.py")
    texts = [(root / name).read_text(encoding="utf-8") for name in files]
    texts.append("“Quoted,” she said—don’t… 5km² 10°C. Straße/Weg naïve,façade http://x.org:80/a?b#c 1,000.50€ 😀😀ok")
    texts += [*EXAMPLES, *words.SPECIAL_CASES, *(f"({case})," for case in words.SPECIAL_CASES)]
    texts += [f"x{case}-{case}" for case in words.SPECIAL_CASES]
    chunks = sorted(set(" ".join(texts).split()))
    assert len(chunks) > 5000
    differing = {c: split_chunk(c) for c in chunks if tuple(token.text for token in tokenizer(c)) != split_chunk(c)}
    assert differing == {}
