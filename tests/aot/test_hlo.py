"""Compiled programs as text: what is read is what stands there, and loops run as often as they do."""

import jax
import jax.numpy as jnp
import pytest

from mistral_moe.aot import hlo

_PROGRAM = """HloModule jit_step, is_scheduled=true

%body (p: (s32[], f32[8,4])) -> (s32[], f32[8,4]) {
  %p = (s32[]{:T(128)}, f32[8,4]{1,0:T(8,128)S(1)}) parameter(0)
  %i = s32[] get-tuple-element(%p), index=0
  %x = f32[8,4]{1,0} get-tuple-element(%p), index=1
  %k = f32[8,4]{1,0} custom-call(%x), custom_call_target="tpu_custom_call", frontend_attributes={kernel_metadata={
"xprof_metadata":"{\\"block_q\\": 256}"
}}, metadata={op_name="jit(step)/while/body/kernel"}
  %one = s32[] constant(1)
  %next = s32[] add(%i, %one)
  ROOT %out = (s32[], f32[8,4]{1,0}) tuple(%next, %k)
}

%condition (q: (s32[], f32[8,4])) -> pred[] {
  %q = (s32[], f32[8,4]{1,0}) parameter(0)
  %j = s32[] get-tuple-element(%q), index=0
  %limit = s32[]{:T(128)} constant(32)
  ROOT %less = pred[] compare(%j, %limit), direction=LT
}

ENTRY %main (a: f32[8,4]) -> f32[8,4] {
  %a = f32[8,4]{1,0} parameter(0)
  %start = s32[] constant(2)
  %copied = s32[] copy(%start)
  %init = (s32[], f32[8,4]{1,0}) tuple(%copied, %a)
  %loop = (s32[], f32[8,4]{1,0}) while(%init), condition=%condition, body=%body
  ROOT %result = f32[8,4]{1,0} get-tuple-element(%loop), index=1
}
"""


def test_shapes_spaces_and_attributes_over_several_lines():
    module = hlo.parse(_PROGRAM)
    assert module.entry == "main" and list(module.computations) == ["body", "condition", "main"]
    parameter, kernel = module.computations["body"]["p"], module.computations["body"]["k"]
    assert [(a.dtype, a.dims, a.space, a.bytes) for a in parameter.arrays] == [
        ("s32", (), 0, 4),
        ("f32", (8, 4), 1, 128),
    ]
    assert (kernel.opcode, kernel.operands, kernel.op_name) == ("custom-call", ("x",), "jit(step)/while/body/kernel")
    assert '"block_q\\": 256' in kernel.text


def test_a_loop_runs_from_its_start_to_its_limit():
    times = {run.instruction.name: run.times for run in hlo.runs(hlo.parse(_PROGRAM))}
    assert times["k"] == 30 and times["result"] == 1
    assert {run.context for run in hlo.runs(hlo.parse(_PROGRAM))} == {"main", "body"}


def test_a_loop_of_unknown_length_is_named_and_counts_once():
    unknown = []
    program = _PROGRAM.replace("copy(%start)", "negate(%start)")
    times = {run.instruction.name: run.times for run in hlo.runs(hlo.parse(program), unknown)}
    assert unknown == ["loop"] and times["k"] == 1


def test_nested_loops_multiply():
    def inner(x, _):
        return jnp.sin(x @ x), None

    def outer(x, _):
        return jax.lax.scan(inner, x, length=3)[0], None

    text = jax.jit(lambda x: jax.lax.scan(outer, x, length=5)[0]).lower(jnp.ones((8, 8))).compile().as_text()
    times = [run.times for run in hlo.runs(hlo.parse(text)) if run.instruction.opcode == "dot"]
    assert times == [15]


def test_text_that_is_no_program_is_refused():
    with pytest.raises(ValueError, match="no entry computation"):
        hlo.parse("nothing")
