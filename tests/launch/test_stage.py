"""The stage contract: manifests, skipping, refusals, balances, and a kill between any two writes."""

import json
import pathlib
import subprocess
import sys
import types

from hypothesis import given, settings, strategies as st
import ml_collections
import pytest

from launch import config_hash, stages as stages_lib
from launch.errors import CheckFailed, UserError
from launch.pipeline import select
from launch.progress import NullProgress
from launch.stage import StageOutcome, check_balance, run_stage, stage_state
from launch.workdir import Workdir

FAKE_RUN = pathlib.Path(__file__).with_name("fake_run.py")
TABLE = stages_lib.table(
    stages_lib.StageSpec("one", "one", (), ("seed", "one"), "fake_one"),
    stages_lib.StageSpec("two", "second", ("one",), ("two",), "fake_two"),
)
COUNTS = st.dictionaries(st.text(max_size=5), st.integers(0, 10**12), max_size=4)


@pytest.fixture
def calls(monkeypatch):
    """Installs the two stages; the list names the runs. `outcomes` may replace a stage's outcome."""
    ran = []

    def stage(name):
        def run(context):
            ran.append(name)
            (context.folder / "out.txt").write_text(f"{name} {context.config.seed}")
            changes = ran_outcomes.get(name, {})
            return StageOutcome(context.hash_outputs("**/*"), **changes)

        return types.SimpleNamespace(run=run)

    ran_outcomes = {}
    monkeypatch.setitem(sys.modules, "fake_one", stage("one"))
    monkeypatch.setitem(sys.modules, "fake_two", stage("two"))
    return types.SimpleNamespace(ran=ran, outcomes=ran_outcomes)


def config(**changes):
    result = ml_collections.ConfigDict(
        {"seed": 0, "one": {"lr": 0.1, "workers": 2, "sizes": (1, 2)}, "two": {"steps": 3}, "report": {"title": "t"}}
    )
    result.update_from_flattened_dict(changes)
    return result


def start(name, workdir, **changes):
    return run_stage(name, config(**changes), workdir, NullProgress(list(TABLE)), TABLE)


