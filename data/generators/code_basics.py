"""Templates of level syntax_basics: one short function of expressions, conditions or loops."""

from __future__ import annotations

import bisect
import random
from fractions import Fraction

from data.generators.code_template import Problem, Template, quoted


def _formula(rng: random.Random) -> Problem:
    factor, shift, part = rng.randint(2, 19), rng.randint(1, 60), rng.randint(2, 9)
    return Problem(
        entry="[convert|rescale|map|adjust]_[reading|measure|level|dial]",
        parameters=(("number_", "int"),),
        returns="int",
        summary=f"[Return|Compute|Give] {factor} times number_ plus {shift}, the [whole|sum] divided by {part} and "
        "rounded down.",
        body="""
    return (number_ * FACTOR_ + SHIFT_) // PART_
    ===
    raised_ = FACTOR_ * number_
    raised_ += SHIFT_
    return raised_ // PART_
    ===
    raised_ = FACTOR_ * number_ + SHIFT_
    return (raised_ - raised_ % PART_) // PART_
    """,
        reference=lambda number: Fraction(number * factor + shift, part).__floor__(),
        arguments=lambda draw: (draw.randint(-60, 99),),
        words={"FACTOR": factor, "SHIFT": shift, "PART": part, "raised": ("raised", "dividend", "scaled")},
    )


def _bill(rng: random.Random) -> Problem:
    fee, free = rng.randint(2, 30), rng.randint(40, 300)
    thing = rng.choice(("order", "purchase", "basket", "delivery", "booking"))
    return Problem(
        entry=f"[{thing}_cost|cost_of_{thing}|{thing}_total|price_of_{thing}]",
        parameters=(("each_", "int"), ("pieces_", "int")),
        returns="int",
        summary=f"[Return|Compute|Work out] what pieces_ [articles|units] at each_ apiece cost. [A fee of {fee} is "
        f"added|Shipping costs {fee}] [below|when the sum is less than] {free}.",
        body="""
    sum_ = each_ * pieces_
    if sum_ < FREE_:
        sum_ += FEE_
    return sum_
    ===
    sum_ = each_ * pieces_
    if sum_ >= FREE_:
        return sum_
    return sum_ + FEE_
    ===
    sum_ = pieces_ * each_
    return sum_ + FEE_ if sum_ < FREE_ else sum_
    """,
        reference=lambda each, pieces: sum([each] * pieces) + fee * (free > each * pieces),
        arguments=lambda draw: draw.choice(((free, 1), (draw.randint(1, 90), draw.randint(1, 9)))),
        words={"FEE": fee, "FREE": free, "sum": ("subtotal", "goods", "bill", "worth")}
        | {"each": ("price", "rate", "amount", "each"), "pieces": ("pieces", "quantity", "units", "number")},
    )


def _clamp(rng: random.Random) -> Problem:
    low = rng.randint(-20, 10)
    high = low + rng.randint(4, 60)
    return Problem(
        entry="[clamp|limit|bound|restrict|confine]_[speed|volume|angle|dose|brightness]",
        parameters=(("number_", "int"),),
        returns="int",
        summary=f"[Return|Give back] number_, but [not|never] less than {low} and [not|never] more than {high}.",
        body="""
    if number_ < LOW_:
        return LOW_
    if number_ > HIGH_:
        return HIGH_
    return number_
    ===
    return max(LOW_, min(number_, HIGH_))
    ===
    held_ = number_ if number_ > LOW_ else LOW_
    return held_ if held_ < HIGH_ else HIGH_
    """,
        reference=lambda number: sorted((low, number, high))[1],
        arguments=lambda draw: (draw.choice((low, high, draw.randint(low - 9, high + 9))),),
        words={"LOW": low, "HIGH": high, "held": ("held", "raised", "inside", "kept")},
    )


def _label(rng: random.Random) -> Problem:
    first = rng.randint(3, 40)
    second = first + rng.randint(3, 40)
    names = rng.choice(
        (("low", "middle", "high"), ("cold", "mild", "hot"), ("small", "medium", "large"), ("poor", "fair", "good"))
    )
    low, middle, high = map(quoted, names)
    return Problem(
        entry="[classify|grade|label|rank|describe]_[result|sample|reading|score|parcel]",
        parameters=(("value_", "int"),),
        returns="str",
        summary=f"[Return|Name the class of value_:] {low} below {first}, {middle} from {first} to below {second}, and "
        f"{high} from {second} on.",
        body="""
    if value_ < FIRST_:
        return LOW_
    if value_ < SECOND_:
        return MID_
    return HIGH_
    ===
    if value_ >= SECOND_:
        return HIGH_
    return MID_ if value_ >= FIRST_ else LOW_
    ===
    verdict_ = LOW_
    if value_ >= FIRST_:
        verdict_ = MID_
    if value_ >= SECOND_:
        verdict_ = HIGH_
    return verdict_
    """,
        reference=lambda value: names[bisect.bisect_right((first, second), value)],
        arguments=lambda draw: (draw.choice((first, second, draw.randint(0, second + 20))),),
        words={"FIRST": first, "SECOND": second, "LOW": low, "MID": middle, "HIGH": high}
        | {"verdict": ("name", "verdict", "chosen")},
    )


