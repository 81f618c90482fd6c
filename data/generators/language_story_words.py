"""The words of generated stories, in three tiers of difficulty: who is in them, what they carry, where, and verbs.

People are told with the pronoun that may stand for them; verbs with their past tense and their past participle.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class StoryWords:
    """The words of one tier.

    Attributes:
      people: pronoun by name or description.
      things, places: nouns without article; one is `in` every place.
      verbs: by kind of event (go, take, drop, give) pairs of past tense and participle.
      openers: what may come before a sentence and says nothing.
      remarks: sentences that say nothing of who has what.
      asks: what may come before a question.
    """

    people: Mapping[str, str]
    things: tuple[str, ...]
    places: tuple[str, ...]
    verbs: Mapping[str, tuple[tuple[str, str], ...]]
    openers: tuple[str, ...]
    remarks: tuple[str, ...]
    asks: tuple[str, ...]


def _people(she: str, he: str) -> dict[str, str]:
    return {name.strip(): "she" for name in she.split(",")} | {name.strip(): "he" for name in he.split(",")}


def _verbs(**kinds: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """`go="went to/gone to"` to pairs; where only one form is given the participle is the same."""
    return {
        kind: tuple((form.split("/")[0], form.split("/")[-1]) for form in text.split(", "))
        for kind, text in kinds.items()
    }


TIERS = (
    StoryWords(
        _people("Ada, Chloe, Elena, Grace, Ines, Lena, Mina, Rosa", "Ben, Farid, Hugo, Jonas, Kofi, Omar, Paul, Tom"),
        tuple("ball book hat cup key lamp box kite bell rope coin map drum scarf".split()),
        tuple("garden kitchen park shop barn school yard hall cellar attic".split()),
        _verbs(
            go="went to/gone to, walked to, ran to/run to",
            take="took/taken, picked up, got/got",
            drop="put down, dropped, set down",
            give="gave/given, handed, passed",
        ),
        ("Then", "Next", "Later", "Soon", "Now"),
        ("It was a cold day.", "The sun was out.", "No one was in a rush.", "A dog slept at the door.", "It was late."),
        ("",),
    ),
    StoryWords(
        _people(
            "the baker, the teacher, the painter, the doctor, the singer, the gardener",
            "the farmer, the driver, the waiter, the sailor, the tailor, the builder",
        ),
        tuple("letter camera basket notebook blanket ladder umbrella hammer teapot violin suitcase mirror".split()),
        tuple("market library office station museum workshop hospital theatre bakery harbour".split()),
        _verbs(
            go="travelled to, hurried to, drove to/driven to, cycled to",
            take="collected, picked up, fetched",
            drop="set down, put aside, put down",
            give="handed, delivered, passed, lent",
        ),
        ("A little later,", "Without delay,", "In the afternoon,", "On the same day,", "Some time later,"),
        (
            "Nobody had planned any of this.",
            "The weather was pleasant for the time of year.",
            "Most of the shops had already opened.",
            "Everybody in the little town knew the others.",
        ),
        ("", "According to the story, ", "When the story ends, "),
    ),
    StoryWords(
        _people(
            "the archivist, the ambassador, the superintendent, the laboratory technician, the university president",
            "the administrator, the investigator, the representative, the municipal secretary, the chief commissioner",
        ),
        (
            *("manuscript", "certificate", "microscope", "application", "thermometer", "memorandum", "dictionary"),
            *("questionnaire", "encyclopaedia", "authorisation", "photographic negative", "laboratory inventory"),
        ),
        (
            *("laboratory", "administration building", "university library", "auditorium", "observatory"),
            *("registration office", "documentation centre", "conservatory", "exhibition gallery", "municipal archive"),
        ),
        _verbs(
            go="proceeded to, relocated to, transferred to, continued to",
            take="retrieved, obtained, appropriated, acquired",
            drop="deposited, relinquished, surrendered",
            give="presented, communicated, delivered, entrusted",
        ),
        (
            "Subsequently,",
            "Immediately thereafter,",
            "In accordance with the established regulations,",
            "Notwithstanding considerable organisational difficulties,",
            "Following an extraordinarily complicated consultation,",
        ),
        (
            "The circumstances surrounding these administrative procedures remained exceptionally complicated.",
            "Contemporary observers considered the organisational arrangements unnecessarily bureaucratic.",
            "Institutional responsibilities had been distributed in accordance with international recommendations.",
        ),
        ("According to the documentation, ", "On the basis of this account, ", "At the conclusion of the account, "),
    ),
)


def mixed(rng: random.Random, tiers: Sequence[int]) -> StoryWords:
    """Words of which each kind is of one of these tiers, drawn by itself."""
    chosen = [TIERS[rng.choice(tiers)] for _ in range(5)]
    return dataclasses.replace(
        chosen[0], people=chosen[1].people, things=chosen[2].things, places=chosen[3].places, verbs=chosen[4].verbs
    )


ALL = StoryWords(
    people={who: pronoun for words in TIERS for who, pronoun in words.people.items()},
    things=tuple(thing for words in TIERS for thing in words.things),
    places=tuple(place for words in TIERS for place in words.places),
    verbs={kind: tuple(pair for words in TIERS for pair in words.verbs[kind]) for kind in TIERS[0].verbs},
    openers=tuple(opener for words in TIERS for opener in words.openers),
    remarks=tuple(remark for words in TIERS for remark in words.remarks),
    asks=tuple(ask for words in TIERS for ask in words.asks),
)
