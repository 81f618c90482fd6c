"""`launch.process_data --source`: what a user types, and what they are told."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def _run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "launch.process_data", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    rows = [
        {
            "problem": f"What is {n} plus {n * n}?",
            "solution": rf"We add: \boxed{{{n + n * n}}}",
            "level": "Level 1",
            "type": "Algebra",
        }
        for n in range(3, 43)
    ]
    (folder / "math.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    out = folder / "out"
    arguments = ("--source=competition_problems", f"--input={folder / 'math.jsonl'}", f"--output={out}", "--workers=1")
    return arguments, out, _run(*arguments)


def test_a_source_becomes_documents_with_a_balanced_manifest_and_a_page(done):
    _, out, first = done
    assert first.returncode == 0, first.stderr
    manifest = json.loads((out / "manifest.json").read_text())
    assert {"stage", "config_hash", "inputs", "started", "finished", "versions", "records", "bytes"} <= set(manifest)
    for unit in ("records", "bytes"):
        row = manifest[unit]
        assert row["in"] == row["out"] + sum(row["dropped"].values()) + sum(row["quarantined"].values())
    assert manifest["records"]["in"] == 41 and manifest["records"]["quarantined"] == {"malformed": 1}
    assert "records  in 41 = out" in first.stdout and str(out / "report.html") in first.stdout
    assert (out / "report.html").read_text().startswith("<!doctype html>")


def test_a_second_start_says_that_all_is_complete_and_writes_nothing(done):
    arguments, out, _ = done
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    again = _run(*arguments)
    assert again.returncode == 0 and "all is complete" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_another_config_in_the_same_output_is_refused(done):
    arguments, _, _ = done
    refused = _run(*arguments, "--heldout_permille=500")
    assert refused.returncode == 1 and "other options" in refused.stderr and refused.stderr.count("\n") == 1


def test_explain_tells_a_document_s_story(done):
    from data.records import read_split

    _, out, _ = done
    levels = json.loads((out / "math" / "manifest.json").read_text())["levels"]
    level = next(level for level, row in levels.items() if row["splits"]["train"]["records"])
    document = next(read_split(out, "math", level, "train"))
    told = _run(f"--output={out}", f"--explain={document.id}")
    assert told.returncode == 0 and f"read from {document.source}" in told.stdout
    assert f"kept in math/{level}, split train, as {document.id}" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--source=arxiv_mat", "--output=x"), 1, "did you mean arxiv_math"),
        (("--source=arxiv_math", "--output=x"), 1, "--input is missing"),
        (("--source=arxiv_math", "--input=/nowhere/at/all", "--output=x"), 1, "does not exist"),
        (("--source=arxiv_math",), 1, "--output is missing"),
        (("--source=arxiv_math", "--outptu=x"), 2, "did you mean --output"),
    ],
)
def test_mistakes_are_told_in_one_line_and_leave_nothing_behind(tmp_path, arguments, code, told):
    out = tmp_path / "x"
    done = _run(*(argument.replace("=x", f"={out}") for argument in arguments))
    assert not out.exists()
    assert done.returncode == code and told in done.stderr and done.stderr.startswith("error: ")


def test_the_list_names_all_25_sources_and_where_to_get_them():
    from experiments.base import SOURCES_WITH_INPUT

    listed = _run("--list_sources")
    assert listed.returncode == 0
    names = {line.split()[0] for line in listed.stdout.splitlines()[1:]}
    assert len(SOURCES_WITH_INPUT) == 25 and set(SOURCES_WITH_INPUT) <= names
