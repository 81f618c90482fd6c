"""What LaTeX's commands and environments mean to a reader of text: which arguments are shown, and between what.

An argument pattern is a string of `s` (a star), `o` (an optional argument), `p` (one in parentheses) and `m` (a
mandatory one), each consumed and not shown.
"""

from __future__ import annotations

# Shown: pattern of what is skipped, then the next group is printed between prefix and suffix.
SHOWN: dict[str, tuple[str, str, str]] = {
    **{f"\\{name}": ("", "", "") for name in (
        "emph textbf textit textsl textsc textrm textsf textmd textup textnormal text mbox hbox underline uline "
        "centerline leftline rightline MakeUppercase MakeLowercase uppercase lowercase textsuperscript textsubscript "
        "mathrm enquote sout alert term define nouppercase textpdf centering textlf ensuretext textquote"
    ).split()},
    "\\texttt": ("", "`", "`"),
    "\\code": ("", "`", "`"),
    "\\path": ("", "", ""),
    "\\lstinline": ("o", "`", "`"),
    "\\mintinline": ("om", "`", "`"),
    "\\url": ("", "", ""),
    "\\nolinkurl": ("", "", ""),
    "\\href": ("om", "", ""),
    "\\hyperref": ("o", "", ""),
    "\\hyperlink": ("m", "", ""),
    "\\hypertarget": ("m", "", ""),
    "\\footnote": ("o", " (", ")"),
    "\\footnotetext": ("o", " (", ")"),
    "\\textcolor": ("om", "", ""),
    "\\colorbox": ("om", "", ""),
    "\\fbox": ("", "", ""),
    "\\framebox": ("oo", "", ""),
    "\\makebox": ("oo", "", ""),
    "\\parbox": ("ooom", "", ""),
    "\\raisebox": ("moo", "", ""),
    "\\scalebox": ("mo", "", ""),
    "\\resizebox": ("smm", "", ""),
    "\\rotatebox": ("om", "", ""),
    "\\multicolumn": ("mm", "", ""),
    "\\multirow": ("omom", "", ""),
    "\\caption": ("so", "\n\nCaption: ", "\n\n"),
    "\\captionof": ("smo", "\n\nCaption: ", "\n\n"),
    "\\texorpdfstring": ("", "", ""),
    "\\part": ("so", "", ""),
    "\\foreignlanguage": ("m", "", ""),
    "\\textlatin": ("", "", ""),
    "\\subtitle": ("o", "\n\n", "\n\n"),
    "\\dedicatory": ("", "\n\n", "\n\n"),
}  # fmt: skip

