"""The demo's road with a toy at every stop: a few minutes, to see that all stages run. Nothing is learned.

    python -m launch.pipeline --config=experiments/tiny.py --workdir=DIR

Expected: every stage completes; the run's own checks are loosened, since a toy would fail them.
"""

from ml_collections import ConfigDict

from experiments import demo


def get_config() -> ConfigDict:
    """Config of the toy run."""
    config = demo.get_config()
    config.model.update(d_model=16, num_layers=2, head_dim=4, d_ff=32, router_hidden=8, scan_unroll=2)
    config.data.update(
        heldout_permille=200,
        code_level_bytes=60_000,
        language_level_bytes=60_000,
        language_source_bytes=6 << 20,
        math_level_bytes=20_000,
        reasoning_level_bytes=20_000,
        multimodal_level_bytes=40_000,
    )
    config.tokenizer.update(train_bytes=400_000)
    config.train.update(seq_len=32, batch_size=10, checkpoint_every=3, log_every=2)
    config.seed_stage.update(steps=8)
    config.experts.update(steps=8, batch_size=2)
    config.experts.curriculum.update(eval_every=3, eval_rows=1)
    config.router.update(steps=5, batch_size=5, window=16)
    config.joint.experts.steps = 2
    config.joint.router.steps = 2
    config.joint.reasoning.steps = 2
    config.joint.end_to_end.steps = 5
    config.sft.update(tasks=("small_sums",), demonstrations=8, max_steps=3, batch_size=10, max_tokens=4, heldout_rows=1)
    config.sft.update(check_problems=4, check_samples=2)
    config.reward.update(generated_pairs=60, steps=4, batch_size=4, reference_samples=4, reference_tokens=8)
    config.ppo.update(task="small_sums", problems=16, held_out_problems=4, iterations=2, prompts=4, samples=2)
    config.ppo.update(max_prompt_tokens=24, max_tokens=8, engine_rows=8, epochs=1, minibatch_size=8, evaluate_every=1)
    config.ppo.update(held_out_rows_per_level=1, held_out_batch_size=5, warmup_updates=0)
    config.improve.update(tasks=("small_sums",), iterations=1, prompts=8, samples=2, max_tokens=4)
    config.improve.update(max_steps=3, batch_size=10, check_problems=4, check_samples=2, pass_k=2, heldout_rows=1)
    config.improve.update(max_loss_rise=10.0)
    config.evaluate.update(rows_per_level=2, batch_size=5, window=16, sample_tokens=4, prompt_tokens=8)
    config.checks.update(own_expert_margin=10.0, required=False)
    return config
