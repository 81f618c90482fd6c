"""The full-size model: Mistral 7B branched into five experts, on a pod of 256 chips.

    python -m launch.pipeline --config=experiments/enhanced_mistral_5x7b.py --workdir=gs://BUCKET/DIR --dry_run
    python -m launch.compile_for_tpu --config=experiments/enhanced_mistral_5x7b.py --topology=v5p:4x8x8 --stage=joint

An argument names the chip that memory is planned for: v5p as it stands, or enhanced_mistral_5x7b.py:v6e, ...:v5e.

Expected of the dry run: about 29.8 B parameters, 12.9 B of them active a token at top-2, plus router and reasoning
block. Of the compilation: docs/performance.md.
"""

from ml_collections import ConfigDict

from experiments.base import base_config

# What the backward pass computes again, microbatches of a step, and tokens of a row, by the memory of a chip.
_MEMORY = {"v5p": ("outputs", 1, 4096), "v6e": ("full", 1, 4096), "v5e": ("full", 2, 2048)}


def get_config(chip: str = "v5p") -> ConfigDict:
    """Config of the full-size run: the base values, the mesh of a pod, and what fits its chips."""
    if chip not in _MEMORY:
        raise ValueError(f"no plan for chip {chip!r}; there are {', '.join(_MEMORY)}")
    config = base_config()
    # Gradients are scattered along fsdp. Where that axis takes a whole slice, the TPU's compiler adds all of them
    # everywhere instead, at twice the bytes; on half of it it scatters.
    config.mesh.update(data=2, fsdp=-1)
    config.model.remat, config.train.accumulate, config.train.seq_len = _MEMORY[chip]
    # Every microbatch has a row for each chip, of every branch.
    config.experts.batch_size = config.router.batch_size = 256 * config.train.accumulate
    config.ppo.minibatch_size = 256
    return config
