"""Near-duplicate removal beside datatrove's four MinHash stages: speed, recall, precision, and cost as a corpus grows.

    python -m benchmarks.data_dedup                                    # all but images, about ten minutes on two cores
    python -m benchmarks.data_dedup --parts=speed --megabytes=48 --json=out.json
    python -m benchmarks.data_dedup --parts=scale --scale=10000,100000,1000000

Both read the same JSONL shards with the same number of worker processes, both write the documents that stay, and the
two run in turns (A B A B ...), start of the workers included; the ratio is the median over the turns. Code is the
Python of the installed packages, prose their docstrings; `--prose` and `--code` name folders of text files instead. The
planted set has pairs of which one is an edited copy; the truth about a pair is the Jaccard similarity of its sets of
five-word tuples.
"""

from __future__ import annotations

import json
import os
import pathlib
import random
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rensa
from absl import app, flags

from benchmarks.data_dedup_sides import (
    copies_of,
    kept_ids,
    ours,
    output_to,
    planted,
    texts_of,
    theirs,
    write_shards,
    write_short,
)
from data.dedup import clusters, decontaminate, images, signatures

PARTS = ("speed", "quality", "scale", "signatures", "decontamination", "images")
# Of the planted pairs: the similarity from which a pair is a duplicate, and what the table is divided by.
DUPLICATE = clusters.THRESHOLD
BINS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0)

_PARTS = flags.DEFINE_list("parts", list(PARTS), f"What to measure: {', '.join(PARTS)}.")
_WORKERS = flags.DEFINE_integer("workers", len(os.sched_getaffinity(0)), "Processes of each side.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Turns of each side.", lower_bound=1)
_MEGABYTES = flags.DEFINE_integer("megabytes", 24, "Text of each corpus of the comparison.", lower_bound=1)
_PAIRS = flags.DEFINE_integer("pairs", 4000, "Planted pairs.", lower_bound=1)
_SCALE = flags.DEFINE_list("scale", ["10000", "100000"], "Documents of the growing corpus.")
_PROSE = flags.DEFINE_string("prose", None, "Folder of text files, for the corpus of prose.")
_CODE = flags.DEFINE_string("code", None, "Folder of text files, for the corpus of code.")
_BENCHMARKS = flags.DEFINE_string(
    "benchmarks", None, "Folder of benchmarks to decontaminate against; a made-up one without."
)
_PICTURES = flags.DEFINE_string(
    "pictures", None, "Folder of JPEG photographs for the part images, which is left out without."
)
_JSON = flags.DEFINE_string("json", None, "File for the figures.")
_MARKDOWN = flags.DEFINE_string("markdown", None, "File for the tables that are also printed.")


def run_side(side: str, shards: pathlib.Path, base: pathlib.Path) -> tuple[float, set[str]]:
    """Seconds of one run, and the ids of what it kept."""
    work = base / side
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    begin = time.perf_counter()
    if side == "ours":
        ours(shards, work, _WORKERS.value)
    else:
        with output_to(work / "output"):
            theirs(shards, work, _WORKERS.value)
    return time.perf_counter() - begin, kept_ids(work)


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def measure_speed(base: pathlib.Path) -> list[dict]:
    """Megabytes a second of both sides on prose and on code."""
    results = []
    for kind, folder in (("prose", _PROSE.value), ("code", _CODE.value)):
        texts = texts_of(kind, folder, _MEGABYTES.value * 1_000_000)
        shards = base / kind
        megabytes = write_shards(shards, texts, 2 * _WORKERS.value) / 1e6
        rates, kept = {"ours": [], "datatrove": []}, {}
        for turn in range(_ROUNDS.value):
            for side in rates:
                seconds, kept[side] = run_side(side, shards, base)
                rates[side].append(megabytes / seconds)
                print(f"  {kind}, turn {turn + 1}, {side}: {megabytes / seconds:.2f} MB/s", flush=True)
        results.append(
            {
                "corpus": kind,
                "documents": len(texts),
                "megabytes": megabytes,
                "megabytes_per_second": {side: spread(values) for side, values in rates.items()},
                "ratio": spread([mine / other for mine, other in zip(rates["ours"], rates["datatrove"], strict=True)]),
                "kept": {side: len(ids) for side, ids in kept.items()},
                "kept_by_both": len(kept["ours"] & kept["datatrove"]),
            }
        )
    return results


def measure_quality(base: pathlib.Path) -> dict:
    """Which planted pairs each side finds."""
    texts, similarities = planted(_PAIRS.value, BINS[0])
    shards = base / "planted"
    write_shards(shards, texts, 2 * _WORKERS.value)
    truth = np.array(similarities)
    result = {"pairs": len(truth), "duplicate_from": DUPLICATE, "sides": {}}
    for side in ("ours", "datatrove"):
        _, kept = run_side(side, shards, base)
        stays = np.array([str(number) in kept for number in range(len(texts))]).reshape(-1, 2)
        if not stays.any(axis=1).all():
            raise RuntimeError(f"{side} dropped both texts of a pair")
        found, real = ~stays.all(axis=1), truth >= DUPLICATE
        inside = [(truth >= low) & (truth < high) for low, high in zip(BINS, BINS[1:], strict=False)]
        result["sides"][side] = {
            "recall": float(found[real].mean()),
            "precision": float(real[found].mean()),
            "found": [float(found[some].mean()) for some in inside],
        }
        result["pairs_in_bin"] = [int(some.sum()) for some in inside]
    return result


