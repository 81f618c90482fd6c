"""What a training task is: the parts that a document is read in, and which of them are learned."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

from data.document import Document
from data.domains import DOMAINS


@dataclasses.dataclass(frozen=True)
class Part:
    """A stretch of an example.

    Attributes:
      text: what is encoded.
      learned: whether the loss counts its tokens.
      control: a control symbol of the tokenizer that stands before the text, "" for none; it is never learned.
    """

    text: str
    learned: bool = True
    control: str = ""


Example = tuple[Part, ...]


@dataclasses.dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
      name: what configs, logs and `task_ids` call it.
      definition: what is learned from what, in words.
      make: (document, random numbers of its own) -> the parts, or None where the document does not have what it takes.
        Pure; all texts of the parts together need not be the document's.
      domains: whose documents it may take.
    """

    name: str
    definition: str
    make: Callable[[Document, random.Random], Example | None]
    domains: tuple[str, ...] = DOMAINS


def instruction(prompt: str, completion: str) -> Example | None:
    """A prompt between Mistral's [INST] and [/INST], and the completion that is learned; None where one is empty.

    The form of Mistral's instruct models (https://docs.mistral.ai/guides/tokenization).
    """
    prompt, completion = prompt.strip(), completion.strip("\n")
    if not prompt or not completion.strip():
        return None
    return Part(prompt, learned=False, control="[INST]"), Part(completion, control="[/INST]")


def cut_at_prompt(document: Document) -> tuple[str, str] | None:
    """(prompt, completion) of a document whose maker says where its prompt ends (`meta["prompt_end"]`, in characters)."""
    end = document.meta.get("prompt_end")
    if not isinstance(end, int) or not 0 < end < len(document.text):
        return None
    return document.text[:end], document.text[end:]
