"""Streamed text is the whole text, in pieces that never hold half a character or a part of a stop string."""

import hypothesis
from hypothesis import strategies as st
import pytest

from data import tokenizer as tokenizer_lib
from launch.text_stream import TextStream

TEXTS = [
    "plain words, and  two spaces",
    "na\u00efve caf\u00e9 \u2014 \u4f60\u597d \U0001f600\U0001f468\u200d\U0001f469 \u10e5\u10d0\u10e0\n\tend",
    "\U0001f9ec" * 5,
]


@pytest.fixture(scope="module", params=["v1", "v3"])
def tokenizer(request):
    return tokenizer_lib.load(tokenizer_lib.mistral_path(request.param))


def pieces_of(stream, tokens):
    return [*(stream.add(token) for token in tokens), stream.finish()]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("at", [0, 3, 7])
def test_pieces_are_whole_characters_and_together_the_text(tokenizer, text, at):
    ids = tokenizer.encode(text, bos=True).tolist()
    prompt, rest = ids[: 1 + at], ids[1 + at :]
    stream = TextStream(tokenizer, prompt)
    pieces = pieces_of(stream, rest)
    before = tokenizer.decode(prompt)
    if "\ufffd" not in before:  # the cut is between characters
        assert before + "".join(pieces) == text
        assert not any("\ufffd" in piece for piece in pieces)
    assert stream.text == "".join(pieces)


def test_text_comes_as_early_as_it_can(tokenizer):
    ids = tokenizer.encode(TEXTS[0]).tolist()
    stream = TextStream(tokenizer, ids[:1])
    assert all(stream.add(token) for token in ids[1:])


def test_bytes_that_make_no_character_are_told_at_the_end(tokenizer):
    ids = tokenizer.encode("a \U0001f9ec").tolist()
    stream = TextStream(tokenizer, ids[:1])
    pieces = pieces_of(stream, ids[1:-1])  # the last byte is missing
    assert not any("\ufffd" in piece for piece in pieces[:-1]) and "\ufffd" in pieces[-1]


@hypothesis.given(
    text=st.text("ab. \n\u4f60", min_size=1, max_size=30),
    stops=st.lists(st.text("ab.\n", min_size=1, max_size=4), max_size=3),
)
@hypothesis.settings(max_examples=60)
def test_a_text_ends_before_the_first_stop_string(text, stops):
    tokenizer = _V3
    ids = tokenizer.encode(text, bos=True).tolist()
    stream = TextStream(tokenizer, ids[:1], stops)
    pieces = pieces_of(stream, ids[1:])
    places = [text.find(stop) for stop in stops if stop in text]
    assert "".join(pieces) == (text[: min(places)] if places else text)
    assert stream.is_stopped == bool(places)


_V3 = tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))
