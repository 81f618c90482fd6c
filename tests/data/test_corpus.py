"""The builder: nothing is lost, nothing depends on workers or interruptions, every split has documents."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
import pathlib

import pytest

from data import corpus, corpus_steps
from data.accounts import Account, BalanceError
from data.corpus import CorpusOptions, DomainOptions
from data.document import Document, Reject
from data.domains import LEVELS, SPLITS
from data.records import read_documents, split_path
from data.sources import stdlib_code

SMALL = CorpusOptions(
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
    return out, corpus.build_corpus(SMALL, out, workers=1)


def _documents(out, domain):
    for level in LEVELS[domain]:
        for split in SPLITS:
            for document in read_documents(split_path(out, domain, level, split)):
                yield level, split, document


def test_records_and_bytes_balance_at_every_step(built):
    _, report = built
    for domain in report.domains.values():
        for rows in (domain.manifest, *domain.manifest["steps"].values()):
            for unit in ("records", "bytes"):
                row = rows[unit]
                assert row["in"] == row["out"] + sum(row["dropped"].values()) + sum(row["quarantined"].values())
        steps = [domain.manifest["steps"][step] for step in corpus.STEPS]
        assert all(a["records"]["out"] == b["records"]["in"] for a, b in zip(steps, steps[1:]))
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
    seen = {}
    for level, split, document in _documents(out, domain):
        assert (document.domain, document.level) == (domain, level)
        assert corpus.split_of(document, SMALL.heldout_permille) == split
        assert seen.setdefault(corpus_steps.duplicate_key(document), document) is document
    assert len(seen) == report.domains[domain].manifest["records"]["out"]
    for level in LEVELS[domain]:
        manifest = json.loads((out / domain / level / "manifest.json").read_text())
        for split in SPLITS:
            path = split_path(out, domain, level, split)
            documents = list(read_documents(path))
            row = manifest["splits"][split]
            assert row["records"] == len(documents) > 0
            assert row["bytes"] == sum(document.num_bytes for document in documents)
            assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
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
    corpus.build_corpus(SMALL, tmp_path, workers=2, progress=lambda *call: calls.append(call))
    assert _tree(tmp_path) == _tree(built[0])
    assert calls[-1] == ("multimodal", corpus.NUM_SHARDS, corpus.NUM_SHARDS)


def test_a_killed_build_resumes_to_the_same_bytes(built, tmp_path, monkeypatch):
    written = []
    write_level = corpus._write_level

    def dies_in_the_second_domain(folder, domain, level, *rest):
        if domain == "math" and level == "calculus":
            (folder / level).mkdir(parents=True)
            (folder / level / "train.array_record.partial").write_bytes(b"half a file")
            raise KeyboardInterrupt
        written.append(domain)
        return write_level(folder, domain, level, *rest)

    monkeypatch.setattr(corpus, "_write_level", dies_in_the_second_domain)
    with pytest.raises(KeyboardInterrupt):
        corpus.build_corpus(SMALL, tmp_path)
    assert (tmp_path / "code" / "manifest.json").exists() and not (tmp_path / "math" / "manifest.json").exists()
    monkeypatch.undo()
    report = corpus.build_corpus(SMALL, tmp_path)
    assert {domain: row.built for domain, row in report.domains.items()} == {
        "code": False, "math": True, "reasoning": True, "multimodal": True,
    }  # fmt: skip
    assert _tree(tmp_path) == _tree(built[0])


def test_other_options_build_a_finished_domain_anew(tmp_path):
    options = CorpusOptions(1, {"math": SMALL.domains["math"]}, heldout_permille=300)
    assert corpus.build_domain("math", options, tmp_path).built
    assert not corpus.build_domain("math", options, tmp_path).built
    assert corpus.build_domain("math", dataclasses.replace(options, seed=2), tmp_path).built


def test_the_budget_keeps_the_lowest_ids_and_counts_the_rest(built, tmp_path):
    wanted = dataclasses.replace(SMALL.domains["code"], max_bytes_per_level=20_000)
    options = dataclasses.replace(SMALL, domains={"code": wanted}, heldout_permille=400)
    report = corpus.build_domain("code", options, tmp_path)
    dropped = report.manifest["records"]["dropped"]["over_budget"]
    assert dropped + report.manifest["records"]["out"] == built[1].domains["code"].manifest["records"]["out"]
    for level, row in report.manifest["levels"].items():
        assert 0 < row["bytes"] <= 20_000
        every = sorted(document.id for found, _, document in _documents(built[0], "code") if found == level)
        kept = sorted(document.id for found, _, document in _documents(tmp_path, "code") if found == level)
        assert kept == every[: len(kept)]


def test_an_empty_split_names_domain_level_and_remedy(tmp_path):
    options = CorpusOptions(1, {"math": DomainOptions(("math_problems",), max_bytes_per_level=16_000)}, 0)
    with pytest.raises(corpus.EmptySplitError, match="math/arithmetic.*heldout"):
        corpus.build_domain("math", options, tmp_path)
    assert not (tmp_path / "math" / "manifest.json").exists()


def test_options_that_cannot_work_are_refused(tmp_path):
    for wanted in (DomainOptions(("stdlib_code",)), DomainOptions(("math_problems",)), DomainOptions(("nowhere",), 9)):
        with pytest.raises(ValueError):
            corpus.build_domain("math", CorpusOptions(1, {"math": wanted}), tmp_path)


def test_what_cannot_be_read_goes_to_quarantine_and_is_counted(tmp_path):
    root = tmp_path / "source"
    root.mkdir()
    for file in sorted((stdlib_code.root_folder() / "asyncio").glob("*.py")):
        (root / file.name).write_bytes(file.read_bytes())
    (root / "broken.py").write_text("def f(:\n")
    options = CorpusOptions(1, {"code": DomainOptions(("stdlib_code",), root=str(root))}, 250)
    report = corpus.build_domain("code", options, tmp_path / "out")
    assert report.manifest["records"]["quarantined"] == {"syntax_error": 1}
    assert report.manifest["bytes"]["quarantined"] == {"syntax_error": 8}
    row = json.loads((tmp_path / "out" / "quarantine" / "code.jsonl").read_text())
    assert (row["path"], row["offset"], row["reason"]) == (str(root / "broken.py"), 0, "syntax_error")


def test_rejects_are_sampled_with_their_evidence(built):
    out, report = built
    rows = [json.loads(line) for line in (out / "code" / "rejects.jsonl").read_text().splitlines()]
    assert {row["reason"] for row in rows} == set(report.domains["code"].manifest["records"]["dropped"])
    assert all(row["evidence"] and row["source"] and row["step"] in corpus.STEPS for row in rows)
    for reason in {row["reason"] for row in rows}:
        assert sum(row["reason"] == reason for row in rows) <= corpus_steps.REJECT_SAMPLES


_PROSE = (
    "The reader opens the file and closes it when the last of its lines has been read. If a line is too long for the "
    "buffer, then the rest of that line is kept for the next call, which is why a caller should not seek in between."
)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (Document("x = 1\n" * 30, "code", "s", "GPL-3.0-only"), "licence"),
        (Document("x = 1\n" * 30, "code", "s", "MIT AND GPL-3.0-only"), "licence"),
        (Document("x = '\x00'" * 30, "code", "s", "MIT"), "not_text"),
        (Document("x = '\ud800'" * 30, "code", "s", "MIT"), "not_text"),
        (Document("x = 1", "code", "s", "MIT"), "too_short"),
        (Document("x = 12345\n" * 5000, "code", "s", "MIT"), "too_long"),
        (Document("X = [" + "1234567890, " * 60 + "]", "code", "s", "MIT"), "table"),
        (Document("Too short to learn from.", "language", "s", "MIT"), "too_short"),
        (Document("1.2 + 3.4 = 4.6; " * 40, "language", "s", "MIT"), "few_letters"),
        (Document("Lorem ipsum dolor sit amet consectetur elit. " * 8, "language", "s", "MIT"), "not_english_prose"),
        (Document("It is in the box and in the box. " * 40, "language", "s", "MIT"), "repetitive"),
        (Document("Problem: 1 + 1\nAnswer: 3", "math", "math_problems:x", "CC0-1.0", "arithmetic"), "certificate"),
    ],
)
def test_the_filter_says_why(document, reason):
    found = corpus_steps.quality_filter(document)
    assert isinstance(found, Reject) and found.reason == reason and found.evidence


@pytest.mark.parametrize("licence", ["MIT", "Apache-2.0 OR GPL-2.0-only", "Apache-2.0 AND BSD-2-Clause"])
def test_the_filter_keeps_prose_under_a_permissive_licence(licence):
    document = Document(_PROSE, "language", "s", licence)
    assert corpus_steps.quality_filter(document) is document


def test_the_standard_form_is_a_fixed_point_and_keeps_tabs_in_code_alone():
    text = "\n\nCafe\u0301\tis open \t\r\nnow\r\n\n"
    for domain, expected in (("code", "Caf\u00e9\tis open\nnow\n"), ("language", "Caf\u00e9    is open\nnow")):
        once = corpus_steps.standardize_format(Document(text, domain, "s", "MIT"))
        assert once.text == expected
        assert corpus_steps.standardize_format(once) == once
    assert corpus_steps.standardize_format(Document(" \n\t\n", "code", "s", "MIT")).reason == "empty"
