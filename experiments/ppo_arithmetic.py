"""PPO on the remainder of a number divided by 10, from answers that are right or wrong; from the demo's model, three seeds.

    F="--config=experiments/ppo_arithmetic.py --workdir=W"
    python -m launch.train_ppo $F --config.ppo.seed=0

W is a copy of runs/demo without the stages after reward.
"""

from ml_collections import ConfigDict

from experiments import demo


def get_config() -> ConfigDict:
    """Config of the proof: the demo's, with more and larger iterations."""
    config = demo.get_config()
    config.ppo.update(
        iterations=40,
        samples=8,
        minibatch_size=128,
        held_out_problems=200,
        rehearsal_rows=12,
        evaluate_every=10,
        checkpoint_every=10,
        held_out_rows_per_level=16,
    )
    return config
