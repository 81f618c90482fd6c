"""Conversations in which an assistant finds out what a customer wants: slots are filled, changed and confirmed.

The state at the end, slot by slot, is the certificate; `turns` are `[speaker, start, end]` of what is said, in
characters.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from data.generators import language_dialogue_words as words
from data.generators.language_dialogue_words import SERVICES, SLOTS
from data.generators.language_stories import capital
from data.generators.language_tasks import Task

# By level: registers that each side may speak in, least and most changes, share of asides.
_SHAPES = (
    ((0,), (0, 2), 0.3),
    ((1, 2), (0, 2), 0.2),
    ((1, 2), (0, 2), 0.5),
    ((1, 2, 2), (0, 2), 0.6),
    ((2,), (0, 2), 0.7),
)


def phrases(state: Mapping[str, str], slots: Iterable[str]) -> str:
    """Values of slots in their phrases."""
    return " ".join(SLOTS[slot].phrase.format(state[slot]) for slot in slots if slot in state)


def _said(rng: random.Random, forms: tuple[str, ...], what: str) -> str:
    return capital(rng.choice(forms).format(what))


class _Talk:
    """The turns so far, and what is known."""

    def __init__(self, rng: random.Random, customer: int, assistant: int, asides: float):
        self.rng, self.customer, self.assistant, self._asides = rng, customer, assistant, asides
        self.service = rng.choice(sorted(SERVICES))
        self.slots = SERVICES[self.service].slots
        self.known: dict[str, str] = {}
        self.turns: list[tuple[str, str]] = []

    def aside(self) -> str:
        """Something that says nothing of the matter, or nothing at all."""
        return self.rng.choice(words.ASIDES[self.customer]) if self.rng.random() < self._asides else ""

    def value(self, slot: str) -> str:
        """A value of a slot, other than the one known; nobody travels to where they are."""
        taken = {self.known.get(slot), self.known.get({"origin": "destination", "destination": "origin"}.get(slot, ""))}
        return self.rng.choice([value for value in SLOTS[slot].values if value not in taken])

    def fill(self, slots: Iterable[str]) -> str:
        """Draws values of slots. Returns their phrases."""
        chosen = list(slots)
        for slot in chosen:
            self.known[slot] = self.value(slot)
        return phrases(self.known, chosen)

    def user(self, *parts: str) -> None:
        """A turn of the customer."""
        self.turns.append(("User", " ".join(filter(None, parts))))

    def says(self, text: str) -> None:
        """A turn of the assistant."""
        self.turns.append(("Assistant", text))


def _opening(talk: _Talk) -> None:
    rng, service = talk.rng, SERVICES[talk.service]
    told = [slot for slot in talk.slots if rng.random() < 0.35]
    wish = rng.choice(service.wants[talk.customer])
    mark = "?" if wish.startswith(("Can", "Could")) else "."
    noun = service.nouns[talk.customer]
    request = " ".join(filter(None, (wish, noun, talk.fill(told)))) + mark
    talk.user(rng.choice(words.GREETINGS[talk.customer]), request, talk.aside())


def dialogue(rng: random.Random, level: int) -> Task:
    """A conversation, from the request to the confirmation."""
    registers, (least, most), asides = _SHAPES[level]
    talk = _Talk(rng, rng.choice(registers), rng.choice(registers), asides)
    _opening(talk)
    while missing := [slot for slot in talk.slots if slot not in talk.known]:
        asked = missing[0]
        talk.says(_said(rng, words.ASKS[talk.assistant], SLOTS[asked].ask))
        more = missing[1:2] if rng.random() < 0.25 else []
        talk.user(_said(rng, words.ANSWERS[talk.customer], talk.fill([asked, *more])), talk.aside())
    for _ in range(rng.randint(least, most)):
        talk.says(_said(rng, words.READ_BACK[talk.assistant], phrases(talk.known, talk.slots)))
        talk.user(_said(rng, words.CHANGES[talk.customer], talk.fill([rng.choice(talk.slots)])))
    talk.says(_said(rng, words.READ_BACK[talk.assistant], phrases(talk.known, talk.slots)))
    talk.user(rng.choice(words.YES[talk.customer]))
    noun = SERVICES[talk.service].nouns[talk.assistant]
    form = rng.choice(words.CONFIRMATIONS[talk.assistant])
    talk.says(form.format(phrases(talk.known, talk.slots), noun=noun))
    return _task(talk)


def _task(talk: _Talk) -> Task:
    lines, turns, position = [], [], 0
    for speaker, said in talk.turns:
        start = position + len(speaker) + 2
        turns.append([speaker, start, start + len(said)])
        lines.append(f"{speaker}: {said}")
        position = start + len(said) + 1
    spans = [[start, end] for speaker, start, end in turns if speaker == "Assistant"]
    state = {slot: talk.known[slot] for slot in talk.slots}
    form = {"turns": turns, "assistant_spans": spans}
    return Task("", "\n".join(lines), "dialogue", {"service": talk.service, "state": state}, form)
