"""What the quality controller's scores say of ordinary and of spoiled batches, at several sizes: Markdown.

    python -m benchmarks.quality_calibration [--samples=../shared] [--documents=300] [--sources=NAME,...]

Populations are the sources that every machine has, the generated ones, and those whose real samples lie in the
samples' folder (`--samples` or MISTRAL_MOE_SAMPLES). Spoiled populations are made from prose of the machine: copies,
near-copies, texts from one template, boilerplate. Batches of every size are drawn from the same documents, so that
the columns of one row differ only by the batch's size. The last table measures anew the deciles that
`data.quality.complexity` publishes as KNOTS.
"""

from __future__ import annotations

import gzip
import itertools
import json
import pathlib
import random
import statistics
from collections.abc import Iterator

import numpy as np
from absl import app, flags

from benchmarks import text_corpora
from data.document import Document, ReadRequest
from data.domains import LEVELS
from data.inputs import expand
from data.quality import complexity, controller, diversity, toxic
from data.sources.registry import SOURCES
from data.sources.source import SourceInfo, plan

_SAMPLES = flags.DEFINE_string("samples", "", "Folder that holds sources/; empty for MISTRAL_MOE_SAMPLES or ../shared.")
_DOCUMENTS = flags.DEFINE_integer("documents", 300, "Documents of each population.", 16)
_DRAWS = flags.DEFINE_integer("draws", 8, "Batches that a figure of one size is the mean of.", 2)
_SOURCES = flags.DEFINE_list("sources", [], "Sources to measure; empty for all.")
SIZES = (8, 32, 128)
_PROSE_BYTES = 3 << 20
_NAMES = ("Anna", "Ben", "Carla", "Dan", "Eva", "Finn", "Gina", "Hal")
_THINGS = ("phone", "car", "house", "shoe", "watch", "laptop", "ring", "bike")
_TOWNS = ("Rome", "Oslo", "Lima", "Cairo", "Paris", "Bonn")
_BOILERPLATE = "This page is part of the site. Click here to return to the index. All rights reserved by the owners. "


