"""PPO."""

from ml_collections import ConfigDict

from experiments import demo


def get_config() -> ConfigDict:
    """Config of the proof."""
    config = demo.get_config()
    config.ppo.update(
        task="remainders",
        problems=1500,
        held_out_problems=200,
        iterations=40,
        prompts=64,
        samples=8,
        max_prompt_tokens=32,
        max_tokens=40,
        engine_rows=64,
        epochs=2,
        minibatch_size=128,
        experts_lr=2e-3,
        trunk_lr=1e-3,
        reasoning_lr=None,
        critic_lr=3e-3,
        value_model="head",
        format_weight=0.3,
        kl_coefficient=0.01,
        kl_target=15.0,
        kl_horizon=2000.0,
        early_stop_kl=0.1,
        evaluate_every=5,
        checkpoint_every=10,
    )
    return config
