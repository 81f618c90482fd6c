"""Lean 4 files: a document for each theorem, lemma and example.

Commands are told apart by the keywords that begin them at the left margin of a line, outside comments, strings and
brackets, which is how Lean's own parser recovers. `variable`, `open`, `universe` and local notation in scope go along
as context, since statements mean nothing without them; definitions and directives are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from data import streams
from data.document import Quarantined, Skipped
from data.inputs import InputFile
from data.sources.math import licences
from data.sources.math.proof_text import (
    MAX_CONTEXT_CHARACTERS,
    MAX_FILE_BYTES,
    MAX_LEVELS,
    Item,
    Offsets,
    Theorem,
    document,
    size,
    unread,
)

LANGUAGE = "lean4"
_THEOREMS = {"theorem", "lemma", "example", "proposition", "corollary"}
_DEFINITIONS = set(
    (
        "def definition abbrev instance structure class inductive coinductive opaque constant axiom axioms alias "
        "irreducible_def abbreviation lemmas"
    ).split()
)
_CONTEXT = set(
    (
        "variable variables open universe universes local include omit parameter parameters notation notation3 scoped"
    ).split()
)
_DIRECTIVES = set(
    (
        "import module section namespace end attribute macro macro_rules syntax elab elab_rules infix infixl "
        "infixr prefix postfix initialize builtin_initialize deriving mutual export add_decl_doc "
        "declare_config_elab simproc dsimproc simproc_decl run_cmd register_simp_attr library_note "
        "assert_not_exists compile_inductive suppress_compilation set_option register_option declare_syntax_cat "
        "proof_wanted initialize_simps_projections extend_docs run_meta unif_hint grind_pattern binder_predicate "
        "unsuppress_compilation prelude theory precedence reserve meta insert_to_additive_translation "
        "assert_not_imported recall"
    ).split()
)
_MODIFIERS = set(("private protected noncomputable nonrec unsafe partial public local scoped meta").split())
_KEYWORDS = _THEOREMS | _DEFINITIONS | _CONTEXT | _DIRECTIVES
_WORD = re.compile(r"[#@]?[^\W\d][\w!?'.]*")
_NAME = re.compile(r"(?:«[^»\n]*»|[^\s:({\[⦃«])+")
_LEX = re.compile(
    r"--[^\n]*|/-|\"|(?<![\w'!?])'(?:\\.[^'\n]{0,8}|[^'\\\n])'|r#*\"|«[^»\n]*»"
    r"|:=|=>|[(\[{⟨⟦⦃)\]}⟩⟧⦄]|\n|[^\W\d][\w'!?]*|\|"
)
_HOLE = re.compile(r"\b(?:sorry|admit|sorryAx)\b")
_ONLY_HOLE = re.compile(r"\s*(?::=)?\s*(?:by\s+|begin\s+)?(?:sorry|admit)\s*(?:end)?\s*\Z")


def read(file: InputFile) -> Iterator[Item]:
    """Theorems of one file."""
    try:
        text = streams.decode(file.read(MAX_FILE_BYTES)).replace("\r\n", "\n")
    except streams.StreamError as error:
        yield from unread(file, error)
        return
    masked, unclosed = _mask(text)
    licence, offsets, scope = licences.stated(text[:4000]), Offsets(text), _Scope()
    for start, end in _commands(text, masked):
        if not text[start:end].strip():
            continue
        yield _item(file, text, masked, start, end, offsets.at(start), scope, licence)
    if unclosed is not None:
        yield Quarantined(file.name, size(text[:unclosed]), "unclosed", size(text[unclosed:]), text[unclosed:][:80])


def _mask(text: str) -> tuple[str, int | None]:
    """The text with comments and strings blanked out, character for character, and where one of them isn't closed."""
    out, position = [], 0
    while match := _LEX.search(text, position):
        token = match.group()
        out.append(text[position : match.start()])
        end = match.end()
        if token == "/-":
            end = _comment_end(text, match.start())
        elif token == '"' or (token[0] == "r" and token.endswith('"')):
            end = _string_end(text, match.end(), token)
        elif token[:2] != "--" and token[0] not in "'«":
            out.append(token)
            position = end
            continue
        if end is None:
            return "".join(out) + re.sub(r"[^\n]", " ", text[match.start() :]), match.start()
        out.append(re.sub(r"[^\n]", "\x01" if token[0] in "\"'r«" else " ", text[match.start() : end]))
        position = end
    out.append(text[position:])
    return "".join(out), None


