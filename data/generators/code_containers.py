"""Templates of level syntax_basics: one short function on strings, lists or dictionaries."""

from __future__ import annotations

import random

from data.generators.code_template import VOCABULARY, Problem, Template, integers, letters, quoted, some_words


def _letters(rng: random.Random) -> Problem:
    chosen = "".join(sorted(rng.sample("aeioulnrst", rng.randint(2, 5))))
    return Problem(
        entry="[count|number_of|tally]_[vowels|letters|marks|chosen]",
        parameters=(("text_", "str"),),
        returns="int",
        summary="[Count|Return the number of] the characters of text_ that are [one of|among] "
        f"{quoted(chosen)}, [in either case|ignoring case].",
        body="""
    count_ = 0
    for char_ in text_.lower():
        if char_ in CHOSEN_:
            count_ += 1
    return count_
    ===
    return sum(char_ in CHOSEN_ for char_ in text_.lower())
    ===
    return len([char_ for char_ in text_ if char_.lower() in CHOSEN_])
    """,
        reference=lambda text: sum(text.count(letter) + text.count(letter.upper()) for letter in chosen),
        arguments=lambda draw: (letters(draw, chosen + chosen.upper() + "bcdXYZ ", 0, 12),),
        words={"CHOSEN": quoted(chosen)},
    )


def _column(rng: random.Random) -> Problem:
    width, digits, fill = rng.randint(6, 12), rng.randint(3, 6), rng.choice(".-_ *")
    mark = rng.choice(("|", ":", "#", "/", "="))
    return Problem(
        entry="[format|show|render|write]_[row|line|entry|item]",
        parameters=(("name_", "str"), ("amount_", "int")),
        returns="str",
        summary=f"[Return|Build] one line of a table: name_ filled with {quoted(fill)} to {width} characters on the "
        f"right, {quoted(f' {mark} ')}, and amount_ with zeros in front to {digits} digits.",
        body=f"""
    dots_ = FILL_ * (WIDTH_ - len(name_))
    return f"{{name_}}{{dots_}} {mark} {{amount_:0{digits}d}}"
    ===
    digits_ = str(amount_).zfill(DIGITS_)
    return name_.ljust(WIDTH_, FILL_) + MARK_ + digits_
    ===
    dots_ = FILL_ * (WIDTH_ - len(name_))
    zeros_ = "0" * (DIGITS_ - len(str(amount_)))
    return name_ + dots_ + MARK_ + zeros_ + str(amount_)
    """,
        reference=lambda name, amount: (
            "".join(name[k : k + 1] or fill for k in range(width)) + f" {mark} " + str(10**digits + amount)[1:]
        ),
        arguments=lambda draw: (draw.choice(VOCABULARY)[:width], draw.randrange(10 ** draw.randint(1, digits))),
        words={"WIDTH": width, "DIGITS": digits, "FILL": quoted(fill), "MARK": quoted(f" {mark} ")}
        | {"name": ("name", "label", "title", "article"), "amount": ("amount", "quantity", "number", "stock")}
        | {"digits": ("shown", "padded", "digits"), "dots": ("filler", "padding"), "zeros": ("zeros", "lead")},
    )


def _listing(rng: random.Random) -> Problem:
    comma, last = rng.choice((", ", "; ", " / ")), rng.choice((" and ", " or ", " & ", " plus "))
    none = rng.choice(("nobody", "nothing", "none", "-"))
    return Problem(
        entry="[join|list|enumerate|name]_[words|guests|choices|parts]",
        parameters=(("words_", "list[str]"),),
        returns="str",
        summary=f"[Join words_ to|Return words_ as] one phrase: {quoted(comma)} between them, {quoted(last)} before "
        f"the last, and {quoted(none)} [if there are none|for an empty list].",
        body="""
    if not words_:
        return NONE_
    if len(words_) == 1:
        return words_[0]
    return COMMA_.join(words_[:-1]) + LAST_ + words_[-1]
    ===
    if len(words_) < 2:
        return words_[0] if words_ else NONE_
    *most_, end_ = words_
    return COMMA_.join(most_) + LAST_ + end_
    """,
        reference=lambda words: last.join(filter(None, [comma.join(words[:-1]), words[-1]])) if words else none,
        arguments=lambda draw: (some_words(draw, 0, 4),),
        words={"COMMA": quoted(comma), "LAST": quoted(last), "NONE": quoted(none)}
        | {"most": ("most", "before", "others"), "end": ("end", "final", "closing")},
    )


