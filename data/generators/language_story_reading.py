"""Reads a generated story back to its events and answers the question from them, looking from the end backwards."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from data.generators.language_story_words import ALL
from data.generators.language_tasks import ReadingError

Event = list[str]
_COUNTS = ("no things", "one thing", "two things", "three things", "four things", "five things", "six things")
_JOINT = r"(?:, | and then | and subsequently | and thereafter | and )"


_PERSON = "|".join(sorted(ALL.people, key=len, reverse=True))
_FORMS = [
    re.compile(pattern.replace("WHO", rf"(?P<who>{_PERSON}|she|he)"))
    for pattern in (
        r"after WHO had (?P<first>.+?), (?P<again>she|he) (?P<rest>.+)",
        r"before WHO (?P<rest>.+?), (?P<again>she|he) (?P<first>.+)",
        r"having (?P<first>.+?), WHO (?P<rest>.+)",
        r"WHO (?P<rest>.+)",
    )
]
_OPENERS = sorted((f"{opener} " for opener in ALL.openers), key=len, reverse=True)
_EVENTS = {
    form: {verb[form]: kind for kind, verbs in ALL.verbs.items() for verb in verbs} for form in (0, 1)
}  # past tenses and participles, each with its kind


class _Story:
    """What was read of a story: where things were at first, and what happened, in its order."""

    def __init__(self) -> None:
        self._last = ""
        self.start: dict[str, str] = {}
        self.events: list[Event] = []

    def read(self, text: str) -> None:
        """Takes the whole story."""
        head, *sentences = text.removesuffix(".").split(". ")
        if not head.startswith("At first, "):
            raise ReadingError("a story begins with where things are")
        self._start(head.removeprefix("At first, "))
        for sentence in sentences:
            if f"{sentence}." in ALL.remarks:
                self._last = ""
                continue
            if not sentence[:1].isupper():
                raise ReadingError(f"{sentence!r} begins with a small letter")
            opener = next((opener for opener in _OPENERS if sentence.startswith(opener)), "")
            said = sentence.removeprefix(opener)
            if not opener and not re.match(_PERSON, said):
                said = said[0].lower() + said[1:]
            if not self.events and self._start(said):
                continue
            self._sentence(said)

    def _start(self, text: str) -> bool:
        parts = re.findall(r"the ([a-z ]+?) was in the ([a-z ]+?)(?: and |$)", text)
        if not parts or " and ".join(f"the {thing} was in the {place}" for thing, place in parts) != text:
            return False
        if not all(t in ALL.things and p in ALL.places for t, p in parts):
            raise ReadingError(f"{text!r}: an unknown thing or place")
        self.start |= dict(parts)
        return True

    def _sentence(self, text: str) -> None:
        for form in _FORMS:
            match = form.fullmatch(text)
            if match is None:
                continue
            groups = match.groupdict()
            who = self._resolved(groups["who"])
            if groups.get("again") not in (None, ALL.people[who]):
                raise ReadingError(f"{text!r} changes who it is about")
            first = groups.get("first")
            clauses = [(first, int(not text.startswith("before ")))] if first else []
            clauses += [(part, 0) for part in re.split(_JOINT, groups["rest"])]
            self.events += [self._event(who, clause, form) for clause, form in clauses]
            self._last = who
            return
        raise ReadingError(f"{text!r} is not told as stories are")

    def _resolved(self, said: str) -> str:
        if said in ALL.people:
            return said
        if ALL.people.get(self._last) != said:
            raise ReadingError(f"{said!r} stands for nobody")
        return self._last

    def _event(self, who: str, clause: str, form: int) -> Event:
        verb, _, what = clause.partition(" the ")
        kind = _EVENTS[form].get(verb, "")
        if kind == "give":
            what, _, whom = what.partition(" to ")
            if what in ALL.things and whom in ALL.people:
                return ["give", who, what, whom]
        elif kind and what in (ALL.places if kind == "go" else ALL.things):
            return [kind, who, what]
        raise ReadingError(f"{clause!r} is no event")


def _person_place(events: Sequence[Event], who: str) -> str:
    return next(event[2] for event in reversed(events) if event[0] == "go" and event[1] == who)


def _keeper(events: Sequence[Event], thing: str) -> str | None:
    for event in reversed(events):
        if event[2] == thing and event[0] != "go":
            return {"take": event[1], "give": event[-1]}.get(event[0])
    return None


def _place(start: Mapping[str, str], events: Sequence[Event], thing: str) -> str:
    for position in range(len(events) - 1, -1, -1):
        kind, who, what = events[position][:3]
        if what == thing and kind == "drop":
            return _person_place(events[:position], who)
        if what == thing and kind in ("take", "give"):
            return _person_place(events, events[position][-1] if kind == "give" else who)
    return start[thing]


def _possible(start: Mapping[str, str], events: Sequence[Event]) -> bool:
    """Whether everybody takes what lies where they are and gives what they have to those who are there."""
    for position, (kind, who, what, *whom) in enumerate(events):
        before = events[:position]
        if kind == "go":
            continue
        here = _person_place(before, who)
        keeper = _keeper(before, what)
        if kind == "take" and (keeper is not None or _place(start, before, what) != here):
            return False
        if kind != "take" and keeper != who or whom and _person_place(before, whom[0]) != here:
            return False
    return True


def _answer(question: str, start: Mapping[str, str], events: Sequence[Event]) -> str:
    """The answer that the events give, as a sentence that begins with a small letter."""
    if match := re.fullmatch(r"where is the (.+)\?", question):
        if match[1] in start:
            return f"the {match[1]} is in the {_place(start, events, match[1])}."
    if match := re.fullmatch(r"where is (.+)\?", question):
        return f"{match[1]} is in the {_person_place(events, match[1])}."
    if match := re.fullmatch(r"who has the (.+)\?", question):
        return f"{_keeper(events, match[1]) or 'nobody'} has the {match[1]}."
    if match := re.fullmatch(r"how many things does (.+) have\?", question):
        return f"{match[1]} has {_COUNTS[sum(_keeper(events, thing) == match[1] for thing in start)]}."
    if match := re.fullmatch(r"from whom did (.+) get the (.+)\?", question):
        (giver,) = {event[1] for event in events if event[0] == "give" and event[2:] == [match[2], match[1]]}
        return f"{match[1]} got it from {giver}."
    match = re.fullmatch(r"was the (.+) ever in the (.+)\?|where was the (.+) before it was in the (.+)\?", question)
    if match is None:
        raise ReadingError(f"{question!r} is no question that is asked")
    thing, place = match[1] or match[3], match[2] or match[4]
    been = [_place(start, events[:end], thing) for end in range(len(events) + 1)]
    if match[1]:
        return "yes, it was." if place in been else "no, it was not."
    return f"it was in the {been[been.index(place) - 1]}."


def check(facts: Mapping[str, Any], prompt: str, completion: str) -> bool:
    """The story, as read, has the certificate's events; they can happen, and they give the answer."""
    story, question, _ = prompt.rsplit("\n", 2)
    found = _Story()
    found.read(story)
    asked = question.removeprefix("Question: ")
    opening = next(o for o in sorted(ALL.asks, key=len, reverse=True) if asked.startswith(o))
    asked = asked.removeprefix(opening)
    asked = asked[0].lower() + asked[1:]
    if (found.start, found.events) != (facts["start"], facts["events"]) or not _possible(found.start, found.events):
        return False
    answer = _answer(asked, found.start, found.events)
    return completion == answer[0].upper() + answer[1:]
