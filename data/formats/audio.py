"""Recordings: read by libsndfile within limits, brought to 16 kHz mono, and turned into a log-mel spectrogram.

The spectrogram is Whisper's (Radford et al. 2022, arXiv 2212.04356, section 2.2, and its published code): 25 ms Hann
windows every 10 ms, 80 bands of Slaney's mel scale, log10 clipped to 8 below the peak, then (x + 4) / 4.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import math
from typing import BinaryIO

import numpy as np

SAMPLE_RATE = 16_000
WINDOW = 400
HOP = 160
NUM_BANDS = 80
MAX_SECONDS = 120.0
MAX_CHANNELS = 16
SUFFIXES = (".flac", ".wav", ".ogg", ".opus", ".mp3")
_RATES = (4_000, 384_000)
_BLOCK_FRAMES = 1 << 16
_UNKNOWN_FRAMES = 1 << 60  # libsndfile answers more than this where a head leaves the length out
_TOLERANCE = 0.05  # seconds that may be missing at the end


class AudioError(ValueError):
    """Bytes that are no recording which is read here.

    Attributes:
      reason: short name that is counted: undecodable, truncated, too_long, too_short, unsupported_rate,
        too_many_channels.
    """

    def __init__(self, reason: str, evidence: str):
        super().__init__(evidence)
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class Recording:
    """Samples of a recording or a piece of it.

    Attributes:
      samples: float32 [N], 16 kHz, mono, full scale at 1.
      seconds: duration.
      sample_rate, channels: as stored.
      format: libsndfile's name of the container (WAV, FLAC, OGG, MP3).
    """

    samples: np.ndarray
    seconds: float
    sample_rate: int
    channels: int
    format: str


def read(
    source: BinaryIO | bytes,
    start: float = 0.0,
    seconds: float | None = None,
    channel: int | None = None,
    max_seconds: float = MAX_SECONDS,
) -> Recording:
    """A recording, or `seconds` of it from `start` on.

    Args:
      source: the encoded bytes, or a seekable stream of them, of which only the piece is read.
      start, seconds: the piece; None: to the end.
      channel: the channel to take; None: the mean of all.
      max_seconds: longest piece, checked before it is decoded.

    Raises:
      AudioError: it can't be decoded, is too long, or the piece lies beyond its end.
    """
    import soundfile  # loads libsndfile

    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        _check_riff(stream)
        with soundfile.SoundFile(stream) as file:
            return _piece(file, start, seconds, channel, max_seconds)
    except AudioError:
        raise
    except (soundfile.SoundFileError, OSError, ValueError, TypeError, OverflowError, AssertionError) as error:
        raise AudioError("undecodable", f"{type(error).__name__}: {error}"[:300]) from error


def _check_riff(stream: BinaryIO) -> None:
    """Asks for the size that a WAV file announces: libsndfile reads one that is cut short as a shorter one."""
    head = stream.read(12)
    length = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    announced = int.from_bytes(head[4:8], "little") + 8
    # Programs that write into a pipe leave the size at nought or at the largest number there is.
    if head[:4] == b"RIFF" and head[8:] == b"WAVE" and length + 1 < announced < 0x7FFF0000:
        raise AudioError("truncated", f"{length} of {announced} bytes of WAV")


def _piece(file, start: float, seconds: float | None, channel: int | None, max_seconds: float) -> Recording:
    rate = file.samplerate
    if not _RATES[0] <= rate <= _RATES[1]:
        raise AudioError("unsupported_rate", f"{rate} Hz; {_RATES[0]} to {_RATES[1]} are read")
    if file.channels > MAX_CHANNELS:
        raise AudioError("too_many_channels", f"{file.channels} channels; at most {MAX_CHANNELS} are read")
    if channel is not None and not 0 <= channel < file.channels:
        raise AudioError("undecodable", f"channel {channel} of {file.channels}")
    if not (math.isfinite(start) and start >= 0 and (seconds is None or (math.isfinite(seconds) and seconds > 0))):
        raise AudioError("too_short", f"{seconds} s from {start} s on")
    first = round(start * rate)
    is_known = file.frames < _UNKNOWN_FRAMES
    rest = file.frames - first if is_known else round(max_seconds * rate) + 1
    wanted = rest if seconds is None else min(round(seconds * rate), rest)
    if wanted <= 0:
        raise AudioError("too_short", f"{file.frames / rate:g} s long, asked for from {start:g} s on")
    if is_known and wanted > max_seconds * rate:
        raise AudioError("too_long", f"{wanted / rate:.1f} s; at most {max_seconds:g} s are read")
    if first:
        file.seek(first)
    blocks, missing = [], wanted
    while missing:
        block = file.read(min(missing, _BLOCK_FRAMES), dtype="float32", always_2d=True)
        if not len(block):
            break
        blocks.append(block.mean(axis=1) if channel is None else block[:, channel])
        missing -= len(block)
    # The head of an MP3 file only estimates how long it is.
    if not blocks or (is_known and missing > _TOLERANCE * rate and file.format != "MP3"):
        raise AudioError("truncated", f"{wanted - missing} of {wanted} samples decode")
    if not is_known and seconds is None and not missing:
        raise AudioError("too_long", f"more than {max_seconds:g} s are not read")
    mono = np.nan_to_num(np.concatenate(blocks), nan=0.0, posinf=1.0, neginf=-1.0)
    return Recording(resample(mono, rate), len(mono) / rate, rate, file.channels, file.format)


def resample(samples: np.ndarray, rate: int, target: int = SAMPLE_RATE) -> np.ndarray:
    """Samples [N] at another rate: polyphase filtering, which keeps what both rates can carry."""
    if rate == target:
        return samples.astype(np.float32, copy=False)
    from scipy.signal import resample_poly  # 0.3 s

    divisor = math.gcd(rate, target)
    return resample_poly(samples, target // divisor, rate // divisor).astype(np.float32)


def _mel(hertz: np.ndarray) -> np.ndarray:
    """Slaney's mel scale: linear to 1 kHz, logarithmic above."""
    linear = hertz * 3.0 / 200.0
    return np.where(hertz < 1000.0, linear, 15.0 + 27.0 * np.log(np.maximum(hertz, 1e-9) / 1000.0) / np.log(6.4))


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15.0, mel * 200.0 / 3.0, 1000.0 * np.exp(np.log(6.4) / 27.0 * (mel - 15.0)))


