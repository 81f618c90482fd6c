"""How fast a compiled step could be at best: what compute, memory and links need at a data sheet's rates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from mistral_moe.aot import matmuls, traffic
from mistral_moe.aot.chips import Chip
from mistral_moe.aot.collectives import KINDS
from mistral_moe.aot.hlo import Module, runs

_BESIDE = ("copy", "slice")


@dataclasses.dataclass(frozen=True)
class Roofline:
    """Seconds of a step.

    Attributes:
      compute: all FLOPs of the matrix units at their peak.
      memory: all bytes of the main memory at its bandwidth.
      core: one operation after the other, each bound by its compute or its memory; copies that run beside them left
        out.
      waiting: exchanges that the compiler put between the operations instead of beside them.
      links: all exchanges along each mesh axis, over the links that it spans.
    """

    compute: float
    memory: float
    core: float
    waiting: float
    links: Mapping[str, float]

    @property
    def step(self) -> float:
        """The longest of three: operations and what stands between them, memory, and links, which all axes share."""
        return max(self.core + self.waiting, self.memory, sum(self.links.values()))

    @property
    def step_in_turns(self) -> float:
        """The step if no exchange ran beside computation."""
        return max(self.core + sum(self.links.values()), self.memory)

    @property
    def bound(self) -> str:
        """Which of them decides."""
        if self.step == self.core + self.waiting:
            return "compute" if self.compute > self.step / 2 else "memory"
        return "memory" if self.step == self.memory else "links"


def model(module: Module, chip: Chip, links: Mapping[str, float], waiting: float, window: int | None) -> Roofline:
    """The roofline of a program on a chip.

    Args:
      module: the program.
      chip: what it runs on.
      links: seconds of its collectives, by mesh axis.
      waiting: of those, the seconds of collectives that nothing runs beside.
      window: tokens that attention sees, None for all.
    """
    compute = memory = core = 0.0
    busy = moved = 0.0
    times = 1
    for run in runs(module):
        if not run.in_fusion:
            core += times * max(busy, moved / chip.hbm_bandwidth)
            busy, times = 0.0, run.times
            everything = traffic.bytes_of(run, module)
            memory += times * everything / chip.hbm_bandwidth
            moved = 0.0 if run.instruction.opcode.removesuffix("-start") in (*_BESIDE, *KINDS) else everything
        peak = chip.int8_flops if matmuls.is_int8(module, run) else chip.flops
        own = matmuls.flops_of(module, run, window) / peak
        busy += own
        compute += run.times * own
    core += times * max(busy, moved / chip.hbm_bandwidth)
    return Roofline(compute, memory, core, waiting, dict(links))
