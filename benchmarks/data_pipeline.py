"""The data stages in figures: filters and deduplication beside datatrove's, the whole pipeline on one core and on two.

    python -m benchmarks.data_pipeline                     # all of it, about twenty minutes on two cores
    python -m benchmarks.data_pipeline --parts=pipeline --mb=20 --rounds=3

`filters` and `dedup` are `benchmarks.data_filters` and `benchmarks.data_dedup`, which have flags of their own. `pipeline`
builds the same corpus from files to ArrayRecord with one process and with two, in turns: prose as WET pages held to the web
profile, code as JSONL held to the code profile, deduplicated and judged. Seconds are those of the whole build, the start of
the processes included. What two processes of plain arithmetic gain on the same machine, in the same turns, is printed beside
it: on virtual machines two cores are often two threads of one.
"""

from __future__ import annotations

import concurrent.futures
import io
import json
import multiprocessing
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app
from absl import flags

from benchmarks import text_corpora
from data.pipeline.build import build_corpus
from data.pipeline.options import DomainOptions, Options
from data.pipeline.runners import ProcessPool

_PARTS = flags.DEFINE_list("parts", ["filters", "dedup", "pipeline"], "Which parts to run.")
_MB = flags.DEFINE_float("mb", 40, "Megabytes of each corpus of `pipeline`.", lower_bound=0.1)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Turns of one and of two processes.", lower_bound=1)
_JSON = flags.DEFINE_string("json", "", "File that the figures of `pipeline` are written to.")
_RANGE_BYTES = 512 << 10
_ARITHMETIC = 6_000_000


def write_wet(texts: list[str], folder: pathlib.Path) -> int:
    """Pages as Common Crawl's WET files have them, some a file. Returns the bytes of the texts."""
    from warcio.warcwriter import WARCWriter

    size = 0
    for first in range(0, len(texts), 400):
        with open(folder / f"{first:06d}.warc.wet.gz", "wb") as file:
            writer = WARCWriter(file, gzip=True)
            for number, text in enumerate(texts[first : first + 400], first):
                data = text.encode("utf-8", "replace")
                size += len(data)
                record = writer.create_warc_record(
                    f"http://example.org/{number}",
                    "conversion",
                    payload=io.BytesIO(data),
                    length=len(data),
                    warc_content_type="text/plain",
                )
                writer.write_record(record)
    return size


def write_code(texts: list[str], folder: pathlib.Path) -> int:
    """Files as github-code-clean has them. Returns the bytes of the texts."""
    with open(folder / "code.jsonl", "w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            row = {
                "code": text,
                "repo_name": "a/b",
                "path": f"{number}.py",
                "language": "Python",
                "license": "mit",
                "size": len(text),
            }
            file.write(json.dumps(row) + "\n")
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


CORPORA = {
    "prose": ("language", "common_crawl_filtered", text_corpora.prose, write_wet),
    "code": ("code", "github_code_clean", text_corpora.code, write_code),
}


def build_seconds(domain: str, source: str, folder: pathlib.Path, workers: int) -> tuple[float, dict]:
    """(seconds, records of the manifest) of one whole build."""
    wanted = DomainOptions((source,), {source: str(folder)})
    options = Options(0, {domain: wanted}, range_bytes=_RANGE_BYTES, keep_empty_levels=True)
    with tempfile.TemporaryDirectory() as out:
        began = time.perf_counter()
        with ProcessPool(workers) as pool:
            report = build_corpus(options, out, pool)
        return time.perf_counter() - began, report.domains[domain].manifest["records"]


def _arithmetic(count: int) -> int:
    total = 0
    for number in range(count):
        total = (total * 31 + number) % 1_000_003
    return total


def arithmetic_speed_up() -> float:
    """How much faster two processes do twice a piece of arithmetic than one does."""
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_arithmetic, [1000] * 8))  # both have started
        began = time.perf_counter()
        for _ in range(2):
            pool.submit(_arithmetic, _ARITHMETIC).result()
        between = time.perf_counter()
        list(pool.map(_arithmetic, [_ARITHMETIC] * 2))
        return (between - began) / (time.perf_counter() - between)


def pipeline_row(name: str) -> dict:
    """One corpus with one and with two processes, in turns."""
    domain, source, make, write = CORPORA[name]
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        size = write(make(int(_MB.value * 1e6)), folder)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        ceilings = []
        for _ in range(_ROUNDS.value):
            ceilings.append(arithmetic_speed_up())
            for workers, taken in seconds.items():
                found, records = build_seconds(domain, source, folder, workers)
                taken.append(found)
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    return {
        "corpus": name,
        "megabytes": size / 1e6,
        "documents": records["in"],
        "kept": records["out"] / records["in"],
        "one_mb_per_second": size / 1e6 / statistics.median(seconds[1]),
        "two_mb_per_second": size / 1e6 / statistics.median(seconds[2]),
        "speed_up": statistics.median(ratios),
        "speed_up_range": [min(ratios), max(ratios)],
        "arithmetic_speed_up": statistics.median(ceilings),
    }


def table(rows: list[dict]) -> str:
    """Markdown of `pipeline`."""
    lines = [
        "| corpus | MB | documents | kept | one process, MB/s | two, MB/s | two over one (range) | plain arithmetic |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["speed_up_range"]
        lines.append(
            f"| {row['corpus']} | {row['megabytes']:.1f} | {row['documents']:,} | {row['kept']:.0%} "
            f"| {row['one_mb_per_second']:.2f} | {row['two_mb_per_second']:.2f} | **{row['speed_up']:.2f}** ({low:.2f} to {high:.2f}) "
            f"| {row['arithmetic_speed_up']:.2f} |"
        )
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    """Runs the parts asked for, one after the other."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    for part in _PARTS.value:
        if part == "pipeline":
            rows = [pipeline_row(name) for name in CORPORA]
            print(table(rows), flush=True)
            if _JSON.value:
                pathlib.Path(_JSON.value).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        elif part in ("filters", "dedup"):
            subprocess.run([sys.executable, "-m", f"benchmarks.data_{part}"], check=True)
        else:
            raise app.UsageError(f"unknown part {part!r}; the parts are filters, dedup and pipeline")


if __name__ == "__main__":
    app.run(main)
