"""Accepted examples as files: a line each, with a certificate that can be replayed from the line alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import dataclasses
import hashlib
import json
import pathlib
from typing import Any

from data.verifiable.verify import Verifier
from launch.errors import UserError
from launch.tuning import examples
from launch.tuning.quality import VERIFIER, Judged, verified_quality
from launch.workdir import atomic_write_text

FOLDER = "accepted"
_FIX = "give --verify the folder improve of a run, or its folder accepted, as the run wrote it"


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where the completions of an iteration come from.

    Attributes:
      iteration: counted from 1.
      model: digest of the parameters that wrote them.
      temperature: of the sampling.
      threshold: that their quality was above.
    """

    iteration: int
    model: str
    temperature: float
    threshold: float


def line_of(judged: Judged, origin: Origin) -> dict[str, Any]:
    """An accepted example with its certificate; `id` is a hash of all the rest."""
    sample = judged.sample
    certificate = {
        "quality": judged.quality,
        "by": judged.by,
        "verdict": dataclasses.asdict(judged.verdict),
        "finished": sample.finished,
        "sample": sample.number,
        "seed": sample.seed,
        **dataclasses.asdict(origin),
    }
    line = {**examples.line_of(sample.problem, sample.text), "certificate": certificate}
    return {"id": _digest(line), **line}


def write(path: pathlib.Path, lines: Sequence[dict[str, Any]]) -> None:
    """Writes a file whole."""
    atomic_write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def read(path: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of a file that `write` wrote.

    Raises:
      UserError: a line that is no JSON object; names file and line.
    """
    return [line for _, line in _numbered(path)]


def wrong_with(line: dict[str, Any], verifier: Verifier) -> str:
    """What is wrong with a line, "" where its certificate replays."""
    try:
        certificate = line["certificate"]
        if line["id"] != _digest({name: value for name, value in line.items() if name != "id"}):
            return "its contents are not those that its id was made of"
        verdict = verifier.score(examples.problem_of(line), line["completion"])
        quality, finished = certificate["quality"], certificate["finished"]
        if dataclasses.asdict(verdict) != certificate["verdict"]:
            return f"the verifier says {verdict.detail!r}, correct {verdict.correct:g} and form {verdict.format:g}"
        if certificate["by"] == VERIFIER and quality != verified_quality(verdict, finished):
            return f"its quality {quality} does not follow from its verdict"
        if not quality > certificate["threshold"]:
            return f"its quality {quality} is not above {certificate['threshold']}"
    except (KeyError, TypeError, AttributeError) as error:
        return f"it is no accepted example ({type(error).__name__}: {error})"
    return ""


def verify(folder: pathlib.Path, verifier: Verifier) -> tuple[int, list[str]]:
    """Replays every certificate in a folder.

    Returns:
      How many lines there are, and for each that fails its file, number and reason.

    Raises:
      UserError: no folder, or none with accepted examples in it.
    """
    inner = folder / FOLDER
    paths = sorted((inner if inner.is_dir() else folder).glob("*.jsonl"), key=lambda path: (len(path.name), path.name))
    if not paths:
        raise UserError(f"{folder} holds no accepted examples", _FIX)
    count, failures = 0, []
    for path in paths:
        for number, line in _numbered(path):
            count += 1
            if wrong := wrong_with(line, verifier):
                failures.append(f"{path}:{number}: {wrong}")
    return count, failures


def _numbered(path: pathlib.Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, 1):
            try:
                line = json.loads(text)
            except ValueError as error:
                raise UserError(f"{path}:{number} is no JSON ({error})", _FIX) from error
            if not isinstance(line, dict):
                raise UserError(f"{path}:{number} is no JSON object", _FIX)
            yield number, line


def _digest(line: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()[:32]
