"""What the safety gates' detectors are worth, and what the trivial model gets where no detector is involved.

    python -m benchmarks.safety_detectors --benchmarks=../shared/benchmarks

No model is involved: each detector is measured on labelled data, as `launch.validate_safety` does in every run. 0.5 is chance.
"""

from __future__ import annotations

import json
import pathlib

from absl import app, flags

from benchmarks import text_corpora
from data.benchmarks import truthfulqa
from launch.safety import detectors, hallucination
from mistral_moe.safety.gates import Detector

_DATA = flags.DEFINE_string("benchmarks", "", "Folder of the sets; empty for benchmarks/ in the samples' folder.")
_OUTPUT = flags.DEFINE_string("json", "", "File that the figures are written to.")


def table(rows: list[tuple[str, Detector]], trivial: dict[str, float]) -> str:
    """The figures as markdown."""
    lines = ["| gate | detector | version | AUROC | on |", "|---|---|---|---|---|"]
    for gate, found in rows:
        on = found.note.removeprefix("AUROC ").removeprefix("on ")
        lines.append(f"| {gate} | {found.name} | {found.version} | **{found.auroc:.3f}** | {on} |")
    lines += ["", "| without knowledge | mc1 of TruthfulQA |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {share:.3f} |" for name, share in trivial.items())])


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    folder = pathlib.Path(_DATA.value or text_corpora.samples_folder() / "benchmarks")
    rows, trivial = detectors.measured(folder), hallucination.floors(truthfulqa.load(folder).items)
    print(table(rows, trivial))
    if _OUTPUT.value:
        figures = {gate: {"detector": found.name, "auroc": found.auroc} for gate, found in rows}
        pathlib.Path(_OUTPUT.value).write_text(json.dumps(figures | trivial, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
