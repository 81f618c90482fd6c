"""Sentences about videos, each with a few frames of the piece that it is about.

Annotations come in the layouts of MSR-VTT, DiDeMo, ActivityNet Captions and VATEX, or as plain records of a video and a
caption; the videos lie somewhere in the same input. Every sentence is one document, or is counted as skipped.
"""

from __future__ import annotations

import collections
import functools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.document import Document, Quarantined, Skipped
from data.formats import arrays, rows, video
from data.inputs import InputFile
from data.sources.multimodal import fields, media_files
from data.sources.multimodal.breaks import set_aside
from data.sources.source import Item

NAME = "video_captions"
PATTERNS = ("*.json", "*.jsonl", "*.ndjson", "*.csv", "*.tsv")
MEDIA_PATTERNS = tuple(f"*{suffix}" for suffix in video.SUFFIXES)
_FOLDERS = ("videos", "video", "clips", "../videos", "../video", "../clips")
_VIDEOS = (
    "video",
    "video_path",
    "video_id",
    "videoid",
    "video_name",
    "file_name",
    "filename",
    "path",
    "clip",
    "clip_path",
)
_CAPTIONS = ("caption", "captions", "sentence", "sentences", "description", "text", "desc", "encap")
_STARTS, _ENDS = ("start", "start_time", "start time", "begin"), ("end", "end_time", "end time", "stop")
_DIDEMO_SEGMENT = 5.0  # seconds, of the pieces that `times` counts


@dataclass(frozen=True)
class Sentence:
    """One sentence about a piece of a video.

    Attributes:
      video: path, name or id.
      text: as annotated.
      start, end: seconds; end None: the video's.
      key: names the sentence inside its file.
      num_bytes: of its part of the file.
      meta: what else the annotation says.
    """

    video: str
    text: Any
    start: float
    end: float | None
    key: str
    num_bytes: int
    meta: dict[str, Any]


@set_aside
def read(file: InputFile) -> Iterator[Item]:
    """Documents of a file of annotations; for a video, that no annotation of the input speaks of it, or nothing."""
    if file.stem.endswith(video.SUFFIXES):
        if not media_files.is_named(file, PATTERNS, video.SUFFIXES, named_videos):
            yield Skipped(file.name, 0, "no_caption", file.size, "no annotation of the input names this video")
        return
    frames = functools.lru_cache(maxsize=4)(_frames)
    for record in rows.records(file):
        if isinstance(record, Quarantined):
            yield record
            continue
        try:
            for sentence in sentences(record):
                yield sentence if not isinstance(sentence, Sentence) else _document(record, sentence, frames)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            yield record.quarantined("malformed", f"{type(error).__name__}: {error}"[:500])


def roots(files: Sequence[InputFile]) -> list[InputFile]:
    """Annotations, and the videos that none of them names."""
    return media_files.unclaimed(files, video.SUFFIXES, named_videos)


def named_videos(file: InputFile) -> Iterator[str]:
    """The videos that a file of annotations names."""
    try:
        for record in rows.records(file):
            if isinstance(record, rows.Record):
                yield from _named(record)
    except (ValueError, OSError):
        return  # `read` says what is wrong with it


def _named(record: rows.Record) -> Iterator[str]:
    try:
        yield from [found.video for found in sentences(record) if isinstance(found, Sentence)]
    except (ValueError, TypeError, KeyError, AttributeError):
        return


def _frames(medium: InputFile, start: float, end: float | None) -> video.Clip | video.VideoError:
    """An error is returned, so that it is remembered like frames: a broken video may have twenty sentences."""
    try:
        with medium.open_raw() as stream:
            return video.sample(stream, start, end)
    except video.VideoError as error:
        return error
    except OSError as error:
        return video.VideoError("unreadable", str(error))


def _document(record: rows.Record, sentence: Sentence, frames) -> Item:
    name, offset = record.file.name, record.offset
    text = fields.one_line(sentence.text)
    if not text:
        return Skipped(name, offset, "no_caption", sentence.num_bytes, sentence.key)
    medium = media_files.find(record.file, sentence.video, video.SUFFIXES, _FOLDERS)
    if medium is None:
        return Skipped(name, offset, "no_video", sentence.num_bytes, f"{sentence.video[:200]}: {text[:200]}")
    clip = frames(medium, sentence.start, sentence.end)
    if isinstance(clip, video.VideoError):
        return Quarantined(name, offset, clip.reason, sentence.num_bytes, f"{medium.name}: {clip}"[:500])
    meta = sentence.meta | {
        "video": medium.name, "start": sentence.start, "seconds": round(clip.seconds, 3), "width": clip.width,
        "height": clip.height, "frames": len(clip.frames), "times": list(clip.times), "codec": clip.codec,
    }  # fmt: skip
    source = f"{NAME}:{name}#{fields.clean_text(sentence.key)}"
    licence = fields.spdx(meta.get("license"), meta.get("licence"))
    media = arrays.pack(clip.frames)
    return Document(text, "multimodal", source, licence, media=media, media_type=arrays.MEDIA_TYPE, meta=meta)


