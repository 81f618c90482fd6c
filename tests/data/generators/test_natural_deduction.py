"""Natural deduction: what the search writes is accepted, and what is unsound is not."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.generators import fitch, logic_solvers, math_claims, math_problems, natural_deduction
from data.generators.fitch import FitchError, check, parse, proves

MODUS_PONENS = ["1. p   [premise]", "2. (p -> q)   [premise]", "3. q   [if elimination 2, 1]"]
CHAIN = [
    "1. (p -> q)   [premise]",
    "2. > ~q   [assumption]",
    "3. > > p   [assumption]",
    "4. > > q   [if elimination 1, 3]",
    "5. > > false   [not elimination 4, 2]",
    "6. > ~p   [not introduction 3-5]",
    "7. (~q -> ~p)   [if introduction 2-6]",
]


def _plain(formula):
    """The solvers' form of a formula; they know no `false`, which is an atom that no world makes true."""
    return formula if isinstance(formula, str) else [formula[0], *map(_plain, formula[1:])]


def _entails(premises, goal) -> bool:
    names = set().union(*(logic_solvers.atoms(_plain(f)) for f in [*premises, goal])) - {"false"}
    worlds = logic_solvers.worlds([], sorted(names) + ["false"])
    return all(
        logic_solvers.truth(_plain(goal), world)
        for world in worlds
        if not world["false"] and all(logic_solvers.truth(_plain(p), world) for p in premises)
    )


def _sound(premises, lines) -> bool:
    """Whether every line follows, by truth table, from the premises and the assumptions that are open at it."""
    opened: list = []
    for text in lines:
        match = re.fullmatch(r"\d+\. ((?:> )*)(.+?)   \[(.+)\]", text)
        depth, formula, rule = len(match[1]) // 2, parse(match[2]), match[3]
        del opened[depth - (rule == "assumption") :]
        if rule == "assumption":
            opened.append(formula)
        elif not _entails([*map(parse, premises), *opened], formula):
            return False
    return True


@pytest.mark.parametrize("seed", range(40))
def test_theorems_are_valid_and_their_proofs_check(seed):
    problem = natural_deduction.problem(random.Random(seed))
    kind, premises, goal, lines = problem.claims[0]
    check(premises, goal, lines)
    assert _sound(premises, lines) and _entails([*map(parse, premises)], parse(goal))
    assert list(problem.steps) == lines and kind == "natural_deduction"
    assert any("> " in line for line in lines), "no assumption is given up"
    assert all(math_claims.holds(claim, problem.answer) for claim in problem.claims)
    assert not all(math_claims.holds(claim, "not proved") for claim in problem.claims)


def test_all_rules_are_used():
    lines = [line for seed in range(60) for line in natural_deduction.problem(random.Random(seed)).steps]
    rules = {re.search(r"\[([a-z ]+?)(?: \d|\])", line)[1] for line in lines}
    ways = {f"{name} {way}" for name in ("and", "or", "if", "iff", "not") for way in ("introduction", "elimination")}
    assert rules == {"premise", "assumption", "reiteration", "explosion", "reductio", *ways}


def test_proofs_are_a_template_of_the_level_and_older_problems_keep_their_place():
    texts = [math_problems.generate("proofs", 0, index).text for index in range(60)]
    assert 2 <= sum("[assumption]" in text for text in texts) <= 20
    old = math_problems.TEMPLATES["proofs"][:-1]
    for index, text in enumerate(texts):
        if "[assumption]" not in text:
            rng = random.Random(f"math/proofs/0/{index}")
            assert math_problems.render(rng.choice(old)(rng)) == text


def test_known_proofs():
    assert proves(["p", "(p -> q)"], "q", MODUS_PONENS)
    assert proves(["(p -> q)"], "(~q -> ~p)", CHAIN)
    middle = [
        "1. > ~(p | ~p)   [assumption]",
        "2. > > p   [assumption]",
        "3. > > (p | ~p)   [or introduction 2]",
        "4. > > false   [not elimination 3, 1]",
        "5. > ~p   [not introduction 2-4]",
        "6. > (p | ~p)   [or introduction 5]",
        "7. > false   [not elimination 6, 1]",
        "8. (p | ~p)   [reductio 1-7]",
    ]
    assert proves([], "(p | ~p)", middle)


