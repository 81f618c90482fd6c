"""The first ratio on a mixture with top-k routing: old log-probs from the whole batch, new ones from a minibatch."""

import jax
import jax.numpy as jnp
import numpy as np

from mistral_moe.models.mistral import Mistral
from mistral_moe.rl.log_probs import log_probs_and_entropy
from mistral_moe.rl.minibatches import minibatch_indices, take
from mistral_moe.rl.ppo_loss import policy_loss
from mistral_moe.rl.rollout import make_rollout, of_next_token


def test_it_is_one_in_every_minibatch_also_at_another_width(tiny_config, tiny_params):
    config = tiny_config(experts=4, top_k=2, moe_backend="blocks")
    params = tiny_params(config)
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 9, (2, 8))
    ids = [[rng.integers(0, 32, n).tolist() for n in row] for row in sizes]

    @jax.jit
    def log_probs(params, rollout):
        out = Mistral(config).apply({"params": params}, rollout.tokens, rollout.segment_ids, rollout.positions)
        return of_next_token(log_probs_and_entropy(out.hidden, params["lm_head"], rollout.next_tokens, 0.7, 16)[0])

    def rollout_of(length):
        return make_rollout(*ids, [True] * 8, length)

    whole, wide = rollout_of(16), rollout_of(24)
    old = log_probs(params, whole)
    advantages = jnp.ones_like(old)
    for rows in minibatch_indices(0, 0, 8, 4):
        part = take(wide, rows)
        new = log_probs(params, part)
        _, statistics = policy_loss(new[:, :16], old[rows], advantages[rows], part.is_completion[:, :16])
        assert float(statistics["ratio_error"]) < 1e-5 and float(statistics["clip_fraction"]) == 0
    changed = jax.tree.map(lambda leaf: leaf * 1.01, params)
    _, statistics = policy_loss(log_probs(changed, whole), old, advantages, whole.is_completion)
    assert float(statistics["ratio_error"]) > 1e-3
