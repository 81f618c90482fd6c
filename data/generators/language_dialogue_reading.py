"""Reads a generated conversation turn by turn, and holds what the assistant says against what the customer has said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from data.generators import language_dialogue_words as words
from data.generators.language_dialogue_words import SERVICES, SLOTS, Service
from data.generators.language_tasks import ReadingError


def _pattern(phrase: str, values: tuple[str, ...]) -> re.Pattern[str]:
    before, after = map(re.escape, phrase.split("{}"))
    longest_first = "|".join(sorted(map(re.escape, values), key=len, reverse=True))
    return re.compile(rf"\b(?i:{before[:1]}){before[1:]}(?P<value>{longest_first}){after}\b")


_SAID = {name: _pattern(slot.phrase, slot.values) for name, slot in SLOTS.items() if name != "time"}
_TIME = re.compile(
    r"\b[Aa](?P<value>t (?:(?:a quarter|half|ten|twenty) (?:past|to) )?"
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b(?: o'clock)?)"
)


def _values(text: str, slots: Sequence[str]) -> dict[str, str]:
    """The value of each slot that a customer names.

    Raises:
      ReadingError: two values of one slot, or one of a slot that the service doesn't have.
    """
    found: dict[str, str] = {}
    for name, pattern in {**_SAID, "time": _TIME}.items():
        values = {match["value"] for match in pattern.finditer(text)}
        if len(values) > 1 or values and name not in slots:
            raise ReadingError(f"{text!r} says {sorted(values)} of {name}")
        if values:
            found[name] = ("a" if name == "time" else "") + values.pop()
    return found


def _says(text: str, forms: Sequence[Sequence[str]], what: str, **more: str) -> bool:
    """Whether a text is one of the forms of any register with `what` in its place."""
    said = (form.format(what, **more) for register in forms for form in register)
    return any(text == form[0].upper() + form[1:] for form in said)


def _fits(text: str, service: Service, known: Mapping[str, str], is_last: bool) -> bool:
    """Whether the assistant asks for what is missing or, where nothing is, says what is known and nothing else."""
    missing = [slot for slot in service.slots if slot not in known]
    if missing:
        return not is_last and any(_says(text, words.ASKS, SLOTS[slot].ask) for slot in missing)
    state = " ".join(SLOTS[slot].phrase.replace("{}", known[slot]) for slot in service.slots)
    if is_last:
        return any(_says(text, words.CONFIRMATIONS, state, noun=noun) for noun in service.nouns)
    return _says(text, words.READ_BACK, state)


def _turns(text: str, turns: list[list[Any]]) -> list[tuple[str, str]]:
    """Speakers and what they say, by the offsets, which must be those of the lines."""
    found, position = [], 0
    for line in text.split("\n"):
        speaker = line.partition(": ")[0]
        found.append([speaker, position + len(speaker) + 2, position + len(line)])
        position += len(line) + 1
    if found != turns:
        raise ReadingError("the turns are not where they are said to be")
    return [(speaker, text[start:end]) for speaker, start, end in turns]


def check(facts: Mapping[str, Any], text: str, form: Mapping[str, Any]) -> bool:
    """The customer's words lead to the certificate's state, which the assistant asks for, repeats and confirms."""
    turns = _turns(text, form["turns"])
    if form["assistant_spans"] != [[start, end] for speaker, start, end in form["turns"] if speaker == "Assistant"]:
        return False
    if [speaker for speaker, _ in turns] != ["User", "Assistant"] * (len(turns) // 2) or not turns:
        return False
    service = SERVICES[facts["service"]]
    known: dict[str, str] = {}
    for place, (speaker, said) in enumerate(turns):
        if speaker == "User":
            known |= _values(said, service.slots)
        elif not _fits(said, service, known, place == len(turns) - 1):
            return False
    return known == facts["state"] and known.keys() == set(service.slots)
