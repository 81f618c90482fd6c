"""Checks answers to questions in the wording of DeepMind's mathematics_dataset (Saxton et al., 2019, arXiv:1904.01557).

The sentences before the question ("Let k be ...", "Suppose 2*x + y = 3, ...") are worked through in exact
arithmetic, then the question is matched against the wordings that are understood. Anything else is unknown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction

from data.sources.math import polynomials as poly
from data.sources.math.polynomials import NotPolynomial, Polynomial
from data.sources.math.verify_answers import Verdict, of, unknown

MAX_QUESTION_CHARACTERS = 2500
MAX_PRIME = 10**24
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
_SENTENCE = re.compile(r"(?<=[.?])\s+(?=[A-Z(\-\d])")
_LET = re.compile(r"(?:Let|let) ([a-z])(?:\(([a-z])\))? (?:=|be) (.+)", re.DOTALL)
_DERIVATIVE = re.compile(
    r"the (first |second |third |fourth |fifth )?derivative of (.+?)(?: (?:with respect to|wrt) ([a-z]))?"
)
_NUMBER = r"[-+]?[\w./*()+-]*[\w)]"


class _Refused(Exception):
    """A sentence that isn't understood."""


class _Scene:
    """What the sentences before the question have settled."""

    def __init__(self) -> None:
        self.values: dict[str, Fraction] = {}
        self.functions: dict[str, poly.Function] = {}
        self.pending: list[Polynomial] = []  # equations that leave a choice: the question asks for it

    def parse(self, source: str) -> Polynomial:
        """A polynomial of what is left unknown."""
        return poly.parse(source, self.values, self.functions)

    def number(self, source: str) -> Fraction:
        """A value."""
        return poly.number(self.parse(source))

    def hear(self, sentence: str) -> None:
        """Takes a sentence that states something."""
        sentence = sentence.rstrip(".").strip()
        if sentence.startswith("Suppose "):
            self._suppose(sentence[len("Suppose ") :])
            return
        if not sentence.startswith("Let "):
            raise _Refused(sentence)
        if "=" in sentence and not re.match(r"Let [a-z](?:\([a-z]\))? = ", sentence):
            if not re.match(r"Let [a-z] be ", sentence):
                self._suppose(sentence[len("Let ") :])
                return
        for part in re.split(r", (?=(?:and )?let )", sentence):
            match = _LET.fullmatch(part.removeprefix("and "))
            if match is None:
                raise _Refused(sentence)
            self._let(*match.groups())

    def _let(self, name: str, parameter: str | None, source: str) -> None:
        told = _DERIVATIVE.fullmatch(source)
        if parameter is not None and name in self.functions:  # an equation: the function is known already
            self.pending.append(poly.add(self.functions[name](poly.variable(parameter)), self.parse(source), -1))
            return
        if parameter is None:
            self.values[name] = self.number(source)
            return
        if told:
            order = _ORDINALS[(told.group(1) or "first ").strip()]
            body = self.parse(told.group(2))
            by = told.group(3) or _only(body, parameter)
            for _ in range(order):
                body = poly.derivative(body, by)
            body = poly.substitute(body, by, poly.variable(parameter))
        else:
            body = self.parse(source)

        def call(argument: Polynomial) -> Polynomial:
            return poly.substitute(body, parameter, argument)

        self.functions[name] = call

    def _suppose(self, source: str) -> None:
        equations = [self.equation(part) for part in source.split(", ")]
        solved = poly.solve(equations)
        if solved is None:
            self.pending += equations
        else:
            self.values.update(solved)

    def equation(self, source: str) -> Polynomial:
        """Left side less right side."""
        left, mark, right = source.partition("=")
        if not mark or "=" in right:
            raise _Refused(source)
        return poly.add(self.parse(left), self.parse(right), -1)


def _only(polynomial: Polynomial, otherwise: str) -> str:
    names = poly.variables(polynomial)
    return names.pop() if len(names) == 1 else otherwise


def check(question: str, answer: str) -> Verdict:
    """Whether an answer is right.

    Args:
      question: one line; several sentences.
      answer: as the data set writes it: a number, a polynomial, a list, True or False.
    """
    if len(question) > MAX_QUESTION_CHARACTERS or len(answer) > MAX_QUESTION_CHARACTERS:
        return unknown("too_large")
    scene = _Scene()
    sentences = _SENTENCE.split(question.strip())
    try:
        for sentence in sentences[:-1]:
            scene.hear(sentence)
        for pattern, rule in _RULES:
            match = pattern.fullmatch(sentences[-1].strip())
            if match:
                verdict = rule(scene, match, answer.strip())
                if verdict is not None:
                    return verdict
    except (NotPolynomial, _Refused, ZeroDivisionError, OverflowError, RecursionError):
        return unknown("not_understood")
    return unknown("not_understood")


