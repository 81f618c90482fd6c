"""Answers a second of stage ppo, and where its time goes, beside a straightforward loop over transformers on the CPU.

    python -m benchmarks.ppo                      # the demo's shape
    python -m benchmarks.ppo --iterations=5 --prompts=64 --samples=4

Both sides have a mixture of one size and do the same work: draw the answers to random prompts, read them for log-probabilities
of policy and reference and for values, and make the same updates with AdamW. The peer is what one writes with transformers:
`generate` with padding, whole forward passes with logits of every token, a value head, PPO's clipped loss in torch. Models are
random, so that hardly an answer ends early: all rows are about equally long, the case in which continuous batching gains
nothing. The first iteration of either side, which compiles or warms up, is not counted.
"""

from __future__ import annotations

import os
import statistics
import time
import types

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from absl import app
from absl import flags
import jax
import numpy as np
import torch

# By name, so that a torch for GPUs imports its triton now: after TensorFlow that would be a segmentation fault.
from transformers import MixtralConfig, MixtralForCausalLM

from data.verifiable.problem import Problem
from experiments import demo
from launch.progress import NullProgress
from launch.rl import plan as plan_lib
from launch.rl.learner import Learner
from launch.rl.loop import KINDS, Loop
from launch.rl.prompts import Asked
from launch.rl.scoring import Scorer, Weights
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import init_params
from mistral_moe.training.flops import parameter_count

PROMPT_TOKENS = 24
BOS, EOS = 1, 2

_ITERATIONS = flags.DEFINE_integer("iterations", 3, "Counted ones of each side.", lower_bound=1)
_PROMPTS = flags.DEFINE_integer("prompts", 64, "Of an iteration.", lower_bound=1)
_SAMPLES = flags.DEFINE_integer("samples", 4, "Answers to each.", lower_bound=1)
_TOKENS = flags.DEFINE_integer("tokens", 40, "Of an answer, at most.", lower_bound=1)


class _Ids:
    """Text is ids: what is measured has no text."""

    eos_id = EOS

    def decode(self, ids) -> str:
        return " ".join(map(str, ids))


class _EvenTokens:
    """A verdict that costs nothing: whether the answer has an even number of tokens."""

    def score(self, problem: Problem, completion: str) -> types.SimpleNamespace:
        return types.SimpleNamespace(correct=float(completion.count(" ") % 2), format=1.0, detail="")


def _config():
    config = demo.get_config()
    # Mixtral's form, which the peer has.
    config.model.update(router_scope="layer", router_context="none", router_hidden=0, reasoning_steps=0)
    config.ppo.update(
        prompts=_PROMPTS.value,
        samples=_SAMPLES.value,
        iterations=_ITERATIONS.value + 1,
        max_prompt_tokens=PROMPT_TOKENS,
        max_tokens=_TOKENS.value,
        engine_rows=64,
        epochs=2,
        minibatch_size=64,
        value_model="head",
        missing_eos="subtract",
        missing_eos_penalty=0.0,
        early_stop_kl=None,
        evaluate_every=1000,
    )
    return config


def _prompts(count: int, vocab_size: int) -> list[list[int]]:
    rng = np.random.default_rng(0)
    return [[BOS, *rng.integers(3, vocab_size, PROMPT_TOKENS - 1).tolist()] for _ in range(count)]


def ours() -> tuple[list[dict[str, float]], MistralConfig, list[int]]:
    """Seconds by kind of each iteration, the model, and the tokens drawn in each."""
    config = _config()
    plan, _, model = plan_lib.plan_of(config)
    params = init_params(model, jax.random.key(0))
    asked = [
        Asked(Problem(f"benchmark/{index}", "benchmark", ("",), ""), tuple(ids))
        for index, ids in enumerate(_prompts(512, model.vocab_size))
    ]
    scorer = Scorer(_EvenTokens(), "composite", Weights(), _TOKENS.value)
    with NullProgress(["ppo"]).stage("ppo") as progress:
        learner = Learner(config, plan, model, params)
        loop = Loop(config, learner, scorer, _Ids(), asked, asked[:1], model, progress)
        rows, drawn = [], []
        for iteration in range(_ITERATIONS.value + 1):
            row = loop.iterate(iteration)
            rows.append({kind: row[f"seconds/{kind}"] for kind in KINDS if kind != "evaluation"})
            drawn.append(round(row["length"] * row["rows/rows"]))
    return rows[1:], model, drawn[1:]


def peer(model: MistralConfig) -> tuple[list[dict[str, float]], list[int]]:
    """Likewise with transformers."""
    torch.manual_seed(0)
    policy, reference = (MixtralForCausalLM(_peer_config(model)) for _ in range(2))
    reference.load_state_dict(policy.state_dict())
    head = torch.nn.Linear(model.d_model, 1)
    optimizer = torch.optim.AdamW([*policy.parameters(), *head.parameters()], lr=3e-6, eps=1e-5, weight_decay=0.0)
    prompts = torch.tensor(_prompts(512, model.vocab_size))
    rows, drawn = [], []
    for iteration in range(_ITERATIONS.value + 1):
        order = torch.arange(iteration * _PROMPTS.value, (iteration + 1) * _PROMPTS.value) % len(prompts)
        batch = prompts[order].repeat_interleave(_SAMPLES.value, dim=0)
        seconds, tokens = _peer_iteration(policy, reference, head, optimizer, batch)
        rows.append(seconds)
        drawn.append(tokens)
    return rows[1:], drawn[1:]


