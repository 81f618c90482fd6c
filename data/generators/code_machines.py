"""Templates of level systems: file systems, descriptors, memory, permissions and processes, all simulated."""

from __future__ import annotations

import errno
import random
from typing import Any

from data.generators.code_template import Problem, Template, quoted


def _commands(draw: random.Random, *choices: str) -> tuple[list[str]]:
    """Two to six commands; a `*` in a choice becomes one of two names, a `#` a small number."""
    made = []
    for _ in range(draw.randint(2, 6)):
        command = draw.choice(choices)
        while "*" in command:
            command = command.replace("*", draw.choice("ab"), 1)
        made.append(command.replace("#", str(draw.randint(1, 9))))
    return (made,)


def _file_system(rng: random.Random) -> Problem:
    make, remove, write = rng.choice((("mkdir", "rm", "write"), ("md", "del", "put"), ("folder", "drop", "store")))

    def reference(commands: list[str]) -> list[int]:
        root: dict[str, Any] = {}
        results = []
        for command in commands:
            verb, path, size = f"{command} 0".split()[:3]
            first, _, second = path[1:].partition("/")
            inside, name, result = root.get(first) if second else root, second or first, 0
            if not isinstance(inside, dict):
                result = -errno.ENOENT if inside is None else -errno.ENOTDIR
            elif verb == write:
                result = -errno.EISDIR if isinstance(inside.get(name), dict) else int(size)
                inside[name] = int(size) if result > 0 else inside[name]
            elif verb == make:
                result = -errno.EEXIST if name in inside else 0
                inside.setdefault(name, {})
            elif inside.get(name) and isinstance(inside[name], dict):
                result = -errno.EBUSY
            else:
                result = -errno.ENOENT if inside.pop(name, None) is None else 0
            results.append(result)
        return results

    return Problem(
        entry="[run|execute|replay|simulate]_[commands|script|session]",
        parameters=(("commands_", "list[str]"),),
        returns="list[int]",
        summary="[Run|Carry out] commands_ on an empty file system and return the result of each: 0 for "
        f"{quoted(make)} and {quoted(remove)} PATH, the size for {quoted(write)} PATH SIZE. Errors are negative: "
        "ENOENT (nothing there, or no parent), ENOTDIR (the parent is a file), EEXIST, EISDIR (a folder can't be "
        "written), EBUSY (a folder isn't empty).",
        imports="import errno",
        body="""
    files_ = {"": None}
    return [step_(files_, *command_.split()) for command_ in commands_]


def step_(files_, verb_, path_, size_="0"):
    parent_ = path_.rpartition("/")[0]
    if parent_ not in files_:
        return -errno.ENOENT
    if files_[parent_] is not None:
        return -errno.ENOTDIR
    if verb_ == WRITE_:
        if path_ in files_ and files_[path_] is None:
            return -errno.EISDIR
        files_[path_] = int(size_)
        return files_[path_]
    if verb_ == MAKE_:
        if path_ in files_:
            return -errno.EEXIST
        files_[path_] = None
        return 0
    if path_ not in files_:
        return -errno.ENOENT
    if any(other_.startswith(path_ + "/") for other_ in files_):
        return -errno.EBUSY
    del files_[path_]
    return 0
    """,
        reference=reference,
        arguments=lambda draw: _commands(
            draw, f"{make} /*", f"{make} /*", f"{make} /*/*", f"{remove} /*", f"{write} /*/* #", f"{write} /* #"
        ),
        words={
            "MAKE": quoted(make),
            "WRITE": quoted(write),
            "files": ("files", "tree", "nodes"),
            "verb": ("verb", "what"),
        }
        | {"commands": ("commands", "script", "requests"), "command": ("command", "line"), "step": ("step", "perform")}
        | {"path": ("path", "where"), "parent": ("parent", "folder"), "other": ("other", "deeper"), "size": "size"},
    )


def _descriptors(rng: random.Random) -> Problem:
    first, most = rng.choice((0, 3, 10)), rng.randint(2, 3)

    def reference(commands: list[str]) -> list[int]:
        slots, results = [False] * most, []
        for verb, word in map(str.split, commands):
            place = int(word) - first if word.isdigit() else -1
            known = 0 <= place < most and slots[place]
            if verb != "open" and not known:
                results.append(-errno.EBADF)
            elif verb == "close":
                slots[place] = False
                results.append(0)
            elif all(slots):
                results.append(-errno.EMFILE)
            else:
                results.append(first + slots.index(False))
                slots[slots.index(False)] = True
        return results

    return Problem(
        entry="[descriptor|handle|file]_[table|numbers|calls]",
        parameters=(("commands_", "list[str]"),),
        returns="list[int]",
        summary='[Return|Give] the result of each of commands_ on a process\'s table of open files: "open NAME" '
        f'and "dup NUMBER" take the lowest free number from {first} on, -EMFILE if {most} are open already; '
        '"close NUMBER" is 0. A number that isn\'t open is -EBADF.',
        imports="import errno",
        body="""
    open_ = {}
    result_ = []
    for command_ in commands_:
        verb_, name_ = command_.split()
        if verb_ != "open":
            if int(name_) not in open_:
                result_.append(-errno.EBADF)
                continue
            name_ = open_.pop(int(name_)) if verb_ == "close" else open_[int(name_)]
        if verb_ == "close":
            result_.append(0)
        elif len(open_) >= MOST_:
            result_.append(-errno.EMFILE)
        else:
            number_ = FIRST_
            while number_ in open_:
                number_ += 1
            open_[number_] = name_
            result_.append(number_)
    return result_
    """,
        reference=reference,
        arguments=lambda draw: _commands(
            draw, "open *", "open *", "open *", *(f"{verb} {first + draw.randint(0, 2)}" for verb in ("close", "dup"))
        ),
        words={"FIRST": first, "MOST": most, "commands": ("calls", "requests", "commands"), "verb": ("verb", "call")}
        | {"command": ("request", "line"), "name": ("name", "file", "argument"), "open": ("table", "opened", "files")}
        | {"number": ("number", "lowest", "fd")},
    )


