"""Templates of level optimization: less work or memory than the plain way, which is the reference."""

from __future__ import annotations

import itertools
import random

from data.generators.code_template import Problem, Template, integers, letters


def _memoised(rng: random.Random) -> Problem:
    steps = sorted(rng.sample(range(1, 6), rng.randint(2, 3)))
    bad = rng.randint(3, 9)

    def reference(number: int) -> int:
        ways = [1]
        for place in range(1, number + 1):
            ways.append(0 if place % bad == 0 else sum(ways[place - step] for step in steps if step <= place))
        return ways[number]

    return Problem(
        entry="[count|number_of]_[climbs|ways|routes]",
        parameters=(("number_", "int"),),
        returns="int",
        summary="[Count|Return the number of] the ways to climb number_ stairs in steps of "
        f"{', '.join(map(str, steps[:-1]))} or {steps[-1]} without treading on a stair whose number {bad} divides. "
        "[Each|Every] count is worked out once and kept.",
        body="""
    cache = {0: 1}

    def ways_(stair_):
        if stair_ < 0 or (stair_ > 0 and stair_ % BAD_ == 0):
            return 0
        if stair_ not in cache:
            cache[stair_] = sum(ways_(stair_ - step_) for step_ in STEPS_)
        return cache[stair_]

    return ways_(number_)
    """,
        reference=reference,
        arguments=lambda draw: (draw.randint(0, 16),),
        words={
            "STEPS": str(tuple(steps)),
            "BAD": bad,
            "ways": ("ways", "climbs", "count_to"),
            "stair": ("stair", "place"),
        },
    )


def _smallest_sums(rng: random.Random) -> Problem:
    most = rng.randint(2, 4)
    sign, name = rng.choice((("+", "sums"), ("*", "products")))
    return Problem(
        entry=f"[smallest|least|first]_{name}",
        parameters=(("one_", "list[int]"), ("other_", "list[int]")),
        returns="list[int]",
        summary=f"[Return|List] the {most} smallest {name} of a number of one_ and a number of other_, in rising "
        "order, all if there are fewer; both lists are sorted and not negative. A heap holds one candidate for each "
        "number of one_.",
        imports="import heapq",
        body=f"""
    heap_ = [(value_ {sign} other_[0], value_, 0) for value_ in one_] if other_ else []
    heapq.heapify(heap_)
    result_ = []
    while heap_ and len(result_) < MOST_:
        found_, value_, index_ = heapq.heappop(heap_)
        result_.append(found_)
        if index_ + 1 < len(other_):
            heapq.heappush(heap_, (value_ {sign} other_[index_ + 1], value_, index_ + 1))
    return result_
    """,
        reference=lambda one, other: sorted(a + b if sign == "+" else a * b for a, b in itertools.product(one, other))[
            :most
        ],
        arguments=lambda draw: (sorted(integers(draw, 0, 12, 0, 4)), sorted(integers(draw, 0, 12, 0, 4))),
        words={"MOST": most, "heap": ("heap", "candidates", "frontier"), "found": ("found", "smallest", "head")},
    )


def _in_range(rng: random.Random) -> Problem:
    low_counts, high_counts = rng.random() < 0.5, rng.random() < 0.5
    left, right = ("left", "right")[not low_counts], ("left", "right")[high_counts]

    def reference(values: list[int], queries: list[tuple[int, int]]) -> list[int]:
        def inside(value: int, low: int, high: int) -> bool:
            return (low <= value if low_counts else low < value) and (value <= high if high_counts else value < high)

        return [sum(inside(value, low, high) for value in values) for low, high in queries]

    return Problem(
        entry="[count|number]_[in_ranges|between|within]",
        parameters=(("values_", "list[int]"), ("queries_", "list[tuple[int, int]]")),
        returns="list[int]",
        summary="[Return|Count] for each (low, high) of queries_ how many of values_ lie between, "
        f"{'low' if low_counts else 'low not'} counted and {'high' if high_counts else 'high not'} counted. values_ "
        "are sorted once, and each query takes two binary searches.",
        imports="import bisect",
        body=f"""
    ordered_ = sorted(values_)
    result_ = []
    for low_, high_ in queries_:
        before_ = bisect.bisect_{left}(ordered_, low_)
        result_.append(max(bisect.bisect_{right}(ordered_, high_) - before_, 0))
    return result_
    """,
        reference=reference,
        arguments=lambda draw: (
            integers(draw, 0, 12, 0, 7),
            [tuple(sorted((draw.randint(0, 12), draw.randint(0, 12)))) for _ in range(draw.randint(1, 3))],
        ),
        words={
            "queries": ("queries", "ranges", "questions"),
            "ordered": ("ordered", "ranked"),
            "before": ("before", "skipped"),
        },
    )


