"""Templates of two harder levels of generated mathematics: calculus and proofs."""

from __future__ import annotations

import random
from fractions import Fraction

from data.generators.math_basic import show, term
from data.generators.math_claims import ANSWER, Problem


def _coefficients(rng: random.Random, degree: int) -> dict[int, int]:
    found = {power: rng.randint(-9, 9) for power in range(degree)}
    return {degree: rng.choice([n for n in range(-6, 7) if n]), **found}


def _slope(coefficients: dict[int, int]) -> dict[int, int]:
    return {power - 1: c * power for power, c in coefficients.items() if power}


def _polynomial_derivative(rng: random.Random) -> Problem:
    coefficients = _coefficients(rng, rng.randint(2, 5))
    steps = [
        f"The derivative of {term(c, p)} is {term(c * p, p - 1)}." for p, c in sorted(coefficients.items()) if c and p
    ]
    function = show(coefficients)
    question = rng.choice(("Differentiate f(x) = {}.", "Find the derivative of {} with respect to x."))
    claims = [("derivative", function, ANSWER)]
    return Problem(question.format(function), steps, show(_slope(coefficients)), claims)


def _product_derivative(rng: random.Random) -> Problem:
    coefficients = _coefficients(rng, rng.randint(1, 2))
    left, slope = show(coefficients), show(_slope(coefficients))
    k = rng.randint(2, 7)
    right, right_slope = rng.choice(
        (
            (f"sin({k}*x)", f"{k}*cos({k}*x)"),
            (f"cos({k}*x)", f"(-{k})*sin({k}*x)"),
            (f"exp({k}*x)", f"{k}*exp({k}*x)"),
        )
    )
    steps = [
        f"This is a product of u = {left} and v = {right}.",
        f"u' = {slope} and, by the chain rule, v' = {right_slope}.",
        "The product rule gives (u*v)' = u'*v + u*v'.",
    ]
    answer = f"({slope})*{right} + ({left})*{right_slope}"
    question = rng.choice(("Differentiate ({})*{}.", "What is the derivative of f(x) = ({})*{}?"))
    claims = [
        ("derivative", left, slope),
        ("derivative", right, right_slope),
        ("derivative", f"({left})*{right}", ANSWER),
    ]
    return Problem(question.format(left, right), steps, answer, claims)


def _chain_derivative(rng: random.Random) -> Problem:
    inner, power = _coefficients(rng, rng.randint(1, 2)), rng.randint(3, 6)
    inside, slope = show(inner), show(_slope(inner))
    steps = [
        f"Let u = {inside}, so u' = {slope}.",
        f"The derivative of u^{power} is {power}*u^{power - 1}*u'.",
    ]
    answer = f"{power}*({inside})^{power - 1}*({slope})"
    claims = [("derivative", inside, slope), ("derivative", f"({inside})^{power}", ANSWER)]
    return Problem(f"Use the chain rule to differentiate ({inside})^{power}.", steps, answer, claims)


def _integral(rng: random.Random) -> Problem:
    primitive = {p: rng.randint(-5, 5) for p in range(1, rng.randint(2, 4))}
    primitive[len(primitive) + 1] = rng.randint(1, 5)
    function, answer = show(_slope(primitive)), show(primitive)
    steps = [f"An antiderivative of {term(c * p, p - 1)} is {term(c, p)}." for p, c in sorted(primitive.items()) if c]
    if rng.random() < 0.5:
        question = rng.choice(("Integrate {} with respect to x.", "Find all antiderivatives of {}."))
        claims = [("antiderivative", function, ANSWER)]
        return Problem(question.format(function), steps, f"{answer} + C", claims)
    low = rng.randint(-3, 3)
    high = low + rng.randint(1, 4)
    ends = [sum(c * x**p for p, c in primitive.items()) for x in (low, high)]
    steps.append(f"F(x) = {answer} has F({high}) = {ends[1]} and F({low}) = {ends[0]}.")
    steps.append(f"F({high}) - F({low}) = {ends[1] - ends[0]}.")
    claims = [("definite", function, answer, low, high, ANSWER)]
    return Problem(f"Integrate {function} from x = {low} to x = {high}.", steps, str(ends[1] - ends[0]), claims)