def _every_kth(rng: random.Random) -> Problem:
    step, skip = rng.randint(2, 4), rng.randint(0, 3)
    order, backwards = rng.choice((("in their order", False), ("in reverse order", True)))
    return Problem(
        entry="[pick|take|select|thin_out]_[every|some|regular]",
        parameters=(("values_", "list[int]"),),
        returns="list[int]",
        summary=f"[Return|Take|Keep] every {('second', 'third', 'fourth')[step - 2]} of values_, beginning [with the "
        f"one at|at] index {skip}, {order}.",
        body=f"""
    return values_[SKIP_::STEP_]{"[::-1]" if backwards else ""}
    ===
    result_ = []
    for index_ in range(SKIP_, len(values_), STEP_):
        result_{".insert(0, values_[index_])" if backwards else ".append(values_[index_])"}
    return result_
    """,
        reference=lambda values: [
            value for place, value in enumerate(values) if place >= skip and (place - skip) % step == 0
        ][:: -1 if backwards else 1],
        arguments=lambda draw: (integers(draw, 0, 30, 2, 10),),
        words={"STEP": step, "SKIP": skip},
    )


def _ledger(rng: random.Random) -> Problem:
    missing = rng.randint(1, 9)

    def arguments(draw: random.Random) -> tuple:
        known = draw.sample(VOCABULARY, draw.randint(1, 3))
        asked = [draw.choice((*known, "zinc")) for _ in range(draw.randint(0, 4))]
        return {word: draw.randint(1, 40) for word in known}, asked

    return Problem(
        entry="[value|price|score|weigh]_[basket|order|list|bag]",
        parameters=(("known_", "dict[str, int]"), ("words_", "list[str]")),
        returns="int",
        summary=f"[Add up|Return the sum of] what known_ says of each of words_; a word that it [lacks|doesn't hold] "
        f"counts {missing}.",
        body="""
    total_ = 0
    for word_ in words_:
        total_ += known_.get(word_, MISSING_)
    return total_
    ===
    total_ = 0
    for word_ in words_:
        if word_ in known_:
            total_ += known_[word_]
        else:
            total_ += MISSING_
    return total_
    ===
    return sum(known_[word_] if word_ in known_ else MISSING_ for word_ in words_)
    """,
        reference=lambda known, words: (
            sum(words.count(word) * price for word, price in known.items())
            + missing * len([word for word in words if word not in known])
        ),
        arguments=arguments,
        words={"MISSING": missing, "known": ("known", "costs", "catalogue", "points")},
    )


def _transform(rng: random.Random) -> Problem:
    factor, part = rng.randint(2, 9), rng.randint(2, 5)
    left = rng.randrange(part)
    return Problem(
        entry="[scale|multiply|stretch]_[matching|chosen|fitting]",
        parameters=(("values_", "list[int]"),),
        returns="list[int]",
        summary=f"[Return|Build] a list of the values_ that leave {left} when divided by {part}, each times {factor}.",
        body="""
    return [value_ * FACTOR_ for value_ in values_ if value_ % PART_ == LEFT_]
    ===
    result_ = []
    for value_ in values_:
        if value_ % PART_ == LEFT_:
            result_.append(FACTOR_ * value_)
    return result_
    ===
    result_ = []
    for value_ in values_:
        if value_ % PART_ != LEFT_:
            continue
        result_ += [value_ * FACTOR_]
    return result_
    """,
        reference=lambda values: [sum([v] * factor) for v in values if v in range(left - 40 * part, 40, part)],
        arguments=lambda draw: (integers(draw, -9, 30, 0, 7),),
        words={"FACTOR": factor, "PART": part, "LEFT": left},
    )


SYNTAX_BASICS: tuple[Template, ...] = (
    _letters,
    _column,
    _listing,
    _every_kth,
    _ledger,
    _transform,
)
