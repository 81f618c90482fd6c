"""Names of what a checkpoint policy may keep for the backward pass (`models.remat`), given where it is computed."""

from __future__ import annotations

# Queries, keys and values after the rotation.
QKV = "qkv"
# The heads' outputs, and what the splash kernel needs of its forward pass.
ATTENTION = "attention"
# Both halves of the hidden units of the feed-forward or of the experts, before the activation.
HIDDEN = "hidden"
# Outputs of the experts, before they are weighted: the gradient of the weights needs them.
EXPERT_OUTPUT = "expert_output"
