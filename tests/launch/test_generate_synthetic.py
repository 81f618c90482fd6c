"""`launch.generate_synthetic`: the files, what decides their bytes and what does not, and what a user is told."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from data.array_records import read_records, write_records
from data.document import Document
from data.domains import LEVELS
from data.pipeline.runners import InProcess
from data.records import encode, read_documents, read_split
from data.sources.registry import SOURCES
from data.synthetic import chunks, makers
from data.synthetic.build import ExhaustedError, Options, build

ROOT = pathlib.Path(__file__).parents[2]
MATH = ("--domain=math", "--level=arithmetic", "--count=700")


# A binary imports for longer than it runs here: one process imports once and is forked for every command line.
_FORKS = """
import json, os, sys
from launch import cli, generate_synthetic

generate_synthetic.define_flags()
for line in sys.stdin:
    arguments, out, err = json.loads(line)
    child = os.fork()
    if not child:
        for descriptor, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY), descriptor)
        sys.argv = ["generate_synthetic", *arguments]
        try:
            cli.command(generate_synthetic.run)
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code or 0)  # all that was imported would be taken down for longer than it ran
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """run(arguments) -> the CompletedProcess of that command line, with one worker unless it says otherwise."""
    folder, number = tmp_path_factory.mktemp("forks"), itertools.count()
    forks = subprocess.Popen(
        [sys.executable, "-c", _FORKS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def one(*arguments: str) -> subprocess.CompletedProcess:
        out, err = (folder / f"{next(number)}" for _ in range(2))
        print(json.dumps([("--workers=1", *arguments), str(out), str(err)]), file=forks.stdin, flush=True)
        return subprocess.CompletedProcess(arguments, int(forks.stdout.readline()), out.read_text(), err.read_text())

    yield one
    forks.stdin.close()
    forks.wait()


def _bytes(folder: pathlib.Path) -> dict[str, str]:
    paths = sorted(folder.rglob("*.array_record"))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _build(folder, options: Options, runner=None, metamath=""):
    return build(options, str(folder), metamath, runner or InProcess(), lambda: "now", lambda at: None)


@pytest.fixture(scope="module")
def done(tmp_path_factory, run):
    out = tmp_path_factory.mktemp("synthetic") / "out"
    return out, run(*MATH, f"--output={out}")


def test_examples_lie_where_training_reads_them_with_a_balanced_manifest(done):
    out, first = done
    assert first.returncode == 0, first.stderr
    documents = [d for split in ("train", "heldout") for d in read_split(out, "math", "arithmetic", split)]
    assert len(documents) == len({document.id for document in documents}) == 700
    assert all(makers.verify(document) for document in documents) and {d.level for d in documents} == {"arithmetic"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert {"stage", "config_hash", "inputs", "started", "finished", "versions", "records", "bytes"} <= set(manifest)
    for unit in ("records", "bytes"):
        row = manifest[unit]
        assert row["in"] == row["out"] + sum(row["dropped"].values()) + sum(row["quarantined"].values())
    assert manifest["records"]["out"] == 700 and manifest["bytes"]["out"] == sum(d.num_bytes for d in documents)
    assert "examples/s" in first.stdout and "records  in 7" in first.stdout
    assert not list(out.rglob("work")) and not list(out.rglob("*.partial"))


def test_bytes_do_not_depend_on_the_number_of_workers(done, tmp_path, run):
    out, _ = done
    assert run(*MATH, f"--output={tmp_path / 'two'}", "--workers=2").returncode == 0
    assert _bytes(tmp_path / "two") == _bytes(out)


def test_killed_and_started_again_it_ends_with_the_same_bytes(done, tmp_path, run):
    out, _ = done
    command = [sys.executable, "-m", "launch.generate_synthetic", *MATH, f"--output={tmp_path / 'out'}", "--workers=1"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(tmp_path.rglob("work/arithmetic/000001.json")):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = run(*MATH, f"--output={tmp_path / 'out'}")
    assert again.returncode == 0, again.stderr
    assert _bytes(tmp_path / "out") == _bytes(out)


class _Dies(InProcess):
    """A runner that is gone after so many units, with one of them half done."""

    def __init__(self, units: int):
        self._left = units

    def map(self, work, job, numbers):
        for number in numbers:
            if not self._left:
                raise KeyboardInterrupt
            self._left -= 1
            work(job, number)
            yield number


@pytest.mark.parametrize("domain", ["math", "language", "reasoning"])
def test_a_build_that_dies_at_any_unit_ends_with_the_same_bytes(domain, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "SHARD", 6)
    options = Options(domain, 55, seed=3)
    whole = _build(tmp_path / "whole", options).manifest
    for units in range(20):
        try:
            report = _build(tmp_path / "parts", options, _Dies(units % 5))
            break
        except KeyboardInterrupt:
            continue
    else:
        report = _build(tmp_path / "parts", options)
    assert report.manifest == whole and _bytes(tmp_path / "parts") == _bytes(tmp_path / "whole")
    for level in LEVELS[domain]:
        found = [list(read_split(tmp_path / "parts", domain, level, split)) for split in ("train", "heldout")]
        assert sum(map(len, found)) == 11


@pytest.fixture
def made(monkeypatch):
    """made(texts, wrong=()) -> math examples of these texts in turn, of which those in `wrong` do not verify."""

    def use(texts, wrong=()):
        def generate(level, seed, index):
            if index >= len(texts):
                raise IndexError(index)
            return Document(texts[index], "math", f"math_problems:{level}/{index}", "CC0-1.0", level)

        fake = dataclasses.replace(SOURCES["math_problems"], generate=generate, verify=lambda d: d.text not in wrong)
        others = [name for name, info in SOURCES.items() if info.domain == "math" and info.generate]
        for name in others:
            monkeypatch.delitem(SOURCES, name)
        monkeypatch.setitem(SOURCES, "math_problems", fake)

    return use


def test_equal_and_unproved_examples_are_dropped_by_reason(made, tmp_path):
    made(["a", "b", "a", "c", "d", "b", "e", "f", "g"], wrong=("c", "f"))
    manifest = _build(tmp_path, Options("math", 5, level="algebra", heldout_permille=0)).manifest
    assert [d.text for d in read_split(tmp_path, "math", "algebra", "train")] == ["a", "b", "d", "e", "g"]
    assert manifest["records"] == {
        "in": 9,
        "out": 5,
        "dropped": {"duplicate": 2, "not_verified": 2},
        "quarantined": {},
    }


def test_a_level_without_enough_different_examples_is_an_error(made, tmp_path):
    made(["a", "b", "a"])
    with pytest.raises(ExhaustedError, match="math/algebra has no more than 2 different examples among 3 candidates"):
        _build(tmp_path, Options("math", 5, level="algebra"))


def test_counts_are_spread_evenly():
    assert list(Options("math", 7).counts().values()) == [2, 2, 1, 1, 1]
    assert Options("math", 7, level="calculus").counts() == {"calculus": 7}


def test_a_complete_folder_is_left_alone_takes_other_domains_and_verifies(done, run):
    out, _ = done
    before = _bytes(out)
    again = run(*MATH, f"--output={out}")
    assert again.returncode == 0 and "all is complete" in again.stdout
    more = run("--domain=reasoning", "--count=20", f"--output={out}")
    assert more.returncode == 0, more.stderr
    assert before.items() <= _bytes(out).items()
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["records"]["out"] == 720 and set(manifest["domains"]) == {"math", "reasoning"}
    checked = run(f"--verify={out}")
    assert checked.returncode == 0, checked.stderr
    assert "720 documents, every certificate replays" in checked.stdout
    assert [line.split()[-1] for line in checked.stdout.splitlines() if "math_problems" in line] == ["700"]


def _corpus(folder: pathlib.Path) -> pathlib.Path:
    _build(folder, Options("math", 12, level="arithmetic", heldout_permille=0))
    return folder / "math" / "arithmetic" / "train-00000-of-00001.array_record"


def test_what_was_tampered_with_broken_or_lost_is_named(tmp_path, run):
    names = ("forged", "short", "no_example", "cut", "gone")
    paths = {name: _corpus(tmp_path / name) for name in names}
    documents, raw = list(read_documents(paths["forged"])), list(read_records(paths["forged"]))
    answer = documents[7].meta["certificate"]["answer"]
    forged = dataclasses.replace(documents[7], text=documents[7].text.removesuffix(answer) + "1000003")
    write_records(paths["forged"], map(encode, [*documents[:7], forged, *documents[8:]]))
    write_records(paths["short"], raw[:-1])
    write_records(paths["no_example"], [raw[0], b"no example", *raw[2:]])
    paths["cut"].write_bytes(paths["cut"].read_bytes()[:100])
    shutil.rmtree(paths["gone"].parent)
    told = {name: run(f"--verify={tmp_path / name}") for name in names}
    assert all(found.returncode == 1 and found.stderr.count("\n") == 1 for found in told.values())
    assert f"{paths['forged']}: record 7: document {forged.id}: its certificate" in told["forged"].stderr
    assert "1 of 12 documents fail" in told["forged"].stderr
    assert "the manifest tells of 12 documents, not 11" in told["short"].stderr
    assert f"{paths['no_example']}: record 1: not a document record" in told["no_example"].stdout
    assert f"{paths['cut']}: cannot be opened" in told["cut"].stdout
    assert "holds no documents" in told["gone"].stderr


def test_another_run_or_something_else_in_the_folder_is_refused(tmp_path, run):
    _corpus(tmp_path / "old")
    (tmp_path / "else" / "thesis").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage" / "manifest.json").write_text('{"stage": "process_data"}')
    expected = {
        "old": "was made with other options",
        "else": "holds thesis, which is not of a run of generate_synthetic",
        "file": "is not a folder",
        "stage": "was made by process_data",
    }
    for name, told in expected.items():
        refused = run(*MATH, f"--output={tmp_path / name}")
        assert refused.returncode == 1 and told in refused.stderr and refused.stderr.count("\n") == 1, refused.stderr


@pytest.mark.slow
def test_mistakes_are_told_in_one_line(run, tmp_path):
    model = ("--domain=math", "--count=1", f"--output={tmp_path / 'x'}", "--model=seed")
    of_run = ("--config=experiments/tiny.py", f"--workdir={tmp_path}")
    mistakes = (
        (model, 2, "--model is given without --config or --workdir"),
        ((*model, *of_run), 1, "stage tokenizer is not complete"),
        ((*model, *of_run, "--metamath=set.mm"), 2, "leave --metamath or --model out"),
        ((*model[:-1], *of_run), 2, "add --model=NAME"),
        ((*model, *of_run, "--config.seeed=1"), 1, "seeed"),
        ((*model[1:], *of_run), 2, "--domain is missing"),
        (("--domain=cooking", "--count=1", "--output=x"), 1, "unknown domain 'cooking'"),
        (("--domain=math", "--level=hard", "--count=1", "--output=x"), 1, "unknown level 'hard' of math"),
        (("--domain=math", "--source=logic_problems", "--count=1", "--output=x"), 1, "those that do are math_problems"),
        (("--domain=math", "--source=metamath_steps", "--count=1", "--output=x"), 1, "add --metamath=FILE"),
        (("--domain=math", "--metamath=/nowhere.mm", "--count=1", "--output=x"), 1, "/nowhere.mm"),
        (("--domain=math", "--count=1"), 2, "--output is missing"),
        (("--domain=math", "--count=0", "--output=x"), 2, "count"),
        (("--domian=math",), 2, "did you mean --domain"),
        (("--verify=/nowhere/at/all",), 1, "is not a folder"),
        (("--verify=tests",), 1, "holds no documents"),
    )
    for arguments, code, told in mistakes:
        refused = run(*arguments)
        assert refused.returncode == code and told in refused.stderr, refused.stderr
        assert refused.stderr.startswith("error: ") and refused.stderr.count("\n") == 1


def test_a_domain_that_nothing_generates_is_an_error(monkeypatch):
    for name in [name for name, info in SOURCES.items() if info.domain == "language" and info.generate]:
        monkeypatch.delitem(SOURCES, name)
    with pytest.raises(makers.MakerError, match="nothing generates documents of the domain language"):
        makers.makers("language", "plain")


def test_steps_of_a_metamath_database(tmp_path, run):
    database, longer = tmp_path / "small.mm", tmp_path / "longer.mm"
    database.write_text(
        "$c ( ) -> wff |- $. $v ph ps $. wph $f wff ph $. wps $f wff ps $. wi $a wff ( ph -> ps ) $.\n"
        "${ min $e |- ph $. maj $e |- ( ph -> ps ) $. ax-mp $a |- ps $. $}\nax-1 $a |- ( ph -> ( ps -> ph ) ) $.\n"
        "${ a1i.1 $e |- ph $. a1i $p |- ( ps -> ph ) $= ( wi ax-1 ax-mp ) ABADCABEF $. $}\n"
    )
    longer.write_text(database.read_text() + "\n")
    steps = ("--domain=math", "--level=proofs", "--source=metamath_steps", f"--metamath={database}")
    few = run(*steps, f"--output={tmp_path / 'few'}", "--count=3")
    assert few.returncode == 1 and "no more than 2 different examples" in few.stderr
    first = run(*steps, f"--output={tmp_path / 'out'}", "--count=2")
    assert first.returncode == 0, first.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["inputs"] == {str(database): hashlib.sha256(database.read_bytes()).hexdigest()}
    checked = run(f"--verify={tmp_path / 'out'}")
    assert checked.returncode == 0 and "2 documents, every certificate replays" in checked.stdout
    other = run(f"--verify={tmp_path / 'out'}", f"--metamath={longer}")
    assert other.returncode == 1 and "does not replay" in other.stderr
    database.unlink()
    gone = run(f"--verify={tmp_path / 'out'}")
    assert gone.returncode == 1 and "add --metamath=FILE" in gone.stderr


def test_documents_of_every_source_say_where_their_prompt_ends():
    heads = {"math_problems": "Solution: ", "logic_problems": "Reasoning: "}
    for name, head in heads.items():
        info = SOURCES[name]
        for level in LEVELS[info.domain]:
            for index in range(5):
                document = info.generate(level, 2, index)
                end = document.meta["prompt_end"]
                assert document.text.startswith("Problem: ") and document.text[end - 1 :].startswith(f"\n{head}")
    scene = SOURCES["rendered_scenes"].generate("objects", 2, 0)
    assert scene.text[: scene.meta["prompt_end"]] == "Image: "