def _items(info: SourceInfo, folder: pathlib.Path, wanted: int) -> Iterator[Document]:
    if info.generate is not None:
        for index in range(-(-wanted // len(LEVELS[info.domain]))):
            yield from (info.generate(level, 1, index) for level in LEVELS[info.domain])
        return
    if info.read is not None:
        yield from info.read(ReadRequest(seed=1, source_bytes=_PROSE_BYTES if info.domain == "language" else 0))
        return
    units = plan(info, expand(str(folder / info.domain / info.name)), 64 << 20).units
    for unit in units:
        reader = info.readers[unit.reader]
        found = reader.read(unit.file, unit.start, unit.end) if reader.ranges else reader.read(unit.file)
        documents = (item for item in found if isinstance(item, Document))
        yield from itertools.islice(documents, max(2 * wanted // len(units), 4))


def population(info: SourceInfo, folder: pathlib.Path, wanted: int) -> list[Document]:
    """Different documents of one source, drawn by a fixed seed; none where its samples aren't there."""
    if info.readers and not (folder / info.domain / info.name).exists():
        return []
    # Batches are judged after deduplication.
    found = list({item.text: item for item in _items(info, folder, wanted) if isinstance(item, Document)}.values())
    return random.Random(info.name).sample(found, min(len(found), wanted))


def _edited(text: str, share: float, rng: random.Random) -> str:
    words = text.split()
    for _ in range(max(int(len(words) * share), 1)):
        words[rng.randrange(len(words))] = rng.choice(("other", "words", "stand", "here"))
    return " ".join(words)


def _templated(rng: random.Random) -> str:
    name, thing, town = rng.choice(_NAMES), rng.choice(_THINGS), rng.choice(_TOWNS)
    return (
        f"Dear {name}, buy your new {thing} in {town} today! Our {rng.choice(_THINGS)} has the best price of "
        f"{rng.randrange(1000)} dollars. Call {rng.randrange(10**6)} now and get {rng.randrange(99)}% off. Yours, "
        f"{name}."
    )


def _worded(rng: random.Random, words: list[str]) -> str:
    a, b, c, d, e, f = rng.sample(words, 6)
    return (
        f"The {a} {b} is the best {c} on the market. It comes with a {d} and a {e} for only ${rng.randrange(99)}. "
        f"Order your {a} today and receive free shipping to {f}."
    )


def spoiled(prose: list[Document], wanted: int) -> dict[str, list[Document]]:
    """Populations that should be rejected, by name."""
    rng = random.Random(1)
    texts = [document.text for document in prose]
    base = max(texts[:50], key=len)[:3000]
    words = sorted({word for text in texts for word in text.lower().split() if word.isalpha()})
    made = {
        "copies": [base] * wanted,
        "near-copies, 2 % of words changed": [_edited(base, 0.02, rng) for _ in range(wanted)],
        "near-copies, 10 % of words changed": [_edited(base, 0.10, rng) for _ in range(wanted)],
        "one template with nine slots": [_templated(rng) for _ in range(wanted)],
        "one template with eight slots, each any word": [_worded(rng, words) for _ in range(wanted)],
        "half copies, half prose": [base if place % 2 else texts[place % len(texts)] for place in range(wanted)],
        "a sentence repeated, each document another": [f"{text.split('. ')[0]}. " * 40 for text in texts],
        "boilerplate around a little text": [_BOILERPLATE * 2 + text[:150] for text in texts],
    }
    return {name: [Document(text, "language", "spoiled:x", "CC0-1.0") for text in rows] for name, rows in made.items()}


def _drawn(documents: list[Document], size: int, draws: int) -> list[list[Document]]:
    if size >= len(documents):
        return [documents]
    return [random.Random(f"{size}/{draw}").sample(documents, size) for draw in range(draws)]


def _diversity_row(name: str, documents: list[Document]) -> str:
    cells = []
    for size in (*SIZES, len(documents)):
        values = [diversity.measure(batch).value for batch in _drawn(documents, size, _DRAWS.value)]
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        cells.append(f"{statistics.mean(values):.2f}{spread}")
    whole = diversity.measure(documents)
    verdict = "kept" if whole.value >= controller.Thresholds().diversity else "rejected"
    return f"| {name} | {len(documents)} | {' | '.join(cells)} | {whole.between:.2f} | {whole.within:.2f} | {verdict} |"


def _score_row(name: str, documents: list[Document]) -> str:
    report = controller.judge(documents, controller.Thresholds())
    right = report.accuracy
    accuracy = "-" if right.value is None else f"{right.value:.3f} of {right.checked}, at least {right.lower:.3f}"
    halves = [controller.judge(batch, controller.Thresholds()) for batch in _drawn(documents, SIZES[0], _DRAWS.value)]
    small_complexity = statistics.mean(half.complexity for half in halves)
    small_toxicity = statistics.mean(half.toxicity for half in halves)
    return (
        f"| {name} | {report.complexity:.2f} | {small_complexity:.2f} | {accuracy} | {report.toxicity:.3f} | "
        f"{small_toxicity:.3f} | {', '.join(report.reasons) or 'accepted'} |"
    )


def _detector_levels(folder: pathlib.Path, detector: toxic.Detector) -> str:
    """Mean scores of clean and toxic texts of RealToxicityPrompts, as CLEAN and TOXIC have them."""
    found: dict[bool, list[str]] = {False: [], True: []}
    for path in sorted((folder / "benchmarks" / "realtoxicityprompts").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                for part in (row["prompt"], row["continuation"]):
                    if part.get("toxicity") is not None:
                        found[part["toxicity"] >= 0.5].append(part["text"])
    means = [statistics.mean(toxic.mean_scores(texts, detector)) if texts else float("nan") for texts in found.values()]
    return f"clean {means[0]:.3f} of {len(found[False])} texts, toxic {means[1]:.3f} of {len(found[True])}"


def _knots(populations: dict[str, list[Document]]) -> Iterator[str]:
    raw: dict[str, list[float]] = {}
    for documents in populations.values():
        for document in documents:
            raw.setdefault(complexity.kind_of(document), []).append(complexity.raw(document))
    for kind, values in sorted(raw.items()):
        deciles = ", ".join(f"{value:.2f}" for value in np.quantile(values, np.linspace(0, 1, 11)))
        yield f"| {kind} | {len(values)} | {deciles} |"


def main(argv: list[str]) -> None:
    """Prints the tables."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments: {' '.join(argv[1:])}")
    samples = text_corpora.samples_folder(_SAMPLES.value)
    folder = samples / "sources"
    wanted = _SOURCES.value or list(SOURCES)
    found = {name: population(SOURCES[name], folder, _DOCUMENTS.value) for name in wanted}
    ordinary = {name: documents for name, documents in found.items() if len(documents) >= 2}
    prose = found.get("package_docs") or population(SOURCES["package_docs"], folder, _DOCUMENTS.value)
    code = found.get("stdlib_code") or population(SOURCES["stdlib_code"], folder, _DOCUMENTS.value)
    mixed = [document for pair in zip(prose, code, strict=False) for document in pair]
    bad = spoiled(prose, _DOCUMENTS.value)
    header = " | ".join(f"{size}" for size in SIZES)
    print(f"## Diversity by batch size, mean ± standard deviation of {_DRAWS.value} batches; threshold 0.7\n")
    print(f"| population | documents | {header} | all | between | within | all of it |")
    print("|---|---|" + "---|" * (len(SIZES) + 4))
    for name, documents in {**ordinary, "prose and code, mixed": mixed, **bad}.items():
        print(_diversity_row(name, documents), flush=True)
    detector = toxic.default_detector()
    print(f"\n## Other scores; toxicity by {detector.name}, AUROC {dict(detector.auroc)}; threshold 0.1\n")
    print(
        f"| population | complexity | in batches of {SIZES[0]} | accuracy | toxicity | in batches of {SIZES[0]} | "
        f"verdict |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, documents in {**ordinary, "prose and code, mixed": mixed}.items():
        print(_score_row(name, documents), flush=True)
    print(f"\nMean scores of RealToxicityPrompts: {_detector_levels(samples, detector)}")
    print("\n## Deciles of complexity's raw measures\n\n| kind | documents | 0 to 100 % |\n|---|---|---|")
    print("\n".join(_knots(ordinary)))


if __name__ == "__main__":
    app.run(main)
