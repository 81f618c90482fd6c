"""The five domains and the five levels of each: the names that tasks, folders and results share."""

from __future__ import annotations

LEVELS: dict[str, tuple[str, ...]] = {
    "code": ("syntax_basics", "functions", "algorithms", "systems", "optimization"),
    "math": ("arithmetic", "algebra", "calculus", "proofs", "research"),
    "language": ("plain", "explanatory", "instructive", "technical", "scholarly"),
    "reasoning": ("one_step", "multi_step", "constraints", "search", "proof"),
    "multimodal": ("objects", "attributes", "counting", "relations", "charts"),
}
DOMAINS: tuple[str, ...] = tuple(LEVELS)
NUM_LEVELS = 5
SPLITS: tuple[str, ...] = ("train", "heldout")


def level_index(domain: str, level: str) -> int:
    """Position of `level` in its domain, 0 (easiest) to 4.

    Raises:
      ValueError: an unknown domain or level, with the names there are.
    """
    if domain not in LEVELS:
        raise ValueError(f"unknown domain {domain!r}; the domains are {', '.join(DOMAINS)}")
    if level not in LEVELS[domain]:
        raise ValueError(f"unknown level {level!r} of {domain}; its levels are {', '.join(LEVELS[domain])}")
    return LEVELS[domain].index(level)


def task_name(domain: str, level: str) -> str:
    """Name of the seqio Task of one level: `code.functions`."""
    level_index(domain, level)
    return f"{domain}.{level}"
