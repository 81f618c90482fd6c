"""Which processor holds a source's documents to which profile.

A processor is a module with the four verbs of one kind of documents: `quality_filter(document, profile)`,
`standardize_format(document)`, `prepare_for_expert(document)`, and `measures(document, profile)` for curves; the fourth
verb, deduplication, needs all documents and is `data.dedup`'s. PROFILES names the profiles that a module has.
"""

from __future__ import annotations

import functools
import math
from types import ModuleType

from data.processors import code, multimodal, text
from data.processors import math as mathematics
from data.processors.rules import Profile, Rule

PROCESSORS: tuple[ModuleType, ...] = (text, code, mathematics, multimodal)


@functools.cache
def processor_of(profile: str) -> ModuleType:
    """The module that has a profile of this name.

    Raises:
      ValueError: none has; the names there are.
    """
    for module in PROCESSORS:
        if profile in module.PROFILES:
            return module
    raise ValueError(f"unknown profile {profile!r}; there are {', '.join(sorted(all_profiles()))}")


def all_profiles() -> dict[str, Profile]:
    """Every profile by its name.

    Raises:
      ValueError: two processors have one of the same name.
    """
    found: dict[str, Profile] = {}
    for module in PROCESSORS:
        if twice := found.keys() & module.PROFILES.keys():
            raise ValueError(f"profile {min(twice)!r} is named by two processors")
        found |= module.PROFILES
    return found


def list_rules() -> str:
    """A Markdown table of every rule, the range it keeps, the profiles that ask it and what it follows."""
    asked: dict[tuple[str, str, str], list[str]] = {}
    for name, profile in all_profiles().items():
        for step in profile.steps:
            kept = _range(step) if isinstance(step, Rule) else "edits the text"
            asked.setdefault((step.name, kept, step.paper), []).append(name)
    rows = ["| rule | kept | profiles | follows |", "|---|---|---|---|"]
    rows += [f"| {rule} | {kept} | {', '.join(names)} | {paper} |" for (rule, kept, paper), names in asked.items()]
    return "\n".join(rows)


def _range(rule: Rule) -> str:
    low = f"at least {rule.low:g}" if math.isfinite(rule.low) else ""
    high = f"at most {rule.high:g}" if math.isfinite(rule.high) else ""
    return ", ".join(filter(None, (low, high)))
