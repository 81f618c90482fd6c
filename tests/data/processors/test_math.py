"""Mathematics: balanced LaTeX, answers that hold, proofs without holes, certificates that replay."""

from __future__ import annotations

import csv
import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Reject
from data.generators import logic_problems, math_problems
from data.processors import answers, latex_balance, math, proof_flags

_PAGE = r"""# Geometric series

For $|q| < 1$ the partial sums $s_n = \sum_{k=0}^{n} q^k$ have the closed form
\[ s_n = \frac{1 - q^{n+1}}{1 - q}, \]
which one sees on multiplying by $1 - q$. Letting $n$ grow without bound gives the limit

\begin{equation}
  \sum_{k=0}^{\infty} q^k = \frac{1}{1 - q}.
\end{equation}
"""


def document(text, licence="CC-BY-4.0", **meta):
    return Document(text, "math", "s:f#0", licence, meta=meta)


@pytest.mark.parametrize(
    "text",
    [
        _PAGE,
        r"Cost: \$5 and 50\% more, $x \in [0, 1)$, $$y = \left\{ z \right\}$$",
        "It costs $5 today.\n\nTomorrow it costs $6 or $7.",
        "\\begin{verbatim} $ { \\end{x} \\end{verbatim} done $x$",
        "% a comment with a lone $ and {\nand $x$",
        "```\n{ $ \\[\n```\n\nand \\(x\\)",
        r"a \\[2pt] b & c \\ d",
        "",
    ],
)
def test_what_is_balanced(text):
    assert latex_balance.balance(text).faults == 0


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("$x", 1),
        ("$x\n\n$y$", 1),  # no formula goes on over a blank line
        (r"\frac{1}{2", 1),
        (r"\[ x", 1),
        (r"x \]", 1),
        (r"\begin{align} x", 1),
        (r"\begin{align} x \end{equation}", 2),
        (r"{ $x } $", 2),  # the brace closes while the first dollar is open, so neither dollar has a partner
        ("}{", 2),
    ],
)
def test_what_is_not(text, faults):
    found = latex_balance.balance(text)
    assert found.faults == faults and found.first


def test_mathematics_is_counted_in_formulas_and_without():
    found = latex_balance.balance("ab $x+y$ cd")
    assert found.maths == len("$x+y$")
    assert latex_balance.maths_share("ab $x+y$ cd") == pytest.approx(5 / 9)
    assert latex_balance.maths_share("12 + 34 = 46") == 1
    assert latex_balance.maths_share("A story without any of it") == 0
    assert latex_balance.maths_share("") == 0


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["$", "$$", "{", "}", r"\[", r"\]", r"\begin{align}", r"\end{align}", "\n\n", "x", "%", "\\", "5", "```\n"]
        )
    )
)
def test_faults_never_exceed_delimiters(parts):
    text = "".join(parts)
    found = latex_balance.balance(text)
    assert 0 <= found.faults <= max(found.delimiters, 0) or found.delimiters == 0 == found.faults
    assert 0 <= found.maths <= len(text)
    assert 0 <= latex_balance.maths_share(text, found) <= 1


@pytest.mark.parametrize("piece", ["{", "$", r"\[", r"\begin{a}", "\n", "}", "```\n", "{$", "\\", "\n%", "x$\n\n"])
def test_long_runs_are_counted(piece):
    found = latex_balance.balance(piece * 30_000)
    assert found.faults <= found.delimiters


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("1/2", r"\frac{1}{2}", True),
        (r"\dfrac12", "0.5", True),
        ("1,000", "$1000$", True),
        ("3.14", "3.14159", True),
        ("0.333", r"\frac{1}{3}", True),
        ("90^\\circ", "90", True),
        ("(A) 3", "3", True),
        (r"\sqrt{8}", r"2\sqrt{2}", True),
        ("x=3", "3", True),
        ("2x+1", "1+2x", True),
        ("3", "4", False),
        ("0.5", "0.25", False),
        (r"\frac{1}{3}", r"\frac{1}{4}", False),
        ("(1,2)", "(2,1)", False),
        ("x^2-1", "x^2+1", False),
        ("yes", "a longer sentence", None),
        ("", "3", None),
        ("100!", "2", None),
        ("9^{9^{9}}", "2", None),
        ("(x+y+z)^{99}", "x", None),
        (r"\sum_{k=1}^{10} k", "54", None),
        ("1" * 200, "2", None),
        ("{{{", "}}}", None),
    ],
)
def test_when_answers_agree(first, second, same):
    assert answers.agree(first, second) is same


