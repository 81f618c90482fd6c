"""trial"""

from ml_collections import ConfigDict
from experiments import demo


def get_config() -> ConfigDict:
    config = demo.get_config()
    config.improve.update(
        tasks=("remainders",), iterations=3, prompts=512, samples=4, max_tokens=32, demonstrations=1024,
        demonstration_epochs=8.0, epochs=3.0, max_steps=220, rehearsal=0.4, batch_size=24,
        experts_lr=2e-3, trunk_lr=2e-3, reasoning_lr=2e-3, check_problems=160, check_samples=4, pass_k=4, heldout_rows=4,
        max_loss_rise=0.2,
    )
    return config
