"""Difficulty: every domain's documents have a level, for the reasons that the definitions give, whatever the text."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import difficulty
from data.document import Document, ReadRequest
from data.domains import DOMAINS, LEVELS
from data.generators import logic_problems
from data.levels import code, language, math, multimodal, reasoning
from data.levels.language import language_measures
from data.sources import stdlib_code


def level(text, domain, source="s:x", **meta):
    return difficulty.measure(Document(text, domain, source, "MIT", meta=meta))[0]


def test_definitions_name_every_level_and_every_threshold():
    modules = {"code": code, "language": language, "math": math, "reasoning": reasoning, "multimodal": multimodal}
    assert set(difficulty.DEFINITIONS) == set(DOMAINS)
    for domain, definition in difficulty.DEFINITIONS.items():
        for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", definition):
            assert hasattr(modules[domain], name), f"{domain}: {name}"
    for domain in ("code", "math", "multimodal", "reasoning"):
        assert all(name in difficulty.DEFINITIONS[domain] for name in LEVELS[domain])


def test_a_level_that_is_given_stays():
    document = Document("x", "math", "s:x", "MIT", "research")
    assert difficulty.measure(document) == ("research", {})


def test_unknown_domains_are_refused():
    with pytest.raises(ValueError, match="unknown domain 'music'"):
        difficulty.measure(Document("x", "music", "s:x", "MIT"))


_NESTED = {
    "go": "package a\nfunc f(a []int) {\nfor _, x := range a {\nif x > 0 {\nfor x > 1 {\nif x == 3 {\nx--\n}}}}}",
    "java": "class A { void f(int[] a) { for (int x : a) { if (x > 0) { while (x > 1) { if (x == 3) { x--; } } } } } }",
    "rust": "fn f(a: Vec<i32>) { for x in a { if x > 0 { while x > 1 { if x == 3 { break; } } } } }",
    "javascript": "function f(a) { for (const x of a) { if (x) { while (x > 1) { if (x === 3) { g() } } } } }",
    "python": "def f(a):\n for x in a:\n  if x:\n   while x:\n    if a:\n     x = 1\n",
    "c++": "void f(int* a) { for (int i = 0; i < 3; i++) { if (a[i]) { while (a[i] > 1) { if (i) { a[i]--; } } } } }",
    "ruby": "def f(a)\n for x in a\n  if x\n   while x\n    if a\n     g\n    end\n   end\n  end\n end\nend\n",
}


@pytest.mark.parametrize("name", _NESTED)
def test_nesting_counts_alike_in_every_language(name):
    found, measures = difficulty.measure(
        Document(_NESTED[name], "code", "s:x", "MIT", meta={"kind": "program", "language": name})
    )
    assert found == "algorithms" and measures["nesting"] == 4 and measures["cyclomatic"] == 5


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("int x = 1;\n", "c", "syntax_basics"),
        ("int f(int a) { return a; }\nint g(int a) { return f(a); }\n", "c", "functions"),
        ("unsigned f(unsigned a) { return (a >> 3) ^ (a << 4) ^ (a & 5); }\n", "c", "optimization"),
        ('void f() { std::cout << "a" << b << c << d; }\n', "c++", "syntax_basics"),  # `<<` shifts nothing here
        ("package a\n\nfunc f() {\n\tgo g()\n\tselect {\n\tcase <-c:\n\t}\n}\n", "go", "systems"),
        ("fun main() { if (a) { } else if (b) { } ; while (c) { } ; for (x in y) { } }", "kotlin", "functions"),
        ("print 'hello'\n", "python", "syntax_basics"),  # Python 2
    ],
)
def test_levels_of_programs(text, name, expected):
    assert level(text, "code", kind="program", language=name) == expected


def test_python_with_and_without_a_named_language_is_the_same():
    for document in list(stdlib_code.read(ReadRequest(num_shards=64, shard=9)))[:60]:
        named = dataclasses.replace(document, meta={"kind": "program", "language": "python"})
        assert difficulty.measure(named) == difficulty.measure(document)


def test_long_programs_are_counted_by_size():
    function = "def f{0}(a):\n    if a:\n        return a.one\n    return a.two\n\n\n"
    long = "".join(function.format(number) for number in range(800))
    short = difficulty.measure(Document(long[: len(long) // 5].rpartition("def")[0], "code", "s:x", "MIT"))[1]
    scaled = difficulty.measure(Document(long, "code", "s:x", "MIT"))[1]
    assert abs(scaled["cyclomatic"] - short["cyclomatic"]) <= 0.25 * short["cyclomatic"]


def test_texts_about_code():
    assert level("How do I print?", "code", kind="text") == "syntax_basics"
    assert level("Steps to follow. " * 90 + "\n\n    x = 1\n", "code", kind="text") in ("functions", "algorithms")
    assert (
        level("The thread holds a lock while the socket waits; the kernel kills the process.", "code", kind="text")
        == "systems"
    )
    assert (
        level("It is slow: caching made it faster, see the benchmark and its latency.", "code", kind="text")
        == "optimization"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is 3 + 4 * 12? Answer: 51", "arithmetic"),
        ("Tom has 3 boxes with 12 apples; he eats 2 x 3 of them. How many are left?", "arithmetic"),
        ("Solve 3*x + 4 = 12 for x.", "algebra"),
        ("Factor the polynomial $x^2 - 5x + 6$.", "algebra"),
        ("In triangle ABC the angle at A is 60 degrees.", "algebra"),
        (r"Evaluate $\int_0^1 x^2 \, dx$.", "calculus"),
        ("What is the derivative of 3*x**2 wrt x?", "calculus"),
        (r"Prove that $\sqrt{2}$ is irrational.", "proofs"),
        (r"\begin{theorem} Every finite group ... \end{theorem} \begin{proof} x \end{proof}", "proofs"),
        ("The functor from sheaves to their cohomology; a manifold and its bundles up to homotopy.", "research"),
    ],
)
def test_levels_of_mathematics(text, expected):
    assert level(text, "math") == expected


def test_sources_of_mathematics_that_say_what_they_are():
    assert level("A short note on $x$.", "math", "arxiv_math:a.tex#0") == "research"
    assert level("Statement:\n```lean4\ntheorem a : p := by simp\n```", "math", language="lean4") == "proofs"


_EN = "The reader opens the file and closes it when the last of its lines has been read. "
_DE = "Der Leser \u00f6ffnet die Datei und schlie\u00dft sie, wenn die letzte ihrer Zeilen gelesen ist. "
_ZH = "\u8bfb\u8005\u6253\u5f00\u6587\u4ef6\uff0c\u8bfb\u5b8c\u6700\u540e\u4e00\u884c\u540e\u5173\u95ed\u3002"
_HI = "\u092a\u093e\u0920\u0915 \u092b\u093c\u093e\u0907\u0932 \u0916\u094b\u0932\u0924\u093e \u0939\u0948\u0964 "


def test_english_is_measured_as_ever():
    found = difficulty.measure(Document(_EN * 10, "language", "s:x", "MIT"))
    # 0.39 * 17 + 11.8 * 22 / 17 - 15.59, and 1.5 * log2(170 / 50) more
    assert found == ("plain", {"words": 170, "sentences": 10, "grade": 6.31, "score": 8.96})
    assert found == difficulty.measure(Document(_EN * 10, "language", "s:x", "MIT", meta={"language": "en-GB"}))
    assert found[1] == language_measures(_EN * 10)


@pytest.mark.parametrize(
    ("text", "name", "sentences"),
    [(_DE * 10, "de", 10), (_ZH * 10, "zh", 10), (_HI * 10, "hi", 10), (_ZH * 10, "", 10)],
)
def test_other_languages_have_words_and_sentences(text, name, sentences):
    found, measures = difficulty.measure(
        Document(text, "language", "s:x", "MIT", meta={"language": name} if name else {})
    )
    assert found in LEVELS["language"]
    assert measures["sentences"] == sentences and 4 * sentences <= measures["words"] <= 20 * sentences


def test_long_sentences_of_long_words_are_harder_in_any_language():
    short = "Wir gehen heim. Es ist spaet. Der Hund ist da. " * 8
    long = (
        "Datenverarbeitungsanlagen ermoeglichen Wahrscheinlichkeitsberechnungen beispielsweise fuer "
        "Versicherungsgesellschaften " * 8
    )
    bounds = [LEVELS["language"].index(level(text, "language", language="de")) for text in (short, long)]
    assert bounds == [0, 4]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not ( True ) and False is\nAnswer: False", "one_step"),
        ("All cats are animals. Tom is a cat. Tom lives here. Tom eats. Is Tom an animal?", "multi_step"),
        (
            "Ann sits left of Bob. Cy is the third. Dan is older than Ann. Eve sits next to Dan. Who is first?",
            "constraints",
        ),
        ("Roads join A and B. What is the shortest walk from A to C?", "search"),
        ("p holds, therefore q. Hence r. Thus s. It follows that t. So we are done.", "proof"),
    ],
)
def test_levels_of_puzzles(text, expected):
    assert level(text, "reasoning") == expected


def test_arguments_and_games_go_by_their_length():
    step = "Because the court held otherwise [12], we conclude that it must follow. "
    levels = [level(step * times, "reasoning", "legal_cases:a#0") for times in (1, 4, 12, 30, 80)]
    assert levels == ["one_step", "multi_step", "constraints", "search", "proof"]
    moves = " ".join(f"{n}. e4 e5" for n in range(1, 30))
    assert level(moves, "reasoning", "game_records:a#0") == "search"
    assert level("1. e4 e5 2. d4 d5", "reasoning", "game_records:a#0") == "multi_step"
    assert level(logic_problems.generate("proof", 1, 0).text, "reasoning") in LEVELS["reasoning"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A dog", "objects"),
        ("A red dog", "attributes"),
        ("Three dogs", "counting"),
        ("A dog behind a fence", "relations"),
        ("A dog sits on grass in sun", "relations"),
        ("Figure 2. Scatter plot of mass as a function of age", "charts"),
        ("<html><body><table><tr><td>1</td></tr></table></body></html>", "charts"),
        ("", "objects"),
    ],
)
def test_levels_of_captions(text, expected):
    assert level(text, "multimodal") == expected


@settings(max_examples=120, deadline=None)
@given(
    st.text(max_size=300),
    st.sampled_from(DOMAINS),
    st.sampled_from(["", "program", "text"]),
    st.sampled_from(["", "go", "de", "zh", "python", "cobol"]),
    st.sampled_from(["s:x", "game_records:x", "arxiv_math:x", "legal_cases:x"]),
)
def test_no_text_makes_it_fail(text, domain, kind, name, source):
    document = Document(text, domain, source, "MIT", meta={"kind": kind, "language": name})
    found, measures = difficulty.measure(document)
    assert found in LEVELS[domain]
    assert (found, measures) == difficulty.measure(document)


@pytest.mark.parametrize("piece", ["(", "{", "if x:\n ", "a ", "1 ", "<", "\\frac{", "x^", "\u4e00", "[1]", "(A 2000"])
def test_long_runs_have_levels(piece):
    for domain in DOMAINS:
        assert level(piece * (40_000 // len(piece)), domain) in LEVELS[domain]
