"""Templates of level functions: closures, generators, decorators, functions of functions."""

from __future__ import annotations

import functools
import itertools
import random
import string

from data.generators.code_template import Problem, Template, integers, letters, quoted, some_words


def _counter(rng: random.Random) -> Problem:
    start, cap = rng.randint(0, 9), rng.randint(20, 60)
    return Problem(
        entry="[capped|limited|bounded]_[sums|totals|balances]",
        parameters=(("values_", "list[int]"),),
        returns="list[int]",
        summary=f"[Return|List] the running total after each of values_, beginning at {start}. The total never [rises "
        f"above|exceeds] {cap} and never falls below 0: what goes beyond is lost.",
        body="""
    total_ = START_

    def add_(value_):
        nonlocal total_
        total_ = max(0, min(CAP_, total_ + value_))
        return total_

    return [add_(value_) for value_ in values_]
    ===
    def account_():
        total_ = START_

        def add_(value_):
            nonlocal total_
            total_ += value_
            if total_ > CAP_:
                total_ = CAP_
            elif total_ < 0:
                total_ = 0
            return total_

        return add_

    return list(map(account_(), values_))
    """,
        reference=lambda values: list(
            itertools.accumulate(values, lambda total, value: sorted((0, total + value, cap))[1], initial=start)
        )[1:],
        arguments=lambda draw: (integers(draw, -30, 30, 0, 6),),
        words={
            "START": start,
            "CAP": cap,
            "add": ("add", "book", "change"),
            "account": ("account", "make", "open_one"),
        },
    )


def _chunks(rng: random.Random) -> Problem:
    by_size = rng.random() < 0.5
    shown = "its largest value minus its smallest" if by_size else "the last of its values minus the first"
    difference = "max(part_) - min(part_)" if by_size else "part_[-1] - part_[0]"
    keep = rng.random() < 0.5

    def reference(values: list[int], size: int) -> list[int]:
        parts = [values[k : k + size] for k in range(0, len(values), size)]
        picked = [part for part in parts if keep or len(part) == size]
        ordered = [sorted(part) if by_size else part for part in picked]
        return [part[len(part) - 1] - part[0] for part in ordered]

    return Problem(
        entry="[chunk|block|window]_[ranges|spans|changes]",
        parameters=(("values_", "list[int]"), ("size_", "int")),
        returns="list[int]",
        summary=f"[Cut|Divide] values_ into [blocks|chunks] of size_ and return for each {shown}. A shorter block at "
        f"the end {'[counts|is used], too' if keep else '[is left out|does not count]'}.",
        body=f"""
    def blocks_():
        part_ = []
        for value_ in values_:
            part_.append(value_)
            if len(part_) == size_:
                yield part_
                part_ = []
        {"if part_:" if keep else "if len(part_) == size_:"}
            yield part_

    return [{difference} for part_ in blocks_()]
    ===
    def blocks_(first_):
        while first_ {"< len(values_)" if keep else "+ size_ <= len(values_)"}:
            yield values_[first_ : first_ + size_]
            first_ += size_

    result_ = []
    for part_ in blocks_(0):
        result_.append({difference})
    return result_
    """,
        reference=reference,
        arguments=lambda draw: (integers(draw, -9, 30, 0, 9), draw.randint(1, 4)),
        words={
            "blocks": ("blocks", "parts", "pieces"),
            "part": ("part", "block", "piece"),
            "first": ("first", "offset"),
        },
    )


def _merged(rng: random.Random) -> Problem:
    rarely = rng.randint(1, 2)
    return Problem(
        entry="[shared|common|frequent]_[words|labels|members]",
        parameters=(("*groups_", "list[str]"),),
        returns="list[str]",
        summary=f"[Return|List] in alphabetical order the words that are in more than {rarely} of groups_; [a word "
        "that a group repeats|one that is twice in a group] counts once for it.",
        body="""
    def votes_(word_):
        return sum(word_ in group_ for group_ in groups_)

    every_ = set()
    for group_ in groups_:
        every_.update(group_)
    return sorted(word_ for word_ in every_ if votes_(word_) > RARELY_)
    ===
    counts_ = {}
    for group_ in groups_:
        for word_ in set(group_):
            counts_[word_] = counts_.get(word_, 0) + 1
    result_ = []
    for word_ in sorted(counts_):
        if counts_[word_] > RARELY_:
            result_.append(word_)
    return result_
    """,
        reference=lambda *groups: [
            word
            for word, hits in itertools.groupby(sorted(itertools.chain(*map(dict.fromkeys, groups))))
            if len(list(hits)) >= rarely + 1
        ],
        arguments=lambda draw: tuple([letters(draw, "ab", 1, 2) for _ in range(draw.randint(0, 4))] for _ in range(3)),
        words={"RARELY": rarely, "groups": ("groups", "lists", "sources"), "group": ("group", "members", "part")}
        | {"word": ("word", "label", "name"), "every": ("every", "union", "candidates"), "votes": ("votes", "support")}
        | {"counts": ("counts", "tally", "times")},
    )


