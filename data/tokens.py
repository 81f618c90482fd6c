"""The tokenised cache of one level and split: what `prepare_for_expert` leaves for the loaders.

TOKENS/<domain>/<level>/<split>.array_record   one record a document: BOS + tokens + EOS, little-endian
TOKENS/<domain>/<level>/<split>.lengths.npy    int64 [documents], tokens of each record
TOKENS/<domain>/<level>/<split>.tasks.npy      uint8 [documents], the task of each, a place in the marker's `task_names`
TOKENS/<domain>/<level>/<split>.unlearned.npy  int64 [S, 3], stretches of documents that no loss counts
TOKENS/<domain>/<level>/<split>.json           counts and hashes; written last, so its presence means complete
"""

from __future__ import annotations

import bisect
import collections
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from data import array_records, records, side_arrays, task_marks
from data.domains import level_index
from data.multitask import registry
from data.task_marks import TaskMarks
from data.tokenizer import Tokenizer

_BATCH_DOCUMENTS = 256
_PLAIN = {registry.DEFAULT: 1.0}
# Files beside the records: dtype and shape of a row.
_SIDES: dict[str, tuple[type, tuple[int, ...]]] = {
    "lengths": (np.int64, ()),
    "tasks": (np.uint8, ()),
    "unlearned": (np.int64, (3,)),
}


class TokenCacheError(ValueError):
    """A token cache that can't be used as it is; the message names the file and what to do."""


def cache_path(tokens_dir: str | os.PathLike[str], domain: str, level: str, split: str) -> pathlib.Path:
    """Where the tokens of one level and split lie: `TOKENS/code/functions/train.array_record`."""
    level_index(domain, level)
    return pathlib.Path(tokens_dir) / domain / level / f"{split}.array_record"


