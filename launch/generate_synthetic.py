"""Generates examples that carry a proof each, and replays the proofs of what was generated.

python -m launch.generate_synthetic --domain=math --count=100000 --output=synthetic [--level=arithmetic] [--workers=8]
python -m launch.generate_synthetic --domain=math --level=proofs --source=metamath_steps --metamath=set.mm ...
python -m launch.generate_synthetic --domain=math --level=arithmetic --count=100 --output=DIR \\
    --config=experiments/demo.py --workdir=runs/demo --model=mixture_after_joint [--temperature=0.7]
python -m launch.generate_synthetic --verify=synthetic

Every example is checked before it is written, equal ones are written once, and the files depend neither on the number
of workers nor on how often a run was stopped. They lie as those of `launch.process_data` do. With --model the prompts are
the generators' and the completions the model's; the same checkers decide which are kept.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import tempfile
import time
from typing import TYPE_CHECKING

from absl import flags

from data.accounts import Account
from data.domains import DOMAINS, LEVELS, level_index
from data.generators.metamath_steps import load
from data.pipeline.ledger import add_rows
from data.pipeline.runners import local_runner
from data.synthetic import build as build_lib
from data.synthetic.makers import makers
from data.synthetic.replay import replay
from launch import cli, provenance
from launch.errors import CheckFailed, UsageError, UserError
from launch.progress import Progress
from launch.workdir import LOCK_FILE, MANIFEST_FILE, Workdir, atomic_write_json, read_json_object, sha256_file

if TYPE_CHECKING:
    from launch.writer import ModelWriter

STAGE = "generate_synthetic"
_FIX = "choose another --output, or delete it"


def define_flags() -> None:
    """Defines the flags."""
    flags.DEFINE_string("domain", None, f"What to make: {', '.join(DOMAINS)}.")
    flags.DEFINE_integer("count", None, "Examples to write, spread evenly over the levels.", lower_bound=1)
    flags.DEFINE_string("output", None, "Folder to write to; a second start goes on where the first was.")
    flags.DEFINE_string("level", "", "Only this level of the domain.")
    flags.DEFINE_string("source", "", "Only this source of those that generate the domain.")
    flags.DEFINE_string("metamath", "", "Metamath database (.mm) whose verified proofs give steps for math/proofs.")
    flags.DEFINE_integer("seed", 0, "Another seed makes other examples.", lower_bound=0)
    flags.DEFINE_integer("workers", os.cpu_count() or 1, "Processes; the files do not depend on it.", lower_bound=1)
    flags.DEFINE_string("model", "", "Model that writes the completions, as launch.evaluate names them.")
    cli.define_config()
    flags.DEFINE_string("workdir", "", "Folder of the run that the model is of; --config is its config.")
    flags.DEFINE_float("temperature", 0.7, "Of the model's sampling; 0 is greedy.", lower_bound=0.0)
    flags.DEFINE_integer("max_tokens", 256, "Tokens of a completion.", lower_bound=1)
    flags.DEFINE_string("verify", None, "Folder of an earlier run: replay the certificate of every document in it.")


def _writer(values: flags.FlagValues) -> ModelWriter | None:
    """The model that writes, None where the generators do."""
    config = values["config"].value
    if not values.model:
        if config is not None or values.workdir:
            raise UsageError("--config and --workdir are for --model, which is missing", "add --model=NAME")
        return None
    if values.metamath:
        raise UsageError("steps of Metamath proofs are not written by models", "leave --metamath or --model out")
    if config is None or not values.workdir:
        raise UsageError("--model is given without --config or --workdir", "name the run that the model is of")
    from launch import writer  # generators need no JAX

    return writer.load(config, values.workdir, values.model, values.temperature, values.max_tokens)


def _check(values: flags.FlagValues) -> None:
    """Raises where something is missing that no default stands for, before a model is loaded."""
    for name in ("domain", "count", "output"):
        if values[name].value is None:
            raise UsageError(f"--{name} is missing", f"add --{name}=..., or --verify=DIR")
    level_index(values.domain, values.level or LEVELS.get(values.domain, ("",))[0])


def _options(values: flags.FlagValues, model: str) -> build_lib.Options:
    digest = load(values.metamath).sha256 if values.metamath else ""
    wanted = (values.level,) if values.level else LEVELS[values.domain]
    for level in wanted:
        makers(values.domain, level, values.source, values.metamath)
    return build_lib.Options(values.domain, values.count, values.seed, values.level, values.source, digest, model)


def _refuse_other(output: str) -> None:
    """Raises UserError where the folder holds what no run of this program has put there."""
    folder = pathlib.Path(output)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"--output={output} is not a folder", "choose another --output")
    for path in sorted(folder.iterdir()):
        if path.name not in (LOCK_FILE, MANIFEST_FILE, f"{MANIFEST_FILE}.partial") and not _is_ours(path):
            raise UserError(f"{output} holds {path.name}, which is not of a run of {STAGE}", _FIX)
    manifest = read_json_object(folder / MANIFEST_FILE, _FIX)
    if manifest is not None and manifest.get("stage") != STAGE:
        raise UserError(f"{output} was made by {manifest.get('stage')}", _FIX)


def _is_ours(path: pathlib.Path) -> bool:
    """Whether a run has begun this domain's folder, or was killed while it was about to."""
    if path.name not in DOMAINS or not path.is_dir():
        return False
    return (path / build_lib.STARTED).exists() or all(inner.suffix == ".partial" for inner in path.iterdir())


