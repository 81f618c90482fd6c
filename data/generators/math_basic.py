"""Templates of the two easier levels of generated mathematics: arithmetic and algebra."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

from data.generators.math_claims import ANSWER, Problem

_NAMES = ("Ada", "Ben", "Chloe", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Kofi", "Lena", "Mina")
_THINGS = ("apples", "pencils", "stickers", "marbles", "books", "coins", "tiles", "seeds", "tickets", "stamps")
_PLACES = ("box", "bag", "shelf", "crate", "jar", "basket", "drawer", "tray")
_ASK = ("Compute {}.", "What is {}?", "Find the value of {}.", "Work out {}.", "Evaluate {}.", "Calculate {}.")


def _ask(rng: random.Random, expression: str) -> str:
    return rng.choice(_ASK).format(expression)


def term(coefficient: Fraction | int, power: int, name: str = "x") -> str:
    """`3*x^2`, `-x`, `5`: one term with its sign."""
    if power == 0:
        return str(coefficient)
    variable = name if power == 1 else f"{name}^{power}"
    if coefficient in (1, -1):
        return variable if coefficient == 1 else f"-{variable}"
    number = f"({coefficient})" if Fraction(coefficient).denominator > 1 else str(coefficient)
    return f"{number}*{variable}"


def show(coefficients: dict[int, Fraction | int], name: str = "x") -> str:
    """A polynomial from its coefficients by power, highest first, with signs as one writes them."""
    parts = [term(c, power, name) for power, c in sorted(coefficients.items(), reverse=True) if c]
    text = " + ".join(parts) if parts else "0"
    return text.replace("+ -", "- ")


def _signed(value: int) -> str:
    return f"+ {value}" if value >= 0 else f"- {-value}"


def _addition(rng: random.Random) -> Problem:
    count = rng.choice((2, 2, 3, 4))
    top = 10 ** rng.randint(2, 5)
    numbers = [rng.randint(top // 10, top - 1) for _ in range(count)]
    signs = [1] + [rng.choice((1, 1, -1)) for _ in numbers[1:]]
    return added(rng, numbers, signs)


def added(rng: random.Random, numbers: Sequence[int], signs: Sequence[int]) -> Problem:
    """The sum of numbers by their signs, the first of which is 1, from left to right; `rng` draws the wording."""
    expression = str(numbers[0]) + "".join(f" {'+' if s > 0 else '-'} {n}" for s, n in zip(signs[1:], numbers[1:]))
    steps, total = [], numbers[0]
    for sign, number in zip(signs[1:], numbers[1:]):
        after = total + sign * number
        steps.append(f"{total} {'+' if sign > 0 else '-'} {number} = {after}.")
        total = after
    claims = [("equal", *step.rstrip(".").split(" = ")) for step in steps] + [("value", expression, ANSWER)]
    return Problem(_ask(rng, expression), steps, str(total), claims)


def _multiplication(rng: random.Random) -> Problem:
    return multiplied(rng, rng.randint(12, 9999), rng.randint(11, 999))


def multiplied(rng: random.Random, left: int, right: int) -> Problem:
    """The product of two positive numbers, by the digits of the right one; `rng` draws the wording."""
    parts = [int(d) * 10**p for p, d in enumerate(reversed(str(right))) if d != "0"]
    products = [left * part for part in parts]
    steps = [f"Split {right} into {' + '.join(map(str, parts))}."]
    steps += [f"{left} * {part} = {product}." for part, product in zip(parts, products)]
    steps.append(f"Add the parts: {' + '.join(map(str, products))} = {sum(products)}.")
    claims = [("equal", f"{left} * {part}", str(product)) for part, product in zip(parts, products)]
    claims.append(("value", f"{left} * {right}", ANSWER))
    return Problem(_ask(rng, f"{left} * {right}"), steps, str(sum(products)), claims)


def _division(rng: random.Random) -> Problem:
    divisor, quotient = rng.randint(3, 97), rng.randint(11, 999)
    rest = rng.randrange(divisor)
    number = divisor * quotient + rest
    steps, carried = [], 0
    for digit in str(number):
        carried = carried * 10 + int(digit)
        if carried >= divisor:
            steps.append(f"{carried} holds {divisor} {carried // divisor} times, and {carried % divisor} is left.")
        carried %= divisor
    steps.append(f"Check: {divisor} * {quotient} + {rest} = {number}.")
    ask = rng.choice(("Divide {} by {} with remainder.", "Find quotient and remainder of {} divided by {}."))
    answer = f"quotient {quotient}, remainder {rest}"
    claims = [
        ("equal", f"{divisor} * {quotient} + {rest}", str(number)),
        ("below", str(rest), str(divisor)),
        ("stated", ANSWER, f"quotient {number // divisor}, remainder {number % divisor}"),
    ]
    return Problem(ask.format(number, divisor), steps, answer, claims)


def _fractions(rng: random.Random) -> Problem:
    a, c = rng.randint(1, 12), rng.randint(1, 12)
    b, d = rng.randint(2, 15), rng.randint(2, 15)
    sign = rng.choice("+-*/")
    expression = f"{a}/{b} {sign} {c}/{d}" if sign in "+-*" else f"({a}/{b}) / ({c}/{d})"
    if sign in "+-":
        top = a * d + c * b if sign == "+" else a * d - c * b
        steps = [
            f"A common denominator is {b} * {d} = {b * d}.",
            f"{a}/{b} = {a * d}/{b * d} and {c}/{d} = {c * b}/{b * d}.",
            f"{a * d} {sign} {c * b} = {top}, so the result is {top}/{b * d}.",
        ]
        bottom = b * d
    else:
        e, f = (c, d) if sign == "*" else (d, c)
        top, bottom = a * e, b * f
        steps = [f"To divide, multiply by {d}/{c}."] if sign == "/" else []
        steps += [f"Multiply the tops: {a} * {e} = {top}.", f"Multiply the bottoms: {b} * {f} = {bottom}."]
    answer = Fraction(top, bottom)
    if answer.denominator != bottom:
        steps.append(f"In lowest terms {top}/{bottom} = {answer}.")
    claims = [("equal", expression, f"{top}/{bottom}"), ("value", expression, ANSWER)]
    return Problem(_ask(rng, expression), steps, str(answer), claims)


def _shopping(rng: random.Random) -> Problem:
    name, thing, place = rng.choice(_NAMES), rng.choice(_THINGS), rng.choice(_PLACES)
    groups, each, extra, given = rng.randint(3, 40), rng.randint(4, 60), rng.randint(2, 90), rng.randint(2, 60)
    total = groups * each
    given = min(given, total + extra - 1)
    question = rng.choice(
        (
            f"{name} fills {groups} of the same {place} with {each} {thing} in each, finds {extra} more and then gives "
            f"{given} away. How many {thing} does {name} have now?",
            f"There are {each} {thing} in every {place}, and {name} owns one {place} for each of {groups} friends. "
            f"After {name} buys {extra} more {thing} and loses {given}, how many {thing} are left?",
        )
    )
    steps = [
        f"{groups} times {each} is {total}.",
        f"With {extra} more there are {total} + {extra} = {total + extra}.",
        f"Without the {given} there are {total + extra} - {given} = {total + extra - given}.",
    ]
    answer = f"{total + extra - given} {thing}"
    return Problem(question, steps, answer, [("value", f"{groups} * {each} + {extra} - {given}", ANSWER)])


def _journey(rng: random.Random) -> Problem:
    name, vehicle = rng.choice(_NAMES), rng.choice(("train", "bus", "bicycle", "boat", "truck", "tram"))
    speed, hours = rng.randint(8, 120), rng.randint(2, 9)
    second, more = rng.randint(8, 120), rng.randint(2, 9)
    total = speed * hours + second * more
    question = (
        f"{name} travels by {vehicle} for {hours} hours at {speed} km per hour and then for {more} hours at {second} "
        f"km per hour. {rng.choice(('How far is the whole way?', 'What distance is that in all?'))}"
    )
    steps = [
        f"The first part is {speed} * {hours} = {speed * hours} km.",
        f"The second part is {second} * {more} = {second * more} km.",
        f"Together {speed * hours} + {second * more} = {total} km.",
    ]
    return Problem(question, steps, f"{total} km", [("value", f"{speed} * {hours} + {second} * {more}", ANSWER)])


def _share(rng: random.Random) -> Problem:
    whole, top, bottom = rng.randint(4, 60), rng.randint(1, 8), rng.randint(2, 12)
    top = min(top, bottom - 1)
    amount = whole * bottom
    name, thing = rng.choice(_NAMES), rng.choice(_THINGS)
    left = amount - whole * top
    question = f"{name} has {amount} {thing} and uses {top}/{bottom} of them. How many {thing} remain?"
    steps = [
        f"One part of {bottom} is {amount} / {bottom} = {whole}.",
        f"{top} of these parts are {top} * {whole} = {top * whole}.",
        f"{amount} - {top * whole} = {left} remain.",
    ]
    return Problem(question, steps, f"{left} {thing}", [("value", f"{amount} * (1 - {top}/{bottom})", ANSWER)])


def _linear(rng: random.Random) -> Problem:
    a = rng.choice([n for n in range(-12, 13) if n not in (0, 1)])
    c = rng.choice([n for n in range(-9, 10) if n != a])
    solution = Fraction(rng.randint(-20, 20), rng.choice((1, 1, 1, 2, 3)))
    b = rng.randint(-30, 30)
    d = (a - c) * solution + b
    if d.denominator > 1:
        d = Fraction(round(d))
        solution = (d - b) / (a - c)
    left, right = show({1: a, 0: b}), show({1: c, 0: int(d)})
    steps = [
        f"Bring the terms with x to the left and the numbers to the right: {term(a - c, 1)} = {int(d) - b}.",
        f"Divide both sides by {a - c}: x = {solution}.",
    ]
    question = rng.choice(("Solve {} = {}.", "For which x is {} equal to {}?", "Find x when {} = {}."))
    claims = [("roots", f"({left}) - ({right})", ANSWER)]
    return Problem(question.format(left, right), steps, f"x = {solution}", claims)


def _quadratic(rng: random.Random) -> Problem:
    lead = rng.choice((1, 1, 1, 2, 3, -1))
    r, s = sorted((rng.randint(-12, 12), rng.randint(-12, 12)))
    b, c = -lead * (r + s), lead * r * s
    polynomial = show({2: lead, 1: b, 0: c})
    discriminant = b * b - 4 * lead * c
    steps = [
        f"The discriminant is ({b})^2 - 4*({lead})*({c}) = {discriminant}.",
        f"Its square root is {abs(lead) * (s - r)}.",
        f"x = (-({b}) + {abs(lead) * (s - r)}) / (2*({lead})) or x = (-({b}) - {abs(lead) * (s - r)}) / (2*({lead})).",
    ]
    answer = f"x = {r} or x = {s}" if r != s else f"x = {r}"
    question = rng.choice(("Solve {} = 0.", "Find all real x with {} = 0.", "Where does y = {} cross the x-axis?"))
    claims = [
        ("equal", f"({b})^2 - 4*({lead})*({c})", str(discriminant)),
        ("equal", f"({lead * (s - r)})^2", str(discriminant)),
        ("roots", polynomial, ANSWER),
    ]
    return Problem(question.format(polynomial), steps, answer, claims)


def _system(rng: random.Random) -> Problem:
    x, y = rng.randint(-12, 12), rng.randint(-12, 12)
    while True:
        a, b, c, d = (rng.choice([n for n in range(-7, 8) if n]) for _ in range(4))
        if a * d != b * c:
            break
    p, q = a * x + b * y, c * x + d * y
    first, second = (f"{term(m, 1)} {_signed(n)}*y" for m, n in ((a, b), (c, d)))
    steps = [
        f"Multiply the first equation by {d} and the second by {b}.",
        f"Then subtract: {a * d - b * c}*x = {d * p - b * q}.",
        f"So x = {d * p - b * q} / ({a * d - b * c}) = {x}.",
        f"Put x into the first equation: {b}*y = {p} - ({a})*({x}) = {p - a * x}, so y = {y}.",
    ]
    question = rng.choice(("Solve the system {} = {} and {} = {}.", "Find x and y such that {} = {} and {} = {}."))
    claims = [("system", [f"{first} - ({p})", f"{second} - ({q})"], ANSWER)]
    return Problem(question.format(first, p, second, q), steps, f"x = {x}, y = {y}", claims)


def _expand(rng: random.Random) -> Problem:
    a, b, c, d = rng.randint(1, 6), rng.randint(-9, 9), rng.choice((1, 2, 3, -1, -2)), rng.randint(-9, 9)
    left, right = show({1: a, 0: b}), show({1: c, 0: d})
    product = show({2: a * c, 1: a * d + b * c, 0: b * d})
    steps = [
        f"Multiply each term by each: {term(a, 1)} * {term(c, 1)} = {term(a * c, 2)}.",
        f"The terms with x add up to ({a})*({d})*x + ({b})*({c})*x = {a * d + b * c}*x.",
        f"The numbers give ({b})*({d}) = {b * d}.",
    ]
    question = rng.choice(("Expand ({})*({}).", "Multiply out ({})*({}).", "Write ({})*({}) without brackets."))
    claims = [("identity", f"({left})*({right})", ANSWER)]
    return Problem(question.format(left, right), steps, product, claims)


def _factor(rng: random.Random) -> Problem:
    r, s = rng.randint(-15, 15), rng.randint(-15, 15)
    polynomial = show({2: 1, 1: r + s, 0: r * s})
    first, second = (show({1: 1, 0: n}) for n in sorted((r, s)))
    steps = [
        f"Look for two numbers with sum {r + s} and product {r * s}.",
        f"They are {min(r, s)} and {max(r, s)}: ({r}) + ({s}) = {r + s} and ({r})*({s}) = {r * s}.",
    ]
    question = rng.choice(("Factor {}.", "Write {} as a product of two linear factors."))
    claims = [("equal", f"({r}) + ({s})", str(r + s)), ("identity", polynomial, ANSWER)]
    return Problem(question.format(polynomial), steps, f"({first})*({second})", claims)


def _age(rng: random.Random) -> Problem:
    young, factor, years = rng.randint(3, 20), rng.randint(2, 5), rng.randint(2, 15)
    old = young * factor
    total = young + old + 2 * years
    first, second = rng.sample(_NAMES, 2)
    question = (
        f"{first} is {factor} times as old as {second}. In {years} years their ages will add up to {total}. "
        f"How old is {second} now?"
    )
    steps = [
        f"Let x be the age of {second}; then {first} is {factor}*x years old.",
        f"In {years} years: (x + {years}) + ({factor}*x + {years}) = {total}.",
        f"{factor + 1}*x = {total} - {2 * years} = {total - 2 * years}, so x = {young}.",
    ]
    claims = [("value", f"({total} - 2*{years}) / (1 + {factor})", ANSWER), ("equal", f"{young} * {factor}", str(old))]
    return Problem(question, steps, f"x = {young}", claims)


ARITHMETIC = (_addition, _multiplication, _division, _fractions, _shopping, _journey, _share)
ALGEBRA = (_linear, _quadratic, _system, _expand, _factor, _age)
