"""trial"""

from ml_collections import ConfigDict
from experiments import demo


def get_config() -> ConfigDict:
    config = demo.get_config()
    config.improve.update(
        tasks=("remainders",), iterations=3, prompts=512, samples=4, max_tokens=40, demonstrations=192,
        demonstration_epochs=20.0, epochs=4.0, max_steps=60, rehearsal=0.3, batch_size=24,
        experts_lr=2e-3, trunk_lr=2e-3, reasoning_lr=2e-3, check_problems=128, check_samples=4, pass_k=4, heldout_rows=4,
        max_loss_rise=0.5,
    )
    return config
