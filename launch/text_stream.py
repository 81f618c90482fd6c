"""Text from tokens as they come: no half of a character, no space lost, and nothing of a stop string."""

from __future__ import annotations

from collections.abc import Sequence

from data.tokenizer import Tokenizer

_BROKEN = "\ufffd"  # what a piece of a character decodes to


class TextStream:
    """The text of one completion.

    Attributes:
      text: what was given out so far.
      is_stopped: whether a stop string has come; nothing is given out after it.
    """

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int], stops: Sequence[str] = ()) -> None:
        """Starts after a prompt.

        Args:
          tokenizer: of the model.
          prompt: its ids: the completion's first piece may begin with a space, which a decoder drops at a text's beginning.
          stops: strings that end the text; they are not part of it.
        """
        self._tokenizer, self._stops = tokenizer, tuple(stops)
        # Pieces are decoded after those that came before them, from `_start`; what lies before `_read` is given out.
        self._ids, self._start, self._read = list(prompt), 0, len(prompt)
        self._held = ""  # may be the beginning of a stop string
        self.text = ""
        self.is_stopped = False

    def add(self, token: int) -> str:
        """The text that has become certain with one more token; often "" or more than the token's own."""
        if self.is_stopped:
            return ""
        self._ids.append(token)
        new = self._decoded()
        if new.endswith(_BROKEN) or not new:
            return ""
        self._start, self._read = self._read, len(self._ids)
        return self._give(new, is_last=False)

    def finish(self) -> str:
        """The rest, where no more tokens come; bytes that make no character are U+FFFD."""
        if self.is_stopped:
            return ""
        new = self._decoded()
        self._read = len(self._ids)
        return self._give(new, is_last=True)

    def _decoded(self) -> str:
        before = self._tokenizer.decode(self._ids[self._start : self._read])
        return self._tokenizer.decode(self._ids[self._start :])[len(before) :]

    def _give(self, new: str, is_last: bool) -> str:
        text = self._held + new
        found = [place for place in (text.find(stop) for stop in self._stops) if place >= 0]
        if found:
            self.is_stopped = True
            cut = min(found)
        else:
            cut = len(text) if is_last else len(text) - self._possible_stop(text)
        given, self._held = text[:cut], text[cut:]
        self.text += given
        return given

    def _possible_stop(self, text: str) -> int:
        """How many of the last characters may be the beginning of a stop string."""
        lengths = range(min(len(text), max(map(len, self._stops), default=1) - 1), 0, -1)
        return next((n for n in lengths if any(stop.startswith(text[-n:]) for stop in self._stops)), 0)
