"""Near-duplicate images: found by perceptual hash with the pigeonhole principle, confirmed by a small coloured copy.

The 64-bit pHash (`ImageHash`) of two copies of a picture differs in a few bits. Of `distance + 1` parts of the hash at
least one is then the same, so that looking into the buckets of equal parts finds every pair that comparing all
with all would.

Why 4 bits and a difference of 24: copies of 51 photographs that were recompressed (JPEG at 30, WebP), scaled to a
quarter or made a tenth brighter lay within both, and no two different ones within 17 bits (benchmarks/data_dedup.py
--parts=images). Two unrelated hashes lie within 4 bits with probability 4e-14, 0.02 pairs among a million pictures;
within the usual 10 bits it would be 5,000. Why a second look: pHash sees no colour and little of drawings, and would
take shapes on a plain ground for copies of each other.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import warnings
from collections.abc import Iterator

import numpy as np

# Pixels of a picture that is decoded; beyond, it has no fingerprint.
MAX_PIXELS = 64 << 20
_SIDE = 8
_THUMBNAIL = 3 * _SIDE * _SIDE
FINGERPRINT_BYTES = 8 + _THUMBNAIL
# Members of a bucket up to which all pairs are compared; beyond, each with the next _WINDOW in the order of the copies.
MAX_ALL_PAIRS = 4096
_WINDOW = 16
_ROWS = 256


@dataclasses.dataclass(frozen=True)
class Limits:
    """How far two pictures may differ and still be one.

    Attributes:
      distance: bits of the perceptual hash.
      difference: of the 8x8 copies in RGB, the largest that a cell's colour may differ by, of 255.
    """

    distance: int = 4
    difference: int = 24

    def parts(self) -> list[int]:
        """Masks of the parts of the hash of which two near pictures share at least one."""
        bounds = np.linspace(0, 64, self.distance + 2).round().astype(int).tolist()
        return [(1 << end) - (1 << begin) for begin, end in itertools.pairwise(bounds)]


LIMITS = Limits()


def fingerprint(media: bytes) -> np.ndarray | None:
    """The perceptual hash (8 bytes, big-endian) and the 8x8 copy in RGB of an encoded image, uint8 [FINGERPRINT_BYTES].

    None where the bytes are no image that can be decoded, or one of more than MAX_PIXELS.
    """
    # Loading ImageHash takes most of a second (scipy, PyWavelets), which those who read no images need not wait for.
    import imagehash
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(media)) as image:
                if image.width * image.height > MAX_PIXELS:
                    return None
                # A JPEG is decoded at a fraction of its size: several times as fast, and far above the 32x32 that
                # count.
                image.draft("RGB", (256, 256))
                picture = _on_white(ImageOps.exif_transpose(image))
            bits = np.packbits(imagehash.phash(picture, hash_size=8).hash)
            small = picture.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, Image.DecompressionBombError):
        return None
    return np.concatenate([bits, np.asarray(small, np.uint8).reshape(-1)])


def _on_white(image):
    from PIL import Image

    if image.mode == "P" or "A" in image.mode:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")


def hashes(fingerprints: np.ndarray) -> np.ndarray:
    """The perceptual hashes of fingerprints uint8 [N, FINGERPRINT_BYTES], uint64 [N]."""
    return np.ascontiguousarray(fingerprints[:, :8]).view(">u8").reshape(-1).astype(np.uint64)


def buckets(one: np.ndarray, limits: Limits) -> Iterator[tuple[int, int]]:
    """The buckets of a fingerprint, one for each part: (number of the part, its bits)."""
    value = int(hashes(one[None])[0])
    for number, mask in enumerate(limits.parts()):
        yield number, value & mask


def close_pairs(fingerprints: np.ndarray, limits: Limits) -> np.ndarray:
    """The near pairs of a bucket's members, int64 [P, 2] of places, smaller first.

    All pairs are compared of up to MAX_ALL_PAIRS members. A larger bucket comes from pictures that pHash can't tell
    apart (blank pages, one template): they are sorted by their coloured copies, and each is compared with its next 16.

    Args:
      fingerprints: uint8 [N, FINGERPRINT_BYTES] in the order of the members' keys.
      limits: what counts as near.
    """
    count = len(fingerprints)
    values = hashes(fingerprints)
    if count > MAX_ALL_PAIRS:
        order = np.lexsort((np.arange(count), values, *fingerprints[:, :7:-1].T))
        steps = [np.stack([order[:-step], order[step:]], axis=1) for step in range(1, _WINDOW + 1)]
        return _near(fingerprints, values, np.sort(np.concatenate(steps), axis=1), limits)
    found = [np.empty((0, 2), np.int64)]
    for begin in range(0, count, _ROWS):
        rows = values[begin : begin + _ROWS, None] ^ values[None, begin:]
        first, second = np.nonzero(np.bitwise_count(rows) <= limits.distance)
        pairs = np.stack([first, second], axis=1)[first < second] + begin
        found.append(_near(fingerprints, values, pairs, limits))
    return np.concatenate(found)


def _near(fingerprints: np.ndarray, values: np.ndarray, pairs: np.ndarray, limits: Limits) -> np.ndarray:
    first, second = pairs[:, 0], pairs[:, 1]
    pairs = pairs[np.bitwise_count(values[first] ^ values[second]) <= limits.distance]
    near = np.zeros(len(pairs), bool)
    for begin in range(0, len(pairs), 1 << 14):
        part = pairs[begin : begin + (1 << 14)]
        copies = fingerprints[part, 8:].astype(np.int16)
        near[begin : begin + len(part)] = np.abs(copies[:, 0] - copies[:, 1]).max(axis=1) <= limits.difference
    return pairs[near]


def near_pairs(fingerprints: np.ndarray, limits: Limits = LIMITS) -> np.ndarray:
    """The pairs of near-duplicate images, for `data.dedup.clusters.representatives`.

    Args:
      fingerprints: uint8 [N, FINGERPRINT_BYTES] in the order of the documents' keys.
      limits: what counts as near.

    Returns:
      int64 [P, 2], each pair once, the smaller number first, sorted.
    """
    values = hashes(fingerprints)
    found = [np.empty((0, 2), np.int64)]
    for mask in limits.parts():
        parts = values & np.uint64(mask)
        order = np.argsort(parts, kind="stable")
        edges = np.flatnonzero(np.diff(parts[order])) + 1
        for members in np.split(order, edges):
            if len(members) > 1:
                found.append(members[close_pairs(fingerprints[members], limits)])
    return np.unique(np.concatenate(found), axis=0)
