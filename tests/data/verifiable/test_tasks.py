"""Drawing verifiable problems."""

import random
import re

import pytest

from data.document import Document
from data.multitask import code_generation, math_problem
from data.verifiable import tasks

TASKS = tuple(tasks.TASKS)


def asked(problem):
    """What a problem asks, however it is worded."""
    if problem.task == "functions":
        return problem.answer, problem.meta["faulty"]
    return re.search(r"\d+ [-+*] \d+", problem.text).group()


@pytest.mark.parametrize("task", TASKS)
def test_draws_follow_from_their_arguments(task):
    drawn = tasks.problems(task, 8, 3, "train")
    assert drawn == tasks.problems(task, 8, 3, "train")
    assert drawn[:5] == tasks.problems(task, 5, 3, "train")
    assert drawn != tasks.problems(task, 8, 4, "train")
    assert all(problem.task == task for problem in drawn)


@pytest.mark.parametrize("task, count", [("arithmetic", 2000), ("multiplication", 1000), ("functions", 100)])
def test_splits_share_no_problem_and_repeat_none(task, count):
    train = [asked(problem) for problem in tasks.problems(task, count, 0, "train")]
    heldout = [asked(problem) for problem in tasks.problems(task, count // 5, 1, "heldout")]
    assert not set(train) & set(heldout)
    assert len(set(train)) == count and len(set(heldout)) == count // 5


@pytest.mark.parametrize("task", ["arithmetic", "multiplication"])
def test_numbers_have_two_digits_and_the_answer_is_their_value(task):
    signs = set()
    for problem in tasks.problems(task, 200, 0, "heldout"):
        first, sign, second = asked(problem).split()
        assert len(first) == len(second) == 2
        left, right = int(first), int(second)
        assert int(problem.answer) == {"+": left + right, "-": left - right, "*": left * right}[sign]
        signs.add(sign)
    assert signs == ({"+", "-"} if task == "arithmetic" else {"*"})


def test_prompts_and_solutions_have_the_form_of_the_training_tasks():
    arithmetic = tasks.problems("arithmetic", 1, 0, "train")[0]
    text = f"{arithmetic.parts[2]}\n{arithmetic.meta['solution']}"
    document = Document(text, "math", "x", "x", meta={"prompt_end": len(arithmetic.parts[2]) + 1})
    example = math_problem.TASK.make(document, random.Random(0))
    assert [(part.control, part.text) for part in example] == [
        ("[INST]", arithmetic.parts[2]),
        ("[/INST]", arithmetic.meta["solution"]),
    ]
    function = tasks.problems("functions", 1, 0, "train")[0]
    head, body = function.meta["head"], function.meta["solution"]
    document = Document(head + body, "code", "x", "x", meta={"prompt_end": len(head)})
    example = code_generation.TASK.make(document, random.Random(0))
    assert [part.text for part in example] == [function.parts[2], body]
    assert function.parts[::2][0] == function.parts[-1] == "" and function.parts[1::2] == ("[INST]", "[/INST]")


def test_asking_for_what_is_not_there_is_named():
    with pytest.raises(ValueError, match="unknown task 'algebra'; the tasks are arithmetic"):
        tasks.problems("algebra", 1, 0, "train")
    with pytest.raises(ValueError, match="unknown split 'test'"):
        tasks.problems("arithmetic", 1, 0, "test")
    with pytest.raises(ValueError, match=r"heldout has about 1[0-9]{3}"):
        tasks.problems("multiplication", 5000, 0, "heldout")
