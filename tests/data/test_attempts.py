"""Completions by a model: right ones are accepted through the generators' checkers, wrong ones are not, whoever wrote them."""

from __future__ import annotations

import pytest

from data.generators import code_problems, language_problems, logic_problems, math_problems, rendered_scenes
from data.pipeline.runners import InProcess
from data.records import read_split
from data.synthetic import attempts as attempts_lib
from data.synthetic.build import Options, build
from data.synthetic.makers import MakerError, verify

LEVELS = [
    (code_problems, "functions"),
    (math_problems, "arithmetic"),
    (math_problems, "calculus"),
    (math_problems, "proofs"),
    (logic_problems, "constraints"),
    (language_problems, "explanatory"),
]


def _documents(module, level, count=12):
    drawn = (module.generate(level, 3, index) for index in range(10 * count))
    return [document for document in drawn if attempts_lib.can_be_attempted(document)][:count]


def _completion(document):
    return document.text[document.meta["prompt_end"] :]


@pytest.mark.parametrize(("module", "level"), LEVELS)
def test_what_the_generator_would_write_is_accepted(module, level):
    documents = _documents(module, level)
    known = {attempts_lib.prompt_of(document): _completion(document) for document in documents}
    written = attempts_lib.attempts(documents, lambda prompts, seed: [known[prompt] for prompt in prompts], 0, "m")
    assert [document.text for document in written] == [document.text for document in documents]
    assert all(verify(document) and document.meta["model"] == "m" for document in written)


@pytest.mark.parametrize(("module", "level"), LEVELS)
def test_another_problem_s_completion_is_refused(module, level):
    documents = _documents(module, level)
    theirs = [_completion(document) for document in documents]
    for document, completion in zip(documents, theirs[1:] + theirs[:1]):
        if completion.rsplit("\nAnswer: ", 1)[-1] != _completion(document).rsplit("\nAnswer: ", 1)[-1]:
            assert not verify(attempts_lib.attempt(document, completion, "m"))
    assert not verify(attempts_lib.attempt(documents[0], "", "m"))


def test_a_proof_is_judged_by_the_lines_that_the_model_wrote():
    document = next(d for d in _documents(math_problems, "proofs") if _completion(d).count("\n") >= 5)
    lines = _completion(document).splitlines()
    assert verify(attempts_lib.attempt(document, "\n".join(lines), "m"))
    for number in range(1, len(lines) - 1):
        without = "\n".join(lines[:number] + lines[number + 1 :])
        assert not verify(attempts_lib.attempt(document, without, "m"))


def test_another_body_that_passes_the_tests_is_accepted():
    document = next(d for d in _documents(code_problems, "functions") if "\n\n\n" in _completion(d))
    body = _completion(document).split("\n\n\nassert", 1)[0]
    indent = body[: len(body) - len(body.lstrip())].rpartition("\n")[2]
    written = attempts_lib.attempt(document, f"{indent}pass\n{body.lstrip(chr(10))}\n\n\nassert more", "m")
    assert written.text != document.text and "assert more" not in written.text and verify(written)


def test_where_the_text_leaves_no_choice_a_model_is_refused():
    scenes = [rendered_scenes.generate("objects", 0, index) for index in range(3)]
    with pytest.raises(MakerError, match="no checker reads"):
        attempts_lib.attempts(scenes, lambda prompts, seed: list(prompts), 0, "m")


def test_a_build_keeps_what_is_right_of_what_a_model_writes_and_accounts_for_the_rest(tmp_path):
    known = {}
    for index in range(400):
        document = math_problems.generate("arithmetic", 0, index)
        known[attempts_lib.prompt_of(document)] = _completion(document)

    def writer(prompts, seed):
        """Right for every second prompt."""
        return [known[prompt] if number % 2 else "Solution: \nAnswer: 0.5" for number, prompt in enumerate(prompts)]

    options = Options("math", 40, level="arithmetic", model="half")
    report = build(options, str(tmp_path), "", InProcess(), lambda: "now", lambda at: None, writer)
    row = report.manifest["records"]
    assert row["out"] == 40 and row["in"] == 40 + sum(row["dropped"].values())
    assert 0.3 < row["dropped"]["not_verified"] / row["in"] < 0.7
    kept = [
        document for split in ("train", "heldout") for document in read_split(tmp_path, "math", "arithmetic", split)
    ]
    assert len(kept) == 40 and all(verify(document) and document.meta["model"] == "half" for document in kept)
