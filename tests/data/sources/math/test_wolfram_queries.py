"""Questions to computer algebra systems: Rubi's lists, sympy's tests, mathematics_dataset's lines."""

import io
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.sources.math import python_pairs, wolfram

RUBI = """(* ::Package:: *)
(* ::Title:: *)
(*A test (* nested *) {1, x, 1, x}*)

{x^2, x, 1, x^3/3}
{Sin[a*x], x, 2, -Cos[a*x]/a, 1 - Cos[a*x]/a}
{F[x]*Csch[x]/x, x, 0, Unintegrable[F[x]*Csch[x]/x, x]}
{1/(x^5 + x), x, -1, 0}
{x,
 x, 1, x^2}
{x^2, x, 3
{2*x, x, 1, If[$VersionNumber>=8, x^2, x*x]}
{x, 1}
f[x_] := x;
"""


def test_rubi(make_input, sort_items):
    out = sort_items(wolfram.read(make_input("1 Algebraic/Test Problems.m", RUBI.encode())))
    assert [(document.meta["question"], document.meta["verified"]) for document in out.documents] == [
        ("Integrate[x^2, x]", "yes"),
        ("Integrate[Sin[a*x], x]", "yes"),
        ("Integrate[x, x]", "no"),
        ("Integrate[2*x, x]", "yes"),
    ]
    assert out.documents[0].text == (
        "Question: Find $\\int x^{2} \\, dx$.\nIntegrate[x^2, x]\n\nAnswer: $\\frac{x^{3}}{3} + C$\nx^3/3"
    )
    assert out.documents[0].meta == {
        "question": "Integrate[x^2, x]",
        "answer": "x^3/3",
        "verified": "yes",
        "method": "derivative_at_points",
        "kind": "integral",
        "variable": "x",
        "steps": 1,
    }
    offset = RUBI.index("{x^2, x, 1")
    assert out.documents[0].source == f"wolfram_alpha_queries:1 Algebraic/Test Problems.m#{offset}"
    assert out.documents[3].meta["answer"] == "x^2"
    assert out.reasons == {"unsolved": 2, "unclosed": 1, "wrong_columns": 1, "code": 1}


def test_large_formulas_are_kept_as_they_are(make_input, sort_items):
    big = "+".join(f"x^{n}" for n in range(300))
    out = sort_items(wolfram.read(make_input("a.m", f"{{10^10^10 + 0*({big}), x, 1, y}}".encode())))
    assert out.documents[0].text == f"Question: Find the integral.\nIntegrate[10^10^10 + 0*({big}), x]\n\nAnswer: y"


LINES = "Solve 2*x = 4 for x.\n2\nWhat is 1 + 1?\n3\n\nWhat is the units digit of 12?\n2\nlast\n"


def test_lines(make_input, sort_items):
    out = sort_items(wolfram.read(make_input("train-easy/algebra__linear_1d.txt", LINES.encode())))
    assert [document.meta["verified"] for document in out.documents] == ["yes", "no", "unknown"]
    assert out.documents[0].text == "Question: Solve 2*x = 4 for x.\n\nAnswer: 2"
    assert out.documents[1].source.endswith("train-easy/algebra__linear_1d.txt#23")
    assert out.documents[0].meta["kind"] == "algebra__linear_1d" and out.documents[0].meta["difficulty"] == "easy"
    assert out.reasons == {"no_answer": 1}
    assert sort_items(wolfram.read(make_input("a__b.txt", b"\xff\n1\n"))).reasons == {"undecodable": 1}
    assert sort_items(wolfram.read(make_input("a__c.txt", b"What?\n\nSo?\n1\n"))).reasons == {"no_answer": 1}


PYTHON = '''"""Tests."""
from sympy import *
x, y = symbols("x y")
C1, C2 = symbols("C1:3")
f = Function("f")
n = Symbol("n", positive=True)

def test_integrate():
    e = x**2
    assert integrate(e, x) == x**3/3
    assert integrate(sin(y), y) == cos(y)
    assert (x**2 - 1).factor() == (x - 1)*(x + 1)
    assert limit(sin(x)/x, x, 0) == 1
    assert unknown_name == 3
    for e in (1, 2):
        assert integrate(e, x) == x
    assert diff(e, x) == 1
    assert simplify(sqrt(n**2)) == n + 1

def test_ode():
    eq = f(x).diff(x, 2) + f(x)
    sol = Eq(f(x), C1*sin(x) + C2*cos(x))
    assert checkodesol(eq, sol) == (True, 0)
    assert checkodesol(eq, Eq(f(x), x)) == (False, 0)

def examples():
    return {"hint": "a", "examples": {
        "one": {"eq": Eq(f(x).diff(x), 2*x), "sol": [Eq(f(x), C1 + x**2)]},
        "two": {"eq": f(x).diff(x) - g, "sol": [1]},
    }}

print(__import__("os").system("false"))
'''


