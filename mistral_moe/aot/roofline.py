"""How fast a compiled step could be at best: what compute, memory and links need at the rates of the chip's data sheet."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from mistral_moe.aot import matmuls, traffic
from mistral_moe.aot.chips import Chip
from mistral_moe.aot.hlo import Module, runs

_BESIDE = ("copy-start", "slice-start")


@dataclasses.dataclass(frozen=True)
class Roofline:
    """Seconds of a step.

    Attributes:
      compute: all FLOPs of the matrix units at their peak.
      memory: all bytes of the main memory at its bandwidth.
      core: one operation after the other, each bound by its compute or its memory; copies that run beside them left out.
      links: bytes exchanged along each mesh axis, over the links that it spans.
    """

    compute: float
    memory: float
    core: float
    links: Mapping[str, float]

    @property
    def step(self) -> float:
        """Core, memory and links wait for each other never; exchanges along different axes share the links."""
        return max(self.core, self.memory, sum(self.links.values()))

    @property
    def bound(self) -> str:
        """Which of them decides."""
        if self.step == self.core:
            return "compute" if self.compute > self.core / 2 else "memory"
        return "memory" if self.step == self.memory else "links"


def model(module: Module, chip: Chip, links: Mapping[str, float], window: int | None) -> Roofline:
    """The roofline of a program on a chip.

    Args:
      module: the program.
      chip: what it runs on.
      links: seconds of its collectives, by mesh axis.
      window: tokens that attention sees, None for all.
    """
    compute = memory = core = 0.0
    flops = moved = 0.0
    times = 1
    for run in runs(module):
        if not run.in_fusion:
            core += times * max(flops / chip.flops, moved / chip.hbm_bandwidth)
            flops, times = 0.0, run.times
            everything = traffic.bytes_of(run, module)
            memory += times * everything / chip.hbm_bandwidth
            moved = 0.0 if run.instruction.opcode in _BESIDE else everything
        own = matmuls.flops_of(module, run, window)
        flops += own
        compute += run.times * own / chip.flops
    core += times * max(flops / chip.flops, moved / chip.hbm_bandwidth)
    return Roofline(compute, memory, core, dict(links))