def measure_scale(base: pathlib.Path) -> list[dict]:
    """Microseconds a document as the corpus grows; one document in twenty is an edited copy of an earlier one."""
    results = []
    for count in map(int, _SCALE.value):
        shards = base / f"scale{count}"
        size = write_short(shards, count, max(2 * _WORKERS.value, count // 20_000))
        work = base / f"scaled{count}"
        times = ours(shards, work, _WORKERS.value)
        seconds = sum(times.values()) - times["start"]
        results.append(
            {
                "documents": count,
                "megabytes": size / 1e6,
                "seconds": times,
                "microseconds_per_document": 1e6 * seconds / count,
                "dropped": count - len(kept_ids(work)),
            }
        )
        print(f"  {count:,} documents: {1e6 * seconds / count:.1f} microseconds each", flush=True)
        shutil.rmtree(shards)
        shutil.rmtree(work)
    return results


def best(call: Callable[[], Any], turns: int = 5) -> float:
    """Processor seconds of the fastest of some calls."""
    seconds = []
    for _ in range(turns):
        begin = time.process_time()
        call()
        seconds.append(time.process_time() - begin)
    return min(seconds)


def measure_signatures() -> list[dict]:
    """Milliseconds a megabyte of a signature's steps, and of the ways that were not taken."""
    results = []
    for kind, folder in (("prose", _PROSE.value), ("code", _CODE.value)):
        text = "\n".join(texts_of(kind, folder, 2_000_000))
        shingles = signatures.shingles(text)
        words = re.findall(r"\w+", text.lower())
        strings = [" ".join(words[place : place + 5]) for place in range(len(words) - 4)]

        def digest(strings=strings) -> list[int]:
            sketch = rensa.RMinHash(signatures.VALUES, 1)
            sketch.update(strings)
            return sketch.digest()

        def by_numpy(shingles=shingles) -> list[np.uint64]:
            factors = shingles[: signatures.VALUES] | np.uint64(1)
            return [((shingles * factor + factor) >> np.uint64(32)).min() for factor in factors]

        def five_words(text=text) -> list[str]:
            words = re.findall(r"\w+", text.lower())
            return [" ".join(words[place : place + 5]) for place in range(len(words) - 4)]

        steps = {
            "exact key": lambda text=text: signatures.exact_key(text),
            "shingles": lambda text=text: signatures.shingles(text),
            "bands by rensa": lambda shingles=shingles: signatures.bands_of([shingles]),
            "bands by numpy": by_numpy,
            "five words as strings": five_words,
            "rensa over strings": digest,
        }
        scale = 1e3 / (len(text.encode()) / 1e6)
        results.append({"corpus": kind, "milliseconds_per_megabyte": {n: scale * best(c) for n, c in steps.items()}})
    return results


def measure_images() -> dict:
    """How far copies of photographs are from them, and different ones from each other."""
    copies: dict[str, list[tuple[int, int]]] = {}
    prints = []
    for path in sorted(pathlib.Path(_PICTURES.value).rglob("*.jpg")):
        own = images.fingerprint(path.read_bytes())
        prints.append(own)
        for name, copy in copies_of(path):
            other = images.fingerprint(copy)
            bits = int(np.bitwise_count(own[:8] ^ other[:8]).sum())
            colour = int(np.abs(own[8:].astype(int) - other[8:]).max())
            copies.setdefault(name, []).append((bits, colour))
    values = images.hashes(np.stack(prints))
    between = np.bitwise_count(values[:, None] ^ values)[np.triu_indices(len(values), 1)]
    found = {}
    for name, rows in copies.items():
        near = [bits <= images.LIMITS.distance for bits, _ in rows]
        same = [bits <= images.LIMITS.distance and colour <= images.LIMITS.difference for bits, colour in rows]
        found[name] = {
            "most_bits": max(bits for bits, _ in rows),
            "most_colour": max(colour for _, colour in rows),
            "near_by_hash": float(np.mean(near)),
            "found": float(np.mean(same)),
        }
    return {"photographs": len(prints), "least_bits_between_two": int(between.min()), "copies": found}


def measure_decontamination() -> list[dict]:
    """Megabytes a second of one core against a benchmarks' index."""
    if _BENCHMARKS.value:
        index = decontaminate.load_benchmarks(_BENCHMARKS.value)
    else:
        rng = random.Random(0)
        builder = decontaminate.IndexBuilder()
        for _ in range(50_000):
            builder.add("made up", " ".join(f"w{rng.randrange(50_000):x}" for _ in range(rng.randint(8, 100))))
        index = builder.build()
    results = []
    for kind, folder in (("prose", _PROSE.value), ("code", _CODE.value)):
        texts = texts_of(kind, folder, _MEGABYTES.value * 1_000_000)
        size, rates = sum(len(text.encode()) for text in texts) / 1e6, []
        for _ in range(_ROUNDS.value):
            begin = time.process_time()
            hits = index.hits_of(texts)
            rates.append(size / (time.process_time() - begin))
        row = {
            "corpus": kind,
            "ngrams": len(index.hashes),
            "megabytes": size,
            "megabytes_per_core_second": spread(rates),
        }
        results.append(row | {"documents": len(texts), "contaminated": sum(map(bool, hits))})
    return results


def table(header: str, lines: list[str]) -> str:
    return "\n".join([header, "|" + "---|" * (header.count("|") - 1), *lines])


def tables(results: dict) -> str:
    """The figures as markdown tables."""
    found = []
    if rows := results.get("speed"):
        lines = []
        for row in rows:
            rate, ratio = row["megabytes_per_second"], row["ratio"]
            lines.append(
                f"| {row['corpus']} | {row['documents']:,} | {row['megabytes']:.1f} | {rate['ours']['median']:.2f} | "
                f"{rate['datatrove']['median']:.2f} | **{ratio['median']:.1f}** "
                f"({ratio['min']:.1f} to {ratio['max']:.1f}) | {row['kept']['ours']:,} / {row['kept']['datatrove']:,} |"
            )
        header = (
            "| corpus | documents | MB | ours, MB/s | datatrove, MB/s | ratio (min to max) | kept, ours / datatrove |"
        )
        found.append(table(header, lines))
    if row := results.get("quality"):
        edges = [f"{low:g} to {high:g}" for low, high in zip(BINS, BINS[1:], strict=False)]
        header = f"| side | recall, J >= {row['duplicate_from']:g} | precision | found, J {' | '.join(edges)} |"
        lines = [
            f"| {name} | {side['recall']:.3f} | {side['precision']:.3f} | "
            + " | ".join(f"{x:.3f}" for x in side["found"])
            + " |"
            for name, side in row["sides"].items()
        ]
        lines.append(f"| pairs | {row['pairs']} | | " + " | ".join(map(str, row["pairs_in_bin"])) + " |")
        found.append(table(header, lines))
    if rows := results.get("scale"):
        steps = [name for name in rows[0]["seconds"] if name != "start"]
        lines = [
            f"| {row['documents']:,} | {row['microseconds_per_document']:.1f} | "
            + " | ".join(f"{1e6 * row['seconds'][step] / row['documents']:.1f}" for step in steps)
            + f" | {row['dropped']:,} |"
            for row in rows
        ]
        found.append(table(f"| documents | us a document | {' | '.join(steps)} | dropped |", lines))
    if rows := results.get("decontamination"):
        lines = [
            f"| {row['corpus']} | {row['ngrams']:,} | {row['megabytes_per_core_second']['median']:.1f} | "
            f"{row['contaminated']:,} of {row['documents']:,} |"
            for row in rows
        ]
        found.append(table("| corpus | n-grams of benchmarks | MB/s a core | documents with a hit |", lines))
    if rows := results.get("signatures"):
        names = list(rows[0]["milliseconds_per_megabyte"])
        lines = [
            f"| {row['corpus']} | " + " | ".join(f"{row['milliseconds_per_megabyte'][n]:.1f}" for n in names) + " |"
            for row in rows
        ]
        found.append(table(f"| ms a MB, one core | {' | '.join(names)} |", lines))
    if row := results.get("images"):
        header = f"| copies of {row['photographs']} photographs | most bits | most colour | near by hash | found |"
        lines = [
            f"| {name} | {one['most_bits']} | {one['most_colour']} | {one['near_by_hash']:.2f} | {one['found']:.2f} |"
            for name, one in row["copies"].items()
        ]
        lines.append(f"| two different ones, least | {row['least_bits_between_two']} | | | |")
        found.append(table(header, lines))
    return "\n\n".join(found)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    if unknown := [part for part in _PARTS.value if part not in PARTS]:
        raise app.UsageError(f"unknown part {unknown[0]!r}; there are {', '.join(PARTS)}")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder)
        if "speed" in _PARTS.value:
            results["speed"] = measure_speed(base)
        if "quality" in _PARTS.value:
            results["quality"] = measure_quality(base)
        if "scale" in _PARTS.value:
            results["scale"] = measure_scale(base)
    if "decontamination" in _PARTS.value:
        results["decontamination"] = measure_decontamination()
    if "signatures" in _PARTS.value:
        results["signatures"] = measure_signatures()
    if "images" in _PARTS.value and _PICTURES.value:
        results["images"] = measure_images()
    print(tables(results))
    document = {
        "workers": _WORKERS.value,
        "rounds": _ROUNDS.value,
        "signatures": signatures.version(),
        "results": results,
    }
    for path, text in ((_JSON.value, json.dumps(document, indent=2)), (_MARKDOWN.value, tables(results))):
        if path:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(path).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
