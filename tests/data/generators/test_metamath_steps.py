"""Steps of Metamath proofs: examples are whole, replay from their database, and from no other."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from data.document import content_id
from data.generators import metamath_steps
from data.generators.metamath_steps import DatabaseError, generate, load, verify

BASE = """$( Public domain, CC0. $)
$c ( ) -> wff |- $.  $v ph ps ch $.
wph $f wff ph $.  wps $f wff ps $.  wch $f wff ch $.
wi $a wff ( ph -> ps ) $.
${ min $e |- ph $.  maj $e |- ( ph -> ps ) $.  ax-mp $a |- ps $. $}
ax-1 $a |- ( ph -> ( ps -> ph ) ) $.
ax-2 $a |- ( ( ph -> ( ps -> ch ) ) -> ( ( ph -> ps ) -> ( ph -> ch ) ) ) $.
"""
A1I = "${ a1i.1 $e |- ph $.\n  a1i $p |- ( ps -> ph ) $= ( wi ax-1 ax-mp ) ABADCABEF $. $}\n"
ID = (
    "id $p |- ( ph -> ph ) $= wph wph wph wi wi wph wph wi wph wph ax-1 wph wph wph wi wph wi wi wph wph wph wi wi "
    "wph wph wi wi wph wph wph wi ax-1 wph wph wph wi wph ax-2 ax-mp ax-mp $.\n"
)
WRONG = "wrong $p |- ( ph -> ps ) $= wph wps wph wi a1i.1 ax-mp $.\n"


@pytest.fixture
def database(tmp_path):
    """make(text) -> path of a database."""

    def make(text, name="small.mm"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return make


@pytest.fixture
def small(database):
    return load(database(BASE + A1I + ID + WRONG))


def test_every_step_that_is_no_hypothesis_is_an_example(small):
    assert set(small.theorems) == {"a1i", "id"}, "a theorem without a right proof gives no example"
    documents = [generate(small, 0, index) for index in range(len(small.places))]
    assert len({document.id for document in documents}) == len(documents) == 7
    assert all(verify(document, small) for document in documents)
    assert {(d.domain, d.level, d.licence) for d in documents} == {("math", "proofs", "CC0-1.0")}
    with pytest.raises(IndexError):
        generate(small, 0, len(documents))
    (last,) = (d for d in documents if d.meta["certificate"]["theorem"] == "a1i" and d.meta["certificate"]["step"] == 2)
    end = last.meta["prompt_end"]
    assert last.text[:end] == (
        "Theorem a1i of small.mm:\na1i.1 $e |- ph $.\na1i $p |- ( ps -> ph )\nSteps so far:\n"
        "1. |- ph   [hypothesis a1i.1]\n2. |- ( ph -> ( ps -> ph ) )   [ax-1]\nNext step:\n"
    )
    assert last.text[end:] == "3. |- ( ps -> ph )   [1, 2, ax-mp]"


def test_a_seed_is_an_order_and_generating_is_pure(small):
    first = [generate(small, 1, index) for index in range(7)]
    assert first == [generate(small, 1, index) for index in range(7)]
    other = [generate(small, 2, index) for index in range(7)]
    assert first != other and sorted(d.id for d in first) == sorted(d.id for d in other)


def test_what_was_tampered_with_does_not_replay(small):
    for index in range(7):
        document = generate(small, 0, index)
        text = document.text.replace("|- (", "|- ( (", 1)
        assert not verify(dataclasses.replace(document, text=text), small)
        wrong = (("step", 50), ("step", -1), ("step", None), ("theorem", "no"), ("database", "0"), ("answer", ""))
        for name, value in wrong:
            meta = copy.deepcopy(document.meta)
            meta["certificate"][name] = value
            assert not verify(dataclasses.replace(document, meta=meta), small), name
        forged = copy.deepcopy(document.meta)
        forged["certificate"] |= {"text_id": content_id(text)}
        assert not verify(dataclasses.replace(document, text=text, meta=forged), small)
        assert not verify(dataclasses.replace(document, meta=document.meta | {"prompt_end": 1}), small)


def test_another_database_does_not_replay_it(small, database):
    other = load(database(BASE + A1I + ID, "other.mm"))
    assert not verify(generate(small, 0, 0), other)


def test_a_file_without_proofs_is_an_error(database):
    with pytest.raises(DatabaseError, match="no theorem with a verified proof"):
        load(database("a text that is no database"))
    with pytest.raises(OSError):
        load("/nowhere/at/all.mm")


def test_long_proofs_and_prompts_are_left_out(database, monkeypatch):
    monkeypatch.setattr(metamath_steps, "MAX_STEPS", 4)
    assert set(load(database(BASE + A1I + ID, "steps.mm")).theorems) == {"a1i"}
    monkeypatch.setattr(metamath_steps, "MAX_PROMPT", 125)
    assert load(database(BASE + A1I + ID, "prompt.mm")).places == (("a1i", 1),)
