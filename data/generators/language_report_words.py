"""The words of generated reports, in three tiers of difficulty: what is counted, of whom, and how it is said."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Subject:
    """What a report is about.

    Attributes:
      title: what it is called; `{}` are the two periods.
      names: whose figures they are.
      periods: pairs of an earlier and a later time.
      rows: sentences about one row, of name, both figures and both periods; each figure comes before its period.
      facts: sentences of the summary: total, change, largest, and most changed.
      moves: what happened to a figure that grew, and to one that shrank.
    """

    title: str
    names: tuple[str, ...]
    periods: tuple[tuple[str, str], ...]
    rows: tuple[str, ...]
    facts: tuple[str, str, str, str]
    moves: tuple[str, str]


_YEARS = tuple((str(year), str(year + 1)) for year in range(1990, 2030))
_MONTHS = (("May", "June"), ("March", "April"), ("July", "August"), ("April", "May"), ("June", "July"))
_TOWNS = ("Bern", "Lyon", "Graz", "Turku", "Porto", "Leeds", "Gdansk", "Bergen", "Ghent", "Siena", "Brno", "Cork")

TIERS: tuple[tuple[Subject, ...], ...] = (
    (
        Subject(
            "What the farms sold in {} and {}",
            ("Ada", "Ben", "Chloe", "Hugo", "Lena", "Omar", "Rosa", "Tom", "Grace", "Kofi"),
            _MONTHS,
            (
                "{name} sold {earlier} eggs in {first}. It was {later} eggs in {second}.",
                "{name} had {earlier} eggs in {first} and {later} in {second}.",
                "The farm of {name} sold {earlier} eggs in {first} and then {later} in {second}.",
            ),
            (
                "In {second} they sold {total} eggs in all.",
                "That is {change} {move} than in {first}.",
                "{largest} sold the most, {most} eggs.",
                "The change was the largest for {moved}: {step} {way}.",
            ),
            ("more", "less"),
        ),
        Subject(
            "How far we ran in {} and {}",
            ("Ada", "Ben", "Elena", "Farid", "Ines", "Jonas", "Mina", "Paul", "Hiro", "Sam"),
            _MONTHS,
            (
                "{name} ran {earlier} miles in {first}, and {later} in {second}.",
                "It was {earlier} miles in {first} and {later} in {second} for {name}.",
                "For {name} we wrote down {earlier} miles in {first} and {later} in {second}.",
            ),
            (
                "In {second} we ran {total} miles in all.",
                "That is {change} {move} than in {first}.",
                "{largest} ran the most, {most} miles.",
                "The change was the largest for {moved}: {step} {way}.",
            ),
            ("more", "less"),
        ),
    ),
    (
        Subject(
            "Visitors of the town museums in {} and {}",
            tuple(f"the museum of {town}" for town in _TOWNS),
            _YEARS,
            (
                "{name} counted {earlier} visitors in {first} and {later} in {second}.",
                "While {earlier} people visited {name} in {first}, there were {later} in {second}.",
                "After {earlier} visitors in {first}, {name} welcomed {later} in {second}.",
            ),
            (
                "All the museums together had {total} visitors in {second}.",
                "This number {move} by {change} compared with {first}.",
                "The largest number of visitors, {most}, came to {largest}.",
                "The greatest change was at {moved}, whose visitors {way} by {step}.",
            ),
            ("rose", "fell"),
        ),
        Subject(
            "Bicycles repaired by the workshops in {} and {}",
            tuple(f"the workshop in {town}" for town in _TOWNS),
            _YEARS,
            (
                "{name} repaired {earlier} bicycles in {first} and {later} in {second}.",
                "The mechanics of {name} finished {earlier} repairs in {first}, compared with {later} in {second}.",
                "There were {earlier} repairs in {first} and {later} in {second} at {name}.",
            ),
            (
                "All the workshops together repaired {total} bicycles in {second}.",
                "This number {move} by {change} compared with {first}.",
                "The largest number of repairs, {most}, was done by {largest}.",
                "The greatest change was at {moved}, where repairs {way} by {step}.",
            ),
            ("rose", "fell"),
        ),
    ),
    (
        Subject(
            "Applications registered by the regional administrations in {} and {}",
            tuple(f"the administration of {town}" for town in _TOWNS),
            _YEARS,
            (
                "{name} registered {earlier} applications in {first} and {later} applications in {second}.",
                "Whereas {earlier} applications had been registered in {first}, the corresponding documentation of "
                "{name} enumerates {later} in {second}.",
                "Official statistics attribute {earlier} applications in {first} and {later} applications in {second} "
                "to {name}.",
            ),
            (
                "Altogether, the regional administrations registered {total} applications in {second}.",
                "In comparison with {first}, the aggregate {move} by {change} applications.",
                "The highest individual figure, {most} applications, was documented by {largest}.",
                "The most considerable alteration concerned {moved}, where registrations {way} by {step}.",
            ),
            ("increased", "decreased"),
        ),
        Subject(
            "Publications of the participating universities in {} and {}",
            tuple(f"the university of {town}" for town in _TOWNS),
            _YEARS,
            (
                "{name} contributed {earlier} publications in {first} and {later} publications in {second}.",
                "With {earlier} publications in {first} and {later} publications in {second}, {name} participated "
                "continuously in the international evaluation.",
                "An examination of institutional repositories identified {earlier} publications in {first} and {later} "
                "in {second} originating from {name}.",
            ),
            (
                "Altogether, the participating universities contributed {total} publications in {second}.",
                "In comparison with {first}, the aggregate {move} by {change} publications.",
                "The highest individual figure, {most} publications, was documented for {largest}.",
                "The most considerable alteration concerned {moved}, whose publications {way} by {step}.",
            ),
            ("increased", "decreased"),
        ),
    ),
)
# Sentences without figures, by tier.
REMARKS = (
    (
        "It rained a lot.",
        "All went well.",
        "No one was ill.",
        "We met each week.",
        "The days were warm.",
        "It was a good time for all.",
        "There is not much more to say.",
    ),
    (
        "Most of the information was collected by volunteers.",
        "The weather was rather unusual for the season.",
        "A few of the numbers were corrected later on.",
        "The next report will appear in the following spring.",
        "Everybody who took part received a short letter of thanks.",
        "Small mistakes in the original lists were removed.",
        "Several local newspapers wrote about the results.",
    ),
    (
        "Methodological difficulties necessitated additional consultations with the responsible authorities.",
        "Administrative procedures remained essentially unaltered throughout the investigation.",
        "Incomplete documentation was systematically excluded from the evaluation.",
        "Supplementary information was obtained from internationally recognised institutions.",
        "Interdisciplinary collaborations were attributed to the coordinating institution exclusively.",
        "Preliminary results had been communicated to the participating organisations beforehand.",
        "Statistical irregularities were attributable to organisational modifications.",
    ),
)
