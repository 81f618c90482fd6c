"""Templates of level optimization: work done on all bits of a number at once."""

from __future__ import annotations

import collections
import functools
import itertools
import math
import random

from data.generators.code_template import Problem, Template, integers, letters


def _set_bits(rng: random.Random) -> Problem:
    mask, shift = rng.choice((0x0F, 0x3F, 0x55, 0x33, 0xF0, 0xAA, 0xFF)), rng.randint(1, 3)

    def reference(values: list[int]) -> int:
        wanted = f"{mask:010b}"
        return sum(sum(a == b == "1" for a, b in zip(f"{value // 2**shift % 1024:010b}", wanted)) for value in values)

    return Problem(
        entry="[count|sum_of|total]_[set_bits|ones|flags]",
        parameters=(("values_", "list[int]"),),
        returns="int",
        summary="[Count|Return how many] bits are set in all of values_ together, after each was shifted right by "
        f"{shift} and masked with 0x{mask:02X}. [Takes|Needs] one step for each set bit, not for each bit.",
        body="""
    count_ = 0
    for value_ in values_:
        rest_ = (value_ >> SHIFT_) & MASK_
        while rest_:
            rest_ &= rest_ - 1
            count_ += 1
    return count_
    """,
        reference=reference,
        arguments=lambda draw: (integers(draw, 0, 700, 0, 5),),
        words={"SHIFT": shift, "MASK": f"0x{mask:02X}"},
    )


def _next_power(rng: random.Random) -> Problem:
    least, what = rng.choice((1, 2, 4, 8)), rng.choice(("a table", "a buffer", "an array", "a page"))

    def reference(number: int) -> int:
        power = least
        while power < number:
            power += power
        return power

    return Problem(
        entry="[next_power|round_up|table_size|padded_size]",
        parameters=(("number_", "int"),),
        returns="int",
        summary=f"[Return|Compute] the size of {what} for number_ entries: the smallest power of two that is not "
        f"less than number_, and at least {least}. number_ is below 65536; there is no loop.",
        body="""
    number_ = max(number_, LEAST_) - 1
    number_ |= number_ >> 1
    number_ |= number_ >> 2
    number_ |= number_ >> 4
    number_ |= number_ >> 8
    return number_ + 1
    ===
    filled_ = max(number_, LEAST_) - 1
    return 1 << filled_.bit_length() if filled_ & (filled_ + 1) else filled_ + 1
    """,
        reference=reference,
        arguments=lambda draw: (draw.choice((2 ** draw.randint(0, 9) + draw.randint(-1, 1), draw.randint(0, 3000))),),
        words={"LEAST": least, "filled": ("filled", "ones", "before")},
    )


def _two_singles(rng: random.Random) -> Problem:
    falling = rng.random() < 0.5

    def arguments(draw: random.Random) -> tuple[list[int]]:
        numbers = draw.sample(range(40), draw.randint(2, 5))
        values = numbers + numbers[2:]
        draw.shuffle(values)
        return (values,)

    return Problem(
        entry="[two|both]_[singles|loners|unpaired]",
        parameters=(("values_", "list[int]"),),
        returns="tuple[int, int]",
        summary="[Return|Find] the two numbers that are in values_ once, while all others are in it twice, the "
        f"{'greater' if falling else 'smaller'} first. [Takes|Needs] two passes and no memory but a few numbers.",
        body=f"""
    both_ = 0
    for value_ in values_:
        both_ ^= value_
    lowest_ = both_ & -both_
    first_ = 0
    for value_ in values_:
        if value_ & lowest_:
            first_ ^= value_
    second_ = both_ ^ first_
    return ({"max" if falling else "min"}(first_, second_), {"min" if falling else "max"}(first_, second_))
    """,
        reference=lambda values: tuple(
            sorted((v for v, times in collections.Counter(values).items() if times == 1), reverse=falling)
        ),
        arguments=arguments,
        words={
            "both": ("both", "mixed", "difference"),
            "lowest": ("lowest", "bit", "telling"),
            "first": ("first", "one"),
        }
        | {"second": ("second", "other")},
    )


