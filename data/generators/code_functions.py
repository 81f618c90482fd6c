"""Templates of level functions: helpers, recursion, defaults, validation, tables of functions."""

from __future__ import annotations

import itertools
import random
import re
import textwrap
from fractions import Fraction

from data.generators.code_template import VOCABULARY, Problem, Template, letters, quoted, some_words


def _word_points(rng: random.Random) -> Problem:
    vowel, other, bonus, long = rng.randint(2, 9), rng.randint(1, 4), rng.randint(3, 20), rng.randint(4, 7)

    def points(word: str) -> int:
        count = len(re.findall("[aeiou]", word))
        return vowel * count + other * (len(word) - count) + bonus * (len(word) > long)

    return Problem(
        entry="[best|dearest|heaviest|highest]_word",
        parameters=(("words_", "list[str]"),),
        returns="str | None",
        summary="[Return|Find] the word of words_ with the most points, the first of them on a tie, None if there "
        f"is none. A vowel counts {vowel}, any other letter {other}; a word of more than {long} letters gets {bonus} "
        "more.",
        body="""
    best_ = None
    for word_ in words_:
        if best_ is None or helper_(word_) > helper_(best_):
            best_ = word_
    return best_
    """,
        helpers="""
def helper_(word_):
    total_ = BONUS_ if len(word_) > LONG_ else 0
    for letter_ in word_:
        total_ += VOWEL_ if letter_ in "aeiou" else OTHER_
    return total_
    """,
        reference=lambda words: max(words, key=points) if words else None,
        arguments=lambda draw: (some_words(draw, 0, 4),),
        words={"VOWEL": vowel, "OTHER": other, "BONUS": bonus, "LONG": long, "helper": ("points", "worth", "score_of")}
        | {"letter": ("letter", "char", "c")},
    )


def _flatten(rng: random.Random) -> Problem:
    factor, top = rng.randint(2, 5), rng.choice((0, 1))

    def nested(draw: random.Random, depth: int) -> list:
        parts = range(draw.randint(0 if depth else 1, 3))
        return [nested(draw, depth + 1) if depth < 3 and draw.random() < 0.4 else draw.randint(-9, 20) for _ in parts]

    def reference(tree: list) -> int:
        total, pending = 0, [(part, top) for part in tree]
        while pending:
            part, depth = pending.pop()
            if isinstance(part, int):
                total += part * factor**depth
            else:
                pending.extend((inner, depth + 1) for inner in part)
        return total

    weight = "1" if top == 0 else str(factor)
    return Problem(
        entry="[nested|weighted|deep]_[sum|total]",
        parameters=(("items_", "list"),),
        returns="int",
        summary=f"[Return|Compute] the weighted sum of the integers in the nested lists items_: those at the top weigh "
        f"{weight}, and every level [below|further down] {factor} times as much as the one above it.",
        body=f"""
    def visit_(items_, weight_):
        total_ = 0
        for item_ in items_:
            if isinstance(item_, list):
                total_ += visit_(item_, weight_ * FACTOR_)
            else:
                total_ += weight_ * item_
        return total_

    return visit_(items_, {weight})
    ===
    def visit_(item_, weight_):
        if isinstance(item_, int):
            return item_ * weight_
        return sum(visit_(inner_, weight_ * FACTOR_) for inner_ in item_)

    return sum(visit_(item_, {weight}) for item_ in items_)
    """,
        reference=reference,
        arguments=lambda draw: (nested(draw, 0),),
        words={"FACTOR": factor, "visit": ("visit", "walk", "add_up"), "weight": ("weight", "scale", "worth")}
        | {"inner": ("inner", "child", "deeper")},
    )


def _recurrence(rng: random.Random) -> Problem:
    one, two, first, second = rng.randint(1, 3), rng.choice((-2, -1, 1, 2, 3)), rng.randint(0, 5), rng.randint(0, 7)

    def reference(number: int) -> int:
        terms = [first, second]
        while len(terms) <= number:
            terms.append(one * terms[-1] + two * terms[-2])
        return terms[max(number, 0)]

    return Problem(
        entry="[nth_term|sequence_term|term|element_at]",
        parameters=(("number_", "int"),),
        returns="int",
        summary=f"[Return|Compute] term number_ of the sequence that begins with {first} and {second} (terms 0 and "
        f"1) and goes on with {one} times the term before plus {two} times the one before that. A negative number_ "
        "[means|counts as] 0.",
        body="""
    if number_ <= 0:
        return FIRST_
    if number_ == 1:
        return SECOND_
    before_, last_ = FIRST_, SECOND_
    for _ in range(number_ - 1):
        before_, last_ = last_, ONE_ * last_ + TWO_ * before_
    return last_
    ===
    def term_(place_):
        if place_ < 2:
            return SECOND_ if place_ == 1 else FIRST_
        return ONE_ * term_(place_ - 1) + TWO_ * term_(place_ - 2)

    return term_(max(number_, 0))
    ===
    def pair_(place_):
        if place_ <= 0:
            return FIRST_, SECOND_
        before_, last_ = pair_(place_ - 1)
        return last_, ONE_ * last_ + TWO_ * before_

    return pair_(number_)[0]
    """,
        reference=reference,
        arguments=lambda draw: (draw.randint(-1, 9),),
        words={"FIRST": first, "SECOND": second, "ONE": one, "TWO": two, "before": ("before", "previous", "older")}
        | {"last": ("last", "latest", "newer"), "term": ("term", "value_of", "f"), "place": ("place", "k", "m")}
        | {"pair": ("pair", "two_terms", "step_to")},
    )