def snapshot(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_a_manifest_holds_the_contract(tmp_path, calls):
    workdir = Workdir(tmp_path)
    balance = {"in": 3, "out": 1, "dropped": {"short": 1}, "quarantined": {"utf8": 1}}
    calls.outcomes["two"] = {"extra": {"kl": 0.5}, "records": balance, "bytes": balance}
    first = start("one", workdir)
    manifest = start("two", workdir)
    assert manifest == json.loads((tmp_path / "second" / "manifest.json").read_text())
    assert manifest["stage"] == "two" and manifest["kl"] == 0.5
    assert manifest["records"] == manifest["bytes"] == balance
    assert manifest["inputs"] == {"one/out.txt": first["outputs"]["out.txt"]}
    assert manifest["started"].endswith("Z") and manifest["started"] <= manifest["finished"]
    assert manifest["versions"]["python"] and manifest["versions"]["jax"]
    assert manifest["peak_rss_bytes"] > 2**20 and manifest["seconds"] >= 0
    assert len(manifest["config_hash"]) == 64
    run = workdir.read_run()
    assert [run[name]["status"] for name in ("one", "two")] == ["complete", "complete"]
    assert run["two"]["config_hash"] == manifest["config_hash"]


def test_a_second_run_is_a_no_op(tmp_path, calls):
    workdir = Workdir(tmp_path)
    made = [start("one", workdir), start("two", workdir)]
    before = snapshot(tmp_path)
    assert [start("one", workdir), start("two", workdir)] == made
    assert calls.ran == ["one", "two"]
    assert snapshot(tmp_path) == before


def test_what_does_not_reach_a_stage_does_not_invalidate_it(tmp_path, calls):
    workdir = Workdir(tmp_path)
    start("one", workdir)
    start("one", workdir, **{"two.steps": 4, "report.title": "other", "one.workers": 9})
    assert calls.ran == ["one"]


def test_another_config_is_refused_and_named(tmp_path, calls):
    workdir = Workdir(tmp_path)
    start("one", workdir)
    start("two", workdir)
    before = snapshot(tmp_path)
    with pytest.raises(UserError) as error:
        start("one", workdir, **{"one.lr": 0.2, "one.sizes": (1, 3)})
    assert "one.lr: 0.1 -> 0.2" in error.value.message and "one.sizes: [1, 2] -> [1, 3]" in error.value.message
    assert "--workdir" in error.value.fix and str(tmp_path / "one") in error.value.fix
    with pytest.raises(UserError, match="stage one .*seed: 0 -> 1"):
        start("two", workdir, seed=1)
    assert snapshot(tmp_path) == before and calls.ran == ["one", "two"]


def test_only_five_differences_are_named(tmp_path, calls):
    workdir = Workdir(tmp_path)
    many = config()
    many.one.update({f"k{i}": i for i in range(8)})
    run_stage("one", many, workdir, NullProgress(["one"]), TABLE)
    with pytest.raises(UserError, match="one.k4: 4 -> absent, and 3 more"):
        start("one", workdir)


def test_an_unfinished_stage_is_not_resumed_with_another_config(tmp_path, calls):
    workdir = Workdir(tmp_path)
    calls.outcomes["one"] = {"records": {"in": 1, "out": 0, "dropped": {}, "quarantined": {}}}
    with pytest.raises(CheckFailed, match="records do not balance: in 1 .*1 lost"):
        start("one", workdir)
    assert workdir.read_run()["one"]["status"] == "failed"
    assert stage_state("one", config(), workdir, TABLE) == ("started", None)
    with pytest.raises(UserError, match="seed: 0 -> 7"):
        start("one", workdir, seed=7)
    calls.outcomes.clear()
    assert start("one", workdir)["attempts"] == 2


def test_a_missing_stage_is_named_with_the_command_that_makes_it(tmp_path, calls):
    workdir = Workdir(tmp_path)
    with pytest.raises(UserError) as error:
        run_stage("two", config(), workdir, NullProgress(["two"]), TABLE, flags="--config=c.py --workdir=w")
    assert error.value.message == f"stage two needs stage one, which has not run in {tmp_path}"
    assert error.value.fix == "run it first: python -m fake_one --config=c.py --workdir=w"
    assert not (tmp_path / "second").exists()


def test_failed_checks_are_written_down_and_the_stage_runs_again(tmp_path, calls):
    workdir = Workdir(tmp_path)
    calls.outcomes["one"] = {"failed_checks": ["loss 3 is above 2", "no image"], "extra": {"loss": 3}}
    with pytest.raises(CheckFailed, match="2 of its own checks: loss 3 is above 2; no image"):
        start("one", workdir)
    assert workdir.read_manifest("one")["loss"] == 3
    assert workdir.read_run()["one"]["status"] == "failed"
    with pytest.raises(UserError, match="needs stage one, which failed"):
        start("two", workdir)
    calls.outcomes.clear()
    assert start("one", workdir)["status"] == "complete"
    assert start("two", workdir)["status"] == "complete"


def test_damaged_and_missing_outputs_are_found(tmp_path, calls):
    workdir = Workdir(tmp_path)
    start("one", workdir)
    file = tmp_path / "one" / "out.txt"
    text = file.read_text()
    file.write_text("flipped")
    with pytest.raises(UserError, match="out.txt is corrupt.*python -m fake_one"):
        start("two", workdir)
    file.unlink()
    with pytest.raises(UserError, match="out.txt is missing"):
        start("two", workdir)
    file.write_text(text)
    assert start("two", workdir)["status"] == "complete"


def test_a_stage_made_from_other_inputs_is_refused(tmp_path, calls):
    workdir = Workdir(tmp_path)
    start("one", workdir)
    start("two", workdir)
    path = tmp_path / "one" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["outputs"]["out.txt"] = "0" * 64
    path.write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="stage two was made from another one/out.txt"):
        start("two", workdir)


@pytest.mark.parametrize(
    "change",
    [{"extra": {"stage": "x"}}, {"outputs": {"never_written": "0" * 64}}],
)
def test_an_outcome_that_contradicts_the_disk_or_the_contract_is_a_bug(tmp_path, calls, monkeypatch, change):
    monkeypatch.setitem(
        sys.modules, "fake_one", types.SimpleNamespace(run=lambda context: StageOutcome(**{"outputs": {}, **change}))
    )
    with pytest.raises(ValueError, match="stage 'one'"):
        start("one", Workdir(tmp_path))
    assert not (tmp_path / "one" / "manifest.json").exists()


def test_a_stage_reads_only_what_its_row_names(tmp_path, calls, monkeypatch):
    run = lambda context: context.input_folder("two")  # noqa: E731
    monkeypatch.setitem(sys.modules, "fake_one", types.SimpleNamespace(run=run))
    with pytest.raises(ValueError, match="reads 'two'"):
        start("one", Workdir(tmp_path))


