"""Generated pairs, and pairs as tokens that fit a window."""

import numpy as np
import pytest

from data import tokenizer as tokenizer_lib
from data.preferences import encoding, generated
from data.preferences.pair import Pair, Unusable
from data.verifiable import tasks
from data.verifiable.verify import Verifier


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))


def test_generated_pairs_prefer_what_the_verifier_prefers():
    problems = {one.parts: one for one in tasks.problems("arithmetic", 300, 5, "train")}
    pairs = generated.generate(["arithmetic"], 300, 5, "train")
    assert pairs == generated.generate(["arithmetic"], 300, 5, "train")
    kinds = set()
    with Verifier() as verifier:
        for pair in pairs:
            right, wrong = (verifier.score(problems[pair.prompt], side) for side in (pair.chosen, pair.rejected))
            assert (right.correct, right.format) == (1, 1)
            assert wrong.correct + wrong.format < 2 and pair.chosen != pair.rejected
            kinds.add((wrong.correct, wrong.format))
    assert kinds == {(0, 1), (0, 0), (1, 0.5)}


def test_generated_halves_share_no_prompt_and_tasks_are_mixed():
    names = ["arithmetic", "multiplication", "functions", "small_functions"]
    train, heldout = (generated.generate(names, n, 0, split) for n, split in ((41, "train"), (12, "heldout")))
    assert len(train) == 41 and not {pair.prompt for pair in train} & {pair.prompt for pair in heldout}
    assert sum("Complete this function" in pair.prompt[2] for pair in train) == 20
    with pytest.raises(ValueError, match="no task"):
        generated.generate([], 3, 0, "train")


def test_a_pair_is_bos_prompt_answer_eos(tokenizer):
    pair = Pair(("", "[INST]", "Why?", "[/INST]", ""), "So.", "No, not so.")
    found = encoding.encode(pair, tokenizer, 64)
    prompt = [1, 3, *tokenizer.encode("Why?"), 4]
    assert found.chosen.tolist() == [*prompt, *tokenizer.encode("So."), 2]
    assert found.rejected.tolist() == [*prompt, *tokenizer.encode("No, not so."), 2]
    assert found.answers == (len(found.chosen) - len(prompt), len(found.rejected) - len(prompt))
    assert (found.prompt_cut, found.answers_cut) == (0, 0)


def test_earlier_answers_of_a_dialogue_end_with_eos(tokenizer):
    parts = ("", "[INST]", "a", "[/INST]", "b", "</s>", "", "[INST]", "c", "[/INST]", "")
    assert encoding.prompt_ids(parts, tokenizer).tolist().count(tokenizer.eos_id) == 1


@pytest.mark.parametrize("window", [8, 16, 33])
@pytest.mark.parametrize("asked, answered", [(100, 3), (3, 100), (100, 100), (2, 2)])
def test_what_does_not_fit_is_cut_and_counted(tokenizer, window, asked, answered):
    text = " ".join("abcdefgh"[n % 8] for n in range(100))
    parts = ("", "[INST]", text[: 2 * asked], "[/INST]", "")
    pair = Pair(parts, "x " + text[: 2 * answered], "y")
    found, whole = encoding.encode(pair, tokenizer, window), encoding.encode(pair, tokenizer, 1000)
    fits = len(whole.chosen) <= window
    assert max(len(found.chosen), len(found.rejected)) <= window
    assert (found.prompt_cut == found.answers_cut == 0) == fits
    assert found.chosen[0] == tokenizer.bos_id
    prompt = encoding.prompt_ids(parts, tokenizer)
    kept = len(found.chosen) - min(len(found.chosen) - 1, found.answers[0])
    # What is left of the prompt is its end, right before the answer.
    if not found.answers_cut:
        assert found.chosen[-1] == tokenizer.eos_id
        np.testing.assert_array_equal(found.chosen[1:kept], prompt[len(prompt) - kept + 1 :])
    else:
        assert len(found.chosen) == window


def test_sides_that_the_window_makes_alike_are_no_pair(tokenizer):
    text = " ".join("a" * 40)
    pair = Pair(("", "[INST]", "Why?", "[/INST]", ""), text + " b", text + " c")
    encoding.encode(pair, tokenizer, 64)
    with pytest.raises(Unusable, match="equal_in_window"):
        encoding.encode(pair, tokenizer, 16)
    with pytest.raises(Unusable, match="not_utf8"):
        encoding.encode(Pair(pair.prompt, "\ud800", "a"), tokenizer, 16)