def _allocator(rng: random.Random) -> Problem:
    size, best = rng.randint(8, 20), rng.random() < 0.5
    fit = (
        "the smallest gap that is large enough, the first of equal ones"
        if best
        else "the first gap that is large enough"
    )

    def reference(commands: list[str]) -> list[int]:
        cells, results = "." * size, []
        for verb, number in ((verb, int(word)) for verb, word in map(str.split, commands)):
            if verb == "alloc":
                starts = [k for k in range(size) if cells[k : k + number] == "." * number and f"x{cells}"[k] != "."]
                gap = {k: len(cells[k:]) - len(cells[k:].lstrip(".")) for k in starts}
                at = min(starts, key=lambda k: gap[k] if best else k, default=-errno.ENOMEM)
                cells = cells if at < 0 else cells[:at] + "o" + "-" * (number - 1) + cells[at + number :]
                results.append(at)
            elif number < size and cells[number] == "o":
                length = 1 + len(cells[number + 1 :]) - len(cells[number + 1 :].lstrip("-"))
                cells = cells[:number] + "." * length + cells[number + length :]
                results.append(length)
            else:
                results.append(-errno.EINVAL)
        return results

    begin = "at_, found_, room_ = 0, -errno.ENOMEM, SIZE_ + 1" if best else "at_, found_ = 0, -errno.ENOMEM"
    return Problem(
        entry="[run|simulate|serve]_[allocator|heap|memory]",
        parameters=(("commands_", "list[str]"),),
        returns="list[int]",
        summary=f'[Return|List] the results of commands_ on a memory of {size} cells: "alloc SIZE" gives the '
        f'address of a block in {fit}, or -ENOMEM; "free ADDRESS" gives the size of the block that begins there, '
        "or -EINVAL.",
        imports="import errno",
        body=f"""
    blocks_ = {{}}
    result_ = []
    for command_ in commands_:
        verb_, word_ = command_.split()
        number_ = int(word_)
        if verb_ == "free":
            result_.append(blocks_.pop(number_, -errno.EINVAL))
            continue
        {begin}
        for start_ in [*sorted(blocks_), SIZE_]:
            if number_ <= start_ - at_{" < room_" if best else " and found_ < 0"}:
                {"found_, room_ = at_, start_ - at_" if best else "found_ = at_"}
            at_ = start_ + blocks_.get(start_, 0)
        if found_ >= 0:
            blocks_[found_] = number_
        result_.append(found_)
    return result_
    """,
        reference=reference,
        arguments=lambda draw: _commands(
            draw, "alloc #", "alloc #", "alloc 2", f"free {draw.choice((0, 2, draw.randint(1, 9)))}", "free 0"
        ),
        words={"SIZE": size, "blocks": ("blocks", "used", "taken"), "commands": ("commands", "requests", "calls")}
        | {
            "command": ("command", "request", "call"),
            "verb": ("verb", "what"),
            "at": ("at", "gap_start"),
            "start": "start",
        }
        | {"found": ("found", "address"), "room": ("room", "smallest_gap"), "word": ("word", "argument")},
    )