def _call_counter(rng: random.Random) -> Problem:
    back, stop = rng.choice(((1, 2), (1, 3), (2, 3))), rng.randint(1, 3)

    @functools.cache
    def calls(number: int) -> int:
        return 1 if number < stop else 1 + sum(calls(number - step) for step in back)

    return Problem(
        entry="[count|number_of]_calls",
        parameters=(("number_", "int"),),
        returns="int",
        summary="[Count|Return the number of] the calls that a recursive function makes, the first one included, "
        f"when it is called with number_, calls itself with {back[0]} less and with {back[1]} less, and [stops|ends] "
        f"below {stop}.",
        body="""
    calls_ = 0

    def counted_(function_):
        def wrapper_(argument_):
            nonlocal calls_
            calls_ += 1
            return function_(argument_)

        return wrapper_

    @counted_
    def descend_(depth_):
        if depth_ >= STOP_:
            descend_(depth_ - SMALL_)
            descend_(depth_ - LARGE_)

    descend_(number_)
    return calls_
    ===
    def calls_(depth_):
        if depth_ < STOP_:
            return 1
        return 1 + calls_(depth_ - SMALL_) + calls_(depth_ - LARGE_)

    return calls_(number_)
    """,
        reference=calls,
        arguments=lambda draw: (draw.randint(0, 9),),
        words={"STOP": stop, "SMALL": back[0], "LARGE": back[1], "calls": ("calls", "times", "made")}
        | {
            "counted": ("counted", "watched", "recorded"),
            "wrapper": ("wrapper", "inner"),
            "function": ("function", "f"),
        }
        | {
            "argument": ("argument", "value"),
            "descend": ("descend", "recurse", "branch"),
            "depth": ("depth", "left", "n"),
        },
    )


def _turns(rng: random.Random) -> Problem:
    ours, theirs = rng.sample(range(2, 8), 2)
    names = rng.choice((("first", "second"), ("Ann", "Ben"), ("left", "right"), ("host", "guest")))

    def reference(number: int) -> str:
        rounds, left = divmod(number, ours + theirs)
        return names[0] if left and left <= ours else names[1]

    return Problem(
        entry="[last_taker|who_ends|taker_of_last|finisher]",
        parameters=(("number_", "int"),),
        returns="str",
        summary=f"{quoted(names[0])} and {quoted(names[1])} take tokens in turn from a [heap|pile] of number_: "
        f"{quoted(names[0])} begins and takes {ours} each time, {quoted(names[1])} takes {theirs}, or what is left. "
        "[Return|Tell] who takes the last one.",
        body="""
    def ours_(left_):
        return OURS_NAME if left_ <= OURS_ else theirs_(left_ - OURS_)

    def theirs_(left_):
        return THEIRS_NAME if left_ <= THEIRS_ else ours_(left_ - THEIRS_)

    return ours_(number_)
    """.replace("OURS_NAME", quoted(names[0])).replace("THEIRS_NAME", quoted(names[1])),
        reference=reference,
        arguments=lambda draw: (draw.randint(1, 40),),
        words={"OURS": ours, "THEIRS": theirs, "ours": (f"{names[0].lower()}_takes", f"turn_of_{names[0].lower()}")}
        | {"theirs": (f"{names[1].lower()}_takes", f"turn_of_{names[1].lower()}")},
    )


def _cipher(rng: random.Random) -> Problem:
    shift, digits = rng.randint(1, 25), rng.randint(1, 9)
    lower, upper, tens = string.ascii_lowercase, string.ascii_uppercase, string.digits
    plain = lower + upper + tens
    coded = lower[shift:] + lower[:shift] + upper[shift:] + upper[:shift] + tens[digits:] + tens[:digits]
    return Problem(
        entry="[encode|encipher|shift|scramble]_[text|message|line]",
        parameters=(("text_", "str"),),
        returns="str",
        summary=f"[Return|Build] text_ with each letter moved {shift} places on in the alphabet, from the end on at "
        f"its beginning, and each digit {digits} places on; case stays, and so do other characters.",
        body="""
    return "".join(map(moved_, text_))


def moved_(char_):
    if "a" <= char_ <= "z":
        return turned_(char_, "a", 26, SHIFT_)
    if "A" <= char_ <= "Z":
        return turned_(char_, "A", 26, SHIFT_)
    return turned_(char_, "0", 10, DIGITS_) if char_.isdigit() else char_


def turned_(char_, first_, size_, by_):
    return chr((ord(char_) - ord(first_) + by_) % size_ + ord(first_))
    ===
    def moved_(char_, first_, size_, by_):
        return chr((ord(char_) - ord(first_) + by_) % size_ + ord(first_))

    result_ = ""
    for char_ in text_:
        if char_.isdigit():
            result_ += moved_(char_, "0", 10, DIGITS_)
        elif char_.isalpha():
            result_ += moved_(char_, "a" if char_.islower() else "A", 26, SHIFT_)
        else:
            result_ += char_
    return result_
    """,
        reference=lambda text: text.translate(str.maketrans(plain, coded)),
        arguments=lambda draw: (letters(draw, "abyzABYZ0189 -", 1, 12),),
        words={"SHIFT": shift, "DIGITS": digits, "moved": ("moved", "coded", "shifted"), "turned": ("turned", "rotate")}
        | {"first": ("first", "base", "origin"), "by": ("by", "places")},
    )


