"""What a row says, by its fields: HH-RLHF's whole dialogues, or a prompt with two answers as UltraFeedback has them.

HH-RLHF (Bai et al. 2022, arXiv:2204.05862): `chosen` and `rejected`, each "\\n\\nHuman: ...\\n\\nAssistant: ...", alike but
for the last answer; `launch.collect_feedback` writes the same.
UltraFeedback (Cui et al. 2023, arXiv:2310.01377) and its kin: a prompt beside the answers, or none where the answers
are lists of messages that begin with it; texts or messages {role, content}; scores of the sides where there are any.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from data.preferences.pair import Pair, Unusable, checked, dialogue

_SPEAKER = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")
_ROLES = {"human": "user", "user": "user", "assistant": "assistant", "gpt": "assistant", "system": "system"}
_SIDES = (("chosen", "rejected"), ("chosen_response", "rejected_response"))
_PROMPTS = ("prompt", "instruction", "question")
_SCORES = (
    ("score_chosen", "score_rejected"),
    ("chosen_score", "rejected_score"),
    ("chosen-rating", "rejected-rating"),
    ("chosen_rating", "rejected_rating"),
)
Turns = list[tuple[str, str]]


def pair_of(fields: Mapping[str, Any]) -> Pair:
    """The pair of a row.

    Raises:
      Unusable: `missing_field`, `wrong_type`, `not_a_dialogue`, `no_common_prompt`, `no_answer`, `score_not_finite`,
        `score_order` (the rejected side's score is the higher), and those of `pair.checked`.
    """
    names = next((names for names in _SIDES if all(fields.get(name) is not None for name in names)), None)
    if names is None:
        missing = [name for name in _SIDES[0] if fields.get(name) is None]
        raise Unusable(
            "missing_field", f"no {' and no '.join(missing)} among {', '.join(map(str, fields)) or 'none'}"[:200]
        )
    chosen, rejected = (fields[name] for name in names)
    if type(chosen) is not type(rejected) or not isinstance(chosen, (str, list)):
        raise Unusable("wrong_type", f"{names[0]} and {names[1]} are no two texts or two lists of messages")
    asked = next((fields[name] for name in _PROMPTS if fields.get(name) is not None), None)
    if isinstance(chosen, str):
        return _of_texts(chosen, rejected, asked, _margin(fields))
    return _of_messages(chosen, rejected, asked, _margin(fields))


def _of_texts(chosen: str, rejected: str, asked: Any, margin: float) -> Pair:
    if asked is None or (_SPEAKER.match(chosen) and _SPEAKER.match(rejected)):
        return _of_dialogues(chosen, rejected, margin)
    return checked(dialogue(_asked(asked)), chosen, rejected, margin)


def _of_dialogues(chosen: str, rejected: str, margin: float) -> Pair:
    better, worse = _turns(chosen), _turns(rejected)
    prompt = better[:-1]
    if prompt != worse[:-1] or not prompt:
        raise Unusable(
            "no_common_prompt", f"the dialogues have {len(better)} and {len(worse)} turns, and differ before the last"
        )
    if "user" not in (better[-1][0], worse[-1][0]):
        return checked(dialogue(prompt), better[-1][1], worse[-1][1], margin)
    raise Unusable("no_answer", "a side ends with the human's turn")


def _turns(text: str) -> Turns:
    if not _SPEAKER.match(text):
        if not text.strip():
            raise Unusable("empty_side", "a side has no text")
        raise Unusable("not_a_dialogue", f"{text[:60]!r} does not begin with Human: or Assistant:")
    pieces = _SPEAKER.split(text)[1:]
    return [(_ROLES[role.lower()], said.strip()) for role, said in zip(pieces[::2], pieces[1::2])]


def _of_messages(chosen: list, rejected: list, asked: Any, margin: float) -> Pair:
    better, worse = _messages(chosen), _messages(rejected)
    for side in (better, worse):
        if not side or side[-1][0] != "assistant":
            raise Unusable("no_answer", "a side does not end with the assistant's message")
    if better[:-1] != worse[:-1]:
        raise Unusable(
            "no_common_prompt", f"the sides have {len(better)} and {len(worse)} messages, and differ before the last"
        )
    prompt = better[:-1]
    if not any(role == "user" for role, _ in prompt):
        if asked is None:
            raise Unusable("missing_field", "no prompt beside the answers, and none in them")
        prompt = prompt + _asked(asked)
    return checked(dialogue(prompt), better[-1][1], worse[-1][1], margin)


def _asked(value: Any) -> Turns:
    if isinstance(value, str):
        return _turns(value.removesuffix("\n\nAssistant:")) if _SPEAKER.match(value) else [("user", value.strip())]
    if isinstance(value, list):
        return _messages(value)
    raise Unusable("wrong_type", f"the prompt is {type(value).__name__}, no text and no list of messages")


def _messages(value: Sequence[Any]) -> Turns:
    turns = []
    for message in value:
        role = message.get("role", message.get("from")) if isinstance(message, dict) else None
        said = message.get("content", message.get("value")) if isinstance(message, dict) else None
        if not isinstance(said, str) or not isinstance(role, str) or role.lower() not in _ROLES:
            raise Unusable("wrong_type", f"{message!r:.80} is no message {{role, content}}")
        turns.append((_ROLES[role.lower()], said.strip()))
    return turns


def _margin(fields: Mapping[str, Any]) -> float:
    if fields.get("margin") is not None:
        return _difference(fields["margin"], 0.0)
    for chosen, rejected in _SCORES:
        if fields.get(chosen) is not None and fields.get(rejected) is not None:
            return _difference(fields[chosen], fields[rejected])
    return 0.0


def _difference(chosen: Any, rejected: Any) -> float:
    try:
        margin = float(chosen) - float(rejected)
    except (TypeError, ValueError):
        raise Unusable("wrong_type", f"the scores {chosen!r:.40} and {rejected!r:.40} are no numbers") from None
    if not math.isfinite(margin):
        raise Unusable("score_not_finite", f"{chosen!r:.40} and {rejected!r:.40}")
    if margin < 0:
        raise Unusable("score_order", f"chosen has {chosen!r:.40} and rejected {rejected!r:.40}")
    return margin
