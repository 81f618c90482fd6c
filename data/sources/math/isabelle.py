"""Isabelle theories: a document for each theorem, lemma, corollary and proposition.

Follows the outer syntax of the Isar reference manual: nested comments, strings, alternative strings, cartouches. A
statement ends where its proof's first command stands, a proof where the theory's next command does; commands are told
by their keywords outside all quotes and brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from data import streams
from data.document import Quarantined, Skipped
from data.inputs import InputFile
from data.sources.math import licences
from data.sources.math.proof_text import MAX_FILE_BYTES, MAX_LEVELS, Item, Offsets, Theorem, document, size, unread

LANGUAGE = "isabelle"
_THEOREMS = {"theorem", "lemma", "corollary", "proposition", "schematic_goal"}
_TEXT = {"text", "txt", "text_raw", "chapter", "section", "subsection", "subsubsection", "paragraph", "subparagraph"}
_DIRECTIVES = set(
    (
        "theory end context locale class instance instantiation interpretation sublocale definition abbreviation "
        "fun function primrec primcorec termination datatype codatatype record type_synonym typedef typedecl "
        "inductive coinductive inductive_set coinductive_set lemmas theorems declare notation no_notation syntax "
        "no_syntax translations no_translations ML ML_file setup method_setup method named_theorems hide_const "
        "hide_fact hide_type export_code value axiomatization consts bundle unbundle code_printing "
        "lift_definition quotient_type setup_lifting global_interpretation specification inductive_cases "
        "inductive_simps nonterminal overloading primcorecursive corec corecursive partial_function "
        "parse_translation print_translation simproc_setup attribute_setup code_datatype code_reserved "
        "default_sort lifting_forget lifting_update nitpick_params old_rep_datatype free_constructors fun_cases "
        "quickcheck_params unused_thms declaration derive experiment copy_bnf bnf datatype_compat alias "
        "type_alias type_notation judgment SML_file local_setup oracle thm term prop"
    ).split()
)
_PROOF = {
    "proof", "apply", "by", "using", "unfolding", "sorry", "oops", ".", "..", "supply", "subgoal", "defer", "prefer",
    "back",
    "including", "done", "qed", "apply_end", "\\<proof>", "nitpick", "quickcheck", "sledgehammer", "try", "try0",
}  # fmt: skip
_PREFIXES = {"private", "qualified"}
_COMMANDS = _THEOREMS | _TEXT | _DIRECTIVES
_LEX = re.compile(r"\(\*|\"|`|\\<open>|‹|\{\*|[(\[{]|[)\]}]|\\<[A-Za-z_^]+>|\.\.?(?![\w.])|[^\W\d][\w'.]*", re.UNICODE)
_CARTOUCHE = re.compile(r"\\<open>|‹|\\<close>|›")
_COMMENT = re.compile(r"\(\*|\*\)")
_STRING = {'"': re.compile(r'(?:[^"\\]|\\[\s\S])*+"'), "`": re.compile(r"(?:[^`\\]|\\[\s\S])*+`")}
_HOLES = {"sorry", "oops", "\\<proof>"}


def read(file: InputFile) -> Iterator[Item]:
    """Theorems of one theory."""
    try:
        text = streams.decode(file.read(MAX_FILE_BYTES)).replace("\r\n", "\n")
    except streams.StreamError as error:
        yield from unread(file, error)
        return
    words, unclosed = _words(text)
    offsets, licence = Offsets(text), licences.stated(text[:4000])
    begins = [index for index, (word, _, depth) in enumerate(words) if not depth and _begins(words, index, text)]
    position, locales, explanation = 0, [], ""
    bounds = [*begins, len(words)]
    starts = [words[index][1] for index in begins]
    if text.strip() and (not starts or text[: starts[0]].strip()):
        end = starts[0] if starts else unclosed if unclosed is not None else len(text)
        if text[:end].strip():
            yield Skipped(file.name, 0, "comment", size(text[:end]), text[:100])
    for number, index in enumerate(begins):
        start = words[index][1]
        end = starts[number + 1] if number + 1 < len(starts) else unclosed if unclosed is not None else len(text)
        inside = words[index : bounds[number + 1]]
        piece = text[start:end]
        position = offsets.at(start)
        keyword = next((word for word, _, _ in inside if word not in _PREFIXES), "")
        if keyword in _THEOREMS:
            theorem = _theorem(text, inside, end, keyword, explanation, locales)
            if theorem is None:
                yield Quarantined(file.name, position, "no_statement", size(piece), piece[:200])
            else:
                yield document(theorem, file, position, LANGUAGE, licence)
        else:
            _track(keyword, piece, locales)
            reason = (
                "text" if keyword in _TEXT else "directive" if keyword in ("theory", "end", "context") else "definition"
            )
            yield Skipped(file.name, position, reason, size(piece), piece.strip()[:100])
        explanation = _prose(piece) if keyword == "text" else ""
    if unclosed is not None:
        yield Quarantined(file.name, size(text[:unclosed]), "unclosed", size(text[unclosed:]), text[unclosed:][:80])


def _words(text: str) -> tuple[list[tuple[str, int, int]], int | None]:
    """Words outside quotes and comments with their positions and depth in brackets; where a quote isn't closed."""
    words: list[tuple[str, int, int]] = []
    position = depth = 0
    while match := _LEX.search(text, position):
        token, position = match.group(), match.end()
        if token == "(*":
            end = _nested(text, match.start(), _COMMENT, ("(*",))
        elif token in ("\\<open>", "‹"):
            end = _nested(text, match.start(), _CARTOUCHE, ("\\<open>", "‹"))
            words.append(("\\<open>", match.start(), depth))
        elif token in _STRING:
            string = _STRING[token].match(text, position)
            end = string.end() if string else None
            words.append(('"', match.start(), depth))
        elif token == "{*":
            found = text.find("*}", position)
            end = None if found < 0 else found + 2
        else:
            if token in "([{":
                depth += 1
            elif token in ")]}":
                depth = max(depth - 1, 0)
            else:
                words.append((token, match.start(), depth))
            continue
        if end is None:
            return words, match.start()
        position = end
    return words, None


