"""Metamath databases (the Metamath book, appendix A): a document for each $p statement.

The database is read as a stream of words. A theorem comes with its hypotheses, its distinct-variable conditions and the
comment before it; its proof is kept as stored and, where it can be checked within bounds, told step by step as well.
What is checked is certified in `meta["verified"]`. Axioms ($a) are skipped: they are asserted, not proved.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from data import streams
from data.document import Quarantined, Skipped
from data.inputs import InputFile
from data.sources.math import licences
from data.sources.math.metamath_proof import (
    Assertion,
    Hypothesis,
    ProofError,
    TooLarge,
    check,
    shown,
)
from data.sources.math.proof_text import Item, Theorem, document

LANGUAGE = "metamath"
MAX_STATEMENT_WORDS = 4_000_000
_BLOCK = 1 << 20
_WORD = re.compile(rb"\S+")
_KEYWORDS = {b"$c", b"$v", b"$f", b"$e", b"$d", b"$a", b"$p", b"${", b"$}", b"$.", b"$=", b"$(", b"$)", b"$[", b"$]"}


def read(file: InputFile) -> Iterator[Item]:
    """Theorems of one database. A broken stream ends it, and says where."""
    database = _Database(file)
    position = 0
    try:
        with file.open() as stream:
            for start, word in _words(stream):
                position = start
                item = database.feed(start, word)
                if item is not None:
                    yield item
        item = database.finish(position)
        if item is not None:
            yield item
    except streams.StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, max(file.size - error.offset, 0), error.evidence)


def _words(stream) -> Iterator[tuple[int, bytes]]:
    """Words with the offsets of their first bytes; a word that blocks cut is put together."""
    offset, rest = 0, b""
    while block := stream.read(_BLOCK):
        data = rest + block
        if len(data) > streams.MAX_LINE_BYTES and _WORD.fullmatch(data):
            raise streams.StreamError("too_long", offset, "a word without an end")
        last = max(data.rfind(b" "), data.rfind(b"\n"), data.rfind(b"\t"), data.rfind(b"\r"), data.rfind(b"\x0c")) + 1
        for match in _WORD.finditer(data, 0, last):
            yield offset + match.start(), match.group()
        offset, rest = offset + last, data[last:]
    for match in _WORD.finditer(rest):
        yield offset + match.start(), match.group()


class _Database:
    """Takes words one by one, keeps what later proofs refer to, and makes items of assertions."""

    def __init__(self, file: InputFile):
        self._file, self._licence = file, ""
        self._intern: dict[bytes, str] = {}
        self._scopes: list[tuple[int, int]] = []  # lengths of the two lists below where a block began
        self._active: list[Hypothesis] = []
        self._distinct: list[tuple[str, str]] = []
        self._assertions: dict[str, Assertion] = {}
        self._by_label: dict[str, Hypothesis] = {}
        self._comment: list[bytes] | None = None
        self._last_comment = ""
        self._statement: list[str] = []
        self._kind: bytes = b""
        self._label = ""
        self._start = 0
        self._heads: list[str] = []

    def feed(self, start: int, word: bytes) -> Item | None:
        """Takes a word. Returns the item that it completes."""
        if self._comment is not None:
            if word == b"$)":
                self._end_comment()
            elif len(self._comment) < 100_000:
                self._comment.append(word)
            return None
        if word == b"$(":
            self._comment = []
            return None
        if word not in _KEYWORDS:
            return self._symbol(start, word)
        if word == b"$.":
            return self._complete(start + 2)
        if self._kind:
            if word == b"$=" and self._kind == b"$p":
                self._statement.append("$=")
                return None
            item = self._broken(start, "malformed", f"{word.decode()} inside a statement")
            self._reset()
            return item if word not in (b"${", b"$}") else (self._block(word) or item)
        if word in (b"${", b"$}"):
            return self._block(word)
        if not self._label:
            self._start = start
        self._kind = word
        return None

    def finish(self, end: int) -> Item | None:
        """What the end of the file leaves open."""
        if self._comment is not None:
            return Quarantined(
                self._file.name, self._start, "unclosed", max(end - self._start, 0), "a comment without $)"
            )
        if self._kind or self._label:
            return self._broken(end, "truncated", "a statement without $.")
        return None

    def _symbol(self, start: int, word: bytes) -> Item | None:
        if self._kind:
            if len(self._statement) < MAX_STATEMENT_WORDS:
                self._statement.append(self._text(word))
            return None
        if self._label:
            item = self._broken(start, "malformed", f"{self._label!r} is no statement")
            self._label, self._start = self._text(word), start
            return item
        self._label, self._start = self._text(word), start
        return None

    def _text(self, word: bytes) -> str:
        text = self._intern.get(word)
        if text is None:
            text = _decode(word)
            if len(word) < 40:
                self._intern[word] = text
        return text

    def _end_comment(self) -> None:
        words = [_decode(word) for word in self._comment or ()]
        text = " ".join(words)
        if len(self._heads) < 12:
            self._heads.append(text[:4000])
        if words and not words[0].startswith(("#*#", "=-=", "-.-", "$j", "$t", "!")):
            self._last_comment = text
        self._comment = None

    def _block(self, word: bytes) -> None:
        if word == b"${":
            self._scopes.append((len(self._active), len(self._distinct)))
        elif self._scopes:
            active, distinct = self._scopes.pop()
            for hypothesis in self._active[active:]:
                self._by_label.pop(hypothesis.label, None)
            del self._active[active:], self._distinct[distinct:]
        return None

    def _broken(self, end: int, reason: str, evidence: str) -> Quarantined:
        return Quarantined(self._file.name, self._start, reason, max(end - self._start, 0), evidence[:300])

    def _reset(self) -> None:
        self._kind, self._label, self._statement = b"", "", []

    def _complete(self, end: int) -> Item | None:
        kind, label, symbols = self._kind, self._label, self._statement
        start = self._start
        self._reset()
        if not kind:
            return Quarantined(self._file.name, start, "malformed", max(end - start, 0), "$. without a statement")
        needs_label = kind in (b"$f", b"$e", b"$a", b"$p")
        if needs_label != bool(label) or (needs_label and not symbols):
            return Quarantined(self._file.name, start, "malformed", end - start, f"{kind.decode()} {label!r}")
        if kind in (b"$e", b"$f"):
            if kind == b"$f" and len(symbols) != 2:
                return Quarantined(self._file.name, start, "malformed", end - start, f"$f of {len(symbols)} symbols")
            hypothesis = Hypothesis(label, tuple(symbols), kind == b"$f")
            self._active.append(hypothesis)
            self._by_label[label] = hypothesis
        elif kind == b"$d":
            names = sorted(set(symbols))[:2000]
            self._distinct += [(one, other) for at, one in enumerate(names) for other in names[at + 1 :]]
        elif kind in (b"$a", b"$p"):
            return self._assertion(kind, label, symbols, start, end)
        return None

    def _assertion(self, kind: bytes, label: str, words: list[str], start: int, end: int) -> Item:
        comment, self._last_comment = self._last_comment, ""
        cut = words.index("$=") if "$=" in words else len(words)
        symbols, proof = tuple(words[:cut]), words[cut + 1 :]
        if kind == b"$p" and (cut == len(words) or not proof or not symbols):
            return Quarantined(self._file.name, start, "no_proof", end - start, f"{label} $p without $= and a proof")
        frame = self._frame(label, symbols)
        self._assertions[sys.intern(label)] = frame
        if kind == b"$a":
            return Skipped(self._file.name, start, "axiom", end - start, f"{label} $a {' '.join(symbols)[:200]}")
        verdict, steps = "unknown", ""
        if "?" not in proof:
            try:
                found = check(frame, proof, self._by_label, self._assertions_before(label), frozenset(self._distinct))
                verdict, steps = "yes", shown(found, self._by_label)
            except TooLarge:
                pass
            except ProofError as error:
                return Quarantined(self._file.name, start, "wrong_proof", end - start, f"{label}: {error}")
        return self._document(frame, symbols, proof, comment, verdict, steps, start)

    def _assertions_before(self, label: str) -> dict[str, Assertion]:
        # A theorem may not be used in its own proof; no copy of the tens of thousands of others is made for that.
        return _Without(self._assertions, label)

    def _frame(self, label: str, symbols: tuple[str, ...]) -> Assertion:
        used = set(symbols).union(*(h.symbols for h in self._active if not h.floating))
        needed = tuple(h for h in self._active if not h.floating or h.symbols[1] in used)
        variables = {h.symbols[1] for h in needed if h.floating}
        distinct = frozenset(pair for pair in self._distinct if pair[0] in variables and pair[1] in variables)
        return Assertion(label, symbols, needed, distinct)

    def _document(
        self,
        frame: Assertion,
        symbols: tuple[str, ...],
        proof: list[str],
        comment: str,
        verdict: str,
        steps: str,
        start: int,
    ) -> Item:
        essential = [h for h in frame.hypotheses if not h.floating]
        lines = [f"$d {one} {other} $." for one, other in sorted(frame.distinct)]
        lines += [f"{h.label} $e {' '.join(h.symbols)} $." for h in essential]
        lines.append(f"{frame.label} $p {' '.join(symbols)}")
        statement = "\n".join(lines)
        gap = "?" in proof
        only_gap = all(word in ("?", "(", ")") for word in proof)
        body = "" if only_gap else f"$= {_wrapped(proof)} $."
        explanation = re.sub(r"`\s*(.*?)\s*`", r"`\1`", comment)
        theorem = Theorem(frame.label, "theorem", statement, body, not gap, explanation, "", steps)
        if not self._licence or self._licence == licences.UNKNOWN:
            self._licence = licences.stated("\n".join(self._heads))
        return document(theorem, self._file, start, LANGUAGE, self._licence, verdict)


def _decode(word: bytes) -> str:
    """Text of a word; what no database may hold (the book allows printable ASCII) is marked, not dropped."""
    return word.decode("utf-8", "replace").replace("\x00", "\ufffd")


def _wrapped(words: list[str]) -> str:
    """Words of a proof in lines of a readable length; the letters of a compressed proof stand together."""
    lines, line = [], ""
    for word in words:
        if line and len(line) + len(word) > 78:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])


class _Without(dict):
    """A view of a mapping without one key."""

    def __init__(self, mapping: dict[str, Assertion], key: str):
        super().__init__()
        self._mapping, self._key = mapping, key

    def get(self, key, default=None):
        return default if key == self._key else self._mapping.get(key, default)
