"""Final answers in mathematics: found in what a model wrote, and compared with the reference.

Answers are compared as text, as exact numbers, and else by math-verify (https://github.com/huggingface/Math-Verify), whose
computer algebra gets what it can be trusted with. A reference in words ("odd n", "all powers of 2"), or one that it reads
as something else ("1, 2, ..., 9"; R beside r, which it takes for one letter), is compared as text. What a model wrote may
be hostile: what algebra could be lost in (towers of powers, sums without end) is refused before it is begun, so that
hardly anything meets the time limit, which stands behind as the last resort. None of that is ever right.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
import dataclasses
from fractions import Fraction
import itertools
import logging
import re
import threading

MAX_CHARACTERS = 400
_MAX_DEPTH = 24  # of brackets; the parser's time grows with its power
_TIMEOUT_SECONDS = 5
_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?:(\{)|(\\?[^\s\\{}$]))")
_BOXES_TRIED = 20  # an unclosed box is searched to the end of the text
_STATED = re.compile(r"(?:final answer|answer) is:?\s*(.{1,400}?)(?:\.\s|\.?$|\n)", re.IGNORECASE | re.MULTILINE)
_HASHES = re.compile(r"####\s*(\S[^\n]*)")
_NUMBER_IN_TEXT = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?|-?\$?\.\d+")
_GROUPED = re.compile(r"(?<![\d,])\d{1,3}(?:(?:,(?:\\!)?|\{,\}|\\,)\d{3})+(?![\d,])")
_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_SPACING = re.compile(r"\\(?:left|right|displaystyle|,|;|!|:| |quad\b|qquad\b)|~")
_FRACTION = re.compile(r"(-?)\\frac\s*(?:\{\s*(-?\d{1,30})\s*\}|(\d))\s*(?:\{\s*(-?\d{1,30})\s*\}|(\d))")
_NUMBER = re.compile(r"[+-]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:/\d{1,300})?")
_CURRENCY = re.compile(r"\\?\$")
_COMMAND = re.compile(r"\\(?:begin|end)\s*\{[a-z]+\*?\}|\\[A-Za-z]+")
_WORD = re.compile(r"[A-Za-z]{3,}")
_ELLIPSIS = re.compile(r"\\[lc]?dots(?![A-Za-z])|\.\.\.|\\underbrace")
_AND = re.compile(r"\\text\s*\{\s*(?:and|or)\s*\}|\b(?:and|or)\b")
# A power of a power, a power of what is in brackets, long exponents, factorials of large numbers, sums and the like.
_LOSING = re.compile(
    r"(?:\^|\*\*)\s*(?:[{(][^{}]*|\\?\w{1,9}\s*)(?:\^|\*\*)|[)\]]\s*(?:\^|\*\*)\s*[{(]?\s*-?\d{3,}"
    r"|\}\s*(?:\^|\*\*)\s*[{(]?\s*-?\d{2,}|(?:\^|\*\*)\s*[{(]?\s*-?\(?\s*\d{6,}|(?:\d{4,}|(?:\^|\*\*)[^()]*\))\s*!|!\s*!\s*!"
    r"|\\(?:sum|prod|i{1,3}nt|oint|lim)(?![A-Za-z])|\d{1000,}"
)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether an answer is right.

    Attributes:
      is_right: never true where it couldn't be told.
      how: by "text", "number" or "algebra"; or why it couldn't be told: "empty", "unparsed" (math-verify made nothing of
        it), "refused" (algebra could be lost in it), "timeout", "error".
    """

    is_right: bool
    how: str


def boxed(text: str) -> str:
    """What the last `\\\\boxed` or `\\\\fbox` holds, braces balanced; "" where there is none that closes."""
    for match in reversed(list(_BOX.finditer(text))[-_BOXES_TRIED:]):
        if match.group(2):
            return match.group(2)
        depth, position = 1, match.end()
        while position < len(text) and depth:
            if text[position] == "\\":
                position += 1
            else:
                depth += {"{": 1, "}": -1}.get(text[position], 0)
            position += 1
        if not depth:
            return text[match.end() : position - 1].strip()
    return ""


def final_answer(text: str) -> str:
    """The answer of a worked solution: its last box, else what "the answer is" says last; "" for neither."""
    stated = _STATED.findall(text)
    return boxed(text) or (stated[-1].strip() if stated else "")


def after_hashes(text: str) -> str:
    """The number behind the first `####`, GSM8K's mark of the answer; "" where there is none."""
    found = _HASHES.search(text)
    number = _NUMBER_IN_TEXT.match(found.group(1).replace("$ ", "$")) if found else None
    return _plain(number.group()) if number else ""


def last_number(text: str) -> str:
    """The last number of a text, without its separators of thousands; "" where there is none."""
    found = _NUMBER_IN_TEXT.findall(text)
    return _plain(found[-1]) if found else ""


def _plain(number: str) -> str:
    return number.replace("$", "").replace(",", "")


def bare(answer: str) -> str:
    """An answer without what surrounds its value: dollars, spacing, the full stop, separators of thousands."""
    answer = _GROUPED.sub(lambda found: re.sub(r"[,\\!{}]", "", found.group()), answer.strip())
    answer = _SPACING.sub(" ", _CURRENCY.sub("", answer)).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    return re.sub(r"\s+", " ", answer).strip().rstrip(".").strip()


def as_text(answer: str) -> str:
    """An answer for comparison as text."""
    text = re.sub(r"\s", "", _TEXT.sub(r"\1", bare(answer))).lower()
    return text[1:-1] if re.fullmatch(r"\([a-z]\)", text) else text  # a choice, (D)


