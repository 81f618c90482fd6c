"""FLOPs of compiled matmuls: by shapes, by loops, by blocks, and named by part and direction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.aot import hlo, ideal, matmuls
from mistral_moe.aot.matmuls import AGAIN, FORWARD, INPUTS, WEIGHTS
from mistral_moe.training.flops import router_training_flops, training_flops


def compiled_flops(fn, *arguments):
    module = hlo.parse(jax.jit(fn).lower(*arguments).compile().as_text())
    return sum(m.times * m.flops for m in matmuls.find(module, local_tokens=0, window=None))


def test_matmuls_in_loops_count_as_often_as_they_run():
    def layers(x, weights):
        return jax.lax.scan(lambda y, w: (jnp.tanh(y @ w), None), x, weights)[0]

    x, weights = jnp.ones((32, 16)), jnp.ones((6, 16, 16))
    assert compiled_flops(layers, x, weights) == 6 * 2 * 32 * 16 * 16
    batched = compiled_flops(lambda a, b: jnp.einsum("BMK,BKN->BMN", a, b), jnp.ones((3, 8, 4)), jnp.ones((3, 4, 5)))
    assert batched == 2 * 3 * 8 * 4 * 5


def instruction(line):
    return hlo.parse(f"ENTRY %main (a: f32[]) -> f32[] {{\n  ROOT {line}\n}}").computations["main"][
        line[1 : line.index(" ")]
    ]


@pytest.mark.parametrize(
    "line, lhs, rhs, flops",
    [
        # [4, 1024, 512] by [512, 2, 128], heads as a window; each head meets its own weights alone.
        (
            "%c = bf16[4,1024,2,128]{1,3,2,0} convolution(%a, %b), "
            "window={size=1x2 pad=0_0x1_1 rhs_reversal=0x1}, dim_labels=0bf1_i1o0->0b1f",
            (4, 1024, 512, 1),
            (512, 2, 128, 1),
            2 * 4 * 1024 * 512 * 2 * 128,
        ),
        # A matmul batched over [4, 2].
        (
            "%c = f32[4,2,256,1024]{3,2,1,0} convolution(%a, %b), "
            "window={size=4x2 stride=3x1 lhs_dilate=4x2}, dim_labels=01bf_01oi->01bf",
            (4, 2, 256, 128),
            (4, 2, 1024, 128),
            2 * 4 * 2 * 256 * 1024 * 128,
        ),
    ],
)
def test_convolutions_that_are_matmuls_cost_what_the_matmuls_do(line, lhs, rhs, flops):
    assert matmuls.convolution_flops(instruction(line), lhs, rhs) == flops


@pytest.mark.parametrize("window", (None, 1, 100, 256, 600, 5000))
@pytest.mark.parametrize("block_q, block_kv", ((128, 128), (256, 128), (128, 512)))
def test_visible_blocks_are_those_with_a_visible_pair(block_q, block_kv, window):
    length = 1024
    distance = np.arange(length)[:, None] - np.arange(length)[None]
    seen = (distance >= 0) & (distance < (window or length))
    blocks = seen.reshape(length // block_q, block_q, length // block_kv, block_kv).any(axis=(1, 3))
    assert matmuls.visible_blocks(length, block_q, block_kv, window) == blocks.sum()


@pytest.mark.parametrize("rows", [(), (2,)], ids=["one row", "two rows"])
def test_a_splash_kernel_costs_its_visible_blocks(rows):
    """Tables of integers come before the queries, which have no axis of rows where a chip has one."""
    shapes = [("s32", (4, 8, 8)), ("bf16", (*rows, 4, 1024, 128)), ("bf16", (*rows, 2, 1024, 128))]
    operands = [
        hlo._instruction(f"  %a.{i} = {kind}[{','.join(map(str, dims))}]{{0}} parameter({i})")
        for i, (kind, dims) in enumerate(shapes)
    ]
    kernel = hlo._instruction(
        '  %k = bf16[1]{0} custom-call(%a.0, %a.1, %a.2), custom_call_target="tpu_custom_call", '
        'metadata={op_name="jit(step)/splash_mha_dkv/x"}, backend_config={"block_q_dkv": 512, "block_kv_dkv": 256}'
    )
    needed, again = matmuls.splash_flops(kernel, operands, None)
    # Queries 0 to 511 see two blocks of 256 keys, the others four.
    assert needed == again == 2 * 2.0 * 4 * (2 + 4) * 512 * 256 * 128 * (rows or (1,))[0]


def test_a_grouped_matmul_also_pays_for_the_tiles_that_groups_share():
    names = ("s32[] %a", "s32[6] %b", "s32[20] %c", "bf16[2048,512] %d")
    operands = [instruction(f"%{name[-1]} = {name.split()[0]} parameter(0)") for name in names]
    kernel = instruction(
        '%k = bf16[2048,1024]{1,0} custom-call(%a), metadata={op_name="x/jit(gmm)/pallas_call"}, '
        'backend_config={"cost_estimate":{"flops":"1600"}}'
    )
    # 20 steps are 16 tiles and 4 borders between 5 groups.
    assert matmuls.kernel_flops(kernel, operands) == 1600 * 20 / 16


@pytest.mark.parametrize(
    "path, part",
    [
        (
            "jit(step)/jvp(Mistral)/while/body/closed_call/layers/attention/BTD,DNH->BTNH/dot_general",
            "attention_weights",
        ),
        ("jit(step)/jvp(Mistral)/while/body/layers/attention/attention._attend/splash_mha_fwd/x", "attention_scores"),
        ("jit(step)/jvp(Mistral)/while/body/layers/experts/shard_map/jit(gmm)/pallas_call", "experts"),
        ("jit(step)/jvp(Mistral)/layers/ffn/MD,DF->MF/dot_general", "experts"),
        ("jit(step)/jvp(Mistral)/reasoning/block/ffn/MD,DF->MF/dot_general", "reasoning"),
        ("jit(step)/transpose(jvp(head))/shard_map/while/body/ND,DV->NV/dot_general", "head"),
        ("jit(step)/jvp(Mistral)/router/BTD,DF->BTF/dot_general", "router"),
        ("jit(step)/add", "other"),
    ],
)
def test_parts_are_named_by_the_path_of_an_operation(path, part):
    assert matmuls.part_of(path) == part


RATES = (
    {"experts": 1.0, "trunk": 1.0, "router": 1.0, "reasoning": 1.0},
    {"experts": 1.0, "trunk": None},
    {"reasoning": 1.0},
)


@pytest.mark.parametrize("rates", RATES)
def test_ideal_parts_add_up_to_the_formula(tiny_config, rates):
    config = tiny_config(experts=5, has_reasoning=True, reasoning_steps=2, router_hidden=8)
    parts = ideal.step_flops(config, 16, rates)
    assert sum(sum(ways.values()) for ways in parts.values()) == pytest.approx(training_flops(config, 16, rates))
    assert parts["attention_scores"][INPUTS] == 2 * parts["attention_scores"][FORWARD]
    assert bool(parts["experts"][WEIGHTS]) == ("experts" in rates) and AGAIN not in parts["experts"]


@pytest.mark.parametrize("scope", ("model", "layer"))
def test_the_router_stage_adds_up_too(tiny_config, scope):
    config = tiny_config(experts=3, router_scope=scope)
    parts = ideal.router_step_flops(config, 16)
    assert sum(sum(ways.values()) for ways in parts.values()) == pytest.approx(router_training_flops(config, 16))
