"""Stories of people who carry things about, with a question that the story answers: reading comprehension.

Events are `["go", who, place]`, `["take", who, thing]`, `["drop", who, thing]` and `["give", who, thing, to_whom]`,
told in the order of the text's own making: the harder the level, the more of them share a sentence, not always in their
order.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from data.generators.language_story_words import StoryWords, mixed
from data.generators.language_tasks import Task

Event = list[str]
_THEN = ("and", "and then", "and subsequently", "and thereafter")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
# By level: tiers that each kind of words may be of, events, people, things, and the shares of sentences with several
# events, of openers and of remarks.
_SHAPES = (
    ((0,), (5, 10), 2, 2, 0.2, 0.2, 0.2),
    ((0, 1, 1, 1, 1, 2), (12, 22), 3, 3, 0.9, 0.4, 0.2),
    ((1, 1, 1, 2), (10, 18), 3, 3, 0.9, 0.4, 0.2),
    ((1, 1, 2, 2), (8, 14), 3, 3, 0.7, 0.3, 0.2),
    ((1, 2, 2, 2), (10, 16), 3, 3, 0.9, 0.3, 0.2),
)


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


class _World:
    """Who is where and has what, as the story goes on."""

    def __init__(self, rng: random.Random, words: StoryWords, people: int, things: int):
        self.people = rng.sample(sorted(words.people), people)
        self.places = rng.sample(words.places, 4)
        self.start = {thing: rng.choice(self.places) for thing in rng.sample(words.things, things)}
        self.at: dict[str, str] = {}
        self.kept: dict[str, str] = {}  # thing -> who has it
        self.lying = dict(self.start)
        self.been = {thing: [place] for thing, place in self.start.items()}
        self.events: list[Event] = []

    def place(self, thing: str) -> str:
        """Where a thing is."""
        return self.at[self.kept[thing]] if thing in self.kept else self.lying[thing]

    def options(self, who: str) -> list[Event]:
        """What somebody can do now; going where things lie comes up more often."""
        here = self.at.get(who, "")
        wanted = [place for place in self.places if place in self.lying.values() and place != here]
        found = [["go", who, place] for place in wanted or self.places if place != here]
        if here:
            found += 4 * [["take", who, thing] for thing, place in self.lying.items() if place == here]
            own = [thing for thing, keeper in self.kept.items() if keeper == who]
            others = [other for other in self.people if other != who and self.at.get(other) == here]
            found += [["drop", who, thing] for thing in own]
            found += 4 * [["give", who, thing, other] for thing in own for other in others]
        return found

    def do(self, event: Event) -> None:
        """Lets an event happen."""
        kind, who, what = event[:3]
        self.events.append(event)
        if kind == "go":
            self.at[who] = what
        elif kind == "take":
            self.kept[what] = who
            del self.lying[what]
        elif kind == "drop":
            self.lying[what] = self.at[who]
            del self.kept[what]
        else:
            self.kept[what] = event[3]
        for thing, been in self.been.items():
            if been[-1] != self.place(thing):
                been.append(self.place(thing))


def _said(rng: random.Random, words: StoryWords, event: Event, form: int) -> str:
    """An event without its subject; form 0 is the past tense, 1 the participle."""
    kind, _, what, *whom = event
    return f"{rng.choice(words.verbs[kind])[form]} the {what}" + "".join(f" to {other}" for other in whom)


def _sentence(rng: random.Random, words: StoryWords, events: Sequence[Event], same: bool, opener: str) -> str:
    """One sentence of one to three events of the same person; `same`: the last sentence was about them too."""
    who = events[0][1]
    pronoun = words.people[who]
    past = [_said(rng, words, event, 0) for event in events]
    then = f" {rng.choice(_THEN)} "
    subject = pronoun if same and rng.random() < 0.5 else who
    form = rng.choice(("and", "after", "before", "having")) if len(events) > 1 else ""
    if form == "after":
        return f"after {subject} had {_said(rng, words, events[0], 1)}, {pronoun} {then.join(past[1:])}"
    if form == "having":
        return f"having {_said(rng, words, events[0], 1)}, {subject} {then.join(past[1:])}"
    if form == "before" and len(events) == 2:
        return f"before {subject} {past[1]}, {pronoun} {past[0]}"
    return f"{opener}{subject} " + (then.join(past) if len(past) < 3 else f"{past[0]}, {past[1]}{then}{past[2]}")


def _told(rng: random.Random, words: StoryWords, world: _World, shares: Sequence[float]) -> str:
    """The whole story: where things are at first, then the events."""
    joined, opened, remarks = shares
    starts = [f"the {thing} was in the {place}" for thing, place in world.start.items()]
    sentences = [f"at first, {starts[0]}", *starts[1:]] if joined < 0.5 else [f"at first, {' and '.join(starts)}"]
    before, position = "", 0
    unsaid = rng.sample(words.remarks, len(words.remarks))
    while position < len(world.events):
        who, count = world.events[position][1], 1
        limit = rng.choice((2, 2, 3)) if rng.random() < joined else 1
        while count < limit and position + count < len(world.events) and world.events[position + count][1] == who:
            count += 1
        opener = f"{rng.choice(words.openers)} " if rng.random() < opened else ""
        sentences.append(_sentence(rng, words, world.events[position : position + count], who == before, opener))
        before, position = who, position + count
        if unsaid and rng.random() < remarks:
            sentences.append(unsaid.pop().rstrip("."))
            before = ""
    return " ".join(f"{capital(sentence)}." for sentence in sentences)


def _questions(rng: random.Random, world: _World) -> list[tuple[str, str]]:
    """Questions that the story answers, each with its answer."""
    found = []
    for thing, been in world.been.items():
        if len(been) > 1 or thing in world.kept:
            found.append((f"where is the {thing}?", f"the {thing} is in the {world.place(thing)}."))
            keeper = world.kept.get(thing, "nobody")
            found.append((f"who has the {thing}?", f"{keeper} has the {thing}."))
        for earlier, later in zip(been, been[1:]):
            if been.count(later) == 1:
                found.append((f"where was the {thing} before it was in the {later}?", f"it was in the {earlier}."))
        place = rng.choice(world.places)
        answer = "yes, it was." if place in been else "no, it was not."
        found.append((f"was the {thing} ever in the {place}?", answer))
    for who in world.at:
        count = list(world.kept.values()).count(who)
        things = "thing" if count == 1 else "things"
        found.append((f"where is {who}?", f"{who} is in the {world.at[who]}."))
        found.append((f"how many things does {who} have?", f"{who} has {NUMBERS[count]} {things}."))
    gifts = [event for event in world.events if event[0] == "give"]
    for _, giver, thing, whom in gifts:
        if [event[2:] for event in gifts].count([thing, whom]) == 1:
            found.append((f"from whom did {whom} get the {thing}?", f"{whom} got it from {giver}."))
    return found


def comprehension(rng: random.Random, level: int) -> Task:
    """A story, a question about it, and the answer in a sentence."""
    tiers, (least, most), people, things, *shares = _SHAPES[level]
    words = mixed(rng, tiers)
    world = _World(rng, words, people, things)
    who, wanted = world.people[0], rng.randint(least, most)
    while len(world.events) < wanted:
        world.do(rng.choice(world.options(who)))
        who = who if rng.random() < 0.5 else rng.choice(world.people)
    story = _told(rng, words, world, shares)
    question, answer = rng.choice(_questions(rng, world))
    question = capital(rng.choice(words.asks) + question)
    answer = capital(answer)
    facts: dict[str, Any] = {"start": world.start, "events": world.events}
    form = {"question": question, "answer": answer}
    return Task(f"{story}\nQuestion: {question}\nAnswer: ", answer, "comprehension", facts, form)