# Not shown, with their arguments.
DROPPED: dict[str, str] = {f"\\{name}": pattern for pattern, names in {
    "": (
        "maketitle tableofcontents listoffigures listoftables newpage clearpage cleardoublepage pagebreak par noindent "
        "indent bigskip medskip smallskip bigbreak medbreak smallbreak hfill vfill hrule hline toprule midrule "
        "bottomrule centering raggedright raggedleft appendix frontmatter mainmatter backmatter normalfont bfseries "
        "itshape scshape upshape slshape mdseries rmfamily sffamily ttfamily bf it rm sf sc tt sl em tiny scriptsize "
        "footnotesize small normalsize large Large LARGE huge Huge relax protect ignorespaces unskip xspace qed "
        "qedhere printindex makeindex phantomsection allowdisplaybreaks sloppy fussy leavevmode null strut quad qquad "
        "singlespacing doublespacing onehalfspacing flushbottom raggedbottom newline linebreak nolinebreak "
        "nopagebreak goodbreak break allowbreak filbreak maketitlepage twocolumn onecolumn balance today makeatletter "
        "makeatother selectfont begingroup endgroup bgroup egroup sectionNotes leanok notready printbibliography "
        "cleartooddpage narrowbreak displaystyle textstyle scriptstyle boldmath unboldmath global long hss hfil vfil "
        "noalign endfirsthead endhead endfoot endlastfoot hbadness vbadness rightskip leftskip baselineskip "
        "OLEndChapterHook OLEndPartHook tagendproof bottomAlignProof shortDeduce ExplSyntaxOn ExplSyntaxOff"
    ),
    "m": (
        "label glsadd vskip hskip pagestyle thispagestyle pagenumbering bibliography bibliographystyle nocite "
        "graphicspath input include includeonly cline cmidrule thanks email address curraddr urladdr keywords date "
        "subjclass MSC PACS pacs todo fixme marginnote color usetikzlibrary hypersetup captionsetup lstset "
        "geometry markright fontsize linespread stepcounter refstepcounter vphantom hphantom phantom "
        "setstretch pagecolor newcounter newlength theoremstyle tikzset pgfplotsset sisetup setlist useunder "
        "addbibresource allowdisplaybreaks lean leanid uses proves discussion mathlibok affil affiliation institute "
        "orcid orcidID ead cortext fntext corref fnref tnoteref tnotetext authornote ccsdesc "
        "received revised accepted preprint sectionmark chaptermark subsectionmark titlerunning authorrunning "
        "shorttitle shortauthors runninghead runningauthor paperid "
        "AtBeginDocument AtEndDocument hyphenation newsavebox usebox"
    ),
    "om": "usepackage RequirePackage documentclass PassOptionsToPackage marginpar todoinline keyword subjclassname",
    "som": "includegraphics includestandalone",
    "sm": "vspace hspace addvspace enlargethispage tag",
    "mm": (
        "setlength addtolength setcounter addtocounter numberwithin newcolumntype definecolorset fontfamily "
        "pdfbookmark hyphenchar counterwithin definetheorem bookmark markboth setbeamertemplate specialsection "
        "allowdisplayhack SetKwInOut newtoggle olfile"
    ),
    "mmm": "addcontentsline definecolor titlespacing olfileid contentsline",
    "omm": "fancyhead titleformatting rule",
}.items() for name in names.split()}  # fmt: skip
DROPPED |= {
    "\\rule": "omm",
    "\\footnotemark": "o",
    "\\pdfbookmark": "omm",
    "\\bookmark": "om",
    "\\tag": "sm",
    "\\cmidrule": "opm",
    "\\allowdisplaybreaks": "o",
    "\\pagebreak": "o",
    "\\linebreak": "o",
    "\\nopagebreak": "o",
    "\\twocolumn": "",
    "\\fancyhead": "om",
    "\\fancyfoot": "om",
    "\\subjclass": "om",
    "\\todo": "om",
    "\\date": "om",
    "\\input": "",
    "\\include": "",
    "\\address": "om",
    "\\affil": "om",
    "\\affiliation": "om",
    "\\email": "om",
    "\\ead": "om",
    "\\cortext": "om",
    "\\cleartooddpage": "o",
    "\\sectionExercises": "",
    "\\hypersetup": "m",
    "\\rowcolor": "om",
    "\\lstdefinelanguage": "omom",
    "\\lstdefinestyle": "mm",
    "\\newtcolorbox": "omoomm",
    "\\mdfdefinestyle": "mm",
    "\\cellcolor": "om",
    "\\columncolor": "om",
    "\\arrayrulecolor": "om",
    "\\rowcolors": "ommm",
    "\\Crefname": "mmm",
    "\\crefname": "mmm",
    "\\DeclareGraphicsExtensions": "m",
}
# Proof trees (bussproofs): kept as LaTeX, for their lines alone would not be a proof.
RAW = {
    f"\\{name}"
    for name in (
        "AxiomC UnaryInfC BinaryInfC TrinaryInfC QuaternaryInfC QuinaryInfC RightLabel LeftLabel DisplayProof DeduceC "
        "noLine solidLine dottedLine doubleLine DischargeRule Axiom UnaryInf BinaryInf TrinaryInf Deduce"
    ).split()
}
CITED = {
    f"\\{name}": "soo"
    for name in (
        "cite citep citet citealp citealt citeauthor citeyear citeyearpar parencite textcite footcite autocite "
        "fullcite supercite Cite Citet Citep Parencite Textcite Autocite citenum citenop shortcite onlinecite"
    ).split()
}
# Commands that point at a label: (what is put before and after the number, whether the kind is named).
REFERENCES: dict[str, tuple[str, str, bool]] = {
    "\\ref": ("", "", False),
    "\\eqref": ("(", ")", False),
    "\\autoref": ("", "", True),
    "\\cref": ("", "", True),
    "\\Cref": ("", "", True),
    "\\vref": ("", "", False),
    "\\nameref": ("", "", True),
    "\\thmref": ("", "", True),
    "\\labelcref": ("", "", False),
    "\\crefrange": ("", "", True),
    "\\pageref": ("", "", False),
    "\\Autoref": ("", "", True),
    "\\fullref": ("", "", True),
}
SECTIONS = {
    "\\part": 0, "\\chapter": 1, "\\section": 2, "\\subsection": 3, "\\subsubsection": 4, "\\paragraph": 5,
    "\\subparagraph": 5,
}  # fmt: skip

