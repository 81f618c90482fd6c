"""The builder: nothing is lost, nothing depends on workers, runners or interruptions, every split has documents."""

from __future__ import annotations

import ast
import collections
import dataclasses
import hashlib
import json
import pathlib

import pytest

from data.accounts import Account, BalanceError
from data.domains import LEVELS, SPLITS
from data.pipeline import build, finish_step, ledger, read_step, write_step
from data.pipeline.build import build_corpus, build_domain
from data.pipeline.options import DomainOptions, Options
from data.pipeline.runners import InProcess, local_runner
from data.records import read_split, split_paths
from data.sources import stdlib_code

SMALL = Options(
    seed=1,
    heldout_permille=250,
    domains={
        "code": DomainOptions(("stdlib_code",), root=str(stdlib_code.root_folder() / "asyncio")),
        "math": DomainOptions(("math_problems",), max_bytes_per_level=16_000),
        "reasoning": DomainOptions(("logic_problems",), max_bytes_per_level=24_000),
        "multimodal": DomainOptions(("rendered_scenes",), max_bytes_per_level=24_000),
    },
)


def _tree(folder: pathlib.Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("corpus")
    return out, build_corpus(SMALL, out, InProcess())


def _documents(out, domain):
    for level in LEVELS[domain]:
        for split in SPLITS:
            for document in read_split(out, domain, level, split):
                yield level, split, document


def test_records_and_bytes_balance_at_every_step(built):
    _, report = built
    for domain in report.domains.values():
        for rows in (domain.manifest, *domain.manifest["steps"].values()):
            for unit in ("records", "bytes"):
                row = rows[unit]
                assert row["in"] == row["out"] + sum(row["dropped"].values()) + sum(row["quarantined"].values())
        steps = [domain.manifest["steps"][step] for step in ledger.STEPS]
        for unit in ("records", "bytes"):
            assert all(a[unit]["out"] == b[unit]["in"] for a, b in zip(steps, steps[1:], strict=False))
        written = sum(level["records"] for level in domain.manifest["levels"].values())
        assert written == domain.manifest["records"]["out"] > 0
    totals = report.accounts()["records"]
    assert totals["in"] == totals["out"] + sum(totals["dropped"].values()) + sum(totals["quarantined"].values())


def test_a_lost_record_is_an_error():
    account = Account()
    account.take(3, 30)
    account.keep(2, 20)
    with pytest.raises(BalanceError, match="3 records in, 2 accounted for"):
        account.check("step")
    account.drop("reason", 1, 9)
    with pytest.raises(BalanceError, match="30 bytes in, 29"):
        account.check("step")
    account.quarantine("other", 0, 1)
    account.check("step")


@pytest.mark.parametrize("domain", SMALL.domains)
def test_files_hold_what_the_manifest_says_and_splits_are_disjoint(built, domain):
    out, report = built
    seen = collections.Counter()
    for level, split, document in _documents(out, domain):
        assert (document.domain, document.level) == (domain, level)
        assert write_step.split_of(document.id, SMALL.heldout_permille) == split
        seen[" ".join(document.text.casefold().split()), document.media] += 1
    assert max(seen.values()) == 1
    assert len(seen) == report.domains[domain].manifest["records"]["out"]
    for level in LEVELS[domain]:
        manifest = json.loads((out / domain / level / "manifest.json").read_text())
        for split in SPLITS:
            documents = list(read_split(out, domain, level, split))
            row = manifest["splits"][split]
            assert row["records"] == len(documents) == sum(row["shard_records"]) > 0
            assert row["bytes"] == sum(document.num_bytes for document in documents)
            for path in split_paths(out, domain, level, split):
                assert row["files"][path.name] == hashlib.sha256(path.read_bytes()).hexdigest()
            assert [d.id for d in documents] == sorted(d.id for d in documents)
        assert sum(manifest["licences"].values()) == manifest["records"]


def test_written_code_parses_and_written_certificates_replay(built):
    from data.sources.registry import verify

    out, _ = built
    assert all(ast.parse(document.text) for _, _, document in _documents(out, "code"))
    for domain in ("math", "reasoning", "multimodal"):
        assert all(verify(document) for _, _, document in _documents(out, domain))


def test_two_workers_write_the_same_bytes_as_one(built, tmp_path):
    calls = []
    with local_runner(2) as runner:
        build_corpus(SMALL, tmp_path, runner, calls.append)
    assert _tree(tmp_path) == _tree(built[0])
    assert calls[-1].domain == "multimodal" and calls[-1].done == calls[-1].total


@pytest.mark.parametrize("step", [read_step, finish_step, write_step])
def test_a_killed_build_resumes_to_the_same_bytes_and_repeats_no_finished_unit(built, tmp_path, monkeypatch, step):
    class Killed(BaseException):
        """As little can be caught of it as of a SIGKILL."""

    class DiesInAStep(InProcess):
        def map(self, work, job, numbers):
            for number in numbers:
                if work.__module__ == step.__name__ and number == len(numbers) - 1 and job.domain == "math":
                    raise Killed
                work(job, number)
                yield number

    with pytest.raises(Killed):
        build_corpus(SMALL, tmp_path, DiesInAStep())
    (tmp_path / "math" / "work" / "read" / "00015.parquet.1.partial").write_bytes(b"half a file")
    assert (tmp_path / "code" / "manifest.json").exists() and not (tmp_path / "math" / "manifest.json").exists()
    touched = []
    items = read_step.items
    monkeypatch.setattr(read_step, "items", lambda work: touched.append(work.source) or items(work))
    report = build_corpus(SMALL, tmp_path, InProcess())
    assert {domain: row.built for domain, row in report.domains.items()} == {
        "code": False, "math": True, "reasoning": True, "multimodal": True,
    }  # fmt: skip
    assert touched.count("math_problems") == (step is read_step) and "stdlib_code" not in touched
    assert {path: value for path, value in _tree(tmp_path).items() if not path.endswith(".partial")} == _tree(built[0])


def test_other_options_build_a_finished_domain_anew(tmp_path):
    options = Options(1, {"math": SMALL.domains["math"]}, heldout_permille=300)
    assert build_domain("math", options, tmp_path, InProcess()).built
    assert not build_domain("math", options, tmp_path, InProcess()).built
    assert build_domain("math", dataclasses.replace(options, seed=2), tmp_path, InProcess()).built


def test_the_budget_keeps_the_lowest_ids_and_counts_the_rest(built, tmp_path):
    wanted = dataclasses.replace(SMALL.domains["code"], max_bytes_per_level=20_000)
    options = dataclasses.replace(SMALL, domains={"code": wanted}, heldout_permille=400)
    report = build_domain("code", options, tmp_path, InProcess())
    dropped = report.manifest["records"]["dropped"]["over_budget"]
    assert dropped + report.manifest["records"]["out"] == built[1].domains["code"].manifest["records"]["out"]
    for level, row in report.manifest["levels"].items():
        assert 0 < row["bytes"] <= 20_000
        every = sorted(document.id for found, _, document in _documents(built[0], "code") if found == level)
        kept = sorted(document.id for found, _, document in _documents(tmp_path, "code") if found == level)
        assert kept == every[: len(kept)]


def test_output_files_cut_by_size_hold_the_same_documents(built, tmp_path):
    options = dataclasses.replace(SMALL, domains={"math": SMALL.domains["math"]}, shard_bytes=20_000)
    build_domain("math", options, tmp_path, InProcess())
    assert len(split_paths(tmp_path, "math", "algebra", "train")) > 2
    found = sorted(document.id for _, _, document in _documents(tmp_path, "math"))
    assert found == sorted(document.id for _, _, document in _documents(built[0], "math"))


def test_an_empty_split_names_domain_level_and_remedy(tmp_path):
    options = Options(1, {"math": DomainOptions(("math_problems",), max_bytes_per_level=16_000)}, 0)
    with pytest.raises(build.EmptySplitError, match="math/arithmetic.*heldout"):
        build_domain("math", options, tmp_path, InProcess())
    assert not (tmp_path / "math" / "manifest.json").exists()


def test_options_that_cannot_work_are_refused(tmp_path):
    wrong = (
        DomainOptions(("stdlib_code",)),
        DomainOptions(("math_problems",)),
        DomainOptions(("nowhere",), max_bytes_per_level=9),
        DomainOptions(("arxiv_math",)),
        DomainOptions(("math_problems",), {"math_problems": "x"}, 9000),
    )
    for wanted in wrong:
        with pytest.raises(ValueError):
            build_domain("math", Options(1, {"math": wanted}), tmp_path, InProcess())


def test_what_cannot_be_read_goes_to_quarantine_and_is_counted(tmp_path):
    root = tmp_path / "source"
    root.mkdir()
    for file in sorted((stdlib_code.root_folder() / "asyncio").glob("*.py")):
        (root / file.name).write_bytes(file.read_bytes())
    (root / "broken.py").write_text("def f(:\n")
    options = Options(1, {"code": DomainOptions(("stdlib_code",), root=str(root))}, 250)
    report = build_domain("code", options, tmp_path / "out", InProcess())
    assert report.manifest["records"]["quarantined"] == {"syntax_error": 1}
    assert report.manifest["bytes"]["quarantined"] == {"syntax_error": 8}
    row = json.loads((tmp_path / "out" / "quarantine" / "code.jsonl").read_text())
    assert (row["path"], row["offset"], row["reason"]) == (str(root / "broken.py"), 0, "syntax_error")


def test_rejects_are_sampled_with_their_evidence(built):
    out, report = built
    rows = [json.loads(line) for line in (out / "code" / "rejects.jsonl").read_text().splitlines()]
    assert {row["reason"] for row in rows} == set(report.domains["code"].manifest["records"]["dropped"])
    assert all(row["evidence"] and row["source"] and row["step"] in ledger.STEPS for row in rows)
    for reason in {row["reason"] for row in rows}:
        assert sum(row["reason"] == reason for row in rows) <= ledger.SAMPLES


def test_a_level_reads_back_through_tfds(built):
    import tensorflow_datasets as tfds

    out, report = built
    builder = tfds.builder_from_directory(str(out / "multimodal" / "counting"))
    source = builder.as_data_source(split="train")
    wanted = list(read_split(out, "multimodal", "counting", "train"))
    assert len(source) == builder.info.splits["train"].num_examples == len(wanted)
    for example, document in zip(source, wanted, strict=True):
        assert example["text"].decode() == document.text and example["media"] == document.media
