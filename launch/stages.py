"""The table of stages: what each is called, where it lies, what it reads and which module runs it.

Nothing heavy is imported here: the pipeline reads this table to find that everything is complete without
loading JAX or TensorFlow. A stage's module exposes `run(context: StageContext) -> StageOutcome`.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

import ml_collections

from launch.errors import UserError

POST_TRAINING = "post_training"  # the key of the config that names the optional stages which a run has


@dataclasses.dataclass(frozen=True)
class Reading:
    """A stage that another one reads only under some configs.

    Attributes:
      stage: what is read.
      key: of the section that the reading stage has.
      wanted: whether it is read, from the key's value.
    """

    stage: str
    key: str
    wanted: Callable[[Any], bool]


@dataclasses.dataclass(frozen=True)
class StageSpec:
    """One row of the table.

    Attributes:
      name: what users and manifests call it.
      folder: its folder in the workdir.
      needs: names of the stages whose outputs it reads, all of them earlier in the table.
      config_keys: top-level keys of the config that it reads. Together with those of the stages it needs they
        make its config hash. `mesh` is in none of them: a run may go on on other devices.
      module: the binary, `python -m <module>`.
      is_optional: whether the pipeline leaves it out unless `--stages` or the config's `post_training` names it; no other
        kind of stage may need it.
      starts_from: the stages that `config.<name>.init` may name, whose model it begins with; `needs` has the default.
      readings: what it reads under some configs only.
      tells_of: the optional stages that it reads where `config.post_training` names them, which it then reads, too.
    """

    name: str
    folder: str
    needs: tuple[str, ...]
    config_keys: tuple[str, ...]
    module: str
    is_optional: bool = False
    starts_from: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    tells_of: tuple[str, ...] = ()


Stages = Mapping[str, StageSpec]


def table(*specs: StageSpec) -> dict[str, StageSpec]:
    """A table from rows in the order in which they run.

    Raises:
      ValueError: two rows share a name or folder, a row reads one that does not come before it, one that always runs
        needs one that is optional, or one that may start from several needs not exactly one of them.
    """
    result: dict[str, StageSpec] = {}
    for spec in specs:
        if spec.name in result or spec.folder in {other.folder for other in result.values()}:
            raise ValueError(f"stage {spec.name!r}: name or folder is used twice")
        read = {*spec.needs, *spec.starts_from, *spec.tells_of, *(reading.stage for reading in spec.readings)}
        if not read <= result.keys():
            raise ValueError(f"stage {spec.name!r} needs a stage that does not come before it")
        if not spec.is_optional and any(result[need].is_optional for need in spec.needs):
            raise ValueError(f"stage {spec.name!r} always runs and needs one that is optional")
        if spec.starts_from and len(set(spec.starts_from) & set(spec.needs)) != 1:
            raise ValueError(f"stage {spec.name!r} needs not exactly one of the stages that it may start from")
        result[spec.name] = spec
    return result


STAGES: Stages = table(
    StageSpec("data", "data", (), ("seed", "domains", "data"), "launch.process_data"),
    StageSpec("tokenizer", "tokenizer", ("data",), ("seed", "tokenizer", "tasks"), "launch.train_tokenizer"),
    StageSpec("seed", "seed", ("data", "tokenizer"), ("model", "train", "seed_stage"), "launch.train_seed"),
    StageSpec("experts", "experts", ("data", "tokenizer", "seed"), ("experts",), "launch.train_experts"),
    StageSpec("mix", "mix", ("seed", "experts"), ("mix",), "launch.mix_experts"),
    StageSpec("router", "router", ("data", "tokenizer", "mix"), ("router",), "launch.train_router"),
    StageSpec("joint", "joint", ("data", "tokenizer", "router"), ("joint",), "launch.train_joint"),
    StageSpec("sft", "sft", ("data", "tokenizer", "joint"), ("sft",), "launch.train_sft", is_optional=True),
    StageSpec(
        "reward",
        "reward",
        ("tokenizer", "joint"),
        ("reward",),
        "launch.train_reward",
        is_optional=True,
        starts_from=("joint", "sft"),
    ),
    StageSpec(
        "ppo",
        "ppo",
        ("data", "tokenizer", "joint"),
        ("ppo",),
        "launch.train_ppo",
        is_optional=True,
        starts_from=("joint", "sft"),
        readings=(Reading("reward", "learned_weight", lambda weight: weight != 0),),
    ),
    StageSpec(
        "improve",
        "improve",
        ("data", "tokenizer", "joint"),
        ("improve",),
        "launch.self_improve",
        is_optional=True,
        starts_from=("joint", "sft", "ppo"),
        readings=(Reading("reward", "quality", lambda quality: quality == "reward"),),
    ),
    # Its budget is what the experts, the router and the joint phase together spent.
    StageSpec(
        "dense",
        "dense",
        ("data", "tokenizer", "seed", "experts", "router", "joint"),
        ("dense",),
        "launch.train_dense",
    ),
    StageSpec(
        "evaluate",
        "eval",
        ("data", "tokenizer", "seed", "experts", "mix", "router", "joint", "dense"),
        ("evaluate",),
        "launch.evaluate",
        tells_of=("sft", "ppo", "improve"),
    ),
    # The run's own checks are made here and not in `evaluate`, so that a failed one still has its report.
    StageSpec(
        "report",
        "report",
        ("data", "tokenizer", "seed", "experts", "mix", "router", "joint", "dense", "evaluate"),
        ("report", "checks"),
        "launch.report",
        tells_of=("sft", "reward", "ppo", "improve"),
    ),
)


def get(name: str, stages: Stages = STAGES) -> StageSpec:
    """The row of a stage.

    Raises:
      UserError: there is no such stage; the nearest names are given.
    """
    if name in stages:
        return stages[name]
    near = difflib.get_close_matches(name, stages, n=2)
    raise UserError(
        f"no stage is called {name!r}", f"the nearest: {', '.join(near)}" if near else f"there are: {', '.join(stages)}"
    )


def resolved(config: ml_collections.ConfigDict, stages: Stages = STAGES) -> Stages:
    """The table as a config has it: who begins with whose model, and which optional stages belong to the run.

    Stages that `config.post_training` names always run, and those that tell of the run's models need them. A config
    without that key, or without the section of a stage, is taken to have the table's defaults: so had old ones.

    Args:
      config: the whole config.
      stages: the table.

    Raises:
      UserError: `post_training` or an `init` names what it may not, or a stage of `post_training` reads an optional one
        that is not among them.
    """
    chosen = _post_training(config, stages)
    rows = []
    for spec in stages.values():
        read = _read_by_config(spec, config)
        missing = {need: key for need, key in read.items() if stages[need].is_optional and need not in chosen}
        if spec.name in chosen and missing:
            need, key = next(iter(missing.items()))
            raise UserError(
                f"{POST_TRAINING} has {spec.name}, which reads {need} ({key}), and not {need}",
                f"put {need!r} before {spec.name!r} in config.{POST_TRAINING}, or change config.{key}",
            )
        told = set(spec.tells_of) & set(chosen)
        needs = {need for need in spec.needs if need not in spec.starts_from} | read.keys() | told
        keys = spec.config_keys + ((POST_TRAINING,) if spec.tells_of and POST_TRAINING in config else ())
        rows.append(
            dataclasses.replace(
                spec,
                needs=tuple(name for name in stages if name in needs),
                config_keys=keys,
                is_optional=spec.is_optional and spec.name not in chosen,
            )
        )
    return table(*rows)


def _post_training(config: ml_collections.ConfigDict, stages: Stages) -> tuple[str, ...]:
    names = tuple(config.get(POST_TRAINING, ()))
    known = [name for name, spec in stages.items() if spec.is_optional]
    if names != tuple(name for name in known if name in names):
        raise UserError(
            f"config.{POST_TRAINING} is {names!r}",
            f"name some of {', '.join(known) or 'no stages'}, each once, in this order",
        )
    return names


def _read_by_config(spec: StageSpec, config: ml_collections.ConfigDict) -> dict[str, str]:
    """Stages that a stage reads for the sake of its own section of the config -> the key that says so."""
    section, read = config.get(spec.name, {}), {}
    if spec.starts_from:
        (default,) = set(spec.starts_from) & set(spec.needs)
        key, init = f"{spec.name}.init", section.get("init", default)
        if init not in spec.starts_from:
            raise UserError(f"config.{key} is {init!r}", f"it is one of {', '.join(spec.starts_from)}")
        read[init] = key
    for reading in spec.readings:
        if reading.key in section and reading.wanted(section[reading.key]):
            read.setdefault(reading.stage, f"{spec.name}.{reading.key}")
    return read


def ancestors(name: str, stages: Stages = STAGES) -> tuple[str, ...]:
    """All stages that a stage rests on, directly or through others, in the order of the table."""
    found: set[str] = set()
    waiting = list(stages[name].needs)
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.add(need)
            waiting.extend(stages[need].needs)
    return tuple(other for other in stages if other in found)


def config_keys(name: str, stages: Stages = STAGES) -> tuple[str, ...]:
    """The top-level config keys that decide a stage's result: its own and those of all its ancestors."""
    keys = {key for other in (*ancestors(name, stages), name) for key in stages[other].config_keys}
    return tuple(sorted(keys))


def load_run(name: str, stages: Stages = STAGES) -> Callable[[Any], Any]:
    """The stage's `run` function; importing its module is what loads JAX and TensorFlow."""
    module = stages[name].module
    main = sys.modules["__main__"]
    # `python -m launch.train_seed` is already loaded, as __main__; a second copy would define its flags twice.
    if getattr(getattr(main, "__spec__", None), "name", None) == module:
        return main.run
    return importlib.import_module(module).run
