"""The five mathematics sources that are read from files."""

from __future__ import annotations

from data.formats import rows
from data.sources.math import arxiv, competition, coq, isabelle, lean, metamath, pretext, textbooks, wolfram
from data.sources.source import Reader, SourceInfo

_TEX = ("*.tex", "*.ltx", "*.latex")
_ARCHIVES = ("*.tar", "*.tgz", "*.zip")
# As arXiv names its packages, the suffix of compression apart: 1911.02782, 1911.02782v2, math0309136.
_ARXIV_IDS = (
    "[0-9][0-9][0-9][0-9].[0-9][0-9][0-9][0-9]*",
    "[a-z]*[0-9][0-9][0-9][0-9][0-9][0-9][0-9]",
    "[a-z]*[0-9][0-9][0-9][0-9][0-9][0-9][0-9]v[0-9]*",
    "[0-9][0-9][0-9][0-9][0-9][0-9][0-9]",
)
_BESIDES_TEX = tuple(
    (
        "*.sty *.cls *.bib *.bbl *.bst *.png *.pdf *.eps *.ps *.jpg *.jpeg *.svg *.def *.tikz *.css *.js *.yml "
        "*.yaml *.json makefile license* licence* copying* readme* .git* *.txt *.html *.gif *.asy *.py *.sh *.ind "
        "*.idx *.gls *.toc *.aux *.cfg"
    ).split()
)
_BESIDES_PROOFS = tuple(
    (
        "license* licence* copying* readme* *.md *.toml *.json *.yml *.yaml .git* root roots *.txt makefile* "
        "*.bib *.tex lean-toolchain *.html _coqproject dune* *.opam *.glob *.sty *.png"
    ).split()
)

SOURCES: tuple[SourceInfo, ...] = (
    SourceInfo(
        name=arxiv.NAME,
        domain="math",
        format="arXiv source packages (.gz, .tar.gz), dumps of them (.tar), trees of LaTeX",
        licence="per paper",
        where="arXiv e-prints, https://info.arxiv.org/help/bulk_data.html",
        size_hint="about 3 TB of sources for all fields, mathematics about a fifth",
        profile="math",
        readers=(
            Reader((*_ARCHIVES, *_ARXIV_IDS), arxiv.read),
            Reader(_TEX, arxiv.read, roots=arxiv.roots),
        ),
        companions=_BESIDES_TEX,
    ),
    SourceInfo(
        name=textbooks.NAME,
        domain="math",
        format="LaTeX chapters, Markdown chapters, PreTeXt XML",
        licence="per book",
        where="open textbooks, from school to graduate level: Open Logic, HoTT, PreTeXt catalogue, OpenStax and others",
        size_hint="about 1 GB",
        profile="math",
        readers=(
            Reader(_TEX, textbooks.read_latex),
            Reader(("*.md", "*.markdown", "*.mdx"), textbooks.read_markdown),
            Reader(("*.ptx", "*.xml", "*.mbx"), pretext.read),
        ),
        companions=(*_BESIDES_TEX, "*.xsl", "*.rng", "*.rnc", "*.dtd"),
    ),
    SourceInfo(
        name="proof_databases",
        domain="math",
        format="Lean 4, Coq, Isabelle theories, Metamath databases",
        licence="per library",
        where="mathlib and Lean projects, the Coq standard library, the Archive of Formal Proofs, set.mm, miniF2F",
        size_hint="about 1 GB",
        profile="proofs",
        templated=True,
        readers=(
            Reader(("*.lean",), lean.read),
            Reader(("*.v",), coq.read),
            Reader(("*.thy",), isabelle.read),
            Reader(("*.mm",), metamath.read),
        ),
        companions=_BESIDES_PROOFS,
    ),
    SourceInfo(
        name=competition.NAME,
        domain="math",
        format="JSONL, JSON, Parquet or CSV of problems with solutions or answers (MATH, GSM8K, IMO-Bench)",
        licence="per collection",
        where="hendrycks/math, openai/grade-school-math, google-deepmind/superhuman and others",
        size_hint="about 1 GB",
        profile="math_qa",
        templated=True,
        readers=(
            Reader(("*.jsonl", "*.ndjson"), competition.read, ranges=True),
            Reader(tuple(sorted(set(rows.PATTERNS) - {"*.jsonl", "*.ndjson"})), competition.read),
        ),
        companions=("license*", "licence*", "readme*", ".git*", "*.md", "*.txt", "*.py", "dataset_infos.json"),
    ),
    SourceInfo(
        name=wolfram.NAME,
        domain="math",
        format="Wolfram Language lists (Rubi), sympy test files, mathematics_dataset text",
        licence="MIT, BSD-3-Clause, Apache-2.0, per format",
        where="RuleBasedIntegration/MathematicaSyntaxTestSuite, sympy/sympy, google-deepmind/mathematics_dataset",
        size_hint="70,000 integrals; 2 million questions a module of mathematics_dataset",
        profile="math_qa",
        templated=True,
        readers=(
            Reader(("*.m", "*.wl"), wolfram.read),
            Reader(("*__*.txt",), wolfram.read),
            Reader(("*.py",), wolfram.read),
            Reader(_ARCHIVES, wolfram.read),
        ),
        companions=("license*", "licence*", "readme*", ".git*", "*.md", "*.pdf", "*.nb", "__init__.py"),
    ),
)
