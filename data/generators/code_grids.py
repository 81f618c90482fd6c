"""Templates of level algorithms: grids."""

from __future__ import annotations

import itertools
import random

from data.generators.code_template import Problem, Template, quoted

_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def _grid(draw: random.Random, cells: str, height: int = 4, width: int = 4) -> list[str]:
    rows, columns = draw.randint(1, height), draw.randint(2, width)
    return ["".join(draw.choice(cells) for _ in range(columns)) for _ in range(rows)]


def _grid_walk(rng: random.Random) -> Problem:
    wall, free = rng.choice((("#", "."), ("X", " "), ("*", "-"), ("~", "=")))
    diagonal, missing = rng.random() < 0.3, rng.choice((-1, -1, 0))
    steps = [step for step in itertools.product((-1, 0, 1), repeat=2) if any(step) and (diagonal or 0 in step)]

    def reference(table: list[str]) -> int:
        size = len(table[0])
        wave, seen = {(0, 0)} if table[0][0] == free else set(), set()
        for number in range(len(table) * size):
            if (len(table) - 1, size - 1) in wave:
                return number + 1
            seen |= wave
            around = {(row + down, column + across) for row, column in wave for down, across in steps}
            wave = {
                (row, column)
                for row in range(len(table))
                for column in range(size)
                if table[row][column] == free and (row, column) in around - seen
            }
        return missing

    return Problem(
        entry="[steps|walk|cells]_[to_corner|through|across]",
        parameters=(("table_", "list[str]"),),
        returns="int",
        summary="[Return|Count] the cells of the shortest way from the upper left to the lower right corner of "
        f"table_, both included, where {quoted(wall)} is a wall and one may go in "
        f"{'all eight' if diagonal else 'four'} directions; {missing} if there is none.",
        body=f"""
    if table_[0][0] == WALL_:
        return MISSING_
    steps_ = {tuple(steps)}
    queue_, lengths_ = [(0, 0)], {{(0, 0): 1}}
    for row_, column_ in queue_:
        for down_, across_ in steps_:
            place_ = (row_ + down_, column_ + across_)
            if 0 <= place_[0] < len(table_) and 0 <= place_[1] < len(table_[0]):
                if table_[place_[0]][place_[1]] != WALL_ and place_ not in lengths_:
                    lengths_[place_] = lengths_[row_, column_] + 1
                    queue_.append(place_)
    return lengths_.get((len(table_) - 1, len(table_[0]) - 1), MISSING_)
    ===
    if table_[0][0] == WALL_:
        return MISSING_
    steps_ = {tuple(steps)}
    wave_, seen_, length_ = [(0, 0)], {{(0, 0)}}, 1
    while wave_:
        following_ = []
        for row_, column_ in wave_:
            if row_ == len(table_) - 1 and column_ == len(table_[0]) - 1:
                return length_
            for down_, across_ in steps_:
                place_ = (row_ + down_, column_ + across_)
                if 0 <= place_[0] < len(table_) and 0 <= place_[1] < len(table_[0]):
                    if table_[place_[0]][place_[1]] != WALL_ and place_ not in seen_:
                        seen_.add(place_)
                        following_.append(place_)
        wave_, length_ = following_, length_ + 1
    return MISSING_
    """,
        reference=reference,
        arguments=lambda draw: (_grid(draw, free * 3 + wall),),
        words={"WALL": quoted(wall), "MISSING": missing, "steps": ("steps", "around"), "queue": ("queue", "pending")}
        | {"lengths": ("lengths", "distance", "reached"), "row": ("row", "r"), "column": ("column", "c")}
        | {"down": ("down", "dr"), "across": ("across", "dc"), "place": ("place", "cell"), "wave": ("wave", "frontier")}
        | {"length": ("length", "cells"), "following": ("following", "next_wave")},
    )


