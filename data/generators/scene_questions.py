"""Captions of scene graphs, and questions about them that are answered from the graph alone.

A question is a JSON list `[kind, *arguments]`, its wording follows from it, and `answer` is the only place where
answers come from: generating and verifying can't disagree on what a question means.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

Scene = Mapping[str, Any]
HEAD = "Image: "


def plural(noun: str, count: int) -> str:
    """`cross` -> `crosses` where count is not 1."""
    return noun if count == 1 else noun + ("es" if noun.endswith("s") else "s")


def name(thing: Mapping[str, Any], with_size: bool = False) -> str:
    """`red circle`, or `small red circle`."""
    size = f"{thing['size']} " if with_size else ""
    return f"{size}{thing['colour']} {thing['shape']}"


def _article(phrase: str) -> str:
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def caption(scene: Scene) -> str:
    """One sentence that says all there is to see."""
    if scene["kind"] == "chart":
        values = ", ".join(f"{colour} {value}" for colour, value in scene["values"])
        ground = f"on a {scene['background']} ground"
        return f"a {scene['chart']} chart {ground} with the values {values} from left to right."
    rows: dict[int, list[str]] = {}
    for thing in scene["things"]:
        rows.setdefault(thing["cell"][1], []).append(_article(name(thing, with_size=True)))
    listed = "; below, ".join(" and then ".join(names) for _, names in sorted(rows.items()))
    return f"on a {scene['background']} ground, from left to right, {listed}."


def _find(scene: Scene, colour: str, shape: str) -> Mapping[str, Any]:
    found = [thing for thing in scene["things"] if (thing["colour"], thing["shape"]) == (colour, shape)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} {colour} {shape}s; the question needs exactly one")
    return found[0]


def _side(scene: Scene, first: Sequence[str], second: Sequence[str]) -> str:
    a, b = _find(scene, *first)["cell"], _find(scene, *second)["cell"]
    across = "left of" if a[0] < b[0] else "right of" if a[0] > b[0] else ""
    along = "above" if a[1] < b[1] else "below" if a[1] > b[1] else ""
    return " and ".join(part for part in (along, across) if part)


def _count(scene: Scene, key: str, value: str) -> int:
    return sum(thing[key] == value for thing in scene["things"])


def _value(scene: Scene, colour: str) -> int:
    return dict(map(tuple, scene["values"]))[colour]


def wording(question: Sequence[Any]) -> str:
    """The question as it is asked."""
    kind, *args = question
    forms = {
        "is_there": "Is there a {0} in the image?",
        "how_many_things": "How many shapes are in the image?",
        "background": "What colour is the ground?",
        "colour_of": "What colour is the {0}?",
        "size_of": "Is the {0} {1} small or large?",
        "shape_of": "Which shape is {0}?",
    }
    if kind in forms:
        return forms[kind].format(*args)
    if kind == "count":
        noun = plural(args[1], 2) if args[0] == "shape" else f"{args[1]} shapes"
        return f"How many {noun} are there?"
    if kind == "more":
        return f"Are there more {plural(args[0], 2)} than {plural(args[1], 2)}?"
    if kind == "side":
        return f"Where is the {' '.join(args[0])} compared with the {' '.join(args[1])}?"
    if kind == "is_side":
        return f"Is the {' '.join(args[0])} {args[2]} the {' '.join(args[1])}?"
    if kind == "extreme":
        return f"Which colour has the {args[0]} value?"
    if kind == "value":
        return f"What is the value of {args[0]}?"
    if kind == "difference":
        return f"How much greater is {args[0]} than {args[1]}?"
    if kind == "total":
        return "What do all values add up to?"
    raise ValueError(f"unknown question {kind!r}")


def answer(scene: Scene, question: Sequence[Any]) -> str:
    """The answer that the graph gives.

    Raises:
      ValueError, KeyError: the question doesn't fit the scene.
    """
    kind, *args = question
    if kind == "is_there":
        return "yes" if _count(scene, "shape", args[0]) else "no"
    if kind == "how_many_things":
        return str(len(scene["things"]))
    if kind == "background":
        return scene["background"]
    if kind in ("colour_of", "shape_of"):
        given, asked = ("shape", "colour") if kind == "colour_of" else ("colour", "shape")
        found = [thing[asked] for thing in scene["things"] if thing[given] == args[0]]
        if len(found) != 1:
            raise ValueError(f"{len(found)} things are {args[0]}; the question needs exactly one")
        return found[0]
    if kind == "size_of":
        return _find(scene, *args)["size"]
    if kind == "count":
        return str(_count(scene, *args))
    if kind == "more":
        return "yes" if _count(scene, "shape", args[0]) > _count(scene, "shape", args[1]) else "no"
    if kind == "side":
        return _side(scene, *args)
    if kind == "is_side":
        return "yes" if args[2] in _side(scene, args[0], args[1]).split(" and ") else "no"
    if kind == "extreme":
        choose = max if args[0] == "greatest" else min
        best = choose(value for _, value in scene["values"])
        return " and ".join(colour for colour, value in scene["values"] if value == best)
    if kind == "value":
        return str(_value(scene, args[0]))
    if kind == "difference":
        return str(_value(scene, args[0]) - _value(scene, args[1]))
    if kind == "total":
        return str(sum(value for _, value in scene["values"]))
    raise ValueError(f"unknown question {kind!r}")


def _candidates(level: str, scene: Scene, rng: random.Random) -> list[list[Any]]:
    """Questions of a level that the scene can answer."""
    if level == "charts":
        colours = [colour for colour, _ in scene["values"]]
        first, second = sorted(rng.sample(colours, 2), key=lambda colour: -_value(scene, colour))
        ends = [["extreme", "greatest"], ["extreme", "least"]]
        return [["value", rng.choice(colours)], ["difference", first, second], ["total"], *ends]
    things = scene["things"]
    if level == "objects":
        shapes = ("circle", "square", "triangle", "diamond", "cross", "bar")
        present = ["is_there", rng.choice(things)["shape"]]
        return [present, ["is_there", rng.choice(shapes)], ["how_many_things"], ["background"]]
    if level == "attributes":
        found = [["size_of", thing["colour"], thing["shape"]] for thing in things]
        for kind, key in (("colour_of", "shape"), ("shape_of", "colour")):
            values = [thing[key] for thing in things]
            found += [[kind, value] for value in values if values.count(value) == 1]
        return found
    if level == "counting":
        shapes = sorted({thing["shape"] for thing in things})
        found = [["count", "shape", shape] for shape in shapes]
        found += [["count", "colour", colour] for colour in sorted({thing["colour"] for thing in things})]
        found += [["more", a, b] for a in shapes for b in shapes if a < b]
        return [*found, ["how_many_things"]]
    pairs = [rng.sample(things, 2) for _ in range(4)]
    named = [[[thing["colour"], thing["shape"]] for thing in pair] for pair in pairs]
    sides = [["is_side", a, b, rng.choice(("left of", "right of", "above", "below"))] for a, b in named[2:]]
    return [["side", a, b] for a, b in named[:2]] + sides


def ask(level: str, scene: Scene, rng: random.Random) -> list[dict[str, Any]]:
    """Two or three different questions of the level with their answers."""
    found: list[list[Any]] = []
    for question in _candidates(level, scene, rng):
        if question not in found:
            found.append(question)
    chosen = rng.sample(found, min(len(found), rng.randint(2, 3)))
    return [{"question": question, "answer": answer(scene, question)} for question in chosen]


def answered(scene: Scene, questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same questions, answered anew.

    Raises:
      ValueError: a stored answer differs from the scene's.
    """
    fresh = [{"question": row["question"], "answer": answer(scene, row["question"])} for row in questions]
    if any(row["answer"] != new["answer"] for row, new in zip(questions, fresh)):
        raise ValueError("a stored answer does not follow from the scene")
    return fresh


def render(scene: Scene, questions: Sequence[Mapping[str, Any]]) -> str:
    """The text that goes with the picture: caption, then question and answer lines."""
    lines = [f"{HEAD}{caption(scene)}"]
    for row in questions:
        lines += [f"Question: {wording(row['question'])}", f"Answer: {row['answer']}"]
    return "\n".join(lines)