def _pipeline(rng: random.Random) -> Problem:
    add, factor, part = rng.randint(2, 9), rng.randint(2, 5), rng.randint(3, 12)

    def reference(value: int, stages: list[str]) -> int:
        for stage in stages:
            value = {"a": value + add, "m": value * factor, "r": value - part * (value // part)}[stage[0]]
        return value

    return Problem(
        entry="[through|pass_through|process|feed]_[stages|pipeline|chain]",
        parameters=(("value_", "int"), ("stages_", "list[str]")),
        returns="int",
        summary=f'[Send|Pass] value_ through stages_, [one after the other|in their order]: "add" adds {add}, '
        f'"multiply" multiplies by {factor}, "rest" keeps the remainder of the division by {part}.',
        body="""
    def add_(number_):
        return number_ + ADD_

    def multiply_(number_):
        return number_ * FACTOR_

    def rest_(number_):
        return number_ % PART_

    functions_ = {"add": add_, "multiply": multiply_, "rest": rest_}
    for stage_ in stages_:
        value_ = functions_[stage_](value_)
    return value_
    ===
    def compose_(outer_, inner_):
        return lambda number_: outer_(inner_(number_))

    functions_ = {
        "add": lambda number_: number_ + ADD_,
        "multiply": lambda number_: number_ * FACTOR_,
        "rest": lambda number_: number_ % PART_,
    }
    whole_ = int
    for stage_ in stages_:
        whole_ = compose_(functions_[stage_], whole_)
    return whole_(value_)
    """,
        reference=reference,
        arguments=lambda draw: (
            draw.randint(-20, 50),
            [draw.choice(("add", "multiply", "rest")) for _ in range(draw.randint(0, 4))],
        ),
        words={
            "ADD": add,
            "FACTOR": factor,
            "PART": part,
            "stages": ("stages", "names", "plan"),
            "stage": ("stage", "name"),
        }
        | {"add": ("add", "plus"), "multiply": ("multiply", "times"), "rest": ("rest", "modulo")}
        | {"functions": ("functions", "known", "actions"), "compose": ("compose", "chain", "after")}
        | {"outer": ("outer", "f"), "inner": ("inner", "g"), "whole": ("whole", "combined", "run_all")},
    )


def _grouped(rng: random.Random) -> Problem:
    by, what = rng.choice((("len(word_)", "length"), ("word_[0]", "first letter"), ("word_[-1]", "last letter")))
    least = rng.randint(1, 2)
    key = {"length": len, "first letter": lambda word: word[:1], "last letter": lambda word: word[len(word) - 1]}[what]
    return Problem(
        entry="[group|bucket|sort_out]_[words|names|labels]",
        parameters=(("words_", "list[str]"),),
        returns="dict",
        summary=f"[Group|Sort] words_ by their {what}: a dictionary from each {what}, in rising order, to its words "
        f"in the order they came, without repetitions. Groups of fewer than {least + 1} words are left out.",
        body=f"""
    def key_(word_):
        return {by}

    groups_ = {{}}
    for word_ in words_:
        members_ = groups_.setdefault(key_(word_), [])
        if word_ not in members_:
            members_.append(word_)
    return {{mark_: groups_[mark_] for mark_ in sorted(groups_) if len(groups_[mark_]) > LEAST_}}
    """,
        reference=lambda words: {
            mark: members
            for mark in sorted(set(map(key, words)))
            if len(members := [word for word in dict.fromkeys(words) if key(word) == mark]) >= least + 1
        },
        arguments=lambda draw: (some_words(draw, 0, 6),),
        words={"LEAST": least, "key": ("key", "mark_of", "feature"), "groups": ("groups", "buckets", "by_key")}
        | {"members": ("members", "group", "bucket"), "mark": ("mark", "k", "shared")},
    )


FUNCTIONS: tuple[Template, ...] = (
    _counter,
    _chunks,
    _merged,
    _call_counter,
    _turns,
    _cipher,
    _pipeline,
    _grouped,
)