def test_python_is_read_and_not_run(make_input, sort_items):
    out = sort_items(wolfram.read(make_input("test_x.py", PYTHON.encode())))
    found = [
        (document.meta["question"], document.meta["answer"], document.meta["verified"]) for document in out.documents
    ]
    assert found == [
        ("Compute the integral: integrate(x ** 2, x)", "x ** 3 / 3", "yes"),
        ("Compute the integral: integrate(sin(y), y)", "cos(y)", "no"),
        ("Factor: factor(x ** 2 - 1)", "(x - 1) * (x + 1)", "yes"),
        ("Compute the limit: limit(sin(x) / x, x, 0)", "1", "unknown"),
        ("Simplify: simplify(sqrt(n ** 2))", "n + 1", "unknown"),
        ("Solve the differential equation: f(x).diff(x, 2) + f(x)", "Eq(f(x), C1 * sin(x) + C2 * cos(x))", "yes"),
        ("Solve the differential equation: Eq(f(x).diff(x), 2 * x)", "Eq(f(x), C1 + x ** 2)", "yes"),
    ]
    assert out.documents[0].text == ("Question: Compute the integral: `integrate(x ** 2, x)`\n\nAnswer: `x ** 3 / 3`")
    assert out.reasons == {"no_pair": 7}


@pytest.mark.slow
def test_names_that_grow_are_given_up(make_input, sort_items):
    source = "x = Symbol('x')\na = x + x\n" + "a = a + a\n" * 200 + "assert integrate(a, x) == x\n"
    assert sort_items(wolfram.read(make_input("t.py", source.encode()))).documents == []
    assert python_pairs.MAX_NODES < 2**20


def test_archives_are_read_by_their_members(make_input, sort_items):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in (("v1/train-easy/numbers__gcd.txt", LINES), ("v1/README", "x"), ("r/a.m", RUBI)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data.encode()))
    out = sort_items(wolfram.read(make_input("mathematics_dataset-v1.0.tar.gz", buffer.getvalue())))
    assert len(out.documents) == 7 and out.reasons["not_a_list"] == 1
    assert out.documents[0].source == (
        "wolfram_alpha_queries:mathematics_dataset-v1.0.tar.gz!v1/train-easy/numbers__gcd.txt#0"
    )
    assert out.documents[0].meta["difficulty"] == "easy"


@pytest.mark.parametrize(
    "name, data, reason",
    [
        ("a.m", b"\xff\xff", "undecodable"),
        ("a.m", b"{1, x, 1, (* open", "unclosed"),
        ("a.m", b"{1, x), 1, 2}", "unbalanced"),
        ("a.m", b"{1, x, , 2}", "empty_element"),
        ("a.py", b"def f(:\n", "syntax_error"),
        ("a.py", b"x = " + b"(" * 5000, "syntax_error"),
        ("a.py", b"\x00", "binary"),
        ("a__b.txt", b"q" * 100 + b"\n", "no_answer"),
    ],
)
def test_broken_files(name, data, reason, make_input, sort_items):
    assert reason in sort_items(wolfram.read(make_input(name, data))).reasons


@given(st.binary(max_size=60), st.integers(0, 900), st.integers(0, 2))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_is_accounted_for(scratch, sort_items, noise, place, kind):
    name, source = (("a.m", RUBI), ("a__b.txt", LINES), ("a.py", PYTHON))[kind]
    data = source.encode()
    place %= len(data)
    sort_items(wolfram.read(scratch(name, noise)))
    out = sort_items(wolfram.read(scratch(name, data[:place] + noise + data[place + len(noise) :])))
    assert out.documents or out.skipped or out.quarantined


def test_real_samples(samples, input_files, sort_items):
    files = input_files(samples("math/wolfram_alpha_queries"))
    lines = [file for file in files if file.name.endswith(".txt")]
    assert lines
    for file in lines:
        out = sort_items(wolfram.read(file))
        assert not out.quarantined and out.documents
        verdicts = [document.meta["verified"] for document in out.documents]
        assert "no" not in verdicts and verdicts.count("yes") > 0.9 * len(verdicts), file.name
    lists = sorted((file for file in files if file.name.endswith(".m")), key=lambda file: file.size)[:4]
    for file in lists:
        out = sort_items(wolfram.read(file))
        assert not out.quarantined, out.quarantined
        verdicts = [document.meta["verified"] for document in out.documents]
        assert "no" not in verdicts and verdicts.count("yes") > 0.9 * len(verdicts), file.name
        assert sum(document.text.startswith("Question: Find $\\int") for document in out.documents) > len(verdicts) / 2


@pytest.mark.slow
def test_all_real_integrals_and_python_files(samples, input_files, sort_items):
    for file in input_files(samples("math/wolfram_alpha_queries")):
        if file.name.endswith((".m", ".py")):
            out = sort_items(wolfram.read(file))
            assert not out.quarantined and out.documents
            verdicts = [document.meta["verified"] for document in out.documents]
            assert verdicts.count("no") <= 0.01 * len(verdicts) and verdicts.count("yes") > 0.6 * len(verdicts)
