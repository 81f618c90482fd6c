"""What the backward pass recomputes, by name of a policy.

With any policy but `none` only the input of each block is kept, and beside it what the policy says, mostly by the names that
`kernels.residual_names` lists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from mistral_moe.kernels.residual_names import ATTENTION, EXPERT_OUTPUT, HIDDEN, QKV

# All that comes of a large matmul or a kernel.
_LARGE = (QKV, ATTENTION, HIDDEN, EXPERT_OUTPUT)
_policies = jax.checkpoint_policies

# From the least memory to the most: "full" keeps nothing, "none" recomputes nothing.
POLICIES: dict[str, Callable[..., Any] | None] = {
    "full": _policies.nothing_saveable,
    "attention": _policies.save_only_these_names(ATTENTION),
    "outputs": _policies.save_only_these_names(QKV, ATTENTION, EXPERT_OUTPUT),
    "minimal": _policies.save_only_these_names(*_LARGE),
    "dots": _policies.dots_with_no_batch_dims_saveable,
    "offload": _policies.save_and_offload_only_these_names(
        names_which_can_be_saved=[],
        names_which_can_be_offloaded=list(_LARGE),
        offload_src="device",
        offload_dst="pinned_host",
    ),
    "none": None,
}