@functools.cache
def _numbers_of_gray_codes() -> dict[int, int]:
    """The first 4096 numbers by their Gray codes, in which a bit is set where two neighbours in the number differ."""
    found = {}
    for number in range(4096):
        digits = f"0{number:b}"
        found[int("".join(str(int(a != b)) for a, b in itertools.pairwise(digits)), 2)] = number
    return found


def _gray_decode(rng: random.Random) -> Problem:
    wide = rng.random() < 0.5
    bits, last = (16, "\n    coded_ ^= coded_ >> 8") if wide else (8, "")
    start = rng.randint(0, 9)
    return Problem(
        entry="[decode|read|from]_gray[_code|]",
        parameters=(("coded_", "int"),),
        returns="int",
        summary=f"[Return|Compute] {start} plus the number whose Gray code, number ^ (number >> 1), is coded_, a "
        f"code of up to {bits} bits. [Halves|It halves] the work at each step[ and doesn't go|, rather than going] "
        "bit by bit.",
        body=f"""
    coded_ ^= coded_ >> 1
    coded_ ^= coded_ >> 2
    coded_ ^= coded_ >> 4{last}
    return coded_ + START_
    """,
        reference=lambda coded: start + _numbers_of_gray_codes()[coded],
        arguments=lambda draw: (draw.randrange(4096 if wide else 256),),
        words={"START": start, "coded": ("coded", "code", "gray")},
    )


def _reachable(rng: random.Random) -> Problem:
    start = rng.randint(0, 5)
    return Problem(
        entry="[can_reach|reaches|is_sum]_[goal|total|exactly]",
        parameters=(("values_", "list[int]"), ("goal_", "int")),
        returns="bool",
        summary=f"[Tell|Return] whether {start} and some of values_, each used once at most, sum to goal_. Bit k of "
        "one integer says whether k can be reached, so that each value costs one shift.",
        body="""
    sums_ = 1 << START_
    for value_ in values_:
        sums_ |= sums_ << value_
    return sums_ >> goal_ & 1 == 1
    ===
    sums_ = 1 << START_
    wanted_ = (1 << (goal_ + 1)) - 1
    for value_ in values_:
        sums_ = (sums_ | sums_ << value_) & wanted_
    return sums_.bit_length() == goal_ + 1
    """,
        reference=lambda values, goal: any(
            start + sum(pick) == goal
            for size in range(len(values) + 1)
            for pick in itertools.combinations(values, size)
        ),
        arguments=lambda draw: (integers(draw, 1, 12, 0, 5), draw.randint(0, 30)),
        words={
            "START": start,
            "sums": ("sums", "reachable", "bits"),
            "goal": ("goal", "target"),
            "wanted": ("wanted", "window"),
        },
    )


def _shared_letters(rng: random.Random) -> Problem:
    most, vowels = rng.randint(0, 2), rng.random() < 0.5
    mask = sum(2 ** "abcdefgh".index(letter) for letter in ("bcdfgh" if vowels else "abcdefgh"))

    def reference(words: list[str]) -> int:
        kept = [set(word) - set("ae" if vowels else "") for word in words]
        return sum(len(one & other) <= most for one, other in itertools.combinations(kept, 2))

    return Problem(
        entry="[count|number_of]_[distant|different|unlike]_pairs",
        parameters=(("words_", "list[str]"),),
        returns="int",
        summary="[Count|Return the number of] the pairs of words_, made of the letters a to h, that share no more "
        f"than {most} different letters{', vowels not counted' if vowels else ''}. A word's letters are the bits of "
        "one number, so that a pair costs one operation.",
        body="""
    masks_ = []
    for word_ in words_:
        mask_ = 0
        for letter_ in word_:
            mask_ |= 1 << (ord(letter_) - 97)
        masks_.append(mask_ & KEPT_)
    count_ = 0
    for index_ in range(len(masks_)):
        for before_ in range(index_):
            if (masks_[index_] & masks_[before_]).bit_count() <= MOST_:
                count_ += 1
    return count_
    """,
        reference=reference,
        arguments=lambda draw: ([letters(draw, "abcdefgh", 1, 5) for _ in range(draw.randint(0, 4))],),
        words={
            "MOST": most,
            "KEPT": f"0b{mask:08b}",
            "masks": ("masks", "sets", "signatures"),
            "mask": ("mask", "bits"),
        }
        | {"letter": ("letter", "char"), "before": ("before", "earlier")},
    )