def sentences(record: rows.Record) -> Iterator[Sentence | Skipped | Quarantined]:
    """The sentences of one record of annotations, in the layout that its columns tell."""
    row = record.value
    if not isinstance(row, dict):
        yield record.quarantined("malformed", f"a {type(row).__name__} where an object is meant")
    elif isinstance(row.get("sentences"), list) and isinstance(row.get("videos"), list):
        yield from _msr_vtt(record, row)
    elif fields.first(row, _VIDEOS) is None and _is_activitynet(row):
        for name, value in row.items():
            yield from _activitynet(record, name, value)
    elif isinstance(fields.first(row, _VIDEOS), (str, int)):
        yield from _plain(record, row)
    else:
        yield record.quarantined("wrong_columns", f"no video among {', '.join(map(str, list(row)[:20]))}"[:500])


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _is_activitynet(row: Mapping[str, Any]) -> bool:
    return bool(row) and any(isinstance(value, dict) and "sentences" in value for value in row.values())


def _msr_vtt(record: rows.Record, row: dict[str, Any]) -> Iterator[Sentence | Skipped | Quarantined]:
    """MSR-VTT (Xu et al. 2016): a list of videos and a list of sentences; its clips are cut already."""
    videos = {entry.get("video_id"): entry for entry in row["videos"] if isinstance(entry, dict)}
    told = set()
    for number, entry in enumerate(row["sentences"]):
        if not isinstance(entry, dict) or not isinstance(entry.get("video_id"), str):
            yield Quarantined(record.file.name, number, "malformed", _size(entry), "a sentence without video_id")
            continue
        about = videos.get(entry["video_id"], {})
        told.add(entry["video_id"])
        meta = fields.bare_meta(about, ("category", "url", "split")) | fields.bare_meta(entry, ("sen_id",))
        key = f"{entry['video_id']}/{entry.get('sen_id', number)}"
        yield Sentence(entry["video_id"], entry.get("caption"), 0.0, None, key, _size(entry), meta)
    for name, entry in videos.items():
        if name not in told:
            yield Skipped(record.file.name, record.offset, "no_caption", _size(entry), f"{name}")


def _activitynet(record: rows.Record, name: str, value: Any) -> Iterator[Sentence | Skipped | Quarantined]:
    """ActivityNet Captions (Krishna et al. 2017): sentences and their times in seconds, by the video's id."""
    texts = value.get("sentences") if isinstance(value, dict) else None
    if not isinstance(texts, list):
        yield Quarantined(
            record.file.name, record.offset, "malformed", _size(value), f"{name[:200]}: no list of sentences"
        )
        return
    spans = value.get("timestamps")
    spans = spans if isinstance(spans, list) else []
    for number, text in enumerate(texts):
        start, end = _span(spans[number] if number < len(spans) else None)
        yield Sentence(name, text, start, end, f"{name}/{number}", _size(text), {})


def _plain(record: rows.Record, row: dict[str, Any]) -> Iterator[Sentence | Skipped | Quarantined]:
    """DiDeMo (Hendricks et al. 2017), VATEX (Wang et al. 2019), and records of a video and one or more captions."""
    name = str(fields.first(row, _VIDEOS))
    captions = fields.first(row, _CAPTIONS)
    captions = captions if isinstance(captions, list) else [captions]
    if isinstance(row.get("times"), list):
        start, end = _didemo_span(row["times"])
    else:
        start, end = _span((fields.first(row, _STARTS) or 0.0, fields.first(row, _ENDS)))
    meta = fields.bare_meta(row, ("url", "dl_link", "annotation_id", "license", "licence", "language", "split"))
    key = str(row.get("annotation_id", f"{name}@{record.offset}"))
    for number, text in enumerate(captions):
        text = fields.first(text, ("caption", "text", "sentence")) if isinstance(text, dict) else text
        size = record.num_bytes if len(captions) == 1 else _size(text)
        yield Sentence(name, text, start, end, key if len(captions) == 1 else f"{key}/{number}", size, meta)
    for text in row["chCap"] if isinstance(row.get("chCap"), list) else ():
        yield Skipped(record.file.name, record.offset, "not_english", _size(text), fields.one_line(text)[:200])


def _span(times: Any) -> tuple[float, float | None]:
    """Start and end in seconds; the whole video where they say nothing."""
    if not isinstance(times, Sequence) or len(times) != 2:
        return 0.0, None
    start, end = (None if value in (None, "") else float(value) for value in times)
    start = max(start or 0.0, 0.0)
    if not math.isfinite(start) or (end is not None and not math.isfinite(end)):
        raise ValueError(f"a span from {start} to {end}")
    if end is None or start < end:
        return start, end
    return (max(end, 0.0), start) if end < start else (start, start + 1.0)  # a moment is shown as a second


def _didemo_span(times: Iterable[Any]) -> tuple[float, float | None]:
    """The piece that most annotators chose, the earliest of several, in pieces of five seconds."""
    votes = collections.Counter(
        (int(first), int(last)) for first, last in times if 0 <= int(first) <= int(last) < 10_000
    )
    if not votes:
        return 0.0, None
    (first, last), _ = min(votes.items(), key=lambda vote: (-vote[1], vote[0]))
    return first * _DIDEMO_SEGMENT, (last + 1) * _DIDEMO_SEGMENT
