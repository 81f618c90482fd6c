"""Templates of level algorithms: sorting, searching, dynamic programming, strings."""

from __future__ import annotations

import functools
import itertools
import random

from data.generators.code_template import Problem, Template, integers, letters, quoted, some_words


def _insertion_sort(rng: random.Random) -> Problem:
    falling, by_length = rng.random() < 0.5, rng.random() < 0.5
    measure, shown = ("len({})", "length") if by_length else ("{}.count(LETTER_)", "number of the letter LETTER_")
    letter = rng.choice("aeio")
    earlier, later = (measure.format(f"result_[{place}]") for place in ("at_ - 1", "at_"))

    def key(word: str) -> tuple[int, str]:
        size = len(word) if by_length else sum(char == letter for char in word)
        return (-size if falling else size), word

    return Problem(
        entry="[order|sort|arrange]_[words|labels|names]",
        parameters=(("words_", "list[str]"),),
        returns="list[str]",
        summary=f"[Sort|Return] words_ by their {shown.replace('LETTER_', quoted(letter))}, the "
        f"{'greatest' if falling else 'smallest'} first, and those that are equal in it by the alphabet. [Insertion "
        "sort is used|It sorts by insertion]; words_ itself stays as it is.",
        body=f"""
    result_ = list(words_)
    for index_ in range(1, len(result_)):
        at_ = index_
        while at_ > 0:
            if {earlier} {"<" if falling else ">"} {later}:
                result_[at_ - 1], result_[at_] = result_[at_], result_[at_ - 1]
            elif {earlier} == {later} and result_[at_ - 1] > result_[at_]:
                result_[at_ - 1], result_[at_] = result_[at_], result_[at_ - 1]
            else:
                break
            at_ -= 1
    return result_
    """,
        reference=lambda words: sorted(words, key=key),
        arguments=lambda draw: (some_words(draw, 0, 5),),
        words={"LETTER": quoted(letter), "at": ("at", "spot", "j")},
    )


def _rotated_search(rng: random.Random) -> Problem:
    missing = rng.choice((-1, -1, -2, 999))

    def arguments(draw: random.Random) -> tuple:
        values = sorted(draw.sample(range(-20, 60), draw.randint(0, 8)))
        cut = draw.randint(0, len(values))
        return values[cut:] + values[:cut], draw.choice((*values, draw.randint(-20, 60)))

    return Problem(
        entry="[find|search|locate|index]_[in_rotated|in_ring|rotated]",
        parameters=(("values_", "list[int]"), ("wanted_", "int")),
        returns="int",
        summary="[Return|Find] the index of wanted_ in values_, a sorted list of different numbers that was cut "
        f"once and put together the other way round, or {missing} if it isn't in there. [Takes|Needs] logarithmic "
        "time.",
        body="""
    left_, right_ = 0, len(values_) - 1
    while left_ <= right_:
        middle_ = (left_ + right_) // 2
        if values_[middle_] == wanted_:
            return middle_
        elif values_[left_] <= values_[middle_]:
            if values_[left_] <= wanted_ < values_[middle_]:
                right_ = middle_ - 1
            else:
                left_ = middle_ + 1
        elif values_[middle_] < wanted_ <= values_[right_]:
            left_ = middle_ + 1
        else:
            right_ = middle_ - 1
    return MISSING_
    """,
        reference=lambda values, wanted: values.index(wanted) if wanted in values else missing,
        arguments=arguments,
        words={"MISSING": missing, "wanted": ("wanted", "target", "sought"), "middle": ("middle", "mid", "centre")},
    )


