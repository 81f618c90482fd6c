"""Pictures drawn from scene graphs, with captions, questions and answers that follow from the graph.

`generate(level, seed, index)` is a pure function. The scene graph is the certificate: `verify` draws it anew, compares
the pixels, and works every question out again. Pixels rather than file bytes are compared, because zlib builds pack the
same picture differently. There is no writing in the pictures: fonts differ between machines.
"""

from __future__ import annotations

import functools
import io
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from data.document import Document
from data.generators import scene_questions

NAME = "rendered_scenes"
DOMAIN = "multimodal"
LICENCE = "CC0-1.0"
MEDIA_TYPE = "image/png"
COLOURS = {
    "red": (214, 39, 40),
    "blue": (31, 98, 200),
    "green": (44, 150, 60),
    "yellow": (240, 205, 40),
    "purple": (130, 70, 180),
    "orange": (245, 130, 30),
    "black": (20, 20, 20),
    "grey": (128, 128, 128),
}
BACKGROUNDS = {"white": (255, 255, 255), "cream": (250, 243, 220), "pale blue": (222, 236, 250)}
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "bar")
SIZES = {"small": 5, "large": 10}
MAX_SIDE = 256
_CELL = 24
_CHART_TOP = 10


def draw(scene: Mapping[str, Any]) -> Image.Image:
    """The picture of a scene graph; the same graph gives the same pixels.

    Raises:
      KeyError, ValueError: the graph names what can't be drawn, or asks for a picture beyond MAX_SIDE.
    """
    width, height = scene["size"]
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ValueError(f"a picture of {width} x {height} is not drawn; sides are 1 to {MAX_SIDE}")
    image = Image.new("RGB", (width, height), BACKGROUNDS[scene["background"]])
    pen = ImageDraw.Draw(image)
    if scene["kind"] == "chart":
        _draw_chart(pen, scene, height)
    else:
        for thing in scene["things"]:
            _draw_shape(pen, thing)
    return image


