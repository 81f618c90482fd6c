"""LaTeX as text: macros, structure, mathematics, references, and sources that mean harm."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.formats import latex, latex_macros, latex_scan, latex_tree


def expand(source):
    expander = latex_macros.Expander(latex_macros.Macros())
    return latex_scan.join(expander.expand(latex_scan.tokens(source)))


def text_of(source, **files):
    return latex.read(source, lambda name: files.get(name.removesuffix(".tex").replace("/", "_"))).text


def test_macros_are_expanded_with_their_arguments():
    source = r"\newcommand{\R}{\mathbb{R}}\newcommand*{\p}[2][x]{#1^{#2}}\def\q#1{\p{#1}}\let\S=\R"
    assert expand(source + r"$\R n, \p{3}, \p[y]3, \q{7}, \S$") == r"$\mathbb{R}n, x^{3}, y^{3}, x^{7}, \mathbb{R}$"


def test_operators_and_paired_delimiters():
    source = r"\DeclareMathOperator*{\E}{ess\,sup}\DeclarePairedDelimiter{\abs}{\lvert}{\rvert}"
    assert expand(source + r"\E_x \abs{y}") == r"\operatorname*{ess\,sup}_x \lvert y \rvert"
    assert expand(source + r"\abs*{\frac12}") == r"\left\lvert \frac12 \right\rvert"


def test_xparse_commands_with_optional_arguments_and_tests():
    source = r"\NewDocumentCommand{\all}{o m}{\forall \IfNoValueTF{#1}{}{#1}.\,#2}"
    assert expand(source + r"\all[x]{P}|\all{Q}") == r"\forall x.\,P|\forall .\,Q"


def test_a_macro_in_its_own_argument_is_expanded_and_one_in_its_own_body_is_not():
    assert expand(r"\newcommand{\b}[1]{(#1)}\b{\b{\b{x}}}") == "(((x)))"
    assert expand(r"\def\loop@{\loop@ a}\loop@") == r"\loop@ a"


def test_conditionals_of_the_document_and_iffalse():
    source = r"\newif\iflong\longtrue a\iflong b\else c\fi\iffalse d \iflong e\fi f\fi g\longfalse\iflong h\else i\fi"
    assert expand(source).replace(" ", "") == "abgi"


def test_macros_that_program_stay_as_they_are_written():
    assert expand(r"\newcommand{\x}{\expandafter\y}\x") == r"\x"


def test_exponential_macros_stop_at_the_budget():
    names = "abcdefghijklmnopqrstuvwxyz"
    bomb = "".join(rf"\def\m{a}{{\m{b}\m{b}\m{b}\m{b}}}" for a, b in zip(names, names[1:], strict=False))
    assert len(expand(bomb + r"\ma")) < 3_000_000


def test_comments_verbatim_and_code():
    read = latex.read(
        "A 50\\% share% gone\n of \\verb|% kept $x$|.\n% a line\n"
        "\\begin{verbatim}\n\\def\\x{1} % code\n\\end{verbatim}\n"
        "\\begin{comment}gone\\end{comment}End."
    )
    assert read.text == "A 50% shareof `% kept $x$`.\n\n```\n\\def\\x{1} % code\n```\n\nEnd."


PAPER = r"""
\documentclass{amsart}
\usepackage[utf8]{inputenc}
\newtheorem{thm}{Theorem}\newtheorem{lem}[thm]{Lemma}
\newcommand{\N}{\mathbb{N}}
\title{On \emph{small} things\thanks{Thanked.}}
\author{Ana P\'erez \and J\"org M\"uller\\University of X}
\begin{document}
\maketitle
\begin{abstract}We count $\N$.\end{abstract}
\section{Start}\label{sec:start}
See \cite{knuth,euler} and~\cite{euler}. By Theorem~\ref{thm:main} and \eqref{eq:one}:
\begin{equation}\label{eq:one}
  a = b \nonumber
\end{equation}
\begin{lem}[Key] First. \end{lem}
\begin{thm}\label{thm:main} Every $n \in \N$ is $$n = n.$$ \end{thm}
\begin{proof} Clear, see Section~\ref{sec:start}. \end{proof}
\begin{figure}\includegraphics{x}\caption{No}\end{figure}
\subsection*{Lists}
\begin{enumerate}\item one\begin{itemize}\item inner\end{itemize}\item[(b)] two\end{enumerate}
\begin{tabular}{ll} a & b \\ \hline c & d \end{tabular}
\begin{thebibliography}{9}\bibitem{knuth} K.\end{thebibliography}
\end{document}
junk
"""


def test_a_whole_paper():
    read = latex.read(PAPER)
    assert (read.title, read.authors, read.is_root) == ("On small things", ("Ana Pérez", "Jörg Müller"), True)
    assert read.text == (
        "# On small things\n\n## Abstract\n\nWe count $\\mathbb{N}$.\n\n## 1 Start\n\n"
        "See [1, 2] and [2]. By Theorem 2 and (1):\n"
        "\\begin{equation}\n\\tag{1}\na = b\n\\end{equation}\n\n**Lemma 1** (Key). First.\n\n"
        "**Theorem 2**. Every $n \\in \\mathbb{N}$ is\n\\[\nn = n.\n\\]\n\n*Proof.* Clear, see Section 1. ∎\n\n"
        "### Lists\n\n1. one\n  - inner\n- (b) two\n\na | b\nc | d"
    )


def test_parts_are_put_in_and_cycles_left_out():
    files = {"sec_one": r"\section{One}\input{sec/two}", "sec_two": r"two \input{sec/one} done", "two": "wrong"}
    read = latex.read(
        r"Start. \include{sec/one} \input{nowhere} End.",
        lambda name: files.get(name.removesuffix(".tex").replace("/", "_")),
    )
    assert read.text == "Start.\n\n## 1 One\n\ntwo done\n\nEnd."
    assert read.parts == ("sec/one.tex", "sec/two.tex") and read.missing == ("nowhere",)


def test_subfiles_and_import_and_endinput():
    files = {
        "ch_a": r"\documentclass[../m]{subfiles}\begin{document}Body of a. \import{inner/}{b}\end{document}x",
        "inner_b": r"Body of b.\endinput not this",
    }
    assert text_of(r"\begin{document}\subfile{ch/a}\end{document}", **files) == "Body of a. Body of b."


def test_macros_of_the_packages_own_styles_are_known():
    files = {"my.sty": r"\newcommand{\Hom}{\operatorname{Hom}}"}
    source = r"\documentclass{article}\usepackage{amsmath,my}\begin{document}$\Hom(a,b)$ here\end{document}"
    assert latex.read(source, files.get).text == r"$\operatorname{Hom}(a,b)$ here"


def test_deep_nesting_and_unclosed_things_end():
    for source in (
        "{" * 50_000 + "x",
        "$" * 20_001,
        r"\begin{equation}" * 3000,
        r"\begin{a}" * 5000,
        "\\[" * 20_000,
        r"\footnote{" * 3000,
        r"\section{" * 3000,
        "\\",
        r"\begin",
        r"\newcommand",
        r"\def\x#1",
        r"\newcommand{\x}[9]{#1}\x",
        r"\end{document}",
        r"\item" * 2000,
        r"\begin{verbatim}" * 3000,
        r"\cite{" + "a," * 50_000 + "}",
    ):
        assert len(latex.read(source).text) <= 2 * len(source) + 100


def test_candidates_never_leave_what_they_are_given():
    assert latex_tree.candidates("../x", "a/b") == ["../x.tex", "../x.ltx", "../x", "a/x.tex", "a/x.ltx", "a/x"]


def test_encodings_as_declared():
    data = r"\usepackage[latin1]{inputenc} café".encode("latin-1")
    assert latex_scan.decode(data).endswith("café")
    assert latex_scan.declared_encoding(rb"\usepackage[utf8]{inputenc}") is None


PIECES = st.sampled_from(
    [
        "\\",
        "{",
        "}",
        "$",
        "$$",
        "[",
        "]",
        "%",
        "\n\n",
        " ",
        "x",
        "#1",
        "&",
        "~",
        "^",
        "\\[",
        "\\]",
        "\\begin{",
        "\\end{",
        "equation}",
        "proof}",
        "verbatim}",
        "\\item",
        "\\newcommand",
        "\\def",
        "\\let",
        "\\a",
        "\\ref{",
        "\\cite{",
        "\\label{",
        "\\section",
        "*",
        "\\input{a}",
        "\\verb|",
        "\\footnote{",
        "\\newenvironment",
        "\\fi",
        "\\iffalse",
        "\\NewDocumentCommand",
        "\\'",
        "\ue000",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200))
@example("\\'\\verb|\\verb|")
@settings(max_examples=60, deadline=None)
def test_any_source_is_read(source):
    read = latex.read(source, {"a.tex": source}.get, definitions=source)
    assert "\ue000" not in read.text and "\ue008" not in read.text