MATH = {
    name + star
    for name in (
        "equation align gather multline flalign alignat eqnarray displaymath math dmath dgroup darray IEEEeqnarray "
        "xalignat empheq prooftree"
    ).split()
    for star in ("", "*")
}
INLINE_MATH = {"math"}
LISTS = {"itemize": "-", "enumerate": "1", "description": "", "compactitem": "-", "compactenum": "1", "inparaenum": "1",
         "asparaenum": "1", "trivlist": "", "list": "", "itemize*": "-", "enumerate*": "1", "outline": "-",
         "parts": "1",
         "tasks": "1", "questions": "1", "compactdesc": "", "steps": "1"}  # fmt: skip
DROPPED_ENVIRONMENTS = {
    "figure", "figure*", "wrapfigure", "SCfigure", "subfigure", "tikzpicture", "pgfpicture", "picture", "pspicture",
    "thebibliography", "filecontents", "asy", "CCSXML", "teaserfigure", "overpic", "forest", "axis", "circuitikz",
    "floatingfigure", "sidewaysfigure", "marginfigure", "biblist", "bibdiv", "keywords", "keyword", "IEEEkeywords",
    "tabbing*", "textblock", "titlepage*", "frontmatter*",
}  # fmt: skip
TABLES = {"tabular": "om", "tabular*": "mom", "tabularx": "mom", "longtable": "om", "array": "om", "tabulary": "mom",
          "supertabular": "om", "tblr": "om", "longtabu": "om", "tabu": "om", "xltabular": "mom",
          "derivation": ""}  # fmt: skip
# Arguments of other environments, not shown.
ENVIRONMENT_ARGUMENTS = {
    "minipage": "ooom", "multicols": "m", "table": "o", "table*": "o", "list": "mm", "adjustbox": "om", "spacing": "m",
    "wraptable": "omom", "subequations": "", "otherlanguage": "m", "tcolorbox": "o", "mdframed": "o", "framed": "",
    "enumerate": "o", "itemize": "o", "description": "o", "adjustwidth": "mm", "algorithmic": "o", "algorithm": "o",
    "center": "", "flushleft": "", "flushright": "", "quote": "", "quotation": "", "verse": "", "landscape": "",
    "threeparttable": "o", "tablenotes": "o", "appendices": "", "document": "", "subappendices": "", "cases": "",
    "parts": "o", "tasks": "op", "questions": "o", "compactitem": "o", "compactenum": "o", "inparaenum": "o",
    "multicols*": "m",
}  # fmt: skip
# Titles of theorem-like environments that documents use without defining them where they can be seen.
THEOREMS = {
    "theorem": "Theorem", "thm": "Theorem", "lemma": "Lemma", "lem": "Lemma", "proposition": "Proposition",
    "prop": "Proposition", "corollary": "Corollary", "cor": "Corollary", "coro": "Corollary",
    "definition": "Definition",
    "defn": "Definition", "dfn": "Definition", "defi": "Definition", "remark": "Remark", "rem": "Remark",
    "rmk": "Remark",
    "example": "Example", "examples": "Examples", "ex": "Example", "exa": "Example", "eg": "Example", "claim": "Claim",
    "conjecture": "Conjecture", "conj": "Conjecture", "exercise": "Exercise", "exer": "Exercise", "problem": "Problem",
    "prob": "Problem", "question": "Question", "fact": "Fact", "axiom": "Axiom", "ax": "Axiom", "notation": "Notation",
    "observation": "Observation", "assumption": "Assumption", "hypothesis": "Hypothesis", "note": "Note",
    "case": "Case",
    "solution": "Solution", "soln": "Solution", "answer": "Answer", "hint": "Hint", "property": "Property",
    "criterion": "Criterion", "principle": "Principle", "warning": "Warning", "construction": "Construction",
    "summary": "Summary", "convention": "Convention", "conv": "Convention", "step": "Step", "sublemma": "Sublemma",
}  # fmt: skip
UNNUMBERED = {"solution", "soln", "answer", "hint", "remark*", "note", "warning", "notation", "summary", "convention"}

