"""Compiled programs as XLA prints them: computations, instructions, shapes, and how often each computation runs."""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses
import functools
import math
import re

_BYTES = {"pred": 1, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "bf16": 2, "f16": 2, "s32": 4, "u32": 4, "f32": 4}
_BYTES |= {"s64": 8, "u64": 8, "f64": 8, "c64": 8, "s4": 0.5, "u4": 0.5, "f8e4m3fn": 1, "f8e5m2": 1, "token": 0}

_HEAD = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\) -> .* \{$")
_INSTRUCTION = re.compile(r"^\s+(ROOT )?%([\w.\-]+) = ")
_ARRAY = re.compile(r"([a-z]\w*)\[([\d,]*)\](?:\{([^{}]*)\})?")
_SPACE = re.compile(r"S\((\d+)\)")
_NAME = re.compile(r"%([\w.\-]+)")
# Attributes that name the computations an instruction runs once each time; a while names its two apart.
_CALLED = re.compile(r"\b(?:calls|to_apply|async_execution_thread_calls)=%?([\w.\-]+)")
_BRANCHES = re.compile(r"\b(?:branch_computations=\{([^}]*)\}|(?:true|false)_computation=%?([\w.\-]+))")


@dataclasses.dataclass(frozen=True)
class Array:
    """An array's type: dtype, dims, and the memory space of its layout (0 is the device's main memory)."""

    dtype: str
    dims: tuple[int, ...]
    space: int

    @property
    def size(self) -> int:
        return math.prod(self.dims)

    @property
    def bytes(self) -> int:
        return int(self.size * _BYTES.get(self.dtype, 4))


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One line of a computation.

    Attributes:
      name: unique in the program.
      opcode: `fusion`, `all-gather`, ...
      arrays: the arrays of its result, in order; one unless the result is a tuple.
      operands: names.
      text: what follows the operands: attributes, metadata, backend config.
      literal: what stands in the parentheses where there are no operands: a constant's value, a parameter's index.
      is_root: whether it is the computation's result.
    """

    name: str
    opcode: str
    arrays: tuple[Array, ...]
    operands: tuple[str, ...]
    text: str
    literal: str
    is_root: bool

    @functools.cached_property
    def op_name(self) -> str:
        """The path of the operation that this came from, `jit(step)/jvp(Mistral)/...`, or ""."""
        found = re.search(r'op_name="([^"]*)"', self.text)
        return found[1] if found else ""

    @property
    def bytes(self) -> int:
        return sum(array.bytes for array in self.arrays)


@dataclasses.dataclass(frozen=True)
class Module:
    """A program.

    Attributes:
      computations: by name, each its instructions by name, in the order they stand.
      entry: name of the computation that the program begins in.
    """

    computations: dict[str, dict[str, Instruction]]
    entry: str


def _closing(text: str, start: int) -> int:
    """Place of the parenthesis that closes the one at `start`."""
    depth = 0
    for place in range(start, len(text)):
        if text[place] == "(":
            depth += 1
        elif text[place] == ")":
            depth -= 1
            if not depth:
                return place
    raise ValueError(f"a parenthesis is not closed in an instruction: {text[:80]}")


def _arrays(text: str) -> tuple[Array, ...]:
    found = []
    for dtype, dims, layout in _ARRAY.findall(text):
        space = _SPACE.search(layout)
        found.append(Array(dtype, tuple(int(size) for size in dims.split(",") if size), int(space[1]) if space else 0))
    return tuple(found)


def _instruction(line: str) -> Instruction | None:
    head = _INSTRUCTION.match(line)
    if not head:
        return None
    rest = line[head.end() :]
    end = _closing(rest, 0) + 1 if rest.startswith("(") else rest.index(" ")
    opcode, _, _ = rest[end + 1 :].partition("(")
    start = end + 1 + len(opcode)
    close = _closing(rest, start)
    inside = rest[start + 1 : close]
    return Instruction(
        name=head[2],
        opcode=opcode.strip(),
        arrays=_arrays(rest[:end]),
        operands=tuple(_NAME.findall(inside)),
        text=rest[close + 1 :],
        literal="" if "%" in inside else inside,
        is_root=bool(head[1]),
    )


def _whole_lines(text: str) -> Iterator[str]:
    """Lines of a program; an attribute of a kernel may hold line breaks of its own."""
    whole: list[str] = []
    for line in text.splitlines():
        if whole and not (_INSTRUCTION.match(line) or _HEAD.match(line) or line in ("}", "")):
            whole.append(line)
            continue
        if whole:
            yield " ".join(whole)
        whole = [line]
    yield " ".join(whole)


def parse(text: str) -> Module:
    """Reads what `compiled.as_text()` gives.

    Raises:
      ValueError: the text has no entry computation.
    """
    computations: dict[str, dict[str, Instruction]] = {}
    entry, current = "", None
    for line in _whole_lines(text):
        if head := _HEAD.match(line):
            current = computations.setdefault(head[2], {})
            entry = head[2] if head[1] else entry
        elif line == "}":
            current = None
        elif current is not None and (found := _instruction(line)):
            current[found.name] = found
    if not entry:
        raise ValueError("the text of the compiled program has no entry computation")
    return Module(computations, entry)


def called(instruction: Instruction) -> list[str]:
    """Computations that an instruction runs, a while's left out; of a conditional all branches."""
    if instruction.opcode in ("reduce", "reduce-window", "sort", "scatter", "map", "select-and-scatter", "while"):
        return []
    if instruction.opcode.startswith(("all-reduce", "reduce-scatter")):
        return []
    names = _CALLED.findall(instruction.text)
    for several, single in _BRANCHES.findall(instruction.text):
        names += _NAME.findall(several) or ([single] if single else [])
    return names


def loop_of(instruction: Instruction) -> tuple[str, str]:
    """(condition, body) of a while."""
    found = re.search(r"condition=%?([\w.\-]+), body=%?([\w.\-]+)", instruction.text)
    return found[1], found[2]


def trip_count(module: Module, computation: str, loop: Instruction) -> int | None:
    """How often a while's body runs: a counter that starts at a constant and is compared with one; None if unknown."""
    if known := re.search(r'known_trip_count[^\d]*"?n"?[^\d]*(\d+)', loop.text):
        return int(known[1])
    condition, _ = loop_of(loop)
    inside = module.computations[condition]
    root = next(instruction for instruction in inside.values() if instruction.is_root)
    if root.opcode == "fusion":
        # The comparison alone, fused: its operands are the fusion's.
        (fused,) = _CALLED.findall(root.text)
        compare = next(i for i in module.computations[fused].values() if i.is_root)
        places = [int(module.computations[fused][name].literal or -1) for name in compare.operands]
        if compare.opcode != "compare" or min(places) < 0:
            return None
        operands = [inside[root.operands[place]] for place in places]
    elif root.opcode == "compare":
        compare, operands = root, [inside[name] for name in root.operands]
    else:
        return None
    counter, limit = operands
    if "direction=LT" not in compare.text or counter.opcode != "get-tuple-element" or limit.opcode != "constant":
        return None
    start = _constant(
        module.computations[computation], loop.operands[0], int(re.search(r"index=(\d+)", counter.text)[1])
    )
    return None if start is None else int(limit.literal) - start


def _constant(computation: dict[str, Instruction], tuple_name: str, index: int) -> int | None:
    """Value of one element of a tuple, where it is a constant."""
    made = computation.get(tuple_name)
    if made is None or made.opcode != "tuple":
        return None
    value = computation[made.operands[index]]
    while value.opcode in ("copy", "bitcast", "convert") and value.operands:
        value = computation[value.operands[0]]
    return int(value.literal) if value.opcode == "constant" and value.literal.lstrip("-").isdigit() else None


@dataclasses.dataclass(frozen=True)
class Run:
    """An instruction and how often it runs.

    Attributes:
      instruction: the instruction.
      computation: where it stands.
      times: runs per run of the program.
      context: the innermost computation around it that is scheduled: the entry or the body of a loop, never a fusion.
      in_fusion: whether it is a part of a fusion, so that what it reads and writes stays on the chip's registers.
    """

    instruction: Instruction
    computation: str
    times: int
    context: str
    in_fusion: bool


def runs(module: Module, unknown_loops: list[str] | None = None) -> Iterator[Run]:
    """Every instruction that runs, fusions opened, with how often.

    Args:
      module: the program.
      unknown_loops: names of loops of unknown length are added to it; their bodies count once.
    """

    def walk(computation: str, times: int, context: str, in_fusion: bool) -> Iterator[Run]:
        for instruction in module.computations[computation].values():
            yield Run(instruction, computation, times, context, in_fusion)
            if instruction.opcode == "while":
                count = trip_count(module, computation, instruction)
                if count is None and unknown_loops is not None:
                    unknown_loops.append(instruction.name)
                _, body = loop_of(instruction)
                yield from walk(body, times * (1 if count is None else count), body, False)
            for name in called(instruction):
                fused = in_fusion or instruction.opcode == "fusion"
                yield from walk(name, times, context if fused else name, fused)

    yield from walk(module.entry, 1, module.entry, False)