def _edit_distance(rng: random.Random) -> Problem:
    insert, delete, change = rng.randint(1, 3), rng.randint(1, 3), rng.randint(1, 4)

    @functools.cache
    def reference(one: str, other: str) -> int:
        if not one or not other:
            return len(one) * delete + len(other) * insert
        straight = reference(one[1:], other[1:]) + change * (one[0] != other[0])
        return min(straight, reference(one[1:], other) + delete, reference(one, other[1:]) + insert)

    return Problem(
        entry="[edit|change|rewriting]_[cost|distance]",
        parameters=(("one_", "str"), ("other_", "str")),
        returns="int",
        summary="[Return|Compute] the least cost of turning one_ into other_ when inserting a character costs "
        f"{insert}, deleting one costs {delete} and replacing one costs {change}.",
        body="""
    costs_ = [[0] * (len(other_) + 1) for _ in range(len(one_) + 1)]
    for row_ in range(len(one_) + 1):
        for column_ in range(len(other_) + 1):
            if row_ == 0:
                costs_[row_][column_] = column_ * INSERT_
            elif column_ == 0:
                costs_[row_][column_] = row_ * DELETE_
            else:
                same_ = one_[row_ - 1] == other_[column_ - 1]
                costs_[row_][column_] = min(
                    costs_[row_ - 1][column_ - 1] + (0 if same_ else CHANGE_),
                    costs_[row_ - 1][column_] + DELETE_,
                    costs_[row_][column_ - 1] + INSERT_,
                )
    return costs_[len(one_)][len(other_)]
    """,
        reference=reference,
        arguments=lambda draw: (letters(draw, "abc", 0, 5), letters(draw, "abc", 0, 5)),
        words={"INSERT": insert, "DELETE": delete, "CHANGE": change, "costs": ("costs", "table", "least")}
        | {"row": ("row", "i"), "column": ("column", "j"), "same": ("same", "equal")},
    )


def _limited_coins(rng: random.Random) -> Problem:
    most = rng.randint(1, 3)
    thing = rng.choice(("coins", "weights", "stamps", "tiles"))
    return Problem(
        entry=f"[count|number_of]_[ways|sums]_with_{thing}",
        parameters=(("values_", "list[int]"), ("goal_", "int")),
        returns="int",
        summary=f"[Count|Return the number of] the ways to [make|reach] goal_ from {thing} of values_, each of which "
        f"may be used up to {most} times; the order doesn't matter.",
        body="""
    ways_ = [1] + [0] * goal_
    for value_ in values_:
        next_ = [0] * (goal_ + 1)
        for sum_ in range(goal_ + 1):
            for times_ in range(MOST_ + 1):
                if times_ * value_ <= sum_:
                    next_[sum_] += ways_[sum_ - times_ * value_]
        ways_ = next_
    return ways_[goal_]
    """,
        reference=lambda values, goal: sum(
            sum(value * times for value, times in zip(values, used)) == goal
            for used in itertools.product(range(most + 1), repeat=len(values))
        ),
        arguments=lambda draw: (sorted(draw.sample(range(1, 9), draw.randint(0, 4))), draw.randint(0, 14)),
        words={"MOST": most, "goal": ("goal", "amount", "target"), "ways": ("ways", "counts", "sums")}
        | {
            "next": ("following", "updated", "extended"),
            "sum": ("reached", "part", "s"),
            "times": ("times", "used", "k"),
        },
    )


def _common_subsequence(rng: random.Random) -> Problem:
    bonus = rng.randint(1, 3)
    letter = rng.choice("abc")

    def reference(one: str, other: str) -> int:
        def holds(word: str, parts: tuple[str, ...]) -> bool:
            rest = iter(word)
            return all(part in rest for part in parts)

        picks = (pick for size in range(len(one) + 1) for pick in itertools.combinations(one, size))
        return max(len(pick) + bonus * pick.count(letter) for pick in picks if holds(other, pick))

    return Problem(
        entry="[best|longest|richest]_[common|shared]_[sequence|part]",
        parameters=(("one_", "str"), ("other_", "str")),
        returns="int",
        summary="[Return|Compute] the worth of the best common subsequence of one_ and other_: each character "
        f"counts 1, and each {quoted(letter)} {bonus} more.",
        body="""
    best_ = [[0] * (len(other_) + 1) for _ in range(len(one_) + 1)]
    for row_ in range(1, len(one_) + 1):
        for column_ in range(1, len(other_) + 1):
            if one_[row_ - 1] == other_[column_ - 1]:
                gain_ = WITH_ if one_[row_ - 1] == LETTER_ else 1
                best_[row_][column_] = best_[row_ - 1][column_ - 1] + gain_
            elif best_[row_ - 1][column_] > best_[row_][column_ - 1]:
                best_[row_][column_] = best_[row_ - 1][column_]
            else:
                best_[row_][column_] = best_[row_][column_ - 1]
    return best_[-1][-1]
    """,
        reference=reference,
        arguments=lambda draw: (letters(draw, "abcd", 0, 6), letters(draw, "abcd", 0, 6)),
        words={"LETTER": quoted(letter), "WITH": bonus + 1, "gain": ("gain", "worth", "points")}
        | {"row": ("row", "i"), "column": ("column", "j")},
    )