def test_where_answers_stand():
    assert answers.worked(r"so \boxed{1} or rather \boxed{\frac{1}{2}}.") == r"\frac{1}{2}"
    assert answers.worked("6 * 7\n#### 42") == "42"
    assert answers.worked("nothing") == ""
    assert answers.stated("Problem:\nx\n\nAnswer: 7 apples") == "7 apples"


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("0123456789./-{}\\frac sqrtxy()^,$%"), max_size=14))
def test_an_answer_agrees_with_itself(answer):
    assert answers.agree(answer, answer) in (True, None)


@pytest.mark.parametrize("profile", math.PROFILES)
def test_every_rule_has_a_measure(profile):
    found = math.measures(document(_PAGE), profile)
    assert set(found) == {step.name for step in math.PROFILES[profile].steps}


def test_a_page_is_kept_as_it_is():
    page = document(_PAGE)
    assert math.quality_filter(page, "math") is page


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$x$ is short", "too_short"),
        ("He went down to the sea and looked at the ships for a long time. " * 8, "no_maths"),
        (_PAGE + r"{ { { { \[ $$", "unbalanced_latex"),
        (_PAGE + "zxcvbnm qwrtpsdf hjklmnbv ghjkl " * 20, "gibberish"),
        (_PAGE + "The series converges when $|q| < 1$ holds.\n" * 40, "repeated_lines"),
        (_PAGE + "\ufffd" * 9, "not_text"),
    ],
)
def test_pages_that_are_dropped(text, reason):
    found = math.quality_filter(document(text), "math")
    assert isinstance(found, Reject) and found.reason == reason and found.evidence


def test_names_of_functions_are_no_gibberish():
    text = (
        "Problem:\nIntegrate with respect to x:\n" + "Sqrt[x] + sqrt(x) + Csch[x] cbrt(y) " * 30 + "\nAnswer: Sqrt[x]"
    )
    assert isinstance(math.quality_filter(document(text), "math_qa"), Document)


def _question(answer, solution="", **meta):
    worked = f"Solution:\n{solution}\n\n" if solution else ""
    return document(f"Problem:\nWhat is half of one, and why?\n\n{worked}Answer: {answer}", answer=answer, **meta)


@pytest.mark.parametrize(
    ("question", "verified"),
    [
        (_question("1/2", r"One part of two: $\boxed{\frac{1}{2}}$"), "yes"),
        (_question("1/2", "Divide.\n#### 0.5"), "yes"),
        (_question("1/2"), "unknown"),
        (_question("1/2", "It depends on what half means."), "unknown"),
    ],
)
def test_answers_are_verified_where_they_can_be(question, verified):
    assert math.quality_filter(question, "math_qa").meta["verified"] == verified


def test_what_the_source_verified_stays():
    question = _question("1/2", "#### 3", verified="yes")
    assert math.quality_filter(question, "math_qa") is question


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (_question("1/3", r"$\boxed{\frac{1}{2}}$"), "wrong_answer"),
        (_question("1/2", verified="no"), "wrong_answer"),
        (document("Problem:\nWhat is half of one, and why is it so?"), "no_answer"),
    ],
)
def test_wrong_and_missing_answers_are_dropped(question, reason):
    found = math.quality_filter(question, "math_qa")
    assert isinstance(found, Reject) and found.reason == reason and found.evidence


