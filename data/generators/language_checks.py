"""The check of each kind of language problem, all of which read the text anew rather than trust what made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from data.generators import (
    language_agreement,
    language_dialogue_reading,
    language_report_reading,
    language_story_reading,
    language_translation,
    language_voice_reading,
)

Check = Callable[[Mapping[str, Any], str, str], bool]
# What a form says of the text: these are the whole completion, and those stand in the prompt.
_COMPLETIONS = ("answer", "summary", "target_text")
_PROMPTED = ("question", "source_text")
_CHECKS: dict[str, Check] = {
    "comprehension": language_story_reading.check,
    "correction": language_agreement.check,
    "figures": language_translation.check_figures,
    "summary": language_report_reading.check,
    "translation": language_translation.check_translation,
    "voice": language_voice_reading.check,
}


def holds(certificate: Mapping[str, Any], prompt: str, completion: str, form: Mapping[str, Any]) -> bool:
    """Whether the completion is right for its prompt, and the form says of them what they are.

    A certificate of an unknown kind or of wrong shape holds nothing, nor does a text that its check can't read.

    Args:
      certificate: `check` names the kind; the rest is what that check needs.
      prompt, completion: the text in two; of a conversation the prompt is "".
      form: the document's meta: question, answer, summary, translation, turns.
    """
    try:
        if certificate["check"] == "dialogue":
            return not prompt and language_dialogue_reading.check(certificate, completion, form)
        said = all(form[name] == completion for name in _COMPLETIONS if name in form)
        asked = all(form[name] in prompt for name in _PROMPTED if name in form)
        return said and asked and _CHECKS[certificate["check"]](certificate, prompt, completion)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, StopIteration):
        return False