def _prefix_sums(rng: random.Random) -> Problem:
    factor = rng.choice((1, 1, 2, 3, -1))
    term = "value_" if factor == 1 else f"{factor} * value_"
    scaled = "values_" if factor == 1 else f"{factor} times values_"
    return Problem(
        entry="[range|stretch|slice]_[sums|totals]",
        parameters=(("values_", "list[int]"), ("queries_", "list[tuple[int, int]]")),
        returns="list[int]",
        summary=f"[Return|List] for each (start, end) of queries_ the sum of {scaled} from index start to before "
        "end. [After|With] one pass that keeps the sums of all beginnings, a query is one subtraction.",
        body=f"""
    sums_ = [0]
    for value_ in values_:
        sums_.append(sums_[-1] + {term})
    return [sums_[right_] - sums_[left_] for left_, right_ in queries_]
    ===
    sums_ = [0] * (len(values_) + 1)
    for index_, value_ in enumerate(values_):
        sums_[index_ + 1] = sums_[index_] + {term}
    result_ = []
    for left_, right_ in queries_:
        result_.append(sums_[right_] - sums_[left_])
    return result_
    """,
        reference=lambda values, queries: [sum(factor * v for v in values[start:end]) for start, end in queries],
        arguments=lambda draw: (
            integers(draw, -9, 20, 5, 7),
            [tuple(sorted((draw.randint(0, 5), draw.randint(0, 5)))) for _ in range(draw.randint(1, 3))],
        ),
        words={"queries": ("queries", "ranges", "spans"), "sums": ("sums", "prefix", "up_to")},
    )


def _two_pointers(rng: random.Random) -> Problem:
    below = rng.random() < 0.5
    part, forth, back = ("not above", "left_ += 1", "right_ -= 1") if below else ("above", "right_ -= 1", "left_ += 1")
    return Problem(
        entry="[count|number_of]_[pairs|couples]",
        parameters=(("values_", "list[int]"), ("limit_", "int")),
        returns="int",
        summary=f"[Count|Return the number of] the pairs of different places in values_ whose sum is {part} limit_. "
        "The sorted values are walked through from both ends, once.",
        body=f"""
    ordered_ = sorted(values_)
    left_, right_ = 0, len(ordered_) - 1
    count_ = 0
    while left_ < right_:
        if ordered_[left_] + ordered_[right_] {"<=" if below else ">"} limit_:
            count_ += right_ - left_
            {forth}
        else:
            {back}
    return count_
    """,
        reference=lambda values, limit: sum((a + b <= limit) == below for a, b in itertools.combinations(values, 2)),
        arguments=lambda draw: (integers(draw, 0, 15, 0, 7), draw.randint(5, 24)),
        words={"ordered": ("ordered", "ranked", "by_size")},
    )


def _window_best(rng: random.Random) -> Problem:
    size, greatest = rng.randint(2, 4), rng.random() < 0.5
    word, sign = ("greatest", "<=") if greatest else ("smallest", ">=")
    return Problem(
        entry=f"[window|sliding|moving]_{'max' if greatest else 'min'}ima",
        parameters=(("values_", "list[int]"),),
        returns="list[int]",
        summary=f"[Return|List] the {word} of every {size} neighbouring numbers of values_. Each index enters and "
        "leaves a queue of candidates once, so that the time grows with the length alone.",
        imports="from collections import deque",
        body=f"""
    waiting_, result_ = deque(), []
    for index_, value_ in enumerate(values_):
        while waiting_ and values_[waiting_[-1]] {sign} value_:
            waiting_.pop()
        waiting_.append(index_)
        if waiting_[0] <= index_ - SIZE_:
            waiting_.popleft()
        if index_ >= SIZE_ - 1:
            result_.append(values_[waiting_[0]])
    return result_
    """,
        reference=lambda values: [
            (max if greatest else min)(values[k : k + size]) for k in range(len(values) - size + 1)
        ],
        arguments=lambda draw: (integers(draw, 0, 15, 0, 9),),
        words={"SIZE": size, "waiting": ("waiting", "candidates", "queue")},
    )


def _in_place(rng: random.Random) -> Problem:
    most = rng.randint(1, 2)
    times = "once" if most == 1 else "twice"
    return Problem(
        entry="[thin|compact|tidy]_[sorted|in_place|repeats]",
        parameters=(("values_", "list[int]"),),
        returns="list[int]",
        summary=f"[Remove|Take] from the sorted list values_ what is in it more than {times}, [in place|without a "
        "second list], and return it. One index reads, another writes behind it.",
        body="""
    end_ = 0
    for value_ in values_:
        if end_ < MOST_ or values_[end_ - MOST_] != value_:
            values_[end_] = value_
            end_ += 1
    del values_[end_:]
    return values_
    """,
        reference=lambda values: [
            value for key, group in itertools.groupby(values) for value in itertools.islice(group, most)
        ],
        arguments=lambda draw: (sorted(integers(draw, 0, 5, 0, 8)),),
        words={"MOST": most, "end": ("end", "kept", "write")},
    )


