"""What a template of generated code is, and how one problem is put into words.

A template writes its function as plain Python, often in several ways, divided by a line of `===`. What may vary in it
is marked by a trailing underscore: `values_`, `limit_` and the like are drawn from WORDS, other marks (constants, names
of its own) from the problem's `words`. In sentences and names, `[Return|Compute]` stands for one of its words.
"""

from __future__ import annotations

import builtins
import dataclasses
import keyword
import random
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_WIDTH = 88
_MARK = re.compile(r"(?<!\w)([A-Za-z][A-Za-z0-9]*)_(?!\w)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_QUOTED = re.compile(r'"[^"]*"')
_WAYS = re.compile(r"^ *===$", re.MULTILINE)
_CHOICE = re.compile(r"\[([^\[\]|]*(?:\|[^\[\]|]*)+)\]")
_RESERVED = frozenset((*dir(builtins), *keyword.kwlist, "self"))

# Marks that are drawn together, and what they may become.
WORDS: tuple[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]], ...] = (
    (
        ("values", "value"),
        (("values", "value"), ("numbers", "number"), ("readings", "reading"), ("samples", "sample"))
        + (("scores", "score"), ("amounts", "amount"), ("levels", "level"), ("weights", "weight"), ("prices", "price")),
    ),
    (
        ("words", "word"),
        (("words", "word"), ("names", "name"), ("labels", "label"), ("terms", "term"), ("titles", "title"))
        + (("tags", "tag"), ("cities", "city"), ("fruits", "fruit")),
    ),
    (
        ("items", "item"),
        (("items", "item"), ("entries", "entry"), ("elements", "element"), ("things", "thing"), ("parts", "part")),
    ),
    (
        ("records", "record"),
        (("records", "record"), ("orders", "order"), ("rows", "row"), ("pairs", "pair"), ("lines", "line")),
    ),
    (
        ("text", "char"),
        (("text", "char"), ("phrase", "letter"), ("message", "symbol"), ("sentence", "char"), ("content", "letter")),
    ),
    (
        ("low", "high"),
        (("low", "high"), ("lower", "upper"), ("smallest", "largest"), ("floor", "ceiling"), ("least", "most")),
    ),
    (
        ("left", "right"),
        (("left", "right"), ("start", "end"), ("front", "back"), ("head", "tail"), ("first", "last")),
    ),
    (("one", "other"), (("one", "other"), ("a", "b"), ("x", "y"), ("mine", "yours"), ("this", "that"))),
    (("total",), (("total",), ("running",), ("overall",), ("accumulated",), ("so_far",))),
    (("count",), (("count",), ("matches",), ("hits",), ("tally",), ("found",))),
    (("limit",), (("limit",), ("bound",), ("threshold",), ("cutoff",), ("cap",))),
    (("size",), (("size",), ("width",), ("length",), ("span",), ("extent",))),
    (("index",), (("index",), ("position",), ("i",), ("place",), ("at",))),
    (("best",), (("best",), ("top",), ("leader",), ("winner",), ("record_so_far",))),
    (("result",), (("result",), ("output",), ("collected",), ("answer",), ("built",))),
    (("key",), (("key",), ("field",), ("code",), ("kind",), ("group",))),
    (("table",), (("table",), ("grid",), ("matrix",), ("board",), ("chart",))),
    (("graph",), (("graph",), ("network",), ("links",), ("roads",), ("edges_of",))),
    (("node",), (("node",), ("vertex",), ("stop",), ("town",), ("place",))),
    (("seen",), (("seen",), ("visited",), ("known",), ("done",), ("reached",))),
    (("number",), (("number",), ("n",), ("figure",), ("given",), ("quantity",))),
    (("step",), (("step",), ("stride",), ("gap",), ("jump",))),
    (("rest",), (("rest",), ("remaining",), ("leftover",), ("remainder",))),
)
_GROUP_OF = {mark: group for group in WORDS for mark in group[0]}
VOCABULARY = tuple(
    "amber birch cedar delta ember frost grove haven inlet jade kelp lilac maple north ocean pearl quartz river stone "
    "tulip umber violet willow yarrow zinc".split()
)


@dataclasses.dataclass(frozen=True)
class Problem:
    """A function to be written, the right way to write it, and what its results are held against.

    Attributes:
      entry: name of the function.
      parameters: (name, type) or (name, type, default), in order; the name may begin with `*`.
      returns: type of the result.
      summary: sentences of the docstring.
      body: what stands below the docstring, indented by 4; one of several that a line of `===` divides.
      reference: gives the same results by other means; takes the same arguments.
      arguments: draws the arguments of one test; literals, and short.
      words: what marks that WORDS doesn't know become; a tuple is chosen from.
      imports: lines above the function.
      helpers: definitions below it.
    """

    entry: str
    parameters: Sequence[tuple[str, ...]]
    returns: str
    summary: str
    body: str
    reference: Callable[..., Any]
    arguments: Callable[[random.Random], tuple[Any, ...]]
    words: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    imports: str = ""
    helpers: str = ""


Template = Callable[[random.Random], Problem]


