"""Corpora and the two sides of `benchmarks.data_dedup`: our steps in a process pool, and datatrove's four stages."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import pathlib
import random
import re
import sys
import sysconfig
import time
from collections.abc import Iterator

import numpy as np
import xxhash

from data.dedup import clusters, keep, signatures
from data.dedup.shingle_store import ShingleStore


def texts_of(kind: str, folder: str | None, limit: int) -> list[str]:
    """Texts of a corpus, `limit` bytes of them, one in twenty followed by an edited copy.

    Raises:
      ValueError: there are fewer.
    """
    rng = random.Random(0)
    root = pathlib.Path(folder or sysconfig.get_paths()["purelib"])
    paths = sorted(path for path in root.rglob("*" if folder else "*.py") if path.is_file())
    rng.shuffle(paths)
    texts, size = [], 0
    for path in paths:
        text = path.read_bytes()[:1_000_000].decode("utf-8", "ignore")
        if kind == "prose" and not folder:
            text = "\n\n".join(re.findall(r'"""(.*?)"""', text, re.DOTALL))
        if len(text) < 500:
            continue
        own = [text]
        if rng.random() < 0.05:
            own.append(edited(text.split(" "), rng, max(1, len(text) // 600)))
        texts += own
        size += sum(len(one.encode()) for one in own)
        if size >= limit:
            return texts
    raise ValueError(f"{root} holds {size} bytes of {kind}, and {limit} are needed")


def edited(words: list[str], rng: random.Random, count: int) -> str:
    """The words with some of them replaced."""
    words = list(words)
    for place in rng.sample(range(len(words)), min(count, len(words))):
        words[place] = f"edit{''.join(rng.choices('abcdefghijklmnop', k=8))}"
    return " ".join(words)


def write_shards(folder: pathlib.Path, texts: list[str], count: int) -> int:
    """Writes the texts to JSONL shards, in turns. Returns their bytes as UTF-8."""
    folder.mkdir(parents=True)
    for shard in range(count):
        with open(folder / f"{shard:05}.jsonl", "w", encoding="utf-8") as file:
            for number in range(shard, len(texts), count):
                file.write(json.dumps({"text": texts[number], "id": str(number)}) + "\n")
    return sum(len(text.encode()) for text in texts)


def planted(count: int, least: float) -> tuple[list[str], list[float]]:
    """Texts 2i and 2i + 1 are a pair; its similarity is spread evenly from 0.5 to 0.97."""
    rng = random.Random(0)
    vocabulary = sorted({"".join(rng.choices("abcdefghijklmnoprstuvw", k=rng.randint(2, 9))) for _ in range(20_000)})
    texts, similarities = [], []
    while len(similarities) < count:
        words = rng.choices(vocabulary, k=rng.randint(150, 500))
        wanted = rng.uniform(0.48, 0.97)
        # A replaced word changes five of the n - 4 shingles, so that J is about (n - 5 k) / (n + 5 k).
        pair = [words, edited(words, rng, max(1, round(len(words) * (1 - wanted) / (1 + wanted) / 5))).split(" ")]
        first, second = ({tuple(one[i : i + 5]) for i in range(len(one) - 4)} for one in pair)
        similarity = len(first & second) / len(first | second)
        if similarity >= least:
            texts += map(" ".join, pair)
            similarities.append(similarity)
    return texts, similarities


def write_short(folder: pathlib.Path, count: int, num_shards: int) -> int:
    """Writes shards of documents of 60 words, one in twenty a copy of the one ten before. Returns their bytes."""
    rng = random.Random(0)
    vocabulary = [f"w{number:x}" for number in range(50_000)]
    folder.mkdir()
    size, earlier = 0, []
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(open(folder / f"{shard:05}.jsonl", "w")) for shard in range(num_shards)]
        for number in range(count):
            words = rng.choices(vocabulary, k=60)
            text = edited(earlier, rng, 1) if number % 20 == 19 else " ".join(words)
            earlier = words if number % 20 == 9 else earlier
            files[number % num_shards].write(json.dumps({"text": text, "id": f"{number:09}"}) + "\n")
            size += len(text)
    return size


def copies_of(path: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    """Altered copies of a picture, by name."""
    from PIL import Image

    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    edge, more = (width // 50, height // 50), (width // 20, height // 20)
    for name, copy, form, options in (
        ("JPEG at 30", picture, "JPEG", {"quality": 30}),
        ("WebP at 60", picture, "WEBP", {"quality": 60}),
        ("half", picture.resize((width // 2, height // 2)), "JPEG", {"quality": 85}),
        ("a quarter", picture.resize((width // 4, height // 4)), "PNG", {}),
        ("brighter by a tenth", picture.point(lambda value: min(255, value * 11 // 10)), "JPEG", {"quality": 85}),
        ("2% cut off", picture.crop((*edge, width - edge[0], height - edge[1])), "JPEG", {"quality": 85}),
        ("5% cut off", picture.crop((*more, width - more[0], height - more[1])), "JPEG", {"quality": 85}),
        ("grey", picture.convert("L"), "JPEG", {"quality": 85}),
    ):
        stream = io.BytesIO()
        copy.save(stream, form, **options)
        yield name, stream.getvalue()


def rows_of(path: str) -> Iterator[dict]:
    with open(path, encoding="utf-8") as file:
        yield from map(json.loads, file)


def shard_bands(path: str) -> tuple[np.ndarray, list[str], list[int]]:
    """Bands, ids and lengths of a shard's documents."""
    texts, names = [], []
    bands, lengths = [], []

    def take() -> None:
        bands.append(signatures.bands_of(signatures.shingle_sets(texts)))
        lengths.extend(map(len, texts))
        texts.clear()

    for row in rows_of(path):
        texts.append(row["text"])
        names.append(row["id"])
        if len(texts) == 1000:
            take()
    take()
    return np.concatenate(bands), names, lengths


