"""Pictures: told by their bytes, held to limits before decoding, decoded in full, hashed by what they look like."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from data.formats import arrays, images


def scene(width=160, height=120, seed=0):
    """A picture with large forms, so that encodings change little of it."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


KINDS = ("JPEG", "PNG", "WEBP", "GIF")


@pytest.mark.parametrize("kind", KINDS)
def test_facts_are_those_of_the_picture(kind):
    facts = images.inspect(encoded(scene(), kind))
    assert (facts.width, facts.height, facts.format, facts.frames) == (160, 120, kind, 1)
    assert facts.media_type == f"image/{kind.lower()}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.0, 0.02, 0.3, 0.7, 0.95])
def test_a_picture_cut_short_is_refused(kind, part):
    data = encoded(scene(), kind)
    with pytest.raises(images.ImageError) as caught:
        images.inspect(data[: int(len(data) * part)])
    assert caught.value.reason in ("empty", "truncated", "undecodable", "unsupported_format")


@pytest.mark.parametrize("kind", ("JPEG", "PNG", "WEBP"))
def test_even_the_last_byte_is_missed(kind):
    with pytest.raises(images.ImageError) as caught:
        images.inspect(encoded(scene(), kind)[:-1])
    assert caught.value.reason == "truncated"


def png_claiming(width, height):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def webp_claiming(width, height):
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little") + b"\0" * 40
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_claiming(width, height):
    return (
        b"GIF89a"
        + struct.pack("<HH", width, height)
        + b"\0\0\0,\0\0\0\0"
        + struct.pack("<HH", width, height)
        + b"\0\x02\0;"
    )


@pytest.mark.parametrize(
    "data",
    [
        png_claiming(100_000, 100_000),
        png_claiming(9000, 9000),
        webp_claiming(16_000, 16_000),
        gif_claiming(65_000, 65_000),
    ],
)
def test_sizes_are_checked_before_anything_is_decoded(data, recwarn, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(images.ImageError) as caught:
        images.inspect(data)
    assert caught.value.reason == "too_many_pixels"
    assert not [warning for warning in recwarn if issubclass(warning.category, Image.DecompressionBombWarning)]


def test_the_limit_of_pixels_can_be_set():
    data = encoded(scene(), "PNG")
    assert images.inspect(data, max_pixels=160 * 120).width == 160
    with pytest.raises(images.ImageError, match="160 x 120"):
        images.inspect(data, max_pixels=160 * 120 - 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "svg"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!DOCTYPE svg>\n<svg/>", "svg"),
        (b"<html>404 not found</html>", "unsupported_format"),
        (b"%PDF-1.7", "unsupported_format"),
        (b"BM" + b"\0" * 100, "unsupported_format"),
        (b"II*\0" + b"\0" * 100, "unsupported_format"),
        (b"\xff\xd8\xff" + b"\0" * 100, "undecodable"),
    ],
)
def test_what_is_no_picture_has_its_reason(data, reason):
    with pytest.raises(images.ImageError) as caught:
        images.inspect(data)
    assert caught.value.reason == reason


def test_other_decoders_of_pillow_are_not_reached():
    with pytest.raises(images.ImageError, match="begins with"):
        images.inspect(encoded(scene(), "TIFF"))


def animation(count, kind="GIF"):
    pictures = [scene(40, 30, seed=number) for number in range(count)]
    return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=40)


@pytest.mark.parametrize("kind", ("GIF", "WEBP", "PNG"))
def test_animations_count_their_frames(kind):
    assert images.inspect(animation(5, kind)).frames == 5


def test_animations_are_bounded(monkeypatch):
    monkeypatch.setattr(images, "MAX_FRAMES", 4)
    with pytest.raises(images.ImageError) as caught:
        images.inspect(animation(5))
    assert caught.value.reason == "too_many_frames"


def test_an_animation_that_breaks_in_a_later_frame_is_refused():
    data = bytearray(animation(4, "WEBP"))
    data[len(data) // 2 :] = b"\0" * (len(data) - len(data) // 2)
    with pytest.raises(images.ImageError):
        images.inspect(bytes(data))


def test_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(scene(), "JPEG", exif=exif, quality=95)
    assert (images.inspect(data).width, images.inspect(data).height) == (120, 160)
    upright = np.asarray(scene().transpose(Image.Transpose.ROTATE_270), np.int16)
    assert np.abs(images.pixels(data) - upright).mean() < 8


def test_transparency_is_shown_on_white():
    clear = Image.new("RGBA", (20, 20), (200, 0, 0, 0))
    assert (images.pixels(encoded(clear, "PNG")) == 255).all()


def test_sixteen_bits_are_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    found = images.pixels(encoded(Image.fromarray(ramp), "PNG"))
    assert found.shape == (16, 16, 3) and found.min() == 0 and found.max() == 255
    assert (found[..., 0].ravel() == ramp.ravel() >> 8).all()


def test_arrays_come_back_and_are_the_same_bytes():
    for array in (np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3), np.eye(3, dtype=np.float16), np.ones(3, ">f4")):
        data = arrays.pack(array)
        assert data == arrays.pack(array.copy(order="F")) and (arrays.unpack(data) == array).all()


def npy(header):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_an_array"),
        (arrays.pack(np.zeros(100, np.uint8))[:-1], "truncated"),
        (npy(b"{'descr': '|u1', 'fortran_order': False, 'shape': (9999999, 9999999), }\n"), "too_large"),
        (npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n") + b"cos\nsystem\n", "not_an_array"),
        (npy(b"{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }\n"), "not_an_array"),
        (npy(b"__import__('os').abort()\n"), "not_an_array"),
        (npy(b"(" * 9000), "not_an_array"),
    ],
)
def test_arrays_from_strangers_are_refused(data, reason):
    with pytest.raises(arrays.ArrayError) as caught:
        arrays.unpack(data)
    assert caught.value.reason == reason


SEEDS = [encoded(scene(24, 18), kind) for kind in KINDS] + [animation(3), arrays.pack(np.zeros((2, 4, 4, 3), np.uint8))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8),
    st.integers(0, 400),
)
def test_broken_bytes_raise_nothing_else(data, changes, cut):
    broken = bytearray(data[: len(data) - cut])
    for position, value in changes:
        if broken:
            broken[position % len(broken)] = value
    for look in (images.inspect, images.pixels):
        try:
            look(bytes(broken))
        except images.ImageError as error:
            assert error.reason