def _islands(rng: random.Random) -> Problem:
    land, sea = rng.choice((("#", "."), ("1", "0"), ("x", "-"), ("@", " ")))
    count = rng.random() < 0.5

    def reference(table: list[str]) -> int:
        label = {(r, c): (r, c) for r, row in enumerate(table) for c, cell in enumerate(row) if cell == land}
        for _ in label:
            for r, c in label:
                label[r, c] = min(label.get((r + down, c + across), label[r, c]) for down, across in (*_STEPS, (0, 0)))
        sizes = [list(label.values()).count(name) for name in set(label.values())]
        return len(sizes) if count else max(sizes, default=0)

    return Problem(
        entry=f"[{'count|number_of' if count else 'largest|greatest'}]_[islands|patches|regions]",
        parameters=(("table_", "list[str]"),),
        returns="int",
        summary=f"[Return|Find] {'the number' if count else 'the size of the largest'} of the groups of "
        f"{quoted(land)} in table_ that hang together[ over their sides|, where only sides touch|].",
        body=f"""
    seen_, best_ = set(), 0
    for row_ in range(len(table_)):
        for column_ in range(len(table_[0])):
            if table_[row_][column_] == LAND_ and (row_, column_) not in seen_:
                seen_.add((row_, column_))
                stack_, size_ = [(row_, column_)], 0
                while stack_:
                    down_, across_ = stack_.pop()
                    size_ += 1
                    for more_ in (-1, 1, -2, 2):
                        place_ = (down_ + more_ // 2, across_) if more_ % 2 == 0 else (down_, across_ + more_)
                        if 0 <= place_[0] < len(table_) and 0 <= place_[1] < len(table_[0]):
                            if table_[place_[0]][place_[1]] == LAND_ and place_ not in seen_:
                                seen_.add(place_)
                                stack_.append(place_)
                {"best_ += 1" if count else "best_ = max(best_, size_)"}
    return best_
    ===
    land_ = set()
    for row_ in range(len(table_)):
        for column_ in range(len(table_[row_])):
            if table_[row_][column_] == LAND_:
                land_.add((row_, column_))
    best_ = 0
    while land_:
        stack_, size_ = [land_.pop()], 1
        for row_, column_ in stack_:
            for place_ in ((row_ + 1, column_), (row_ - 1, column_), (row_, column_ + 1), (row_, column_ - 1)):
                if place_ in land_:
                    land_.remove(place_)
                    stack_.append(place_)
                    size_ += 1
        {"best_ += 1" if count else "if size_ > best_:" + chr(10) + "            best_ = size_"}
    return best_
    """,
        reference=reference,
        arguments=lambda draw: (_grid(draw, land * 2 + sea, 3, 5),),
        words={"LAND": quoted(land), "stack": ("stack", "pending", "queue"), "land": ("land", "left", "cells")}
        | {
            "row": ("row", "r", "y"),
            "column": ("column", "c", "x"),
            "down": ("down", "line"),
            "across": ("across", "k"),
        }
        | {"place": ("place", "cell", "beside"), "more": ("more", "turn")},
    )


def _life(rng: random.Random) -> Problem:
    born, stay = sorted(rng.sample(range(1, 6), 2)), sorted(rng.sample(range(1, 6), 2))
    alive, dead = rng.choice((("#", "."), ("o", "-"), ("1", "0")))

    def reference(table: list[str]) -> list[str]:
        cells = {(r, c) for r, row in enumerate(table) for c, cell in enumerate(row) if cell == alive}
        close = [(r, c, r + a, c + b) for r, c in cells for a, b in itertools.product((-1, 0, 1), repeat=2) if a or b]
        return [
            "".join(
                alive if sum(row[2:] == (r, c) for row in close) in (stay if (r, c) in cells else born) else dead
                for c in range(len(table[0]))
            )
            for r in range(len(table))
        ]

    return Problem(
        entry="[next|following]_[generation|step|state]",
        parameters=(("table_", "list[str]"),),
        returns="list[str]",
        summary=f"[Return|Compute] table_ one step later: a {quoted(dead)} with {born[0]} or {born[1]} of "
        f"{quoted(alive)} among its up to eight neighbours becomes one, and a {quoted(alive)} stays one with "
        f"{stay[0]} or {stay[1]}; [all else is|everything else becomes] {quoted(dead)}.",
        body="""
    result_ = []
    for row_ in range(len(table_)):
        line_ = ""
        for column_ in range(len(table_[0])):
            count_ = 0
            for down_ in range(max(row_ - 1, 0), min(row_ + 2, len(table_))):
                for across_ in range(max(column_ - 1, 0), min(column_ + 2, len(table_[0]))):
                    if (down_, across_) != (row_, column_) and table_[down_][across_] == ALIVE_:
                        count_ += 1
            wanted_ = STAY_ if table_[row_][column_] == ALIVE_ else BORN_
            line_ += ALIVE_ if count_ in wanted_ else DEAD_
        result_.append(line_)
    return result_
    """,
        reference=reference,
        arguments=lambda draw: (_grid(draw, alive + dead, 3, 4),),
        words={"ALIVE": quoted(alive), "DEAD": quoted(dead), "BORN": str(tuple(born)), "STAY": str(tuple(stay))}
        | {"row": ("row", "r", "y"), "column": ("column", "c", "x"), "down": ("down", "near_row"), "wanted": "wanted"}
        | {"across": ("across", "near_column"), "line": ("line", "built_row", "cells")},
    )


ALGORITHMS: tuple[Template, ...] = (
    _grid_walk,
    _islands,
    _life,
)