def _channels(rng: random.Random) -> Problem:
    add = [rng.choice((-40, -16, 0, 10, 25, 60)) for _ in range(3)]
    names = rng.choice((("red", "green", "blue"), ("hue", "tone", "light"), ("day", "month", "year")))

    def reference(number: int) -> int:
        parts = number.to_bytes(3, "big")
        return int.from_bytes(bytes(sorted((0, part + more, 255))[1] for part, more in zip(parts, add)), "big")

    return Problem(
        entry="[shift|change|adjust]_[packed|channels|fields]",
        parameters=(("packed_", "int"),),
        returns="int",
        summary=f"[Return|Compute] packed_, three bytes in one number ({', '.join(names)}, the first in the high "
        f"bits), with {add[0]}, {add[1]} and {add[2]} added to them; each stays within 0 to 255.",
        body="""
    one_ = min(max((packed_ >> 16 & 255) + FIRST_, 0), 255)
    two_ = min(max((packed_ >> 8 & 255) + SECOND_, 0), 255)
    three_ = min(max((packed_ & 255) + THIRD_, 0), 255)
    return one_ << 16 | two_ << 8 | three_
    ===
    result_ = 0
    for place_, more_ in ((16, FIRST_), (8, SECOND_), (0, THIRD_)):
        part_ = (packed_ >> place_ & 255) + more_
        if part_ < 0:
            part_ = 0
        elif part_ > 255:
            part_ = 255
        result_ |= part_ << place_
    return result_
    """,
        reference=reference,
        arguments=lambda draw: (draw.choice((0, 2**24 - 1, draw.randrange(2**24), draw.randrange(2**24))),),
        words={"FIRST": add[0], "SECOND": add[1], "THIRD": add[2], "packed": ("packed", "pixel", "number")}
        | {"one": names[0], "two": names[1], "three": names[2], "place": ("place", "shift"), "more": ("more", "change")}
        | {"part": ("part", "channel")},
    )


def _integer_root(rng: random.Random) -> Problem:
    power, word = rng.choice(((2, "square"), (3, "cube")))
    raised = "tried_ * tried_" if power == 2 else "tried_ * tried_ * tried_"
    return Problem(
        entry=f"[whole|integer|floor]_{word}_root",
        parameters=(("number_", "int"),),
        returns="int",
        summary=f"[Return|Compute] the greatest whole number whose {word} is not above number_, bit by bit from the "
        "highest on; there are no floating-point numbers[ in it|, so that it is exact].",
        body=f"""
    root_ = 0
    bit_ = 1 << number_.bit_length() // {power}
    while bit_:
        tried_ = root_ | bit_
        if {raised} <= number_:
            root_ = tried_
        bit_ >>= 1
    return root_
    """,
        reference=lambda number: math.isqrt(number) if power == 2 else sum(n**3 <= number for n in range(1, 60)),
        arguments=lambda draw: (
            draw.choice((draw.randint(1, 40) ** power - draw.choice((0, 1)), draw.randint(0, 9999))),
        ),
        words={"root": ("root", "found", "answer"), "bit": ("bit", "step"), "tried": ("tried", "candidate", "guess")},
    )


OPTIMIZATION: tuple[Template, ...] = (
    _set_bits,
    _next_power,
    _two_singles,
    _gray_decode,
    _reachable,
    _shared_letters,
    _channels,
    _integer_root,
)
