"""Templates of the hardest level of generated mathematics: number theory, matrices, series and counting."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

from data.generators.math_basic import show
from data.generators.math_claims import ANSWER, Problem

_WORDS = ("BANANA", "LEVEL", "MISSISSIPPI", "PEPPER", "TOTAL", "COFFEE", "BALLOON", "RADAR", "CANOE", "TEETH", "KAYAK")


def _modular_power(rng: random.Random) -> Problem:
    base, exponent, modulus = rng.randint(2, 40), rng.randint(20, 900), rng.randint(7, 97)
    steps, power, square, bit = [], 1, base % modulus, 1
    while bit <= exponent:
        if exponent & bit:
            power = power * square % modulus
        steps.append(f"{base}^{bit} leaves {square} modulo {modulus}.")
        square, bit = square * square % modulus, bit * 2
    used = [str(1 << i) for i in range(exponent.bit_length()) if exponent >> i & 1]
    steps.append(f"Since {exponent} = {' + '.join(used)}, multiply those residues and reduce: {power}.")
    claims = [("equal", " + ".join(used), str(exponent)), ("remainder", base, exponent, modulus, ANSWER)]
    return Problem(f"What is the remainder of {base}^{exponent} divided by {modulus}?", steps, str(power), claims)


def _euclid(rng: random.Random) -> Problem:
    common = rng.randint(1, 40)
    left, right = sorted((common * rng.randint(20, 300), common * rng.randint(20, 300)), reverse=True)
    steps, a, b = [], left, right
    claims = []
    while b:
        steps.append(f"{a} = {a // b} * {b} + {a % b}.")
        claims.append(("equal", f"{a // b} * {b} + {a % b}", str(a)))
        a, b = b, a % b
    steps.append(f"The last remainder that is not zero is {a}.")
    claims.append(("gcd", left, right, ANSWER))
    question = f"Find the greatest common divisor of {left} and {right} with Euclid's algorithm."
    return Problem(question, steps, str(a), claims)


def _remainders(rng: random.Random) -> Problem:
    m, n = rng.choice([(m, n) for m in range(3, 20) for n in range(m + 1, 24) if math.gcd(m, n) == 1])
    r, s = rng.randrange(m), rng.randrange(n)
    inverse = pow(m, -1, n)
    turns = (s - r) * inverse % n
    steps = [
        f"Numbers with the first property are x = {r} + {m}*t.",
        f"The second asks for {m}*t = {(s - r) % n} modulo {n}; the inverse of {m} modulo {n} is {inverse}.",
        f"So t = {(s - r) % n}*{inverse} = {turns} modulo {n}, and x = {r} + {m}*{turns} = {r + m * turns}.",
    ]
    question = f"Find the least x >= 0 that leaves {r} when divided by {m} and {s} when divided by {n}."
    claims = [
        ("remainder", m * inverse, 1, n, str(1 % n)),
        ("equal", f"{r} + {m}*{turns}", str(r + m * turns)),
        ("congruences", [[r, m], [s, n]], ANSWER),
    ]
    return Problem(question, steps, str(r + m * turns), claims)


def _factorisation(rng: random.Random) -> Problem:
    number = math.prod(rng.choices((2, 2, 3, 3, 5, 7, 11, 13), k=rng.randint(3, 5)))
    powers: dict[int, int] = {}
    left, prime = number, 2
    while left > 1:
        while left % prime == 0:
            powers[prime] = powers.get(prime, 0) + 1
            left //= prime
        prime += 1
    shown = " * ".join(f"{p}^{e}" for p, e in powers.items())
    if number <= 20_000 and rng.random() < 0.5:
        value = math.prod((p - 1) * p ** (e - 1) for p, e in powers.items())
        rule = " * ".join(f"{p}^{e - 1}*({p} - 1)" for p, e in powers.items())
        kind, what = "totient", f"How many of the numbers 1 to {number} have no common factor with {number}?"
    else:
        while number > 20_000:
            prime = max(powers)
            number //= prime
            powers[prime] -= 1
            powers = {p: e for p, e in powers.items() if e}
        shown = " * ".join(f"{p}^{e}" for p, e in powers.items())
        value = math.prod(e + 1 for e in powers.values())
        rule = " * ".join(f"({e} + 1)" for e in powers.values())
        kind, what = "divisor_count", f"How many positive divisors has {number}?"
    steps = [f"Factor: {number} = {shown}.", f"The prime powers contribute {rule} = {value}."]
    claims = [("equal", shown, str(number)), ("equal", rule, ANSWER), (kind, number, ANSWER)]
    return Problem(what, steps, str(value), claims)


def _determinant(rng: random.Random) -> Problem:
    rows = [[rng.randint(-6, 6) for _ in range(3)] for _ in range(3)]
    minors, steps = [], []
    for column in range(3):
        (a, b), (c, d) = ([row[j] for j in range(3) if j != column] for row in rows[1:])
        minors.append(a * d - b * c)
        steps.append(f"The minor of entry {rows[0][column]} is ({a})*({d}) - ({b})*({c}) = {minors[-1]}.")
    value = rows[0][0] * minors[0] - rows[0][1] * minors[1] + rows[0][2] * minors[2]
    total = f"({rows[0][0]})*({minors[0]}) - ({rows[0][1]})*({minors[1]}) + ({rows[0][2]})*({minors[2]})"
    steps.append(f"Along the first row: {total} = {value}.")
    claims = [("equal", total, str(value)), ("determinant", rows, ANSWER)]
    return Problem(f"Find the determinant of the matrix {rows}.", steps, str(value), claims)


def _eigenvalues(rng: random.Random) -> Problem:
    r, s = sorted((rng.randint(-9, 9), rng.randint(-9, 9)))
    shear, lower = rng.randint(-4, 4), rng.randint(-3, 3)
    # Conjugating diag(r, s) with a shear by `lower` keeps the eigenvalues and fills the matrix.
    rows = [[r - shear * lower, shear], [(r - s) * lower - shear * lower * lower, s + shear * lower]]
    trace, product = rows[0][0] + rows[1][1], rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]
    characteristic = show({2: 1, 1: -trace, 0: product})
    steps = [
        f"The trace is {trace} and the determinant is {product}.",
        f"The characteristic polynomial is {characteristic} = (x - ({r}))*(x - ({s})).",
    ]
    claims = [("identity", characteristic, f"(x - ({r}))*(x - ({s}))"), ("eigenvalues", rows, ANSWER)]
    return Problem(f"Find the eigenvalues of the matrix {rows}.", steps, f"{r} and {s}", claims)


def _series(rng: random.Random) -> Problem:
    bottom = rng.randint(2, 12)
    ratio = Fraction(rng.choice((1, -1)) * rng.randint(1, bottom - 1), bottom)
    first = Fraction(rng.randint(1, 30), rng.randint(1, 6))
    total = first / (1 - ratio)
    steps = [
        f"The series is geometric with first term {first} and ratio {ratio}, whose size is below 1.",
        f"Its sum is ({first}) / (1 - ({ratio})) = {total}.",
    ]
    terms = ", ".join(str(first * ratio**k) for k in range(4))
    claims = [("geometric", str(first), str(ratio), ANSWER)]
    return Problem(f"Find the sum of the infinite series with the terms {terms}, ...", steps, str(total), claims)


def _counting(rng: random.Random) -> Problem:
    kind = rng.randrange(3)
    if kind == 0:
        width, height = rng.randint(2, 12), rng.randint(2, 12)
        value = math.comb(width + height, width)
        question = f"How many shortest paths lead {width} steps right and {height} steps up on a grid?"
        steps = [f"Choose which of the {width + height} steps go right.", f"C({width + height}, {width}) = {value}."]
        return Problem(question, steps, str(value), [("paths", width, height, ANSWER)])
    if kind == 1:
        word = "".join(rng.sample(rng.choice(_WORDS), rng.randint(4, 5)))
        times = [word.count(letter) for letter in sorted(set(word))]
        value = math.factorial(len(word)) // math.prod(map(math.factorial, times))
        steps = [
            f"There are {len(word)} letters, which repeat {', '.join(map(str, times))} times in alphabetical order.",
            f"{len(word)}! / ({' * '.join(f'{t}!' for t in times)}) = {value}.",
        ]
        question = f"In how many different orders can the letters of {word} be written?"
        return Problem(question, steps, str(value), [("arrangements", word, ANSWER)])
    top, size, divisor = rng.randint(6, 16), rng.randint(2, 3), rng.randint(2, 5)
    classes = [[n for n in range(1, top + 1) if n % divisor == r] for r in range(divisor)]
    value = 0
    for chosen in itertools.combinations_with_replacement(range(divisor), size):
        if sum(chosen) % divisor == 0:
            value += math.prod(math.comb(len(classes[r]), chosen.count(r)) for r in set(chosen))
    steps = [
        f"By remainder modulo {divisor} the numbers split into groups of {', '.join(str(len(c)) for c in classes)}.",
        f"Adding up the choices of {size} whose remainders sum to a multiple of {divisor} gives {value}.",
    ]
    question = f"How many sets of {size} different numbers from 1 to {top} have a sum divisible by {divisor}?"
    return Problem(question, steps, str(value), [("subsets", list(range(1, top + 1)), size, divisor, ANSWER)])


def _recurrence(rng: random.Random) -> Problem:
    p, q = rng.randint(1, 4), rng.choice((-2, -1, 1, 2, 3))
    values = [rng.randint(0, 5), rng.randint(1, 5)]
    index = rng.randint(5, 10)
    steps = []
    for n in range(2, index + 1):
        values.append(p * values[-1] + q * values[-2])
        steps.append(f"a({n}) = {p}*({values[-2]}) + ({q})*({values[-3]}) = {values[-1]}.")
    question = f"a(0) = {values[0]}, a(1) = {values[1]} and a(n) = {p}*a(n-1) + ({q})*a(n-2). Find a({index})."
    return Problem(question, steps, str(values[-1]), [("recurrence", [p, q], values[:2], index, ANSWER)])


RESEARCH = (
    *(_modular_power, _euclid, _remainders, _factorisation, _determinant),
    *(_eigenvalues, _series, _counting, _recurrence),
)
