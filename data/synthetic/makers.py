"""Who makes the candidates of a level, and who checks them."""

from __future__ import annotations

import functools
from typing import NamedTuple

from data.document import Document
from data.domains import level_index
from data.generators import metamath_steps
from data.sources.registry import SOURCES, source
from data.sources.source import Generate, SourceInfo


class MakerError(ValueError):
    """Nobody makes what is asked for; the message says who makes what."""


class Maker(NamedTuple):
    """A source of candidates: `generate(level, seed, index)` raises IndexError where there are no more."""

    name: str
    generate: Generate


def generated(domain: str) -> list[SourceInfo]:
    """The sources that generate documents of a domain."""
    return [info for info in SOURCES.values() if info.domain == domain and info.generate is not None]


def _step(path: str, level: str, seed: int, index: int) -> Document:
    return metamath_steps.generate(metamath_steps.load(path), seed, index)


def makers(domain: str, level: str, name: str = "", metamath: str = "") -> tuple[Maker, ...]:
    """Who makes candidates of a level; they take turns.

    Args:
      domain: one of the domains.
      level: one of its levels.
      name: only this source, "" for all there are.
      metamath: path of a Metamath database whose proofs give steps, at the level that has them; "" for none.

    Raises:
      ValueError: an unknown domain or level.
      MakerError: nobody does, or the source named doesn't.
    """
    level_index(domain, level)
    found = [Maker(info.name, info.generate) for info in generated(domain)]
    if metamath and (domain, level) == (metamath_steps.DOMAIN, metamath_steps.LEVEL):
        found.append(Maker(metamath_steps.NAME, functools.partial(_step, metamath)))
    chosen = tuple(maker for maker in found if name in ("", maker.name))
    if not chosen:
        if not name:
            raise MakerError(f"nothing generates documents of the domain {domain}")
        if name == metamath_steps.NAME:
            raise MakerError(
                f"{name} makes {metamath_steps.DOMAIN} of the level {metamath_steps.LEVEL} from a database; "
                f"add --metamath=FILE and --level={metamath_steps.LEVEL}"
            )
        names = ", ".join(maker.name for maker in found) or "none"
        raise MakerError(f"source {name!r} generates no documents of {domain}/{level}; those that do are {names}")
    return chosen


def verify(document: Document, metamath: str = "") -> bool:
    """Whether the certificate of a generated document replays.

    Args:
      document: as read back.
      metamath: path of the database that steps of Metamath proofs are replayed from.

    Raises:
      MakerError: the document's source keeps no certificates, or no database is given for a step of one.
      ValueError: an unknown source, or a database that can't be used.
    """
    name = document.source.split(":", 1)[0]
    if name == metamath_steps.NAME:
        if not metamath:
            raise MakerError(f"documents of {name} are replayed from their database; add --metamath=FILE")
        return metamath_steps.verify(document, metamath_steps.load(metamath))
    check = source(name).verify
    if check is None:
        raise MakerError(f"source {name!r} keeps no certificates")
    return check(document)
