"""Winoground's scores on matrices of known outcome."""

import random

import pytest

from mistral_moe.evaluation import image_text


@pytest.mark.parametrize(
    "scores, text, image, group, tied",
    [
        ([[2, 1], [1, 2]], True, True, True, 0),
        ([[1, 2], [2, 1]], False, False, False, 0),
        # Caption 0 is liked better whatever the image: each image's comparison is blind to half of it.
        ([[5, 4], [1, 2]], False, True, False, 0),
        ([[5, 1], [4, 2]], True, False, False, 0),
        ([[1, 1], [1, 1]], False, False, False, 4),
        ([[2, 1], [2, 3]], False, True, False, 1),
    ],
)
def test_matches_of_known_matrices(scores, text, image, group, tied):
    assert image_text.matches(scores) == image_text.Matches(text, image, group, tied)


def test_random_scores_are_at_chance():
    rng = random.Random(0)
    found = [image_text.matches([[rng.random() for _ in range(2)] for _ in range(2)]) for _ in range(20_000)]
    for name, chance in image_text.CHANCE.items():
        assert sum(getattr(one, name) for one in found) / len(found) == pytest.approx(chance, abs=0.012)


def test_another_shape_is_an_error():
    with pytest.raises(ValueError, match="two captions"):
        image_text.matches([[1, 2]])
