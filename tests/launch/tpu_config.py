"""A mixture small enough to compile for a TPU in a minute or two; no width is the number of tokens on a chip."""

from experiments.base import base_config


def get_config(remat="full"):
    """Config of the golden budgets."""
    config = base_config()
    config.model.update(
        vocab_size=1024,
        d_model=256,
        num_layers=2,
        num_heads=4,
        num_kv_heads=2,
        d_ff=768,
        head_dim=128,
        router_hidden=64,
        reasoning_steps=0,
        remat=remat,
    )
    config.train.update(seq_len=512, batch_size=32, loss_chunk=1024)
    config.experts.batch_size = 8
    config.router.batch_size = 8
    config.ppo.update(minibatch_size=8, prompts=8, samples=4, max_prompt_tokens=128, max_tokens=384)
    return config