_COMMENT = re.compile(r"/-|-/")


def _comment_end(text: str, start: int) -> int | None:
    depth, position = 0, start
    while match := _COMMENT.search(text, position):
        position = match.end()
        depth += 1 if match.group() == "/-" else -1
        if not depth:
            return position
    return None


def _string_end(text: str, position: int, opener: str) -> int | None:
    if opener != '"':
        closer = '"' + "#" * opener.count("#")
        end = text.find(closer, position)
        return None if end < 0 else end + len(closer)
    match = re.compile(r'(?:[^"\\]|\\[\s\S])*+"').match(text, position)
    return match.end() if match else None


_LINE_START = re.compile(r"^(?:@\[|#[a-z_]+|[^\W\d][\w]*)", re.MULTILINE)


def _commands(text: str, masked: str) -> Iterator[tuple[int, int]]:
    """Where commands begin and end. A documentation comment, attributes and `... in` belong to what follows them."""
    begins = []
    for match in _LINE_START.finditer(masked):
        word = match.group()
        if word.startswith(("@[", "#")) or word in _KEYWORDS or word in _MODIFIERS:
            begins.append(match.start())
    for match in re.finditer(r"^/-[-!]", text, re.MULTILINE):
        if masked[match.start()] == " ":
            begins.append(match.start())
    begins = sorted(set(begins))
    joined = []
    for at, start in enumerate(begins):
        end = begins[at + 1] if at + 1 < len(begins) else len(text)
        before = begins[at - 1]
        if joined and (_continues(text, masked, before, start) or _ends_tactics(masked, start, before)):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    if begins and begins[0] > 0:
        joined.insert(0, (0, begins[0]))
    elif not begins and text.strip():
        joined = [(0, len(text))]
    yield from joined


def _ends_tactics(masked: str, start: int, before: int) -> bool:
    """Whether an `end` at the margin closes the `begin` of a Lean 3 proof, not a namespace."""
    if not re.compile(r"end[ \t]*,?[ \t]*(?:\n|\Z)").match(masked, start):
        return False
    return re.search(r"^(?:[^\n]*[\s=])?begin[ \t]*$", masked[before:start], re.MULTILINE) is not None


def _continues(text: str, masked: str, start: int, end: int) -> bool:
    """Whether a piece is only the beginning of a command."""
    last = masked[start:end].rstrip()
    if not last:
        # A comment: /-- documents what follows, /-! stands for itself.
        tail = text[start:end].rstrip()
        return text.startswith("/--", start) and tail.endswith("-/")
    if re.search(r"(?:^|\s)in\Z", last):
        return True
    stripped = re.sub(r"@\[[^\]]*\]", "", last).strip()
    return all(word in _MODIFIERS for word in stripped.split()) and not stripped.startswith(("open", "scoped notation"))


class _Scope:
    """Namespaces and sections that are open, with the context declared in each."""

    def __init__(self) -> None:
        self._levels: list[tuple[str, str, list[str]]] = [("", "", [])]

    def enter(self, kind: str, name: str) -> None:
        """Opens a namespace or section."""
        self._levels.append((kind, name, []))

    def leave(self) -> None:
        """Closes the innermost."""
        if len(self._levels) > 1:
            self._levels.pop()

    def declare(self, text: str) -> None:
        """Adds a declaration that holds to the end of what is open."""
        self._levels[-1][2].append(text)

    def qualified(self, name: str) -> str:
        """The name with the namespaces around it."""
        if name.startswith("_root_."):
            return name[len("_root_.") :]
        around = [label for kind, label, _ in self._levels[-MAX_LEVELS:] if kind == "namespace" and label]
        return ".".join([*around, name])

    def context(self) -> str:
        """What is declared, the latest if it is too much."""
        chosen, total = [], 0
        near = [self._levels[0], *self._levels[max(1, len(self._levels) - MAX_LEVELS) :]]
        for text in (text for _, _, declared in reversed(near) for text in reversed(declared)):
            total += len(text)
            if total > MAX_CONTEXT_CHARACTERS:
                break
            chosen.append(text)
        return "\n".join(reversed(chosen))


