"""Whether a program's output is the expected one, by the rule that CodeContests is judged with.

Outputs are split at white space. As many parts are wanted, each equal to its counterpart: as text without regard to the
case of A to Z, or, where both are numbers, within 1e-5 (google-deepmind/code_contests, execution/tester_sandboxer.cc).
"""

from __future__ import annotations

import re
import string

PRECISION = 1e-5
_PARTS = re.compile(r"[^ \n\t\r\v]+")
_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def _matches(one: str, other: str) -> bool:
    if _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other):
        return abs(float(one) - float(other)) < PRECISION
    return one == other


def outputs_match(output: str, expected: str) -> bool:
    """Whether `output` is right where `expected` is."""
    one, other = (_PARTS.findall(text.translate(_LOWER)) for text in (output, expected))
    return one == other or (len(one) == len(other) and all(map(_matches, one, other)))
