"""Pairs that models write: drawn by prompt, model and seed alone, kept on disk, and only as many as are needed."""

import json
import time

import pytest

from data import tokenizer as tokenizer_lib
from launch.errors import UserError
from launch.feedback import prompts
from launch.feedback.drawn import PAIRS_FILE, DrawnPairs
from launch.feedback.prompts import Ask, Drawing
from tests.evaluation.stubs import StubModel

DRAWING = Drawing(max_tokens=8, temperature=1.0, top_p=1.0, window=32, is_plain=False)
ASKS = [Ask(f"prompt {n}", 8, 1.0, 1.0) for n in range(3)]


def writer(name="", complete=lambda prompt: f"{prompt.control[2]} by {prompt.seed}"):
    model = StubModel(complete=lambda prompt: name + complete(prompt))
    model.identity = f"stub {name}"
    return f"model {name}", model


def drawn(folder, models=None, asks=ASKS, wanted=7, **more):
    return DrawnPairs(folder, models or [writer()], asks, DRAWING, wanted, more.pop("seed", 0), **more)


def until(condition):
    while not condition():
        time.sleep(0.002)


def all_pairs(source):
    """Every pair of a source, answered as they come."""
    source.start()
    answered = {}
    while source.count(answered) < source.wanted and not source.failure:
        pair = source.first(answered)
        if pair is None:
            time.sleep(0.002)
        else:
            answered[pair.id] = pair
    assert source.stop(60)
    return list(answered.values())


def test_prompts_come_in_turn_with_two_seeds_each_and_are_kept(tmp_path):
    pairs = all_pairs(drawn(tmp_path))
    assert [pair.prompt for pair in pairs] == [ASKS[n % 3].prompt for n in range(7)]
    for pair in pairs:
        assert pair.models == {"a": "model ", "b": "model "}
        assert (pair.a, pair.b) == tuple(f"{pair.prompt} by {pair.seeds[side]}" for side in ("a", "b"))
    assert len({seed for pair in pairs for seed in pair.seeds.values()}) == 14
    assert len((tmp_path / PAIRS_FILE).read_text().splitlines()) == 7


def test_two_models_write_a_side_each(tmp_path):
    for pair in all_pairs(drawn(tmp_path, [writer("x"), writer("y")])):
        assert pair.a.startswith("x") and pair.b.startswith("y")
        assert pair.models == {"a": "model x", "b": "model y"}


def test_only_as_many_are_drawn_ahead_as_asked(tmp_path):
    source = drawn(tmp_path, wanted=100, ahead=3)
    source.start()
    until(lambda: len(source) == 3)
    first = source.first({})
    source.count({first.id: first})
    until(lambda: len(source) == 4)
    time.sleep(0.05)
    assert len(source) == 4 and source.stop(60)


@pytest.mark.parametrize("cut", [0, 1, 30, 200, 100_000])
def test_a_killed_start_and_a_new_one_draw_what_an_unbroken_one_does(tmp_path, cut):
    (tmp_path / "whole").mkdir()
    whole = all_pairs(drawn(tmp_path / "whole"))
    content = (tmp_path / "whole" / PAIRS_FILE).read_bytes()
    (tmp_path / PAIRS_FILE).write_bytes(content[:-cut] if cut else content)
    assert all_pairs(drawn(tmp_path)) == whole
    assert (tmp_path / PAIRS_FILE).read_bytes() == content


def test_pairs_of_another_seed_prompt_or_model_stay_in_the_file_and_are_not_asked(tmp_path):
    first = all_pairs(drawn(tmp_path))
    for change in ({"seed": 1}, {"asks": ASKS[1:] + ASKS[:1]}, {"models": [writer("z")]}):
        assert not {pair.id for pair in all_pairs(drawn(tmp_path, **change))} & {pair.id for pair in first}
    assert len((tmp_path / PAIRS_FILE).read_text().splitlines()) == 28
    assert all_pairs(drawn(tmp_path, wanted=9))[:7] == first  # more of the same


def test_draws_with_nothing_to_compare_are_passed_over(tmp_path):
    def sometimes(prompt):
        return "" if prompt.seed % 3 == 0 else str(prompt.seed % 5)

    pairs = all_pairs(drawn(tmp_path, [writer(complete=sometimes)], wanted=20, asks=ASKS * 4))
    assert all(pair.a != pair.b and pair.a and pair.b for pair in pairs) and len(pairs) == 20


def test_a_model_that_always_says_the_same_ends_with_a_reason(tmp_path, capsys):
    source = drawn(tmp_path, [writer(complete=lambda prompt: "same")])
    assert all_pairs(source) == []
    assert "both sides are the same" in source.failure and "--temperature" in source.failure
    assert "both sides are the same" in capsys.readouterr().err


def test_a_model_that_breaks_is_told(tmp_path, capsys):
    def breaks(prompt):
        raise RuntimeError("out of memory")

    source = drawn(tmp_path, [writer(complete=breaks)])
    assert all_pairs(source) == [] and "RuntimeError: out of memory" in source.failure
    assert "Traceback" in capsys.readouterr().err


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))


def test_prompts_of_a_file_may_say_how_they_are_drawn(tmp_path, tokenizer):
    path = tmp_path / "prompts.jsonl"
    path.write_text('"one"\n{"prompt": "two", "max_tokens": 5, "temperature": 0.5, "top_p": 0.9}\n')
    found = prompts.from_file(str(path), DRAWING, tokenizer)
    assert found == [Ask("one", 8, 1.0, 1.0), Ask("two", 5, 0.5, 0.9)]


@pytest.mark.parametrize(
    "line, words",
    [
        ({"prompt": "x", "top_k": 3}, "top_k is not used"),
        ({"prompt": "x", "max_tokens": 17}, "max_tokens is 17"),
        ({"prompt": "x", "temperature": -1}, "temperature -1"),
        ({"prompt": "x", "top_p": 0}, "top_p 0"),
        ({"prompt": " "}, "is empty"),
        ({"prompt": "long " * 40}, "tokens, and the model takes 32"),
        ({"text": "x"}, "holds no prompt"),
    ],
)
def test_prompts_that_cannot_be_drawn_are_named(tmp_path, tokenizer, line, words):
    path = tmp_path / "prompts.jsonl"
    path.write_text('"fine"\n' + json.dumps(line) + "\n")
    with pytest.raises(UserError, match=f"prompts.jsonl:2.*{words}"):
        prompts.from_file(str(path), DRAWING, tokenizer)


def test_a_file_without_prompts_says_so(tmp_path, tokenizer):
    (tmp_path / "none.txt").write_text("\n\n")
    with pytest.raises(UserError, match="has no prompt"):
        prompts.from_file(str(tmp_path / "none.txt"), DRAWING, tokenizer)
