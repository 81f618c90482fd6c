"""Bytes that a compiled program exchanges between chips, by mesh axis, and how long the links take for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
import dataclasses
import math
import re

import numpy as np

from mistral_moe.aot.chips import Topology, links
from mistral_moe.aot.hlo import Module, Run, runs

KINDS = (
    "all-gather",
    "reduce-scatter",
    "all-reduce",
    "all-to-all",
    "ragged-all-to-all",
    "collective-permute",
    "collective-broadcast",
)


@dataclasses.dataclass(frozen=True)
class Collective:
    """One exchange.

    Attributes:
      kind: one of `KINDS`.
      op_name: where in the model it comes from.
      times: runs per step.
      groups: chips that exchange something with each other, as places in the flattened mesh.
      waits: whether the core stands still meanwhile; other exchanges run beside computation.
      bytes: what a chip receives in one run: of a result that is gathered, or an operand that is scattered, the share
        of the other chips; twice that for an all-reduce (scatter, then gather).
    """

    kind: str
    op_name: str
    times: int
    groups: tuple[tuple[int, ...], ...]
    waits: bool
    bytes: float


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def _counted(shape: Sequence[int], dims: Sequence[int], permutation: Sequence[int]) -> np.ndarray:
    """Chips counted up, seen as dims, transposed, and cut into groups: `[4,2]<=[2,4]T(1,0)`."""
    places = np.arange(math.prod(dims)).reshape(dims)
    return (places.transpose(permutation) if len(permutation) else places).reshape(shape)


def groups_of(text: str, num_devices: int) -> list[list[int]]:
    """Groups of a collective from its attributes, in each notation that XLA prints.

    Raises:
      ValueError: a notation that is not known.
    """
    if pairs := re.search(r"source_target_pairs=\{((?:\{\d+,\d+\},?)*)\}", text):
        return [_numbers(pair) for pair in re.findall(r"\{(\d+,\d+)\}", pairs[1])]
    if mesh := re.search(r"replica_groups=mesh\[([^\]]*)\](?:,\s*device_ids=\(([^{]*)\))?\s*\{([^}]*)\}", text):
        names, counts = re.findall(r"'([^']+)'=", mesh[1]), _numbers(re.sub(r"'[^']*'", "", mesh[1]))
        places = np.arange(math.prod(counts))
        if mesh[2]:
            order = re.fullmatch(r"\[([\d,]+)\](?:T\(([\d,]+)\))?", mesh[2].strip())
            if order is None:
                raise ValueError(f"groups in a notation that is not known: {mesh[0]}")
            places = _counted([-1], _numbers(order[1]), _numbers(order[2] or ""))
        if re.search(r"'\s*:", mesh[3]):
            raise ValueError(f"groups along a part of an axis are not known: {mesh[0]}")
        along = [names.index(name) for name in re.findall(r"'([^']+)'", mesh[3])]
        held = [axis for axis in range(len(names)) if axis not in along]
        size = math.prod(counts[axis] for axis in along)
        return places.reshape(counts).transpose(held + along).reshape(-1, size).tolist()
    if iota := re.search(r"replica_groups=\[([\d,]+)\](?:<=\[([\d,]+)\](?:T\(([\d,]+)\))?)?", text):
        shape = _numbers(iota[1])
        return _counted(shape, _numbers(iota[2] or "") or [math.prod(shape)], _numbers(iota[3] or "")).tolist()
    if listed := re.search(r"replica_groups=\{((?:\{[\d,]*\},?)*)\}", text):
        return [_numbers(group) for group in re.findall(r"\{([\d,]*)\}", listed[1])] or [list(range(num_devices))]
    raise ValueError(f"a collective in a notation that is not known: {text[:200]}")


def _received(kind: str, run: Run, operand_bytes: int, size: int) -> float:
    share = (size - 1) / size
    if kind == "all-gather":
        # An asynchronous start gives its operand back beside the result.
        whole = run.instruction.bytes - (operand_bytes if run.instruction.opcode.endswith("-start") else 0)
        return whole * share
    if kind == "all-reduce":
        return 2 * operand_bytes * share
    if kind in ("reduce-scatter", "all-to-all", "ragged-all-to-all"):
        return operand_bytes * share
    return operand_bytes


def find(module: Module, num_devices: int) -> Iterator[Collective]:
    """The collectives of a program in which chips exchange anything."""
    seen = set()
    for run in runs(module):
        kind = run.instruction.opcode.removesuffix("-start")
        if kind not in KINDS:
            continue
        # An exchange that runs beside fusions stands in each of them.
        if chain := re.search(r'chain_id="(\d+)"', run.instruction.text):
            if (run.context, chain[1]) in seen:
                continue
            seen.add((run.context, chain[1]))
        groups = [group for group in groups_of(run.instruction.text, num_devices) if len(set(group)) > 1]
        if not groups:
            continue
        if kind == "all-reduce" and run.computation.startswith("all-reduce-scatter"):
            kind = "reduce-scatter"
        inside = module.computations[run.computation]
        operand_bytes = sum(inside[name].bytes for name in run.instruction.operands)
        yield Collective(
            kind=kind,
            op_name=run.instruction.op_name,
            times=run.times,
            groups=tuple(map(tuple, groups)),
            waits=not chain and not run.instruction.opcode.endswith("-start"),
            bytes=_received(kind, run, operand_bytes, len(groups[0])),
        )


def axes_of(groups: Iterable[Sequence[int]], mesh_shape: Mapping[str, int]) -> str:
    """Mesh axes along which the first group's chips differ, `data+fsdp`."""
    places = np.unravel_index(np.asarray(next(iter(groups))), tuple(mesh_shape.values()))
    return "+".join(axis for axis, along in zip(mesh_shape, places) if len(set(along.tolist())) > 1)


def seconds(collective: Collective, topology: Topology, coordinates: Sequence[tuple[int, ...]]) -> float:
    """Time of all runs of a collective at the links' full bandwidth, with every dimension of the torus that it spans."""
    spanned = links(topology, [coordinates[place] for place in collective.groups[0]])
    link = topology.chip.link_bandwidth
    if collective.kind.endswith("all-to-all"):
        # Bytes travel a quarter of a ring on average, over two links a chip; through the middle link of a line of n
        # goes a quarter of what its n chips send. The fullest dimension decides.
        hops = max(extent / (8 if count == 2 else 4) for extent, count in spanned)
        return collective.times * collective.bytes * hops / link
    used = 1 if collective.kind == "collective-permute" else sum(count for _, count in spanned)
    return collective.times * collective.bytes / (used * link)


def summary(
    found: Iterable[Collective],
    mesh_shape: Mapping[str, int],
    topology: Topology,
    coordinates: Sequence[tuple[int, ...]],
) -> dict[str, dict]:
    """By mesh axis: bytes that a chip receives a step, seconds, of those the seconds waited for, and bytes by kind."""
    result: dict[str, dict] = {}
    for collective in found:
        axis = axes_of(collective.groups, mesh_shape)
        entry = result.setdefault(axis, {"bytes": 0.0, "seconds": 0.0, "waiting": 0.0, "kinds": {}})
        moved = collective.times * collective.bytes
        entry["bytes"] += moved
        taken = seconds(collective, topology, coordinates)
        entry["seconds"] += taken
        entry["waiting"] += taken * collective.waits
        entry["kinds"][collective.kind] = entry["kinds"].get(collective.kind, 0.0) + moved
    return result