@given(out=st.integers(0, 10**12), dropped=COUNTS, quarantined=COUNTS, slip=st.integers(-3, 3))
@settings(max_examples=60, deadline=None)
def test_only_balances_that_balance_pass(out, dropped, quarantined, slip):
    total = out + sum(dropped.values()) + sum(quarantined.values()) + slip
    balance = {"in": total, "out": out, "dropped": dropped, "quarantined": quarantined}
    if slip == 0:
        check_balance("s", "records", balance)
    else:
        with pytest.raises(CheckFailed):
            check_balance("s", "records", balance)


@pytest.mark.parametrize(
    "change", [{"in": 1.0}, {"in": True}, {"out": -1, "dropped": {"a": 2}}, {"extra": 0}, {"out": "1"}]
)
def test_balances_are_of_natural_numbers_and_known_fields(change):
    balance = {"in": 1, "out": 1, "dropped": {}, "quarantined": {}}
    check_balance("s", "records", balance)
    with pytest.raises(CheckFailed, match="stage s: records"):
        check_balance("s", "records", {**balance, **change})


SECTIONS = st.dictionaries(
    st.sampled_from("abc"),
    st.dictionaries(st.sampled_from("xyz"), st.one_of(st.integers(), st.booleans(), st.text(max_size=3)), max_size=3),
    max_size=3,
)


@given(SECTIONS, SECTIONS)
@settings(max_examples=100, deadline=None)
def test_hashes_differ_exactly_when_a_difference_can_be_named(old, new):
    assert (config_hash.digest(old) == config_hash.digest(new)) == (not config_hash.differences(old, new))


def test_the_real_table_is_sound():
    order = "data tokenizer seed experts mix router joint sft reward ppo improve dense evaluate report".split()
    optional = ["sft", "reward", "ppo", "improve"]
    assert list(stages_lib.STAGES) == order
    for name in order:
        ancestors = stages_lib.ancestors(name)
        assert set(stages_lib.STAGES[name].needs) <= set(ancestors) <= set(order[: order.index(name)])
        assert set(stages_lib.config_keys("data")) <= set(stages_lib.config_keys(name))
    assert [name for name in order if stages_lib.STAGES[name].is_optional] == optional
    assert select((), stages_lib.STAGES) == [name for name in order if name not in optional]
    assert select(("ppo", "seed"), stages_lib.STAGES) == ["seed", "ppo"]
    for name in order[:-1]:
        assert not {"report", "checks"} & set(stages_lib.config_keys(name))


# One process forks the runs: importing everything anew for each kill would take most of the time.
KILL_DRIVER = """
import json, os, pathlib, signal, sys
sys.path.insert(0, sys.argv[1])
import fake_run
import ml_collections
from launch import stage, stages
from launch.progress import NullProgress
from launch.workdir import Workdir

config = ml_collections.ConfigDict(
    dict(seed=1, alpha=dict(steps=2, crash=False), beta=dict(times=2), gamma=dict(init="beta"),
         report=dict(fail=False), post_training=("gamma",)))
table = stages.resolved(config, fake_run.TABLE)

def run_all(path, kill_at):
    '''In a child that dies just before or just after the kill_at-th rename. True when it came to its end.'''
    child = os.fork()
    if child == 0:
        count, replace = [0], os.replace
        def counted(old, new):
            for action in (lambda: None, lambda: replace(old, new)):
                action()
                count[0] += 1
                if count[0] == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
        os.replace = counted
        for name in table:
            stage.run_stage(name, config, Workdir(path), NullProgress(list(table)), table)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0

def results(path):
    out = {}
    for spec in table.values():
        manifest = Workdir(path).read_manifest(spec.folder)
        if manifest is not None:
            files = {p: (path / spec.folder / p).read_text() for p in manifest["outputs"]}
            out[spec.name] = [manifest["config_hash"], manifest["inputs"], manifest["outputs"], files]
    Workdir(path).read_run()
    return out

root = pathlib.Path(sys.argv[2])
assert run_all(root / "whole", 0)
whole = results(root / "whole")
assert list(whole) == list(table)
kills = 0
while not run_all(root / f"w{kills + 1}", kills + 1):
    kills += 1
    path = root / f"w{kills}"
    partial = results(path)  # raises on half a manifest
    assert all(whole[name] == value for name, value in partial.items()), kills
    assert run_all(path, 0) and results(path) == whole, kills
    assert all(entry["status"] == "complete" for entry in Workdir(path).read_run().values()), kills
print(kills)
"""


def test_a_kill_between_any_two_writes_leaves_a_workdir_that_goes_on(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILL_DRIVER, str(FAKE_RUN.parent), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 30
