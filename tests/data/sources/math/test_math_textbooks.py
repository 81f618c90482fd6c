"""Textbook chapters: LaTeX with shared macros, the Open Logic Text, Markdown, PreTeXt."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.sources.math import openlogic, pretext, textbooks

PROSE = "A group is a set together with an operation that is associative and has inverses for all of its elements. " * 3


def test_chapters_know_the_macros_beside_and_above_them(make_input, sort_items):
    make_input("book/macros.tex", b"\\newcommand{\\Z}{\\mathbb{Z}}\n\\newcommand{\\lift}[1]{\\tilde{#1}}")
    make_input("book/part/preamble.tex", b"\\DeclareMathOperator{\\ord}{ord}")
    chapter = f"\\chapter{{Groups}}\n{PROSE}\nHere $\\ord(\\lift{{g}}) \\in \\Z$.\n\\input{{other}}\n"
    out = sort_items(textbooks.read_latex(make_input("book/part/groups.tex", chapter.encode())))
    (document,) = out.documents
    assert document.text == f"# 1 Groups\n\n{PROSE}Here $\\operatorname{{ord}}(\\tilde{{g}}) \\in \\mathbb{{Z}}$."
    assert document.meta == {"title": "Groups", "format": "latex"}
    assert document.source == "textbooks_k12_grad:book/part/groups.tex#0"


def test_macro_files_and_drivers_are_skipped(make_input, sort_items):
    macros = make_input("macros.tex", b"\\newcommand{\\Z}{\\mathbb{Z}}\n" * 30)
    driver = "\\documentclass{book}\\title{B}\\begin{document}" + "\\include{chapter}\n" * 100 + "\\end{document}"
    for file in (macros, make_input("main.tex", driver.encode())):
        assert sort_items(textbooks.read_latex(file)).reasons == {"no_prose": 1}
    assert sort_items(textbooks.read_latex(make_input("e.tex", b"\n"))).reasons == {"empty": 1}


def test_the_preamble_of_the_root_that_a_chapter_names(make_input, sort_items):
    make_input("book.tex", b"\\documentclass{book}\\newcommand{\\N}{\\mathbb{N}}\\begin{document}x\\end{document}")
    for head in ("% !TeX root = ../book.tex\n", "\\documentclass[../book]{subfiles}\n\\begin{document}\n"):
        chapter = make_input("ch/one.tex", f"{head}{PROSE} Then $\\N$.".encode())
        assert "$\\mathbb{N}$" in sort_items(textbooks.read_latex(chapter)).documents[0].text


def test_open_logic_terms_and_notation(make_input, sort_items):
    source = (
        "\\documentclass[../include/open-logic-section]{subfiles}\\begin{document}\\olfileid{a}{b}{c}\n"
        "\\olsection{\\usetoken{P}{derivation}}\n" + PROSE + "!!^a{element} of !!a{formula}~$!A \\lif !B$, "
        "$\\lforall[x][!A(x)]$ and \\olref[x]{sec}. \\iftag{prvBox}{Yes.}{No.}\\end{document}"
    )
    document = sort_items(textbooks.read_latex(make_input("c.tex", source.encode()))).documents[0]
    assert document.text == (
        f"## 1 Derivations\n\n{PROSE}An element of a formula $\\varphi \\rightarrow\\psi$, $\\forall x\\,\\varphi (x)$"
        " and [sec]. Yes."
    )
    assert openlogic.applies(source) and not openlogic.applies(PROSE)


def test_markdown_front_matter_and_comments(make_input, sort_items):
    source = f'---\ntitle: "Limits"\nauthor: A. B., C. D.\n---\n<!-- note\n -->\n{PROSE}\n\n\n\n$$x$$\n<!-- open'
    document = sort_items(textbooks.read_markdown(make_input("limits.md", source.encode()))).documents[0]
    assert document.text == f"# Limits\n\n{PROSE}\n\n$$x$$\n<!-- open"
    assert document.meta == {"title": "Limits", "format": "markdown", "authors": ["A. B.", "C. D."]}
    assert sort_items(textbooks.read_markdown(make_input("s.md", b"# Short"))).reasons == {"no_prose": 1}


BOOK = """<?xml version="1.0"?>
<pretext xmlns:xi="http://www.w3.org/2001/XInclude">
  <docinfo><macros>\\newcommand{\\R}{\\mathbb{R}}</macros></docinfo>
  <book xml:id="b"><title>Calculus</title>
  <chapter xml:id="c"><title>Limits of <m>f</m></title>
    <introduction><p>PROSE</p></introduction>
    <section><title>First</title>
      <p>Let <m>x \\in \\R</m> be <em>small</em>, see <xref ref="thm-a"/><fn>Or not.</fn>
        <md><mrow>a \\amp = b</mrow><mrow>c \\amp = d</mrow></md> Then:
        <ol><li><p>one</p></li><li>two</li></ol></p>
      <theorem xml:id="thm-a"><title>Key</title><statement><p>All is <c>well</c>.</p></statement>
        <proof><p>Clear.</p></proof></theorem>
      <exercise><statement><p>Find <m>y</m>.</p></statement><answer><p>3</p></answer></exercise>
      <figure><caption>A picture</caption><image source="x.png"/></figure>
    </section>
    <xi:include href="other.ptx"/>
  </chapter>
  <chapter><title>Short</title><p>Little.</p></chapter></book>
