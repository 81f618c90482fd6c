"""The difficulty of pictures, clips and recordings, by what is said of them."""

from __future__ import annotations

import re

from data.document import Document

DEFINITION = (
    "Of the words that go with a picture, clip or recording (caption, transcript, or what a page of HTML shows): "
    "charts: a "
    "word of figures that are read (chart, plot, axis, table, histogram, legend), or a page that holds a table or "
    "form. "
    "relations: at least RELATION_WORDS words of place or of what one thing does with another. counting: a number "
    "word, or "
    "`how many`. attributes: at least ATTRIBUTE_WORDS words of colour, size, material or shape. objects: the rest. "
    "The first "
    "that holds is the level. Generated scenes are given theirs by the question that is asked: which shapes are "
    "there; their "
    "colour and size; how many of a kind; where they lie to each other; values read from a bar or line chart."
)

RELATION_WORDS = 2
ATTRIBUTE_WORDS = 1

_CHARTS = re.compile(
    r"\b(?:charts?|plots?|plotted|graphs?|ax[ei]s|histograms?|scatter ?plots?|diagrams?|table \d|legends?|curves"
    r"|error bars?"
    r"|heat ?maps?|box ?plots?|schematic|flow ?charts?|p ?[<=] ?0?\.\d|confidence intervals?|percentages?"
    r"|as a function of)\b"
    r"|<(?:table|form|svg|canvas)\b",
    re.IGNORECASE,
)
_RELATIONS = re.compile(
    r"\b(?:left|right|above|below|under(?:neath)?|over|behind|beside|next to|in front of|between|near|inside|outside"
    r"|across|around|against"
    r"|through|toward|towards|along|atop|beneath|on|in|at|with|holding|sitting|standing|riding|wearing|walking|playing"
    r"|looking|carrying"
    r"|compared|than|before|after|while|then)\b",
    re.IGNORECASE,
)
_STRONG_RELATIONS = re.compile(
    r"\b(?:left of|right of|above|below|underneath|behind|beside|next to|in front of|between|near|inside|across"
    r"|against|toward|towards"
    r"|atop|beneath|holding|riding|wearing|carrying|on top of|compared (?:to|with)|than)\b",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|several|many|few|couple of|pair of|both"
    r"|how many"
    r"|group of|[2-9]|1\d|20)\b",
    re.IGNORECASE,
)
_ATTRIBUTES = re.compile(
    r"\b(?:red|green|blue|yellow|white|black|brown|gr[ae]y|orange|purple|pink|golden?|silver|colou?red|colou?rful"
    r"|small|large|big|tiny|huge"
    r"|little|tall|long|short|round|square|wooden|metal|plastic|glass|old|new|young|bright|dark|striped|wet|dry|empty"
    r"|full|open|closed)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
_TAG = re.compile(r"<[^<>]{0,2000}>")


def measures(document: Document) -> dict[str, int]:
    """How many words of each level go with the medium."""
    charts = len(_CHARTS.findall(document.text))
    shown = _TAG.sub(" ", document.text)
    return {
        "words": len(_WORD.findall(shown)),
        "charts": charts,
        "relations": len(_RELATIONS.findall(shown)),
        "strong_relations": len(_STRONG_RELATIONS.findall(shown)),
        "numbers": len(_NUMBERS.findall(shown)),
        "attributes": len(_ATTRIBUTES.findall(shown)),
    }


def level(counts: dict[str, int]) -> str:
    """Level of a multimodal document from `measures`."""
    if counts["charts"]:
        return "charts"
    if counts["strong_relations"] or counts["relations"] >= RELATION_WORDS:
        return "relations"
    if counts["numbers"]:
        return "counting"
    return "attributes" if counts["attributes"] >= ATTRIBUTE_WORDS else "objects"


def measure(document: Document) -> tuple[str, dict[str, int]]:
    """(level, measures) of a multimodal document."""
    counts = measures(document)
    return level(counts), counts
