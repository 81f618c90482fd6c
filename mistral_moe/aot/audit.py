"""All that is known of a compiled step without running it, as one dictionary that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import re
from typing import Any

from mistral_moe.aot import collectives, hlo, matmuls, roofline
from mistral_moe.aot.chips import Topology
from mistral_moe.aot.matmuls import AGAIN, DIRECTIONS

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def of_step(
    text: str,
    memory: Any,
    ideal: Mapping[str, Mapping[str, float]],
    local_tokens: int,
    window: int | None,
    mesh_shape: Mapping[str, int],
    topology: Topology,
    coordinates: Sequence[tuple[int, ...]],
) -> dict[str, Any]:
    """Audits a step that was compiled.

    Args:
      text: the compiled program.
      memory: its `memory_analysis()`.
      ideal: part -> direction -> FLOPs of a step on one chip, by formula.
      local_tokens: of one model on one chip.
      window: tokens that attention sees, None for all.
      mesh_shape: axis -> size.
      topology: what it was compiled for.
      coordinates: of each chip on the torus, in the order of the flattened mesh.

    Returns:
      fits, bytes_per_chip, flops, audit, collectives, collectives_detail, roofline, modelled_step_seconds,
      modelled_mfu, loops_of_unknown_length.
    """
    module = hlo.parse(text)
    unknown: list[str] = []
    for _ in hlo.runs(module, unknown):
        pass
    by_part = matmuls.by_part(matmuls.find(module, local_tokens, window))
    exchanged = collectives.summary(collectives.find(module, len(coordinates)), mesh_shape, topology, coordinates)
    bound = roofline.model(
        module,
        topology.chip,
        links={axis: entry["seconds"] for axis, entry in exchanged.items()},
        waiting=sum(entry["waiting"] for entry in exchanged.values()),
        window=window,
    )
    compiled = sum(sum(entry.values()) for entry in by_part.values())
    again = sum(entry[AGAIN] for entry in by_part.values())
    needed = sum(sum(entry.values()) for entry in ideal.values())
    fresh = memory.output_size_in_bytes - memory.alias_size_in_bytes
    total = memory.argument_size_in_bytes + memory.temp_size_in_bytes + fresh + memory.generated_code_size_in_bytes
    return {
        "fits": total <= topology.chip.usable_bytes,
        "bytes_per_chip": {
            "arguments": memory.argument_size_in_bytes,
            "outputs": memory.output_size_in_bytes,
            "temporaries": memory.temp_size_in_bytes,
            "aliased": memory.alias_size_in_bytes,
            "code": memory.generated_code_size_in_bytes,
            "peak": memory.peak_memory_in_bytes,
            "total": total,
            "limit": topology.chip.usable_bytes,
        },
        "flops": {
            "compiled": compiled,
            "ideal": needed,
            "ratio": compiled / needed,
            "computed_again": again,
            "ratio_but_again": (compiled - again) / needed,
        },
        "audit": audit_rows(by_part, ideal),
        "collectives": {axis: entry["bytes"] for axis, entry in exchanged.items()},
        "collectives_detail": exchanged,
        "roofline": {
            "compute_seconds": bound.compute,
            "memory_seconds": bound.memory,
            "core_seconds": bound.core,
            "waiting_seconds": bound.waiting,
            "link_seconds": dict(bound.links),
            "bound": bound.bound,
        },
        "modelled_step_seconds": bound.step,
        "modelled_mfu": needed / (bound.step * topology.chip.flops),
        "modelled_mfu_without_overlap": needed / (bound.step_in_turns * topology.chip.flops),
        "loops_of_unknown_length": unknown,
    }


def audit_rows(
    by_part: Mapping[str, Mapping[str, float]], ideal: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """One row a part and direction: compiled and ideal FLOPs and their ratio (None where the ideal is nothing)."""
    rows = []
    for part in [*ideal, *(name for name in by_part if name not in ideal)]:
        for direction in DIRECTIONS:
            compiled, needed = by_part.get(part, {}).get(direction, 0.0), ideal.get(part, {}).get(direction, 0.0)
            if compiled or needed:
                ratio = compiled / needed if needed else None
                rows.append(
                    {"part": part, "direction": direction, "compiled": compiled, "ideal": needed, "ratio": ratio}
                )
    return rows


def out_of_memory(message: str) -> tuple[int, int] | None:
    """(bytes that a program would take, bytes there are) by the compiler's refusal; None if it is another error."""
    size = r"([\d.]+)([KMGT]?)"
    found = re.search(rf"Used {size} of {size} hbm|temporaries \({size}\) exceeds available HBM \({size}\)", message)
    if not found:
        return None
    used, used_unit, limit, limit_unit = (group for group in found.groups() if group is not None)
    return int(float(used) * _UNITS[used_unit]), int(float(limit) * _UNITS[limit_unit])
