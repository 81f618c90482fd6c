"""One process, two, and a Beam pipeline write the same bytes; duplicates, quarantine and unknown files are accounted for."""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from data.pipeline import build
from data.pipeline.build import build_corpus
from data.pipeline.explain import UnknownDocumentError, explain
from data.pipeline.options import DomainOptions, Options
from data.pipeline.page import render
from data.pipeline.runners import InProcess, local_runner
from data.pipeline.store import Store

_WORDS = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo sierra "
    "tango uniform victor whiskey yankee zulu amber birch cedar dune ember fjord grove harbor inlet"
).split()


def _function(rng: random.Random) -> str:
    names = rng.sample(_WORDS, 8)
    lines = [f"def {names[0]}_{names[1]}({names[2]}, {names[3]}):", f'    """Combines {names[4]} with {names[5]}."""']
    for _ in range(rng.randint(12, 20)):
        first, second, third = rng.choices(_WORDS, k=3)
        lines.append(f"    {first} = {names[2]}.{second}({names[3]}, {rng.randint(1, 999)}) + {names[2]}.{third}")
    return "\n".join([*lines, f"    return {names[2]}", ""])


def _record(code: str, number: int) -> bytes:
    row = {
        "code": code,
        "repo_name": "a/b",
        "path": f"m{number}.py",
        "language": "Python",
        "license": "mit",
        "size": len(code),
    }
    return json.dumps(row).encode() + b"\n"


@pytest.fixture(scope="module")
def source_folder(tmp_path_factory):
    """60 functions in two files, with 3 equal copies, 3 near copies, a broken line, a record without code, and a stranger."""
    folder = tmp_path_factory.mktemp("input")
    rng = random.Random(0)
    codes = [_function(rng) for _ in range(60)]
    lines = [_record(code, number) for number, code in enumerate(codes)]
    lines += [_record(codes[n].replace("    ", "    ", 1), 100 + n) for n in (3, 31, 50)]
    lines += [_record(codes[n] + "\n# the end of this file\n", 200 + n) for n in (4, 32, 51)]
    lines.insert(20, b'{"code": "half a rec\n')
    lines.insert(40, b'{"text": "no such column"}\n')
    (folder / "a.jsonl").write_bytes(b"".join(lines[:35]))
    (folder / "b.jsonl").write_bytes(b"".join(lines[35:]))
    (folder / "notes.xyz").write_bytes(b"nobody reads this")
    return folder


def _options(folder, **changes) -> Options:
    wanted = DomainOptions(("github_code_clean",), {"github_code_clean": str(folder)})
    # The functions are made from one template, which is what diversity tells.
    sizes = dict(range_bytes=9_000, shard_bytes=20_000, batch_documents=16, heldout_permille=200)
    sizes |= dict(keep_empty_levels=True, min_diversity=0.0)
    return Options(0, {"code": wanted}, **(sizes | changes))


def _tree(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(source_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    return out, build_corpus(_options(source_folder), out, InProcess())


def test_every_record_is_accounted_for(built, source_folder):
    _, report = built
    manifest = report.domains["code"].manifest
    assert manifest["records"]["in"] == 69
    assert manifest["records"]["quarantined"] == {"malformed": 1, "wrong_columns": 1}
    dropped = manifest["records"]["dropped"]
    assert (dropped["duplicate"], dropped["near_duplicate"], dropped["unclaimed_file"]) == (3, 3, 1)
    assert manifest["records"]["out"] == 60
    assert set(manifest["inputs"]) == {str(path) for path in source_folder.iterdir()}


@pytest.mark.slow
def test_two_workers_and_beam_write_the_same_bytes(built, source_folder, tmp_path):
    from data.pipeline.beam_runner import BeamRunner

    with local_runner(2) as runner:
        build_corpus(_options(source_folder), tmp_path / "two", runner)
    assert _tree(tmp_path / "two") == _tree(built[0])
    build_corpus(_options(source_folder), tmp_path / "beam", BeamRunner())
    assert _tree(tmp_path / "beam") == _tree(built[0])


def test_the_story_of_kept_dropped_and_duplicate_documents(built):
    out, _ = built
    rows = [json.loads(line) for line in (out / "code" / "rejects.jsonl").read_text().splitlines()]
    copy = next(row for row in rows if row["reason"] == "near_duplicate")
    story = explain(out, copy["read_id"])
    assert "quality_filter: passed" in story and "deduplicate: dropped, near_duplicate: of github_code_clean:" in story
    kept_id = copy["evidence"].rsplit(", ", 1)[-1]
    kept = explain(out, kept_id)
    assert "write: kept in code/" in kept and "split " in kept
    with pytest.raises(UnknownDocumentError, match="rejects.jsonl"):
        explain(out, "0" * 32)


def test_too_much_quarantine_stops_the_build_and_leaves_the_list(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    rng = random.Random(1)
    lines = [_record(_function(rng), n) for n in range(20)] + [b"{broken\n"] * 30
    (folder / "a.jsonl").write_bytes(b"".join(lines))
    with pytest.raises(build.QuarantineError, match="30 of 50 records.*malformed.*max_quarantine_share"):
        build_corpus(_options(folder), tmp_path / "out", InProcess())
    assert len((tmp_path / "out" / "quarantine" / "code.jsonl").read_text().splitlines()) == 30
    assert not (tmp_path / "out" / "code" / "manifest.json").exists()
    report = build_corpus(_options(folder, max_quarantine_share=0.7), tmp_path / "loose", InProcess())
    assert report.domains["code"].manifest["records"]["quarantined"] == {"malformed": 30}


def test_an_input_that_changed_under_a_begun_build_is_refused(source_folder, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for path in source_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())

    class Killed(BaseException):
        """Ends the build in its second unit."""

    class Dies(InProcess):
        def map(self, work, job, numbers):
            work(job, 0)
            yield 0
            raise Killed

    with pytest.raises(Killed):
        build_corpus(_options(folder), tmp_path / "out", Dies())
    (folder / "b.jsonl").write_bytes(b"{}\n")
    with pytest.raises(build.InputChangedError, match="b.jsonl"):
        build_corpus(_options(folder), tmp_path / "out", InProcess())


def test_a_benchmark_s_text_is_kept_out(source_folder, built, tmp_path):
    benchmark = tmp_path / "benchmarks" / "planted"
    benchmark.mkdir(parents=True)
    first = json.loads((source_folder / "a.jsonl").read_text().splitlines()[0])["code"]
    (benchmark / "test.jsonl").write_text(json.dumps({"question": first}) + "\n")
    options = _options(source_folder, benchmarks=str(tmp_path / "benchmarks"))
    report = build_corpus(options, tmp_path / "out", InProcess())
    manifest = report.domains["code"].manifest
    assert manifest["steps"]["decontaminate"]["records"]["dropped"] == {"contaminated": 1}
    assert manifest["records"]["out"] == built[1].domains["code"].manifest["records"]["out"] - 1


def test_the_page_tells_the_corpus_and_is_the_same_each_time(built):
    out, report = built
    manifests = {name: domain.manifest for name, domain in report.domains.items()}
    page = render(Store(str(out)), manifests)
    assert page == render(Store(str(out)), manifests)
    for text in ("near_duplicate", "after quality_filter", "bytes and more", "MIT", "What other thresholds would keep"):
        assert text in page
    assert "<script" not in page and "http" not in page.replace("https://", "")
