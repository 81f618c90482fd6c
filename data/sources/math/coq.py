"""Coq (Rocq) vernacular files: a document for each statement that is proved.

Follows the lexing of the reference manual (Basics > Lexical conventions): nested comments that know strings, strings
with doubled quotes, sentences that end in a period before a blank. Definitions, notations and requires are skipped;
`Definition` and `Instance` without a body open a proof and are documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from data import streams
from data.document import Quarantined, Skipped
from data.inputs import InputFile
from data.sources.math import licences
from data.sources.math.proof_text import MAX_FILE_BYTES, MAX_LEVELS, Item, Offsets, Theorem, document, size, unread

LANGUAGE = "coq"
_THEOREMS = {"Theorem", "Lemma", "Fact", "Remark", "Corollary", "Proposition", "Property", "Example", "Goal"}
# These open a proof only where they give no body.
_MAY_PROVE = set(
    ("Definition Instance Let Fixpoint CoFixpoint Function Program Equations Canonical Add Declare").split()
)
_ENDS = {"Qed", "Defined", "Save", "Admitted", "Abort"}
_CONTEXT = set(
    (
        "Section Module End Variable Variables Hypothesis Hypotheses Context Open Require From Import Export "
        "Close Set Unset Local Generalizable Implicit"
    ).split()
)
_DEFINING = set(
    (
        "Inductive CoInductive Record Structure Class Variant Axiom Axioms Parameter Parameters Conjecture "
        "Notation Infix Scheme Ltac Ltac2 Tactic"
    ).split()
)
_PREFIX = re.compile(
    r"(?:\s+|#\[[^\]]*\]|[-+*{}]+(?=\s)|(?:Local|Global|Program|Polymorphic|Monomorphic|Time|Cumulative|Private)\b)*+"
)
_WORD = re.compile(r"[^\W\d][\w']*")
_LEX = re.compile(r"\(\*|\"|\.(?=\s|\Z)")
_COMMENT = re.compile(r'\(\*|\*\)|"')
_STRING_END = re.compile(r'[^"]*"')
_BODY = re.compile(r":=|[(\[{]|[)\]}]|\b(?:let|fix|cofix|in)\b|\"[^\"]*\"")


def read(file: InputFile) -> Iterator[Item]:
    """Proved statements of one file."""
    try:
        text = _decode(file.read(MAX_FILE_BYTES))
    except streams.StreamError as error:
        yield from unread(file, error)
        return
    yield from _Reader(file, text).items()


def _decode(data: bytes) -> str:
    try:
        return streams.decode(data).replace("\r\n", "\n")
    except streams.StreamError as error:
        if error.reason == "binary":
            raise
        return streams.decode(data, "latin-1").replace("\r\n", "\n")  # what Coq took before version 8


class _Reader:
    def __init__(self, file: InputFile, text: str):
        self._file, self._text = file, text
        self._offsets, self._licence = Offsets(text), licences.stated(text[:4000])
        self._modules: list[tuple[str, str]] = []
        self._comment: tuple[int, int] | None = None  # the last documentation comment

    def items(self) -> Iterator[Item]:
        """Items in the file's order."""
        sentences = list(self._sentences())
        at = 0
        while at < len(sentences):
            start, code_start, end, closed = sentences[at]
            at += 1
            if not closed:
                reason = "unclosed" if self._text[code_start:end].strip() else "comment"
                piece, offset = self._text[start:end], self._offsets.at(start)
                if reason == "comment":
                    yield Skipped(self._file.name, offset, reason, size(piece), piece[:100])
                else:
                    yield Quarantined(self._file.name, offset, reason, size(piece), piece[:200])
                continue
            keyword, prefix_end = self._keyword(code_start, end)
            if not self._opens_proof(keyword, code_start, end, sentences[at][1:3] if at < len(sentences) else None):
                self._track(keyword, self._text[prefix_end:end])
                yield self._skipped(start, end, keyword)
                continue
            stop = self._proof_end(sentences, at)
            if stop is None:
                stop = next(
                    (n for n in range(at, len(sentences)) if self._starts_theorem(sentences[n])), len(sentences)
                )
                piece = self._text[start : sentences[stop - 1][2]]
                yield Quarantined(
                    self._file.name, self._offsets.at(start), "unfinished_proof", size(piece), piece[:200]
                )
            else:
                yield self._document(keyword, start, code_start, end, sentences[at:stop])
            at = stop

    def _sentences(self) -> Iterator[tuple[int, int, int, bool]]:
        """Yields (start with the comments before it, start of its code, end, whether it ends in a period)."""
        text, start, code, position = self._text, 0, None, 0
        while match := _LEX.search(text, position):
            gap = text[position : match.start()]
            if code is None and gap.strip():
                code = position + len(gap) - len(gap.lstrip())
            position = match.end()
            token = match.group()
            if token == "(*":
                closing = self._comment_end(match.start())
                if closing is None:
                    yield start, match.start(), len(text), False
                    return
                position = closing
            elif token == '"':
                string = _STRING_END.match(text, position)
                code = match.start() if code is None else code
                if string is None:
                    yield start, code, len(text), False
                    return
                position = string.end()
            else:
                yield start, match.start() if code is None else code, position, True
                start, code = position, None
        if text[start:].strip():
            rest = text[position:]
            yield start, code if code is not None else position + len(rest) - len(rest.lstrip()), len(text), False

    def _comment_end(self, start: int) -> int | None:
        depth, position = 0, start
        while match := _COMMENT.search(self._text, position):
            position = match.end()
            if match.group() == '"':
                string = _STRING_END.match(self._text, position)
                if string is None:
                    return None
                position = string.end()
                continue
            depth += 1 if match.group() == "(*" else -1
            if not depth:
                return position
        return None

    def _keyword(self, start: int, end: int) -> tuple[str, int]:
        code = self._plain(start, end)
        prefix = _PREFIX.match(code)
        word = _WORD.match(code, prefix.end())
        if word is None:
            return "", start
        if word.group() == "Next" and "Obligation" in code:
            return "Obligation", start + word.end()
        return word.group(), start + word.end()

    def _plain(self, start: int, end: int) -> str:
        """Code with comments blanked out, as long as it was."""
        piece, position, out = self._text[start:end], 0, []
        while (found := piece.find("(*", position)) >= 0:
            closing = self._comment_end(start + found)
            if closing is None:
                break
            out += [piece[position:found], " " * (closing - start - found)]
            position = closing - start
        return "".join(out) + piece[position:]

    def _starts_theorem(self, sentence: tuple[int, int, int, bool]) -> bool:
        return sentence[3] and self._keyword(sentence[1], sentence[2])[0] in _THEOREMS

    def _opens_proof(self, keyword: str, start: int, end: int, following: tuple[int, int] | None) -> bool:
        if keyword in _THEOREMS or keyword == "Obligation":
            return keyword == "Obligation" or _body(self._plain(start, end)) is None
        if keyword not in _MAY_PROVE or following is None:
            return False
        after = self._keyword(*following)[0]
        return after == "Proof" or (_body(self._plain(start, end)) is None and after[:1].islower() and bool(after))

    def _proof_end(self, sentences: list[tuple[int, int, int, bool]], at: int) -> int | None:
        """Index behind the sentence that ends the proof; None where another theorem or the file's end comes first."""
        for number in range(at, len(sentences)):
            start, end, closed = sentences[number][1:]
            if not closed:
                return None
            keyword, after = self._keyword(start, end)
            if keyword in _ENDS:
                return number + 1
            if keyword == "Proof":
                rest = self._plain(after, end).strip(" \n\t.")
                if rest and not rest.startswith(("using", "with", "Mode")):
                    return number + 1  # `Proof term.` is all of it
            elif keyword in ("End", "Module", "Section") or keyword in _THEOREMS - {"Goal"}:
                return None
        return None

    def _document(self, keyword: str, start: int, code_start: int, end: int, proof: list[tuple]) -> Item:
        text, first, last = self._text, proof[0][0], proof[-1]
        statement = text[code_start:end]
        prefix = _PREFIX.match(statement)
        name = self._name(keyword, statement[prefix.end() :])
        ending, _ = self._keyword(last[1], last[2])
        body = text[first : last[2]].strip()
        code = self._plain(first, last[2])
        complete = ending not in ("Admitted", "Abort") and not re.search(r"\b(?:admit|give_up)\b", code)
        inner = re.sub(r"\b(?:Proof|Admitted|Abort|Qed|Defined)\b|\badmit\b|[\s.]", "", code)
        if not complete and not inner:
            statement, body = f"{statement}\n{body}", ""
        size_bytes = size(text[start : last[2]])
        offset = self._offsets.at(start)
        if keyword == "Obligation":
            return Skipped(self._file.name, offset, "obligation", size_bytes, statement[:100])
        kind = {"Definition": "definition", "Instance": "instance"}.get(keyword, keyword.lower())
        theorem = Theorem(name, kind, statement, body, complete, self._explanation(start, code_start))
        return document(theorem, self._file, offset, LANGUAGE, self._licence)

    def _name(self, keyword: str, statement: str) -> str:
        match = re.match(rf"{keyword}\s+(?:Definition\s+|Instance\s+|Fixpoint\s+|Lemma\s+)?([^\W\d][\w']*)", statement)
        if match is None or keyword == "Goal":
            return ""
        return ".".join([name for kind, name in self._modules[-MAX_LEVELS:] if kind == "Module"] + [match.group(1)])

    def _explanation(self, start: int, code_start: int) -> str:
        """The `(** ... *)` that stands directly before a statement, without section headings."""
        before = self._text[start:code_start].rstrip()
        found = before.rfind("(**")
        if found < 0 or not before.endswith("*)") or before[found : found + 4] == "(***":
            return ""
        if self._comment_end(start + found) != start + len(before):
            return ""
        comment = re.sub(r"\n[ \t]+", "\n", before[found + 3 : -2].strip().rstrip("*").strip())
        return "" if comment.startswith("*") else re.sub(r"\[([^\[\]\n]*)\]", r"`\1`", comment)

    def _skipped(self, start: int, end: int, keyword: str) -> Item:
        if keyword in _CONTEXT:
            reason = "context"
        elif keyword in _DEFINING or keyword in _MAY_PROVE or keyword in _THEOREMS:
            reason = "definition"
        else:
            reason = "directive"
        piece = self._text[start:end]
        if keyword in _THEOREMS and _body(self._plain(start, end)) is not None:
            return self._term_proof(keyword, start, end)
        return Skipped(self._file.name, self._offsets.at(start), reason, size(piece), piece.strip()[:100])

    def _term_proof(self, keyword: str, start: int, end: int) -> Item:
        """`Lemma x : T := term.`: the term is the proof."""
        code = self._plain(start, end)
        code_start = start + len(code) - len(code.lstrip())
        cut = code_start + _body(code.lstrip())
        statement, proof = self._text[code_start:cut].rstrip(), self._text[cut:end]
        name = self._name(keyword, statement[_PREFIX.match(statement).end() :])
        theorem = Theorem(name, keyword.lower(), statement, proof, True, self._explanation(start, code_start))
        return document(theorem, self._file, self._offsets.at(start), LANGUAGE, self._licence)

    def _track(self, keyword: str, rest: str) -> None:
        """Keeps the modules and sections that are open."""
        name = re.match(r"\s*(?:Type\s+|Import\s+|Export\s+)?([^\W\d][\w']*)", rest)
        if name is None:
            return
        if keyword == "Module" and ":=" not in rest:
            self._modules.append(("Module", name.group(1)))
        elif keyword == "Section":
            self._modules.append(("Section", name.group(1)))
        elif keyword == "End" and self._modules and self._modules[-1][1] == name.group(1):
            self._modules.pop()


def _body(code: str) -> int | None:
    """Where the body of a definition begins: its `:=`, outside brackets and not that of a `let`."""
    depth = pending = 0
    for match in _BODY.finditer(code):
        token = match.group()
        if token in ("(", "[", "{"):
            depth += 1
        elif token in (")", "]", "}"):
            depth = max(depth - 1, 0)
        elif depth:
            continue
        elif token in ("let", "fix", "cofix"):
            pending += 1
        elif token == ":=":
            if not pending:
                return match.start()
            pending -= 1
    return None
