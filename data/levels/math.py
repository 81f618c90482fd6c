"""The difficulty of mathematics, by what a text works with."""

from __future__ import annotations

import collections
import re

from data.document import Document

DEFINITION = (
    "research: an arXiv source, or at least RESEARCH_TERMS different terms of graduate mathematics (cohomology, "
    "manifold, "
    "functor, ...) that make up RESEARCH_SHARE of all words. "
    "proofs: a formal proof (Lean, Coq, Isabelle, Metamath), or at least PROOF_MARKS places that state or prove a "
    "general "
    "statement (theorem, lemma, `Proof.`, prove that, Q.E.D.), twice as many where the text is longer than "
    "PROOF_WORDS words. "
    "calculus: an integral, derivative, limit, infinite series or differential equation. "
    "algebra: an unknown, a power or function of one, an equation, or a word of algebra, geometry or combinatorics. "
    "arithmetic: the rest, numbers only. The first that holds is the level; of long texts the first "
    "MEASURED_CHARACTERS are "
    "looked at. Generated problems are given their level by the template that made them: proofs there are general "
    "statements "
    "with each step checked, research is number theory, matrices, series and counting."
)

RESEARCH_TERMS = 3
RESEARCH_SHARE = 0.004
PROOF_MARKS = 1
PROOF_WORDS = 400
MEASURED_CHARACTERS = 1 << 18

