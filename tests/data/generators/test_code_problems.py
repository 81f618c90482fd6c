"""Generated functions: pure, right by an independent reference, tests that catch faults; forgeries are found out."""

from __future__ import annotations

import ast
import copy
import dataclasses
import hashlib
import json
import os
import pathlib
import random
import re
import subprocess
import sys

import pytest

from data.document import Document, content_id
from data.domains import LEVELS
from data.generators import code_problems, code_trials
from data.generators.code_mutants import faults, instrumented
from data.generators.code_problems import TEMPLATES, TemplateError, from_template, generate, verify
from data.generators.code_template import Problem, lay_out, spin
from data.levels.code import code_level, code_measures
from data.multitask.registry import TASKS
from data.records import decode, encode

ROOT = pathlib.Path(__file__).parents[3]
ALL = [(level, template) for level in LEVELS["code"] for template in TEMPLATES[level]]
COUNT = 200
# How many documents of a level measure as that level; what a simulated system or a prefix sum is can't be counted.
AGREEING = {"syntax_basics": 0.95, "functions": 0.95, "algorithms": 0.9, "systems": 0.4, "optimization": 0.6}


@pytest.fixture(scope="module", params=LEVELS["code"])
def documents(request):
    return [generate(request.param, 1, index) for index in range(COUNT)]


def _source(document: Document) -> str:
    return document.text[: document.meta["implementation_end"]]


def _changed(document: Document, text: str, **certificate: object) -> Document:
    """The document with another text, its digest renewed, and other entries of its certificate."""
    meta = copy.deepcopy(document.meta)
    meta["certificate"] |= {"text_id": content_id(text), **certificate}
    return dataclasses.replace(document, text=text, meta=meta)


@pytest.mark.parametrize(("level", "template"), ALL, ids=[template.__name__ for _, template in ALL])
def test_every_template_is_pure_and_its_documents_verify(level, template):
    document = from_template(template, level, "x", random.Random(3))
    assert document == from_template(template, level, "x", random.Random(3))
    assert document.text != from_template(template, level, "x", random.Random(4)).text
    assert verify(decode(encode(document)))


def test_there_are_templates_enough():
    assert tuple(TEMPLATES) == LEVELS["code"]
    assert all(len({template.__name__ for template in templates}) >= 12 for templates in TEMPLATES.values())
    with pytest.raises(KeyError):
        generate("poetry", 0, 0)


def test_documents_do_not_depend_on_the_hash_seed():
    script = (
        "import json\nfrom data.generators.code_problems import TEMPLATES, generate\n"
        "made = [generate(level, 5, index) for level in TEMPLATES for index in range(12)]\n"
        "print(json.dumps([[d.text, d.meta] for d in made]))"
    )
    outputs = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, check=True
        )
        outputs.add(hashlib.sha256(done.stdout).hexdigest())
    here = [[d.text, d.meta] for d in (generate(level, 5, index) for level in TEMPLATES for index in range(12))]
    outputs.add(hashlib.sha256((json.dumps(here) + "\n").encode()).hexdigest())
    assert len(outputs) == 1


