"""Stage `reward`: a scalar head on a trained model's trunk, taught which of two answers is preferred.

python -m launch.train_reward --config=experiments/demo.py --workdir=runs/demo

`reward.pairs` names files of preference pairs (HH-RLHF's, UltraFeedback's, those of launch.collect_feedback), or is
"generated". Scores are then shifted to mean 0 on what the model of `reward.init` itself writes, and the model is measured on pairs
that it has not seen, beside a bag of words and the rule that the longer answer wins.
"""

from __future__ import annotations

from launch import cli
from launch import corpora
from launch import models
from launch import saved_models
from launch import workdir as workdir_lib
from launch.errors import UserError
from launch.reward import measure, training
from launch.reward import pairs as pairs_lib
from launch.reward.model import model_config
from launch.stage import StageContext, StageOutcome

HELDOUT_FILE = "metrics/heldout.json"
RUN_FOLDER = "run"  # the training's own checkpoints, before scores are shifted


def run(context: StageContext) -> StageOutcome:
    """Trains, normalises and measures."""
    from data import tokenizer as tokenizer_lib

    config = context.config
    model = model_config(config)
    recorded = context.input_manifest(config.reward.init)["outputs"][models.CHECKPOINTS]
    policy, parent = models.load(context.input_folder(config.reward.init), model, recorded)
    try:
        tokenizer = tokenizer_lib.load(context.input_folder("tokenizer") / saved_models.TOKENIZER_FILE)
    except tokenizer_lib.TokenizerError as error:
        raise UserError(str(error)) from error
    pairs = pairs_lib.load(config, tokenizer)
    account = pairs.account
    for line in account.named:
        context.progress.note(f"left out {line}")
    facts = {
        "tokenizer_sha256": corpora.tokenizer_sha256(context),
        "parent_digest": recorded,
        "pairs_sha256": pairs.digest,
    }

    def lineage(params: dict, trained: dict) -> dict:
        return models.run_lineage(params, trained, parent, "reward", context.config_hash, facts)

    start = training.start(config, model, policy)
    state, cost = training.train(
        config, model, start, pairs, context.folder / RUN_FOLDER, context.progress, lineage, context.folder / "metrics"
    )
    section, length = config.reward, int(config.reward.max_length or config.train.seq_len)
    texts = measure.reference_texts(
        model,
        policy,
        pairs.train,
        tokenizer,
        int(section.reference_samples),
        int(section.reference_tokens),
        length,
        int(config.seed),
    )
    params, reference = measure.normalised(model, state.all_params, texts, length)
    report = measure.report(model, params, pairs)
    workdir_lib.atomic_write_json(context.folder / HELDOUT_FILE, report)
    context.progress.note(describe(report))
    outputs = models.save(context.folder, params, lineage(params, state.params))
    return StageOutcome(
        outputs=outputs | context.hash_outputs(HELDOUT_FILE),
        records=account.balance(),
        extra={
            "training": cost,
            "pairs": {
                "train": len(pairs.train),
                "heldout": len(pairs.heldout),
                "sha256": pairs.digest,
                "cut": pairs.cut,
                "left_out": account.named,
            },
            "reference": reference,
            "heldout": report,
        },
    )


def describe(report: dict) -> str:
    """What was measured, in a line."""
    words, longer = report["floors"]["bag_of_words"], report["floors"]["longer_wins"]
    return (
        f"held-out accuracy {report['accuracy']:.3f} ± {report['stderr']:.3f} on {report['pairs']} pairs (bag of words "
        f"{words['accuracy']:.3f}, longer wins {longer['accuracy']:.3f}), calibration error "
        f"{report['calibration_error']:.3f}, correlation with length {report['length_correlation']:.2f}"
    )


if __name__ == "__main__":
    cli.main("reward")
