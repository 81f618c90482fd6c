"""FLOPs of a compiled program's matrix multiplications, by part of the model and direction.

Counted is what the matrix units do: dots and convolutions (a TPU's compiler writes a batched matmul as a convolution)
by their shapes, attention kernels by the blocks that they visit, other kernels by the cost that they declare, each as
often as the loops around it run. What the vector units do is not.
"""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses
import math
import re

import numpy as np

from mistral_moe.aot.hlo import Instruction, Module, Run, runs

FORWARD, INPUTS, WEIGHTS, AGAIN = "forward", "gradient of inputs", "gradient of weights", "computed again"
DIRECTIONS = (FORWARD, INPUTS, WEIGHTS, AGAIN)
# Parts by the first pattern that the operation's path holds; the names are those of `training.flops`.
_PARTS = (
    ("reasoning", r"/reasoning/"),
    ("router", r"/router/"),
    ("experts", r"/(experts|ffn)/"),
    ("attention_weights", r"/attention/B[TS]D,D[NK]H->|/attention/BTNH,NHD->"),
    ("attention_scores", r"/attention/"),
    ("head", r"[/(]head[/)]"),
)


@dataclasses.dataclass(frozen=True)
class Matmul:
    """One multiplication.

    Attributes:
      part: of the model, or "other".
      direction: one of `DIRECTIONS`.
      op_name: its path in the model.
      times: runs per step.
      flops: of one run on one chip.
    """

    part: str
    direction: str
    op_name: str
    times: int
    flops: float


def dot_flops(instruction: Instruction, lhs: tuple[int, ...]) -> float:
    """Two for each multiply-add of a `dot`; `lhs` are the dims of its first operand."""
    found = re.search(r"lhs_contracting_dims=\{([\d,]*)\}", instruction.text)
    contracted = math.prod(lhs[int(axis)] for axis in found[1].split(",") if axis) if found else 1
    return 2.0 * instruction.arrays[0].size * contracted


def convolution_flops(instruction: Instruction, lhs: tuple[int, ...], rhs: tuple[int, ...]) -> float:
    """Two for each multiply-add of a `convolution` that meets no padding and no hole of a dilation."""
    labels = re.search(r"dim_labels=(\w+)_(\w+)->(\w+)", instruction.text)
    window = {
        name: [int(size) for size in value.split("x")] if name != "pad" else value.split("x")
        for name, value in re.findall(
            r"(\w+)=([\dx_\-]+)", (re.search(r"window=\{([^}]*)\}", instruction.text) or [""])[0]
        )
    }
    out = instruction.arrays[0].dims
    spatial = sorted(label for label in labels[1] if label.isdigit())
    valid = 1
    for place, label in enumerate(spatial):

        def at(name: str, default: int, place: int = place) -> int:
            return window[name][place] if name in window else default

        low = int(window["pad"][place].split("_")[0]) if "pad" in window else 0
        base, dilation = at("lhs_dilate", 1), at("rhs_dilate", 1)
        outputs = np.arange(out[labels[3].index(label)])[:, None] * at("stride", 1)
        index = outputs + np.arange(rhs[labels[2].index(label)])[None] * dilation - low
        limit = (lhs[labels[1].index(label)] - 1) * base + 1
        valid *= int(((index >= 0) & (index < limit) & (index % base == 0)).sum())
    features = rhs[labels[2].index("i")] * rhs[labels[2].index("o")]
    groups = re.search(r"batch_group_count=(\d+)", instruction.text)
    return 2.0 * out[labels[3].index("b")] * features * valid / (int(groups[1]) if groups else 1)


def kernel_flops(instruction: Instruction, operands: list[Instruction]) -> float:
    """What a kernel says that it costs; a grouped matmul also for the tiles that two groups share, at their most."""
    declared = re.search(r'"flops":"(\d+)"', instruction.text)
    flops = float(declared[1]) if declared else 0.0
    if re.search(r"/jit\(t?gmm\)/", instruction.op_name):
        # Its tables: where each group begins [E + 1], and the group of each step over tiles of rows [tiles + E - 1].
        offsets, table = operands[1].arrays[0].size, operands[2].arrays[0].size
        flops *= table / (table - (offsets - 2))
    return flops


