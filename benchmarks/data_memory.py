"""Peak memory and speed of the readers on files far larger than memory should have to be.

    python -m benchmarks.data_memory                           # 1 GB of each format
    python -m benchmarks.data_memory --formats=jsonl,wiki --gb=10

Writes one file of made-up records in each format, reads all of it as one unit of work in a process of its own, and prints that
process's peak resident memory. The goal is less than 1 GB for a file of 10 GB.
"""

from __future__ import annotations

import io
import json
import pathlib
import random
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from absl import app
from absl import flags

from benchmarks.peak_memory import peak_mb

_GB = flags.DEFINE_float("gb", 1.0, "Size of each file, in gigabytes as the format writes them.", lower_bound=0.001)
_FORMATS = flags.DEFINE_list("formats", [], "Which formats; all without.")
_FOLDER = flags.DEFINE_string("folder", "", "Where the files are written; the system's temporary folder without.")
_READ = flags.DEFINE_string(
    "read", "", "Reads this file as SOURCE:PATH and prints the figures as JSON; what the benchmark calls."
)

_RNG = random.Random(0)
_WORDS = [
    "".join(_RNG.choice("bcdfghklmnprst") + _RNG.choice("aeiou") for _ in range(_RNG.randint(1, 4)))
    for _ in range(5000)
]
_SENTENCES = [" ".join(_RNG.choices(_WORDS, k=_RNG.randint(6, 18))).capitalize() + "." for _ in range(20_000)]
_RECORD_BYTES = 4000
_PICTURES_A_PAGE = 50