def _knapsack(rng: random.Random) -> Problem:
    most, thing = rng.randint(2, 3), rng.choice(("parcels", "tools", "books", "jewels"))

    def reference(items: list[tuple[int, int]], limit: int) -> int:
        packs = (pack for size in range(most + 1) for pack in itertools.combinations(items, size))
        return max(sum(worth for _, worth in pack) for pack in packs if sum(weight for weight, _ in pack) <= limit)

    return Problem(
        entry=f"[best|richest]_[load|pack|bag]_of_{thing}",
        parameters=(("items_", "list[tuple[int, int]]"), ("limit_", "int")),
        returns="int",
        summary=f"[Return|Compute] the greatest worth of {thing} that fit together: items_ are pairs (weight, "
        f"worth), the weights may sum to limit_ [at most|and no more], and no more than {most} [may be taken|fit in].",
        body="""
    best_ = [[0] * (MOST_ + 1) for _ in range(limit_ + 1)]
    for weight_, worth_ in items_:
        for room_ in range(limit_, weight_ - 1, -1):
            for number_ in range(1, MOST_ + 1):
                taken_ = best_[room_ - weight_][number_ - 1] + worth_
                if taken_ > best_[room_][number_]:
                    best_[room_][number_] = taken_
    return best_[limit_][MOST_]
    """,
        reference=reference,
        arguments=lambda draw: (
            [(draw.randint(1, 6), draw.randint(1, 20)) for _ in range(draw.randint(0, 4))],
            draw.randint(1, 10),
        ),
        words={
            "MOST": most,
            "weight": ("weight", "size"),
            "worth": ("worth", "gain"),
            "room": ("room", "space", "left"),
        }
        | {"number": ("number", "pieces", "k"), "taken": ("taken", "candidate", "with_it")},
    )


def _best_stretch(rng: random.Random) -> Problem:
    least, greatest = rng.randint(1, 3), rng.random() < 0.5
    sign, word = (">", "greatest") if greatest else ("<", "smallest")
    return Problem(
        entry=f"[{word}|{'best' if greatest else 'least'}]_[stretch|run|segment]",
        parameters=(("values_", "list[int]"),),
        returns="tuple[int, int, int] | None",
        summary=f"[Return|Find] (sum, start, end) of the stretch values_[start:end] of at least {least} numbers "
        f"whose sum is {word}; of several, the one that starts first, and of those the shortest. None if values_ is "
        "too short.",
        body=f"""
    best_ = None
    for left_ in range(len(values_)):
        total_ = 0
        for right_ in range(left_, len(values_)):
            total_ += values_[right_]
            if right_ - left_ + 1 >= LEAST_:
                if best_ is None or total_ {sign} best_[0]:
                    best_ = (total_, left_, right_ + 1)
    return best_
    """,
        reference=lambda values: min(
            (
                (sum(values[start:end]), start, end)
                for start in range(len(values))
                for end in range(start + least, len(values) + 1)
            ),
            key=lambda found: (-found[0] if greatest else found[0], found[1], found[2]),
            default=None,
        ),
        arguments=lambda draw: (integers(draw, -9, 12, 0, 7),),
        words={"LEAST": least},
    )