def _numbers(scene: _Scene, source: str) -> list[Fraction]:
    return [scene.number(part) for part in re.split(r", (?:and )?| and ", source)]


def _integers(scene: _Scene, *sources: str) -> list[int]:
    found = [scene.number(source) for source in sources]
    if any(value.denominator != 1 for value in found):
        raise _Refused("not integers")
    return [int(value) for value in found]


def _solve(scene: _Scene, match: re.Match[str], answer: str) -> Verdict | None:
    equations = [scene.equation(part) for part in match.group(1).split(", ")]
    solved = poly.solve(equations + scene.pending)
    if solved is None or match.group(2) not in solved:
        return _roots_of(scene, equations[0], answer) if len(equations) == 1 else None
    return of(solved[match.group(2)] == scene.number(answer), "linear_equations")


def _gcd(scene: _Scene, match: re.Match[str], answer: str) -> Verdict:
    left, right = _integers(scene, match.group(1), match.group(2))
    return of(math.gcd(left, right) == scene.number(answer), "gcd")


def _lcm(scene: _Scene, match: re.Match[str], answer: str) -> Verdict:
    left, right = _integers(scene, match.group(1), match.group(2))
    return of(math.lcm(left, right) == scene.number(answer), "lcm")


def _denominator(scene: _Scene, match: re.Match[str], answer: str) -> Verdict:
    left, right = scene.number(match.group(1)), scene.number(match.group(2))
    return of(math.lcm(left.denominator, right.denominator) == scene.number(answer), "common_denominator")


def _remainder(scene: _Scene, match: re.Match[str], answer: str) -> Verdict:
    left, right = _integers(scene, match.group(1), match.group(2))
    return of(left % right == scene.number(answer), "remainder")


def _differentiate(scene: _Scene, match: re.Match[str], answer: str) -> Verdict | None:
    groups = match.groupdict()
    body = scene.parse(groups["body"])
    by = groups["by"] or _only(body, "")
    if not by and poly.variables(body):
        return None
    order = _ORDINALS[(groups.get("order") or "first ").strip()]
    for _ in range(order):
        body = poly.derivative(body, by)
    return of(body == scene.parse(answer), "derivative")


def _expand(scene: _Scene, match: re.Match[str], answer: str) -> Verdict:
    return of(scene.parse(match.group(1)) == scene.parse(answer), "polynomial_identity")


def _roots(scene: _Scene, match: re.Match[str], answer: str) -> Verdict | None:
    groups = match.groupdict()
    if groups.get("equation"):
        return _roots_of(scene, scene.equation(groups["equation"]), answer)
    wanted = [equation for equation in scene.pending if groups["name"] in poly.variables(equation)]
    return _roots_of(scene, wanted[-1], answer) if wanted else None


def _roots_of(scene: _Scene, polynomial: Polynomial, answer: str) -> Verdict | None:
    names = poly.variables(polynomial)
    if len(names) != 1:
        return None
    name, rest = names.pop(), polynomial
    for root in _numbers(scene, answer):
        quotient = poly.deflate(rest, name, root)
        if quotient is None:
            return of(False, "roots")
        while quotient is not None and quotient:
            rest = quotient
            quotient = poly.deflate(rest, name, root)
    return of(True, "roots") if not poly.variables(rest) else unknown("roots_perhaps_not_all")


def _sort(scene: _Scene, match: re.Match[str], answer: str) -> Verdict:
    listed = [part.strip() for part in match.group(1).split(",")]
    given = [part.strip() for part in answer.split(",")]
    values = [scene.number(part) for part in given]
    falling = match.group(2) in ("descending", "decreasing")
    right = sorted(given) == sorted(listed) and values == sorted(values, reverse=falling)
    return of(right, "order")


def _value(scene: _Scene, match: re.Match[str], answer: str) -> Verdict | None:
    value = scene.parse(match.group(1))
    if poly.variables(value) and (scene.pending or not poly.variables(scene.parse(answer))):
        return None  # what the sentences before left open
    return of(value == scene.parse(answer), "exact_value")


def _operation(compute: Callable[[Fraction, Fraction], Fraction]) -> Callable[..., Verdict]:
    def rule(scene: _Scene, match: re.Match[str], answer: str) -> Verdict:
        left, right = scene.number(match.group(1)), scene.number(match.group(2))
        return of(compute(left, right) == scene.number(answer), "exact_value")

    return rule


def _truth(compute: Callable[[int, int], bool]) -> Callable[..., Verdict | None]:
    def rule(scene: _Scene, match: re.Match[str], answer: str) -> Verdict | None:
        left, right = _integers(scene, match.group(1), match.group(2))
        return None if answer not in ("True", "False") else of(compute(left, right) == (answer == "True"), "divides")

    return rule


