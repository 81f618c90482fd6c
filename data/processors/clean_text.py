"""What code and mathematics share: characters that no text has, and the standard form that is written."""

from __future__ import annotations

import dataclasses
import math
import unicodedata

from data.document import Document, Reject
from data.processors.view import DocView


def not_text_shown(view: DocView) -> str:
    """What a reviewer reads of a document with broken characters."""
    return "of NUL, U+FFFD and lone surrogates"


def _is_surrogate_free(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def broken_characters(view: DocView) -> float:
    """Count of NUL and U+FFFD; infinite where the text holds lone surrogates and can't be encoded."""
    if not _is_surrogate_free(view.text):
        return math.inf
    return view.text.count("\x00") + view.text.count("\ufffd")


def broken_share(view: DocView) -> float:
    """Share of U+FFFD among the characters, which decoders name in their own code; infinite with NUL or surrogates."""
    if "\x00" in view.text or not _is_surrogate_free(view.text):
        return math.inf
    return view.text.count("\ufffd") / max(len(view.text), 1)


def solid_bytes(view: DocView) -> float:
    """Bytes of the text without white space at its ends."""
    return len(view.text.strip().encode("utf-8", "replace"))


def standard_form(document: Document, keep_tabs: bool, end: str) -> Document | Reject:
    """NFC, `\\n` line ends, no trailing space, no blank lines at the ends.

    Args:
      document: any.
      keep_tabs: else they become spaces to the next multiple of 4.
      end: what the text ends with.
    """
    text = unicodedata.normalize("NFC", document.text).replace("\r\n", "\n").replace("\r", "\n")
    if not keep_tabs:
        text = text.expandtabs(4)
    text = "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
    if not text:
        return Reject("empty", "nothing is left after normalisation")
    return dataclasses.replace(document, text=text + end)
