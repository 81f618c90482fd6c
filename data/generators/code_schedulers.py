"""Templates of level systems: locks, timers, schedulers, limits, connections and stores, driven by lists of events."""

from __future__ import annotations

import itertools
import random

from data.generators.code_template import Problem, Template, integers, quoted


def _lock(rng: random.Random) -> Problem:
    take, give = rng.choice((("acquire", "release"), ("lock", "unlock"), ("take", "drop"), ("enter", "leave")))
    nobody = rng.choice(("", "-", "nobody"))

    def reference(events: list[str]) -> list[str]:
        line: list[str] = []
        owners = []
        for verb, name in map(str.split, events):
            if verb == take and name not in line:
                line = [*line, name]
            elif verb == give:
                line = line[1:] if line[:1] == [name] else line
            owners.append((line or [nobody])[0])
        return owners

    return Problem(
        entry="[owners|holders|lock_owners]_[after|over|through]_[events|time]",
        parameters=(("events", "list[str]"),),
        returns="list[str]",
        summary=f'[Return|List] who holds a lock after each of the events "{take} NAME" and "{give} NAME". Who '
        f"comes when it is held waits in line; who holds it or waits already isn't put in line again; {give} counts "
        f"only from the holder. {quoted(nobody)} [stands for|means] a free lock.",
        body="""
    owner_, waiting_ = NOBODY_, []
    result_ = []
    for place_ in range(len(events)):
        verb_, name_ = events[place_].split()
        if verb_ == TAKE_:
            if owner_ == NOBODY_:
                owner_ = name_
            elif name_ != owner_ and name_ not in waiting_:
                waiting_.append(name_)
        elif name_ == owner_:
            owner_ = waiting_.pop(0) if waiting_ else NOBODY_
        result_.append(owner_)
    return result_
    ===
    result_ = [NOBODY_] * len(events)
    waiting_ = []
    for place_, event_ in enumerate(events):
        verb_, name_ = event_.split()
        if verb_ == TAKE_ and name_ not in waiting_:
            waiting_.append(name_)
        if verb_ != TAKE_ and waiting_ and waiting_[0] == name_:
            del waiting_[0]
        if waiting_:
            result_[place_] = waiting_[0]
    return result_
    """,
        reference=reference,
        arguments=lambda draw: (
            [f"{draw.choice((take, take, give))} {draw.choice('abc')}" for _ in range(draw.randint(1, 6))],
        ),
        words={"TAKE": quoted(take), "NOBODY": quoted(nobody), "owner": ("owner", "holder"), "verb": ("verb", "what")}
        | {"waiting": ("waiting", "line", "queue"), "place": ("place", "number"), "name": ("name", "who", "thread")}
        | {"event": ("event", "happened")},
    )


def _busy_time(rng: random.Random) -> Problem:
    begin, end = rng.choice((("start", "stop"), ("up", "down"), ("on", "off"), ("open", "shut")))
    close = rng.randint(20, 60)

    def reference(events: list[tuple[int, str]]) -> int:
        def is_on(time: int) -> bool:
            before = [event for event in events if event[0] <= time]
            return bool(before) and max(before)[1] == begin

        return sum(is_on(time) for time in range(close))

    return Problem(
        entry="[busy|running|active]_[time|seconds|minutes]",
        parameters=(("events", "list[tuple[int, str]]"),),
        returns="int",
        summary=f"[Return|Compute] how long a machine was running until time {close}. The events are (time, "
        f"{quoted(begin)} or {quoted(end)}), in any order, no two at the same time; {begin} changes nothing while it "
        f"runs, {end} nothing while it doesn't.",
        body="""
    total_, since_ = 0, None
    events = sorted(events)
    for time_, what_ in events:
        if what_ == BEGIN_ and since_ is None:
            since_ = time_
        elif what_ == END_ and since_ is not None:
            total_ += time_ - since_
            since_ = None
    if since_ is not None:
        total_ += CLOSE_ - since_
    return total_
    ===
    total_, on_, last_ = 0, False, 0
    events = [*events, (CLOSE_, END_)]
    for time_, what_ in sorted(events):
        if on_:
            total_ += time_ - last_
        on_ = what_ == BEGIN_
        last_ = time_
    return total_
    """,
        reference=reference,
        arguments=lambda draw: (
            [(time, draw.choice((begin, end))) for time in draw.sample(range(close), draw.randint(0, 5))],
        ),
        words={
            "BEGIN": quoted(begin),
            "END": quoted(end),
            "CLOSE": close,
            "since": ("since", "began"),
            "what": ("what", "kind"),
        }
        | {"time": ("time", "moment"), "on": ("running_now", "is_on"), "last": ("last", "before")},
    )


