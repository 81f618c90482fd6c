"""Tells the duplicates of a domain: equal texts, near-equal texts, near-equal pictures. Of each cluster the best stays.

Documents are numbered in the order in which they were read, unit after unit, which no runner and no number of workers
changes. Leaves `work/duplicates.parquet`, a row for each document that goes.
"""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
import pyarrow as pa

from data.dedup import clusters, images, keep
from data.dedup import signatures as signatures_lib
from data.dedup.shingle_store import ShingleStore
from data.pipeline import table
from data.pipeline.finish_step import DUPLICATES
from data.pipeline.job import Job
from data.pipeline.read_step import STEP as READ

MARKER = "duplicates.json"
_TOGETHER = 64
_SCHEMA = pa.schema([("unit", pa.int32()), ("row", pa.int64()), ("reason", pa.string()), ("evidence", pa.string())])


@dataclasses.dataclass(frozen=True)
class Signatures:
    """What duplicates of a domain are told by, a row a document, in reading order.

    Attributes:
      first: number of each unit's first document, and at the end their count.
      exact: 16 bytes each, int64 [N, 2].
      bands: uint64 [N, BANDS], zeros where only equal documents count.
      image: fingerprints of pictures, bytes [N], empty where there is none.
      preference: float64 [N]; size int64 [N], bytes.
      ids, sources: str [N], as read.
    """

    first: np.ndarray
    exact: np.ndarray
    bands: np.ndarray
    image: np.ndarray
    preference: np.ndarray
    size: np.ndarray
    ids: np.ndarray
    sources: np.ndarray

    def unit_of(self, document: int) -> tuple[int, int]:
        """(unit, row) of a document."""
        unit = int(np.searchsorted(self.first, document, side="right")) - 1
        return unit, document - int(self.first[unit])


def load(job: Job) -> Signatures:
    """The signatures of all units that were read."""
    columns = ["exact", "bands", "image", "preference", "bytes", "read_id", "source"]
    parts = [table.read_columns(job.store, job.work_name(READ, n, "parquet"), columns) for n in range(len(job.works))]
    whole = pa.concat_tables(parts).combine_chunks()
    exact = b"".join(whole["exact"].to_pylist())
    return Signatures(
        first=np.cumsum([0, *(part.num_rows for part in parts)]),
        exact=np.frombuffer(exact, np.int64).reshape(-1, 2),
        bands=_bands(whole["bands"]),
        image=whole["image"].to_numpy(zero_copy_only=False),
        preference=whole["preference"].to_numpy(),
        size=whole["bytes"].to_numpy(),
        ids=whole["read_id"].to_numpy(zero_copy_only=False),
        sources=whole["source"].to_numpy(zero_copy_only=False),
    )


def _bands(column: pa.ChunkedArray) -> np.ndarray:
    """uint64 [N, BANDS]; zeros for rows that have none."""
    lists = column.combine_chunks()
    has = lists.value_lengths().to_numpy(zero_copy_only=False) > 0
    found = np.zeros((len(has), signatures_lib.BANDS), np.uint64)
    found[has] = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, signatures_lib.BANDS)
    return found


def bands_of_unit(job: Job, unit: int) -> np.ndarray:
    """Bands of all documents of a unit, uint64 [N, BANDS]."""
    return _bands(table.read_columns(job.store, job.work_name(READ, unit, "parquet"), ["bands"])["bands"])


def exact_representatives(exact: np.ndarray) -> np.ndarray:
    """For each document the first that equals it, int64 [N]."""
    _, first, inverse = np.unique(exact, axis=0, return_index=True, return_inverse=True)
    return first[inverse.reshape(-1)]


class Clusterer(Protocol):
    """Who finds the clusters: a runner, see `data.pipeline.runners`."""

    def text_clusters(self, job: Job, signatures: Signatures, documents: np.ndarray) -> np.ndarray:
        """The smallest near duplicate of each document by its text, by place among `documents`."""

    def image_clusters(self, job: Job, signatures: Signatures, documents: np.ndarray) -> np.ndarray:
        """The same by its picture."""


def by_unit(job: Job, signatures: Signatures, documents: np.ndarray) -> list[tuple[int, list[int], list[int]]]:
    """(unit, rows in it, places among `documents`) of documents given in ascending order; units without any are left out."""
    found = []
    for unit in range(len(job.works)):
        low, high = np.searchsorted(documents, signatures.first[unit : unit + 2]).tolist()
        if high > low:
            rows = (documents[low:high] - signatures.first[unit]).tolist()
            found.append((unit, rows, list(range(low, high))))
    return found


