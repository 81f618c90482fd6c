"""Pairs are read with their place in every complaint, shown in a drawn order, and written as HH dialogues."""

import json

from hypothesis import given
from hypothesis import strategies as st
import pytest

from launch.errors import UserError
from launch.feedback.pairs import Pair, PairList, hh_text, is_swapped, read_pairs

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)


def written(tmp_path, *rows):
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return str(path)


def row(prompt="p", a="left", b="right", **more):
    return {"prompt": prompt, "a": a, "b": b, **more}


def test_pairs_are_read_with_what_else_is_known_of_them(tmp_path):
    models, seeds = {"a": "joint", "b": "seed"}, {"a": 1, "b": 2}
    path = written(tmp_path, row("one\u2028line"), "", row("two", models=models, seeds=seeds, source="chat"))
    pairs, left_out = read_pairs(path)
    assert pairs == [
        Pair("one\u2028line", "left", "right"),
        Pair("two", "left", "right", models, seeds, {"source": "chat"}),
    ]
    assert not left_out
    # What is written of a pair is read as the same pair.
    assert read_pairs(written(tmp_path, *(pair.as_row for pair in pairs)))[0] == pairs


@pytest.mark.parametrize(
    "wrong, words",
    [
        ("{", "no JSON"),
        ('"text"', "no object"),
        ({"prompt": "p", "a": "x"}, "has no 'b'"),
        (row(a=3), "'a' is no string"),
        (row(b=None), "'b' is no string"),
        ('{"prompt": "p", "a": "\\ud800", "b": "x"}', "'a' is no UTF-8"),
        (row(models=["x", "y"]), "'models' is no object"),
        ('{"prompt": "p", "a": "x", "b": "y", "score": NaN}', "can't be written again"),
    ],
)
def test_a_line_that_is_no_pair_is_named(tmp_path, wrong, words):
    path = written(tmp_path, row(), wrong)
    with pytest.raises(UserError, match=f"pairs.jsonl:2 .*{words}"):
        read_pairs(path)


def test_pairs_that_nobody_can_compare_are_left_out_and_counted(tmp_path):
    turn = row("other", a="yes\n\nHuman: and now?")
    rows = [row(a="right\n"), row(prompt=" "), row(a="\t"), row(), row(a="right", b="left"), turn, row(a="right ")]
    pairs, left_out = read_pairs(written(tmp_path, *rows))
    assert pairs == [Pair("p", "left", "right")]
    places = {reason: [place.rpartition(":")[2] for place in found] for reason, found in left_out.items()}
    assert places == {
        "both sides are the same": ["1", "7"],
        "its 'prompt' is empty": ["2"],
        "its 'a' is empty": ["3"],
        "it is there twice": ["5"],
        "its 'a' holds '\\n\\nHuman:', where the HH format begins another turn": ["6"],
    }


def test_a_file_with_nothing_to_compare_says_so(tmp_path):
    with pytest.raises(UserError, match="nothing to compare"):
        read_pairs(written(tmp_path))
    with pytest.raises(UserError, match="nothing to compare .*pairs.jsonl:1: both sides are the same"):
        read_pairs(written(tmp_path, row(a="right")))
    with pytest.raises(UserError, match="can't be read"):
        read_pairs(str(tmp_path / "none.jsonl"))
    (tmp_path / "latin.jsonl").write_bytes(b"\xe9\n")
    with pytest.raises(UserError, match="can't be read"):
        read_pairs(str(tmp_path / "latin.jsonl"))


@given(prompt=TEXTS, a=TEXTS, b=TEXTS, seed=st.integers(0, 99))
def test_an_id_names_the_pair_as_it_was_shown(prompt, a, b, seed):
    pair = Pair(prompt, a, b)
    swapped = is_swapped(pair, seed)
    assert swapped == is_swapped(pair, seed)
    assert pair.shown(swapped) == ((b, a) if swapped else (a, b))
    assert (pair.shown_id(True) == pair.shown_id(False)) == (a == b)
    if a != b:
        pairs = PairList([pair])
        assert pairs.find(pair.shown_id(swapped)) == (pair, swapped)
        assert not pairs.add(Pair(prompt, b, a))


def test_either_side_stands_left_half_of_the_time_and_another_seed_draws_anew():
    pairs = [Pair(str(number), "x", "y") for number in range(400)]
    for seed in range(3):
        assert 150 < sum(is_swapped(pair, seed) for pair in pairs) < 250
    assert 150 < sum(is_swapped(pair, 0) != is_swapped(pair, 1) for pair in pairs) < 250


@given(prompt=TEXTS, completion=TEXTS)
def test_an_hh_dialogue_ends_in_the_completion(prompt, completion):
    assert hh_text(prompt, completion) == f"\n\nHuman: {prompt}\n\nAssistant: {completion}"


def test_a_prompt_that_is_a_dialogue_already_is_not_wrapped_again():
    begun = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Bye"
    assert hh_text(begun, "Bye!") == f"{begun}\n\nAssistant: Bye!"
    assert hh_text(f"{begun}\n\nAssistant:", "Bye!") == f"{begun}\n\nAssistant: Bye!"