def _peer_config(model: MistralConfig) -> MixtralConfig:
    return MixtralConfig(
        vocab_size=model.vocab_size,
        hidden_size=model.d_model,
        intermediate_size=model.d_ff,
        num_hidden_layers=model.num_layers,
        num_attention_heads=model.num_heads,
        num_key_value_heads=model.num_kv_heads,
        head_dim=model.head_dim,
        num_local_experts=model.num_experts,
        num_experts_per_tok=model.top_k,
        bos_token_id=BOS,
        eos_token_id=EOS,
        pad_token_id=0,
    )


def _peer_read(policy, head, tokens: torch.Tensor, mask: torch.Tensor, prompt: int):
    out = policy(input_ids=tokens, attention_mask=mask, output_hidden_states=True)
    log_probs = torch.log_softmax(out.logits[:, prompt - 1 : -1].float(), dim=-1)
    chosen = log_probs.gather(-1, tokens[:, prompt:, None])[..., 0]
    return chosen, head(out.hidden_states[-1][:, prompt - 1 : -1].detach())[..., 0]


def _peer_iteration(policy, reference, head, optimizer, prompts: torch.Tensor) -> tuple[dict[str, float], int]:
    prompt, seconds, began = prompts.shape[1], {}, time.monotonic()

    def lap(kind: str) -> None:
        nonlocal began
        seconds[kind], began = time.monotonic() - began, time.monotonic()

    with torch.no_grad():
        tokens = policy.generate(
            input_ids=prompts,
            attention_mask=torch.ones_like(prompts),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            max_new_tokens=_TOKENS.value,
        )
    ended = (tokens[:, prompt:] == EOS).cumsum(dim=1)
    real = (ended == 0) | ((ended == 1) & (tokens[:, prompt:] == EOS))
    mask = torch.cat([torch.ones_like(prompts), real.long()], dim=1)
    lap("rollout")
    scores = (real.sum(dim=1) % 2).float()
    lap("reward")
    with torch.no_grad():
        old, values = _peer_read(policy, head, tokens, mask, prompt)
        apart = old - _peer_read(reference, head, tokens, mask, prompt)[0]
    rewards = -0.05 * apart * real
    rewards[torch.arange(len(tokens)), real.sum(dim=1) - 1] += scores
    values, advantages, later = values * real, torch.zeros_like(rewards), torch.zeros(len(tokens))
    for step in reversed(range(rewards.shape[1])):
        after = values[:, step + 1] if step + 1 < rewards.shape[1] else 0.0
        later = (rewards[:, step] + after - values[:, step] + 0.95 * later) * real[:, step]
        advantages[:, step] = later
    returns = advantages + values
    whole = advantages[real]
    advantages = (advantages - whole.mean()) / (whole.std() + 1e-8)
    lap("reference")
    for _ in range(2):
        for rows in torch.randperm(len(tokens)).split(64):
            new, value = _peer_read(policy, head, tokens[rows], mask[rows], prompt)
            ratio = torch.exp(new - old[rows])
            gain = torch.minimum(ratio * advantages[rows], ratio.clamp(0.8, 1.2) * advantages[rows])
            loss = -gain[real[rows]].mean() + 0.05 * (value - returns[rows])[real[rows]].square().mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
    lap("update")
    return seconds, int(real.sum())


def _line(name: str, rows: list[dict[str, float]], drawn: list[int]) -> tuple[str, float]:
    kinds = {kind: statistics.median(row[kind] for row in rows) for kind in rows[0]}
    total = statistics.median(sum(row.values()) for row in rows)
    answers = _PROMPTS.value * _SAMPLES.value
    split = " | ".join(f"{kinds[kind]:.2f} s ({kinds[kind] / total:.0%})" for kind in kinds)
    rate = statistics.median(tokens / row["rollout"] for tokens, row in zip(drawn, rows))
    return f"| {name} | {split} | {total:.2f} s | {rate:,.0f} | {answers / total:.1f} |", answers / total


def main(argv: list[str]) -> None:
    """Runs both sides, one after the other."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    rows, model, drawn = ours()
    first, ours_rate = _line("stage ppo", rows, drawn)
    second, peer_rate = _line("transformers", *peer(model))
    print(f"{parameter_count(model)['total']:,} parameters, {_PROMPTS.value} x {_SAMPLES.value} answers, medians\n")
    print("| | rollout | reward | reference | update | iteration | tokens drawn/s | answers/s |")
    print("|---|---|---|---|---|---|---|---|")
    print(f"{first}\n{second}\n\n{ours_rate / peer_rate:.2f} times the peer's answers a second")


if __name__ == "__main__":
    app.run(main)
