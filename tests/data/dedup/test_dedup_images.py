"""Near-duplicate images: what counts as one picture, and that no pair is missed."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data.dedup import images
from data.dedup.clusters import representatives


def photograph(seed, size=(96, 64)):
    """A picture with structure at every scale: a sum of random patterns, each twice as fine and half as strong."""
    rng = np.random.default_rng(seed)
    total = np.zeros((*size[::-1], 3))
    for scale in (3, 6, 12, 24):
        pattern = Image.fromarray(rng.integers(0, 256, (scale, scale, 3), dtype=np.uint8))
        total += np.asarray(pattern.resize(size, Image.Resampling.BICUBIC), float) / scale
    return Image.fromarray((255 * total / total.max()).astype(np.uint8))


def encoded(picture, form="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def test_copies_are_one_picture_and_others_are_not():
    pictures = [photograph(seed) for seed in range(8)]
    copies = []
    for picture in pictures:
        copies += [
            encoded(picture),
            encoded(picture, "JPEG", quality=40),
            encoded(picture.resize((384, 256), Image.Resampling.LANCZOS), "JPEG"),
            encoded(picture.resize((48, 32), Image.Resampling.BICUBIC), "WEBP"),
            encoded(picture.convert("RGBA")),
        ]
    prints = np.stack([images.fingerprint(copy) for copy in copies])
    found = representatives(images.near_pairs(prints), len(prints))
    assert found.tolist() == [5 * (number // 5) for number in range(40)]


def test_drawings_that_differ_in_colour_only_are_two():
    def drawing(colour):
        picture = Image.new("RGB", (64, 64), "white")
        picture.paste(colour, (10, 10, 40, 40))
        return images.fingerprint(encoded(picture))

    # Red and green of the same brightness.
    prints = np.stack([drawing((255, 0, 0)), drawing((0, 130, 0)), drawing((255, 0, 0))])
    assert np.bitwise_count(images.hashes(prints)[0] ^ images.hashes(prints)[1]) <= 4
    assert images.near_pairs(prints).tolist() == [[0, 2]]


def test_orientation_and_transparency_are_applied():
    picture = photograph(1)
    exif = Image.Exif()
    exif[0x0112] = 6  # the viewer turns it right by 90 degrees
    turned = encoded(picture.transpose(Image.Transpose.ROTATE_90), exif=exif)
    assert images.fingerprint(turned).tolist() == images.fingerprint(encoded(picture)).tolist()
    clear = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    assert (images.fingerprint(encoded(clear))[8:] == 255).all()


@pytest.mark.parametrize("cut", [0, 1, 20, 60, 200])
def test_broken_images_have_no_fingerprint(cut):
    assert images.fingerprint(encoded(photograph(0))[:cut]) is None
    assert images.fingerprint(b"x" * cut) is None


def test_an_absurd_size_is_not_decoded():
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 1, 0, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
        + chunk(b"IEND", b"")
    )
    assert images.fingerprint(bomb) is None


@given(st.binary(max_size=80), st.integers(0, 400))
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_answered(noise, place):
    whole = encoded(photograph(0), "JPEG")
    for data in (noise, whole[:place] + noise + whole[place + len(noise) :]):
        found = images.fingerprint(data)
        assert found is None or (found.dtype == np.uint8 and found.shape == (images.FINGERPRINT_BYTES,))


@given(st.integers(0, 8), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_no_pair_within_the_distance_is_missed(distance, seed):
    rng = np.random.default_rng(seed)
    prints = np.zeros((30, images.FINGERPRINT_BYTES), np.uint8)
    bits = np.repeat(rng.integers(0, 2, (6, 64)), 5, axis=0)
    for row in bits:
        row[rng.choice(64, rng.integers(0, 8), replace=False)] ^= 1
    prints[:, :8] = np.packbits(bits, axis=1)
    found = images.near_pairs(prints, images.Limits(distance=distance))
    expected = [[a, b] for a, b in itertools.combinations(range(30), 2) if (bits[a] != bits[b]).sum() <= distance]
    assert found.tolist() == expected


def test_parts_cover_the_hash_once():
    for distance in range(10):
        masks = images.Limits(distance=distance).parts()
        assert len(masks) == distance + 1
        assert sum(masks) == 2**64 - 1
        assert all(a & b == 0 for a, b in itertools.combinations(masks, 2))


def test_a_bucket_too_large_for_all_pairs_still_joins_copies():
    rng = np.random.default_rng(0)
    count = images.MAX_ALL_PAIRS + 904
    prints = np.zeros((count, images.FINGERPRINT_BYTES), np.uint8)
    prints[:, 8:] = np.repeat(
        rng.integers(0, 256, (count // 4, images.FINGERPRINT_BYTES - 8), dtype=np.uint8), 4, axis=0
    )
    order = rng.permutation(count)
    found = representatives(images.near_pairs(prints[order]), count)
    pictures = order // 4
    assert len(np.unique(found)) == count // 4
    assert (pictures[found] == pictures).all()
