"""Clips: frames at even times from every container, no way to other files, and no trust in heads."""

import io

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.formats import video

CONTAINERS = {
    "mp4": "mpeg4", "mov": "mpeg4", "matroska": "mpeg4", "webm": "libvpx", "avi": "mpeg4", "mpegts": "mpeg2video",
    "mpeg": "mpeg1video", "flv": "flv1", "asf": "wmv2",
}  # fmt: skip


def encoded(kind="mp4", width=64, height=48, count=50, rate=25):
    """Frames whose grey level is five times their number."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=kind) as container:
        track = container.add_stream(CONTAINERS[kind], rate=rate)
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            picture = np.full((height, width, 3), 5 * (number % 50), np.uint8)
            container.mux(track.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(track.encode())
    return stream.getvalue()


@pytest.mark.parametrize("kind", CONTAINERS)
def test_frames_are_evenly_spaced_in_every_container(kind):
    clip = video.sample(encoded(kind), num_frames=4)
    assert clip.frames.shape == (4, 48, 64, 3) and clip.frames.dtype == np.uint8
    # Times of 0.25, 0.75, 1.25 and 1.75 s; a frame lasts 0.04 s.
    assert clip.times == pytest.approx([0.25, 0.75, 1.25, 1.75], abs=0.1)
    greys = clip.frames.mean(axis=(1, 2, 3))
    assert greys == pytest.approx([5 * round(moment * 25) for moment in clip.times], abs=12)
    assert (clip.width, clip.height) == (64, 48) and clip.seconds == pytest.approx(2.0, abs=0.1)


def test_the_same_bytes_give_the_same_frames():
    data = encoded("mpegts")
    first, second = video.sample(data), video.sample(io.BytesIO(data))
    assert (first.frames == second.frames).all() and first.times == second.times


def test_a_piece_is_sampled_inside_its_bounds():
    clip = video.sample(encoded(), start=1.0, end=1.5, num_frames=3)
    assert len(clip.times) == 3 and all(0.95 <= moment <= 1.5 for moment in clip.times)
    assert clip.seconds == 0.5
    assert video.sample(encoded(), start=1.0, end=60.0).times[-1] < 2.0


@pytest.mark.parametrize("bounds", [(5.0, 6.0), (1.0, 0.5), (-1.0, 1.0), (float("nan"), None)])
def test_a_piece_outside_is_refused(bounds):
    with pytest.raises(video.VideoError) as caught:
        video.sample(encoded(), *bounds)
    assert caught.value.reason == "outside"


def test_frames_are_not_taken_twice():
    clip = video.sample(encoded(count=3), num_frames=8)
    assert len(clip.times) == len(set(clip.times)) == len(clip.frames) <= 3


def test_sides_are_bounded():
    assert video.sample(encoded(width=640, height=320)).frames.shape[1:] == (128, 256, 3)
    assert video.sample(encoded(width=64, height=48)).frames.shape[1:] == (48, 64, 3)
    assert max(video.sample(encoded(width=1600, height=16, count=2), short_side=8).frames.shape) <= 64


def test_limits_hold(monkeypatch):
    data = encoded()
    for name, limit, reason in (("MAX_SECONDS", 1.0, "too_long"), ("MAX_PIXELS", 100, "too_many_pixels")):
        with monkeypatch.context() as patched:
            patched.setattr(video, name, limit)
            with pytest.raises(video.VideoError) as caught:
                video.sample(data)
            assert caught.value.reason == reason


def test_frames_before_a_break_are_kept():
    data = encoded("mpegts")
    whole = video.sample(data)
    clip = video.sample(data[: len(data) * 6 // 10])
    assert 0 < len(clip.frames) < len(whole.frames) or clip.seconds < whole.seconds
    damaged = bytearray(data)
    middle = len(data) // 2
    damaged[middle : middle + 2000] = b"\x55" * 2000
    assert len(video.sample(bytes(damaged)).frames) >= 4


def test_sound_alone_is_no_video():
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(track.encode(frame))
        container.mux(track.encode())
    with pytest.raises(video.VideoError) as caught:
        video.sample(stream.getvalue())
    assert caught.value.reason == "no_picture"


def test_an_unknown_codec_is_refused():
    data = encoded("mp4")
    assert data.count(b"mp4v") == 1
    unknown = bytearray(data.replace(b"mp4v", b"zzzz"))
    unknown[unknown.index(b"esds") + 21] = 0xEE  # the object type that MPEG-4 names the codec by
    with pytest.raises(video.VideoError) as caught:
        video.sample(bytes(unknown))
    assert caught.value.reason in ("unsupported_format", "undecodable")


@pytest.mark.parametrize("head", ["#EXTM3U\n#EXTINF:1,\n{path}\n", "ffconcat version 1.0\nfile '{path}'\n", ""])
def test_playlists_do_not_open_other_files(tmp_path, head):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(encoded())
    with pytest.raises(video.VideoError) as caught:
        video.sample(head.format(path=secret).encode())
    assert caught.value.reason == "unsupported_format"


SEEDS = [encoded(kind, 32, 32, 6) for kind in ("mp4", "webm", "avi", "mpegts")]


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=10),
    st.integers(0, 900),
)
def test_broken_bytes_raise_nothing_else(data, changes, cut):
    broken = bytearray(data[: max(len(data) - cut, 0)])
    for position, value in changes:
        if broken:
            broken[position % len(broken)] = value
    try:
        clip = video.sample(bytes(broken), num_frames=3)
    except video.VideoError as error:
        assert error.reason
    else:
        assert clip.frames.ndim == 4 and len(clip.frames) == len(clip.times) <= 3