def _limit(rng: random.Random) -> Problem:
    point, other, third = (rng.randint(-9, 9) for _ in range(3))
    if third == point:
        third += 1
    top = show({2: 1, 1: -(point + other), 0: point * other})
    bottom = show({2: 1, 1: -(point + third), 0: point * third})
    value = Fraction(point - other, point - third)
    factors = [show({1: 1, 0: -n}) for n in (point, other, third)]
    steps = [
        f"Both vanish at x = {point}, so both have the factor {factors[0]}.",
        f"The top is ({factors[0]})*({factors[1]}) and the bottom is ({factors[0]})*({factors[2]}).",
        f"Cancel the factor and put x = {point} into ({factors[1]}) / ({factors[2]}).",
    ]
    claims = [
        ("identity", top, f"({factors[0]})*({factors[1]})"),
        ("identity", bottom, f"({factors[0]})*({factors[2]})"),
        ("limit", top, bottom, point, ANSWER),
    ]
    return Problem(f"Find the limit of ({top}) / ({bottom}) as x goes to {point}.", steps, str(value), claims)


def _critical(rng: random.Random) -> Problem:
    r, s = sorted(rng.sample(range(-8, 9), 2))
    scale, constant = rng.choice((1, 2, -1)) * 6, rng.randint(-9, 9)
    function = show({3: scale // 3, 2: -scale * (r + s) // 2, 1: scale * r * s, 0: constant})
    slope = show({2: scale, 1: -scale * (r + s), 0: scale * r * s})
    factored = f"({scale})*(x - ({r}))*(x - ({s}))"
    steps = [f"f'(x) = {slope}.", f"It factors as {factored}.", "A product is zero when one of its factors is."]
    claims = [("derivative", function, slope), ("identity", slope, factored), ("critical", function, ANSWER)]
    return Problem(f"Where is the slope of f(x) = {function} zero?", steps, f"x = {r} and x = {s}", claims)


def _linear_sum(rng: random.Random) -> Problem:
    a, b = rng.randint(1, 60), rng.randint(-60, 60)
    summand = show({1: a, 0: b}, "k")
    formula = f"({show({2: a, 1: a + 2 * b}, 'n')})/2"
    following = formula.replace("n", "(n + 1)")
    steps = [
        f"For n = 1 the left side is {a + b} and the formula gives {2 * a + 2 * b}/2 = {a + b}.",
        f"Assume the formula for n. The next summand is {a}*(n + 1) + ({b}).",
        f"{formula} + {a}*(n + 1) + ({b}) = {following}, which is the formula for n + 1.",
        "By induction it holds for every n >= 1.",
    ]
    claims = [
        ("sum_formula", summand, formula, "n"),
        ("identity", f"{formula} + {a}*(n + 1) + ({b})", following),
        ("stated", ANSWER, "proved by induction"),
    ]
    question = f"Prove that the sum of {summand} for k = 1 to n is {formula}."
    return Problem(question, steps, "proved by induction", claims)


def _power_sum(rng: random.Random) -> Problem:
    scale, shift = rng.randint(1, 40), rng.randint(-40, 40)
    power, base = rng.choice(((2, "n*(n + 1)*(2*n + 1)/6"), (3, "n^2*(n + 1)^2/4")))
    summand = f"{scale}*k^{power} + ({shift})"
    formula = f"{scale}*{base} + ({shift})*n"
    following = formula.replace("n", "(n + 1)")
    added = f"{scale}*(n + 1)^{power} + ({shift})"
    steps = [
        f"Start: for n = 1 both sides are {scale + shift}.",
        f"Step: add the summand for k = n + 1, which is {added}, to the formula for n.",
        f"Multiplying out shows {formula} + {added} = {following}.",
        "So the formula passes from n to n + 1 and holds for all n >= 1.",
    ]
    claims = [
        ("sum_formula", summand, formula, "n"),
        ("identity", f"{formula} + {added}", following),
        ("stated", ANSWER, "proved by induction"),
    ]
    return Problem(f"Show that the sum of {summand} for k = 1 to n equals {formula}.", steps, claims[-1][2], claims)


def _divisibility(rng: random.Random) -> Problem:
    small, divisor = rng.randint(1, 30), rng.randint(2, 40)
    big = small + divisor
    scale = rng.randint(1, 9)
    expression = f"{scale}*({big}^n - {small}^n)"
    answer = f"divisible by {divisor} for every n >= 1"
    steps = [
        f"For n = 1 the difference is {big} - {small} = {divisor}.",
        f"{big}^(n + 1) - {small}^(n + 1) = {big}*({big}^n - {small}^n) + ({big} - {small})*{small}^n.",
        f"The first part is divisible by {divisor} by assumption, the second because {big} - {small} = {divisor}.",
        f"The factor {scale} changes nothing, so the claim holds for every n by induction.",
    ]
    claims = [
        ("equal", f"{big} - {small}", str(divisor)),
        ("identity", f"{big}*p - {small}*q", f"{big}*(p - q) + ({big} - {small})*q"),
        ("divides", divisor, expression, "n", 1),
        ("stated", ANSWER, answer),
    ]
    return Problem(f"Prove that {divisor} divides {expression} for every whole number n >= 1.", steps, answer, claims)


def _identity_proof(rng: random.Random) -> Problem:
    a, b, c = rng.randint(1, 15), rng.randint(1, 15), rng.randint(1, 9)
    left, right, middle = rng.choice(
        (
            (f"({a}*x + {b}*y)^2 - ({a}*x - {b}*y)^2", f"{4 * a * b}*x*y", f"2*{a}*x*2*{b}*y"),
            (
                f"({a}*x + {b})^2 + ({a}*x - {b})^2",
                f"{2 * a * a}*x^2 + {2 * b * b}",
                f"2*({a}*x)^2 + 2*{b}^2",
            ),
            (
                f"(x + {c})^3 - x^3 - {c**3}",
                f"{3 * c}*x*(x + {c})",
                f"3*{c}*x^2 + 3*{c}^2*x",
            ),
            (
                f"({a}*x - {b})*({a}*x + {b}) + {b * b}",
                f"{a * a}*x^2",
                f"({a}*x)^2 - {b}^2 + {b * b}",
            ),
        )
    )
    steps = [f"Expanding the brackets on the left gives {middle}.", f"Collecting terms, this is {right}."]
    claims = [("identity", left, middle), ("identity", middle, right), ("stated", ANSWER, "the identity holds")]
    return Problem(f"Prove the identity {left} = {right}.", steps, "the identity holds", claims)


def _inequality(rng: random.Random) -> Problem:
    p, rest, lead = rng.randint(-12, 12), rng.randint(-40, 40), rng.randint(1, 6)
    function = show({2: lead, 1: 2 * lead * p, 0: lead * p * p + rest})
    square = f"{lead}*(x + ({p}))^2 + ({rest})"
    steps = [
        f"Complete the square: {function} = {square}.",
        f"A square is never negative and {lead} is positive, so the whole is at least {rest}.",
        f"It is equal to {rest} exactly at x = {-p}.",
    ]
    answer = f"the least value is {rest}"
    claims = [("identity", function, square), ("critical", function, f"x = {-p}"), ("stated", ANSWER, answer)]
    return Problem(f"Prove that {function} >= {rest} for every real x.", steps, answer, claims)


def _parity(rng: random.Random) -> Problem:
    modulus = rng.randint(2, 12)
    r, s = rng.randrange(modulus), rng.randrange(modulus)
    rest = r * s % modulus
    quotient = f"{modulus}*p*q + {s}*p + {r}*q + {r * s // modulus}"
    steps = [
        f"Write a = {modulus}*p + {r} and b = {modulus}*q + {s} with whole numbers p and q.",
        f"Then a*b = ({modulus}*p + {r})*({modulus}*q + {s}) = {modulus}*({quotient}) + {rest}.",
        f"The bracket is a whole number, so a*b leaves {rest}.",
    ]
    answer = f"the remainder is {rest}"
    claims = [
        ("identity", f"({modulus}*p + {r})*({modulus}*q + {s})", f"{modulus}*({quotient}) + {rest}"),
        ("below", str(rest), str(modulus)),
        ("stated", ANSWER, answer),
    ]
    question = f"a leaves remainder {r} and b leaves remainder {s} when divided by {modulus}. Prove what a*b leaves."
    return Problem(question, steps, answer, claims)


CALCULUS = (_polynomial_derivative, _product_derivative, _chain_derivative, _integral, _limit, _critical)
PROOFS = (_linear_sum, _power_sum, _divisibility, _identity_proof, _inequality, _parity)