@pytest.mark.parametrize(
    ("language", "text", "statements", "proof"),
    [
        ("lean4", "theorem two : 1 + 1 = 2 := by\n  norm_num", 1, "full"),
        ("lean4", "theorem two : 1 + 1 = 2 := by\n  sorry", 1, "partial"),
        ("lean4", "-- sorry, a comment\n/- and /- nested -/ sorry -/\nlemma a : p := by simp", 1, "full"),
        ("coq", "Lemma a : True. (* admit *) Proof. exact I. Qed.", 1, "full"),
        ("coq", "Lemma a : True. Proof. Admitted.", 1, "partial"),
        ("isabelle", 'lemma a: "p" using assms by auto', 1, "full"),
        ("isabelle", 'lemma a: "p" sorry', 1, "partial"),
        ("metamath", "a1 $a |- p $. t $p |- q $= a b c $.", 2, "full"),
        ("metamath", "t $p |- q $= ? $.", 1, "partial"),
        ("", "Just words.", 0, "none"),
    ],
)
def test_statements_and_holes(language, text, statements, proof):
    system = proof_flags.system_of(language)
    assert (proof_flags.statements(text, system), proof_flags.proof_of(text, system)) == (statements, proof)


def test_proofs_carry_whether_they_are_whole():
    text = "theorem two : 1 + 1 = 2 := by\n  sorry\n"
    kept = math.quality_filter(document(text, "Apache-2.0", language="lean4"), "proofs")
    assert kept.meta["proof"] == "partial" and kept.text == text
    told = document(text, "Apache-2.0", language="lean4", proof="none")
    assert math.quality_filter(told, "proofs") is told
    assert (
        math.quality_filter(document("import Mathlib.Tactic -- only that\n", "MIT", language="lean4"), "proofs").reason
        == "no_statement"
    )


@pytest.mark.parametrize(
    ("module", "level"), [(math_problems, "algebra"), (math_problems, "proofs"), (logic_problems, "search")]
)
def test_certificates_replay_or_the_document_goes(module, level):
    made = module.generate(level, 1, 0)
    assert math.quality_filter(made, "certified") is made
    changed = dataclasses.replace(made, text=made.text + " ")
    found = math.quality_filter(changed, "certified")
    assert (found.reason, "does not replay" in found.evidence) == ("certificate", True)
    nobody = dataclasses.replace(made, source="nowhere:x")
    assert math.quality_filter(nobody, "certified").reason == "certificate"
    standard = math.standardize_format(made)
    assert standard.text == made.text and math.prepare_for_expert(standard) == made


def test_levels_are_measured_where_none_is_given():
    prepared = math.prepare_for_expert(math.standardize_format(document(_PAGE + "\r\n\r\n")))
    assert (
        prepared.text == _PAGE.strip() and prepared.level == "calculus" and prepared.meta["difficulty"]["calculus"] > 0
    )


def test_unknown_profiles_are_refused_by_name():
    with pytest.raises(ValueError, match="math_qa"):
        math.quality_filter(document(_PAGE), "code")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.sampled_from(sorted(math.PROFILES)), st.sampled_from(["", "3", "yes", "no"]))
def test_no_text_makes_it_fail(text, profile, word):
    any_document = document(text, answer=word, verified=word)
    assert isinstance(math.quality_filter(any_document, profile), Document | Reject)
    assert all(isinstance(value, float) for value in math.measures(any_document, profile).values())


def test_real_chapters_are_balanced(samples):
    chapters = sorted((samples("math/textbooks_k12_grad") / "OpenLogic").rglob("*.tex"))
    shares = [latex_balance.balance(path.read_text(encoding="utf-8")).fault_share for path in chapters]
    assert len(shares) >= 20 and max(shares) <= 0.05


def test_real_answers_agree_with_themselves_and_not_with_their_neighbours(samples):
    with open(samples("math/competition_problems") / "answerbench.csv", encoding="utf-8", newline="") as table:
        rows = [row["Short Answer"] for row in csv.DictReader(table)][:60]
    assert all(answers.agree(answer, answer) for answer in rows)
    numbers = [answer for answer in rows if answers.number(answer) is not None]
    for one, other in itertools.pairwise(numbers):
        assert answers.agree(one, other) == (answers.number(one) == answers.number(other))
