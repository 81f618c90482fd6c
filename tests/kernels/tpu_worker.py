"""Compiles for chips of a TPU on a machine that has none, in a process of its own, and prints what was found as JSON.

python tests/kernels/tpu_worker.py WHAT [TOPOLOGY]
"""

import dataclasses
import functools
import json
import sys

from launch import tpu_compiler

tpu_compiler.prepare()  # before JAX is loaded

import jax
from jax.experimental import topologies
import jax.numpy as jnp
import numpy as np

from mistral_moe import mesh_context, sharding
from mistral_moe.aot import hlo
from mistral_moe.aot.matmuls import is_int8
from mistral_moe.kernels import megablox
from mistral_moe.kernels.grouped_feed_forward import grouped_feed_forward
from mistral_moe.kernels.grouped_matmul import grouped_matmul
from mistral_moe.kernels.quantized_product import quantized_product
from mistral_moe.kernels.segment_attention import segment_attention
from mistral_moe.models.attention import sight_of
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params
from mistral_moe.training.losses import language_model_loss


def compiled(function, *shapes):
    """The program for one chip; `shapes` are (shape, dtype)."""
    return jax.jit(function).lower(*(jax.ShapeDtypeStruct(*shape) for shape in shapes)).compile()


def facts(program):
    text = program.as_text()
    return {
        "flops": program.cost_analysis()["flops"],
        "kernels": text.count('custom_call_target="tpu_custom_call"'),
        "temporaries": program.memory_analysis().temp_size_in_bytes,
    }


