"""Answers are found in what a model writes, equal ones verify, others don't, and nothing hostile is begun."""

import threading

import pytest

from mistral_moe.evaluation import math_answers


@pytest.mark.parametrize(
    "text, answer",
    [
        ("so \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
        ("first \\boxed{1}, no: \\boxed{2}", "2"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("\\boxed 5 it is", "5"),
        ("\\fbox{7}", "7"),
        ("\\boxed{3} and \\boxed{unclosed", "3"),
        ("The final answer is 12.", "12"),
        ("The answer is $x = 3$. I hope so", "$x = 3$"),
        ("nothing here", ""),
    ],
)
def test_the_final_answer_is_the_last_closed_box_or_what_is_stated(text, answer):
    assert math_answers.final_answer(text) == answer


@pytest.mark.parametrize(
    "text, strict, flexible",
    [
        ("2 + 3 = 5\n#### 5", "5", "5"),
        ("#### 1,234.50 left 9", "1234.50", "9"),
        ("#### $18", "18", "18"),
        ("#### -3\nQuestion 4", "-3", "4"),
        ("It costs $1,200.", "", "1200"),
        ("#### unknown", "", ""),
        ("", "", ""),
    ],
)
def test_gsm8k_answers_are_read_strictly_and_flexibly(text, strict, flexible):
    assert math_answers.after_hashes(text) == strict
    assert math_answers.last_number(text) == flexible


SAME = [
    ("\\frac{1}{2}", "0.5"),
    ("\\frac12", "1/2"),
    ("1/2", "\\dfrac{1}{2}"),
    ("10,\\!236", "10236"),
    ("1,000,000", "10^6"),
    ("\\$32", "32"),
    ("90^\\circ", "90"),
    ("5", "5\\text{ cm}"),
    ("x = 5", "5"),
    ("(1,2)", "$( 1, 2 )$"),
    ("1,2", "2, 1"),
    ("3 \\text{ and } 4", "4,3"),
    ("x^2+2x+1", "(x+1)^2"),
    ("12^{10}", "61917364224"),
    ("\\text{(D)}", "D"),
    ("odd $n$", "\\text{odd } n"),
    ("$x\\geq-\\frac{6}{5}$", "[-6/5,\\infty)"),
    ("$f(x)=c, f(x)=\\lceil x \\rceil$", "f(x)=\\lceil x\\rceil, f(x)=c"),
]
DIFFERENT = [
    ("1/3", ".333"),
    ("(1,2)", "1,2"),
    ("(1,2)", "(2,1)"),
    ("1,2,3", "1,2"),
    ("1,2", "1,2,3"),
    ("1,1", "1,2"),
    ("[0,1)", "(0,1)"),
    ("x+1", "y+1"),
    # What algebra would read as the other: a word's letters, a list's ends, letters of both cases.
    ("odd $n$", "n"),
    ("$1,2,\\ldots,9$", "1,2,9"),
    ("$R-2r$", "-r"),
    ("$a^2-a+1$ ($a\\ge 2$), 0 ($a=1$)", "a=1"),
    ("$g(x)=x^a$ for some $a>0$", "a>0"),
]


@pytest.mark.parametrize("reference, answer", SAME)
def test_answers_that_mean_the_same_verify(reference, answer):
    assert math_answers.verify(reference, answer).is_right


@pytest.mark.parametrize("reference, answer", DIFFERENT)
def test_answers_that_mean_something_else_do_not(reference, answer):
    assert not math_answers.verify(reference, answer).is_right


@pytest.mark.parametrize("reference", [pair[0] for pair in SAME + DIFFERENT])
def test_every_answer_equals_itself_and_nothing_is_no_answer(reference):
    assert math_answers.verify(reference, f" ${reference}$. ").is_right
    assert math_answers.verify(reference, " ") == math_answers.Verdict(False, "empty")


@pytest.mark.parametrize(
    "answer",
    [
        "9^{9^{9^9}}",
        "9**9**9**9",
        "{9}^{99999}^{9}",
        "(10^9)!",
        "\\sum_{i=1}^{10^9} i",
        "\\int_0^1 x",
        "2^{1000000000}",
        "((1+x)^{99})^{999}",
        "(" * 200,
        "{" * 200,
        "1" + "+1" * 300,
        "7" * 1200,
    ],
)
def test_what_algebra_could_be_lost_in_is_refused_before_it_begins(answer, monkeypatch):
    monkeypatch.setattr(math_answers, "_by_algebra", lambda *pair: pytest.fail("algebra was begun"))
    verdict = math_answers.verify("\\sqrt{2}", answer)
    assert not verdict.is_right and verdict.how == "refused"


@pytest.mark.parametrize("answer", ["\\frac" * 60, "\\begin{pmatrix}" * 20, "\x00\ud800", "}{", "$$$", "^_^", "\\"])
def test_broken_answers_are_wrong_and_raise_nothing(answer):
    assert not math_answers.verify("\\sqrt{2}", answer).is_right


def test_a_timeout_is_wrong(monkeypatch):
    import math_verify
    from math_verify.errors import TimeoutException

    def late(*args, **options):
        raise TimeoutException("late")

    monkeypatch.setattr(math_verify, "verify", late)
    assert math_answers.verify("\\sqrt{2}", "\\sqrt{8}/2") == math_answers.Verdict(False, "timeout")


def test_algebra_outside_of_the_main_thread_is_an_error_and_numbers_are_not():
    found = []

    def ask():
        found.append(math_answers.verify("2", "2.0"))
        try:
            math_answers.verify("\\sqrt{2}", "\\sqrt{8}/2")
        except RuntimeError as error:
            found.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found[0].is_right and "main thread" in found[1]


def test_a_reference_verifies_itself_if_it_is_mathematics():
    assert all(map(math_answers.verifies_itself, ("3", "$2^{u-2}$", "(3,2,5)", "1/2, 1", "$(-\\infty, 0]$")))
    assert not any(map(math_answers.verifies_itself, ("no solutions", "$1,\\ldots,9$", "$R-2r$", "All powers of 2")))


def test_the_most_common_answer_counts_one_number_written_in_two_ways():
    assert math_answers.most_common(["0.5", "\\frac12", "3", "x", "y"]) == ("1/2", 0.4)