SYMBOLS = {
    "\\\\": "\n", "\\ ": " ", "\\,": " ", "\\;": " ", "\\:": " ", "\\!": "", "\\/": "", "\\-": "", "\\@": "",
    "\\>": " ",
    "\\%": "%", "\\&": "&", "\\#": "#", "\\_": "_", "\\{": "{", "\\}": "}", "\\$": "\\$", "\\\n": " ", "\\\t": " ",
    "\\ldots": "...", "\\dots": "...", "\\textellipsis": "...", "\\LaTeX": "LaTeX", "\\TeX": "TeX",
    "\\BibTeX": "BibTeX",
    "\\LaTeXe": "LaTeX2e", "\\textbackslash": "\\", "\\slash": "/", "\\tabularnewline": "\n", "\\cr": "\n",
    "\\par": "\n\n",
    "\\textbar": "|", "\\textless": "<", "\\textgreater": ">", "\\textunderscore": "_", "\\lq": "'", "\\rq": "'",
    "\\quad": " ", "\\qquad": " ", "\\enspace": " ", "\\thinspace": " ", "\\space": " ", "\\newline": "\n",
    "\\and": ", ",
    "\\*": "", "\\+": "", "\\<": "", "\\(": "$", "\\)": "$", "\\textasciitilde": "~", "\\textasciicircum": "^",
    "\\fCenter": "\\Rightarrow", "\\bigskip": "\n\n", "\\medskip": "\n\n", "\\smallskip": "\n\n", "\\newpage": "\n\n",
    "\\qedhere": "", "\\textquotesingle": "'", "\\textquotedbl": '"', "\\textdollar": "\\$",
}  # fmt: skip
ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "c": "\u0327",
    "v": "\u030c", "u": "\u0306", "H": "\u030b", "k": "\u0328", "r": "\u030a", "d": "\u0323", "b": "\u0331",
}  # fmt: skip
# Documents don't get to redefine these: the reader knows what they mean, styles define how they look.
KEPT = (
    set(SHOWN) | set(DROPPED) | set(CITED) | set(REFERENCES) | set(SECTIONS) | set(SYMBOLS)
    | {f"\\{accent}" for accent in ACCENTS}
    | {"\\title", "\\author", "\\begin", "\\end", "\\item", "\\ensuremath", "\\label", "\\abstract", "\\footnote"}
    | {f"begin:{name}" for name in (*MATH, *LISTS, *DROPPED_ENVIRONMENTS, *TABLES, "proof", "abstract")}
) - {"\\define", "\\term", "\\code", "\\lean", "\\fact", "\\rule", "\\d", "\\b", "\\c", "\\u", "\\k", "\\r", "\\v",
     "\\H", "\\alert", "\\color", "\\tag", "\\sectionNotes", "\\sectionExercises", "\\bf", "\\path", "\\affil",
     "\\narrowbreak",
     "\\uses", "\\proves", "\\address", "\\keyword", "\\email"}  # fmt: skip