def of_grouped_matmul():
    """FLOPs of each direction over the ideal: as XLA and the kernels' own estimates count them, and by whole tiles."""
    rows, inner, outer, groups = 32_768, 1024, 1536, 5
    report = {}
    for dtype, directions in (("bfloat16", ("value", "lhs gradient", "rhs gradient")), ("float32", ("rhs gradient",))):
        lhs, rhs, dout = ((rows, inner), dtype), ((groups, inner, outer), dtype), ((rows, outer), dtype)
        sizes = ((groups,), "int32")

        def pull(lhs, rhs, dout, sizes):
            return jax.vjp(lambda a, b: grouped_matmul(a, b, sizes), lhs, rhs)[1](dout)

        functions = {
            "value": (lambda a, b, d, s: grouped_matmul(a, b, s)),
            "lhs gradient": lambda *args: pull(*args)[0],
            "rhs gradient": lambda *args: pull(*args)[1],
        }
        ideal = 2 * rows * inner * outer
        # A group that begins inside a tile computes it once more; the last tile of each dimension is computed whole.
        for name in directions:
            is_weights = name == "rhs gradient"
            tile = (megablox.gradient_tile_rows if is_weights else megablox.tile_rows)(rows, groups)
            whole = 2 * tile * (-(-rows // tile) + groups - 1)
            for width in (inner, outer):
                tile = megablox.tile_width(width, jnp.dtype(dtype).itemsize)
                whole *= tile * -(-width // tile)
            found = facts(compiled(functions[name], lhs, rhs, dout, sizes))
            report[f"{name}, {dtype}"] = found | {"ratio": found["flops"] / ideal, "ratio_of_tiles": whole / ideal}
    return report


def of_feed_forward():
    """A step's worth of the experts at the full size: forward and backward, in bfloat16."""
    rows, width, hidden, groups = 32_768, 4096, 14_336, 5

    def gradients(x, gate, up, down, sizes):
        def total(x, gate, up, down):
            out = grouped_feed_forward(x, gate, up, down, sizes)
            return jnp.sum(out.astype(jnp.float32) ** 2)

        return jax.grad(total, argnums=(0, 1, 2, 3))(x, gate, up, down)

    matrix, turned = ((groups, width, hidden), "bfloat16"), ((groups, hidden, width), "bfloat16")
    program = compiled(gradients, ((rows, width), "bfloat16"), matrix, matrix, turned, ((groups,), "int32"))
    found = facts(program)
    return found | {"ratio": found["flops"] / (9 * 2 * rows * width * hidden)}


def of_attention():
    """Forward and backward at the full size's heads and length, by what `auto` picks, with and without a window."""
    batch, kv_heads, group, length, width = 1, 8, 4, 4096, 128
    config = MistralConfig(
        vocab_size=8, d_model=8, num_layers=1, num_heads=kv_heads * group, num_kv_heads=kv_heads, head_dim=width, d_ff=8
    )
    report = {}
    for window in (None, 1024):
        windowed = dataclasses.replace(config, sliding_window=window, dtype="bfloat16")

        def gradients(query, key, value, segment_ids, grad, windowed=windowed, window=window):
            sight = sight_of(windowed, segment_ids)

            def attend(*arrays):
                return segment_attention(*arrays, segment_ids, sight.mask, window, sight.backend)

            return jax.vjp(attend, query, key, value)[1](grad)

        queries, keys = (batch, kv_heads, group, length, width), (batch, kv_heads, length, width)
        kinds = [(shape, "bfloat16") for shape in (queries, keys, keys)]
        program = compiled(gradients, *kinds, ((batch, length), "int32"), kinds[0])
        report[f"window {window}"] = facts(program) | {"has_a_square": f"{length},{length}]" in program.as_text()}
    return report


def of_quantized_product():
    """How many matmuls take what, forward and backward, by mode; a convolution is what the compiler makes of a dot."""
    rows, width, hidden = 4096, 1024, 2048
    report = {}
    for mode in ("none", "int8"):

        def gradients(x, weight, grad, mode=mode):
            out, pull = jax.vjp(lambda x, weight: quantized_product(x, weight, mode), x, weight)
            return out, pull(grad)

        kinds = [((rows, width), "bfloat16"), ((width, hidden), "bfloat16"), ((rows, hidden), "bfloat16")]
        module = hlo.parse(compiled(gradients, *kinds).as_text())
        matmuls = [run for run in hlo.runs(module) if run.instruction.opcode in ("dot", "convolution")]
        report[mode] = {"all": len(matmuls), "int8": sum(is_int8(module, run) for run in matmuls)}
    return report


def of_step(devices):
    """A whole step of a small mixture on four chips, two by rows and two by heads and hidden units, by remat policy."""
    config = MistralConfig(
        vocab_size=512,
        d_model=256,
        num_layers=2,
        num_heads=4,
        num_kv_heads=2,
        head_dim=128,
        d_ff=512,
        experts=("a", "b", "c"),
        sliding_window=256,
        dtype="bfloat16",
    )
    mesh, rules = sharding.make_mesh({"fsdp": 2, "tensor": 2}, list(devices)), sharding.ShardingRules()
    params = jax.eval_shape(functools.partial(init_params, config), jax.random.key(0))
    places = sharding.tree_shardings(params, mesh, rules)
    params = jax.tree.map(lambda leaf, place: leaf.update(sharding=place), params, places)
    rows = sharding.batch_sharding(mesh, rules)
    integers = ("tokens", "targets", "segment_ids", "positions")
    dtypes = dict.fromkeys(integers, "int32") | {"loss_weights": "float32"}
    batch = {name: jax.ShapeDtypeStruct((4, 512), dtype, sharding=rows) for name, dtype in dtypes.items()}
    report = {}
    for policy in ("minimal", "attention", "offload"):
        with mesh_context.use(mesh):
            loss = functools.partial(language_model_loss, dataclasses.replace(config, remat=policy), chunk=256)
            program = jax.jit(jax.grad(loss, has_aux=True)).lower(params, batch).compile()
        report[policy] = facts(program) | {"uses_host_memory": "S(5)" in program.as_text()}
    return report


if __name__ == "__main__":
    what, topology = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "v5e:2x2"
    devices = topologies.get_topology_desc(platform="tpu", topology_name=topology).devices
    if what == "step":
        print(json.dumps(of_step(devices)))
    else:
        with mesh_context.use(jax.sharding.Mesh(np.asarray(devices[:1]), ("data",))):
            print(json.dumps(globals()[f"of_{what}"]()))
