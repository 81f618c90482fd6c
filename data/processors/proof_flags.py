"""Whether a formal text states something, and whether it proves it: Lean, Coq, Isabelle, Metamath."""

from __future__ import annotations

import dataclasses
import posixpath
import re


@dataclasses.dataclass(frozen=True)
class _System:
    """How one system writes comments (opening, closing; nested), line comments, statements, proofs and holes."""

    comment: tuple[str, str]
    line_comment: str
    statement: re.Pattern[str]
    proof: re.Pattern[str]
    hole: re.Pattern[str]


_SYSTEMS: dict[str, _System] = {
    "lean": _System(
        ("/-", "-/"),
        "--",
        re.compile(
            r"\b(?:theorem|lemma|example|corollary|proposition|def|abbrev|structure|class|inductive|instance|axiom"
            r"|opaque)\b"
        ),
        re.compile(r":=|\bby\b|\bbegin\b|^\s*\|", re.MULTILINE),
        re.compile(r"\b(?:sorry|admit|sorryAx)\b"),
    ),
    "coq": _System(
        ("(*", "*)"),
        "",
        re.compile(
            r"\b(?:Theorem|Lemma|Corollary|Proposition|Fact|Remark|Example|Property|Goal|Definition|Fixpoint"
            r"|CoFixpoint|Inductive"
            r"|CoInductive|Record|Structure|Class|Instance|Axiom|Parameter|Hypothesis)\b"
        ),
        re.compile(r"\b(?:Proof|Qed|Defined|Save)\b|:="),
        re.compile(r"\b(?:Admitted|Abort|admit|give_up)\b"),
    ),
    "isabelle": _System(
        ("(*", "*)"),
        "",
        re.compile(
            r"\b(?:theorem|lemma|corollary|proposition|schematic_goal|definition|fun|function|primrec|datatype"
            r"|inductive|locale"
            r"|axiomatization|abbreviation)\b"
        ),
        re.compile(r"\b(?:proof|by|apply|done|qed|using|unfolding)\b"),
        re.compile(r"\b(?:sorry|oops)\b"),
    ),
    "metamath": _System(
        ("$(", "$)"),
        "",
        re.compile(r"\$[ap]\s"),
        re.compile(r"\$="),
        re.compile(r"\$=\s*(?:\([^)]*\)\s*)?\?"),
    ),
}
_NAMES = {"lean3": "lean", "lean4": "lean", "rocq": "coq", "v": "coq", "thy": "isabelle", "mm": "metamath"}
_LAID_OUT = re.compile(r"^Statement:\s*\n```", re.MULTILINE)
FULL, PARTIAL, NONE = "full", "partial", "none"


def system_of(language: str, path: str = "") -> str:
    """`lean`, `coq`, `isabelle` or `metamath` by a language's name or a file's suffix; "" for neither."""
    for name in (language.lower(), posixpath.splitext(path.lower())[1].lstrip(".")):
        name = _NAMES.get(name, name)
        if name in _SYSTEMS:
            return name
    return ""


def without_comments(text: str, system: str) -> str:
    """A text without its comments, nested ones included."""
    opening, closing = _SYSTEMS[system].comment
    line_comment = _SYSTEMS[system].line_comment
    marks = [re.escape(opening), re.escape(closing), *([re.escape(line_comment) + r"[^\n]*"] if line_comment else [])]
    pieces, position, depth = [], 0, 0
    for found in re.finditer("|".join(marks), text):
        mark = found.group()
        if mark == opening:
            if not depth:
                pieces.append(text[position : found.start()])
            depth += 1
        elif mark == closing and depth:
            depth -= 1
            position = found.end()
        elif not depth and line_comment and mark.startswith(line_comment):
            pieces.append(text[position : found.start()])
            position = found.end()
    if not depth:
        pieces.append(text[position:])
    return " ".join(pieces)


def statements(text: str, system: str) -> int:
    """Statements and definitions in a text of one system, or of whichever system finds most where it isn't known."""
    known = [system] if system else list(_SYSTEMS)
    return max(len(_SYSTEMS[one].statement.findall(without_comments(text, one))) for one in known) + bool(
        _LAID_OUT.search(text)
    )


def proof_of(text: str, system: str) -> str:
    """FULL, PARTIAL (a hole such as `sorry` is no proof) or NONE."""
    known = [system] if system else list(_SYSTEMS)
    bare = {one: without_comments(text, one) for one in known}
    if any(_SYSTEMS[one].hole.search(code) for one, code in bare.items()):
        return PARTIAL
    return FULL if any(_SYSTEMS[one].proof.search(code) for one, code in bare.items()) else NONE
