"""Generated problems of language: every family proves what it makes, and no check is content with another text."""

from __future__ import annotations

import copy
import dataclasses
import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import records
from data.document import content_id
from data.domains import LEVELS
from data.generators import (
    language_agreement,
    language_checks,
    language_numeral_reading,
    language_numerals,
    language_sentence_reading,
    language_sentences,
    language_story_reading,
)
from data.generators.language_problems import FAMILIES, draw, generate, verify
from data.generators.language_tasks import ReadingError
from data.levels.language import measure
from data.processors.standard_text import standard_text

CASES = [(family, level) for family in FAMILIES for level in range(5)]
WORD = re.compile(r"\w+")


def _holds(task, **changes) -> bool:
    task = dataclasses.replace(task, **changes)
    return language_checks.holds({"check": task.check, **task.facts}, task.prompt, task.completion, task.form)


@pytest.mark.parametrize(("family", "level"), CASES)
def test_every_family_proves_what_it_makes(family, level):
    for seed in range(8):
        task = family(random.Random(seed), level)
        assert task == family(random.Random(seed), level)
        assert _holds(task), task.text
        facts, form = json.loads(json.dumps([task.facts, task.form], sort_keys=True))
        assert _holds(task, facts=facts, form=form), "not after a round trip through JSON"
        assert standard_text(task.text) == task.text, "a later stage would change the text"


@pytest.mark.parametrize(("family", "level"), CASES)
def test_a_completion_that_says_something_else_is_rejected(family, level):
    """Words are left out, doubled, given a capital or replaced by others of the text; the form is made to agree."""
    rng = random.Random(level)
    task = family(rng, level)
    spots = list(WORD.finditer(task.completion))
    others = sorted({match[0] for match in WORD.finditer(task.text)})
    for spot in rng.sample(spots, min(len(spots), 12)):
        other = rng.choice([word for word in others if word.lower() != spot[0].lower()])
        for word in {"", f"{spot[0]} {spot[0]}", other, spot[0].swapcase()} - {spot[0]}:
            text = task.completion[: spot.start()] + word + task.completion[spot.end() :]
            form = {name: text if value == task.completion else value for name, value in task.form.items()}
            if _holds(task, completion=text, form=form):
                # What a customer says between the facts is theirs to choose.
                line = task.completion.rfind("\n", 0, spot.start()) + 1
                assert task.check == "dialogue" and task.completion.startswith("User: ", line), (spot[0], word, text)


@pytest.mark.parametrize("level", LEVELS["language"])
def test_documents_are_of_their_level_and_carry_what_training_cuts_them_by(level):
    documents = [generate(level, 11, index) for index in range(40)]
    assert all(map(verify, documents))
    assert sum(measure(document)[0] == level for document in documents) >= 38
    assert len({document.meta["certificate"]["check"] for document in documents}) >= 5
    for document in documents:
        meta, text = document.meta, document.text
        assert records.decode(records.encode(document)) == document
        if meta["certificate"]["check"] == "dialogue":
            assert "prompt_end" not in meta
            said = [text[start:end] for start, end in meta["assistant_spans"]]
            assert said == [line.split(": ", 1)[1] for line in text.split("\n") if line.startswith("Assistant: ")]
            assert [(s, text[a:b]) for s, a, b in meta["turns"]] == [tuple(x.split(": ", 1)) for x in text.split("\n")]
        else:
            completion = text[meta["prompt_end"] :]
            assert completion == meta["certificate"]["answer"]
            assert {meta.get(name, completion) for name in ("answer", "summary", "target_text")} == {completion}
            assert meta.get("question", "") in text and meta.get("source_text", "") in text[: meta["prompt_end"]]


def test_there_are_thousands_of_different_documents_in_each_family():
    for family in FAMILIES:
        texts = {family(random.Random(seed), seed % 5).text for seed in range(300)}
        assert len(texts) > 295, family