def _item(
    file: InputFile, text: str, masked: str, start: int, end: int, offset: int, scope: _Scope, licence: str
) -> Item:
    source, code = text[start:end], masked[start:end]
    keyword, position = _keyword(code)
    num_bytes = size(source)
    if keyword in ("namespace", "section", "mutual"):
        name = _NAME.match(code[position:].split("\n")[0].strip())
        scope.enter(keyword, name.group() if name else "")
    elif keyword == "end":
        scope.leave()
    if keyword in _THEOREMS:
        theorem = _theorem(source, code, keyword, position, scope)
        if theorem is None:
            return Quarantined(file.name, offset, "no_statement", num_bytes, source[:200])
        return document(theorem, file, offset, LANGUAGE, licence)
    if keyword in _CONTEXT:
        scope.declare(_without_comments(source, code))
        return Skipped(file.name, offset, "context", num_bytes, source[:100])
    reason = "definition" if keyword in _DEFINITIONS else "directive" if code.strip() else "comment"
    return Skipped(file.name, offset, reason, num_bytes, source[:100])


def _keyword(code: str) -> tuple[str, int]:
    """The keyword of a command, and the position behind it; prefixes that end in `in` are looked through."""
    position, found = 0, ""
    depth = 0
    for match in re.finditer(r"[(\[{⟨)\]}⟩]|[^\W\d][\w']*", code):
        word = match.group()
        if word in "([{⟨":
            depth += 1
        elif word in ")]}⟩":
            depth = max(depth - 1, 0)
        elif depth:
            continue
        elif not found and word in _KEYWORDS and not (word in _MODIFIERS and _is_modifier(code, match.end())):
            found, position = word, match.end()
            if word in _THEOREMS or (word in _DEFINITIONS):
                return found, position
        elif found and word == "in" and found not in ("section", "namespace"):
            found = ""
    return found, position


def _is_modifier(code: str, position: int) -> bool:
    following = _WORD.search(code, position)
    return following is not None and following.group() in (_THEOREMS | _DEFINITIONS | _MODIFIERS | {"section"})


def _without_comments(source: str, code: str) -> str:
    """The source where the code is not blank: doc comments and line comments gone."""
    kept = [char if mask != " " or char.isspace() else "" for char, mask in zip(source, code, strict=True)]
    lines = [line.rstrip() for line in "".join(kept).split("\n")]
    return "\n".join(line for line in lines if line)


def _theorem(source: str, code: str, keyword: str, position: int, scope: _Scope) -> Theorem | None:
    rest = code[position:]
    name = "" if keyword == "example" else ((_NAME.match(source[position:].lstrip()) or [""])[0])
    if keyword != "example" and not name:
        return None
    split = _proof_start(rest)
    cut = len(code) if split is None else position + split
    statement, explanation = _explanation(source, cut)
    proof = _trim(source[cut:], code[cut:])
    complete = not _HOLE.search(code[cut:])
    if not complete and _ONLY_HOLE.match(code[cut : cut + len(source[cut:].rstrip())].rstrip()):
        statement, proof = f"{statement} {proof}".strip(), ""
    return Theorem(
        scope.qualified(name) if name else "", keyword, statement, proof, complete, explanation, scope.context()
    )


def _trim(source: str, code: str) -> str:
    """A proof without the comments that stand behind it: they speak of what follows."""
    return source[: len(code.rstrip())].strip("\n").rstrip()


def _explanation(source: str, cut: int) -> tuple[str, str]:
    """The statement without its documentation comment, and the comment as prose."""
    found = source.find("/--", 0, cut)
    end = _comment_end(source, found) if found >= 0 else None
    if end is None or end > cut:
        return source[:cut].strip(), ""
    return f"{source[:found].rstrip()}\n{source[end:cut].strip()}".strip(), _prose(source[found + 3 : end - 2])


def _prose(comment: str) -> str:
    return re.sub(r"\n[ \t]+", "\n", comment.strip())


def _proof_start(code: str) -> int | None:
    """Where the proof begins: at the `:=` of the declaration, at its first alternative, or at `where`."""
    depth, pending, first, matching = 0, 0, False, False
    for match in _LEX.finditer(code):
        token = match.group()
        if token == "\n":
            first = True
            continue
        begins, first = first, False
        if token in "([{⟨⟦⦃":
            depth += 1
        elif token in ")]}⟩⟧⦄":
            depth = max(depth - 1, 0)
        elif depth:
            continue
        elif token in ("let", "have", "letI", "haveI", "letFun"):
            pending += 1  # its := is its own
        elif token == "match":
            matching = True
        elif token == ":=":
            if not pending:
                return match.start()
            pending -= 1
        elif token == "where":
            return match.start()
        elif token == "|" and begins and not matching and "=>" in code[match.start() :].split("\n", 1)[0]:
            return code.rfind("\n", 0, match.start()) + 1
    return None