@dataclasses.dataclass(frozen=True)
class Module:
    """A problem in words.

    Attributes:
      entry: name of the function.
      signature: the line of its `def`.
      prompt: imports, signature and docstring, with the line's end.
      source: the prompt and everything below it, without a line's end.
    """

    entry: str
    signature: str
    prompt: str
    source: str


def spin(rng: random.Random, text: str) -> str:
    """Takes one of each `[a|b|c]`, from the inside out."""
    while (found := _CHOICE.search(text)) is not None:
        text = text[: found.start()] + rng.choice(found[1].split("|")) + text[found.end() :]
    return text


def _drawn(rng: random.Random, problem: Problem, code: str) -> dict[str, str]:
    """What each mark becomes: no two alike, and none like a word of the code that stands there already."""
    drawn = {mark: str(value) for mark, value in problem.words.items() if not isinstance(value, tuple)}
    taken = {word for word in _WORD.findall(code) if not word.endswith("_")} | _RESERVED | set(drawn.values())
    for mark in dict.fromkeys(_MARK.findall(code)):
        if mark in drawn:
            continue
        if mark in problem.words:
            group, choices = (mark,), tuple((word,) for word in problem.words[mark])
        else:
            group, choices = _GROUP_OF[mark]
        free = [words for words in choices if not taken.intersection(words)]
        words = rng.choice(free) if free else tuple(f"the_{name}" for name in group)
        drawn |= {name: word for name, word in zip(group, words) if name not in problem.words or name == mark}
        taken.update(words)
    return drawn


def _signature(problem: Problem, entry: str, annotated: bool) -> str:
    parts = []
    for name, kind, *default in problem.parameters:
        part = f"{name}: {kind}" if annotated else name
        if default:
            part += f" = {default[0]}" if annotated else f"={default[0]}"
        parts.append(part)
    return f"def {entry}({', '.join(parts)}){f' -> {problem.returns}' if annotated else ''}:"


def _docstring(summary: str, examples: Sequence[str]) -> str:
    """The docstring's lines, indented by 4; what stands in quotes isn't broken."""
    whole = _QUOTED.sub(lambda quoted: quoted[0].replace(" ", "\0"), summary)
    lines = textwrap.wrap(whole, _WIDTH, initial_indent='    """', subsequent_indent="    ", break_on_hyphens=False)
    lines = [line.replace("\0", " ") for line in lines]
    if examples:
        lines += ["", *(f"    {line}" for example in examples for line in example.split("\n"))]
    if len(lines) == 1 and len(lines[0]) + 3 <= _WIDTH:
        return f'{lines[0]}"""\n'
    return "\n".join(lines) + '\n    """\n'


def lay_out(problem: Problem, rng: random.Random, examples: Sequence[tuple[str, str]]) -> Module:
    """Draws names, wording and style.

    Args:
      problem: a template's.
      rng: what is drawn with.
      examples: (arguments, result) in Python's notation, shown in the docstring.

    Raises:
      KeyError: a mark that neither WORDS nor the problem knows.
    """
    entry, summary = spin(rng, problem.entry), spin(rng, problem.summary)
    signature = _signature(problem, entry, rng.random() < 0.5)
    imports = f"{problem.imports.strip()}\n\n\n" if problem.imports else ""
    helpers = f"\n\n\n{problem.helpers.strip()}" if problem.helpers else ""
    named = {name.lstrip("*") for name, *_ in problem.parameters}
    body = rng.choice(_WAYS.split(problem.body)).strip("\n").rstrip()
    words = _drawn(rng, problem, f"{imports}\n{entry}\n{signature}\n{body}\n{helpers}")

    def filled(text: str) -> str:
        return _MARK.sub(lambda mark: words[mark[1]], text)

    if rng.random() < 0.5:
        summary = _MARK.sub(lambda mark: f"`{mark[0]}`" if mark[0] in named else mark[0], summary)
    signature, entry = filled(signature), filled(entry)
    shown = [f">>> {entry}({arguments})\n{result}" for arguments, result in examples]
    prompt = f"{filled(imports)}{signature}\n{_docstring(filled(summary), shown)}"
    return Module(entry, signature, prompt, f"{prompt}{filled(body)}{filled(helpers)}")


def quoted(text: str) -> str:
    """A text as it stands in source and docstrings; it may hold neither quotes nor backslashes."""
    return f'"{text}"'


def integers(rng: random.Random, low: int = -20, high: int = 20, least: int = 0, most: int = 7) -> list[int]:
    """A list of `least` to `most` integers in [low, high]."""
    return [rng.randint(low, high) for _ in range(rng.randint(least, most))]


def letters(rng: random.Random, alphabet: str = "abcde", least: int = 0, most: int = 8) -> str:
    """A string of `least` to `most` letters of an alphabet."""
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(least, most)))


def some_words(rng: random.Random, least: int = 0, most: int = 5) -> list[str]:
    """A list of `least` to `most` words, which may repeat."""
    return [rng.choice(VOCABULARY) for _ in range(rng.randint(least, most))]