def _write_manifest(output: str, metamath: str) -> None:
    """The manifest of all domains that the folder holds, from their own."""
    folder = pathlib.Path(output)
    found = {domain: read_json_object(folder / domain / MANIFEST_FILE, _FIX) for domain in DOMAINS}
    parts = {domain: manifest for domain, manifest in found.items() if manifest is not None}
    before = read_json_object(folder / MANIFEST_FILE, _FIX) or {"inputs": {}}
    databases = {part["options"]["metamath_sha256"] for part in parts.values()} - {""}
    inputs = {path: digest for path, digest in before["inputs"].items() if digest in databases}
    if metamath:
        inputs[metamath] = load(metamath).sha256
    account = Account()
    for part in parts.values():
        add_rows(account, part)
    manifest = {
        "stage": STAGE,
        "config_hash": hashlib.sha256("".join(part["digest"] for part in parts.values()).encode()).hexdigest(),
        "inputs": inputs,
        "started": min(part["started"] for part in parts.values()),
        "finished": max(part["finished"] for part in parts.values()),
        "versions": provenance.versions(),
        "domains": {domain: part["levels"] for domain, part in parts.items()},
        **account.rows(),
    }
    atomic_write_json(folder / MANIFEST_FILE, manifest)


def _generate(values: flags.FlagValues) -> None:
    _check(values)
    writer = _writer(values)
    # A model stays in this process.
    workers = 1 if writer else values.workers
    options = _options(values, writer.name if writer else "")
    _refuse_other(values.output)
    with Workdir(values.output).lock():
        with Progress([values.domain]) as shown, shown.stage(values.domain) as stage:
            began = time.monotonic()

            def tell(at: build_lib.Progress) -> None:
                rate = at.made / max(time.monotonic() - began, 1e-9)
                stage.update(at.chosen, at.wanted, level=at.level, candidates_per_second=rate)

            with local_runner(workers) as runner:
                report = build_lib.build(options, values.output, values.metamath, runner, provenance.now, tell, writer)
        if report.seconds or not (pathlib.Path(values.output) / MANIFEST_FILE).exists():
            _write_manifest(values.output, values.metamath)
        else:
            print(f"{values.domain}: all is complete in {values.output}")
    _print_summary(values.domain, report, workers)


def _print_summary(domain: str, report: build_lib.Report, workers: int) -> None:
    row = report.manifest["records"]
    dropped, quarantined = sum(row["dropped"].values()), sum(row["quarantined"].values())
    print(f"records  in {row['in']:,} = out {row['out']:,} + dropped {dropped:,} + quarantined {quarantined:,}")
    for reason, count in sorted(row["dropped"].items()):
        print(f"  {reason:28} {count:,}")
    for level, seconds in report.seconds.items():
        documents = report.manifest["levels"][level]["documents"]
        print(f"  {level:28} {documents:,} examples, {documents / seconds:,.0f} examples/s")
    if total := sum(report.seconds.values()):
        processes = f"{workers} process" + ("es" if workers > 1 else "")
        rate = f"{row['out'] / total:,.0f} examples/s"
        print(f"{domain}: {row['out']:,} examples in {total:.1f} s, {rate}, {processes}")


def _database(values: flags.FlagValues, root: pathlib.Path) -> str:
    """The Metamath database to replay from: the one given, or the one the manifest names if it is still what it was."""
    if values.metamath:
        return values.metamath
    manifest = read_json_object(root / MANIFEST_FILE, _FIX) or {}
    for path, digest in (manifest.get("inputs") or {}).items():
        if os.path.isfile(path) and sha256_file(path) == digest:
            return path
    return ""


def _verify(values: flags.FlagValues) -> None:
    root = pathlib.Path(values.verify)
    if not root.is_dir():
        raise UserError(f"--verify={root} is not a folder", "give the --output of an earlier run")
    database = _database(values, root)
    with tempfile.TemporaryDirectory() as results, local_runner(values.workers) as runner:
        found = replay(str(root), database, results, runner)
    for name, count in found.counts.items():
        print(f"{name:44} {count:,}")
    for failure in found.failures[:-1]:
        print(f"fails: {failure}")
    if found.failed:
        raise CheckFailed(found.failures[-1], f"{found.failed:,} of {sum(found.counts.values()):,} documents fail")
    print(f"{sum(found.counts.values()):,} documents, every certificate replays")


def run() -> None:
    """Does what the flags say.

    Raises:
      UserError: the flags, the input or the folder make no sense; what to change is in the message.
    """
    values = flags.FLAGS
    try:
        if values.verify is not None:
            _verify(values)
        else:
            _generate(values)
    except (ValueError, OSError) as error:
        fix = _FIX if isinstance(error, build_lib.OtherOptionsError) else ""
        raise UserError(str(error), fix) from error


if __name__ == "__main__":
    define_flags()
    cli.command(run)
