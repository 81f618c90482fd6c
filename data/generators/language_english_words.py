"""English words with their forms, in three tiers of difficulty: what sentences about grammar and style are made of.

No word is both noun and verb here, and all that begin with a vowel's letter begin with its sound, so that `a` and `an`
can be told by the letter.
"""

from __future__ import annotations

from collections.abc import Mapping

TENSES = ("present", "past", "future")


def _nouns(*tiers: str) -> tuple[dict[str, str], ...]:
    """Plural by singular, a dict a tier; `box/boxes` where an s alone will not do."""
    return tuple(
        {word.split("/")[0]: (word.split("/") + [f"{word}s"])[1] for word in tier.split(", ")} for tier in tiers
    )


def _verbs(*tiers: str) -> tuple[dict[str, tuple[str, str, str]], ...]:
    """Third person, past and participle by base form, a dict a tier; the participle of most is their past."""
    found = []
    for tier in tiers:
        rows = [row.split() for row in tier.split(", ")]
        found.append({row[0]: (row[1], row[2], row[-1]) for row in rows})
    return tuple(found)


PEOPLE = _nouns(
    "boy, girl, man/men, woman/women, child/children, king, aunt, nurse, farmer, uncle, baker, cook, queen",
    "teacher, doctor, engineer, neighbour, assistant, librarian, secretary/secretaries, actor, officer, tailor, sailor",
    "archaeologist, administrator, representative, investigator, ambassador, economist, commissioner, mathematician, "
    "anthropologist, interpreter, entrepreneur, philosopher",
)
THINGS = _nouns(
    "apple, box/boxes, egg, knife/knives, leaf/leaves, toy, hat, orange, bag, cup, dish/dishes, shelf/shelves, coat",
    "letter, umbrella, bicycle, picture, instrument, ticket, newspaper, invitation, battery/batteries, notebook",
    "hypothesis/hypotheses, manuscript, application, analysis/analyses, regulation, publication, questionnaire, "
    "phenomenon/phenomena, recommendation, encyclopaedia, methodology/methodologies",
)
VERBS = _verbs(
    "see sees saw seen, buy buys bought, find finds found, wash washes washed, draw draws drew drawn, hold holds held, "
    "carry carries carried, sell sells sold, take takes took taken, bring brings brought, break breaks broke broken",
    "prepare prepares prepared, deliver delivers delivered, describe describes described, repair repairs repaired, "
    "collect collects collected, choose chooses chose chosen, forget forgets forgot forgotten, "
    "show shows showed shown, steal steals stole stolen, inspect inspects inspected",
    "evaluate evaluates evaluated, administer administers administered, communicate communicates communicated, "
    "incorporate incorporates incorporated, demonstrate demonstrates demonstrated, "
    "reconsider reconsiders reconsidered, investigate investigates investigated, criticise criticises criticised, "
    "undertake undertakes undertook undertaken, overlook overlooks overlooked",
)
# Of people, and of things.
TRAITS = (
    ("old", "young", "tall", "small", "kind", "odd", "happy", "angry", "ill", "shy"),
    ("elegant", "important", "unusual", "experienced", "honest", "impatient", "ambitious", "careful"),
    (
        *("distinguished", "extraordinary", "independent", "contemporary", "authoritative", "inexperienced"),
        *("influential", "controversial"),
    ),
)
QUALITIES = (
    ("red", "old", "small", "big", "new", "ugly", "long", "green", "odd", "clean"),
    ("expensive", "important", "ancient", "beautiful", "interesting", "unusual", "elegant", "damaged", "modern"),
    (
        *("interdisciplinary", "extraordinary", "comprehensive", "international", "experimental", "unprecedented"),
        *("contemporary", "controversial", "authoritative"),
    ),
)
# What is compared: with -er or with `more`.
COMPARATIVES = (
    {"old": "older", "small": "smaller", "long": "longer", "new": "newer", "cheap": "cheaper", "clean": "cleaner"},
    {word: f"more {word}" for word in ("expensive", "important", "beautiful", "interesting", "elegant", "useful")},
    {word: f"more {word}" for word in ("comprehensive", "controversial", "authoritative", "sophisticated", "reliable")},
)
# When, by tier and tense; a sentence begins with it.
TIMES: tuple[Mapping[str, tuple[str, ...]], ...] = (
    {
        "present": ("every day", "each week", "as a rule"),
        "past": ("yesterday", "last week", "last year"),
        "future": ("tomorrow", "next week", "next year"),
    },
    {
        "present": ("usually", "on most days", "every morning"),
        "past": ("the day before yesterday", "last summer", "in those days"),
        "future": ("the day after tomorrow", "next summer", "in the coming weeks"),
    },
    {
        "present": ("under ordinary circumstances", "in accordance with established conventions", "nowadays"),
        "past": ("in the previous century", "throughout the preceding decade", "at the time of the revolution"),
        "future": ("in the foreseeable future", "throughout the following decade", "in the following century"),
    },
)
PLACES = (
    ("in the yard", "at home", "in the shop", "on the hill", "by the door"),
    ("in the library", "near the station", "behind the theatre", "at the market", "in the village"),
    (
        *("in the metropolitan region", "at the national university", "in the conservatory"),
        *("throughout the continent", "within the institution"),
    ),
)
# What joins two clauses of one tense.
JOINTS = ((", and ", ", but "), (", and ", ", because ", ", while "), (", whereas ", ", although ", ", because "))
SINGULAR = ("a", "this", "that", "the")
PLURAL = ("these", "those", "many", "two", "three", "several", "the", "few")
PRONOUNS = {"he": "him", "she": "her", "they": "them", "we": "us", "I": "me"}


def article(word: str) -> str:
    """`a` or `an` before a word."""
    return "an" if word[0] in "aeiou" else "a"
