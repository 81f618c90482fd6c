"""The chips that programs are compiled for, by their public data sheets, and the torus that they are wired as.

Sources: https://cloud.google.com/tpu/docs/v5e, .../v5p, .../v6e (system architecture: peak compute in bf16 and int8, HBM
bandwidth, bidirectional ICI bandwidth per chip). A link's bandwidth is half of the last (one direction), shared among
the chip's links. The memory that a program may use is what the compiler itself reports as the capacity when one
doesn't fit.
"""

from __future__ import annotations

import dataclasses
import re

_GIB = 2**30


@dataclasses.dataclass(frozen=True)
class Chip:
    """One generation.

    Attributes:
      name: `v5p`.
      flops: peak of dense bf16 matmuls, FLOP/s.
      int8_flops: likewise, of int8.
      hbm_bytes: main memory by the data sheet.
      usable_bytes: of it, what a program may take.
      hbm_bandwidth: bytes/s.
      link_bandwidth: bytes/s of one link in one direction.
      dimensions: of the torus; two links a dimension.
      ring: the least extent of a slice along a dimension that is closed to a ring; shorter ones are lines.
      largest: extents of the largest slice.
    """

    name: str
    flops: float
    int8_flops: float
    hbm_bytes: float
    usable_bytes: int
    hbm_bandwidth: float
    link_bandwidth: float
    dimensions: int
    ring: int
    largest: tuple[int, ...]


CHIPS = {
    chip.name: chip
    for chip in (
        Chip("v5e", 197e12, 394e12, 16e9, int(15.75 * _GIB), 800e9, 50e9, 2, 16, (16, 16)),
        Chip("v5p", 459e12, 918e12, 95e9, int(95.74 * _GIB), 2765e9, 100e9, 3, 4, (16, 16, 24)),
        Chip("v6e", 918e12, 1836e12, 32e9, int(31.25 * _GIB), 1600e9, 100e9, 2, 16, (16, 16)),
    )
}


class TopologyError(ValueError):
    """A topology that doesn't exist; the message says what there is."""


@dataclasses.dataclass(frozen=True)
class Topology:
    """A slice of a pod.

    Attributes:
      chip: the generation.
      extents: chips along each dimension of the torus.
    """

    chip: Chip
    extents: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.chip.name}:{'x'.join(map(str, self.extents))}"


def topology(text: str) -> Topology:
    """Reads `v5p:4x8x8`.

    Raises:
      TopologyError: an unknown generation, or a slice that it isn't sold in.
    """
    name, _, shape = text.partition(":")
    if name not in CHIPS:
        raise TopologyError(f"topology {text!r}: unknown generation {name!r}; there are {', '.join(CHIPS)}")
    chip = CHIPS[name]
    example = f"{name}:{'x'.join(map(str, (4,) * chip.dimensions))}"
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", shape):
        raise TopologyError(f"topology {text!r} has no shape; write it like {example}")
    extents = tuple(int(size) for size in shape.split("x"))
    if len(extents) != chip.dimensions:
        raise TopologyError(
            f"topology {text!r} has {len(extents)} dimensions; {name} is a torus of {chip.dimensions}, like {example}"
        )
    if any(size > most for size, most in zip(sorted(extents), sorted(chip.largest))):
        raise TopologyError(f"topology {text!r} is larger than {name}'s {'x'.join(map(str, chip.largest))}")
    if extents[0] % 2 or extents[1] % 2:
        raise TopologyError(
            f"topology {text!r}: hosts hold 2x2 chips, so the first two extents are even, like {example}"
        )
    if chip.dimensions == 3 and any(size % 4 for size in extents if size > 4):
        raise TopologyError(
            f"topology {text!r}: {name} slices of more than 4 chips a side come in cubes, like {example}"
        )
    return Topology(chip, extents)


def links(topology: Topology, coordinates: list[tuple[int, ...]]) -> list[tuple[int, int]]:
    """(extent, links) of each dimension of the torus along which the chips of a group lie apart.

    A chip receives over both links of a dimension where the group takes a whole ring; else its end has one.
    """
    found = []
    for dimension, full in enumerate(topology.extents):
        extent = len({place[dimension] for place in coordinates})
        if extent > 1:
            found.append((extent, 2 if extent == full and full >= topology.chip.ring else 1))
    return found