def _multiples(rng: random.Random) -> Problem:
    step, start = rng.randint(2, 9), rng.randint(0, 20)
    return Problem(
        entry="[sum|add_up|total]_[multiples|steps|every_nth]",
        parameters=(("limit_", "int"),),
        returns="int",
        summary=f"[Return|Compute] the sum of [all multiples|the multiples] of {step} from {step * start} to limit_, "
        "which [counts, too|is included].",
        body="""
    total_ = 0
    for number_ in range(FROM_, limit_ + 1, STEP_):
        total_ += number_
    return total_
    ===
    total_, number_ = 0, FROM_
    while number_ <= limit_:
        total_ += number_
        number_ += STEP_
    return total_
    ===
    return sum(number_ for number_ in range(FROM_, limit_ + 1) if number_ % STEP_ == 0)
    """,
        reference=lambda limit: sum(k * step for k in range(start, limit // step + 1)),
        arguments=lambda draw: (draw.randint(0, step * (start + 12)) // step * step + draw.choice((0, 1, step - 1)),),
        words={"FROM": start * step, "STEP": step},
    )


def _digits(rng: random.Random) -> Problem:
    base, power = rng.choice((2, 3, 5, 7, 8, 10, 10, 12)), rng.choice((1, 1, 2, 3))
    shown = {1: "the sum of the digits", 2: "the sum of the squares of the digits", 3: "the sum of the digits' cubes"}
    raised = "digit_" + " * digit_" * (power - 1)
    return Problem(
        entry="[digit|figure]_[sum|total|weight]",
        parameters=(("number_", "int"),),
        returns="int",
        summary=f"[Return|Compute|Find] {shown[power]} of number_ [written in|in] base {base}.",
        body=f"""
    total_ = 0
    while number_ > 0:
        digit_ = number_ % BASE_
        total_ += {raised}
        number_ //= BASE_
    return total_
    ===
    total_ = 0
    while number_:
        number_, digit_ = divmod(number_, BASE_)
        total_ += {raised}
    return total_
    """,
        reference=lambda number: sum((number // base**k % base) ** power for k in range(number.bit_length() + 1)),
        arguments=lambda draw: (draw.randrange(10 ** draw.randint(1, 5)),),
        words={"BASE": base, "digit": ("digit", "unit", "part")},
    )


def _clock(rng: random.Random) -> Problem:
    small, large, names = rng.choice(
        (
            (60, 60, ("seconds", "minutes", "hours")),
            (60, 24, ("minutes", "hours", "days")),
            (12, 3, ("inches", "feet", "yards")),
            (12, 20, ("pence", "shillings", "pounds")),
            (16, 14, ("ounces", "pounds", "stones")),
            (8, 1024, ("bits", "octets", "kibibytes")),
            (7, 4, ("days", "weeks", "turns")),
        )
    )
    return Problem(
        entry=f"[split|break_up|decompose]_{names[0]}",
        parameters=(("number_", "int"),),
        returns="tuple[int, int, int]",
        summary=f"[Split number_ {names[0]}: return|Return] ({names[2]}, {names[1]}, {names[0]}) of number_ "
        f"{names[0]}; {small} {names[0]} make one of the {names[1]}, {large} {names[1]} one of the {names[2]}.",
        body="""
    middle_, least_ = divmod(number_, SMALL_)
    most_, middle_ = divmod(middle_, LARGE_)
    return most_, middle_, least_
    ===
    least_ = number_ % SMALL_
    middle_ = number_ // SMALL_ % LARGE_
    most_ = number_ // (SMALL_ * LARGE_)
    return most_, middle_, least_
    """,
        reference=lambda number: (
            int(Fraction(number, small * large)),
            int(Fraction(number % (small * large), small)),
            number - small * int(Fraction(number, small)),
        ),
        arguments=lambda draw: (draw.randint(0, 3 * small * large),),
        words={"SMALL": small, "LARGE": large, "most": names[2], "middle": names[1], "least": names[0]},
    )


def _rule(rng: random.Random) -> Problem:
    often, seldom = rng.randint(2, 6), rng.randint(2, 5)
    rare, above = often * seldom, 7 * often * seldom
    return Problem(
        entry="is_[special|leap|festival|sale|service]_[year|day|round|week]",
        parameters=(("number_", "int"),),
        returns="bool",
        summary=f"[Tell|Return] whether number_ can be divided by {often} but not by {rare}, or is [greater "
        f"than|above] {above}.",
        body="""
    return number_ % OFTEN_ == 0 and number_ % RARE_ != 0 or number_ > ABOVE_
    ===
    if number_ > ABOVE_:
        return True
    return number_ % OFTEN_ == 0 and number_ % RARE_ != 0
    ===
    fits_ = number_ % OFTEN_ == 0 and not number_ % RARE_ == 0
    return fits_ or number_ > ABOVE_
    """,
        reference=lambda number: (
            number > above or number in set(range(0, above + 1, often)) - set(range(0, above + 1, rare))
        ),
        arguments=lambda draw: (draw.choice((above, above + 1, often * draw.randint(1, 30), draw.randint(1, 99))),),
        words={"OFTEN": often, "RARE": rare, "ABOVE": above, "fits": ("fits", "regular", "holds")},
    )


SYNTAX_BASICS: tuple[Template, ...] = (
    _formula,
    _bill,
    _clamp,
    _label,
    _multiples,
    _digits,
    _clock,
    _rule,
)
