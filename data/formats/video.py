"""Clips: a few evenly spaced frames of a video file, small enough to be stored as an array (PyAV, FFmpeg's libraries).

The container is told by its first bytes and named to FFmpeg, which is handed a stream and never a path: playlists and
the other formats through which it would open further files or addresses are not reachable.
"""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

NUM_FRAMES = 8
SHORT_SIDE = 128
MAX_SECONDS = 3 * 3600.0
MAX_PIXELS = 40_000_000
SUFFIXES = (
    ".mp4", ".webm", ".avi", ".mkv", ".mov", ".m4v", ".3gp", ".3g2", ".mpg", ".mpeg", ".wmv", ".ogv", ".flv",
    ".mts", ".m2ts",
)  # fmt: skip
# Frames and pixels decoded on the way from a key frame to the moment asked for, and packets read in search of an end.
_MAX_DECODED = 600
_MAX_DECODED_PIXELS = 4_000_000_000
_MAX_PACKETS = 2_000_000
_MAX_ERRORS = 50
# Seconds before the moment asked for where decoding is begun. Containers without an index seek to what lies after it.
_LEADS = (0.0, 4.0, 16.0)


class VideoError(ValueError):
    """Bytes that are no video which is read here.

    Attributes:
      reason: short name that is counted: unsupported_format, undecodable, no_picture, too_many_pixels, too_long,
        outside.
    """

    def __init__(self, reason: str, evidence: str):
        super().__init__(evidence)
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class Clip:
    """Frames of a clip.

    Attributes:
      frames: uint8 [N, H, W, 3], in order of time.
      times: seconds of each frame from the video's beginning.
      seconds: duration of the clip.
      width, height: pixels as stored.
      codec: FFmpeg's name of it.
    """

    frames: np.ndarray
    times: tuple[float, ...]
    seconds: float
    width: int
    height: int
    codec: str


def format_of(head: bytes) -> str | None:
    """FFmpeg's name of the container by the first bytes; None for what is not read."""
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return "mov"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return "avi"
    if head.startswith(b"\x00\x00\x01\xba"):
        return "mpeg"
    if head.startswith(b"\x00\x00\x01\xb3"):
        return "mpegvideo"
    if head.startswith(b"0&\xb2u\x8ef\xcf\x11"):
        return "asf"
    if head.startswith(b"OggS"):
        return "ogg"
    if head.startswith(b"FLV\x01"):
        return "flv"
    # Transport streams: a sync byte every 188 bytes, or every 192 behind a time stamp of 4 bytes.
    if head[:1] == b"G" and head[188:189] == b"G" or head[4:5] == b"G" and head[196:197] == b"G":
        return "mpegts"
    return None


def sample(
    source: BinaryIO | bytes,
    start: float = 0.0,
    end: float | None = None,
    num_frames: int = NUM_FRAMES,
    short_side: int = SHORT_SIDE,
) -> Clip:
    """Evenly spaced frames of a video, or of its piece from `start` to `end` seconds.

    The piece is cut into `num_frames` equal parts and the frame shown at the middle of each is taken; a part that
    can't be decoded gives none, and no frame is taken twice. The same bytes give the same frames.

    Args:
      source: the encoded bytes, or a seekable stream.
      start, end: the piece; None: to the video's end.
      num_frames: most frames to take.
      short_side: pixels of the shorter side, at most.

    Raises:
      VideoError: it can't be opened, not one frame decodes, or a limit is passed.
    """
    import av  # loads FFmpeg's libraries

    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    head = stream.read(256)
    stream.seek(0)
    format_ = format_of(head)
    if format_ is None:
        raise VideoError("unsupported_format", f"begins with {head[:12]!r}")
    try:
        with av.open(stream, format=format_, metadata_errors="replace") as container:
            return _sample(container, start, end, num_frames, short_side)
    except VideoError:
        raise
    except (av.FFmpegError, OSError, ValueError, TypeError, ArithmeticError, MemoryError, RuntimeError) as error:
        raise VideoError("undecodable", f"{type(error).__name__}: {error}"[:300]) from error