</pretext>""".replace("PROSE", PROSE)


def test_pretext_chapters(make_input, sort_items):
    out = sort_items(pretext.read(make_input("book.ptx", BOOK.encode())))
    (document,) = out.documents
    assert document.text == (
        f"# Limits of $f$\n\n{PROSE.strip()}\n\n## First\n\nLet $x \\in \\mathbb{{R}}$ be *small*, "
        f"see [thm-a] (Or not.)\n"
        "\\begin{align*}\na \\amp = b \\\\\nc \\amp = d\n\\end{align*}\nThen:\n\n1. one\n2. two\n\n"
        "**Theorem** (Key). All is `well`.\n\n"
        "*Proof.* Clear. ∎\n\n**Exercise**. Find $y$.\n\n**Answer**. 3\n\nA picture"
    )
    assert document.meta == {"title": "Limits of $f$", "format": "pretext", "book": "Calculus"}
    assert out.reasons == {"no_prose": 1}


def test_hostile_and_foreign_xml(make_input, sort_items):
    bomb = b'<!DOCTYPE a [<!ENTITY x "y">]><chapter>&x;</chapter>'
    assert sort_items(pretext.read(make_input("a.xml", bomb))).reasons == {"entities": 1}
    assert sort_items(pretext.read(make_input("b.xml", b"<chapter><p>"))).reasons == {"malformed": 1}
    assert sort_items(pretext.read(make_input("c.xml", b"<html/>"))).reasons == {"not_pretext": 1}
    assert sort_items(pretext.read(make_input("d.xml", b""))).reasons == {"empty": 1}
    assert sort_items(textbooks.read_latex(make_input("e.tex", b"\xff\xfe\xff" * 9))).quarantined
    assert sort_items(textbooks.read_markdown(make_input("f.md", b"a\x00b"))).reasons == {"binary": 1}


@given(st.binary(max_size=200), st.integers(0, 3000))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_accounted_for(scratch, sort_items, noise, place):
    place %= len(BOOK)
    broken = BOOK.encode()[:place] + noise + BOOK.encode()[place:]
    for name, read in (("x.ptx", pretext.read), ("x.tex", textbooks.read_latex), ("x.md", textbooks.read_markdown)):
        for data in (noise, broken):
            out = sort_items(read(scratch(name, data)))
            assert out.documents or out.skipped or out.quarantined


def test_real_samples(samples, input_files, sort_items):
    files = [file for file in input_files(samples("math/textbooks_k12_grad")) if file.name.endswith(".tex")]
    documents = []
    for file in files:
        out = sort_items(textbooks.read_latex(file))
        assert not out.quarantined
        documents += out.documents
    assert len(documents) >= len(files) - 4
    for document in documents:
        assert document.meta["title"] or document.text.count("\\AxiomC")
        for left in ("\\begin{document}", "\\olsection", "!!{", "\\newcommand", "\\index{", "\\label{"):
            assert left not in document.text, (document.source, left)
    assert any("∎" in document.text for document in documents)