@functools.cache
def mel_filters(num_bands: int = NUM_BANDS) -> np.ndarray:
    """Triangular filters [bands, WINDOW // 2 + 1] over 0 to 8 kHz, each of area 1 in hertz (Slaney's normalisation)."""
    bins = np.fft.rfftfreq(WINDOW, 1.0 / SAMPLE_RATE)
    top = _mel(np.array(SAMPLE_RATE / 2.0))
    edges = _hertz(np.linspace(0.0, top, num_bands + 2))
    widths = np.diff(edges)
    rising = (bins[None, :] - edges[:-2, None]) / widths[:-1, None]
    falling = (edges[2:, None] - bins[None, :]) / widths[1:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    return (filters * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Whisper's log-mel spectrogram, float32 [T, 80] with T = N // 160 frames of 10 ms.

    Args:
      samples: float32 [N], 16 kHz, mono.

    Raises:
      AudioError: fewer samples than one hop.
    """
    num_frames = len(samples) // HOP
    if not num_frames:
        raise AudioError("too_short", f"{len(samples)} samples; a frame has {HOP}")
    padded = np.pad(samples.astype(np.float32), WINDOW // 2, mode="reflect")
    window = (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
    views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:num_frames]
    power = np.abs(np.fft.rfft(views * window, axis=-1)) ** 2
    logs = np.log10(np.maximum(power @ mel_filters().T, 1e-10))
    return ((np.maximum(logs, logs.max() - 8.0) + 4.0) / 4.0).astype(np.float32)
