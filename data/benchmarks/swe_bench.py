"""SWE-bench (Jimenez et al. 2023, arXiv:2310.06770): issues of repositories and the patches that closed them."""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import unidiff

from data.benchmarks import hub
from data.benchmarks import rows as rows_lib

HUB = "princeton-nlp/SWE-bench_Lite"
FOLDERS = "swe_bench*"
GLOBS = tuple(
    f"{name}{end}"
    for name in ("swe_bench*", "SWE-bench*")
    for end in ("/*.jsonl*", "/*.json*", "/*.parquet", "/data/*.parquet", ".jsonl*", ".parquet")
)


@dataclasses.dataclass(frozen=True)
class Instance:
    """One issue.

    Attributes:
      id: such as "astropy__astropy-12907".
      repo: such as "astropy/astropy".
      base_commit: that the patch is for.
      problem_statement: the issue's text.
      patch: the one that closed it.
      files: that it changes.
      has_tests: whether the row names tests that the patch has to make pass, so that the harness can run it.
      row: all columns, as the harness wants them.
    """

    id: str
    repo: str
    base_commit: str
    problem_statement: str
    patch: str
    files: tuple[str, ...]
    has_tests: bool
    row: Mapping[str, Any] = dataclasses.field(compare=False, repr=False)


def instances(data_dir: pathlib.Path | None) -> tuple[list[Instance], int]:
    """(instances in their order, how many rows were left out as duplicates or renamed).

    Raises:
      MissingDataError: there is no such data.
      BenchmarkDataError: it is there and isn't what it should be.
    """
    found, duplicates = rows_lib.without_duplicates(_document(row) for row in hub.single_split(data_dir, HUB, GLOBS))
    return [Instance(**document) for document in found], duplicates


def _document(row: rows_lib.Row) -> dict[str, Any]:
    columns = ("instance_id", "repo", "base_commit", "problem_statement", "patch")
    rows_lib.require(row, columns, {column: str for column in columns})
    files = _files(row)
    return {
        "id": row["instance_id"],
        "repo": row["repo"],
        "base_commit": row["base_commit"],
        "problem_statement": row["problem_statement"],
        "patch": row["patch"],
        "files": files,
        "has_tests": bool(_names(row.fields.get("FAIL_TO_PASS"))),
        "row": dict(row.fields),
    }


def _files(row: rows_lib.Row) -> tuple[str, ...]:
    """Files that the row's patch changes."""
    try:
        files = tuple(dict.fromkeys(file.path for file in unidiff.PatchSet.from_string(row["patch"])))
    except (unidiff.UnidiffParseError, ValueError) as error:
        raise rows_lib.BenchmarkDataError(f"{row.place}: patch is no diff ({error}); fetch the file again") from error
    if not files:
        raise rows_lib.BenchmarkDataError(f"{row.place}: patch changes nothing; fetch the file again")
    return files


def _names(value: Any) -> Sequence[str]:
    """Names of tests: a list, or its JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value or ()
    except ValueError:
        return ()


def most_changed(found: Sequence[Instance], count: int) -> dict[str, list[str]]:
    """Instance -> the files of its repository that the other instances change most: a guess without the issue."""
    by_repo: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for instance in found:
        by_repo[instance.repo].update(instance.files)
    guesses = {}
    for instance in found:
        others = by_repo[instance.repo] - collections.Counter(instance.files)
        guesses[instance.id] = sorted(others, key=lambda name: (-others[name], name))[:count]
    return guesses


def repository(data_dir: pathlib.Path | None, repo: str) -> pathlib.Path | None:
    """The repository's clone, `swe_bench*/repos/<owner>__<name>`, where there is one."""
    found = sorted(data_dir.glob(f"{FOLDERS}/repos/{repo.replace('/', '__')}")) if data_dir else []
    return next((path for path in found if path.is_dir()), None)
