"""Words as hashes: which words a text has, and that nothing but the words decides on the hashes."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.dedup import words

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Letters, marks, scripts without spaces, separators, line ends, a lone surrogate.
TEXTS = st.text(alphabet="abZß_09 \n.,-éहिน你あ\u0301\ud800", max_size=60)


def split(text):
    found = words.words(text)
    return [text[start:end] for start, end in zip(found.starts, found.ends, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, wörld_1 -- don't", ["Hello", "wörld_1", "don", "t"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("uses 深層学習 well", ["uses", "深", "層", "学", "習", "well"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("한국어 말", ["한국어", "말"]),
        ("", []),
        (" \n?!", []),
    ],
)
def test_words(text, expected):
    assert split(text) == expected


@given(st.text(alphabet="abcXYZ_019 \n\t.,;-éßжλ", max_size=200))
@settings(max_examples=50, deadline=None)
def test_where_no_script_is_special_words_are_those_of_re(text):
    assert split(text) == re.findall(r"\w+", text)


@given(TEXTS, TEXTS)
@settings(max_examples=100, deadline=None)
def test_equal_words_have_equal_hashes_and_others_do_not(first, second):
    names, hashes = split(first) + split(second), [*words.words(first).hashes, *words.words(second).hashes]
    assert len(set(names)) == len({int(value) for value in hashes})
    assert len(set(zip(names, map(int, hashes), strict=True))) == len(set(names))


def test_order_of_characters_and_of_words_counts():
    assert words.words("ab").hashes != words.words("ba").hashes
    hashes = words.words("a b c a c b").hashes
    first, _, _, last = words.ngrams(hashes, 3)[0]
    assert first != last


def test_fold():
    assert words.fold("STRASSE") == words.fold("Straße")
    assert words.fold("e\u0301") == words.fold("É")


@given(st.lists(TEXTS, max_size=8))
@settings(max_examples=50, deadline=None)
def test_texts_together_have_the_words_of_each_alone(texts):
    folded = [words.fold(text) for text in texts]
    together, cuts = words.words_of(folded)
    for number, text in enumerate(folded):
        alone = words.words(text)
        assert together.hashes[cuts[number] : cuts[number + 1]].tolist() == alone.hashes.tolist()
    assert [text for group in words.batches(texts) for text in group] == folded


def test_blocks_do_not_show():
    rng = np.random.default_rng(0)
    text = " ".join("".join(map(chr, rng.integers(97, 123, rng.integers(1, 9)))) for _ in range(2 * words.BLOCK // 4))
    assert len(text) > 2 * words.BLOCK
    found = words.words(text)
    assert [text[start:end] for start, end in zip(found.starts, found.ends, strict=True)] == text.split()
    place = len(found) - 1
    assert found.hashes[place] == words.words(text.split()[place]).hashes[0]


def test_a_word_longer_than_a_block_is_taken():
    found = words.words("x" * (words.BLOCK + 10) + " end")
    assert found.ends[-1] == words.BLOCK + 14
    assert found.hashes[-1] == words.words("end").hashes[0]
    long = words.words("x" * 10_000).hashes
    assert len(long) == 1 and long != words.words("x" * 10_001).hashes


def test_batches_are_no_longer_than_a_block_and_leave_long_texts_alone():
    short, long = "a" * (2 * words.BLOCK // 5), "b" * (2 * words.BLOCK)
    assert [len(group) for group in words.batches([short] * 4 + [long, short])] == [2, 2, 1, 1]


@given(st.integers(1, 6), st.integers(0, 6), st.integers(0, 12))
@settings(max_examples=50, deadline=None)
def test_ngrams_follow_from_their_words_and_ngrams_at_is_the_same(shortest, more, count):
    hashes = np.arange(count, dtype=np.uint64) % np.uint64(3)
    rows = words.ngrams(hashes, shortest, shortest + more)
    assert [len(row) for row in rows] == [max(count - n + 1, 0) for n in range(shortest, shortest + more + 1)]
    seen = {}
    for n, row in enumerate(rows, shortest):
        for first, value in enumerate(row.tolist()):
            assert seen.setdefault(value, (n, *hashes[first : first + n].tolist())) == (
                n,
                *hashes[first : first + n].tolist(),
            )
    if count:
        at = words.ngrams_at(hashes, np.arange(count), shortest, shortest + more)
        for row, other in zip(rows, at, strict=True):
            assert row.tolist() == other[: len(row)].tolist()


def test_hashes_are_those_of_every_process():
    script = "from data.dedup import words; print(words.ngrams(words.words('the same wörds').hashes, 2)[0].tolist())"
    printed = set()
    for seed in "12":
        environment = {"PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True)
        printed.add(done.stdout)
    assert printed == {f"{words.ngrams(words.words('the same wörds').hashes, 2)[0].tolist()}\n"}
