"""The words of booking and help-desk conversations, in three registers: what is asked for, and how both sides speak.

Wherever a value is said it stands in its slot's phrase (`for four people`, `at half past seven`), so that it can be
told from all else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from data.generators.language_numerals import DAYS, clock

_COUNTS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TOWNS = ("Bern", "Lyon", "Graz", "Turku", "Porto", "Leeds", "Gdansk", "Bergen", "Ghent", "Siena", "Brno", "Cork")
_NAMES = ("Ada", "Chloe", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Kofi", "Lena", "Mina", "Rosa")
_TIMES = tuple(clock("en", hour, minute, True) for hour in range(1, 13) for minute in (0, 10, 15, 20, 30, 45, 50))


@dataclasses.dataclass(frozen=True)
class Slot:
    """Something that has to be known.

    Attributes:
      phrase: how a value is said, `{}` standing for it.
      ask: how it is asked for, as part of a question.
      values: all there are.
    """

    phrase: str
    ask: str
    values: tuple[str, ...]


SLOTS: Mapping[str, Slot] = {
    "people": Slot("for {} people", "for how many people", _COUNTS),
    "nights": Slot("for {} nights", "for how many nights", _COUNTS),
    "day": Slot("on {}", "on which day", tuple(DAYS["en"])),
    "time": Slot("{}", "at what time", _TIMES),
    "name": Slot("under the name of {}", "under which name", _NAMES),
    "origin": Slot("from {}", "from which town", _TOWNS),
    "destination": Slot("to {}", "to which town", _TOWNS),
    "class": Slot("in {} class", "in which class", ("first", "second")),
    "room": Slot("with {}", "with which kind of bed", ("a single bed", "two single beds", "a double bed")),
    "view": Slot("with a view of the {}", "with which view", ("garden", "sea", "river", "mountains", "park")),
    "device": Slot("because of the {}", "because of which device", ("printer", "laptop", "telephone", "scanner")),
    "fault": Slot("which {}", "which fault it has", ("does not start", "makes a loud noise", "loses its connection")),
    "floor": Slot("on the {} floor", "on which floor", ("ground", "first", "second", "third", "fourth", "fifth")),
}


@dataclasses.dataclass(frozen=True)
class Service:
    """What is asked for.

    Attributes:
      slots: what has to be known, in the order in which it is said.
      nouns: by register, what is booked.
      wants: by register, how a customer begins, up to the noun.
    """

    slots: tuple[str, ...]
    nouns: tuple[str, ...]
    wants: tuple[tuple[str, ...], ...]


_BOOK = (
    ("I want", "I need", "Can I have"),
    ("I would like to book", "Could I please reserve", "I am calling because I would like to have"),
    (
        "I am writing on behalf of our organisation in order to request",
        "Our department would appreciate the opportunity to reserve",
        "In connection with an international conference, we would require",
    ),
)
SERVICES: Mapping[str, Service] = {
    "table": Service(("people", "day", "time", "name"), ("a table", "a table", "a table in your establishment"), _BOOK),
    "ticket": Service(
        ("origin", "destination", "day", "time", "class"),
        ("a ticket", "a train ticket", "railway transportation"),
        _BOOK,
    ),
    "hotel": Service(
        ("room", "view", "nights", "day", "name"), ("a room", "a hotel room", "appropriate accommodation"), _BOOK
    ),
    "repair": Service(
        ("device", "fault", "floor", "day", "time"),
        ("a visit", "the visit of a technician", "the professional assistance of a technician"),
        _BOOK,
    ),
    "tour": Service(
        ("people", "destination", "day", "time", "name"), ("a tour", "a guided tour", "an educational excursion"), _BOOK
    ),
}

# By register. `{}` stands for phrases, of which none is among the other words.
GREETINGS = (
    ("Hi.", "Hello.", ""),
    ("Good morning.", "Good afternoon.", "Hello, I hope you can help me."),
    (
        "Good afternoon, and thank you for considering the following enquiry.",
        "Good morning, and thank you for your immediate availability.",
    ),
)
ASIDES = (
    ("It is a gift.", "We are new here.", "I do not have much time.", "My friend told me of you.", ""),
    (
        "A colleague of mine recommended you.",
        "We have never been there before, so everything is new to us.",
        "I tried to do this on the internet, but the page would not open.",
        "",
    ),
    (
        "The participating representatives have emphasised the importance of a satisfactory arrangement.",
        "Previous experiences with comparable institutions were unfortunately disappointing.",
        "Administrative regulations unfortunately necessitate a written confirmation of all particulars.",
        "",
    ),
)
ANSWERS = (
    ("{}.", "{}, please.", "Let us say {}."),
    ("That would be {}.", "{}, if that is possible.", "I would prefer it {}, please."),
    (
        "Our preference would be {}, provided that this is practicable.",
        "After consultation with the responsible colleagues, I can specify the following: {}.",
        "The arrangement should be {}, in accordance with our regulations.",
    ),
)
ASKS = (
    ("{}?", "And {}?", "{}, please?"),
    ("Could you please tell me {}?", "Certainly. {}?", "Thank you. May I ask {}?"),
    (
        "In order to complete the documentation, could you additionally specify {}?",
        "Thank you for this information; I would furthermore need to know {}.",
        "Certainly, we would be delighted to accommodate this request. Could you indicate {}?",
    ),
)
READ_BACK = (
    ("So it is {}. Is that right?", "That is {}. All right?"),
    ("Let me repeat that: {}. Is everything correct?", "I have noted {}. Shall I confirm this?"),
    (
        "According to my documentation, the particulars are as follows: {}. Could you confirm their accuracy?",
        "For the avoidance of any misunderstanding, I recapitulate: {}. Would you authorise this arrangement?",
    ),
)
YES = (
    ("Yes.", "Yes, that is right.", "Yes, thanks."),
    ("Yes, that is exactly what I wanted.", "That is correct, thank you very much."),
    (
        "Indeed, this corresponds precisely to our expectations.",
        "I can confirm the accuracy of these particulars; thank you for your cooperation.",
    ),
)
CHANGES = (
    ("No, make it {}.", "Wait. I want it {}.", "Oh no, {}."),
    (
        "I am sorry, could we make it {} instead?",
        "Almost. I have just noticed that it has to be {}.",
        "There is one thing that I would like to change: {}, please.",
    ),
    (
        "Regrettably, circumstances have changed in the meantime, and the arrangement would have to be {}.",
        "Unfortunately, there has been an organisational modification: we would now require it {}.",
    ),
)
CONFIRMATIONS = (
    ("Done. You have {noun} {}.", "It is done: {noun} {}.", "All set, you get {noun} {}."),
    (
        "Thank you, I have booked {noun} {}.",
        "Everything is arranged: you have {noun} {}.",
    ),
    (
        "Thank you for your patience. I am pleased to confirm that we have arranged {noun} {}.",
        "The arrangement has been registered successfully; it comprises {noun} {}.",
    ),
)
