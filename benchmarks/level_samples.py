"""A sample of each source's documents on every level of a finished run, as the Markdown that stands in docs/curriculum.md.

    python -m benchmarks.level_samples --workdir=runs/demo

Of the documents that are not too long, the one whose id is smallest stands for its source: a choice that nobody made.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from absl import app
from absl import flags

from data import records
from data.document import Document
from data.domains import LEVELS

_WORKDIR = flags.DEFINE_string("workdir", "runs/demo", "Workdir of a run whose data stage is complete.")
_SAMPLES = flags.DEFINE_integer("samples", 2, "Most samples of a level, each of another source.", lower_bound=1)
_BYTES = flags.DEFINE_integer("bytes", 700, "Longest document to show.", lower_bound=1)
_LEAST_BYTES = 60
# Everything else is prose.
_FENCES = {"code": "python"}


def samples_of(data_dir: pathlib.Path, domain: str, level: str, most: int, num_bytes: int) -> list[Document]:
    """One document of each source, sources with the most documents first."""
    smallest: dict[str, Document] = {}
    numbers: dict[str, int] = {}
    for document in records.read_split(data_dir, domain, level, "train"):
        name = document.source.partition(":")[0]
        numbers[name] = numbers.get(name, 0) + 1
        if _LEAST_BYTES <= len(document.text.encode("utf-8")) <= num_bytes:
            smallest[name] = min(smallest.get(name, document), document, key=lambda candidate: candidate.id)
    ranked = sorted(smallest, key=lambda name: (-numbers[name], name))
    return [smallest[name] for name in ranked[:most]]


def markdown(data_dir: pathlib.Path, most: int, num_bytes: int) -> Iterator[str]:
    """Lines of the section."""
    for domain, levels in LEVELS.items():
        yield f"### {domain}\n"
        for level in levels:
            for document in samples_of(data_dir, domain, level, most, num_bytes):
                fence = "```"
                while fence in document.text:
                    fence += "`"
                yield f"**{level}** (`{document.source}`)\n"
                yield f"{fence}{_FENCES.get(domain, 'text')}\n{document.text.rstrip()}\n{fence}\n"


def main(argv: list[str]) -> None:
    """Prints the section."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    for line in markdown(pathlib.Path(_WORKDIR.value) / "data", _SAMPLES.value, _BYTES.value):
        print(line)


if __name__ == "__main__":
    app.run(main)