@pytest.mark.parametrize(
    ("premises", "goal", "lines"),
    [
        (["p"], "q", ["1. p   [premise]", "2. q   [reiteration 1]"]),
        (["q", "(p -> q)"], "p", ["1. q   [premise]", "2. (p -> q)   [premise]", "3. p   [if elimination 2, 1]"]),
        (["p"], "q", ["1. p   [premise]", "2. q   [premise]"]),
        (["p"], "p", []),
        ([], "p", ["1. > p   [assumption]"]),
        ([], "p", ["1. > p   [assumption]", "2. p   [reiteration 1]"]),
        ([], "(p -> q)", ["1. > p   [assumption]", "2. > q   [reiteration 1]", "3. (p -> q)   [if introduction 1-2]"]),
        ([], "(p -> p)", ["1. > p   [assumption]", "2. > p   [reiteration 1]", "4. (p -> p)   [if introduction 1-2]"]),
        (
            [],
            "(q -> p)",
            [
                "1. > p   [assumption]",
                "2. > q   [assumption]",
                "3. > p   [reiteration 1]",
                "4. (q -> p)   [if introduction 2-3]",
            ],
        ),
        (
            ["(p | q)"],
            "p",
            [
                "1. (p | q)   [premise]",
                "2. > p   [assumption]",
                "3. > q   [assumption]",
                "4. > p   [reiteration 2]",
                "5. p   [or elimination 1, 2-2, 3-4]",
            ],
        ),
        ([], "p", ["1. > > p   [assumption]", "2. p   [reiteration 1]"]),
        (["p"], "(p & q)", ["1. p   [premise]", "2. (p & q)   [and introduction 1, 2]"]),
        (["p"], "p", ["1. p   [premise]", "2. p   [magic 1]"]),
    ],
)
def test_wrong_proofs_are_rejected(premises, goal, lines):
    assert not proves(premises, goal, lines)


@pytest.mark.parametrize("text", ["", "(p", "p q", "(p -> q", "~", "(p + q)", "(p & q) r", "(" * 5000, "~" * 5000, ")"])
def test_what_is_no_formula_is_an_error(text):
    with pytest.raises(FitchError):
        parse(text)


_FORMULAS = st.recursive(
    st.sampled_from(["p", "q", "r", "false"]),
    lambda inner: st.one_of(
        inner.map(lambda f: f"~{f}"),
        st.tuples(inner, st.sampled_from(["&", "|", "->", "<->"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    ),
    max_leaves=3,
)


@settings(max_examples=300)
@given(st.data())
def test_a_changed_line_is_rejected_or_the_proof_is_still_sound(data):
    problem = natural_deduction.problem(random.Random(data.draw(st.integers(0, 60))))
    _, premises, goal, lines = problem.claims[0]
    lines = list(lines)
    place = data.draw(st.integers(len(premises), len(lines) - 1))
    number, mark, formula, reason = re.fullmatch(r"(\d+)\. ((?:> )*)(.+?)   \[(.+)\]", lines[place]).groups()
    change = data.draw(st.sampled_from(["formula", "depth", "rule", "references", "part", "swap"]))
    if change == "formula":
        formula = data.draw(_FORMULAS)
    elif change == "depth":
        mark = "> " * data.draw(st.integers(0, 4))
    elif change == "rule":
        others = ("or elimination", "if introduction", "not introduction", "reductio", "assumption")
        rule = data.draw(st.sampled_from([*fitch._DIRECT, *others]))
        reason = re.sub(r"^[a-z ]+?(?= \d|$)", rule, reason)
    elif change == "references":
        reason = re.sub(r"\d+", lambda _: str(data.draw(st.integers(1, len(lines)))), reason)
    elif change == "part":
        atoms = re.findall(r"[a-z]+", formula)
        formula = formula.replace(data.draw(st.sampled_from(atoms)), data.draw(st.sampled_from(["p", "q", "r"])), 1)
    lines[place] = f"{number}. {mark}{formula}   [{reason}]"
    if change == "swap":
        other = data.draw(st.integers(0, len(lines) - 1))
        lines[place], lines[other] = lines[other], lines[place]
    if proves(premises, goal, lines):
        assert _sound(premises, lines), "\n".join(lines)


@given(st.lists(st.text(alphabet="0123. >pq()~-&|[]a", max_size=30), max_size=4))
def test_any_text_is_judged_without_an_error(lines):
    assert proves(["p"], "q", lines) in (True, False)


def test_a_goal_that_is_a_premise_is_said_again():
    lines = natural_deduction.show(natural_deduction.prove(["p", ("if", "p", "q")], "p"))
    assert lines[-1] == "3. p   [reiteration 1]" and proves(["p", "(p -> q)"], "p", lines)
