"""A model gets better at short Python functions by its own accepted answers: from the demo's joint model, on three seeds.

cp -r runs/demo W && rm -r W/sft W/reward W/ppo W/improve W/eval W/report
F="--config=experiments/self_improve_functions.py --workdir=W --config.improve.seed=0"
python -m launch.train_sft $F && python -m launch.self_improve $F
"""

from ml_collections import ConfigDict

from experiments import ppo_functions


def get_config() -> ConfigDict:
    """Config of the proof: the model that PPO begins with on functions, three iterations of 512 problems."""
    config = ppo_functions.get_config()
    # Functions of one constant are a thousand: without those that were shown, nearly all problems would have two.
    config.improve.update(tasks=("small_functions",), ask_shown=True, iterations=3, prompts=512)
    return config