def _permissions(rng: random.Random) -> Problem:
    root = rng.random() < 0.5
    exempt = "\n    if user_ == ROOT_:\n        return 0" if root else ""
    boss = rng.choice(("root", "admin", "keeper"))

    def reference(mode: str, owner: str, user: str, same: bool, wanted: str) -> int:
        if set(wanted) - set("rwx"):
            return -errno.EINVAL
        bits = int("".join("0" if char == "-" else "1" for char in mode), 2)
        shift = 6 if user == owner else 3 * same
        asked = sum({"r": 4, "w": 2, "x": 1}[char] for char in set(wanted))
        return 0 if root and user == boss or bits >> shift & asked == asked else -errno.EACCES

    return Problem(
        entry="[check|test|decide]_[access|permission|rights]",
        parameters=(("mode_", "str"), ("owner_", "str"), ("user_", "str"), ("member_", "bool"), ("wanted_", "str")),
        returns="int",
        summary="[Return|Give] 0 if user_ may do all of wanted_ with a file of owner_, else -EACCES; -EINVAL if "
        'wanted_ holds anything but r, w and x. mode_ is like "rwxr-x--x": for the owner, for the members of the '
        f"group, for others; the first that applies decides.{f' {quoted(boss)} may do everything.' if root else ''}",
        imports="import errno",
        body=f"""
    for letter_ in wanted_:
        if letter_ not in "rwx":
            return -errno.EINVAL{exempt}
    if user_ == owner_:
        part_ = mode_[:3]
    else:
        part_ = mode_[3:6] if member_ else mode_[6:]
    for letter_ in wanted_:
        if letter_ not in part_:
            return -errno.EACCES
    return 0
    ===
    if any(letter_ not in "rwx" for letter_ in wanted_):
        return -errno.EINVAL{exempt}
    first_ = 6
    if user_ == owner_:
        first_ = 0
    elif member_:
        first_ = 3
    allowed_ = all(letter_ in mode_[first_ : first_ + 3] for letter_ in wanted_)
    return 0 if allowed_ else -errno.EACCES
    """,
        reference=reference,
        arguments=lambda draw: (
            "".join(char if draw.random() < 0.6 else "-" for char in "rwxrwxrwx"),
            draw.choice(("ann", "ben")),
            draw.choice(("ann", "ann", "ben", boss)),
            draw.random() < 0.5,
            draw.choice(("r", "w", "x", "rw", "rx", "rwx", "rz")),
        ),
        words={"ROOT": quoted(boss), "mode": ("mode", "rights"), "owner": ("owner", "holder"), "user": ("user", "who")}
        | {"member": ("member", "in_group"), "wanted": ("wanted", "asked"), "letter": ("letter", "char", "right")}
        | {"part": ("part", "granted"), "first": ("first", "offset"), "allowed": ("allowed", "granted")},
    )


def _signals(rng: random.Random) -> Problem:
    ignored = rng.choice(("SIGHUP", "SIGINT", "SIGUSR1"))
    numbers = {"SIGKILL": 9, "SIGTERM": 15, "SIGHUP": 1, "SIGINT": 2, "SIGUSR1": 10}

    def reference(processes: list[tuple[int, int]], sent: list[tuple[int, int]]) -> list[int]:
        above = dict(processes)

        def line(pid: int) -> set[int]:
            return {pid} | (line(above[pid]) if pid in above else set())

        for pid, number in sent:
            if number == numbers["SIGKILL"]:
                above = {child: parent for child, parent in above.items() if pid not in line(child)}
            elif number == numbers["SIGTERM"] and above.pop(pid, None):
                above = {child: 1 if parent == pid else parent for child, parent in above.items()}
        return sorted(above)

    def arguments(draw: random.Random) -> tuple:
        processes = [(pid, draw.randint(1, pid - 1)) for pid in range(2, draw.randint(4, 7))]
        kinds = (numbers["SIGKILL"], numbers["SIGTERM"], numbers["SIGTERM"], numbers[ignored])
        return processes, [(draw.randint(2, len(processes) + 1), draw.choice(kinds)) for _ in range(draw.randint(1, 3))]

    return Problem(
        entry="[survivors|left_running|alive]_[after|of]_signals",
        parameters=(("processes_", "list[tuple[int, int]]"), ("sent_", "list[tuple[int, int]]")),
        returns="list[int]",
        summary="[Return|List] the ids of the processes that are left, in rising order. processes_ are (id, "
        "parent's id), the first process, 1, not among them; sent_ are (id, signal). SIGKILL ends a process and all "
        "below it, SIGTERM ends it alone and gives its children to process 1, other signals [are ignored|do "
        "nothing].",
        imports="import signal",
        body="""
    parents_ = dict(processes_)
    for target_, kind_ in sent_:
        if kind_ == signal.SIGKILL:
            doomed_ = [target_]
            for one_ in doomed_:
                doomed_.extend([child_ for child_, above_ in parents_.items() if above_ == one_])
            for one_ in doomed_:
                parents_.pop(one_, None)
        elif kind_ == signal.SIGTERM and target_ in parents_:
            del parents_[target_]
            for child_, above_ in parents_.items():
                if above_ == target_:
                    parents_[child_] = 1
    return sorted(parents_)
    """,
        reference=reference,
        arguments=arguments,
        words={
            "processes": ("processes", "tree", "table"),
            "sent": ("sent", "signals", "received"),
            "kind": ("kind", "number"),
        }
        | {"parents": ("parents", "running", "parent_of"), "target": ("target", "pid"), "doomed": ("doomed", "ending")}
        | {"one": ("one", "dead"), "child": ("child", "below"), "above": ("above", "parent")},
    )


SYSTEMS: tuple[Template, ...] = (
    _file_system,
    _descriptors,
    _allocator,
    _permissions,
    _signals,
)