def _sample(container: Any, start: float, end: float | None, num_frames: int, short_side: int) -> Clip:
    if not container.streams.video:
        raise VideoError("no_picture", "no video stream in it")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise VideoError("unsupported_format", "a video stream in no known codec")
    _check_pixels(stream.width, stream.height)
    stream.codec_context.thread_count = 1  # threads hand frames out late after a seek
    origin, duration = _extent(container, stream)
    if duration > MAX_SECONDS:
        raise VideoError("too_long", f"{duration:.0f} s; at most {MAX_SECONDS:.0f} s are read")
    end = duration if end is None else min(end, duration)
    if not (math.isfinite(start) and 0 <= start < max(end, 1e-3)):
        raise VideoError("outside", f"asked for {start} to {end} s of a video of {duration:.3f} s")
    targets = [start + (end - start) * (part + 0.5) / num_frames for part in range(num_frames)]
    taken, times = [], []
    for moment, frame in _shown_at(container, stream, origin, targets):
        if not times or moment > times[-1]:
            taken.append(_small(frame, short_side))
            times.append(moment)
    if not taken:
        raise VideoError("undecodable", "not one frame decodes")
    alike = [number for number, picture in enumerate(taken) if picture.shape == taken[0].shape]  # sizes may change
    shown = tuple(round(times[number], 3) for number in alike)
    frames = np.stack([taken[number] for number in alike])
    return Clip(frames, shown, end - start, stream.width, stream.height, stream.codec_context.name)


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise VideoError("too_many_pixels", f"{width} x {height}; at most {MAX_PIXELS} pixels are decoded")
    if not width or not height:
        raise VideoError("undecodable", f"{width} x {height} pixels")


def _extent(container: Any, stream: Any) -> tuple[float, float]:
    """Time of the first frame and the duration after it, in seconds, counting packets where no header says it."""
    base = float(stream.time_base or 1e-6)
    origin = (stream.start_time or 0) * base
    if stream.duration:
        return origin, stream.duration * base
    if container.duration:
        return origin, container.duration / 1e6
    first, last = math.inf, -math.inf
    for number, packet in enumerate(container.demux(stream)):
        if packet.pts is not None:
            first, last = min(first, packet.pts), max(last, packet.pts + (packet.duration or 0))
        if number >= _MAX_PACKETS:
            raise VideoError("too_long", f"more than {_MAX_PACKETS} packets and no duration")
    if last < first:
        raise VideoError("undecodable", "no packet has a time")
    container.seek(round(first), stream=stream)
    return first * base, max((last - first) * base, 1e-3)


def _shown_at(container: Any, stream: Any, origin: float, targets: list[float]) -> Iterator[tuple[float, Any]]:
    """Yields (time from the beginning, frame) of what is shown at each target; targets that fail are left out."""
    for target in targets:
        best = None
        for lead in _LEADS:
            found = _decode_until(container, stream, origin, max(target - lead, 0.0), target)
            if found is not None and (best is None or abs(found[0] - target) < abs(best[0] - target)):
                best = found
            if found is not None and found[0] <= target:
                break
        if best is not None:
            yield best


def _decode_until(container: Any, stream: Any, origin: float, begin: float, target: float) -> tuple[float, Any] | None:
    """The last frame not after `target` of those that decode from the key frame before `begin` on, else the first."""
    import av

    shown, errors, decoded = None, 0, 0
    most = min(_MAX_DECODED, max(_MAX_DECODED_PIXELS // (stream.width * stream.height), 1))
    try:
        container.seek(round((begin + origin) / float(stream.time_base or 1e-6)), stream=stream, backward=True)
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                errors += 1
                frames = []
            for frame in frames:
                moment = max((frame.time if frame.time is not None else target + origin) - origin, 0.0)
                decoded += 1
                if shown is None or moment <= target:
                    shown = (moment, frame)
                if moment >= target or decoded >= most:
                    return shown
            if errors >= _MAX_ERRORS:
                return shown
    except av.FFmpegError:
        pass  # what was decoded before the break still counts
    return shown


def _small(frame: Any, short_side: int) -> np.ndarray:
    """The frame as uint8 [H, W, 3], shrunk, and turned as the camera says that it was held."""
    _check_pixels(frame.width, frame.height)
    scale = min(1.0, short_side / min(frame.width, frame.height))
    # At least two pixels, and not longer than eight times the short side, or a strip of film would be a large array.
    width, height = (max(2, min(round(side * scale), 8 * short_side)) for side in (frame.width, frame.height))
    picture = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA")
    return np.rot90(picture, round(frame.rotation / 90) % 4)