def test_few_documents_of_a_level_are_alike(documents):
    def grams(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+|[^\w\s]", text)
        return {tuple(words[k : k + 5]) for k in range(len(words) - 4)}

    assert len({document.id for document in documents}) == COUNT
    found = [grams(document.text) for document in documents]
    alike = sum(any(len(a & b) > 0.5 * len(a | b) for b in found[:place]) for place, a in enumerate(found))
    assert alike <= 0.1 * COUNT


def test_tests_catch_faults_and_levels_mostly_agree_with_their_measure(documents):
    level = documents[0].level
    certificates = [document.meta["certificate"] for document in documents]
    assert all(c["caught"] >= code_problems.MIN_CAUGHT * c["mutants"] > 0 for c in certificates)
    assert sum(c["caught"] for c in certificates) > 0.95 * sum(c["mutants"] for c in certificates)
    assert all(1 <= len(c["tests"]) <= code_problems.MAX_TESTS for c in certificates)
    agreeing = sum(code_level(code_measures(ast.parse(_source(document)))) == level for document in documents)
    assert agreeing >= AGREEING[level] * COUNT


def test_documents_are_programs_cut_where_their_meta_says(documents):
    for document in documents:
        meta, source = document.meta, _source(document)
        prompt, certificate = document.text[: meta["prompt_end"]], meta["certificate"]
        assert document.text.isascii() and "\n\n\n\n" not in document.text and " \n" not in document.text
        assert prompt.endswith('"""\n') and f"\n{meta['signature']}\n" in f"\n{prompt}"
        assert meta["signature"].startswith(f"def {certificate['entry']}(")
        assert source == source.rstrip() and meta["bug"] != source and ast.parse(meta["bug"])
        assert document.text.count("\nassert ") == len(certificate["tests"])
        assert document.text.endswith(certificate["answer"])
        function = next(n for n in ast.parse(prompt + "    pass").body if isinstance(n, ast.FunctionDef))
        assert ast.get_docstring(function)
        shown = dict(re.findall(r"^    >>> \w+\((.*)\)\n    (.*)$", prompt, re.MULTILINE))
        namespace: dict = {}
        exec(source, namespace)
        for arguments, result in (*certificate["tests"], *shown.items()):
            assert repr(eval(f"{certificate['entry']}({arguments})", namespace)) == result


def test_the_tasks_of_code_take_what_they_need(documents):
    for document in documents[:20]:
        prompt, body = TASKS["code_generation"].make(document, random.Random(0))
        assert prompt.text.endswith('"""') and "assert" not in body.text and not body.text.startswith("\n")
        faulty, right = TASKS["bug_fixing"].make(document, random.Random(0))
        assert right.text == _source(document) and faulty.text.endswith(document.meta["bug"])


@pytest.mark.parametrize("level", LEVELS["code"])
def test_forgeries_are_found_out(level, monkeypatch):
    document = generate(level, 2, 7)
    text, source, meta = document.text, _source(document), document.meta
    certificate, tests = meta["certificate"], document.text[meta["implementation_end"] :]
    assert verify(document)

    def with_meta(**values: object) -> Document:
        return dataclasses.replace(document, meta=meta | values)

    def with_certificate(**values: object) -> Document:
        return with_meta(certificate=certificate | values)

    def with_source(changed: str) -> Document:
        forged = _changed(document, changed + tests)
        return dataclasses.replace(forged, meta=forged.meta | {"implementation_end": len(changed)})

    forged = {
        "text": dataclasses.replace(document, text=text + " "),
        "faulty code": with_source(meta["bug"]),
        "leaves early": with_source(f"import os\nos._exit(0)\n\n\n{source}"),
        "claims": with_source(f"print('passed')\nraise SystemExit(0)\n\n\n{source}"),
        "no function": with_source("x = 1"),
        "no code": with_source("def ("),
        "no test": _changed(document, source + "\n\n\n", tests=[]),
        "dropped test": _changed(document, text[: text.rindex("\nassert")]),
        "dropped tests": with_certificate(tests=certificate["tests"][:-1]),
        "another test": with_certificate(tests=[["1", "1"]] + certificate["tests"][1:]),
        "another entry": with_certificate(entry="other"),
        "another answer": with_certificate(answer="17"),
        "caught too little": with_certificate(caught=certificate["mutants"] // 2),
        "no fault": with_meta(bug=source),
        "no bug": with_meta(bug=None),
        "another cut": with_meta(implementation_end=len(source) - 1),
        "no certificate": with_meta(certificate=None),
        "nothing": dataclasses.replace(document, meta={}),
    }
    assert [name for name, other in forged.items() if verify(other)] == []
    monkeypatch.setattr(code_problems, "VERIFY_SECONDS", 0.5)
    assert not verify(with_source(f"{source}\n\n\nwhile True:\n    pass"))


def test_a_wrong_result_does_not_verify_even_if_text_and_certificate_agree_on_it():
    for level in LEVELS["code"]:
        document = generate(level, 4, 1)
        entry, tests = (document.meta["certificate"][name] for name in ("entry", "tests"))
        for place in range(len(tests)):
            wrong = copy.deepcopy(tests)
            wrong[place][1] = f"[{wrong[place][1]}]"
            text = f"{_source(document)}\n\n\n{code_problems.render_tests(entry, wrong)}"
            assert not verify(_changed(document, text, tests=wrong, answer=wrong[-1][1]))


def test_faults_are_edits_that_parse_and_the_instrument_changes_no_result(documents):
    for document in documents[:25]:
        source, certificate = _source(document), document.meta["certificate"]
        found = faults(source)
        assert found == faults(source) == sorted(set(found))
        trees = {ast.dump(ast.parse(fault.put_into(source))) for fault in found}
        assert ast.dump(ast.parse(source)) not in trees
        trial = code_trials.Trial(instrumented(source), certificate["entry"])
        for arguments, result in certificate["tests"]:
            frozen = code_trials.frozen(ast.literal_eval(f"({arguments},)"))
            assert repr(trial.result(frozen, rounds=10_000)) == result


def test_the_faults_of_a_small_function():
    source = (
        "def f(a, b=True):\n    total = 0\n    for x in range(len(a)):\n        if not b and a[x] <= 3:\n"
        "            total += min(x, 2) * x\n            break\n    return total if a else f'{total + 1}'\n"
    )
    found = {(fault.kind, source[fault.start : fault.end], fault.text) for fault in faults(source)}
    assert found == {
        ("constant", "True", "False"),
        ("off by one", "0", "1"),
        ("off by one", "len(a)", "len(a) - 1"),
        ("connective", "and", "or"),
        ("comparison", "<=", "<"),
        ("off by one", "3", "4"),
        ("off by one", "3", "2"),
        ("operator", "+", "-"),
        ("operator", "*", "+"),
        ("function", "min", "max"),
        ("off by one", "2", "3"),
        ("off by one", "2", "1"),
        ("missing statement", "total += min(x, 2) * x", "pass"),
        ("missing statement", "break", "pass"),
        ("condition", "a", "not a"),
    }


@pytest.mark.parametrize(
    "source",
    [
        "def f(n):\n    while n > 0:\n        n += 1\n    return n\n",
        "def f(n):\n    x = 2\n    for _ in range(n):\n        x = x * x\n    return x\n",
        "def f(n):\n    x = 'ab'\n    for _ in range(n):\n        x += x\n    return x\n",
        "def f(n):\n    return f(n + 1)\n",
    ],
)
def test_what_does_not_end_or_grows_is_ended(source):
    trial = code_trials.Trial(instrumented(source), "f")
    assert trial.outcome(code_trials.frozen((99,)), 0, rounds=500) == code_trials.ENDLESS


def _problem(body: str, **changes: object) -> Problem:
    return Problem(
        **{
            "entry": "double",
            "parameters": (("number_", "int"),),
            "returns": "int",
            "summary": "[Return|Compute] twice number_.",
            "body": body,
            "reference": lambda number: 2 * number,
            "arguments": lambda draw: (draw.randint(0, 9),),
            **changes,
        }
    )


def test_a_template_at_fault_is_an_error():
    with pytest.raises(TemplateError, match="by the reference"):
        from_template(lambda rng: _problem("    return number_ * 3"), "functions", "x", random.Random(0))
    with pytest.raises(TemplateError, match="no tests catch"):
        always = _problem("    return number_ + number_", arguments=lambda draw: (0,))
        from_template(lambda rng: always, "functions", "x", random.Random(0))
    with pytest.raises(KeyError, match="strange"):
        from_template(lambda rng: _problem("    return strange_"), "functions", "x", random.Random(0))


def test_names_are_drawn_apart_from_each_other_and_from_what_stands_there():
    body = "    total_, count_, n = 0, 0, number_\n    return 2 * n + total_ + count_ + x_ + y_"
    for seed in range(50):
        problem = _problem(body, words={"x": ("found", "x"), "y": ("found", "x", "y")})
        module = lay_out(problem, random.Random(seed), [("3", "6")])
        names = {node.id for node in ast.walk(ast.parse(module.source)) if isinstance(node, ast.Name)}
        assert len(names - {"int"}) == 6
        assert ">>> double(3)\n    6\n" in module.prompt
    assert {spin(random.Random(seed), "[a|b [c|d]]!") for seed in range(40)} == {"a!", "b c!", "b d!"}
