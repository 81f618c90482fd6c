"""What the training forward pass says of a rollout: log-probabilities, entropy, and the critic's values.

One function serves the old log-probabilities, the reference's and the update, so that the first ratio is 1: routing and
numerics are the same, which those of the decoding engine need not be. Nor need those of a forward pass alone: a compiler
fuses it in another way than one that a backward pass follows, and a log-probability of -27 nats then differs by 1.5e-5.
So what is held against an update is read by `read_as_trained`.
"""

from __future__ import annotations

from typing import Any, Literal

import flax.struct
import jax
import jax.numpy as jnp

from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import Mistral
from mistral_moe.rl.log_probs import log_probs_and_entropy
from mistral_moe.rl.rollout import Rollout, of_next_token
from mistral_moe.routing.balance import expert_load, load_balance_loss, router_z_loss
from mistral_moe.training.partition import merge

# Where the critic lies in the tree of parameters; it is trained beside a model and no part of it.
CRITIC = "critic"
# The one parameter of a model that its hidden states don't depend on.
_HEAD = "lm_head"

ValueModel = Literal["head", "copy"]


@flax.struct.dataclass
class Reading:
    """A rollout, read by a policy. What is of a token stands on that token (see `rl.rollout`).

    Attributes:
      log_probs: [B, T] float32 nats.
      entropy: [B, T] float32 nats.
      values: [B, T] float32, or None without a critic.
      router: of a mixture `balance` and `z`, float32 scalars, and `load` [L, E]; {} of a dense model.
    """

    log_probs: jax.Array
    entropy: jax.Array
    values: jax.Array | None
    router: dict[str, jax.Array]


def attach_critic(params: dict, kind: ValueModel) -> dict:
    """The parameters with a critic that values everything at 0.

    Args:
      params: the model's, arrays or shapes.
      kind: `head`, a linear head on the policy's own hidden states, which its gradient does not reach; `copy`, such a head
        on a trunk of its own, which starts as the policy's.

    Raises:
      ValueError: an unknown kind.
    """
    if kind not in ("head", "copy"):
        raise ValueError(f"a critic is a 'head' on the policy or a 'copy' of it, not {kind!r}")
    width = params["embedding"].shape[1]
    critic = {"value_head": {"kernel": jnp.zeros(width, jnp.float32), "bias": jnp.zeros((), jnp.float32)}}
    if kind == "copy":
        # Arrays of its own: both trees may be donated.
        copied = {name: tree for name, tree in params.items() if name != _HEAD}
        critic["trunk"] = jax.tree.map(lambda leaf: jnp.copy(leaf) if isinstance(leaf, jax.Array) else leaf, copied)
    return params | {CRITIC: critic}


def detach_critic(params: dict) -> dict:
    """The model alone."""
    return {name: tree for name, tree in params.items() if name != CRITIC}


def read(config: MistralConfig, params: dict, rollout: Rollout, temperature: float = 1.0, chunk: int = 0) -> Reading:
    """Reads a rollout with the training forward pass.

    Args:
      config: the model's.
      params: the model's, with or without a critic.
      rollout: B rows of T tokens; padding changes nothing of what is real.
      temperature: that the tokens were drawn at.
      chunk: tokens whose logits exist at a time (`log_probs.log_probs_and_entropy`).
    """
    model = detach_critic(params)

    def hidden_states(model: dict):
        return Mistral(config).apply({"params": model}, rollout.tokens, rollout.segment_ids, rollout.positions)

    out = hidden_states(model)
    log_probs, entropy = log_probs_and_entropy(out.hidden, model[_HEAD], rollout.next_tokens, temperature, chunk)
    values = None
    if CRITIC in params:
        critic = params[CRITIC]
        if "trunk" in critic:
            hidden = hidden_states(critic["trunk"] | {_HEAD: jax.lax.stop_gradient(model[_HEAD])}).hidden
        else:
            hidden = jax.lax.stop_gradient(out.hidden)
        head = critic["value_head"]
        values = of_next_token(hidden.astype(jnp.float32) @ head["kernel"] + head["bias"])
    router = {}
    if out.decision is not None:
        router = {
            "balance": load_balance_loss(out.decision.logits, out.decision.experts, rollout.is_real),
            "z": router_z_loss(out.decision.logits, rollout.is_real),
            "load": expert_load(out.decision.experts, rollout.is_real, config.num_experts),
        }
    return Reading(of_next_token(log_probs), of_next_token(entropy), values, router)


def read_as_trained(
    config: MistralConfig, trained: dict, frozen: dict, rollout: Rollout, temperature: float = 1.0, chunk: int = 0
) -> tuple[Reading, Any]:
    """`read` with the numerics of an update: the forward pass keeps what a backward pass would need.

    Args:
      config: the model's.
      trained: parameters that an update differentiates.
      frozen: the others.
      rollout, temperature, chunk: as in `read`; as many rows as an update has.

    Returns:
      The reading, and what the backward pass would need: to be returned by whatever is compiled, and then dropped.
    """

    def read_with(trained: dict) -> tuple[tuple[jax.Array, ...], Reading]:
        reading = read(config, merge(trained, frozen), rollout, temperature, chunk)
        values = () if reading.values is None else (reading.values,)
        return (reading.log_probs, reading.entropy, *values), reading

    _, backward, reading = jax.vjp(read_with, trained, has_aux=True)
    return reading, backward
