"""Speech with what is said: recordings become log-mel spectrograms, their transcripts the text.

The layouts are told apart by `audio_layouts`. A recording that no transcript of the input names is counted as skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from data.document import Document, Quarantined, Skipped
from data.formats import arrays, audio
from data.inputs import InputFile
from data.sources.multimodal import audio_layouts, fields, media_files
from data.sources.multimodal.audio_layouts import Utterance
from data.sources.multimodal.breaks import set_aside
from data.sources.source import Item

NAME = "audio_transcripts"
PATTERNS = audio_layouts.PATTERNS
MEDIA_PATTERNS = tuple(f"*{suffix}" for suffix in audio.SUFFIXES)
COMPANIONS = (
    "wav.scp", "segments", "utt2spk", "spk2utt", "spk2gender", "reco2dur", "utt2dur", "utt2num_frames", "utt2lang",
    "utt2uniq", "reco2file_and_channel", "frame_shift", "speakers.txt", "chapters.txt", "books.txt",
)  # fmt: skip
_FOLDERS = ("wavs", "wav", "clips", "audio", "../wavs", "../wav", "../clips", "../audio")
# Longer and shorter pieces are sound recordings, but none of a sentence or two.
_SKIPPED = ("too_long", "too_short")


@set_aside
def read(file: InputFile) -> Iterator[Item]:
    """Documents of a file of transcripts; for a recording, that no transcript of the input names it, or nothing."""
    if file.stem.endswith(audio.SUFFIXES):
        if not media_files.is_named(file, PATTERNS, audio.SUFFIXES, named_recordings):
            yield Skipped(file.name, 0, "no_transcript", file.size, "no transcript of the input names this recording")
        return
    for found in audio_layouts.utterances(file):
        yield _document(file, found) if isinstance(found, Utterance) else found


def roots(files: Sequence[InputFile]) -> list[InputFile]:
    """Transcripts, and the recordings that none of them names."""
    return media_files.unclaimed(files, audio.SUFFIXES, named_recordings)


def named_recordings(file: InputFile) -> Iterator[str]:
    """The recordings that a file of transcripts names."""
    try:
        for found in audio_layouts.utterances(file):
            if isinstance(found, Utterance) and found.path:
                yield found.path
    except (ValueError, OSError):
        return  # `read` says what is wrong with it


def _document(file: InputFile, utterance: Utterance) -> Item:
    def skipped(reason: str, evidence: str) -> Skipped:
        return Skipped(
            file.name, utterance.offset, reason, utterance.num_bytes, f"{utterance.key[:200]}: {evidence}"[:500]
        )

    text = "\n".join(filter(None, map(fields.one_line, utterance.text.split("\n"))))
    if not text:
        return skipped("no_transcript", "nothing said")
    if utterance.no_audio:
        return skipped(utterance.no_audio, utterance.meta.get("command", "names no recording"))
    medium = None
    if not utterance.audio:
        medium = media_files.find(file, utterance.path, audio.SUFFIXES, _FOLDERS)
        if medium is None:
            return skipped("no_audio", utterance.path)
    try:
        recording = _recording(medium, utterance)
        features = audio.log_mel(recording.samples).astype(np.float16)
    except audio.AudioError as error:
        if error.reason in _SKIPPED:
            return skipped(error.reason, str(error))
        evidence = f"{utterance.path[:200]}: {error}"
        return Quarantined(file.name, utterance.offset, error.reason, utterance.num_bytes, evidence[:500])
    meta = utterance.meta | {
        "recording": medium.name if medium else fields.clean_text(utterance.path),
        "start": utterance.start,
        "seconds": round(recording.seconds, 3),
        "frames": len(features),
        "bands": audio.NUM_BANDS,
        "sample_rate": recording.sample_rate,
        "format": recording.format,
    }
    source = f"{NAME}:{file.name}#{fields.clean_text(utterance.key)}"
    media = arrays.pack(features)
    return Document(text, "multimodal", source, utterance.licence, media=media, media_type=arrays.MEDIA_TYPE, meta=meta)


def _recording(medium: InputFile | None, utterance: Utterance) -> audio.Recording:
    if medium is None:
        return audio.read(utterance.audio, utterance.start, utterance.seconds, utterance.channel)
    try:
        with medium.open_raw() as stream:
            return audio.read(stream, utterance.start, utterance.seconds, utterance.channel)
    except OSError as error:
        raise audio.AudioError("unreadable", str(error)) from error
