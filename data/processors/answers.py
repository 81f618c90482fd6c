"""Whether two ways of writing an answer mean the same, as `1/2` and `\\frac{1}{2}` do.

Numbers are compared exactly. Other expressions are left to math-verify (https://github.com/huggingface/Math-Verify),
but for those that computer algebra could be lost in: what is long, deep or large is refused before it is begun, so
that hardly anything meets the time limit, which stands behind as the last resort.
"""

from __future__ import annotations

import logging
import re
import threading
from fractions import Fraction

from data.sources.math import boxed

MAX_CHARACTERS = 160
_TIMEOUT_SECONDS = 5
_MAX_DIGITS = 15
# Work without bound: towers of powers, factorials, sums, products, integrals.
_DANGEROUS = re.compile(
    r"!|\\(?:sum|prod|int|oint|lim|binom|cdots|ldots|dots|begin|infty)\b|\^\s*(?:\{[^{}]*|\\?\w{1,9}\s*)\^"
    r"|\^\s*\{?\s*-?\(?\s*\d{3,}"
    rf"|[)}}\]]\s*(?:\^|\*\*)\s*\{{?\s*-?\d{{2,}}|\*\*\s*-?\d{{3,}}|\d{{{_MAX_DIGITS + 1},}}|\*\*.*\*\*|\.\.\."
)
_WORDS = re.compile(r"[A-Za-z]{3,}")
_COMMANDS = re.compile(r"\\[A-Za-z]+")
_WRAPPERS = re.compile(
    r"^\$+|\$+$|^\\[(\[]|\\[)\]]$|\\(?:left|right|displaystyle|,|;|!|:| )|\\text\s*\{\s*\}|\\(?:mathrm|mathbf|mbox)\b"
    r"|[.\s]+$"
)
_LETTER = re.compile(r"^\(?[A-Ja-j]\)\s+(?=\S)")
_GROUPED = re.compile(r"(?<![\d,])\d{1,3}(?:,(?:\\!)?\d{3})+(?![\d,])")
_FRACTION = re.compile(r"^(-?)\\[dt]?frac\s*\{?\s*(-?\d{1,15})\s*\}?\s*\{?\s*(-?\d{1,15})\s*\}?$")
_NUMBER = re.compile(r"^[+-]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?:/\d{1,15})?$")
_UNITS = re.compile(r"\s*(?:\\?%|\\?\^?\s*\{?\\circ\}?|\\text\s*\{[^{}]*\}|degrees|dollars|units?)\s*$")
_STATED = re.compile(r"^\W{0,4}(?:Final )?Answer\W{0,3}[:=]\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)


def _bare(answer: str) -> str:
    """An answer without what surrounds its value."""
    answer = _GROUPED.sub(lambda found: re.sub(r"[,\\!]", "", found.group()), answer.strip())
    answer = _LETTER.sub("", answer)
    for _ in range(3):
        answer = _WRAPPERS.sub("", answer.strip()).strip()
    return answer.lstrip("$").replace("\\$", "").replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")


def number(answer: str) -> Fraction | None:
    """The rational number that an answer is, if it is one."""
    bare = _UNITS.sub("", _bare(answer)).replace(" ", "")
    if found := _FRACTION.match(bare):
        sign, above, below = found.groups()
        return Fraction(int(above) * (-1 if sign else 1), int(below)) if int(below) else None
    if not _NUMBER.match(bare):
        return None
    above, _, below = bare.partition("/")
    if below and not int(below):
        return None
    return Fraction(above) / int(below or 1)


def agree(first: str, second: str) -> bool | None:
    """Whether two answers mean the same; None where that can't be told within the bounds."""
    first, second = first[: MAX_CHARACTERS + 1], second[: MAX_CHARACTERS + 1]
    if not first.strip() or not second.strip():
        return None
    if re.sub(r"\s", "", _bare(first)).lower() == re.sub(r"\s", "", _bare(second)).lower():
        return True
    values = number(first), number(second)
    if None not in values:
        return values[0] == values[1] or _is_rounded(first, second, values)
    if any(len(one) > MAX_CHARACTERS or _DANGEROUS.search(one) for one in (first, second)):
        return None
    return _verified(_bare(first), _bare(second))


def _is_rounded(first: str, second: str, values: tuple[Fraction, ...]) -> bool:
    """Whether one of two numbers is the other, rounded to the places that it is written with."""
    for text, value, other in ((first, *values), (second, *reversed(values))):
        places = _bare(text).partition(".")[2]
        is_short = (other * 10 ** len(places)).denominator != 1
        if places and is_short and abs(value - other) * 2 <= Fraction(1, 10 ** len(places)):
            return True
    return False


def _verified(first: str, second: str) -> bool | None:
    if any(_WORDS.search(_COMMANDS.sub(" ", one)) for one in (first, second)):
        return None  # words: what they mean is not for algebra to say
    # Imports sympy, which takes a second.
    import math_verify
    from math_verify.errors import TimeoutException

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    # Its limit is an alarm, which only the main thread can set.
    limit = _TIMEOUT_SECONDS if threading.current_thread() is threading.main_thread() else None
    try:
        parsed = [math_verify.parse(f"${one}$", parsing_timeout=limit) for one in (first, second)]
        # A parse gives the value and its text; the text alone means it wasn't understood.
        if any(not one or isinstance(one[0], str) for one in parsed):
            return None
        return any(
            math_verify.verify(*order, timeout_seconds=limit, raise_on_error=True)
            for order in (parsed, parsed[::-1])  # it isn't symmetric in sets and intervals
        )
    except (Exception, TimeoutException):  # computer algebra raises whatever it likes; the timeout is no Exception
        return None


def worked(text: str) -> str:
    """The answer that a solution arrives at, its last `\\boxed` or what follows its last `####`; "" for neither."""
    return boxed.boxed(text) or boxed.split_hashes(text)[1]


def stated(text: str) -> str:
    """What stands behind the last `Answer:` at the start of a line; "" without one."""
    found = _STATED.findall(text)
    return found[-1] if found else ""