def _rotation(rng: random.Random) -> Problem:
    right = rng.random() < 0.5
    return Problem(
        entry=f"rotate_[{'right' if right else 'left'}|{'forward' if right else 'back'}]",
        parameters=(("items_", "list[str]"), ("step_", "int")),
        returns="list[str]",
        summary=f"[Move|Shift] all of items_ step_ places to the {'right' if right else 'left'}, those that fall off "
        "coming in at the other end, and return the list, which is changed itself. Three reversals need no second "
        "list.",
        body=f"""
    size_ = len(items_)
    cut_ = {"-step_" if right else "step_"} % size_ if size_ else 0
    for left_, right_ in ((0, cut_ - 1), (cut_, size_ - 1), (0, size_ - 1)):
        while left_ < right_:
            items_[left_], items_[right_] = items_[right_], items_[left_]
            left_ += 1
            right_ -= 1
    return items_
    """,
        reference=lambda items, step: [
            items[(place + (-step if right else step)) % len(items)] for place in range(len(items))
        ],
        arguments=lambda draw: (list(letters(draw, "abcdef", 0, 6)), draw.randint(-7, 9)),
        words={"cut": ("cut", "turn", "border"), "size": ("size", "length", "n")},
    )


def _sieve(rng: random.Random) -> Problem:
    gap = rng.choice((0, 2, 4, 6))
    what = f"the pairs of primes below limit_ that lie {gap} apart" if gap else "the primes below limit_"
    return Problem(
        entry=f"[count|number_of]_[{'prime_pairs|close_primes' if gap else 'primes|primes_below'}]",
        parameters=(("limit_", "int"),),
        returns="int",
        summary=f"[Count|Return the number of] {what}. A byte for each number says whether it is prime; multiples "
        "are struck out a slice at a time.",
        body=f"""
    prime_ = bytearray([1]) * max(limit_, 2)
    prime_[:2] = bytearray(2)
    number_ = 2
    while number_ * number_ < limit_:
        if prime_[number_]:
            struck_ = len(range(number_ * number_, len(prime_), number_))
            prime_[number_ * number_ :: number_] = bytearray(struck_)
        number_ += 1
    return {"sum(prime_[k] and prime_[k + GAP_] for k in range(len(prime_) - GAP_))" if gap else "sum(prime_)"}
    """,
        reference=lambda limit: sum(
            all(low % factor and (low + gap) % factor for factor in range(2, low))
            and all((low + gap) % factor for factor in range(low, low + gap))
            for low in range(2, limit - gap)
        ),
        arguments=lambda draw: (draw.randint(0, 60),),
        words={"GAP": gap, "prime": ("prime", "sieve", "is_prime"), "struck": ("struck", "hits", "length")},
    )


def _stream(rng: random.Random) -> Problem:
    part, most, start = rng.randint(2, 4), rng.randint(20, 60), rng.randint(0, 5)
    return Problem(
        entry="[stream|filtered|lazy]_[totals|sums]",
        parameters=(("values_", "list[int]"),),
        returns="list[int]",
        summary=f"[Return|List] the running totals, from {start} on, of the values_ that {part} doesn't divide, up "
        f"to the first total above {most}, which is left out. [Generators|Three generators] hand on one number at a "
        "time; none keeps a list.",
        body="""
    def kept_():
        for value_ in values_:
            if value_ % PART_ != 0:
                yield value_

    def totals_():
        total_ = START_
        for value_ in kept_():
            total_ += value_
            yield total_

    def limited_():
        for total_ in totals_():
            if total_ > MOST_:
                return
            yield total_

    return list(limited_())
    """,
        reference=lambda values: list(
            itertools.takewhile(
                lambda total: total <= most,
                list(itertools.accumulate((v for v in values if v % part), initial=start))[1:],
            )
        ),
        arguments=lambda draw: (integers(draw, 0, 25, 0, 7),),
        words={"PART": part, "MOST": most, "START": start, "kept": ("kept", "chosen", "filtered")}
        | {"totals": ("totals", "sums", "added_up"), "limited": ("limited", "capped", "until_limit")},
    )


def _inversions(rng: random.Random) -> Problem:
    gap = rng.randint(0, 2)
    what = "is greater than" if gap == 0 else f"is more than {gap} above"
    return Problem(
        entry="[count|number_of]_[inversions|disorder|swapped]",
        parameters=(("values_", "list[int]"),),
        returns="int",
        summary=f"[Count|Return the number of] the pairs in values_ in which the earlier number {what} the later "
        "one; the numbers are from 0 to 30. A Fenwick tree gives the count for each number in a few steps.",
        body="""
    tree_ = [0] * (1 << (31).bit_length())
    count_ = 0
    for index_, value_ in enumerate(values_):
        count_ += index_
        place_ = min(value_ + GAP_, 30) + 1
        while place_ > 0:
            count_ -= tree_[place_]
            place_ -= place_ & -place_
        place_ = value_ + 1
        while place_ < len(tree_):
            tree_[place_] += 1
            place_ += place_ & -place_
    return count_
    """,
        reference=lambda values: sum(a > b + gap for a, b in itertools.combinations(values, 2)),
        arguments=lambda draw: (integers(draw, 0, 30, 0, 7),),
        words={"GAP": gap, "tree": ("tree", "counts", "sums"), "place": ("place", "spot", "node")},
    )


OPTIMIZATION: tuple[Template, ...] = (
    _memoised,
    _smallest_sums,
    _in_range,
    _prefix_sums,
    _two_pointers,
    _window_best,
    _in_place,
    _rotation,
    _sieve,
    _stream,
    _inversions,
)
