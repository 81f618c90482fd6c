"""One pair of answers, and prompts in the form that the model was trained on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

INSTRUCTION, END_OF_INSTRUCTION, END = "[INST]", "[/INST]", "</s>"


class Unusable(ValueError):
    """A row that is no pair.

    Attributes:
      reason: under which it is counted.
      evidence: what of it was found.
    """

    def __init__(self, reason: str, evidence: str = ""):
        super().__init__(f"{reason}: {evidence}" if evidence else reason)
        self.reason, self.evidence = reason, evidence


@dataclasses.dataclass(frozen=True)
class Pair:
    """A pair.

    Attributes:
      prompt: plain text at the even places, control symbols at the odd ones, as `Problem.parts` of `data.verifiable`.
      chosen: the preferred answer.
      rejected: the other.
      margin: how much better a label says it is, 0 or more, in the label's own unit.
    """

    prompt: tuple[str, ...]
    chosen: str
    rejected: str
    margin: float = 0.0


def dialogue(turns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The parts of a dialogue up to the answer that is wanted, in the form of Mistral's instruct models.

    Args:
      turns: (role, text) each; roles are "user", "assistant" and "system", which is read with the user's next turn.
        Turns of the user that follow one another are one.
    """
    parts, asked = [""], []
    for role, text in turns:
        if role != "assistant":
            asked.append(text)
            continue
        parts += _question(asked)
        parts[-1] = text
        parts += [END, ""]
        asked = []
    return tuple(parts + _question(asked))


def _question(texts: Sequence[str]) -> list[str]:
    return [INSTRUCTION, "\n\n".join(text for text in texts if text), END_OF_INSTRUCTION, ""]


def checked(prompt: tuple[str, ...], chosen: str, rejected: str, margin: float = 0.0) -> Pair:
    """A pair whose answers are there and differ.

    Raises:
      Unusable: `empty_prompt`, `empty_side`, `equal_sides`.
    """
    if not any(text.strip() for text in prompt[::2]):
        raise Unusable("empty_prompt")
    chosen, rejected = chosen.strip("\n"), rejected.strip("\n")
    for name, side in (("chosen", chosen), ("rejected", rejected)):
        if not side.strip():
            raise Unusable("empty_side", f"{name} has no answer")
    if chosen.strip() == rejected.strip():
        raise Unusable("equal_sides", repr(chosen.strip()[:60]))
    return Pair(prompt, chosen, rejected, margin)
