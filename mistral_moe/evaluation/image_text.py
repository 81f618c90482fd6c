"""Winoground's three scores (Thrush et al. 2022): whether the right image and caption of two of each belong together more.

An example holds captions 0 and 1 and images 0 and 1; its matrix `scores[caption][image]` says how well each pair goes
together. All comparisons are strict, so that a model that sees no difference is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

CHANCE = {"text": 1 / 4, "image": 1 / 4, "group": 1 / 6}


@dataclasses.dataclass(frozen=True)
class Matches:
    """Of one example.

    Attributes:
      text: for each image its own caption is preferred.
      image: for each caption its own image is.
      group: both.
      tied: comparisons of the four that were equal.
    """

    text: bool
    image: bool
    group: bool
    tied: int


def matches(scores: Sequence[Sequence[float]]) -> Matches:
    """What a matrix of scores [caption][image] gets right.

    Raises:
      ValueError: it isn't two by two.
    """
    if len(scores) != 2 or any(len(row) != 2 for row in scores):
        raise ValueError(f"scores of two captions and two images are wanted, not {scores}")
    (right_0, wrong_01), (wrong_10, right_1) = scores
    text = right_0 > wrong_10 and right_1 > wrong_01
    image = right_0 > wrong_01 and right_1 > wrong_10
    tied = sum(right == wrong for right in (right_0, right_1) for wrong in (wrong_01, wrong_10))
    return Matches(text, image, text and image, tied)
