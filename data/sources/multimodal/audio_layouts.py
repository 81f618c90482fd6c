"""Where transcripts stand: the layouts of LibriSpeech, LJSpeech, Kaldi, lhotse, Common Voice, NeMo and plain tables.

`utterances(file)` tells what a file of transcripts says, whichever layout it has. Commands that a layout would have a
program run (Kaldi's pipes, lhotse's command sources) are never run.
"""

from __future__ import annotations

import math
import posixpath
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from data import streams
from data.document import Quarantined, Skipped
from data.formats import rows
from data.inputs import InputFile
from data.sources.multimodal import fields

PATTERNS = ("*.trans.txt", "metadata*.csv", "text", "*.jsonl", "*.ndjson", "*.json", "*.csv", "*.tsv", "*.parquet")
_AUDIO = (
    "audio_filepath",
    "audio_path",
    "audio",
    "path",
    "wav",
    "file_name",
    "file",
    "filename",
    "wav_path",
    "utt_path",
)
_TEXTS = ("text", "sentence", "transcription", "transcript", "normalized_text", "normalised", "txt")
_KALDI_LIMIT = 512 << 20  # bytes of a table beside `text`, which is held in memory


@dataclass(frozen=True)
class Utterance:
    """One piece of speech and what is said in it.

    Attributes:
      offset, num_bytes: of its record.
      key: names it inside its file.
      text: as transcribed.
      path: of the recording, a path or a name; "" where the record holds the `audio` itself.
      start, seconds: the piece of the recording; None: to its end.
      channel: of the recording; None: all.
      no_audio: why there is no recording, a reason; "" where there may be one.
    """

    offset: int
    num_bytes: int
    key: str
    text: str
    path: str = ""
    audio: bytes = b""
    start: float = 0.0
    seconds: float | None = None
    channel: int | None = None
    no_audio: str = ""
    licence: str = fields.UNKNOWN_LICENCE
    meta: dict[str, Any] = field(default_factory=dict)


Found = Utterance | Quarantined | Skipped


def utterances(file: InputFile) -> Iterator[Found]:
    """What a file of transcripts says, in its order."""
    stem = file.stem
    if stem.endswith(".trans.txt"):
        yield from _librispeech(file)
    elif stem == "text":
        yield from _kaldi(file)
    elif stem.startswith("metadata") and stem.endswith(".csv") and _head(file).count(b"|") >= 1:
        yield from _ljspeech(file)
    elif stem.endswith(".tsv"):
        yield from _common_voice(file)
    else:
        for record in rows.records(file):
            yield record if isinstance(record, Quarantined) else _row(record)


def _head(file: InputFile) -> bytes:
    try:
        with file.open() as stream:
            return stream.readline(4096)
    except streams.StreamError:
        return b""


def _lines(file: InputFile) -> Iterator[tuple[streams.Line, str] | Quarantined]:
    """Lines that hold something, decoded."""
    with file.open() as stream:
        for line in streams.lines(stream):
            if line.too_long:
                yield Quarantined(file.name, line.offset, "line_too_long", line.num_bytes, f"{line.num_bytes} bytes")
            elif line.data.strip():
                try:
                    text = streams.decode(line.data)
                except streams.StreamError as error:
                    yield Quarantined(file.name, line.offset, error.reason, line.num_bytes, error.evidence)
                    continue
                if text.strip():  # Unicode has more white space than ASCII
                    yield line, text


def _librispeech(file: InputFile) -> Iterator[Found]:
    """LibriSpeech (Panayotov et al. 2015): `ID TEXT` a line, ID = speaker-chapter-number, ID.flac beside."""
    for found in _lines(file):
        if isinstance(found, Quarantined):
            yield found
            continue
        line, text = found
        name, _, said = text.strip().partition(" ")
        meta = dict(zip(("speaker", "chapter"), name.split("-")[:2], strict=False)) if name.count("-") == 2 else {}
        licence = "CC-BY-4.0" if meta else fields.UNKNOWN_LICENCE
        yield Utterance(line.offset, line.num_bytes, name, said, f"{name}.flac", licence=licence, meta=meta)