def texts_of_unit(job: Job, unit: int, places: Mapping[int, int]) -> Iterator[tuple[int, str]]:
    """(place, text) of the rows of a unit that `places` names, in order."""
    for row, values in enumerate(table.read_rows(job.store, job.work_name(READ, unit, "parquet"), ["text"])):
        if row in places:
            yield places[row], values["text"]


def shingle_sets(texts: Iterator[tuple[int, str]]) -> Iterator[tuple[int, np.ndarray]]:
    """(document, shingles) of texts, some of which are hashed together."""
    while batch := list(itertools.islice(texts, _TOGETHER)):
        yield from zip((number for number, _ in batch), signatures_lib.shingle_sets([text for _, text in batch]))


def fingerprints(signatures: Signatures, documents: np.ndarray) -> np.ndarray:
    """Fingerprints of documents with pictures, uint8 [N, FINGERPRINT_BYTES]."""
    return np.frombuffer(b"".join(signatures.image[documents]), np.uint8).reshape(len(documents), -1)


def local_text_clusters(job: Job, signatures: Signatures, documents: np.ndarray) -> np.ndarray:
    """The smallest near duplicate of each of `documents`, by place among them, int64; see `data.dedup.clusters`."""
    pairs = clusters.candidate_pairs(signatures.bands[documents])
    with tempfile.TemporaryDirectory() as folder:
        candidates = np.unique(pairs)
        units = by_unit(job, signatures, documents[candidates])
        wanted = ((unit, dict(zip(rows, candidates[places].tolist()))) for unit, rows, places in units)
        texts = (text for unit, places in wanted for text in texts_of_unit(job, unit, places))
        store = ShingleStore.write(folder, shingle_sets(texts))
        edges = clusters.verify(pairs, store.load, job.options.near_duplicates)
    return clusters.representatives(edges, len(documents))


def local_image_clusters(job: Job, signatures: Signatures, documents: np.ndarray) -> np.ndarray:
    """The smallest near duplicate of each of `documents` by their pictures, by place among them, int64."""
    limits = images.Limits(job.options.image_distance)
    return clusters.representatives(images.near_pairs(fingerprints(signatures, documents), limits), len(documents))


def _merged(count: int, *groups: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Clusters that several (documents, representatives among them) make together."""
    pairs = [np.stack([documents, documents[found]], axis=1) for documents, found in groups]
    edges = np.concatenate(pairs)
    return clusters.representatives(edges[edges[:, 0] != edges[:, 1]], count)


def mark_duplicates(job: Job, runner: Clusterer) -> None:
    """Writes which documents of the domain go, unless that was done."""
    marker = job.name("work", MARKER)
    done = job.store.read_json(marker)
    if done is not None and done["digest"] == job.digest:
        return
    found = load(job)
    count = len(found.ids)
    everything = np.arange(count)
    exact = exact_representatives(found.exact)
    firsts = np.flatnonzero(exact == everything)
    texts = firsts[found.bands[firsts].any(axis=1)]
    pictures = firsts[[bool(value) for value in found.image[firsts]]]
    near = runner.text_clusters(job, found, texts) if len(texts) else texts
    alike = runner.image_clusters(job, found, pictures) if len(pictures) else pictures
    representative = _merged(count, (everything, exact), (texts, near), (pictures, alike))
    identities = [f"{name}/{place:012d}" for place, name in enumerate(found.ids.tolist())]
    stays = keep.kept(representative, found.preference, found.size, identities)
    best = dict(zip(representative[stays].tolist(), np.flatnonzero(stays).tolist()))
    rows = []
    for document in np.flatnonzero(~stays).tolist():
        kept = best[int(representative[document])]
        unit, row = found.unit_of(document)
        reason = "duplicate" if exact[document] == exact[kept] else "near_duplicate"
        rows.append(
            {"unit": unit, "row": row, "reason": reason, "evidence": f"of {found.sources[kept]}, {found.ids[kept]}"}
        )
    table.write_rows(job.store, job.name("work", DUPLICATES), rows, _SCHEMA)
    job.store.write_json(marker, {"digest": job.digest, "documents": count, "dropped": len(rows)})
