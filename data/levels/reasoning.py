"""The difficulty of reasoning: how much has to be held together to follow a text or answer its question."""

from __future__ import annotations

import re

from data.document import Document

DEFINITION = (
    "Puzzles and questions: proof: at least PROOF_CONCLUSIONS conclusions drawn one from another, or a proof asked "
    "for. "
    "search: a best or shortest way among many is asked for (at least SEARCH_WORDS phrases of it). constraints: at "
    "least "
    "CONSTRAINT_CLUES sentences that restrict who may be where or when. multi_step: at least MULTI_PREMISES sentences "
    "of "
    "premises, or MULTI_CONNECTIVES logical connectives. one_step: the rest. The first that holds is the level. "
    "Games are search from SEARCH_MOVES moves on, else multi_step. "
    "Arguments (papers, court decisions, philosophy, and texts of at least ARGUMENT_WORDS words): steps = inferences "
    "(because, hence, if ... then, however, ...) + citations, cut at ARGUMENT_BOUNDS. Generated puzzles are given "
    "their level "
    "by the template that made them: one rule applied once; a chain of rules; the one arrangement that fits all "
    "clues; a "
    "shortest plan or the one consistent world; a derivation with a named rule a step, or a counterexample."
)

PROOF_CONCLUSIONS = 4
SEARCH_WORDS = 1
CONSTRAINT_CLUES = 3
MULTI_PREMISES = 3
MULTI_CONNECTIVES = 3
SEARCH_MOVES = 10
ARGUMENT_WORDS = 400
ARGUMENT_BOUNDS = (8, 32, 100, 250)

_LEVELS = ("one_step", "multi_step", "constraints", "search", "proof")
_ARGUMENTS = ("scientific_papers", "legal_cases", "philosophy_texts")
_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"[^.!?\n\u3002\uff1f]+[.!?\n\u3002\uff1f]?")
_CONCLUSION = re.compile(
    r"\b(?:therefore|thus|hence|consequently|it follows|follows that|we conclude|which means|must be|so that|implies"
    r"|q\.?e\.?d"
    r"|contradiction|modus (?:ponens|tollens)|by (?:rule|lemma|induction|assumption|definition))\b"
    r"|[\u2234\u22a2\u21d2]|=>",
    re.IGNORECASE,
)
_PROOF_ASKED = re.compile(
    r"\b(?:prove|proof|derive|derivation|counter-?example|entail(?:s|ed|ment)?|valid argument)\b", re.IGNORECASE
)
_SEARCH = re.compile(
    r"\b(?:shortest|fewest|cheapest (?:way|route|path)|(?:minimum|minimal|least|smallest) number of|in how few"
    r"|optimal(?:ly)?|best move"
    r"|checkmate|mate in|sequence of (?:moves|steps|actions)|goal state|initial state|backtrack\w*|maze)\b",
    re.IGNORECASE,
)
_CONSTRAINT = re.compile(
    r"\b(?:left|right|next to|adjacent|between|before|after|above|below|older|oldest|newer|newest|younger|taller"
    r"|shorter|cheaper|cheapest"
    r"|expensive|leftmost|rightmost|first|second|third|fourth|fifth|last|exactly|at most|at least|different|same|each"
    r"|either|neither"
    r"|unless|only if|no two|immediately|earlier|later|finished|truth|lies|liar|knight|knave|cannot|must|not)\b",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(
    r"\b(?:and|or|not|if|then|because|since|so|but|unless|implies|therefore|all|some|no|every|none)\b", re.IGNORECASE
)
_INFERENCE = re.compile(
    r"\b(?:because|since|therefore|thus|hence|consequently|accordingly|it follows|if|then|unless|provided that"
    r"|although|however"
    r"|nevertheless|whereas|whether|suggests?|indicates?|implies|conclude[sd]?|shows?|demonstrates?|holds?|held"
    r"|argue[sd]?|reason(?:ing|ed)?"
    r"|must|follows|suppose|assume[sd]?|evidence|in contrast|on the other hand)\b",
    re.IGNORECASE,
)
_CITATION = re.compile(
    r"\[\d{1,3}(?:[,\u2013-]\s?\d{1,3}){0,10}\]|\([A-Z][^()\n]{1,60}?,? (?:1[89]|20)\d\d[a-z]?\)"
    r"|\b\d{1,4} [A-Z][\w.]{1,12}(?: ?\dd)? \d{1,5}\b"
    r"|\u00a7\s?\d|\bibid\b|\bid\., at\b"
)
_MOVE = re.compile(r"(?<!\S)\d{1,3}\.+\s?[A-Za-z]")
_OPTION = re.compile(r"^\s*(?:\([A-Z]\)|[A-Z][.)]|[-*]|Options?:|Answer:)", re.IGNORECASE)


def measures(document: Document) -> dict[str, int]:
    """Words, sentences of premises, and the marks of each level."""
    text = document.text
    sentences = [one for one in _SENTENCE.findall(text) if _WORD.search(one) and not _OPTION.match(one)]
    return {
        "words": len(_WORD.findall(text)),
        "sentences": len(sentences),
        "conclusions": len(_CONCLUSION.findall(text)),
        "proof_asked": len(_PROOF_ASKED.findall(text)),
        "search": len(_SEARCH.findall(text)),
        "clues": sum(bool(_CONSTRAINT.search(one)) for one in sentences if "?" not in one),
        "connectives": len(_CONNECTIVE.findall(text)),
        "steps": len(_INFERENCE.findall(text)) + len(_CITATION.findall(text)),
    }


def puzzle_level(counts: dict[str, int]) -> str:
    """Level of a puzzle or question from `measures`."""
    if counts["conclusions"] >= PROOF_CONCLUSIONS or counts["proof_asked"]:
        return "proof"
    if counts["search"] >= SEARCH_WORDS:
        return "search"
    if counts["clues"] >= CONSTRAINT_CLUES:
        return "constraints"
    # The last sentence asks.
    if counts["sentences"] - 1 >= MULTI_PREMISES or counts["connectives"] >= MULTI_CONNECTIVES:
        return "multi_step"
    return "one_step"


def argument_level(counts: dict[str, int]) -> str:
    """Level of an argument from `measures`."""
    return _LEVELS[sum(counts["steps"] >= bound for bound in ARGUMENT_BOUNDS)]


def measure(document: Document) -> tuple[str, dict[str, int]]:
    """(level, measures) of a reasoning document."""
    source = document.source.split(":", 1)[0]
    if source == "game_records":
        counts = {"moves": len(_MOVE.findall(document.text))}
        return ("search" if counts["moves"] >= SEARCH_MOVES else "multi_step"), counts
    counts = measures(document)
    is_argument = source in _ARGUMENTS or counts["words"] >= ARGUMENT_WORDS
    return (argument_level if is_argument else puzzle_level)(counts), counts