def _ljspeech(file: InputFile) -> Iterator[Found]:
    """LJSpeech (Ito and Johnson 2017): `id|text|text with numbers spoken` without a header or quotes, wavs/id.wav."""
    for found in _lines(file):
        if isinstance(found, Quarantined):
            yield found
            continue
        line, text = found
        columns = text.split("|")
        if len(columns) not in (2, 3, 4) or not columns[0].strip():
            evidence = f"{len(columns)} columns where 2 to 4 are meant"
            yield Quarantined(file.name, line.offset, "malformed", line.num_bytes, evidence)
            continue
        name = columns[0].strip()
        spoken = columns[2] if len(columns) > 2 and columns[2].strip() else columns[1]
        is_lj = name[:2] == "LJ" and name[2:].replace("-", "").isdigit()
        licence = "LicenseRef-PublicDomain" if is_lj else fields.UNKNOWN_LICENCE
        written = fields.one_line(columns[1])
        meta = {"written": written} if written != fields.one_line(spoken) else {}
        path = name if posixpath.splitext(name)[1] else f"{name}.wav"
        yield Utterance(line.offset, line.num_bytes, name, spoken, path, licence=licence, meta=meta)


def _common_voice(file: InputFile) -> Iterator[Found]:
    """Tables with tabs between columns, as Common Voice has them: a quote mark is a mark like others."""
    header: list[str] | None = None
    for found in _lines(file):
        if isinstance(found, Quarantined):
            yield found
            continue
        line, text = found
        columns = [_unquoted(column) for column in text.split("\t")]
        if header is None:
            header = [column.strip().lower() for column in columns]
            continue
        if len(columns) != len(header):
            evidence = f"{len(columns)} columns where the header has {len(header)}"
            yield Quarantined(file.name, line.offset, "malformed", line.num_bytes, evidence)
            continue
        yield _row(rows.Record(dict(zip(header, columns, strict=True)), file, line.offset, line.num_bytes))


def _unquoted(column: str) -> str:
    if len(column) > 1 and column[0] == column[-1] == '"':
        return column[1:-1].replace('""', '"')
    return column


def _row(record: rows.Record) -> Found:
    """A record of a table, a NeMo manifest or a lhotse cut."""
    row = record.value
    if not isinstance(row, dict):
        return record.quarantined("malformed", f"a {type(row).__name__} where an object is meant")
    try:
        return _lhotse_cut(record, row) if "supervisions" in row or "tracks" in row else _flat(record, row)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        return record.quarantined("malformed", f"{type(error).__name__}: {error}"[:500])


def _flat(record: rows.Record, row: dict[str, Any]) -> Found:
    text, audio = fields.first(row, _TEXTS), fields.first(row, _AUDIO)
    if text is None and "sources" in row:
        return record.skipped("no_transcript", f"{row.get('id')}: a recording of lhotse without supervisions"[:500])
    if text is None and audio is None:
        evidence = f"neither text nor audio among {', '.join(map(str, list(row)[:20]))}"[:500]
        return record.quarantined("wrong_columns", evidence)
    data = b""
    if isinstance(audio, dict):
        data, audio = audio.get("bytes"), audio.get("path")
        data = data if isinstance(data, bytes) else b""
    path = audio if isinstance(audio, str) else ""
    start, seconds = _number(row.get("offset")) or 0.0, _number(row.get("duration")) if path else None
    key = str(fields.first(row, ("id", "utt_id", "utterance_id", "key")) or path or record.offset)
    meta = fields.bare_meta(row, ("locale", "language", "lang", "accents", "speaker", "speaker_id", "gender", "age"))
    named = path.rsplit("/", 1)[-1].startswith("common_voice_")
    licence = "CC0-1.0" if named else fields.spdx(fields.first(row, ("license", "licence")))
    return Utterance(
        record.offset, record.num_bytes, key, text if isinstance(text, str) else "", path, data, start, seconds,
        no_audio="" if path or data else "no_audio", licence=licence, meta=meta,
    )  # fmt: skip


def _number(value: Any) -> float | None:
    """A finite number of at least 0, or None."""
    number = None if value in (None, "") or isinstance(value, bool) else float(value)
    return number if number is not None and math.isfinite(number) and number >= 0 else None


