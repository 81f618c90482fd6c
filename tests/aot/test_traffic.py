"""Bytes of the main memory: slices count as slices, updates in place as updates, and what is on the chip not at all."""

from mistral_moe.aot import hlo, traffic

_PROGRAM = """%nested (s: bf16[32,100], t: s32[]) -> bf16[1,100] {
  %s = bf16[32,100]{1,0} parameter(0)
  %t = s32[] parameter(1)
  ROOT %slice = bf16[1,100]{1,0} dynamic-slice(%s, %t, %t), dynamic_slice_sizes={1,100}
}

%fused (p: bf16[32,100], i: s32[], u: bf16[1,100], big: bf16[32,100]) -> (bf16[32,100], bf16[1,100]) {
  %p = bf16[32,100]{1,0} parameter(0)
  %i = s32[] parameter(1)
  %u = bf16[1,100]{1,0} parameter(2)
  %big = bf16[32,100]{1,0} parameter(3)
  %one = bf16[1,100]{1,0} fusion(%p, %i), kind=kLoop, calls=%nested
  %sum = bf16[1,100]{1,0} add(%one, %u)
  %updated = bf16[32,100]{1,0} dynamic-update-slice(%big, %sum, %i, %i)
  ROOT %both = (bf16[32,100]{1,0}, bf16[1,100]{1,0}) tuple(%updated, %sum)
}

ENTRY %main (a: bf16[32,100]) -> bf16[32,100] {
  %a = bf16[32,100]{1,0} parameter(0)
  %here = bf16[1,100]{1,0:T(8,128)S(1)} custom-call(), custom_call_target="AllocateBuffer"
  %zero = s32[]{:S(2)} constant(0)
  %f = (bf16[32,100]{1,0}, bf16[1,100]{1,0:S(1)}) fusion(%a, %zero, %here, %a), kind=kLoop, calls=%fused
  %copied = (bf16[32,100]{1,0:S(1)}, bf16[32,100]{1,0}, u32[]{:S(2)}) copy-start(%a)
  ROOT %plain = bf16[32,100]{1,0} negate(%a)
}
"""


def test_each_operation_moves_what_it_touches():
    module = hlo.parse(_PROGRAM)
    moved = {run.instruction.name: traffic.bytes_of(run, module) for run in hlo.runs(module)}
    row, whole = 200, 6400
    # One row is read through the nested fusion, one written in place; the rest lies on the chip.
    assert moved["f"] == 2 * row
    # Read here, written on the chip.
    assert moved["copied"] == whole
    assert moved["plain"] == 2 * whole
    assert sum(moved.values()) == traffic.total_bytes(module) == 2 * row + 3 * whole
