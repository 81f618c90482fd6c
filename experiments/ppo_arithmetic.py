"""PPO on the demo's joint model: the remainder of a number divided by 10, from answers that are right or wrong.

    make demo
    python -m launch.train_ppo --config=experiments/ppo_arithmetic.py --workdir=runs/demo

The demo's model has almost never the right answer to two-digit sums, and PPO learns from nothing it never sees; so the task is
one that it can find. Its answers also end in no "Answer:" at first, which the format's reward teaches on the way. One answer
to all problems is right one time in ten. Only the experts learn: attention, router and reasoning block stay what they are.

Expected: held-out pass@1 (200 problems, greedy) goes from 0 % to above 15 % within 60 iterations, at a KL of about 12 nats an
answer. One run of one seed had 17 % after 50 iterations and was rising; see docs/RESULTS.md for what was measured.
"""

from ml_collections import ConfigDict

from experiments import demo


def get_config() -> ConfigDict:
    """Config of the proof."""
    config = demo.get_config()
    config.ppo.update(
        task="remainders",
        problems=1500,
        held_out_problems=200,
        iterations=60,
        prompts=64,
        samples=4,
        max_prompt_tokens=32,
        max_tokens=48,
        engine_rows=64,
        epochs=2,
        minibatch_size=64,
        experts_lr=1e-3,
        trunk_lr=None,
        reasoning_lr=None,
        critic_lr=3e-3,
        value_model="head",
        format_weight=0.3,
        kl_coefficient=0.02,
        kl_target=15.0,
        kl_horizon=2000.0,
        early_stop_kl=0.1,
        evaluate_every=5,
        checkpoint_every=10,
    )
    return config