def _lhotse_cut(record: rows.Record, row: dict[str, Any]) -> Found:
    """A cut of lhotse (Zelasko et al. 2021): a piece of a recording and the supervisions in it, a line for each."""
    if "tracks" in row:
        return record.skipped("mixed_cut", f"{row.get('id')}: several recordings mixed")
    said = sorted((s for s in row["supervisions"] if s.get("text")), key=lambda s: float(s.get("start") or 0.0))
    text = "\n".join(fields.one_line(supervision["text"]) for supervision in said)
    recording = row.get("recording") or {}
    source = (recording.get("sources") or [{}])[0]
    kind, path = source.get("type"), source.get("source")
    meta = fields.bare_meta(said[0] if said else {}, ("language", "speaker")) | {"supervisions": len(said)}
    if len({supervision.get("speaker") for supervision in said}) > 1:
        meta.pop("speaker", None)
    # The channel counts within the whole recording; a source that names its channels holds only these.
    channel, held = row.get("channel"), source.get("channels")
    channel = held.index(channel) if isinstance(channel, int) and held and channel in held else None
    reason = "" if kind in ("file", "url") and isinstance(path, str) else "not_run" if kind == "command" else "no_audio"
    return Utterance(
        record.offset, record.num_bytes, str(row.get("id", record.offset)), text, path if not reason else "", b"",
        _number(row.get("start")) or 0.0, _number(row.get("duration")), channel, reason, meta=meta,
    )  # fmt: skip


def _kaldi(file: InputFile) -> Iterator[Found]:
    """Kaldi's data directory (Povey et al. 2011): text, wav.scp, and where utterances are pieces, segments."""
    try:
        recordings = _table(file, "wav.scp")
        segments = _table(file, "segments")
        speakers = _table(file, "utt2spk")
    except streams.StreamError as error:
        yield Quarantined(file.name, 0, error.reason, file.size, f"beside it: {error}"[:500])
        return
    for found in _lines(file):
        if isinstance(found, Quarantined):
            yield found
            continue
        line, text = found
        name, *said = text.split(maxsplit=1)
        start, seconds, recording = 0.0, None, name
        try:
            if name in segments:
                recording, begin, end, *_ = segments[name].split()
                start, last = float(begin), float(end)
                seconds = last - start if last > 0 else None  # -1: to the end
        except ValueError as error:
            evidence = f"segments: {name[:100]} {segments[name][:200]} ({error})"
            yield Quarantined(file.name, line.offset, "malformed", line.num_bytes, evidence)
            continue
        where = recordings.get(recording, "")
        path = where if where and not _is_command(where) else _decoded_file(where)
        reason = "" if path else "not_run" if where else "no_audio"
        meta = {"speaker": speakers[name]} if name in speakers else {}
        if reason == "not_run":
            meta["command"] = where[:300]
        yield Utterance(
            line.offset,
            line.num_bytes,
            name,
            said[0] if said else "",
            path,
            b"",
            start,
            seconds,
            no_audio=reason,
            meta=meta,
        )


def _table(text: InputFile, name: str) -> dict[str, str]:
    """First column to the rest of the line, of a file beside `text`; empty where there is none.

    Raises:
      StreamError: it can't be read.
    """
    file = text.sibling(name)
    if file is None:
        return {}
    if file.size > _KALDI_LIMIT:
        raise streams.StreamError("too_long", _KALDI_LIMIT, f"{name} has {file.size} bytes")
    found = {}
    for line in _lines(file):
        if not isinstance(line, Quarantined):
            key, _, rest = line[1].strip().replace("\t", " ").partition(" ")
            found[key] = rest.strip()
    return found


def _is_command(where: str) -> bool:
    return where.endswith("|") or where.startswith("|")


def _decoded_file(command: str) -> str:
    """The file of a pipe that does nothing but decode one, as `flac -c -d -s a.flac |` does; "" of any other."""
    try:
        words = shlex.split(command.rstrip("|"))
    except ValueError:
        return ""
    if len(words) < 2 or posixpath.basename(words[0]) != "flac":
        return ""
    options, files = (
        [word for word in words[1:] if word.startswith("-")],
        [w for w in words[1:] if not w.startswith("-")],
    )
    plain = {"-c", "-d", "-s", "-cd", "-dc", "-cds", "-dcs", "-sdc", "-scd", "--decode", "--stdout", "--silent"}
    return files[0] if len(files) == 1 and plain.issuperset(options) else ""
