"""The full-size model: Mistral 7B branched into five experts.

    python -m launch.pipeline --config=experiments/enhanced_mistral_5x7b.py --workdir=gs://BUCKET/DIR --dry_run

Expected of the dry run: about 29.8 B parameters, 12.9 B of them active a token at top-2, plus router and reasoning block.
"""

from ml_collections import ConfigDict

from experiments.base import base_config


def get_config() -> ConfigDict:
    """Config of the full-size run: the base values as they are."""
    return base_config()