def number(answer: str) -> Fraction | None:
    """The rational number that an answer is, if it is one."""
    text = bare(answer).replace(" ", "")
    if found := _FRACTION.fullmatch(text):
        sign, *parts = found.groups()
        above, below = int(parts[0] or parts[1]), int(parts[2] or parts[3])
        return Fraction(-above if sign else above, below) if below else None
    if not _NUMBER.fullmatch(text):
        return None
    above, _, below = text.partition("/")
    return Fraction(above) / (int(below) if below else 1) if not below or int(below) else None


def is_algebraic(answer: str) -> bool:
    """Whether a reference can be left to algebra; one that can't is compared as text.

    Not to be trusted with are words, lists with an ellipsis, formulas with text between them, and letters in both cases.
    """
    if re.search(r"\$[^$]*[^\s$][^$]*\$[\s(]*[^\s,;.$]", answer) and answer.count("$") > 2:
        return False
    text = _TEXT.sub(lambda found: found.group() if _AND.fullmatch(found.group()) else " ", answer)
    text = _AND.sub(",", bare(text))
    if not re.search(r"[\w\\]", text) or _ELLIPSIS.search(text):
        return False
    letters = _COMMAND.sub(" ", text)
    if _WORD.search(re.sub(r"\b(?:sin|cos|tan|cot|sec|csc|log|exp|max|min|gcd|lcm|mod|sqrt)\b", " ", letters)):
        return False
    cases = set(re.findall(r"[A-Za-z]", letters))
    return not any(letter.swapcase() in cases for letter in cases)


def parts(answer: str) -> list[str]:
    """The values of an answer that lists several, `x = 1, x = 2` or `3 and 4`; a tuple, set or interval is one."""
    answer = _AND.sub(",", bare(answer))
    found, depth, start, position = [], 0, 0, 0
    while position < len(answer):
        letter = answer[position]
        # \{ and \} of sets count as well: all that matters is whether a comma is inside of anything.
        depth += (letter in "([{") - (letter in ")]}")
        if letter in ",;" and depth <= 0:
            found.append(answer[start:position])
            start = position + 1
        position += 1
    return [part.strip() for part in (*found, answer[start:]) if part.strip()]


def most_common(references: Sequence[str]) -> tuple[str, float]:
    """The answer that would be right most often, and its share; answers are the same by their number or as text."""
    counts = collections.Counter(number(reference) or as_text(reference) for reference in references)
    common, count = counts.most_common(1)[0]
    return str(common), count / len(references)


def verify(reference: str, answer: str) -> Verdict:
    """Whether an answer means what the reference does.

    Args:
      reference: trusted.
      answer: as a model wrote it.

    Raises:
      RuntimeError: algebra is needed and this isn't the main thread: its time limit is an alarm, which only that can set.
    """
    if not answer.strip():
        return Verdict(False, "empty")
    answer = answer[: MAX_CHARACTERS + 1]
    if as_text(reference) == as_text(answer):
        return Verdict(True, "text")
    values = number(reference), number(answer)
    if None not in values:
        return Verdict(values[0] == values[1], "number")
    if not is_algebraic(reference):
        return Verdict(False, "text")
    if len(answer) > MAX_CHARACTERS or _LOSING.search(answer) or _depth(answer) > _MAX_DEPTH:
        return Verdict(False, "refused")
    # Parts are compared one by one: their order is free, and none may be left over.
    wanted, given = parts(reference), parts(answer)
    if len(wanted) != len(given):
        return Verdict(False, "algebra")
    for part in wanted:
        verdicts = []
        for candidate in given:
            verdicts.append(_verified(part, candidate))
            if verdicts[-1].is_right:
                given.remove(candidate)
                break
        else:
            unsure = [verdict for verdict in verdicts if verdict.how not in ("algebra", "number")]
            return (unsure or verdicts)[0]
    return Verdict(True, "algebra")


def _depth(answer: str) -> int:
    depths = itertools.accumulate((letter in "([{") - (letter in ")]}") for letter in answer)
    return max(map(abs, depths), default=0)


def verifies_itself(reference: str) -> bool:
    """Whether a reference is a number, or algebra reads it and finds it equal to itself; others are compared as text.

    Raises:
      RuntimeError: as of `verify`.
    """
    if number(reference) is not None:
        return True
    return is_algebraic(reference) and all(
        number(part) is not None or _by_algebra(part, part).is_right for part in parts(reference)
    )


def _verified(reference: str, answer: str) -> Verdict:
    if as_text(reference) == as_text(answer):
        return Verdict(True, "text")
    values = number(reference), number(answer)
    return Verdict(values[0] == values[1], "number") if None not in values else _by_algebra(reference, answer)


def _by_algebra(reference: str, answer: str) -> Verdict:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("answers can be compared by algebra in the main thread only")
    # Imports sympy, which takes a second.
    import math_verify
    from math_verify.errors import TimeoutException

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    logging.getLogger("latex2sympy2_extended").setLevel(logging.CRITICAL)
    try:
        # Without dollars `(1, 2)` is read as two numbers.
        parsed = [
            math_verify.parse(f"${one}$", parsing_timeout=_TIMEOUT_SECONDS, raise_on_error=True)
            for one in (reference, answer)
        ]
        # A parse gives the value and its text; the text alone means that it wasn't understood.
        if any(not one or isinstance(one[0], str) for one in parsed):
            return Verdict(False, "unparsed")
        is_right = math_verify.verify(*parsed, timeout_seconds=_TIMEOUT_SECONDS, raise_on_error=True)
        return Verdict(bool(is_right), "algebra")
    except TimeoutException:  # no Exception
        return Verdict(False, "timeout")
    except Exception:  # computer algebra raises whatever it likes
        return Verdict(False, "error")
