"""Rules of quality: a named measure of a document, and the range in which documents are kept.

A rule measures and a threshold decides, so that one pass can also tell what any other threshold would have kept.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from data.document import Reject
from data.processors.view import DocView


@dataclasses.dataclass(frozen=True)
class Rule:
    """Keeps documents whose measure lies in [low, high].

    Attributes:
      name: the reason that is counted.
      measure: of a document; a pure function.
      low, high: the range kept, ends included.
      span: where the curve of what other thresholds would keep is drawn, smallest and largest threshold.
      paper: what the rule follows.
      show: what a reviewer should see of a dropped document besides the measure.
      applies: whether a document is asked at all, None for every one: rules about English say nothing of Thai.
    """

    name: str
    measure: Callable[[DocView], float]
    low: float = -math.inf
    high: float = math.inf
    span: tuple[float, float] = (0.0, 1.0)
    paper: str = ""
    show: Callable[[DocView], str] | None = None
    applies: Callable[[DocView], bool] | None = None

    def asks(self, view: DocView) -> bool:
        """Whether the rule has a say about the document."""
        return self.applies is None or self.applies(view)

    def keeps(self, value: float) -> bool:
        """Whether a document of this measure is kept. NaN is not."""
        return self.low <= value <= self.high

    def evidence(self, view: DocView, value: float) -> str:
        """Why a document was dropped, for a person."""
        bounds = [f"at least {self.low:g}"] if self.low > -math.inf else []
        bounds += [f"at most {self.high:g}"] if self.high < math.inf else []
        shown = f"; {self.show(view)}" if self.show else ""
        return f"{value:.4g}, kept {' and '.join(bounds)}{shown}"


@dataclasses.dataclass(frozen=True)
class Edit:
    """Changes the text; later rules see the changed one. `change` returns the text itself where nothing changes.

    `applies` is as for a rule.
    """

    name: str
    change: Callable[[DocView], str]
    paper: str = ""
    applies: Callable[[DocView], bool] | None = None

    def edited(self, view: DocView) -> DocView:
        """The document after the change."""
        return view if self.applies and not self.applies(view) else view.with_text(self.change(view))


@dataclasses.dataclass(frozen=True)
class Profile:
    """The rules that one kind of documents is held to, in the order in which they are asked."""

    name: str
    steps: tuple[Rule | Edit, ...]


def judge(view: DocView, profile: Profile) -> DocView | Reject:
    """The document as the profile leaves it, or the first rule that drops it."""
    for step in profile.steps:
        if isinstance(step, Edit):
            view = step.edited(view)
        elif step.asks(view):
            value = float(step.measure(view))
            if not step.keeps(value):
                return Reject(step.name, step.evidence(view, value))
    return view


def measures(view: DocView, profile: Profile) -> dict[str, float]:
    """The measure of every rule that has a say, whatever earlier rules say; edits are made."""
    found = {}
    for step in profile.steps:
        if isinstance(step, Edit):
            view = step.edited(view)
        elif step.asks(view):
            found[step.name] = float(step.measure(view))
    return found
