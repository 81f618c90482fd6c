"""Verdicts: right answers are told from wrong ones, and what is too large is not begun."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.sources.math import mathematica, polynomials, school_questions, sympy_values, verify_answers

RIGHT = [
    ("x^2*Exp[x]", "(2 - 2*x + x^2)*E^x"),
    ("1/(a + b*x)", "Log[a + b*x]/b"),
    ("Sqrt[1 - x^2]", "(x*Sqrt[1 - x^2] + ArcSin[x])/2"),
    ("x^n", "x^(1 + n)/(1 + n)"),
    ("Log[1 - x]/x", "-PolyLog[2, x]"),
    ("Sech[x]^2 + ArcTan[x]", "Tanh[x] + x*ArcTan[x] - Log[1 + x^2]/2"),
    ("1/Sqrt[1 - m*Sin[x]^2]", "EllipticF[x, m]"),
    ("E^(-x^2)", "Sqrt[Pi]*Erf[x]/2"),
    ("a*Csch[x^2]/x", "a*Unintegrable[Csch[x^2]/x, x]"),
    ("x^(a - 1)*E^(-x)", "-Gamma[a, x]"),
]


@pytest.mark.parametrize("integrand, answer", RIGHT)
def test_antiderivatives(integrand, answer):
    assert verify_answers.antiderivative(integrand, "x", answer).verified == "yes"
    assert verify_answers.antiderivative(integrand, "x", f"{answer} + 7*c").verified == "yes"
    assert verify_answers.antiderivative(integrand, "x", f"{answer} + x/1000").verified == "no"
    assert verify_answers.antiderivative(f"2*({integrand})", "x", answer).verified == "no"


@pytest.mark.parametrize(
    "integrand, answer, method",
    [
        ("10^10^10", "x*10^10^10", "derivative_at_points"),
        ("Gamma[10^9]", "x*Gamma[10^9]", "derivative_at_points"),
        ("x^(10^9)", "x^(10^9 + 1)/(10^9 + 1)", "derivative_at_points"),
        ("F[x]", "G[x]", "derivative_at_points"),
        ("x <> 2", "x", "not_parsed"),
        ("(" * 500 + "x" + ")" * 500, "x", "not_parsed"),
        ("x+" * 2500 + "x", "x", "too_large"),
        ("1" * 100, "x", "not_parsed"),
    ],
)
def test_what_can_not_be_known_within_bounds(integrand, answer, method):
    verdict = verify_answers.antiderivative(integrand, "x", answer)
    assert (verdict.verified, verdict.method) == ("unknown", method)


def test_where_doubles_are_too_coarse_many_digits_decide():
    # (x+1)^30 expanded loses all of a double's digits against (x+1)^30 - x^30 near cancellation.
    integrand = "(1 + x/10^9) - 1"
    assert verify_answers.antiderivative(integrand, "x", "x^2/(2*10^9)").verified == "yes"


def test_the_parser():
    parse = mathematica.parse
    assert parse("2 a b^2^c!") == parse("2*a*(b^(2^(c!)))")
    assert parse("-x^2") == parse("-(x^2)") and parse("a - b - c") == parse("(a - b) - c")
    assert parse("f[x, {1, y}]") == ("f", "x", ("List", 1, "y"))
    assert mathematica.names(parse("E^(I*x) + Pi*f[y]")) == {"x", "y"}
    for tame, source in ((False, "10^10^10"), (False, "Factorial[1000]"), (True, "x^(1/2)/2^10"), (False, "2^9999")):
        assert mathematica.is_tame(parse(source)) is tame


def test_lists_in_files():
    text = 'a = 1;\n(* {0} (* nested *) *){1, {2, x}, f[3, 4], "},{"}\n'
    text += "{\n{5, 6},\n{7, 8}\n}\n{9, 10\n{11, (* no *) 12}\n{13"
    found = [(item.elements, item.problem) for item in mathematica.lists(text)]
    assert found == [
        ((), ""),
        (("1", "{2, x}", "f[3, 4]", '"},{"'), ""),
        (("5", "6"), ""),
        (("7", "8"), ""),
        ((), "unclosed"),
        (("11", "12"), ""),
        ((), "unclosed"),
    ]


QUESTIONS = [
    ("Solve 466*a + 175*a = -26*a - 5336 for a.", "-8", "-9"),
    ("Let i be (-2 + (-3)/(-6))*-2. Suppose i*m - 4*z + 10 = 0, -4*m - 4*z + 24 = 0. Solve k = m + z for k.", "6", "5"),
    ("Calculate the greatest common divisor of 2829 and 31488.", "123", "41"),
    (
        "Let t(n) = n**3 + 11*n**2 - 9*n + 5. Let w be t(-7). What is the greatest common factor of 48 and w?",
        "24",
        "12",
    ),
    ("Calculate the least common multiple of 12 and 18.", "36", "72"),
    ("(3/(-60))/((1078/(-132))/49)", "3/10", "-3/10"),
    ("What is the value of (4/10)/((-221)/2210)?", "-4", "4"),
    ("What is the third derivative of 3394004*v**4 - 854*v**2?", "81456096*v", "81456096"),
    ("Let h(n) be the third derivative of 307*n**4/12. Differentiate h(r) with respect to r.", "614", "307"),
    ("Differentiate 2*x**2*y + x with respect to y.", "2*x**2", "4*x*y + 1"),
    ("Expand (-2 - 2 + 2)*(-7*l + 7*l + 3*l).", "-6*l", "6*l"),
    ("Factor g**2/3 + 793*g/3 + 66310/3.", "(g + 95)*(g + 698)/3", "(g + 95)*(g + 697)/3"),
    ("What is x in -2*x**3 + 78*x**2 + 1028*x - 2352 = 0?", "-12, 2, 49", "-12, 2, 48"),
    ("Suppose 6*s**2 - 6 = 0. Calculate s.", "-1, 1", "-1, 2"),
    ("Put -0.79, -4, -1/6, -123, 5 in decreasing order.", "5, -1/6, -0.79, -4, -123", "5, -0.79, -1/6, -4, -123"),
    ("Suppose -30 = 10*v. Sort 12, 3, v.", "v, 3, 12", "3, v, 12"),
    ("Is 7919 a prime number?", "True", "False"),
    ("Is 91 composite?", "True", "False"),
    ("Is 6 a factor of 45?", "False", "True"),
    ("List the prime factors of 84.", "2, 3, 7", "2, 3"),
    ("Calculate the remainder when 47 is divided by 9.", "2", "3"),
    ("What is 0.5 times -3?", "-1.5", "1.5"),
    ("Subtract 3 from -0.5.", "-3.5", "3.5"),
]


@pytest.mark.parametrize("question, right, wrong", QUESTIONS)
def test_school_questions(question, right, wrong):
    assert school_questions.check(question, right).verified == "yes"
    assert school_questions.check(question, wrong).verified == "no"


@pytest.mark.parametrize(
    "question",
    [
        "What is -1011 (base 2) in base 10?",
        "What is 2**99**99?",
        "Let x be 1/0. What is x?",
        "Suppose a = b. What is a?",
        "Simplify sqrt(8).",
        "What is the hundreds digit of 31253?",
        "What comes next: 1, 2, 3?",
        "?",
        "",
        "(" * 1500,
        "What is (" + "9**99*" * 200 + "1)**99?",
        "Solve x = y for z.",
    ],
)
def test_what_is_not_understood_is_unknown(question):
    assert school_questions.check(question, "1").verified == "unknown"


def test_polynomials_agree_with_sympy():
    import sympy

    for source in ("(x + 2*y)**5 - x/3", "-(x - 1)*(x + 1)*(x - 0.5)", "3*(x**2)**3/(-4)"):
        exact = sympy.Poly(sympy.nsimplify(sympy.sympify(source)), *sympy.symbols("x y"))
        ours = polynomials.parse(source)
        assert {tuple(dict(m).get(name, 0) for name in "xy"): value for m, value in ours.items()} == exact.as_dict()


def expression(source):
    return ast.parse(source, mode="eval").body


def test_differential_equations():
    equation = expression("Eq(x**2*diff(f(x), x, x) + x*f(x).diff(x), 1)")
    right = [expression("Eq(f(x), C1 + C2*log(x) + log(x)**2/2)")]
    assert sympy_values.check_solutions(equation, right).verified == "yes"
    wrong = [expression("Eq(f(x), C1 + C2*log(x) + log(x)**2)")]
    assert sympy_values.check_solutions(equation, wrong).verified == "no"
    for odd in ("Eq(f(x), __import__('os'))", "Eq(f(x) + x, C1)", "Eq(f(x), 10**10**10*x)", "Eq(f(x), x**(10**9))"):
        assert sympy_values.check_solutions(equation, [expression(odd)]).verified == "unknown"


@given(st.text(alphabet="x1+-*/^()[]{}, SinLogPi.!=", max_size=80))
@settings(max_examples=80, deadline=None)
def test_any_text_gets_a_verdict(source):
    assert verify_answers.antiderivative(source, "x", source).verified in ("yes", "no", "unknown")
    assert school_questions.check(f"What is {source}?", source).verified in ("yes", "no", "unknown")
    list(mathematica.lists(source))
