"""Likelihoods in shared rows against the training model on each text alone."""

import dataclasses

import numpy as np
import pytest

from mistral_moe.inference import branch_packing, score
from mistral_moe.inference.weights import prepare

CONFIGS = {
    "dense": {},
    "window": {"sliding_window": 5},
    "mixture": {
        "experts": 3,
        "top_k": 2,
        "router_scope": "model",
        "router_context": "mean",
        "has_reasoning": True,
        "reasoning_steps": 2,
    },
    "router a layer": {"experts": 3, "top_k": 1, "router_scope": "layer", "router_context": "mean"},
}


def requests_of(seed, vocab_size=32, contexts=5, longest=12):
    """Some contexts with one to four texts each, in a shuffled order."""
    rng = np.random.default_rng(seed)
    draw = lambda most: tuple(rng.integers(1, vocab_size, rng.integers(1, most + 1)).tolist())  # noqa: E731
    found = [
        (context, draw(longest))
        for context in (draw(longest) for _ in range(contexts))
        for _ in range(rng.integers(1, 5))
    ]
    rng.shuffle(found)
    return [tuple(map(tuple, pair)) for pair in found]


def alone(config, params, model_logits, context, text):
    """(nats, is_greedy) by the training model."""
    tokens = np.array([[*context, *text]], np.int32)
    padded = np.zeros((1, 32), np.int32)
    padded[:, : tokens.shape[1]] = tokens
    real = (np.arange(32) < tokens.shape[1])[None].astype(np.int32)
    batch = {"tokens": padded, "segment_ids": real, "positions": np.arange(32, dtype=np.int32)[None]}
    logits = model_logits(config, params, batch)[0].astype(np.float64)
    log_probs = (
        logits
        - np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True))
        - logits.max(-1, keepdims=True)
    )
    rows = log_probs[len(context) - 1 : len(context) - 1 + len(text)]
    return rows[np.arange(len(text)), list(text)].sum(), bool((rows.argmax(-1) == list(text)).all())


@pytest.mark.parametrize("name", CONFIGS)
def test_likelihoods_are_those_of_each_text_alone(name, tiny_config, tiny_params, model_logits, monkeypatch):
    monkeypatch.setattr(score, "_MIN_WIDTH", 32)
    monkeypatch.setattr(score, "_PASS_TOKENS", 128)
    config = tiny_config(**CONFIGS[name])
    params = tiny_params(config)
    requests = requests_of(seed=0)
    found = dict(score.log_likelihoods(config, prepare(config, params), requests))
    assert sorted(found) == list(range(len(requests)))
    for index, (context, text) in enumerate(requests):
        nats, is_greedy = alone(config, params, model_logits, context, text)
        assert found[index].nats == pytest.approx(nats, abs=1e-4)
        assert found[index].is_greedy == is_greedy


def test_what_is_greedy_is_found(tiny_config, tiny_params, model_logits):
    config = tiny_config()
    params = tiny_params(config)
    context = (3, 4, 5)
    greedy = []
    for _ in range(3):
        nats = [alone(config, params, model_logits, (*context, *greedy), (token,))[0] for token in range(32)]
        greedy.append(int(np.argmax(nats)))
    other = (*greedy[:-1], (greedy[-1] + 1) % 32)
    found = dict(score.log_likelihoods(config, prepare(config, params), [(context, greedy), (context, other)]))
    assert (found[0].is_greedy, found[1].is_greedy) == (True, False)


def test_long_and_short_requests_get_their_numbers_back(tiny_config, tiny_params):
    config = tiny_config()
    weights = prepare(config, tiny_params(config))
    requests = [((1,) * 300, (2, 3)), ((1,), (2,)), ((1,) * 20, (4,) * 270), ((1,), (3,))]
    together = dict(score.log_likelihoods(config, weights, requests))
    for index, request in enumerate(requests):
        ((_, one),) = score.log_likelihoods(config, weights, [request])
        assert together[index].nats == pytest.approx(one.nats, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_packing_loses_nothing_and_shares_contexts(seed):
    requests = requests_of(seed, contexts=40)
    groups = branch_packing.group(requests, 32)
    made = [index for item in groups for index, _ in item.texts]
    assert sorted(made) == list(range(len(requests)))
    predicted = {}
    read = 0
    for packed, complete in branch_packing.passes(groups, 32, 4):
        assert (packed.part > 0).sum(axis=1).max() <= 32
        read += int((packed.part > 0).sum())
        for request, token in zip(packed.request, packed.target):
            predicted.setdefault(int(request), []).append(token)
        assert set(complete) <= predicted.keys()
    assert {index: tuple(tokens) for index, tokens in predicted.items()} == dict(
        enumerate(text for _, text in requests)
    )
    assert read == sum(item.size for item in groups) < sum(len(c) + len(t) - 1 for c, t in requests)


def test_texts_of_one_context_that_fit_no_row_are_spread(tiny_config):
    requests = [((1, 2), (3,) * 20), ((1, 2), (4,) * 20)]
    groups = branch_packing.group(requests, 32)
    assert [len(item.texts) for item in groups] == [1, 1]
    assert [dataclasses.asdict(item)["context"] for item in groups] == [(1, 2)] * 2


@pytest.mark.parametrize(
    "request_, told", [(((), (1,)), "empty context"), (((1,), ()), "empty text"), (((1,) * 30, (1,) * 9), "39 tokens")]
)
def test_what_cannot_be_scored_is_told(request_, told):
    with pytest.raises(ValueError, match=told):
        branch_packing.group([request_], 32)