def _banner(rng: random.Random) -> Problem:
    width, fill, mark = rng.randint(7, 14), rng.choice("-=~*."), rng.choice("|+#!")

    def reference(text: str, size: int = width, filler: str = fill) -> str:
        inside = text[: max(size - 2, 0)]
        gaps = max(size - 2 - len(inside), 0)
        return mark + "".join(itertools.chain([filler] * (gaps // 2), inside, [filler] * ((gaps + 1) // 2))) + mark

    def arguments(draw: random.Random) -> tuple:
        text = draw.choice(("", draw.choice(VOCABULARY), " ".join(some_words(draw, 2, 2))))
        return ((text,), (text, draw.randint(3, 16)), (text, draw.randint(5, 16), draw.choice("_:o")))[
            draw.randrange(3)
        ]

    return Problem(
        entry="[banner|heading|boxed|frame]",
        parameters=(("text_", "str"), ("size_", "int", str(width)), ("fill_", "str", quoted(fill))),
        returns="str",
        summary=f"[Return|Draw] text_ between two {quoted(mark)}, centred and filled with fill_ so that all is size_ "
        "characters long; what doesn't fit is cut off, and of an odd gap the right side gets more.",
        body="""
    room_ = size_ - 2
    if len(text_) > room_:
        text_ = text_[:room_]
    before_ = (room_ - len(text_)) // 2
    after_ = room_ - len(text_) - before_
    return edge_(fill_ * before_ + text_ + fill_ * after_)
    ===
    room_ = size_ - 2
    text_ = text_[:room_]
    while len(text_) < room_:
        text_ += fill_
        if len(text_) < room_:
            text_ = fill_ + text_
    return edge_(text_)
    """,
        helpers="""
def edge_(inside_):
    return MARK_ + inside_ + MARK_
    """,
        reference=reference,
        arguments=arguments,
        words={"MARK": quoted(mark), "fill": ("fill", "filler", "padding"), "room": ("room", "inner", "space")}
        | {"before": ("before", "lead", "ahead"), "after": ("after", "trail", "behind")}
        | {"edge": ("edge", "enclose", "with_edges"), "inside": ("inside", "middle", "shown")},
    )


def _password(rng: random.Random) -> Problem:
    least, most = rng.randint(4, 6), rng.randint(8, 11)
    special = "".join(rng.sample("!#$%&*+?@", 3))
    texts = rng.choice(
        (("too short", "too long", "no digit", "no sign", "ok"), ("short", "long", "digit", "sign", "fine"))
    )

    def reference(word: str) -> str:
        found = (len(word) in range(least), len(word) not in range(most + 1))
        found += (not re.search("[0-9]", word), not set(word) & set(special))
        return next((text for text, wrong in zip(texts, found) if wrong), texts[4])

    return Problem(
        entry="[check|judge|validate|review]_[password|code|secret]",
        parameters=(("word_", "str"),),
        returns="str",
        summary=f"[Return|Tell] what is wrong with word_, [whichever comes first|the first that applies]: "
        f"{quoted(texts[0])} below {least} characters, {quoted(texts[1])} above {most}, {quoted(texts[2])}, or "
        f"{quoted(texts[3])} where none of {' '.join(special)} is in it; else {quoted(texts[4])}.",
        body="""
    if len(word_) < LEAST_:
        return SHORT_
    if len(word_) > MOST_:
        return LONG_
    if not any(char_ in "0123456789" for char_ in word_):
        return DIGIT_
    for char_ in SPECIAL_:
        if char_ in word_:
            return FINE_
    return SIGN_
    ===
    rules_ = (
        (SHORT_, len(word_) < LEAST_),
        (LONG_, len(word_) > MOST_),
        (DIGIT_, all(char_ not in "0123456789" for char_ in word_)),
        (SIGN_, all(char_ not in SPECIAL_ for char_ in word_)),
    )
    for text_, broken_ in rules_:
        if broken_:
            return text_
    return FINE_
    """,
        reference=reference,
        arguments=lambda draw: (letters(draw, f"abcd12{special}", least - 1, most + 1),),
        words={"LEAST": least, "MOST": most, "SPECIAL": quoted(special), "rules": ("rules", "checks", "tests")}
        | dict(zip(("SHORT", "LONG", "DIGIT", "SIGN", "FINE"), map(quoted, texts)))
        | {"broken": ("broken", "violated", "wrong"), "text": ("problem", "verdict", "said")},
    )


def _operations(rng: random.Random) -> Problem:
    names = rng.sample(("inc", "dec", "grow", "flip", "halve", "square"), 4)
    amount, factor = rng.randint(2, 9), rng.randint(2, 4)
    ways = {
        "inc": (f"number_ + {amount}", lambda n: sum((n, amount)), f"adds {amount}"),
        "dec": (f"number_ - {amount}", lambda n: sum((n, -amount)), f"takes {amount} away"),
        "grow": (f"number_ * {factor}", lambda n: sum([n] * factor), f"multiplies by {factor}"),
        "flip": ("-number_", lambda n: 0 - n, "changes the sign"),
        "halve": ("number_ // 2", lambda n: Fraction(n, 2).__floor__(), "halves and rounds down"),
        "square": ("number_ * number_ % 1000", lambda n: pow(n, 2, 1000), "squares and keeps what is left of 1000"),
    }
    rules = "\n".join(f'        if name_ == "{name}":\n            return {ways[name][0]}' for name in names)

    def reference(number: int, steps: list[str]) -> int:
        for name in steps:
            number = ways[name][1](number) if name in names else number
        return number

    return Problem(
        entry="[apply|run|perform|follow]_[steps|commands|operations]",
        parameters=(("number_", "int"), ("steps_", "list[str]")),
        returns="int",
        summary="[Apply steps_ to number_ in their order|Return number_ after all of steps_]: "
        + ", ".join(f"{quoted(name)} {ways[name][2]}" for name in names)
        + "; [other names change nothing|anything else is skipped].",
        body=f"""
    def onestep_(number_, name_):
{rules}
        return number_

    for name_ in steps_:
        number_ = onestep_(number_, name_)
    return number_
    ===
    for name_ in steps_:
        number_ = onestep_(name_, number_)
    return number_


def onestep_(name_, number_):
{textwrap.indent(textwrap.dedent(rules), "    ")}
    return number_
    """,
        reference=reference,
        arguments=lambda draw: (
            draw.randint(-20, 50),
            [draw.choice((*names, "wait")) for _ in range(draw.randint(0, 5))],
        ),
        words={"steps": ("steps", "commands", "names", "orders"), "name": ("name", "command", "word")}
        | {"onestep": ("apply_one", "changed", "perform_one")},
    )


def _grades(rng: random.Random) -> Problem:
    bounds = sorted(rng.sample(range(10, 95, 5), 3))
    names = rng.choice((("A", "B", "C", "F"), ("gold", "silver", "bronze", "none"), ("top", "good", "pass", "fail")))

    def reference(values: list[int]) -> dict[str, int]:
        ranked = [names[3 - sum(value >= bound for bound in bounds)] for value in values if 0 <= value <= 100]
        return {name: ranked.count(name) for name in names if name in ranked}

    return Problem(
        entry="[grade|mark|rank]_[counts|summary|table]",
        parameters=(("values_", "list[int]"),),
        returns="dict[str, int]",
        summary=f"[Count|Return how many of] values_ [by grade|are of each grade]: {quoted(names[0])} from "
        f"{bounds[2]}, {quoted(names[1])} from {bounds[1]}, {quoted(names[2])} from {bounds[0]}, else "
        f"{quoted(names[3])}. Values outside 0 to 100 are left out, and so are grades [that nobody got|without "
        "values]; the best grade comes first.",
        body="""
    counts_ = dict.fromkeys(NAMES_, 0)
    for value_ in values_:
        if 0 <= value_ <= 100:
            counts_[grade_(value_)] += 1
    return {name_: count_ for name_, count_ in counts_.items() if count_ > 0}
    """,
        helpers="""
def grade_(value_):
    if value_ >= THIRD_:
        return GOLD_
    if value_ >= SECOND_:
        return SILVER_
    return BRONZE_ if value_ >= FIRST_ else NONE_
    """,
        reference=reference,
        arguments=lambda draw: (
            [draw.choice((*bounds, draw.randint(-5, 104), draw.randint(0, 100))) for _ in range(draw.randint(0, 7))],
        ),
        words=dict(zip(("GOLD", "SILVER", "BRONZE", "NONE"), map(quoted, names)))
        | {"NAMES": f"({', '.join(map(quoted, names))})", "FIRST": bounds[0], "SECOND": bounds[1], "THIRD": bounds[2]}
        | {"counts": ("counts", "summary", "totals"), "grade": ("grade", "grade_of", "classify"), "name": "name"},
    )


FUNCTIONS: tuple[Template, ...] = (
    _word_points,
    _flatten,
    _recurrence,
    _banner,
    _password,
    _operations,
    _grades,
)