def _text(number: int) -> str:
    """About _RECORD_BYTES of prose that no other record has."""
    rng = random.Random(number)
    return f"Record {number}. " + " ".join(rng.choices(_SENTENCES, k=_RECORD_BYTES // 70))


def _jsonl(file: BinaryIO, size: int) -> None:
    number = 0
    while file.tell() < size:
        code = "\n".join(f"# {line}" for line in _text(number).split(". "))
        row = {"code": code, "repo_name": "a/b", "path": f"{number}.py", "language": "Python", "license": "mit"}
        file.write(json.dumps(row | {"size": len(code)}).encode() + b"\n")
        number += 1


def _warc(file: BinaryIO, size: int) -> None:
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    # One page among pictures, as in a crawl: pictures are skipped, so that large files are read in minutes.
    writer, number, pictures = WARCWriter(file, gzip=True), 0, random.Random(0)
    while file.tell() < size:
        for part in range(_PICTURES_A_PAGE):
            data = pictures.randbytes(65_536)
            headers = StatusAndHeaders("200 OK", [("Content-Type", "image/jpeg")], protocol="HTTP/1.1")
            address = f"http://example.org/{number}/{part}.jpg"
            record = writer.create_warc_record(
                address, "response", payload=io.BytesIO(data), length=len(data), http_headers=headers
            )
            writer.write_record(record)
        paragraphs = "".join(f"<p>{_text(4 * number + part)}</p>" for part in range(4))
        page = f"<html lang=en><title>{number}</title><body><main>{paragraphs}</main></body></html>".encode()
        headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
        record = writer.create_warc_record(
            f"http://example.org/{number}", "response", payload=io.BytesIO(page), length=len(page), http_headers=headers
        )
        writer.write_record(record)
        number += 1


def _wiki(file: BinaryIO, size: int) -> None:
    file.write(b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="en">\n')
    file.write(b'<siteinfo><dbname>enwiki</dbname><namespaces><namespace key="0" /></namespaces></siteinfo>\n')
    number = 0
    while file.tell() < size:
        text = f"'''Page {number}''' is [[one|a]] of many.\n\n== History ==\n{_text(number)}\n\n== Use ==\n{_text(-number - 1)}"
        page = (
            f"<page><title>P{number}</title><ns>0</ns><id>{number}</id><revision><id>{number}</id>"
            f'<model>wikitext</model><format>text/x-wiki</format><text xml:space="preserve">{text}</text></revision></page>\n'
        )
        file.write(page.encode())
        number += 1
    file.write(b"</mediawiki>\n")


def _posts(file: BinaryIO, size: int) -> None:
    file.write(b'<?xml version="1.0" encoding="utf-8"?>\n<posts>\n')
    number = 1
    while file.tell() < size:
        about = 'CreationDate="2019-01-01T00:00:00.000" ContentLicense="CC BY-SA 4.0"'
        body = f"&lt;p&gt;{_text(number)}&lt;/p&gt;"
        file.write(
            f'<row Id="{number}" PostTypeId="1" AcceptedAnswerId="{number + 1}" Score="5" Title="How is {number} made?" '
            f'Tags="&lt;a&gt;" AnswerCount="1" {about} Body="{body}" />\n'.encode()
        )
        body = f"&lt;p&gt;{_text(number + 1)}&lt;/p&gt;"
        file.write(
            f'<row Id="{number + 1}" PostTypeId="2" ParentId="{number}" Score="7" {about} Body="{body}" />\n'.encode()
        )
        number += 2
    file.write(b"</posts>\n")


def _tmx(file: BinaryIO, size: int) -> None:
    file.write(b'<?xml version="1.0"?>\n<tmx version="1.4"><header srclang="en" segtype="sentence"/><body>\n')
    number = 0
    while file.tell() < size:
        one, other = _SENTENCES[number % 20_000], _SENTENCES[(number * 7 + 1) % 20_000]
        file.write(
            f'<tu><tuv xml:lang="en"><seg>{number} {one}</seg></tuv><tuv xml:lang="de"><seg>{number} {other}</seg></tuv></tu>\n'.encode()
        )
        number += 1
    file.write(b"</body></tmx>\n")


def _tar(file: BinaryIO, size: int) -> None:
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0)
    with tarfile.open(fileobj=file, mode="w") as archive:
        number = 0
        while file.tell() < size:
            picture = io.BytesIO()
            Image.fromarray(noise.integers(0, 255, (256, 256, 3), np.uint8)).save(picture, "JPEG", quality=90)
            caption = _SENTENCES[number % 20_000]
            facts = {
                "caption": caption,
                "url": f"http://example.org/{number}.jpg",
                "key": f"{number:09d}",
                "status": "success",
            }
            members = {"jpg": picture.getvalue(), "txt": caption.encode(), "json": json.dumps(facts).encode()}
            for suffix, data in members.items():
                member = tarfile.TarInfo(f"{number:09d}.{suffix}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
            number += 1


# Format -> (source, name of the file, what writes it).
FORMATS: dict[str, tuple[str, str, Callable[[BinaryIO, int], None]]] = {
    "jsonl": ("github_code_clean", "code.jsonl", _jsonl),
    "warc": ("common_crawl_filtered", "crawl.warc.gz", _warc),
    "wiki": ("multilingual_wiki", "enwiki-pages-articles.xml", _wiki),
    "posts": ("stackoverflow_qa", "Posts.xml", _posts),
    "tmx": ("translation_memories", "pairs.tmx", _tmx),
    "tar": ("laion_5b", "00000.tar", _tar),
}


def read(source_name: str, path: str) -> dict:
    """Reads a whole file, one record in hand at a time. Returns counts, seconds and peak memory."""
    from data.inputs import expand
    from data.pipeline.job import Work
    from data.pipeline.read_step import items
    from data.sources.registry import source
    from data.sources.source import plan

    units = plan(source(source_name), expand(path), 64 << 20).units
    began, before, counts = time.perf_counter(), peak_mb(), {}
    for item in items(Work(source_name, pieces=units)):
        counts[type(item).__name__] = counts.get(type(item).__name__, 0) + 1
    return {"counts": counts, "seconds": time.perf_counter() - began, "before_mb": before, "peak_mb": peak_mb()}


def rows(folder: str) -> Iterator[dict]:
    """One row of figures a format."""
    for name in _FORMATS.value or FORMATS:
        source_name, file_name, write = FORMATS[name]
        with tempfile.TemporaryDirectory(dir=folder or None) as place:
            path = pathlib.Path(place) / file_name
            with open(path, "wb") as file:
                write(file, int(_GB.value * 1e9))
            command = [sys.executable, "-m", "benchmarks.data_memory", f"--read={source_name}:{path}"]
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            yield {"format": name, "source": source_name, "gb": path.stat().st_size / 1e9, **json.loads(printed)}


def main(argv: list[str]) -> None:
    """Prints one line a format."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    if _READ.value:
        print(json.dumps(read(*_READ.value.split(":", 1))))
        return
    unknown = set(_FORMATS.value) - set(FORMATS)
    if unknown:
        raise app.UsageError(f"unknown format {', '.join(sorted(unknown))}; there are {', '.join(FORMATS)}")
    print("| format | source | GB | documents | others | MB/s | memory before, MB | peak, MB |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows(_FOLDER.value):
        documents = row["counts"].get("Document", 0)
        others = sum(row["counts"].values()) - documents
        print(
            f"| {row['format']} | `{row['source']}` | {row['gb']:.1f} | {documents:,} | {others:,} "
            f"| {row['gb'] * 1000 / row['seconds']:.0f} | {row['before_mb']:.0f} | **{row['peak_mb']:.0f}** |",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
