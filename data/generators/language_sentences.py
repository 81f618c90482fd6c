"""Sentences with one meaning in four languages: who does what to how many of which things, where and when.

A clause is a dict of ids from `data.generators.language_words` (`agent`, `verb`, `object`, `adjective` and `place`, "" for
none), `past`, `count`, `when` (`["day", 0]`, `["date", 3, 5]`, `["time", 3, 15]` or `[]`) and `first`, whether the time
comes first. A sentence is `{"link": id or "", "clauses": [clause, ...]}`. Each language has its own order of words,
articles by gender, and agreement of numbers and adjectives.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from data.generators import language_numerals as numerals
from data.generators.language_words import ADJECTIVES, AGENTS, LINKS, OBJECTS, PLACES, SUBORDINATE, VERBS, Word

Clause = Mapping[str, Any]
Sentence = Mapping[str, Any]
_GERMAN_ARTICLES = {"m": "der", "f": "die", "n": "das"}
_VOWELS = "aeiouhéèêâîô"  # the h of every noun here is mute


def _agent(language: str, name: str) -> str:
    forms = AGENTS[name].forms[language]
    if language == "en":
        return f"the {forms[0]}"
    gender, noun = forms
    if language == "de":
        return f"{_GERMAN_ARTICLES[gender]} {noun}"
    if language == "fr" and noun[0] in _VOWELS:
        return f"l'{noun}"
    articles = {"fr": {"m": "le", "f": "la"}, "es": {"m": "el", "f": "la"}}
    return f"{articles[language][gender]} {noun}"


def _things(language: str, clause: Clause, in_words: bool) -> str:
    forms = OBJECTS[clause["object"]].forms[language]
    gender, noun = forms if len(forms) == 2 else ("", forms[0])
    count = numerals.number(language, clause["count"], gender) if in_words else str(clause["count"])
    if not clause["adjective"]:
        return f"{count} {noun}"
    adjective = ADJECTIVES[clause["adjective"]].forms[language]
    if language in ("en", "de"):
        return f"{count} {adjective[0]} {noun}"
    chosen = adjective[-1 if gender == "f" else -2]
    return f"{count} {chosen} {noun}" if adjective[0] == "before" else f"{count} {noun} {chosen}"


def _when(language: str, when: Sequence[Any], in_words: bool) -> str:
    if not when:
        return ""
    kind, *values = when
    if kind == "day":
        return numerals.weekday(language, *values)
    write = numerals.date if kind == "date" else numerals.clock
    return write(language, *values, in_words)


def _joined(*parts: str) -> str:
    return " ".join(filter(None, parts))


def _clause(language: str, clause: Clause, is_subordinate: bool, in_words: bool) -> str:
    forms = VERBS[clause["verb"]].forms[language]
    agent, things = _agent(language, clause["agent"]), _things(language, clause, in_words)
    place = PLACES[clause["place"]].forms[language][0] if clause["place"] else ""
    when = _when(language, clause["when"], in_words)
    first, last = (when, "") if clause["first"] else ("", when)
    if language == "de":
        finite, end = ("hat", forms[1]) if clause["past"] else (forms[0], "")
        if is_subordinate:
            return _joined(agent, last, things, place, end, finite)
        start = (first, finite, agent) if first else (agent, finite)
        return _joined(*start, last, things, place, end)
    verb = forms[clause["past"]]
    if language == "fr":
        verb = f"a {forms[1]}" if clause["past"] else verb
        first = f"{first}," if first else ""
    return _joined(first, agent, verb, things, place, last)


def sentence(language: str, meaning: Sentence, in_words: bool) -> str:
    """A sentence with its full stop.

    Args:
      language: en, de, fr or es.
      meaning: as described above.
      in_words: whether numbers, dates and times are written out.

    Raises:
      KeyError, ValueError: ids or numbers that the language has no word for.
    """
    link = meaning["link"]
    parts = [
        _clause(language, clause, bool(place) and link in SUBORDINATE, in_words)
        for place, clause in enumerate(meaning["clauses"])
    ]
    text = LINKS[link][language].join(parts) if link else parts[0]
    return f"{text[0].upper()}{text[1:]}."


def passage(language: str, meanings: Sequence[Sentence], in_words: bool) -> str:
    """Sentences one after the other."""
    return " ".join(sentence(language, meaning, in_words) for meaning in meanings)


def _pick(rng: random.Random, words: Mapping[str, Word], tier: int) -> str:
    """A word of the tier, now and then of the one below."""
    wanted = max(tier - (rng.random() < 0.2), 0)
    return rng.choice([name for name, word in words.items() if word.tier == wanted])


_TIMES: dict[str, Callable[[random.Random], list[Any]]] = {
    "day": lambda rng: ["day", rng.randrange(7)],
    "date": lambda rng: ["date", rng.randint(1, 28), rng.randint(1, 12)],
    "time": lambda rng: ["time", rng.randint(1, 12), 5 * rng.randrange(12)],
}


def _drawn_clause(rng: random.Random, tier: int, past: bool, full: bool, may_be_first: bool) -> dict[str, Any]:
    count = rng.choice((rng.randint(2, 99), rng.randint(2, 99), rng.randint(100, 999), rng.randint(1000, 9999)))
    count += count % 100 == 1  # `einhunderteins Bücher` is what nobody says
    when = _TIMES[rng.choice(("day", "date", "time"))](rng) if full or rng.random() < 0.6 else []
    return {
        "agent": _pick(rng, AGENTS, tier),
        "verb": _pick(rng, VERBS, tier),
        "past": past,
        "count": count,
        "adjective": _pick(rng, ADJECTIVES, tier) if full or rng.random() < 0.5 else "",
        "object": _pick(rng, OBJECTS, tier),
        "place": _pick(rng, PLACES, tier) if full or rng.random() < 0.5 else "",
        "when": when,
        "first": bool(when) and may_be_first and rng.random() < 0.4,
    }


def drawn(rng: random.Random, count: int, tier: int, linked: float) -> list[dict[str, Any]]:
    """Meanings of a passage, all in one tense.

    Args:
      rng: random numbers.
      count: of sentences.
      tier: of the words.
      linked: share of sentences with two clauses.
    """
    past, found = rng.random() < 0.5, []
    for _ in range(count):
        link = rng.choice(tuple(LINKS)) if rng.random() < linked else ""
        full = rng.random() < 0.25 + 0.25 * tier
        clauses = [_drawn_clause(rng, tier, past, full, True)]
        if link:
            clauses.append(_drawn_clause(rng, tier, past, full, False))
        found.append({"link": link, "clauses": clauses})
    return found
