"""trial"""

from ml_collections import ConfigDict
from experiments import demo


def get_config() -> ConfigDict:
    config = demo.get_config()
    config.improve.update(
        tasks=("arithmetic",),
        iterations=1,
        prompts=256,
        samples=4,
        max_tokens=40,
        demonstrations=3000,
        demonstration_epochs=8.0,
        epochs=4.0,
        max_steps=350,
        rehearsal=0.3,
        batch_size=24,
        experts_lr=2e-3,
        trunk_lr=2e-3,
        reasoning_lr=2e-3,
        check_problems=96,
        check_samples=4,
        pass_k=4,
        heldout_rows=4,
        max_loss_rise=0.5,
    )
    return config
