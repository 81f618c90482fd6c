"""The sources: generated examples verify and corrupted ones don't; code parses; what can't be read is set aside."""

from __future__ import annotations

import ast
import copy
import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image

from data import difficulty
from data.document import Document, Quarantined, ReadRequest, content_id
from data.domains import LEVELS
from data.generators import expressions, logic_solvers, rendered_scenes
from data.levels.code import code_level, code_measures
from data.levels.language import language_level, language_measures
from data.sources import package_docs, stdlib_code
from data.sources.registry import SOURCES, list_sources, source, verify

GENERATED = {name: info for name, info in SOURCES.items() if info.generate}
CASES = [(name, level) for name, info in GENERATED.items() for level in LEVELS[info.domain]]
COUNT = 25


@pytest.mark.parametrize(("name", "level"), CASES)
def test_generated_examples_verify_and_are_pure(name, level):
    generate = GENERATED[name].generate
    documents = [generate(level, 3, index) for index in range(COUNT)]
    assert all(map(verify, documents))
    assert documents == [generate(level, 3, index) for index in range(COUNT)]
    assert len({document.id for document in documents}) > 0.8 * COUNT
    assert generate(level, 4, 0).text != documents[0].text
    assert {(d.domain, d.level) for d in documents} == {(GENERATED[name].domain, level)}


@pytest.mark.parametrize(("name", "level"), CASES)
def test_a_changed_text_does_not_verify(name, level):
    for index in range(COUNT):
        document = GENERATED[name].generate(level, 5, index)
        assert not verify(dataclasses.replace(document, text=document.text + "1"))
        middle = len(document.text) // 2
        changed = document.text[:middle] + "#" + document.text[middle + 1 :]
        assert not verify(dataclasses.replace(document, text=changed))


@pytest.mark.parametrize(("name", "level"), [case for case in CASES if case[0] != "rendered_scenes"])
def test_a_wrong_answer_does_not_verify_even_if_text_and_certificate_agree_on_it(name, level):
    """The forger rewrites the answer everywhere and renews the digest: only solving the problem anew can tell."""
    for index in range(COUNT):
        document = GENERATED[name].generate(level, 5, index)
        right = document.meta["certificate"]["answer"]
        wrong = {"yes": "no", "no": "yes"}.get(right) or _another_number(right) or f"not {right}"
        text = document.text.removesuffix(right) + wrong
        meta = copy.deepcopy(document.meta)
        meta["certificate"] |= {"answer": wrong, "text_id": content_id(text)}
        assert not verify(dataclasses.replace(document, text=text, meta=meta)), (right, wrong)


def _another_number(answer: str) -> str:
    return re.sub(r"\d+", lambda match: str(int(match[0]) + 1), answer, count=1) if re.search(r"\d", answer) else ""


@pytest.mark.parametrize("level", LEVELS["multimodal"])
def test_pictures_decode_and_a_changed_pixel_or_answer_does_not_verify(level):
    for index in range(COUNT):
        document = rendered_scenes.generate(level, 2, index)
        image = Image.open(io.BytesIO(document.media)).convert("RGB")
        assert image.format is None and 64 <= image.width <= 96 and 64 <= image.height <= 96
        pixels = np.array(image)
        pixels[5, 5] ^= 1
        forged = rendered_scenes.encode_png(Image.fromarray(pixels))
        assert not verify(dataclasses.replace(document, media=forged))
        assert not verify(dataclasses.replace(document, media=document.media[:40]))
        meta = copy.deepcopy(document.meta)
        meta["questions"][0]["answer"] = "seventeen"
        assert not verify(dataclasses.replace(document, meta=meta))


def test_shards_together_are_the_whole_and_keep_within_the_budget():
    for name, info in GENERATED.items():
        whole = {d.source for d in info.read(ReadRequest(seed=1, level_bytes=6000))}
        parts = [list(info.read(ReadRequest(1, shard, 3, level_bytes=6000))) for shard in range(3)]
        documents = [document for part in parts for document in part]
        assert len({d.source for d in documents}) == len(documents)
        for level in LEVELS[info.domain]:
            assert 0 < sum(d.num_bytes for d in documents if d.level == level) <= 6000
        assert len(whole & {d.source for d in documents}) > 0.5 * len(whole), name


def test_every_code_document_parses_and_is_of_bounded_size():
    root = stdlib_code.root_folder() / "json"
    documents = list(stdlib_code.read(ReadRequest(root=str(root))))
    assert len(documents) > 10
    for document in documents:
        ast.parse(document.text)
        assert document.num_bytes <= 8192 and document.licence == "PSF-2.0"
    assert any(document.source == "stdlib:decoder.py:JSONDecoder" for document in documents)


def test_a_long_class_is_cut_between_its_members_and_a_decorator_stays_with_its_function():
    method = "    # about m{0}\n    @property\n    def m{0}(self):\n        return {0}\n"
    methods = "\n".join(map(method.format, range(400)))
    text = f"import os; import sys\n\n# why\nclass Long:\n    '''Doc.'''\n{methods}\nX = 1\n"
    pieces = dict(stdlib_code.split_module(text, ast.parse(text)))
    parts = [code for name, code in pieces.items() if name.startswith("Long")]
    assert len(parts) > 1 and all(part.startswith("# why\nclass Long:") for part in parts)
    assert all(len(part) <= stdlib_code.MAX_BYTES for part in parts)
    members = [node.name for part in parts for node in ast.parse(part).body[0].body if hasattr(node, "name")]
    assert members == [f"m{n}" for n in range(400)]
    assert sum(part.count("@property") for part in parts) == sum(part.count("# about") for part in parts) == 400
    assert pieces["<module>.0"] == "import os; import sys\nX = 1"