def test_forged_meta_does_not_verify():
    for index in range(40):
        document = generate(LEVELS["language"][index % 5], 5, index)
        for name, value in document.meta.items():
            if name == "certificate":
                continue
            meta = copy.deepcopy(document.meta)
            forged = {int: lambda v: v + 1, str: lambda v: f"{v} x", list: lambda v: v[:-1]}[type(value)](value)
            if name.endswith("_language"):
                continue
            assert not verify(dataclasses.replace(document, meta=meta | {name: forged})), name
        empty = document.meta["certificate"] | {"answer": ""}
        for certificate in (None, [], {}, {"check": "nothing"}, {"text_id": document.id}, empty):
            assert not verify(dataclasses.replace(document, meta=document.meta | {"certificate": certificate}))


def test_a_changed_prompt_does_not_verify_even_if_its_digest_is_renewed():
    for index in range(60):
        document = generate(LEVELS["language"][index % 5], 6, index)
        if "prompt_end" not in document.meta:
            continue
        rng, end = random.Random(index), document.meta["prompt_end"]
        spot = rng.choice([m for m in WORD.finditer(document.text, document.text.index("\n")) if m.end() < end - 20])
        text = f"{document.text[: spot.start()]}{spot[0]}{spot[0][-1]}{document.text[spot.end() :]}"
        meta = copy.deepcopy(document.meta)
        meta["prompt_end"] += 1
        meta["certificate"]["text_id"] = content_id(text)
        assert not verify(dataclasses.replace(document, text=text, meta=meta)), text


def test_an_unknown_level_is_an_error():
    with pytest.raises(ValueError):
        generate("hard", 0, 0)
    with pytest.raises(ValueError):
        draw(FAMILIES[0], "hard", random.Random(0))


@pytest.mark.parametrize("language", language_numerals.LANGUAGES)
def test_numbers_dates_and_times_are_read_back(language):
    for n in [*range(1200), *range(1200, 10_000, 37)]:
        for gender in ("m", "f") if language in ("fr", "es") else ("",):
            assert language_numeral_reading.number(language, language_numerals.number(language, n, gender), gender) == n
    for in_words in (True, False):
        for hour in range(1, 13):
            for minute in range(0, 60, 5):
                said = language_numerals.clock(language, hour, minute, in_words)
                assert language_numeral_reading.clock(language, said) == (hour, minute), said
        for day in range(1, 32):
            said = language_numerals.date(language, day, day % 12 + 1, in_words)
            assert language_numeral_reading.date(language, said) == (day, day % 12 + 1), said


@pytest.mark.parametrize(
    ("language", "n", "gender", "words"),
    [
        ("en", 342, "", "three hundred and forty-two"),
        ("en", 2007, "", "two thousand and seven"),
        ("en", 1100, "", "one thousand one hundred"),
        ("de", 1001, "", "eintausendeins"),
        ("de", 9876, "", "neuntausendachthundertsechsundsiebzig"),
        ("fr", 71, "f", "soixante et onze"),
        ("fr", 80, "m", "quatre-vingts"),
        ("fr", 81, "f", "quatre-vingt-une"),
        ("fr", 200, "m", "deux cents"),
        ("fr", 2299, "m", "deux mille deux cent quatre-vingt-dix-neuf"),
        ("es", 21, "m", "veintiún"),
        ("es", 531, "f", "quinientas treinta y una"),
        ("es", 1100, "m", "mil cien"),
    ],
)
def test_numbers_as_grammars_have_them(language, n, gender, words):
    assert language_numerals.number(language, n, gender) == words
    assert language_numeral_reading.number(language, words, gender) == n