def shard_shingles(task: tuple[str, np.ndarray]) -> list[np.ndarray]:
    """The shingles of some of a shard's documents, given by their places."""
    path, wanted = task
    marked = set(wanted.tolist())
    return signatures.shingle_sets(row["text"] for place, row in enumerate(rows_of(path)) if place in marked)


def shard_kept(task: tuple[str, str, np.ndarray]) -> None:
    """Writes the documents of a shard that stay."""
    path, target, stays = task
    with open(path, encoding="utf-8") as source, open(target, "w", encoding="utf-8") as file:
        for place, line in enumerate(source):
            if stays[place]:
                file.write(line)


def ours(shards: pathlib.Path, work: pathlib.Path, workers: int) -> dict[str, float]:
    """Writes the documents that stay to work/kept. Returns the seconds of each step."""
    times = {}
    clock = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal clock
        times[name], clock = time.perf_counter() - clock, time.perf_counter()

    paths = sorted(map(str, shards.iterdir()))
    (work / "kept").mkdir(parents=True)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(abs, range(workers))
        lap("start")
        found = pool.map(shard_bands, paths, chunksize=1)
        lap("signatures")
        bands = np.concatenate([one for one, _, _ in found])
        pairs = clusters.candidate_pairs(bands)
        lap("candidates")
        firsts = np.cumsum([0, *(len(one) for one, _, _ in found)])
        wanted = np.split(np.unique(pairs), np.searchsorted(np.unique(pairs), firsts[1:-1]))
        tasks = [(path, numbers - first) for path, numbers, first in zip(paths, wanted, firsts, strict=False)]
        sets = pool.imap(shard_shingles, tasks)
        stored = (
            pair
            for numbers, some in zip(wanted, sets, strict=True)
            for pair in zip(numbers.tolist(), some, strict=True)
        )
        store = ShingleStore.write(str(work / "shingles"), stored)
        lap("shingles")
        pairs = clusters.verify(pairs, store.load)
        lap("verification")
        representatives = clusters.representatives(pairs, len(bands))
        names = [name for _, some, _ in found for name in some]
        lengths = [length for _, _, some in found for length in some]
        stays = np.split(keep.kept(representatives, np.zeros(len(bands)), lengths, names), firsts[1:-1])
        lap("clusters")
        targets = [str(work / "kept" / os.path.basename(path)) for path in paths]
        pool.map(shard_kept, list(zip(paths, targets, stays, strict=True)), chunksize=1)
        lap("writing")
    return times


def xxhash64(data: str) -> int:
    """datatrove's own default hash. Its call of it fails since xxhash 4, which no longer takes strings."""
    return xxhash.xxh64_intdigest(data.encode())


def theirs(shards: pathlib.Path, work: pathlib.Path, workers: int) -> None:
    """The same by datatrove with its own defaults, which are FineWeb's: 5-grams, 14 buckets of 8 hashes."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline import dedup
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    count = len(list(shards.iterdir()))
    config = dedup.MinhashConfig()
    signed, buckets, removed = (str(work / name) for name in ("signatures", "buckets", "remove"))
    reader = JsonlReader(str(shards))
    signer = dedup.MinhashDedupSignature(signed, config=config)
    signer._hash_func = xxhash64
    kept = JsonlWriter(str(work / "kept"), output_filename="${rank}.jsonl", compression=None)
    stages = (
        ([reader, signer], count),
        ([dedup.MinhashDedupBuckets(signed, buckets, config=config)], config.num_buckets),
        ([dedup.MinhashDedupCluster(buckets, removed, config=config)], 1),
        ([reader, dedup.MinhashDedupFilter(removed), kept], count),
    )
    for number, (pipeline, tasks) in enumerate(stages):
        log = str(work / f"log{number}")
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=min(workers, tasks), logging_dir=log).run()


@contextlib.contextmanager
def output_to(path: pathlib.Path) -> Iterator[None]:
    """Sends what this process and its children print to a file: datatrove logs every step."""
    sys.stdout.flush()
    saved = os.dup(1), os.dup(2)
    with open(path, "w") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    try:
        yield
    except BaseException:
        os.write(saved[1], path.read_bytes()[-4000:])
        raise
    finally:
        for number, descriptor in enumerate(saved, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)


def kept_ids(work: pathlib.Path) -> set[str]:
    return {row["id"] for path in sorted((work / "kept").iterdir()) for row in rows_of(str(path))}
