"""Config files: loading one as `FILE[:ARG]`, and checking the keys that a command line overrides."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import pathlib
import sys
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

import ml_collections

from launch.errors import UserError

_MODULE = "_experiment"


def load(value: str) -> ml_collections.ConfigDict:
    """The config of `FILE` or `FILE:ARG`, which `get_config()` or `get_config(ARG)` of that file returns.

    Raises:
      UserError: there is no such file, it raises, or it returns no ConfigDict; names the file and line.
    """
    file, colon, argument = value.partition(":")
    path = pathlib.Path(file)
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=1)
        fix = f"did you mean {path.parent / near[0]}?" if near else "give the path of a Python file with get_config()"
        raise UserError(f"config file {file!r} does not exist", fix)
    try:
        spec = importlib.util.spec_from_file_location(_MODULE, path)
        if spec is None or spec.loader is None:
            raise UserError(f"config file {file} is no Python file", "its name must end in .py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[_MODULE] = module  # dataclasses in the file look their module up
        spec.loader.exec_module(module)
        if not callable(getattr(module, "get_config", None)):
            raise UserError(f"config file {file} has no function get_config", "define get_config() in it")
        arguments = [argument] if colon else []
        try:
            inspect.signature(module.get_config).bind(*arguments)
        except TypeError:
            what, fix = (
                ("takes no argument", f"use --config={file}")
                if colon
                else ("needs an argument", f"use --config={file}:ARG")
            )
            raise UserError(f"get_config in {file} {what}", fix) from None
        config = module.get_config(*arguments)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        frames = [
            f
            for f in traceback.extract_tb(error.__traceback__)
            if f.filename == str(path.absolute()) or f.filename == str(path)
        ]
        line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
        where = f", line {line}," if line else ""
        raise UserError(f"config file {file}{where} raised {type(error).__name__}: {error}", "mend the file") from error
    finally:
        sys.modules.pop(_MODULE, None)
    if not isinstance(config, ml_collections.ConfigDict):
        raise UserError(
            f"get_config in {file} returned a {type(config).__name__}", "return an ml_collections.ConfigDict"
        )
    return config


def keys(config: ml_collections.ConfigDict, prefix: str = "") -> Iterator[str]:
    """The dotted paths of all values, sections themselves left out."""
    for key, value in config.items():
        if isinstance(value, ml_collections.ConfigDict):
            yield from keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def _nearest(config: ml_collections.ConfigDict, path: str) -> str:
    """The keys that the user may have meant, or else those of the innermost section that exists."""
    section, prefix = config, ""
    *outer, last = path.split(".")
    for name in outer:
        if not isinstance(section.get(name), ml_collections.ConfigDict):
            break
        section, prefix = section[name], f"{prefix}{name}."
    near = [prefix + key for key in difflib.get_close_matches(last, list(section), n=3)]
    # A key given without its section, or in the wrong one, still has its last name.
    every = list(keys(config))
    tails = difflib.get_close_matches(last, {key.rsplit(".", 1)[-1] for key in every}, n=2, cutoff=0.8)
    near += [key for tail in tails for key in every if key.rsplit(".", 1)[-1] == tail]
    if near:
        return "the nearest: " + ", ".join(f"--config.{key}" for key in list(dict.fromkeys(near))[:3])
    where = f"config.{prefix.rstrip('.')}" if prefix else "config"
    return f"{where} has {', '.join(section)}"


def check_overrides(config: ml_collections.ConfigDict, paths: Iterable[str]) -> None:
    """Holds every overridden path against the config.

    Raises:
      UserError: a path names nothing (the nearest keys are given), a whole section, or a value of no type.
    """
    for path in paths:
        holder: Any = config
        for part in path.split("."):
            if not isinstance(holder, ml_collections.ConfigDict) or part not in holder:
                raise UserError(f"unknown config key --config.{path}", _nearest(config, path))
            parent, holder = holder, holder[part]
        if isinstance(holder, ml_collections.ConfigDict):
            inner = ", ".join(list(keys(holder))[:5])
            raise UserError(f"--config.{path} is a section", f"set its keys one by one: {inner}")
        if parent.get_type(part) is type(None):
            raise UserError(
                f"--config.{path} is None in the config file, so its type is unknown",
                "set it in the file, or declare it there with ml_collections.config_dict.placeholder(type)",
            )
        if isinstance(holder, list):
            raise UserError(
                f"--config.{path} is a list", "make it a tuple in the config file: only tuples can be overridden"
            )


def type_name(config: ml_collections.ConfigDict, path: str) -> str:
    """The name of the type that a key takes, for instance `int`."""
    *sections, key = path.split(".")
    for section in sections:
        config = config[section]
    return config.get_type(key).__name__


def check_tuples(before: ml_collections.ConfigDict, overrides: dict[str, Any]) -> None:
    """Holds the items of overridden tuples against the items they replace: flags take any literal there.

    Raises:
      UserError: an item has another type than all items of the tuple in the config file.
    """
    for path, value in overrides.items():
        if not isinstance(value, tuple):
            continue
        old: Any = before
        for part in path.split("."):
            old = old[part]
        types = {type(item) for item in old or ()}
        if len(types) != 1:
            continue
        (kind,) = types
        allowed = (int, float) if kind is float else (kind,)
        for item in value:
            if type(item) not in allowed:
                raise UserError(
                    f"--config.{path} takes items of type {kind.__name__}, not {item!r}", f"for example {old!r}"
                )
