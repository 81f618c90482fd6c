"""Which kind of machine the program that is being traced is for, so that `auto` can pick a backend."""

from __future__ import annotations

from collections.abc import Mapping

import jax

AUTO = "auto"


def program_platform() -> str:
    """`cpu`, `gpu` or `tpu`: that of the mesh in context, else of this process.

    A program that is compiled ahead of time for a TPU is traced on a CPU, under the TPU's mesh (`jax.set_mesh`, or inside
    `jax.shard_map`); the process' own devices say nothing about it. The answer is fixed while tracing, because the backends
    keep different things for their backward passes: `jax.lax.platform_dependent` keeps the union of what all of them do.
    """
    device = jax.sharding.get_abstract_mesh().abstract_device
    platform = jax.default_backend() if device is None else device.platform
    return "gpu" if platform in ("cuda", "rocm") else platform


def program_device_kind() -> str:
    """JAX's name of the chip, `TPU v6 lite`: likewise."""
    device = jax.sharding.get_abstract_mesh().abstract_device
    return jax.devices()[0].device_kind if device is None else device.device_kind


def pick(backend: str, by_platform: Mapping[str, str]) -> str:
    """The backend itself, or for `auto` the one of the program's platform, on an unknown one the CPU's."""
    return by_platform.get(program_platform(), by_platform["cpu"]) if backend == AUTO else backend
