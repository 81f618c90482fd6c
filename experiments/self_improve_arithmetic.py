"""A model gets better at remainders by its own accepted answers, from the demo's joint model: three iterations, three seeds.

    python -m launch.self_improve --config=experiments/self_improve_arithmetic.py --workdir=W --config.improve.seed=0

W is a copy of runs/demo without the stages after joint.
"""

from ml_collections import ConfigDict

from experiments import demo


def get_config() -> ConfigDict:
    """Config of the proof: the demo's, with more iterations."""
    config = demo.get_config()
    config.improve.update(
        tasks=("remainders",),
        iterations=3,
        prompts=512,
        samples=4,
        max_tokens=32,
        demonstrations=1024,
        demonstration_epochs=8.0,
        epochs=3.0,
        max_steps=220,
        rehearsal=0.4,
        batch_size=24,
        experts_lr=2e-3,
        trunk_lr=2e-3,
        reasoning_lr=2e-3,
        check_problems=160,
        check_samples=4,
        pass_k=4,
        heldout_rows=4,
        max_loss_rise=0.2,
    )
    return config