def _palindrome(rng: random.Random) -> Problem:
    least = rng.randint(1, 3)
    return Problem(
        entry="[longest|greatest]_[palindrome|mirror]",
        parameters=(("text_", "str"),),
        returns="str",
        summary="[Return|Find] the longest part of text_ that reads the same backwards, the first of several, or an "
        f"empty string if [none has|there is none of] {least} or more characters.",
        body="""
    best_ = ""
    for centre_ in range(len(text_)):
        for even_ in (0, 1):
            left_, right_ = centre_, centre_ + even_
            while left_ >= 0 and right_ < len(text_):
                if text_[left_] != text_[right_]:
                    break
                if right_ - left_ + 1 > len(best_):
                    best_ = text_[left_ : right_ + 1]
                left_ -= 1
                right_ += 1
    return best_ if len(best_) >= LEAST_ else ""
    """,
        reference=lambda text: next(
            (
                text[start : start + size]
                for size in range(len(text), least - 1, -1)
                for start in range(len(text) - size + 1)
                if text[start : start + size] == text[start : start + size][::-1]
            ),
            "",
        ),
        arguments=lambda draw: (letters(draw, "abc", 0, 9),),
        words={"LEAST": least, "centre": ("centre", "middle", "m"), "even": ("even", "gap", "extra")},
    )


def _brackets(rng: random.Random) -> Problem:
    pairs = rng.sample(("()", "[]", "{}", "<>"), rng.randint(2, 3))
    fine = rng.choice((-1, -2, -9))
    openers = ", ".join(f"{quoted(pair[1])}: {quoted(pair[0])}" for pair in pairs)

    def reference(text: str) -> int:
        def settles(end: int) -> bool:
            """Whether the first `end` characters have nothing but open brackets once all pairs are struck out."""
            part = "".join(char for char in text[:end] if char in "".join(pairs))
            for _ in part:
                for pair in pairs:
                    part = part.replace(pair, "")
            return not any(pair[1] in part for pair in pairs)

        wrong = [end for end in range(len(text)) if not settles(end + 1)]
        whole = len(text) if text and sum(text.count(p[0]) - text.count(p[1]) for p in pairs) else fine
        return wrong[0] if wrong else whole

    return Problem(
        entry="[first|earliest]_[fault|mistake|mismatch]",
        parameters=(("text_", "str"),),
        returns="int",
        summary="[Return|Find] the index of the first closing bracket of text_ that doesn't fit, among "
        f"{' and '.join(pairs)}; the length of text_ if brackets [stay|are left] open at its end, and {fine} if all "
        "is well.",
        body=f"""
    openers_ = {{{openers}}}
    open_ = []
    for index_, char_ in enumerate(text_):
        if char_ in openers_.values():
            open_.append(char_)
        elif char_ in openers_:
            if not open_ or open_[-1] != openers_[char_]:
                return index_
            open_.pop()
    return len(text_) if open_ else FINE_
    """,
        reference=reference,
        arguments=lambda draw: (
            draw.choice(("", *pairs)).join(
                draw.choice(("", "", "x", "".join(pairs)[draw.randrange(4)])) for _ in range(5)
            ),
        ),
        words={"FINE": fine, "openers": ("partner", "match_of", "wanted"), "open": ("stack", "pending", "waiting")},
    )


def _rising_sequence(rng: random.Random) -> Problem:
    gap = rng.randint(1, 4)

    def reference(values: list[int]) -> int:
        picks = (pick for size in range(len(values) + 1) for pick in itertools.combinations(values, size))
        return max(len(pick) for pick in picks if all(b - a >= gap for a, b in zip(pick, pick[1:])))

    return Problem(
        entry="[longest|most]_[rising|growing|climbing]",
        parameters=(("values_", "list[int]"),),
        returns="int",
        summary="[Return|Compute] the length of the longest selection of values_, in their order, in which each "
        f"number is at least {gap} greater than the one before.",
        body="""
    lengths_ = [1] * len(values_)
    for right_ in range(len(values_)):
        for left_ in range(right_):
            if values_[right_] - values_[left_] >= GAP_:
                if lengths_[left_] + 1 > lengths_[right_]:
                    lengths_[right_] = lengths_[left_] + 1
    return max(lengths_, default=0)
    """,
        reference=reference,
        arguments=lambda draw: (integers(draw, 0, 15, 0, 8),),
        words={"GAP": gap, "lengths": ("lengths", "longest", "ending_at")},
    )


ALGORITHMS: tuple[Template, ...] = (
    _insertion_sort,
    _rotated_search,
    _edit_distance,
    _limited_coins,
    _common_subsequence,
    _knapsack,
    _best_stretch,
    _palindrome,
    _brackets,
    _rising_sequence,
)
