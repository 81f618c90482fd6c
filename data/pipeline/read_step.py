"""Reads one unit of work and holds its documents to their profile; what passes is signed for deduplication.

Leaves `work/read/N.parquet` with the documents kept, `N.dropped.parquet` with the others, and `N.json` with the accounts,
which is written last: it marks the unit as done.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from data import streams
from data.dedup import images, signatures
from data.document import Document, Quarantined, Reject, Skipped
from data.pipeline import table
from data.pipeline.job import Job, Work
from data.pipeline.ledger import Ledger
from data.processors.registry import processor_of
from data.quality.curves import CurveAccumulator
from data.sources.registry import source
from data.sources.source import Item, Reader, Unit

STEP = "read"
# Of 256: documents whose every rule is measured, for the curves of what other thresholds would keep.
_MEASURED_OF_256 = 32
_TOGETHER = 64
_TOGETHER_BYTES = 4 << 20
_WORD = re.compile(r"\w+")


def items(work: Work) -> Iterator[Item]:
    """Items of a unit of work, in order."""
    info = source(work.source)
    if work.request is not None:
        yield from info.read(work.request)
    for piece in work.pieces:
        yield from _items_of(info.readers[piece.reader], piece)


def _items_of(reader: Reader, piece: Unit) -> Iterator[Item]:
    """Items of a file or a range of it. An error that leaves the reader quarantines the rest."""
    seen = count = 0
    end = piece.file.size if piece.end is None else piece.end
    bounds = {"start": piece.start, "end": piece.end} if piece.end is not None else {}
    try:
        for item in reader.read(piece.file, **bounds):
            seen += item.num_bytes
            count += 1
            yield item
        if not count and piece.end is None:
            yield Quarantined(piece.file.name, 0, "no_records" if end else "empty", end, "the file holds no record")
    except MemoryError:
        raise
    except Exception as error:
        reason = getattr(error, "reason", None) or "unreadable"
        offset = error.offset if isinstance(error, streams.StreamError) else piece.start + seen
        rest = max(end - piece.start - seen, 0)
        yield Quarantined(piece.file.name, offset, reason, rest, f"{type(error).__name__}: {error}"[:1000])


def preference(document: Document) -> float:
    """Which of several duplicates is worth keeping: known licence first, then votes or stars, then variety of words."""
    words = _WORD.findall(document.text[:20_000].lower())
    variety = len(set(words)) / len(words) if words else 0.0
    score = document.meta.get("score")
    votes = math.log1p(max(score, 0)) if isinstance(score, (int, float)) and math.isfinite(score) else 0.0
    return round((document.licence != "NOASSERTION") + 0.1 * min(votes, 10.0) + 0.1 * variety, 6)


class _Signer:
    """Writes documents with the columns that duplicates are told by; texts are hashed some at a time."""

    def __init__(self, writer: table.Writer, near: bool, with_images: bool):
        self._writer, self._near, self._with_images = writer, near, with_images
        self._held: list[tuple[Document, str, int]] = []
        self._size = 0

    def write(self, document: Document, read_id: str, size: int) -> None:
        self._held.append((document, read_id, size))
        self._size += document.num_bytes
        if len(self._held) == _TOGETHER or self._size > _TOGETHER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Writes what is held."""
        pictures = [self._image(document) for document, _, _ in self._held]
        plain = [place for place, picture in enumerate(pictures) if self._near and not picture]
        sets = signatures.shingle_sets([self._held[place][0].text for place in plain])
        bands: dict[int, list[int]] = dict(zip(plain, signatures.bands_of(sets).tolist()))
        for place, (document, read_id, size) in enumerate(self._held):
            columns = {
                "exact": signatures.exact_key(document.text, document.media),
                "bands": bands.get(place, []),
                "image": pictures[place],
                "preference": preference(document),
            }
            self._writer.write(table.to_row(document, read_id, size, **columns))
        self._held, self._size = [], 0

    def _image(self, document: Document) -> bytes:
        if not (self._near and self._with_images and document.media_type.startswith("image/")):
            return b""
        found = images.fingerprint(document.media)
        return b"" if found is None else found.tobytes()


def read_unit(job: Job, number: int) -> None:
    """Does one unit of work, unless its marker says that it is done."""
    marker = job.work_name(STEP, number, "json")
    done = job.store.read_json(marker)
    if done is not None and done["digest"] == job.digest:
        return
    work = job.works[number]
    info = source(work.source)
    processor = processor_of(info.profile)
    near = job.options.near_duplicates <= 1 and info.generate is None
    ledger, curves = Ledger(), CurveAccumulator(processor.PROFILES[info.profile])
    kept_bytes = 0
    with (
        job.store.local_file(job.work_name(STEP, number, "parquet")) as kept_path,
        job.store.local_file(job.work_name(STEP, number, "dropped.parquet")) as dropped_path,
        table.Writer(kept_path, table.READ_SCHEMA) as kept,
        table.Writer(dropped_path, table.DROPPED_SCHEMA) as dropped,
    ):
        signer = _Signer(kept, near, job.options.image_distance >= 0)
        for item in items(work):
            if isinstance(item, Quarantined):
                ledger.quarantine(item)
                continue
            if isinstance(item, Skipped):
                ledger.skip(item)
            else:
                document, read_id, size = item, item.id, item.num_bytes
                ledger.read(size)
                verdict = processor.quality_filter(document, info.profile)
                if int(read_id[:2], 16) < _MEASURED_OF_256:
                    curves.add(processor.measures(document, info.profile))
                if isinstance(verdict, Reject):
                    ledger.drop("quality_filter", verdict, document, read_id, size)
                else:
                    ledger.keep("quality_filter", size)
                    kept_bytes += verdict.num_bytes
                    signer.write(verdict, read_id, size)
            for row in ledger.dropped:
                dropped.write(row)
            ledger.dropped.clear()
        signer.flush()
    job.store.write_json(
        marker,
        {
            "digest": job.digest,
            "source": work.source,
            "kept_bytes": kept_bytes,
            "curves": curves.to_json(),
            **ledger.to_json(),
        },
    )