def _prime(scene: _Scene, match: re.Match[str], answer: str) -> Verdict | None:
    (value,) = _integers(scene, match.group(1))
    if answer not in ("True", "False") or value > MAX_PRIME:
        return None
    from sympy import isprime

    holds = bool(isprime(value)) if "prime" in match.group(2) else value > 1 and not isprime(value)
    return of(holds == (answer == "True"), "primality")


def _prime_factors(scene: _Scene, match: re.Match[str], answer: str) -> Verdict | None:
    (value,) = _integers(scene, match.group(1))
    primes = _integers(scene, *answer.split(","))
    if not 1 < value <= MAX_PRIME or len(set(primes)) != len(primes):
        return None
    from sympy import isprime

    rest = value
    for prime in primes:
        if prime < 2 or not isprime(prime) or rest % prime:
            return of(False, "prime_factors")
        while rest % prime == 0:
            rest //= prime
    return of(rest == 1, "prime_factors")


_ASK = r"(?:What is|Calculate|Find|Give|Determine|Work out|Evaluate|Compute|What is the value of)"
_TWO = rf"({_NUMBER}) and ({_NUMBER})[.?]?"
_RULES: list[tuple[re.Pattern[str], Callable[[_Scene, re.Match[str], str], Verdict | None]]] = [
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"Solve (.+) for ([a-z])[.?]?", _solve),
        (rf"{_ASK} the (?:greatest|highest) common (?:divisor|factor) of {_TWO}", _gcd),
        (rf"{_ASK} the (?:least|lowest|smallest) common multiple of {_TWO}", _lcm),
        (rf"{_ASK} the common denominator of {_TWO}", _denominator),
        (rf"{_ASK} the remainder when ({_NUMBER}) is divided by ({_NUMBER})[.?]?", _remainder),
        (
            rf"{_ASK} the (?P<order>first |second |third |fourth |fifth )?derivative of (?P<body>.+?)"
            r"(?: (?:with respect to|wrt) (?P<by>[a-z]))?[.?]",
            _differentiate,
        ),
        (r"Differentiate (?P<body>.+?)(?: (?:with respect to|wrt) (?P<by>[a-z]))?[.?]", _differentiate),
        (r"(?:Expand|Factor|Collect the terms in|Rearrange|Simplify) (.+?)[.?]?", _expand),
        (r"Solve (?P<equation>.+?=.+?)[.?]", _roots),
        (r"What is (?P<name>[a-z]) in (?P<equation>.+?=.+?)\?", _roots),
        (
            r"(?:Find|Determine|Calculate|What is) (?P<name>[a-z])"
            r"(?: so that| such that|, given that| given that| when| if) (?P<equation>.+?=.+?)[.?]",
            _roots,
        ),
        (r"(?:Calculate|What is|Find|Determine) (?P<name>[a-z])[.?]", _roots),
        (r"(?:Sort|Put) (.+?)(?: in (ascending|increasing|descending|decreasing) order)?[.?]?", _sort),
        (rf"Is ({_NUMBER}) (?:a )?(prime|composite)(?: number)?\?", _prime),
        (rf"(?:List|What are) the prime factors of ({_NUMBER})[.?]", _prime_factors),
        (rf"Is ({_NUMBER}) a (?:factor|divisor) of ({_NUMBER})\?", _truth(lambda a, b: b % a == 0)),
        (rf"Does ({_NUMBER}) divide ({_NUMBER})\?", _truth(lambda a, b: b % a == 0)),
        (rf"Is ({_NUMBER}) (?:a multiple of|divisible by) ({_NUMBER})\?", _truth(lambda a, b: a % b == 0)),
        (rf"What is ({_NUMBER}) (?:plus|\+) ({_NUMBER})\?", _operation(lambda a, b: a + b)),
        (rf"(?:Add|Sum|Put together|Add together|Total of|What is the sum of) {_TWO}", _operation(lambda a, b: a + b)),
        (rf"What is ({_NUMBER}) (?:minus|take away|less than|-) ({_NUMBER})\?", _operation(lambda a, b: a - b)),
        (rf"Subtract ({_NUMBER}) from ({_NUMBER})[.?]", _operation(lambda a, b: b - a)),
        (rf"What is the (?:difference|distance) between {_TWO}", _operation(lambda a, b: abs(a - b))),
        (rf"What is ({_NUMBER}) times ({_NUMBER})\?", _operation(lambda a, b: a * b)),
        (
            rf"(?:What is the product of|Product of|Multiply|Calculate the product of) {_TWO}",
            _operation(lambda a, b: a * b),
        ),
        (
            rf"(?:What is|Calculate|Divide) ({_NUMBER}) (?:divided by|by) ({_NUMBER})[.?]",
            _operation(lambda a, b: a / b),
        ),
        (rf"(?:{_ASK} )?(?:the value of )?(.+?)[.?]?", _value),
    )
]
