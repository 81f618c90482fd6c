"""The full-size model: Mistral 7B branched into five experts, on a pod of 256 chips.

    python -m launch.pipeline --config=experiments/enhanced_mistral_5x7b.py --workdir=gs://BUCKET/DIR --dry_run
    python -m launch.compile_for_tpu --config=experiments/enhanced_mistral_5x7b.py --topology=v5p:4x8x8 --stage=joint

Expected of the dry run: about 29.8 B parameters, 12.9 B of them active a token at top-2, plus router and reasoning
block. Of the compilation: docs/performance.md.
"""

from ml_collections import ConfigDict

from experiments.base import base_config


def get_config() -> ConfigDict:
    """Config of the full-size run: the base values, and the mesh of a pod."""
    config = base_config()
    # Gradients are scattered along fsdp. Where that axis takes a whole slice, the TPU's compiler adds all of them
    # everywhere instead, at twice the bytes; on half of it it scatters.
    config.mesh.update(data=2, fsdp=-1)
    return config
