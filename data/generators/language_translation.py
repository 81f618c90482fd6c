"""Families of two kinds of rewriting that four languages allow: translation, and figures against words."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from data.generators import language_sentence_reading as reading
from data.generators import language_sentences as sentences
from data.generators.language_numerals import LANGUAGES
from data.generators.language_tasks import Task

# By level: sentences (least, most), tier of the words, share of sentences with two clauses.
_SHAPES = (
    ((2, 3), 0, 0.0),
    ((2, 5), 0, 0.6),
    ((2, 4), 1, 0.5),
    ((3, 5), 1, 0.8),
    ((2, 4), 2, 0.9),
)
_ASK = ("Translate from {} to {}.", "Translate this {} text into {}.", "Put the {} text below into {}.")
_ASK_FIGURES = {
    True: ("Write all figures of this {} text in words.", "Spell out the numbers, dates and times of this {} text."),
    False: ("Write the numbers, dates and times of this {} text in figures.", "Put figures for the {} number words."),
}


def _meanings(rng: random.Random, level: int) -> list[dict[str, Any]]:
    (least, most), tier, linked = _SHAPES[level]
    return sentences.drawn(rng, rng.randint(least, most), tier, linked)


def translation(rng: random.Random, level: int) -> Task:
    """A passage in one language, to be said in another."""
    source, target = rng.sample(sorted(LANGUAGES), 2)
    if "en" not in (source, target) and rng.random() < 0.6:
        target = "en"
    meanings, in_words = _meanings(rng, level), rng.random() < 0.5
    given, wanted = (sentences.passage(language, meanings, in_words) for language in (source, target))
    names = LANGUAGES[source], LANGUAGES[target]
    prompt = f"{rng.choice(_ASK).format(*names)}\n{names[0]}: {given}\n{names[1]}: "
    form = {"source_language": source, "source_text": given, "target_language": target, "target_text": wanted}
    return Task(prompt, wanted, "translation", {"languages": [source, target], "meanings": meanings}, form)


def figures(rng: random.Random, level: int) -> Task:
    """A passage with its numbers, dates and times in figures, to be written in words, or the other way round."""
    language, to_words = rng.choice(sorted(LANGUAGES)), rng.random() < 0.6
    meanings = _meanings(rng, level)
    given, wanted = (sentences.passage(language, meanings, in_words) for in_words in (not to_words, to_words))
    heads = ("Figures", "Words") if to_words else ("Words", "Figures")
    prompt = f"{rng.choice(_ASK_FIGURES[to_words]).format(LANGUAGES[language])}\n{heads[0]}: {given}\n{heads[1]}: "
    return Task(prompt, wanted, "figures", {"language": language, "to_words": to_words, "meanings": meanings})


def _given(prompt: str) -> str:
    """The text of the prompt that is to be rewritten: its second line, behind the label."""
    return prompt.split("\n")[1].split(": ", 1)[1]


def check_translation(facts: Mapping[str, Any], prompt: str, completion: str) -> bool:
    """Both passages, read by the grammars of their languages, have the certificate's meaning."""
    source, target = facts["languages"]
    given, given_figures = reading.passage(source, _given(prompt))
    wanted, wanted_figures = reading.passage(target, completion)
    asked = prompt.split("\n")[0]
    named = asked.index(LANGUAGES[source]) < asked.index(LANGUAGES[target])
    one_style = given_figures == wanted_figures and len(given_figures) == 1
    return named and one_style and given == wanted == facts["meanings"]


def check_figures(facts: Mapping[str, Any], prompt: str, completion: str) -> bool:
    """Both passages have the certificate's meaning, one with all numbers in figures and one with all in words."""
    language, to_words = facts["language"], facts["to_words"]
    given, given_figures = reading.passage(language, _given(prompt))
    wanted, wanted_figures = reading.passage(language, completion)
    styles = given_figures == {to_words} and wanted_figures == {not to_words}
    return styles and LANGUAGES[language] in prompt.split("\n")[0] and given == wanted == facts["meanings"]