def _round_robin(rng: random.Random) -> Problem:
    quantum = rng.randint(2, 4)

    def reference(jobs: list[tuple[str, int]]) -> list[tuple[str, int]]:
        turns = sorted(
            (turn, place, name, min(quantum, work - turn * quantum), work <= (turn + 1) * quantum)
            for place, (name, work) in enumerate(jobs)
            for turn in range(-(-work // quantum))
        )
        clock = itertools.accumulate(turn[3] for turn in turns)
        return [(turn[2], time) for turn, time in zip(turns, clock) if turn[4]]

    return Problem(
        entry="[round_robin|time_slices|fair_schedule]",
        parameters=(("jobs_", "list[tuple[str, int]]"),),
        returns="list[tuple[str, int]]",
        summary="[Return|List] (name, time when it was done) of jobs_ in the order they are done. jobs_ are (name, "
        f"time needed); each in turn gets up to {quantum} units of the processor and, if it needs more, goes to the "
        "end of the queue.",
        body="""
    queue_ = list(jobs_)
    clock_, result_ = 0, []
    while queue_:
        name_, left_ = queue_.pop(0)
        if left_ > QUANTUM_:
            clock_ += QUANTUM_
            queue_.append((name_, left_ - QUANTUM_))
        else:
            clock_ += left_
            result_.append((name_, clock_))
    return result_
    ===
    left_ = [work_ for _, work_ in jobs_]
    clock_, result_ = 0, []
    while any(left_):
        for place_, (name_, _) in enumerate(jobs_):
            if left_[place_] > 0:
                slice_ = min(QUANTUM_, left_[place_])
                clock_ += slice_
                left_[place_] -= slice_
                if left_[place_] == 0:
                    result_.append((name_, clock_))
    return result_
    """,
        reference=reference,
        arguments=lambda draw: ([(name, draw.randint(1, 9)) for name in "pqrs"[: draw.randint(0, 4)]],),
        words={"QUANTUM": quantum, "jobs": ("jobs", "tasks", "processes"), "queue": ("queue", "ready", "line")}
        | {"clock": ("clock", "now", "time"), "name": ("name", "job"), "left": ("left", "remaining", "needs")}
        | {"work": ("work", "units"), "place": ("place", "number"), "slice": ("portion", "given", "used")},
    )


def _event_loop(rng: random.Random) -> Problem:
    until = rng.randint(8, 16)
    return Problem(
        entry="[run|simulate|drive]_[timers|event_loop|alarms]",
        parameters=(("timers_", "list[tuple[str, int]]"),),
        returns="list[str]",
        summary=f"[Return|Give] the calls that an event loop makes up to time {until}, which counts: timers_ are "
        "(name, interval), each first due after one interval and then again and again; what is due earlier is "
        'called first, at the same time the smaller name. A call reads "TIME NAME".',
        body="""
    loop = [(interval_, name_, interval_) for name_, interval_ in timers_]
    result_ = []
    while loop:
        due_ = min(loop)
        loop.remove(due_)
        time_, name_, interval_ = due_
        if time_ > UNTIL_:
            break
        result_.append(f"{time_} {name_}")
        loop.append((time_ + interval_, name_, interval_))
    return result_
    """,
        reference=lambda timers: [
            f"{time} {name}"
            for time, name in sorted((t, name) for name, every in timers for t in range(every, until + 1, every))
        ],
        arguments=lambda draw: ([(name, draw.randint(2, 9)) for name in draw.sample("abcd", draw.randint(0, 3))],),
        words={
            "UNTIL": until,
            "timers": ("timers", "alarms", "jobs"),
            "interval": ("interval", "every"),
            "due": ("due", "earliest"),
        }
        | {"name": ("name", "timer"), "time": ("time", "now")},
    )


def _rate_limit(rng: random.Random) -> Problem:
    most, window = rng.randint(1, 3), rng.randint(3, 10)

    def reference(events: list[int]) -> int:
        passed: list[int] = []
        for time in sorted(events):
            passed += [time] * (len([p for p in passed if p > time - window]) < most)
        return len(events) - len(passed)

    return Problem(
        entry="[count|number_of]_[refused|rejected|dropped]",
        parameters=(("events", "list[int]"),),
        returns="int",
        summary="[Count|Return how many of] the requests at the times events, in any order, [that are|are] refused "
        f"when no more than {most} may be let in within any {window} units of time; refused ones [don't count|are as "
        "if they never came].",
        body="""
    letin_, refused_ = [], 0
    events = sorted(events)
    for time_ in events:
        while letin_ and letin_[0] <= time_ - WINDOW_:
            letin_.pop(0)
        if len(letin_) < MOST_:
            letin_.append(time_)
        else:
            refused_ += 1
    return refused_
    ===
    letin_ = []
    for time_ in sorted(events):
        recent_ = letin_[-MOST_:]
        if len(recent_) < MOST_ or time_ - recent_[0] >= WINDOW_:
            letin_.append(time_)
    return len(events) - len(letin_)
    """,
        reference=reference,
        arguments=lambda draw: (integers(draw, 0, 3 * window, 0, 8),),
        words={"MOST": most, "WINDOW": window, "refused": ("refused", "rejected"), "time": ("time", "moment")}
        | {"letin": ("let_in", "accepted", "passed"), "recent": ("recent", "latest")},
    )


def _connection(rng: random.Random) -> Problem:
    idle, waiting, ready, broken = rng.choice(
        (
            ("closed", "opening", "open", "failed"),
            ("idle", "dialling", "talking", "lost"),
            ("off", "booting", "on", "stuck"),
        )
    )
    ask, accept, stop, fault = rng.choice((("dial", "answer", "hang", "error"), ("syn", "ack", "fin", "rst")))
    moves = ((idle, ask, waiting), (waiting, accept, ready), (waiting, stop, idle), (ready, stop, idle))
    moves += ((waiting, fault, broken), (ready, fault, broken), (broken, stop, idle))
    moves = tuple(rng.sample(moves, rng.randint(5, 7)))
    table = "\n".join(f'        ("{state}", "{event}"): "{after}",' for state, event, after in moves)
    said = ", ".join(f"{state} -{event}-> {after}" for state, event, after in moves)

    def reference(events: list[str]) -> tuple[str, int]:
        state, ignored = idle, 0
        for event in events:
            after = [to for start, by, to in moves if start == state and by == event]
            ignored += not after
            state = (*after, state)[0]
        return state, ignored

    return Problem(
        entry="[connection|line|device]_[state|status]",
        parameters=(("events", "list[str]"),),
        returns="tuple[str, int]",
        summary=f"[Return|Give] (state, number of ignored events) after the events, beginning with {quoted(idle)}. "
        f"The moves are {said}; [any other event|an event without a move] is ignored.",
        body=f"""
    moves_ = {{
{table}
    }}
    state_, taken_ = "{idle}", 0
    for event_ in events:
        if (state_, event_) in moves_:
            state_ = moves_[state_, event_]
            taken_ += 1
    return state_, len(events) - taken_
    """,
        reference=reference,
        arguments=lambda draw: ([draw.choice((ask, ask, accept, stop, fault)) for _ in range(draw.randint(0, 6))],),
        words={
            "moves": ("moves", "transitions", "table"),
            "state": ("state", "now", "status"),
            "taken": ("taken", "used"),
        }
        | {"event": ("event", "signal_name", "happened")},
    )


def _recently_used(rng: random.Random) -> Problem:
    size = rng.randint(2, 4)

    def reference(requests: list[str]) -> tuple[int, list[str]]:
        last = {key: place for place, key in enumerate(requests)}
        hits = 0
        for place, key in enumerate(requests):
            before = [k for k in range(place) if requests[k] == key]
            hits += bool(before) and len(set(requests[before[-1] : place])) <= size
        return hits, sorted(last, key=last.__getitem__)[-size:]

    return Problem(
        entry="[simulate|run|replay]_[lru|recently_used|store]",
        parameters=(("requests_", "list[str]"),),
        returns="tuple[int, list[str]]",
        summary=f"[Return|Give] (hits, contents) of a store for {size} keys after requests_: a key that isn't there "
        "is put in, and takes the place of the one that was asked for longest ago where the store is full. The "
        "contents are listed from the one asked for longest ago on.",
        body="""
    stored_ = {}
    hits_ = 0
    for key_ in requests_:
        if key_ in stored_:
            hits_ += 1
            del stored_[key_]
        elif len(stored_) >= SIZE_:
            oldest_ = next(iter(stored_))
            del stored_[oldest_]
        stored_[key_] = True
    return hits_, list(stored_)
    ===
    return _Store(SIZE_).replay_(requests_)


class _Store:
    def __init__(self, size_):
        self.size_, self.hits_, self.order_ = size_, 0, []

    def replay_(self, requests_):
        for key_ in requests_:
            self.ask_(key_)
        return self.hits_, self.order_

    def ask_(self, key_):
        if key_ in self.order_:
            self.hits_ += 1
            self.order_.remove(key_)
        elif len(self.order_) == self.size_:
            self.order_.pop(0)
        self.order_.append(key_)
    """,
        reference=reference,
        arguments=lambda draw: ([draw.choice("abcdef"[: size + 2]) for _ in range(draw.randint(0, 10))],),
        words={"SIZE": size, "requests": ("requests", "accesses", "asked_for"), "stored": ("stored", "held", "kept")}
        | {
            "hits": ("hits", "found"),
            "oldest": ("oldest", "evicted"),
            "size": ("size", "capacity"),
            "ask": ("ask", "touch"),
        }
        | {"order": ("order", "keys"), "replay": ("replay", "serve"), "key": ("key", "page", "name")},
    )


SYSTEMS: tuple[Template, ...] = (
    _lock,
    _busy_time,
    _round_robin,
    _event_loop,
    _rate_limit,
    _connection,
    _recently_used,
)