def encode_split(
    data_dir: str | os.PathLike[str],
    tokens_dir: str | os.PathLike[str],
    tokenizer: Tokenizer,
    domain: str,
    level: str,
    split: str,
    num_threads: int = 1,
    shares: Mapping[str, float] = _PLAIN,
    seed: int = 0,
) -> dict[str, Any]:
    """Tokenises one split of a level, unless that was done already from the same documents by the same tokenizer.

    Each document is read in one task, drawn by the shares and its id (`data.multitask.registry.choose`). Killed at any
    moment and started again it leaves the same bytes, which don't depend on `num_threads`.

    Returns:
      The manifest: documents, tokens (BOS and EOS included), learned (tokens that the loss counts), bytes (UTF-8 of the
      texts), dtype, shares, seed, task_names, tasks (documents of each), and the hashes tokenizer_sha256, source_sha256,
      records_sha256, marks_sha256.

    Raises:
      CorruptRecordError: the documents are missing or can't be read.
      TokenizerError: the tokenizer lacks a control symbol that a task needs.
      TaskShareError: wrong shares.
    """
    shares = registry.checked_shares(shares)
    sources = records.split_paths(data_dir, domain, level, split)
    source_sha256 = _sha256(sources[0])
    if len(sources) > 1:
        source_sha256 = hashlib.sha256("".join(map(_sha256, sources)).encode()).hexdigest()
    target = cache_path(tokens_dir, domain, level, split)
    marker = target.with_suffix(".json")
    done = _read_marker(marker)
    if (
        done is not None
        and (done["tokenizer_sha256"], done["source_sha256"]) == (tokenizer.sha256, source_sha256)
        and (done["shares"], done["seed"]) == (shares, seed)
        and target.exists()
        and _sha256(target) == done["records_sha256"]
        and all(path.exists() for path in _side_paths(target))
    ):
        return done
    # From here on the old marker would vouch for files that are being replaced.
    marker.unlink(missing_ok=True)

    dtype = np.dtype("<u2") if tokenizer.vocab_size <= 1 << 16 else np.dtype("<i4")
    tasks: collections.Counter[str] = collections.Counter()
    num_bytes = num_tokens = num_learned = documents = 0

    def encoded(lengths_file, tasks_file, unlearned_file) -> Iterator[bytes]:
        nonlocal num_bytes, num_tokens, num_learned, documents
        for batch in _batches(records.read_split(data_dir, domain, level, split), _BATCH_DOCUMENTS):
            num_bytes += sum(len(document.text.encode("utf-8")) for document in batch)
            chosen = [registry.choose(document, shares, seed) for document in batch]
            found = task_marks.encode(tokenizer, [example for _, example in chosen], num_threads)
            names = [name for name, _ in chosen]
            marks = task_marks.collect(names, [unlearned for _, unlearned in found])
            lengths = [len(ids) for ids, _ in found]
            lengths_file.append(lengths)
            tasks_file.append(marks.task_ids)
            unlearned_file.append(marks.unlearned + [documents, 0, 0])
            documents += len(batch)
            tasks.update(names)
            num_tokens += sum(lengths)
            num_learned += sum(lengths) - int((marks.unlearned[:, 2] - marks.unlearned[:, 1]).sum())
            yield from (ids.astype(dtype).tobytes() for ids, _ in found)

    sides = _side_paths(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(side_arrays.Writer(path, *form)) for path, form in zip(sides, _SIDES.values())]
        array_records.write_records(target, encoded(*files))
    manifest = {
        "documents": documents,
        "tokens": num_tokens,
        "learned": num_learned,
        "bytes": num_bytes,
        "dtype": dtype.str,
        "shares": shares,
        "seed": seed,
        "task_names": list(registry.NAMES),
        "tasks": {name: tasks[name] for name in registry.NAMES if name in tasks},
        "tokenizer_sha256": tokenizer.sha256,
        "source_sha256": source_sha256,
        "records_sha256": _sha256(target),
        "marks_sha256": _sha256_of_arrays([side_arrays.Reader(path) for path in sides]),
    }
    _write_atomically(marker, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    return manifest


class TokenSource:
    """Random access to the tokenised documents of one level and split. Opens on first use; safe between threads.

    Every check happens at that opening: the files are there and whole, hold documents, and come from the tokenizer
    that is expected.
    """

    def __init__(
        self,
        tokens_dir: str | os.PathLike[str],
        domain: str,
        level: str,
        split: str,
        tokenizer_sha256: str | None = None,
        verify: bool = True,
    ):
        """Names a split.

        Args:
          tokens_dir: folder of the cache.
          domain: one of the domains.
          level: one of its levels.
          split: "train" or "heldout".
          tokenizer_sha256: hash of the tokenizer the model is trained with; None accepts any.
          verify: hash the whole file at opening (about 1 s a GB). Without it only sizes and counts are compared.
        """
        self.path = cache_path(tokens_dir, domain, level, split)
        self._arguments = (tokens_dir, domain, level, split, tokenizer_sha256, verify)
        self._tokenizer_sha256 = tokenizer_sha256
        self._verify = verify
        self._lock = threading.Lock()
        self._reader = None

    def __reduce__(self):
        return TokenSource, self._arguments

    def __repr__(self) -> str:
        return f"TokenSource({str(self.path)!r})"

    def open(self) -> TokenSource:
        """Opens the files and checks them, once. Returns the source itself.

        Raises:
          TokenCacheError: a file is missing, corrupt, empty, or of another tokenizer.
        """
        with self._lock:
            if self._reader is None:
                manifest = self._checked_manifest()
                sides = self._checked_sides(manifest)
                try:
                    reader = array_records.open_reader(self.path)
                except array_records.CorruptRecordError as error:
                    raise self._unusable(str(error)) from error
                if reader.num_records() != manifest["documents"]:
                    raise self._unusable(f"holds {reader.num_records()} records for {manifest['documents']} lengths")
                self._manifest, self._dtype = manifest, np.dtype(manifest["dtype"])
                self._lengths, self._tasks, self._unlearned = sides
                # Places in the list of that time become places in today's.
                names = manifest["task_names"]
                self._task_ids = np.array([registry.NAMES.index(n) if n in registry.NAMES else -1 for n in names])
                self._reader = reader
        return self

    def close(self) -> None:
        """Closes the file; the next use opens it again."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    @property
    def manifest(self) -> dict[str, Any]:
        """What `encode_split` returned."""
        return self.open()._manifest

    @property
    def num_tokens(self) -> int:
        """Tokens of all documents."""
        return self.manifest["tokens"]

    def lengths(self, start: int, stop: int) -> np.ndarray:
        """Tokens of the documents from `start` to `stop`, BOS and EOS included, int64 [stop - start]."""
        return self.open()._lengths.read(start, stop)

    def marks(self, start: int, stop: int) -> TaskMarks:
        """The tasks of the documents from `start` to `stop`, numbered from 0, and which of their tokens are learned."""
        rows = self.open()._unlearned
        first, last = (
            bisect.bisect_left(range(len(rows)), document, key=lambda row: rows.read(row, row + 1)[0, 0])
            for document in (start, stop)
        )
        task_ids = self._task_ids[self._tasks.read(start, stop)]
        return TaskMarks(task_ids.astype(np.int32), rows.read(first, last) - [start, 0, 0])

    @property
    def itemsize(self) -> int:
        """Bytes a token takes in the file and in `read_all`."""
        return self.open()._dtype.itemsize

    @property
    def fingerprint(self) -> str:
        """Hash of the tokens in their order, and of their marks."""
        return f"{self.manifest['records_sha256']}-{self.manifest['marks_sha256']}"

    def __len__(self) -> int:
        return self.manifest["documents"]

    def __getitem__(self, index: int) -> np.ndarray:
        """Tokens of one document, [tokens] of the cache's dtype."""
        return self.read([index])[0]

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Tokens of several documents in one call to the file, each [tokens] of the cache's dtype.

        Raises:
          TokenCacheError: a record can't be read or is not as long as it was written.
        """
        self.open()
        try:
            raw = self._reader.read([int(index) for index in indices])
        except Exception as error:  # array_record raises bare RuntimeErrors
            raise self._unusable(f"documents {list(indices)[:8]} cannot be read ({error})") from error
        for index, record, length in zip(indices, raw, self._lengths.take(indices)):
            if len(record) != length * self._dtype.itemsize:
                raise self._unusable(f"document {index} has {len(record)} bytes, not its {length} tokens")
        return [np.frombuffer(record, dtype=self._dtype) for record in raw]

    def read_all(self) -> np.ndarray:
        """All documents one after another, [manifest["tokens"]] of the cache's dtype."""
        documents = range(len(self))
        parts = [np.concatenate(self.read(documents[start : start + 4096])) for start in range(0, len(self), 4096)]
        return np.concatenate(parts)

    def _checked_manifest(self) -> dict[str, Any]:
        marker = self.path.with_suffix(".json")
        manifest = _read_marker(marker)
        if manifest is None:
            raise self._unusable(f"{marker.name} is missing or unreadable, so the split was not tokenised to its end")
        if self._tokenizer_sha256 not in (None, manifest["tokenizer_sha256"]):
            raise self._unusable(
                f"it was made by tokenizer {manifest['tokenizer_sha256'][:12]}, "
                f"but {self._tokenizer_sha256[:12]} is expected"
            )
        if manifest["documents"] == 0:
            raise TokenCacheError(
                f"{self.path}: the split has no documents; add data for this level, or give it no weight in the mixture"
            )
        if not self.path.exists():
            raise self._unusable("the file is missing")
        if self._verify and _sha256(self.path) != manifest["records_sha256"]:
            raise self._unusable("the file is corrupt: its hash is not the one it was written with")
        return manifest

    def _checked_sides(self, manifest: dict[str, Any]) -> list[side_arrays.Reader]:
        sides = []
        for path, (dtype, row_shape) in zip(_side_paths(self.path), _SIDES.values()):
            try:
                side = side_arrays.Reader(path)
            except (OSError, ValueError, EOFError) as error:
                raise self._unusable(f"{path.name} cannot be read ({error})") from error
            if (side.dtype, side.shape[1:]) != (dtype, row_shape):
                raise self._unusable(f"{path.name} holds {side.dtype} of shape {side.shape}")
            sides.append(side)
        lengths, tasks, _ = sides
        counts = f"{manifest['documents']} documents of {manifest['tokens']} tokens"
        if len(lengths) != manifest["documents"] or sum(int(c.sum()) for c in lengths.chunks()) != manifest["tokens"]:
            raise self._unusable(f"{_side_paths(self.path)[0].name} does not add up to {counts}")
        if _sha256_of_arrays(sides) != manifest["marks_sha256"] or len(tasks) != len(lengths):
            raise self._unusable("the marks of its tasks are not those that were written")
        gone = sorted(set(manifest["tasks"]) - set(registry.NAMES))
        if gone:
            raise self._unusable(f"it holds the tasks {', '.join(gone)}, which there are no more")
        return sides

    def _unusable(self, reason: str) -> TokenCacheError:
        return TokenCacheError(
            f"{self.path}: {reason}; delete {self.path.with_suffix('.json')} and tokenise the split anew"
        )


def _side_paths(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
    """Files of the lengths, the tasks and the unlearned stretches."""
    return tuple(path.with_suffix(f".{name}.npy") for name in _SIDES)


def _sha256_of_arrays(arrays: Iterable[side_arrays.Reader]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        for chunk in array.chunks():
            digest.update(chunk.tobytes())
    return digest.hexdigest()


def _read_marker(path: pathlib.Path) -> dict[str, Any] | None:
    """The manifest of a complete split, or None."""
    try:
        manifest = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    wanted = {"documents", "tokens", "bytes", "dtype", "shares", "seed", "task_names", "tasks"}
    wanted |= {f"{name}_sha256" for name in ("tokenizer", "source", "records", "marks")}
    return manifest if isinstance(manifest, dict) and wanted <= manifest.keys() else None


def _write_atomically(path: pathlib.Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)


def _sha256(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
