"""The whole life of the model on a laptop: real text, a seed, five branches, one mixture, in about 15 minutes.

    make demo
    python -m launch.pipeline --config=experiments/demo.py --workdir=runs/demo

Expected on 2 CPU cores: see docs/RESULTS.md.
"""

from ml_collections import ConfigDict

from experiments.base import base_config


def get_config() -> ConfigDict:
    """Config of the demo."""
    config = base_config()
    config.model.update(
        vocab_size=512,
        d_model=64,
        num_layers=4,
        num_heads=4,
        num_kv_heads=2,
        head_dim=16,
        d_ff=256,
        rope_theta=10_000.0,
        top_k=1,
        router_hidden=64,
        dtype="float32",
        remat="none",
        scan_unroll=4,
    )
    config.mesh.update(data=-1, fsdp=1)
    config.data.update(
        heldout_permille=60,
        code_level_bytes=1_100_000,
        language_level_bytes=800_000,
        language_source_bytes=48 << 20,
        math_level_bytes=450_000,
        reasoning_level_bytes=450_000,
        multimodal_level_bytes=800_000,
    )
    config.data.local_sources.update(code_problems=0.15, language_problems=0.15)
    # Most documents are read as text; of those that hold a prompt, a repair, a summary and the like, a part as that.
    config.tasks.shares.update(
        fill_in_middle=0.1,
        code_generation=0.1,
        bug_fixing=0.1,
        math_problem=0.15,
        proof_step=0.1,
        translation=0.1,
        question_answering=0.15,
        summarising=0.1,
        dialogue=0.1,
        captioning=0.1,
    )
    config.tokenizer.update(kind="train", train_bytes=2_000_000)
    config.train.update(seq_len=128, batch_size=24, loss_chunk=0, checkpoint_every=200, prefetch=2, final_fraction=0.05)
    config.seed_stage.update(steps=600, trunk_lr=3e-3, experts_lr=3e-3)
    config.experts.update(steps=200, batch_size=4, experts_lr=1e-3)
    config.experts.curriculum.update(floor=0.1, eval_every=20, eval_rows=2)
    config.router.update(steps=120, batch_size=12, router_lr=3e-3, window=64, temperature=0.05)
    config.joint.experts.update(steps=20, experts_lr=1e-3)
    config.joint.router.update(steps=10, router_lr=5e-4)
    config.joint.reasoning.update(steps=20, reasoning_lr=1e-3)
    config.joint.end_to_end.update(steps=750, experts_lr=3e-3, router_lr=3e-3, reasoning_lr=3e-3, trunk_lr=3e-3)
    # The joint model solves none of these: it is shown some, and what it then learns by itself is told apart.
    config.post_training = ("sft", "reward", "ppo", "improve")
    teaching = dict(
        tasks=("remainders",),
        max_steps=220,
        rehearsal=0.4,
        batch_size=24,
        experts_lr=2e-3,
        trunk_lr=2e-3,
        reasoning_lr=2e-3,
        check_problems=160,
        max_tokens=32,
        heldout_rows=4,
    )
    config.sft.update(**teaching, demonstrations=1024, epochs=8.0)
    config.reward.update(
        init="sft",
        tasks=("arithmetic",),
        generated_pairs=4400,
        steps=120,
        batch_size=32,
        head_lr=3e-3,
        trunk_lr=1e-3,
        experts_lr=1e-3,
        reference_samples=128,
        reference_tokens=48,
    )
    config.ppo.update(
        init="sft",
        task="remainders",
        problems=1500,
        held_out_problems=160,
        iterations=16,
        prompts=64,
        samples=4,
        max_prompt_tokens=32,
        max_tokens=32,
        engine_rows=64,
        epochs=2,
        minibatch_size=64,
        experts_lr=7e-4,
        trunk_lr=7e-4,
        reasoning_lr=None,
        critic_lr=2e-3,
        final_fraction=0.3,
        value_coefficient=1.0,
        rehearsal_rows=6,
        rehearsal_weight=0.3,
        kl_coefficient=0.01,
        kl_target=10.0,
        kl_horizon=10_000.0,
        early_stop_kl=0.2,
        evaluate_every=4,
        checkpoint_every=4,
        held_out_rows_per_level=4,
    )
    config.improve.update(**teaching, init="sft", iterations=2, prompts=384, samples=4, epochs=3.0, max_loss_rise=0.2)
    config.dense.update(trunk_lr=3e-3, experts_lr=3e-3)
    config.evaluate.update(rows_per_level=16, batch_size=40, sample_tokens=48, prompt_tokens=24)
    # Samples that a laptop gets through; fewer continuations make the toxicity gate easier, and its page says how many.
    config.safety.toxicity.update(prompts=250, continuations=5)
    config.safety.bias.update(questions=600, pairs=400)
    config.safety.hallucination.update(questions=250)
    config.safety.security.update(code_prompts=150, code_tokens=64, requests=100, answer_tokens=64)
    config.report.title = "From one dense Mistral to five experts, on a laptop"
    config.report.command = "make demo"
    return config
