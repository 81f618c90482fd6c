"""Every task makes what it says of a document that has what it takes, and nothing of one that has not."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import task_marks
from data import tokenizer as tokenizer_lib
from data.document import Document
from data.generators import logic_problems, math_problems, rendered_scenes
from data.memory_documents import MemoryDocuments
from data.multitask import registry
from data.multitask.registry import TASKS, TaskShareError, choose
from data.multitask.task import Part
from data.packing import PackedRows

MODULE = 'import os\n\n\ndef area(width, height):\n    """The area of a rectangle, in square metres."""\n    size = width * height\n    return size\n'


def document(text, domain="language", level="", **meta):
    return Document(text, domain, "test:1", "CC0-1.0", level, meta=meta)


def made(name, given, seed=0):
    return TASKS[name].make(given, random.Random(seed))


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))


@given(st.text(min_size=60, max_size=200), st.integers(0, 99))
def test_the_middle_goes_back_into_its_hole(text, seed):
    suffix, prefix, middle = made("fill_in_middle", document(text, "code"), seed)
    assert prefix.text + middle.text + suffix.text == text and middle.text
    assert (suffix.control, prefix.control, middle.control) == ("[SUFFIX]", "[PREFIX]", "")
    assert made("fill_in_middle", document("x = 1\n", "code")) is None


def test_a_function_is_cut_behind_its_docstring():
    prompt, body = made("code_generation", document(MODULE, "code"))
    assert prompt.text.endswith('square metres."""') and not prompt.learned and prompt.control == "[INST]"
    assert body.text == "    size = width * height\n    return size" and body.learned
    for source in ("def f(:\n", "def f():\n    return 1\n", 'def f():\n    """Long enough to be a docstring."""\n'):
        assert made("code_generation", document(source, "code")) is None


def test_what_a_generator_cut_is_taken_as_it_is():
    text, end = "def f():\n    return 2\n\nassert f() == 2\n", len("def f():\n    return 2\n")
    facts = {"prompt_end": len("def f():\n"), "implementation_end": end, "bug": "def f():\n    return 3\n"}
    prompt, body = made("code_generation", document(text, "code", **facts))
    assert prompt.text.endswith("def f():") and body.text == "    return 2"
    faulty, right = made("bug_fixing", document(text, "code", **facts))
    assert faulty.text.endswith("return 3") and right.text == text[:end].strip("\n")
    assert made("bug_fixing", document(text, "code")) is None


def test_a_translation_goes_either_way():
    pair = document(
        "...", source_text="Good day.", source_language="en", target_text="Guten Tag.", target_language="de"
    )
    seen = {tuple(part.text for part in made("translation", pair, seed)) for seed in range(20)}
    assert seen == {
        ("Translate to German.\nGood day.", "Guten Tag."),
        ("Translate to English.\nGuten Tag.", "Good day."),
    }
    assert made("translation", document("Good day.")) is None


def test_answers_summaries_turns_and_captions():
    quiz = document("A cat sat.\nQuestion: Who sat?\nAnswer: the cat\nQuestion: Where?\nAnswer: here", "reasoning")
    for seed in range(5):
        prompt, answer = made("question_answering", quiz, seed)
        assert prompt.text.startswith("A cat sat.") and "Answer" not in prompt.text
        assert answer.text in ("the cat", "here")
    paper = document("# T\n\n## Abstract\n\nIn short.\n\n## Introduction\n\nAt length.", "reasoning")
    prompt, summary = made("summarising", paper)
    assert summary.text == "In short." and "In short" not in prompt.text and "At length." in prompt.text
    talk = "User: Hello\nAssistant: Hi\nUser: Bye\nAssistant: Farewell\n"
    spans = [[talk.index(said), talk.index(said) + len(said)] for said in ("Hi", "Farewell")]
    turns = made("dialogue", document(talk, assistant_spans=spans))
    assert [part.text for part in turns if part.learned] == ["Hi", "Farewell"]
    assert [part.control for part in turns] == ["[INST]", "[/INST]"] * 2
    scene = rendered_scenes.generate("objects", 0, 1)
    asked, caption = made("captioning", scene)
    assert asked.text == "Describe the picture." and caption.text in scene.text
    for name in ("question_answering", "summarising", "dialogue", "captioning"):
        assert made(name, document("Nothing of the kind.", "multimodal")) is None


