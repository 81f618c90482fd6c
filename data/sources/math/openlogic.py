"""What the Open Logic Project's own commands print, for sections read apart from its style files.

The Open Logic Text writes formulas as `!A`, terms that a course may rename as `!!{formula}s`, and has commands for its
cross references and notation. Their standard setting, as its configuration documents it, is told here as LaTeX macros.
"""

from __future__ import annotations

import re

_MARKS = re.compile(r"open-logic|\\olfileid|\\olsection|\\olchapter")
_TERM = re.compile(r"!!(\^?)(a?)\{([^{}]{1,80})\}")
_TOKEN = re.compile(r"\\usetoken\s*\{([sSpPaA])\}\s*\{([^{}]{1,80})\}")
_FORMULA = re.compile(r"!([A-HKLORST])")
_GREEK = {
    "A": "varphi", "B": "psi", "C": "chi", "D": "theta", "E": "alpha", "F": "beta", "G": "gamma", "H": "delta",
    "K": "xi", "L": "zeta", "O": "omega", "R": "rho", "S": "sigma", "T": "tau",
}  # fmt: skip
_IRREGULAR = {"formula": "formulas", "identity": "identities", "falsity": "falsities", "derivability": "derivabilities"}

MACROS = r"""
\newcommand{\olsection}[2][]{\section{#2}}
\newcommand{\olchapter}[4][]{\chapter{#4}}
\newcommand{\olpart}[3][]{\part{#3}}
\newcommand{\ollabel}[1]{\label{#1}}
\NewDocumentCommand{\olref}{o o o m}{\autoref{#4}}
\NewDocumentCommand{\Olref}{o o o m}{\autoref{#4}}
\newcommand{\iftag}[3]{#2}
\newcommand{\tagitem}[3]{\item #2}
\newcommand{\tagtrue}[1]{}
\newcommand{\tagfalse}[1]{}
\newcommand{\startycommalist}{}
\newcommand{\ycomma}{, }
\newcommand{\lif}{\rightarrow}
\newcommand{\liff}{\leftrightarrow}
\newcommand{\lfalse}{\bot}
\newcommand{\ltrue}{\top}
\NewDocumentCommand{\lforall}{o o}{\forall \IfNoValueTF{#1}{}{#1}\IfNoValueTF{#2}{}{\,#2}}
\NewDocumentCommand{\lexists}{o o}{\exists \IfNoValueTF{#1}{}{#1}\IfNoValueTF{#2}{}{\,#2}}
\NewDocumentCommand{\eq}{t{/} o o}{\IfNoValueTF{#3}{\IfBooleanTF{#1}{\neq}{=}}{#2 \IfBooleanTF{#1}{\neq}{=} #3}}
\NewDocumentCommand{\Sat}{t{/} m m o}{\mathfrak{#2}\IfNoValueTF{#4}{}{,#4} \IfBooleanTF{#1}{\not\models}{\models} #3}
\NewDocumentCommand{\mSat}{t{/} m m o}{\mathfrak{#2}\IfNoValueTF{#4}{}{,#4} \IfBooleanTF{#1}{\nVdash}{\Vdash} #3}
\NewDocumentCommand{\pSat}{t{/} m m}{\mathfrak{#2} \IfBooleanTF{#1}{\not\models}{\models} #3}
\NewDocumentCommand{\Proves}{t{/} o}{\IfBooleanTF{#1}{\nvdash}{\vdash}\IfNoValueTF{#2}{}{_{#2}}}
\NewDocumentCommand{\Entails}{t{/} o}{\IfBooleanTF{#1}{\nvDash}{\models}\IfNoValueTF{#2}{}{_{#2}}}
\NewDocumentCommand{\Value}{m m o}{\mathrm{Val}^{\mathfrak{#2}}\IfNoValueTF{#3}{}{_{#3}}(#1)}
\NewDocumentCommand{\Frm}{o}{\mathrm{Frm}\IfNoValueTF{#1}{}{(\mathcal{#1})}}
\NewDocumentCommand{\Trm}{o}{\mathrm{Trm}\IfNoValueTF{#1}{}{(\mathcal{#1})}}
\NewDocumentCommand{\Sent}{o}{\mathrm{Sent}\IfNoValueTF{#1}{}{(\mathcal{#1})}}
\newcommand{\Sequent}{\Rightarrow}
\newcommand{\Setabs}[2]{\{#1 : #2\}}
\newcommand{\Pow}[1]{\wp(#1)}
\newcommand{\tuple}[1]{\langle #1 \rangle}
\newcommand{\Nat}{\mathbb{N}}
\newcommand{\Int}{\mathbb{Z}}
\newcommand{\PosInt}{\mathbb{Z}^+}
\newcommand{\Real}{\mathbb{R}}
\newcommand{\Rat}{\mathbb{Q}}
\newcommand{\Bin}{\mathbb{B}}
\newcommand{\Struct}[1]{\mathfrak{#1}}
\newcommand{\mModel}[1]{\mathfrak{#1}}
\newcommand{\Lang}[1]{\mathcal{#1}}
\newcommand{\Log}[1]{\mathbf{#1}}
\newcommand{\Th}[1]{\mathbf{#1}}
\newcommand{\Obj}[1]{\mathsf{#1}}
\newcommand{\Atom}[2]{#1(#2)}
\newcommand{\Domain}[1]{|\mathfrak{#1}|}
\newcommand{\Assign}[2]{#1^{\mathfrak{#2}}}
\newcommand{\pAssign}[1]{\mathfrak{#1}}
\newcommand{\Subst}[3]{#1[#2/#3]}
\newcommand{\varAssign}[3]{#1 \sim_{#3} #2}
\newcommand{\Gn}[1]{\ulcorner #1 \urcorner}
\newcommand{\num}[1]{\overline{#1}}
\newcommand{\cardle}[2]{#1 \preceq #2}
\newcommand{\cardeq}[2]{#1 \approx #2}
\newcommand{\cardless}[2]{#1 \prec #2}
\newcommand{\dom}[1]{\operatorname{dom}(#1)}
\newcommand{\ran}[1]{\operatorname{ran}(#1)}
\newcommand{\len}[1]{\operatorname{len}(#1)}
\newcommand{\funimage}[2]{#1[#2]}
\newcommand{\funrestrictionto}[2]{#1{\upharpoonright}_{#2}}
\newcommand{\comp}[2]{#2 \circ #1}
\newcommand{\True}{\ensuremath{\mathbb{T}}}
\newcommand{\False}{\ensuremath{\mathbb{F}}}
\newcommand{\Ax}[1]{\textnormal{#1}}
\newcommand{\MP}{\textnormal{MP}}
\newcommand{\Nec}{\textnormal{Nec}}
\newcommand{\RK}{\textnormal{RK}}
\newcommand{\PL}{\textnormal{PL}}
\newcommand{\Taut}{\textnormal{Taut}}
\newcommand{\Dual}{\textnormal{Dual}}
\newcommand{\TAss}{\textnormal{Assumption}}
\newcommand{\FalseInt}{\ensuremath{\bot_I}}
\newcommand{\FalseCl}{\ensuremath{\bot_C}}
\newcommand{\Weakening}{\textnormal{W}}
\newcommand{\Contraction}{\textnormal{C}}
\newcommand{\Exchange}{\textnormal{X}}
\newcommand{\Cut}{\textnormal{Cut}}
\NewDocumentCommand{\Intro}{m o}{\ensuremath{{#1}\mathrm{Intro}}}
\NewDocumentCommand{\Elim}{m o}{\ensuremath{{#1}\mathrm{Elim}}}
\newcommand{\Discharge}[2]{[#1]^{#2}}
\newcommand{\fn}[1]{\operatorname{#1}}
\newcommand{\TrueA}{\ensuremath{\mathbb{T}}}
\newcommand{\FalseA}{\ensuremath{\mathbb{F}}}
\newcommand{\QR}{\textnormal{QR}}
\newcommand{\defiff}{\Leftrightarrow}
\newcommand{\concat}{\frown}
\newcommand{\tsub}{\mathbin{\dot{-}}}
\newcommand{\bexists}[2]{(\exists #1)\,#2}
\newcommand{\bforall}[2]{(\forall #1)\,#2}
\NewDocumentCommand{\Prf}{o}{\operatorname{Prf}\IfNoValueTF{#1}{}{_{#1}}}
\newcommand{\OProv}{\mathsf{Prov}}
\newcommand{\OCon}{\mathsf{Con}}
"""


def applies(source: str) -> bool:
    """Whether a source is of the Open Logic Text."""
    return _MARKS.search(source) is not None


def plain(source: str) -> str:
    """The source with its terms and formula letters as they are printed."""
    source = _TOKEN.sub(_token, _TERM.sub(_term, source))
    return _FORMULA.sub(lambda match: f"\\{_GREEK[match.group(1)]} ", source)


def _term(match: re.Match[str]) -> str:
    capital, article, term = match.groups()
    text = f"{_article(term)} {term}" if article else term
    return text[:1].upper() + text[1:] if capital else text


def _article(term: str) -> str:
    return "an" if term[:1].lower() in "aeiou" else "a"


def _token(match: re.Match[str]) -> str:
    form, term = match.groups()
    if form.lower() == "p":
        term = _IRREGULAR.get(term, f"{term}s")
    elif form.lower() == "a":
        term = f"{_article(term)} {term}"
    return term[:1].upper() + term[1:] if form.isupper() else term
