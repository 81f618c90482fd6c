"""Bytes that a compiled program moves between a chip's main memory and its cores: a lower bound.

Every fusion reads its operands and writes its results once, as far as they lie in main memory (the compiler keeps some
in the chip's own); of an operand that a fusion only slices the slices count, of a result that it updates in place the
update. Kernels count as they declare, what is received from other chips as read and written once.
"""

from __future__ import annotations

import re

from mistral_moe.aot.collectives import KINDS
from mistral_moe.aot.hlo import Array, Instruction, Module, Run, called, runs

_FREE = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast", "while", "conditional", "call", "after-all"}
_FREE |= {"partition-id", "replica-id", "iota", "optimization-barrier", "domain", "add-dependency"}
_SLICES = {"dynamic-slice", "slice", "gather"}
_PASSING = {"bitcast", "copy", "reshape", "transpose", "convert"}


def _in_memory(arrays: tuple[Array, ...]) -> int:
    return sum(array.bytes for array in arrays if array.space == 0)


def _users(inside: dict[str, Instruction]) -> dict[str, list[Instruction]]:
    result: dict[str, list[Instruction]] = {}
    for instruction in inside.values():
        for name in instruction.operands:
            result.setdefault(name, []).append(instruction)
    return result


def _exchanges(instruction: Instruction) -> bool:
    return instruction.opcode.removesuffix("-start") in KINDS or "AsyncCollective" in instruction.text


def _read(name: str, inside: dict[str, Instruction], module: Module, whole: int) -> int:
    """Bytes that the computation `inside` reads of its value `name`, of `whole` bytes."""
    total = 0
    for user in _users(inside).get(name, []):
        if user.opcode in _SLICES and user.operands[0] == name:
            total += user.bytes
        elif user.opcode == "bitcast":
            total += _read(user.name, inside, module, whole)
        elif user.opcode == "fusion":
            nested = module.computations[called(user)[0]]
            for place, operand in enumerate(user.operands):
                if operand == name:
                    total += _read(_parameter(nested, place), nested, module, whole)
        elif user.opcode == "tuple" or _exchanges(user):
            continue
        elif user.opcode == "dynamic-update-slice" and user.operands[0] == name:
            continue
        else:
            return whole
    return min(total, whole)


def _parameter(inside: dict[str, Instruction], place: int) -> str:
    return next(i.name for i in inside.values() if i.opcode == "parameter" and int(i.literal) == place)


def _written(result: Instruction, inside: dict[str, Instruction], module: Module, whole: int) -> int:
    """Bytes that one result of a fusion writes, of `whole` bytes."""
    source = result
    while source.opcode in _PASSING and source.operands:
        source = inside[source.operands[0]]
    if source.opcode == "parameter" or _exchanges(source):
        return 0
    if source.opcode == "dynamic-update-slice":
        return min(inside[source.operands[1]].bytes, whole)
    if source.opcode == "fusion":
        nested = module.computations[called(source)[0]]
        root = next(i for i in nested.values() if i.is_root)
        if root.opcode != "tuple":
            return _written(root, nested, module, whole)
    return whole


def _fusion(instruction: Instruction, module: Module, operands: list[Instruction]) -> int:
    inside = module.computations[called(instruction)[0]]
    total = 0
    for parameter in (i for i in inside.values() if i.opcode == "parameter"):
        whole = _in_memory(operands[int(parameter.literal)].arrays)
        total += _read(parameter.name, inside, module, whole) if whole else 0
    root = next(i for i in inside.values() if i.is_root)
    results = [inside[name] for name in root.operands] if root.opcode == "tuple" else [root]
    for result, place in zip(results, instruction.arrays):
        total += _written(result, inside, module, place.bytes) if place.space == 0 else 0
    return total


def bytes_of(run: Run, module: Module) -> float:
    """Bytes of one run of an instruction."""
    instruction, inside = run.instruction, module.computations[run.computation]
    opcode = instruction.opcode
    if run.in_fusion or opcode in _FREE or opcode.endswith("-done"):
        return 0.0
    operands = [inside[name] for name in instruction.operands]
    if opcode == "fusion":
        return _fusion(instruction, module, operands)
    if opcode in ("copy-start", "slice-start"):
        # Result: target and source, in an order that differs; each counts where it lies.
        target = next((a for a in instruction.arrays if a.space), instruction.arrays[0])
        source_in_memory = any(a.space == 0 for a in operands[0].arrays)
        moved = min(target.bytes, operands[0].bytes)
        return moved * (int(target.space == 0) + int(source_in_memory))
    if opcode == "custom-call":
        declared = re.search(r'"bytes_accessed":"(\d+)"', instruction.text)
        if declared:
            return float(declared[1])
        if '"tpu_custom_call"' not in instruction.text:
            return 0.0
    if opcode == "dynamic-update-slice":
        return 2.0 * operands[1].bytes
    if opcode in _SLICES:
        return 2.0 * _in_memory(instruction.arrays)
    return float(_in_memory(instruction.arrays) + sum(_in_memory(operand.arrays) for operand in operands))


def total_bytes(module: Module) -> float:
    """Bytes of a step on one chip."""
    return sum(run.times * bytes_of(run, module) for run in runs(module))
