"""The shape of a model: one frozen dataclass for the dense Mistral, the mixture, and what lies between."""

from __future__ import annotations

import dataclasses

from mistral_moe.kernels.grouped_matmul import BACKENDS as MOE_BACKENDS
from mistral_moe.kernels.quantized_product import MODES as QUANTIZATION_MODES
from mistral_moe.kernels.segment_attention import BACKENDS as ATTENTION_BACKENDS
from mistral_moe.models.remat import POLICIES as REMAT_POLICIES

ROUTER_SCOPES = ("model", "layer")
ROUTER_CONTEXTS = ("mean", "none")
DTYPES = ("float32", "bfloat16")


@dataclasses.dataclass(frozen=True)
class MistralConfig:
    """Shape and numerics of a Mistral or of a mixture of Mistrals.

    With `experts=()` it is the dense Mistral (Jiang et al. 2023, arXiv:2310.06825); with experts, `router_scope="layer"`
    and `router_context="none"` it is Mixtral's form (Jiang et al. 2024, arXiv:2401.04088).

    Attributes:
      vocab_size: V.
      d_model: D, width of the residual stream.
      num_layers: L.
      num_heads: N query heads.
      num_kv_heads: K key/value heads; N must be a multiple (grouped-query attention).
      head_dim: H.
      d_ff: F, width of the SwiGLU feed-forward.
      rope_theta: base of the rotary frequencies.
      norm_eps: epsilon of RMSNorm.
      sliding_window: a token sees itself and the `sliding_window - 1` tokens before it; None sees all.
      experts: names of the experts, in order; empty for a dense model.
      top_k: experts a token goes to.
      router_scope: "model": one decision from the embeddings, shared by all layers; "layer": one a layer.
      router_context: "mean": the router also sees the running mean of its document; "none": the token alone.
      router_hidden: hidden units of the router's MLP; 0 is a linear router.
      reasoning_steps: times the shared reasoning block is applied after the trunk; 0 leaves it out of the pass.
      has_reasoning: whether the parameters of the reasoning block exist.
      dtype: of activations.
      param_dtype: of parameters (the masters).
      remat: what the backward pass recomputes of each block: "none" nothing; "full" all of it; "attention" all but the
        heads' outputs; "outputs" all but those, queries, keys, values and experts' outputs; "minimal" all but those and the
        hidden units, so that no large matmul runs again; "dots" all but the outputs of plain matmuls (not those of kernels); "offload" as "minimal", kept in the
        host's memory (TPU and GPU).
      scan_unroll: layers per iteration of the scan over layers; `num_layers` unrolls it all (faster on CPU).
      moe_backend: a backend of `kernels.grouped_matmul`; "auto" goes by the platform that a program is compiled for.
      attention_backend: a backend of `kernels.segment_attention`, likewise; a decoding step has its own.
      quantization: of the products of attention's projections and of dense feed-forwards, a mode of
        `kernels.quantized_product`; experts, router, head and a decoding step keep the dtype.
    """

    vocab_size: int
    d_model: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    d_ff: int
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    sliding_window: int | None = None
    experts: tuple[str, ...] = ()
    top_k: int = 2
    router_scope: str = "model"
    router_context: str = "mean"
    router_hidden: int = 0
    reasoning_steps: int = 0
    has_reasoning: bool = False
    dtype: str = "float32"
    param_dtype: str = "float32"
    remat: str = "none"
    scan_unroll: int = 1
    moe_backend: str = "auto"
    attention_backend: str = "auto"
    quantization: str = "none"

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "d_model", "num_layers", "num_heads", "num_kv_heads", "head_dim", "d_ff", "scan_unroll")
        for name in sizes:
            if getattr(self, name) < 1:
                raise ValueError(f"model.{name} is {getattr(self, name)}; it must be at least 1")
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"model.num_heads ({self.num_heads}) must be a multiple of model.num_kv_heads ({self.num_kv_heads})"
            )
        if self.head_dim % 2:
            raise ValueError(f"model.head_dim is {self.head_dim}; rotary embedding needs an even one")
        if self.sliding_window is not None and self.sliding_window < 1:
            raise ValueError(f"model.sliding_window is {self.sliding_window}; give a positive length or None")
        if len(set(self.experts)) != len(self.experts):
            raise ValueError(f"model.experts names one expert twice: {self.experts}")
        if self.experts and not 1 <= self.top_k <= len(self.experts):
            raise ValueError(
                f"model.top_k is {self.top_k}; with {len(self.experts)} experts it is 1 to {len(self.experts)}"
            )
        if self.reasoning_steps and not self.has_reasoning:
            raise ValueError(
                "model.reasoning_steps is set but model.has_reasoning is False: the block has no parameters"
            )
        for name, allowed in (
            ("router_scope", ROUTER_SCOPES),
            ("router_context", ROUTER_CONTEXTS),
            ("remat", REMAT_POLICIES),
            ("moe_backend", MOE_BACKENDS),
            ("attention_backend", ATTENTION_BACKENDS),
            ("quantization", QUANTIZATION_MODES),
            ("dtype", DTYPES),
            ("param_dtype", DTYPES),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"model.{name} is {getattr(self, name)!r}; it is one of {', '.join(allowed)}")

    @property
    def num_experts(self) -> int:
        return len(self.experts)

    def dense(self) -> "MistralConfig":
        """The same shape without experts: the dense model that the branches are."""
        return dataclasses.replace(self, experts=(), has_reasoning=False, reasoning_steps=0)

    def as_forced(self, reasoning_steps: int) -> "MistralConfig":
        """The dense shape that a mixture has when every layer is forced to one expert, reasoning block included."""
        return dataclasses.replace(self, experts=(), reasoning_steps=reasoning_steps)
