"""What the toxicity score is worth: its area under the ROC curve on two labelled sets of people's texts.

    python -m benchmarks.toxicity_auroc --benchmarks=../shared/benchmarks

RealToxicityPrompts (Gehman et al. 2020, arXiv:2009.11462): prompts and continuations, toxic where Perspective's score
is at least 0.5. Davidson et al. 2017 (arXiv:1703.04009): tweets, hate speech or offensive language against neither;
the score's model was trained on texts of this kind, these among them, so only the first figure is one of unseen
texts. 0.5 is chance.
"""

from __future__ import annotations

import csv
import gzip
import json
import pathlib
import time
from collections.abc import Iterator

from absl import app, flags

from benchmarks import text_corpora
from data.processors import toxicity

_BENCHMARKS = flags.DEFINE_string("benchmarks", "", "Folder of the sets; empty for benchmarks/ in the samples' folder.")
_JSON = flags.DEFINE_string("json", "", "File that the figures are written to.")
TOXIC = 0.5


def _real_toxicity_prompts(folder: pathlib.Path) -> Iterator[tuple[str, bool]]:
    for path in sorted((folder / "realtoxicityprompts").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                for part in ("prompt", "continuation"):
                    labelled = row.get(part)
                    if isinstance(labelled, dict) and labelled.get("toxicity") is not None:
                        yield labelled["text"], labelled["toxicity"] >= TOXIC


def _hate_offensive(folder: pathlib.Path) -> Iterator[tuple[str, bool]]:
    for path in sorted((folder / "hate_offensive").glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table):
                yield row["tweet"], row["class"] != "2"


SETS = {"realtoxicityprompts": _real_toxicity_prompts, "hate_offensive": _hate_offensive}


def measure(name: str, folder: pathlib.Path) -> dict:
    """One set's row of figures."""
    import sklearn.metrics

    labelled = list(SETS[name](folder))
    if not labelled:
        raise FileNotFoundError(f"no {name} in {folder}; name the folder with --benchmarks")
    texts, labels = zip(*labelled, strict=True)
    toxicity.score("warm")
    start = time.process_time()
    scores = toxicity.scores(texts)
    seconds = time.process_time() - start
    return {
        "set": name,
        "n": len(texts),
        "toxic": sum(labels),
        "auroc": float(sklearn.metrics.roc_auc_score(labels, scores)),
        "average_precision": float(sklearn.metrics.average_precision_score(labels, scores)),
        "megabytes_per_core_second": sum(len(text.encode()) for text in texts) / 1e6 / seconds,
    }


def table(rows: list[dict]) -> str:
    """The figures as a markdown table."""
    lines = ["| set | texts | toxic | AUROC | average precision | MB/s/core |", "|---|---|---|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['set']} | {row['n']:,} | {row['toxic']:,} | **{row['auroc']:.3f}** | "
            f"{row['average_precision']:.3f} | {row['megabytes_per_core_second']:.1f} |"
        )
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    folder = pathlib.Path(_BENCHMARKS.value or text_corpora.samples_folder() / "benchmarks")
    rows = [measure(name, folder) for name in SETS]
    print(table(rows))
    if _JSON.value:
        pathlib.Path(_JSON.value).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