def _nested(text: str, start: int, pattern: re.Pattern[str], openers: tuple[str, ...]) -> int | None:
    depth, position = 0, start
    while match := pattern.search(text, position):
        position = match.end()
        depth += 1 if match.group() in openers else -1
        if not depth:
            return position
    return None


def _begins(words: list[tuple[str, int, int]], index: int, text: str) -> bool:
    """Whether a word is a command of the theory: known, and the first of its line (or behind a prefix that is)."""
    word, start, _ = words[index]
    if word not in _COMMANDS and word not in _PREFIXES:
        return False
    line = text.rfind("\n", 0, start) + 1
    before = text[line:start].strip()
    if word in _PREFIXES:
        return not before and index + 1 < len(words) and words[index + 1][0] in _COMMANDS
    return not before or before.endswith("*)")


def _theorem(
    text: str, words: list[tuple[str, int, int]], end: int, keyword: str, explanation: str, locales: list[str]
) -> Theorem | None:
    first = next(index for index, (word, _, _) in enumerate(words) if word == keyword)
    proof = next(((word, at) for word, at, depth in words[first + 1 :] if not depth and word in _PROOF), None)
    cut = end if proof is None else proof[1]
    code_end = _code_end(text, words[0][1], end)
    statement = text[words[0][1] : min(cut, code_end)].strip()
    if '"' not in statement and "\\<open>" not in statement and "‹" not in statement and "`" not in statement:
        return None
    following = next((word for word, _, depth in words[first + 1 :] if not depth), "")
    unnamed = following in _PROOF or following in ('"', "\\<open>", "fixes", "assumes", "shows", "obtains", "includes")
    name = "" if unnamed else following
    body = text[cut:code_end].strip() if proof else ""
    # A hole outside quotes; `sorry` alone is no proof at all.
    holes = [word for word, at, _ in words if word in _HOLES and at >= cut]
    if proof and proof[0] in _HOLES:
        statement, body = f"{statement}\n  {body}", ""
    if name and locales:
        name = ".".join([*locales[-MAX_LEVELS:], name])
    return Theorem(name, keyword, statement, body, not holes, explanation)


def _code_end(text: str, start: int, end: int) -> int:
    """The end without the comments that stand behind the proof."""
    piece = text[start:end].rstrip()
    while piece.endswith("*)"):
        found = piece.rfind("(*")
        if found < 0:
            break
        piece = piece[:found].rstrip()
    return start + len(piece)


def _track(keyword: str, piece: str, locales: list[str]) -> None:
    """Keeps the locale that is open, which qualifies names."""
    if keyword in ("locale", "class", "context") and re.search(r"\bbegin\s*\Z", piece.rstrip()):
        match = re.match(rf"{keyword}\s+([^\W\d][\w']*)", piece)
        locales.append(match.group(1) if match and match.group(1) != "begin" else "")
    elif keyword == "end" and locales:
        locales.pop()


def _prose(piece: str) -> str:
    """The prose of a `text` command, its antiquotations reduced to what they quote."""
    match = re.match(
        r"text(?:_raw)?\s*(?:\\<open>|‹|\{\*|\")(.*?)(?:\\<close>|›|\*\}|\")\s*(?:\(\*.*)?\Z", piece, re.DOTALL
    )
    if match is None:
        return ""
    prose = re.sub(r"@\{[a-z_]+(?:\s*\[[^\]]*\])?\s*([^{}]*)\}", r"`\1`", match.group(1))
    prose = re.sub(r"\\<\^[a-z_]+>(?:\\<open>|‹)([^\\›]*)(?:\\<close>|›)", r"`\1`", prose)
    return re.sub(r"\n[ \t]+", "\n", prose.strip())