def visible_blocks(length: int, block_q: int, block_kv: int, window: int | None) -> int:
    """Blocks of queries by keys in which a token may see another, causally and inside the window."""
    first = np.arange(0, length, block_q)
    last = first + block_q - 1
    oldest = np.maximum(first - (window or length) + 1, 0) // block_kv
    return int((last // block_kv - oldest + 1).sum())


def splash_flops(instruction: Instruction, operands: list[Instruction], window: int | None) -> tuple[float, float]:
    """(FLOPs that the result needs, FLOPs of what is computed again) of one of the splash attention kernels.

    Forward are scores and values, 2 matmuls. Backward needs 4: the weights' gradient, queries', keys' and values'. The
    scores are made again, once if one kernel does it all; of two, the second also makes the weights' gradient again.
    """
    # After tables of integers the queries come first: [B, N, T, H], or [N, T, H] where a chip has one row.
    arrays = [operand.arrays[0] for operand in operands]
    *maps, length, width = next(array.dims for array in arrays if array.dtype in ("bf16", "f32"))
    kind = re.search(r"splash_m[hq]a_(fwd|dq|dkv)", instruction.op_name)[1]
    suffix = {"fwd": "", "dq": "_dq", "dkv": "_dkv"}[kind]
    block_q, block_kv = (
        int(re.search(rf'{name}{suffix}\\?": (\d+)', instruction.text)[1]) for name in ("block_q", "block_kv")
    )
    pairs = visible_blocks(length, block_q, block_kv, window) * block_q * block_kv
    one = 2.0 * math.prod(maps) * pairs * width
    is_fused = bool(re.search(r'use_fused_bwd_kernel\\?": true', instruction.text))
    needed, again = {"fwd": (2, 0), "dq": (2, 1), "dkv": (4, 1) if is_fused else (2, 2)}[kind]
    return needed * one, again * one


def part_of(op_name: str) -> str:
    """Part of the model that an operation belongs to, by its path."""
    return next((part for part, pattern in _PARTS if re.search(pattern, op_name)), "other")


def _direction(op_name: str, contracted: float, local_tokens: int) -> str:
    if "rematted_computation" in op_name:
        return AGAIN
    if "transpose(" not in op_name:
        return FORWARD
    if "/ND,DV->NV/" in op_name:
        return AGAIN
    if "/jit(tgmm)/" in op_name or "/ND,NV->DV/" in op_name:
        return WEIGHTS
    if "/jit(gmm)/" in op_name or "/NV,DV->ND/" in op_name:
        return INPUTS
    return WEIGHTS if contracted == local_tokens else INPUTS


def _flops(module: Module, run: Run, window: int | None) -> tuple[float, float, float]:
    """(FLOPs, of those what is computed again, length of the contraction) of one run; zeros for what is no matmul."""
    instruction, inside = run.instruction, module.computations[run.computation]
    operands = [inside[name] for name in instruction.operands]
    if instruction.opcode == "dot":
        flops = dot_flops(instruction, operands[0].arrays[0].dims)
    elif instruction.opcode == "convolution":
        flops = convolution_flops(instruction, operands[0].arrays[0].dims, operands[1].arrays[0].dims)
    elif instruction.opcode == "custom-call" and '"tpu_custom_call"' in instruction.text:
        if "/splash_m" in instruction.op_name:
            needed, again = splash_flops(instruction, operands, window)
            return needed + again, again, 0.0
        return kernel_flops(instruction, operands), 0.0, 0.0
    else:
        return 0.0, 0.0, 0.0
    return flops, 0.0, flops / 2 / max(instruction.arrays[0].size, 1)


def flops_of(module: Module, run: Run, window: int | None) -> float:
    """FLOPs of one run of an instruction; 0 of what is no matmul. Arguments as `find`'s."""
    return _flops(module, run, window)[0]


def is_int8(module: Module, run: Run) -> bool:
    """Whether an instruction multiplies int8 by int8."""
    inside = module.computations[run.computation]
    kinds = [array.dtype for name in run.instruction.operands[:2] for array in inside[name].arrays[:1]]
    return run.instruction.opcode in ("dot", "convolution") and kinds == ["s8", "s8"]


def find(module: Module, local_tokens: int, window: int | None) -> Iterator[Matmul]:
    """The matmuls of a program.

    Args:
      module: the program.
      local_tokens: of one model on one chip: a backward matmul that contracts over as many makes a gradient of weights.
        Where a width of the model is as large the two can't be told apart.
      window: tokens that attention sees, None for all.
    """
    for run in runs(module):
        flops, again, contracted = _flops(module, run, window)
        name = run.instruction.op_name
        direction = _direction(name, contracted, local_tokens)
        for share, way in ((flops - again, direction), (again, AGAIN)):
            if share:
                yield Matmul(part_of(name), way, name, run.times, share)


def by_part(found: Iterator[Matmul]) -> dict[str, dict[str, float]]:
    """part -> direction -> FLOPs of a step on one chip."""
    result: dict[str, dict[str, float]] = {}
    for matmul in found:
        entry = result.setdefault(matmul.part, dict.fromkeys(DIRECTIONS, 0.0))
        entry[matmul.direction] += matmul.times * matmul.flops
    return result
