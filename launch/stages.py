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

from launch.errors import UserError


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
      is_optional: whether the pipeline leaves it out unless `--stages` names it; no other kind of stage may need it.
    """

    name: str
    folder: str
    needs: tuple[str, ...]
    config_keys: tuple[str, ...]
    module: str
    is_optional: bool = False


Stages = Mapping[str, StageSpec]


def table(*specs: StageSpec) -> dict[str, StageSpec]:
    """A table from rows in the order in which they run.

    Raises:
      ValueError: two rows share a name or folder, a row needs one that does not come before it, or one that always runs
        needs one that is optional.
    """
    result: dict[str, StageSpec] = {}
    for spec in specs:
        if spec.name in result or spec.folder in {other.folder for other in result.values()}:
            raise ValueError(f"stage {spec.name!r}: name or folder is used twice")
        if not set(spec.needs) <= result.keys():
            raise ValueError(f"stage {spec.name!r} needs a stage that does not come before it")
        if not spec.is_optional and any(result[need].is_optional for need in spec.needs):
            raise ValueError(f"stage {spec.name!r} always runs and needs one that is optional")
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
    StageSpec("reward", "reward", ("tokenizer", "joint"), ("reward",), "launch.train_reward", is_optional=True),
    StageSpec("ppo", "ppo", ("data", "tokenizer", "joint"), ("ppo",), "launch.train_ppo", is_optional=True),
    StageSpec(
        "improve", "improve", ("data", "tokenizer", "joint"), ("improve",), "launch.self_improve", is_optional=True
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
    ),
    # The run's own checks are made here and not in `evaluate`, so that a failed one still has its report.
    StageSpec(
        "report",
        "report",
        ("data", "tokenizer", "seed", "experts", "mix", "router", "joint", "dense", "evaluate"),
        ("report", "checks"),
        "launch.report",
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
