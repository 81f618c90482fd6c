"""Stage `mix`: stacks the branches' feed-forwards into the experts of one mixture.

python -m launch.mix_experts --config=experiments/demo.py --workdir=runs/demo
"""

from __future__ import annotations

import jax

from launch import cli
from launch import models
from launch.errors import UserError
from launch.stage import StageContext, StageOutcome
from mistral_moe.branching import lineage as lineage_lib
from mistral_moe.branching.mix import MixError, mix_branches


def run(context: StageContext) -> StageOutcome:
    """Mixes; nothing is trained."""
    config = context.config
    domains, dense = tuple(config.domains), models.dense_config(config)
    mixture = models.mixture_config(config, reasoning=False)
    recorded = context.input_manifest("experts")["outputs"]
    folder = context.input_folder("experts")
    branches, lineages = [], []
    for done, domain in enumerate(domains):
        context.progress.update(done, len(domains))
        params, lineage = models.load(folder / domain, dense, recorded[f"{domain}/{models.CHECKPOINTS}"])
        branches.append(params)
        lineages.append(lineage)
    try:
        # Its own key, so that the router doesn't start from numbers the seed was made of.
        key = jax.random.fold_in(jax.random.key(int(config.seed)), 1)
        params = mix_branches(mixture, branches, key, config.mix.shared)
        facts = {"stage": "mix", "config_hash": context.config_hash} | {
            name: lineages[0]["facts"][name] for name in ("tokenizer_sha256", "seed_digest")
        }
        lineage = lineage_lib.of_mix(params, domains, lineages, facts)
    except MixError as error:
        raise UserError(str(error)) from error
    return StageOutcome(outputs=models.save(context.folder, params, lineage))


if __name__ == "__main__":
    cli.main("mix")
