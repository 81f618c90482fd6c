"""Recordings: read within limits, resampled, and turned into Whisper's spectrogram."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from data.formats import audio


def tone(hertz, seconds=1.0, rate=16_000, level=0.5):
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def encoded(samples, rate=16_000, kind="WAV", subtype=None):
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=kind, subtype=subtype)
    return stream.getvalue()


def test_filters_are_those_that_whisper_ships():
    filters = audio.mel_filters()
    assert filters.shape == (80, 201)
    # The first values of the file `mel_filters.npz` that comes with Whisper.
    assert filters[0, :3] == pytest.approx([0.0, 0.024862593, 0.0], abs=1e-8)
    peer = pytest.importorskip("transformers.audio_utils")
    theirs = peer.mel_filter_bank(201, 80, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney")
    assert np.abs(filters - theirs.T).max() < 1e-7


def test_the_spectrogram_is_that_of_whispers_feature_extractor():
    peer = pytest.importorskip("transformers.audio_utils")
    rng = np.random.default_rng(0)
    samples = (tone(440) + 0.1 * rng.normal(size=16_000)).astype(np.float32)
    power = peer.spectrogram(
        samples, peer.window_function(400, "hann"), frame_length=400, hop_length=160, power=2.0,
        mel_filters=audio.mel_filters().T, log_mel="log10", mel_floor=1e-10,
    )[:, :-1]  # fmt: skip
    theirs = (np.maximum(power, power.max() - 8.0) + 4.0) / 4.0
    assert np.abs(audio.log_mel(samples) - theirs.T).max() < 1e-3


@pytest.mark.parametrize("hertz", [200, 440, 1000, 3000, 6000])
def test_a_tone_is_loudest_in_the_band_that_holds_it(hertz):
    loudest = audio.log_mel(tone(hertz)).mean(axis=0).argmax()
    assert loudest == audio.mel_filters()[:, round(hertz / 40)].argmax()


def test_ten_times_the_amplitude_is_two_of_log_power():
    quiet, loud = audio.log_mel(tone(1000, level=0.05)), audio.log_mel(tone(1000, level=0.5))
    assert (loud - quiet).max() == pytest.approx(2 / 4, abs=1e-3)
    assert loud.max() - loud.min() <= 8 / 4 + 1e-6


def test_a_frame_is_ten_milliseconds():
    assert audio.log_mel(tone(440, 2.345)).shape == (234, 80)
    assert np.isfinite(audio.log_mel(np.zeros(160, np.float32))).all()
    with pytest.raises(audio.AudioError) as caught:
        audio.log_mel(np.zeros(159, np.float32))
    assert caught.value.reason == "too_short"


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", None), ("OGG", None), ("MP3", None)]
)
def test_formats_are_read(kind, subtype):
    found = audio.read(encoded(tone(440), kind=kind, subtype=subtype))
    assert (found.sample_rate, found.channels, found.format) == (16_000, 1, kind)
    assert found.seconds == pytest.approx(1.0, abs=0.1)
    assert np.abs(found.samples).max() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000])
def test_resampling_keeps_pitch_and_length(rate):
    found = audio.read(encoded(tone(1000, rate=rate), rate))
    assert len(found.samples) == pytest.approx(16_000, abs=1)
    spectrum = np.abs(np.fft.rfft(found.samples))
    assert spectrum.argmax() * 16_000 / len(found.samples) == pytest.approx(1000, abs=2)


def test_channels_are_averaged_or_chosen():
    data = encoded(np.stack([tone(440, level=0.8), np.zeros(16_000, np.float32)], axis=1))
    assert np.abs(audio.read(data).samples).max() == pytest.approx(0.4, abs=0.01)
    assert np.abs(audio.read(data, channel=0).samples).max() == pytest.approx(0.8, abs=0.01)
    assert np.abs(audio.read(data, channel=1).samples).max() == 0
    with pytest.raises(audio.AudioError):
        audio.read(data, channel=2)


def test_a_piece_is_the_same_as_that_part_of_the_whole():
    data = encoded(np.concatenate([tone(300), tone(900), tone(2000)]))
    whole = audio.read(data).samples
    piece = audio.read(io.BytesIO(data), start=1.0, seconds=1.0)
    assert piece.seconds == 1.0 and (piece.samples == whole[16_000:32_000]).all()
    assert audio.read(data, start=2.5, seconds=9.0).seconds == 0.5


@pytest.mark.parametrize(
    ("start", "seconds", "reason"),
    [(5.0, None, "too_short"), (0.0, 0.0, "too_short"), (-1.0, None, "too_short"), (float("nan"), 1.0, "too_short")],
)
def test_pieces_that_are_not_there(start, seconds, reason):
    with pytest.raises(audio.AudioError) as caught:
        audio.read(encoded(tone(440)), start, seconds)
    assert caught.value.reason == reason


def test_length_is_checked_before_decoding(monkeypatch):
    data = encoded(tone(440, 3.0), kind="FLAC")
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *args, **kwargs: pytest.fail("decoded"))
    with pytest.raises(audio.AudioError) as caught:
        audio.read(data, max_seconds=2.0)
    assert caught.value.reason == "too_long"


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99])
def test_recordings_cut_short_are_refused(kind, part):
    rng = np.random.default_rng(0)
    data = encoded(rng.normal(size=16_000).astype(np.float32) * 0.1, kind=kind)
    with pytest.raises(audio.AudioError) as caught:
        audio.read(data[: int(len(data) * part)])
    assert caught.value.reason in ("undecodable", "truncated")


def test_a_wav_from_a_pipe_has_no_size_and_is_read():
    data = bytearray(encoded(tone(440)))
    data[4:8] = b"\xff\xff\xff\xff"
    assert audio.read(bytes(data)).seconds == 1.0


@pytest.mark.parametrize(
    ("rate", "channels", "reason"), [(1000, 1, "unsupported_rate"), (16_000, 20, "too_many_channels")]
)
def test_absurd_heads_are_refused(rate, channels, reason):
    with pytest.raises(audio.AudioError) as caught:
        audio.read(encoded(np.zeros((2000, channels), np.float32), rate))
    assert caught.value.reason == reason


SEEDS = [encoded(tone(440, 0.05), kind=kind) for kind in ("WAV", "FLAC", "OGG")]


@settings(max_examples=60, deadline=None)
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
    try:
        found = audio.read(bytes(broken), max_seconds=5.0)
    except audio.AudioError as error:
        assert error.reason
    else:
        assert np.isfinite(found.samples).all() and len(found.samples)
