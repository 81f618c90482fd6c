"""Greedy completions equal `transformers.generate`'s token for token, from the same weights."""

import dataclasses

import numpy as np
import pytest

from mistral_moe import hf, hf_config
from mistral_moe.inference import serve
from mistral_moe.inference.serve import Request
from mistral_moe.models.config import MistralConfig

_REASON = "test-only peer: pip install -r requirements.lock -r requirements-test.lock"
torch = pytest.importorskip("torch", reason=_REASON)
transformers = pytest.importorskip("transformers", reason=_REASON)

DENSE = MistralConfig(
    vocab_size=64, d_model=32, num_layers=2, num_heads=4, num_kv_heads=2, head_dim=8, d_ff=48, rope_theta=500.0
)
MIXTURE = {"router_scope": "layer", "router_context": "none", "moe_backend": "dense"}
CASES = {
    "dense": {},
    "one key head of head_dim 20": {"num_kv_heads": 1, "head_dim": 20},
    "window 5": {"sliding_window": 5},
    "8 experts, top 2": {"experts": tuple("abcdefgh"), "top_k": 2, **MIXTURE},
    "5 experts, top 1, window 7": {"experts": tuple("abcde"), "top_k": 1, "sliding_window": 7, **MIXTURE},
}
NEW = 24


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_greedy_tokens_are_those_of_generate(changes):
    config = dataclasses.replace(DENSE, **changes)
    kind = "Mixtral" if config.experts else "Mistral"
    theirs = getattr(transformers, f"{kind}Config")(**hf_config.config_to_hf(config), attn_implementation="eager")
    model = getattr(transformers, f"{kind}ForCausalLM")(theirs).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            weight.copy_(
                1 + 0.2 * noise if "norm" in name else noise * (weight.shape[-1] ** -0.5 if "embed" not in name else 1)
            )
    params = hf.params_from_hf(config, {name: weight.numpy() for name, weight in model.state_dict().items()})
    prompts = [np.random.default_rng(length).integers(1, 64, length).tolist() for length in (1, 4, 11)]
    expected = [
        model.generate(
            torch.tensor([prompt]),
            max_new_tokens=NEW,
            min_new_tokens=NEW,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )[0, len(prompt) :].tolist()
        for prompt in prompts
    ]
    found = serve.generate(config, params, [Request(prompt, NEW) for prompt in prompts], rows=2)
    assert [completion.tokens for completion in found] == expected
    # Prompts whose texts are worth comparing.
    assert all(len(set(tokens)) > 3 for tokens in expected)