_FORMAL = frozenset(("lean", "lean4", "lean3", "coq", "rocq", "isabelle", "metamath", "agda", "hol", "mizar"))
_GRADUATE_WORDS = frozenset(
    "homology cohomology homological manifold manifolds functor functors sheaf sheaves homotopy homotopies homotopic "
    "morphism "
    "morphisms topos toposes fibration fibrations bundle bundles scheme schemes moduli zariski galois étale etale "
    "motive motivic "
    "noetherian ergodic martingale martingales semigroup semigroups pseudodifferential univalence forcing ultrafilter "
    "ultrafilters ordinal ordinals entropy symplectic kähler automorphic groupoid groupoids monad monads sobolev "
    "besov banach "
    "hilbert carleson curvature adjoint adjunction colimit colimits simplicial cobordism grassmannian isogeny "
    "submanifold "
    "diffeomorphism riemannian unitary hausdorff borel lebesgue holomorphic meromorphic cardinality categorical".split()
)
_GRADUATE_COMMANDS = frozenset("mathfrak mathscr twoheadrightarrow hookrightarrow Spec Hom Ext Tor".split())
_GRADUATE_PHRASES = (
    "spectral sequence", "lie algebra", "lie group", "category theory", "haar measure", "elliptic curve",
    "modular form", "l-function", "tensor product", "higher inductive", "operator norm", "ideal class",
    "algebraic variety", "large cardinal",
)  # fmt: skip
_PROOF_COMMANDS = frozenset(("qed", "qedhere"))
_PROOF_PHRASES = (
    "prove that", "show that", "proves that", "shows that", "deduce that", "verify that", "we prove", "we claim",
    "by induction", "by contradiction", "without loss of generality", "if and only if", "as desired", "as required",
    "as claimed", "q.e.d", "\u220e",
)  # fmt: skip
_PROOF_HEAD = re.compile(
    r"\\begin\s?\{(?:theorem|lemma|proposition|corollary|proof|thm|lem|prop|cor|claim)\*?\}"
    r"|^[\W_]{0,4}(?:theorem|lemma|proposition|corollary|proof|claim)\b[^\n]{0,60}?[.:(\d]",
    re.IGNORECASE | re.MULTILINE,
)
_CALCULUS_WORDS = frozenset(
    "derivative derivatives differentiate differentiating differentiation differentiable integral integrals integrate "
    "integrates "
    "integrating integration integrand antiderivative antiderivatives taylor maclaurin calculus dsolve ode pde lim dx "
    "dy dt "
    "ddx dydx".split()
)
_CALCULUS_COMMANDS = frozenset(("int", "iint", "iiint", "oint", "lim", "limsup", "liminf", "partial", "nabla", "infty"))
_CALCULUS_PHRASES = (
    "differential equation",
    "rate of change",
    "slope of the tangent",
    "as n approaches",
    "limit of",
    "limit as",
)
_CALCULUS_SIGNS = re.compile(
    r"[\u222b-\u2233\u2202\u2207]|\bd[a-z]\s?/\s?d[a-z]\b|(?<![A-Za-z])[fgyu]'{1,3}\s?[(=]|\b(?:Integrate|D|Limit)\["
)
_ALGEBRA_WORDS = frozenset(
    "polynomial polynomials equation equations quadratic factorise factorize roots root unknown unknowns variable "
    "variables inequality inequalities simplify expand matrix matrices logarithm logarithms triangle triangles circle "
    "circles "
    "angle angles perpendicular parallel sequence sequences modulo modulus congruent vector vectors prime primes "
    "permutation permutations subset subsets polygon coordinates graph function functions".split()
)
_ALGEBRA_COMMANDS = frozenset(
    ("sqrt", "sin", "cos", "tan", "log", "ln", "binom", "bmod", "pmod", "triangle", "angle", "sum")
)
_ALGEBRA_SIGNS = re.compile(
    r"(?<![A-Za-z\\])[a-zA-Z](?:\s?\^\s?\{?-?[\da-z]|\*\*\d|\s?[+*/=<>\u2264\u2265]\s?[\da-zA-Z(\\-](?![a-zA-Z]{2})|\s-\s\d)"
    r"|(?<![A-Za-z\d])\d{1,9}\s?\*?\s?(?!x\s?[$\d(])[b-hj-z](?![A-Za-z.'\u2019])|(?<![A-Za-z])[fghpq]\([a-z]\)"
    r"|\$\\?[a-zA-Z](?:_\w{1,3})?\$"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_FENCE = re.compile(r"^```[^\n]*$", re.MULTILINE)


def measures(document: Document) -> dict[str, int]:
    """How many marks of each level a text has; `formal` and `arxiv` are 0 or 1."""
    text = _FENCE.sub("", document.text[:MEASURED_CHARACTERS])
    lowered = text.lower()
    words = collections.Counter(_WORD.findall(lowered))
    commands = collections.Counter(_COMMAND.findall(text))

    def count(known: frozenset[str], known_commands: frozenset[str], phrases: tuple[str, ...]) -> int:
        found = sum(number for word, number in words.items() if word in known)
        found += sum(number for command, number in commands.items() if command in known_commands)
        return found + sum(map(lowered.count, phrases))

    graduate = {*_GRADUATE_WORDS & words.keys(), *_GRADUATE_COMMANDS & commands.keys()}
    graduate |= {phrase for phrase in _GRADUATE_PHRASES if phrase in lowered}
    return {
        "words": words.total(),
        "arxiv": int(document.source.split(":", 1)[0].startswith("arxiv")),
        "formal": int(str(document.meta.get("language") or "").lower() in _FORMAL),
        "graduate_terms": len(graduate),
        "graduate_places": count(_GRADUATE_WORDS, _GRADUATE_COMMANDS, _GRADUATE_PHRASES),
        "proof": count(frozenset(), _PROOF_COMMANDS, _PROOF_PHRASES) + len(_PROOF_HEAD.findall(text)),
        "calculus": count(_CALCULUS_WORDS, _CALCULUS_COMMANDS, _CALCULUS_PHRASES) + len(_CALCULUS_SIGNS.findall(text)),
        "algebra": count(_ALGEBRA_WORDS, _ALGEBRA_COMMANDS, ()) + len(_ALGEBRA_SIGNS.findall(text)),
    }


def level(counts: dict[str, int]) -> str:
    """Level of a mathematical document from `measures`."""
    enough = (
        counts["graduate_terms"] >= RESEARCH_TERMS and counts["graduate_places"] >= RESEARCH_SHARE * counts["words"]
    )
    if counts["arxiv"] or enough:
        return "research"
    if counts["formal"] or counts["proof"] >= PROOF_MARKS * (1 if counts["words"] <= PROOF_WORDS else 2):
        return "proofs"
    if counts["calculus"]:
        return "calculus"
    return "algebra" if counts["algebra"] else "arithmetic"


def measure(document: Document) -> tuple[str, dict[str, int]]:
    """(level, measures) of a mathematical document."""
    counts = measures(document)
    return level(counts), counts