def _draw_shape(pen: ImageDraw.ImageDraw, thing: Mapping[str, Any]) -> None:
    x, y = thing["at"]
    r = SIZES[thing["size"]]
    colour = COLOURS[thing["colour"]]
    shape = thing["shape"]
    if shape == "circle":
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    elif shape == "square":
        pen.rectangle((x - r, y - r, x + r, y + r), fill=colour)
    elif shape == "triangle":
        pen.polygon(((x, y - r), (x + r, y + r), (x - r, y + r)), fill=colour)
    elif shape == "diamond":
        pen.polygon(((x, y - r), (x + r, y), (x, y + r), (x - r, y)), fill=colour)
    elif shape == "cross":
        arm = r // 3
        pen.rectangle((x - r, y - arm, x + r, y + arm), fill=colour)
        pen.rectangle((x - arm, y - r, x + arm, y + r), fill=colour)
    elif shape == "bar":
        pen.rectangle((x - r, y - r // 3, x + r, y + r // 3), fill=colour)
    else:
        raise ValueError(f"unknown shape {shape!r}")


def _draw_chart(pen: ImageDraw.ImageDraw, scene: Mapping[str, Any], height: int) -> None:
    """Bars or a line over a grid with one rule for each unit; values are whole, from 0 to _CHART_TOP."""
    left, base, unit = 8, height - 6, (height - 12) // _CHART_TOP
    right = left + 14 * len(scene["values"])
    for level in range(_CHART_TOP + 1):
        pen.line((left, base - level * unit, right, base - level * unit), fill=(205, 205, 205))
    pen.line((left, base - _CHART_TOP * unit, left, base), fill=(60, 60, 60))
    points = []
    for position, (name, value) in enumerate(scene["values"]):
        x, y = left + 14 * position + 7, base - value * unit
        points.append((x, y))
        if scene["chart"] == "bar":
            pen.rectangle((x - 4, y, x + 4, base), fill=COLOURS[name])
    if scene["chart"] == "line":
        pen.line(points, fill=(60, 60, 60), width=1)
        for (x, y), (name, _) in zip(points, scene["values"]):
            pen.rectangle((x - 2, y - 2, x + 2, y + 2), fill=COLOURS[name])


def encode_png(image: Image.Image) -> bytes:
    """PNG bytes of a picture; few colours, so a palette keeps the file small without loss."""
    stream = io.BytesIO()
    colours = len(image.getcolors(MAX_SIDE * MAX_SIDE))
    image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(stream, "PNG")
    return stream.getvalue()


@functools.cache
def _cells(columns: int, rows: int) -> tuple[tuple[int, int], ...]:
    return tuple((column, row) for row in range(rows) for column in range(columns))


def _things(rng: random.Random, count: int, columns: int, rows: int) -> list[dict[str, Any]]:
    """Shapes in different cells of a grid, so that none covers another, each a little off the middle."""
    things = []
    for column, row in rng.sample(_cells(columns, rows), count):
        at = [_CELL * column + _CELL // 2 + rng.randint(-1, 1), _CELL * row + _CELL // 2 + rng.randint(-1, 1)]
        things.append(
            {
                "shape": rng.choice(SHAPES),
                "colour": rng.choice(sorted(COLOURS)),
                "size": rng.choice(sorted(SIZES)),
                "at": at,
                "cell": [column, row],
            }
        )
    return sorted(things, key=lambda thing: (thing["cell"][1], thing["cell"][0]))


def _distinct(things: list[dict[str, Any]]) -> bool:
    names = [(thing["shape"], thing["colour"]) for thing in things]
    return len(set(names)) == len(names)


def scene_graph(level: str, rng: random.Random) -> dict[str, Any]:
    """A random scene of one level: its kind, size in pixels, background and things or values."""
    background = rng.choice(sorted(BACKGROUNDS))
    if level == "charts":
        names = rng.sample(sorted(COLOURS), rng.randint(3, 5))
        values = [[name, rng.randint(1, _CHART_TOP)] for name in names]
        chart = rng.choice(("bar", "line"))
        return {"kind": "chart", "chart": chart, "size": [96, 96], "background": background, "values": values}
    columns = rows = 4 if level in ("counting", "relations") else 3
    low, high = {"objects": (1, 4), "attributes": (2, 4), "counting": (4, 10), "relations": (3, 5)}[level]
    count = rng.randint(low, high)
    things = _things(rng, count, columns, rows)
    while level in ("attributes", "relations") and not _distinct(things):
        things = _things(rng, count, columns, rows)
    return {"kind": "shapes", "size": [_CELL * columns, _CELL * rows], "background": background, "things": things}


def generate(level: str, seed: int, index: int) -> Document:
    """The picture and text of that level, seed and index.

    Raises:
      KeyError: an unknown level.
    """
    rng = random.Random(f"{DOMAIN}/{level}/{seed}/{index}")
    scene = scene_graph(level, rng)
    questions = scene_questions.ask(level, scene, rng)
    # The picture is the prompt: all the text says is said of it, caption first.
    meta = {"scene": scene, "questions": questions, "prompt_end": len(scene_questions.HEAD)}
    text = scene_questions.render(scene, questions)
    media = encode_png(draw(scene))
    return Document(text, DOMAIN, f"{NAME}:{level}/{seed}/{index}", LICENCE, level, media, MEDIA_TYPE, meta)


def verify(document: Document) -> bool:
    """Whether the scene graph draws to the picture's pixels and yields the text, each answer worked out anew."""
    try:
        scene, questions = document.meta["scene"], document.meta["questions"]
        with Image.open(io.BytesIO(document.media)) as image:
            same = np.array_equal(np.asarray(image.convert("RGB")), np.asarray(draw(scene)))
        text = scene_questions.render(scene, scene_questions.answered(scene, questions))
        return same and text == document.text
    except (KeyError, ValueError, TypeError, IndexError, OSError, SyntaxError):
        return False
