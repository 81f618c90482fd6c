"""The mixtures that we and Hugging Face's Mixtral are timed on, and what both comparisons share."""

from __future__ import annotations

import dataclasses
import statistics

import jax.numpy as jnp
import numpy as np
import torch

from mistral_moe.models.config import MistralConfig

# Of the experts in transformers 5.
IMPLEMENTATIONS = ("eager", "grouped_mm", "batched_mm")


@dataclasses.dataclass(frozen=True)
class Shape:
    """What is timed: a mixture of 8 experts, top-2, on batches of [batch, length] tokens."""

    d_model: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    d_ff: int
    vocab_size: int
    batch: int
    length: int


SHAPES = {
    "tiny": Shape(128, 4, 4, 2, 352, 2048, 16, 128),
    "small": Shape(256, 4, 8, 4, 896, 4096, 8, 256),
    "medium": Shape(512, 4, 8, 4, 1792, 8192, 4, 512),
    "1b": Shape(1024, 16, 16, 8, 3584, 32_000, 16, 1024),
    "3b": Shape(1536, 16, 16, 8, 5376, 32_000, 16, 1024),
}


def model_config(shape: Shape, dtype: str, backend: str, unroll: int) -> MistralConfig:
    """Our config of a shape, with the router in Mixtral's form."""
    return MistralConfig(
        vocab_size=shape.vocab_size,
        d_model=shape.d_model,
        num_layers=shape.num_layers,
        num_heads=shape.num_heads,
        num_kv_heads=shape.num_kv_heads,
        head_dim=shape.d_model // shape.num_heads,
        d_ff=shape.d_ff,
        experts=tuple(f"expert_{index}" for index in range(8)),
        router_scope="layer",
        router_context="none",
        dtype=dtype,
        param_dtype=dtype,
        scan_unroll=unroll or shape.num_layers,
        moe_backend=backend,
    )


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A host array of the same bits; numpy has bfloat16 only through JAX."""
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(jnp.bfloat16)
    return tensor.numpy()


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}