@pytest.mark.parametrize(
    ("language", "words", "gender"),
    [
        ("en", "three hundred forty-two", ""),
        ("en", "forty and two", ""),
        ("en", "two and", ""),
        ("de", "eineinhundert", ""),
        ("de", "einsundzwanzig", ""),
        ("de", "ein", ""),
        ("fr", "quatre-vingt", "m"),
        ("fr", "deux cent", "m"),
        ("fr", "vingt-un", "m"),
        ("fr", "quatre-vingt et un", "m"),
        ("fr", "vingt et un", "f"),
        ("fr", "un mille", "m"),
        ("es", "doscientos", "f"),
        ("es", "treinta uno", "m"),
        ("es", "veintiuno", "m"),
        ("es", "uno mil", ""),
        ("en", "a", ""),
    ],
)
def test_numbers_that_nobody_says_so_are_rejected(language, words, gender):
    with pytest.raises(ReadingError):
        language_numeral_reading.number(language, words, gender)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Der Schule kauft 3 neue Bücher."),
        ("de", "Die Schule 3 neue Bücher kauft."),
        ("de", "Am Montag die Schule kauft 3 Bücher."),
        ("de", "Die Schule hat gekauft 3 Bücher."),
        ("de", "Die Schule kauft 3 Bücher, weil der Laden verkauft 4 Stühle."),
        ("de", "Die schule kauft 3 Bücher."),
        ("fr", "La magasin achète 3 livres."),
        ("fr", "Le école achète 3 livres."),
        ("fr", "L'école achète 3 livres nouveaux."),
        ("fr", "L'école achète 3 nouvelles livres."),
        ("fr", "L'école achète vingt et un chaises."),
        ("es", "El escuela compra 3 libros."),
        ("es", "La escuela compra 3 nuevos libros."),
        ("es", "La escuela compra doscientos sillas."),
        ("en", "The school buy 3 books."),
        ("en", "The school buys 3 books on Monday at 3:15."),
        ("en", "The school buys 3 books"),
        ("en", "the school buys 3 books."),
        ("xx", "The school buys 3 books."),
    ],
)
def test_sentences_against_the_grammar_are_rejected(language, text):
    with pytest.raises(ReadingError):
        language_sentence_reading.passage(language, text)


def test_the_same_meaning_in_four_languages():
    clause = {"agent": "school", "verb": "buys", "past": True, "count": 21, "adjective": "new", "object": "chairs"}
    clause |= {"place": "in the city", "when": ["time", 3, 45], "first": True}
    meaning = {"link": "", "clauses": [clause]}
    assert {name: language_sentences.sentence(name, meaning, True) for name in language_numerals.LANGUAGES} == {
        "en": "At a quarter to four the school bought twenty-one new chairs in the city.",
        "de": "Um Viertel vor vier hat die Schule einundzwanzig neue Stühle in der Stadt gekauft.",
        "fr": "À quatre heures moins le quart, l'école a acheté vingt et une nouvelles chaises dans la ville.",
        "es": "A las cuatro menos cuarto la escuela compró veintiuna sillas nuevas en la ciudad.",
    }


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("A apple was older than the box.", ["A"]),
        ("Those boys next to the king sees the hat.", ["sees"]),
        ("Yesterday, the girl washes the cup.", ["washes"]),
        ("Tomorrow, the girl will washes the cup.", ["will"]),
        ("Two childs saw the hat for he.", ["childs", "he"]),
        ("Much women held the egg, but the cup was more older than the hat.", ["Much", "more"]),
        ("Yesterday, the girl washed the cup for us. Two children see an egg.", []),
    ],
)
def test_agreement(text, wrong):
    assert [WORD.match(text, start)[0] for start in language_agreement.mistakes(text)] == wrong


def test_stories_are_answered_from_their_end_backwards():
    start = {"ball": "garden"}
    events = [["go", "Ada", "garden"], ["take", "Ada", "ball"], ["go", "Ada", "park"]]
    events += [["go", "Ben", "park"], ["give", "Ada", "ball", "Ben"]]
    answer = language_story_reading._answer
    assert answer("who has the ball?", start, events) == "Ben has the ball."
    assert answer("where is the ball?", start, events[:2]) == "the ball is in the garden."
    assert answer("where was the ball before it was in the park?", start, events) == "it was in the garden."
    assert answer("how many things does Ada have?", start, events) == "Ada has no things."
    assert not language_story_reading._possible(start, events[2:])


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from([family.__name__ for family in FAMILIES]))
def test_any_text_is_judged_without_an_error(prompt, completion, check):
    facts = next(f for f in FAMILIES if f.__name__ == check)(random.Random(0), 0)
    certificate = {"check": facts.check, **facts.facts}
    assert language_checks.holds(certificate, prompt, completion, facts.form) in (True, False)