def test_problems_and_proofs():
    problem = math_problems.generate("algebra", 0, 3)
    prompt, solution = made("math_problem", problem)
    assert prompt.text.startswith("Problem: ") and solution.text.endswith(problem.meta["certificate"]["answer"])
    proofs = [logic_problems.generate("proof", 0, index) for index in range(20)]
    steps = [made("proof_step", proof, seed) for seed, proof in enumerate(proofs)]
    assert all(step is None or (step[1].text in proof.text and step[1].learned) for step, proof in zip(steps, proofs))
    assert sum(step is not None for step in steps) > 10
    assert made("proof_step", problem) is None


def test_shares_are_checked_and_nothing_is_lost():
    for wrong, said in (({"poetry": 1}, "unknown task poetry"), ({"causal_lm": -1}, "at least 0"), ({}, "share 0")):
        with pytest.raises(TaskShareError, match=said):
            registry.checked_shares(wrong)
    shares = registry.checked_shares({"translation": 0.5, "causal_lm": 0.5, "fill_in_middle": 0.0})
    assert shares == {"causal_lm": 0.5, "translation": 0.5}
    plain = document("Neither a pair nor code.")
    assert choose(plain, {"translation": 1.0}) == ("causal_lm", (Part(plain.text),))


def test_tasks_are_drawn_by_their_shares_and_by_nothing_else():
    shares = registry.checked_shares({"causal_lm": 0.7, "fill_in_middle": 0.3})
    programs = [document(f"x = {number}\n" * 20, "code") for number in range(500)]
    chosen = [choose(program, shares)[0] for program in programs]
    assert chosen == [choose(program, shares)[0] for program in programs]
    assert abs(chosen.count("fill_in_middle") / 500 - 0.3) < 0.06
    assert chosen != [choose(program, shares, seed=1)[0] for program in programs]


PARTS = st.builds(Part, st.text(max_size=20), st.booleans(), st.sampled_from(["", "[INST]", "[/INST]"]))


@given(st.lists(st.lists(PARTS, min_size=1, max_size=4).map(tuple), min_size=1, max_size=4))
def test_only_learned_tokens_count(tokenizer, examples):
    found = task_marks.encode(tokenizer, examples)
    marks = task_marks.collect(["causal_lm"] * len(found), [stretches for _, stretches in found])
    for number, (example, (ids, _)) in enumerate(zip(examples, found)):
        expected = [True]
        for part in example:
            expected += [False] * bool(part.control) + [part.learned] * len(tokenizer.encode(part.text))
        learned = marks.learned(number, 0, len(ids))
        assert learned.tolist() == [*expected, True]
        assert (ids[0], ids[-1]) == (tokenizer.bos_id, tokenizer.eos_id)
        assert np.array_equal(marks.learned(number, 1, len(ids) - 1), learned[1:-1])


def test_rows_weigh_completions_alone_and_keep_them_whole(tokenizer):
    problems = [math_problems.generate("arithmetic", 0, index) for index in range(40)]
    chosen = [choose(problem, {"causal_lm": 0.5, "math_problem": 0.5}) for problem in problems]
    names = [name for name, _ in chosen]
    found = task_marks.encode(tokenizer, [example for _, example in chosen])
    marks = task_marks.collect(names, [stretches for _, stretches in found])
    source = MemoryDocuments([ids for ids, _ in found], marks)
    rows = PackedRows(source, 160, seed=3)
    task = registry.NAMES.index("math_problem")
    whole, learned = [], []
    for row in rows.rows(range(len(rows))):
        for segment in range(1, row["segment_ids"].max() + 1):
            inside = row["segment_ids"] == segment
            if row["task_ids"][inside][0] == task:
                whole.append(tuple(row["tokens"][inside].tolist()))
                weights = row["loss_weights"][inside]
                learned.append(tokenizer.decode(row["targets"][inside][weights > 0]))
                assert set(row["task_ids"][inside].tolist()) == {task}
    expected = [ids for ids, name in zip(source.documents, names) if name == "math_problem"]
    assert sorted(whole) == sorted(tuple(ids.tolist()) for ids in expected)
    completions = {example[1].text for name, example in chosen if name == "math_problem"}
    assert set(learned) == completions and len(completions) > 5