def test_files_that_cannot_be_read_are_set_aside_with_place_and_reason(tmp_path):
    (tmp_path / "bytes.py").write_bytes(b"x = '\xff'\n")
    (tmp_path / "syntax.py").write_text("x = 1\ndef (:\n")
    (tmp_path / "good.py").write_text("def f():\n    return 1\n")
    items = list(stdlib_code.read(ReadRequest(root=str(tmp_path))))
    aside = {item.path.rsplit("/", 1)[-1]: item for item in items if isinstance(item, Quarantined)}
    assert (aside["bytes.py"].reason, aside["bytes.py"].offset) == ("undecodable", 5)
    assert (aside["syntax.py"].reason, aside["syntax.py"].offset) == ("syntax_error", 6)
    assert [item.source for item in items if isinstance(item, Document)] == ["stdlib:good.py:f"]


@pytest.mark.parametrize(
    ("head", "licence"),
    [
        ("x = 1", "PSF-2.0"),
        ("# Copyright 2001 Someone. All rights reserved.", "NOASSERTION"),
        ("# Copyright 2001 Someone.\n# Licensed to PSF under a Contributor Agreement.", "PSF-2.0"),
        ("# Permission  is  hereby\n# granted, free of charge. Copyright X", "PSF-2.0"),
        ("# Copyright X. GNU General Public License. Not BSD.", "NOASSERTION"),
    ],
)
def test_notices_in_the_head_of_a_file_decide_its_licence(head, licence):
    assert stdlib_code.licence_of(head) == licence


def test_prose_keeps_sentences_and_leaves_code_tables_and_parameters_out():
    text = """Title
=====

This function reads a [file](http://x.y) and returns what ``it`` holds, line by line.

>>> read("x")
'y'

```
code = here
```

Args:
  path: where the file lies on the disk.

    indented_code(block) is no prose at all, one would think of it.

| a | b |

It is closed when the last line was read, or when an error occurs.
"""
    assert package_docs.prose(text) == (
        "This function reads a file and returns what `it` holds, line by line.\n\n"
        "It is closed when the last line was read, or when an error occurs."
    )


def test_package_prose_has_text_and_licences():
    documents = list(package_docs.read(ReadRequest(seed=1, shard=0, num_shards=40, source_bytes=4_000_000)))
    prose = [d for d in documents if isinstance(d, Document) and len(d.text) > 200]
    assert len(prose) > 5
    assert {d.domain for d in prose} == {"language"} and all(d.licence for d in prose)
    assert all(">>>" not in d.text and "```" not in d.text for d in prose)


def test_expressions_are_evaluated_without_running_what_they_say():
    assert expressions.number("2*(3 - 5)^3 / 4") == -4
    assert expressions.same_polynomial("(x + y)^2", "x^2 + 2*x*y + y^2")
    assert not expressions.same_polynomial("(x + y)^2", "x^2 + y^2")
    refused = ("__import__('os').getcwd()", "open('x')", "1/0", "9^9^9^9", "((9^500)^500)^500", "x.y", "1 +", "'a'*9")
    for text in refused:
        with pytest.raises(expressions.ExpressionError):
            expressions.number(text)


def test_solvers_agree_with_known_cases():
    assert logic_solvers.entails(["p", ["if", "p", "q"]], "q")
    assert not logic_solvers.entails(["q", ["if", "p", "q"]], "p")
    assert not logic_solvers.entails(["p", ["not", "p"]], "q")  # no world at all: nothing is concluded from it
    assert logic_solvers.syllogism([("all", "a", "b"), ("all", "b", "c")], ("all", "a", "c"))
    assert not logic_solvers.syllogism([("all", "a", "b"), ("all", "b", "c")], ("some", "a", "c"))
    assert logic_solvers.jug_depth([3, 5], 4) == len(logic_solvers.jug_plan([3, 5], 4)) == 6
    roads = [["a", "b", 4], ["b", "c", 4], ["a", "c", 9]]
    assert logic_solvers.shortest_walk(roads, "a", "c") == logic_solvers.shortest_ways(roads, "a", "c")[0][0] == 8


def test_levels_grow_with_complexity():
    nested = "def f(a):\n for x in a:\n  if x:\n   while x:\n    if a:\n     x = 1\n"
    system = "def f():\n    os.fork()\n    os.wait()\n"
    fast = "def f(a):\n    return (a >> 3) ^ (a << 4) ^ (a & 5)\n"
    texts = {"syntax_basics": "x = 1\n", "algorithms": nested, "systems": system, "optimization": fast}
    for level, text in texts.items():
        assert code_level(code_measures(ast.parse(text))) == level
    plain = "The cat sat. It was wet. We ran on. He had a hat. " * 4
    hard = "Multidimensional characterisation necessitates considerable computational infrastructure, moreover " * 4
    assert language_level(language_measures(plain)) == "plain"
    assert language_level(language_measures(hard)) == "scholarly"
    with pytest.raises(ValueError, match="unknown domain"):
        difficulty.measure(Document("x", "cooking", "s", "MIT"))


def test_the_registry_lists_every_source_and_names_them_in_its_error():
    table = list_sources()
    assert all(name in table and info.licence in table for name, info in SOURCES.items())
    with pytest.raises(ValueError, match="math_problems"):
        source("no_such_source")
    with pytest.raises(ValueError, match="no certificates"):
        verify(Document("x", "code", "stdlib_code:x", "PSF-2.0"))
