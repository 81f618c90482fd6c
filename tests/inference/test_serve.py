"""Continuous batching: what a request gets is what the whole model gives it step by step, in any company and order."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.inference import cache as cache_lib
from mistral_moe.inference import forward, serve
from mistral_moe.inference.serve import Engine, Request
from mistral_moe.inference.weights import prepare

SHAPES = {
    "dense": dict(num_layers=1),
    "window 4": dict(sliding_window=4),
    "window 7, a decision a layer": dict(experts=3, router_scope="layer", router_hidden=5, sliding_window=7),
    "one decision for all layers": dict(experts=3, top_k=1),
    "Mixtral's form, window 5": dict(experts=5, router_scope="layer", router_context="none", sliding_window=5),
    "reasoning, window 4": dict(experts=3, num_layers=1, has_reasoning=True, reasoning_steps=2, sliding_window=4),
}
LENGTH = 40  # of the longest text
PLACES = 64


@pytest.fixture(scope="module")
def model_of(tiny_config, tiny_params):
    @functools.cache
    def make(name):
        config = tiny_config(**SHAPES[name])
        params = tiny_params(config, 3)
        params["lm_head"] = params["lm_head"] * 3
        if config.has_reasoning:
            params["reasoning"]["gate"] = params["reasoning"]["gate"] + 0.7
        return config, params, prepare(config, params)

    return make


# Each compiles programs of its own; CI runs all of them.
_SLOW = ("window 7, a decision a layer", "Mixtral's form, window 5")
each_name = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in _SLOW)) for name in SHAPES]
)


def whole_logits(config, params, text, model_logits):
    """[len(text), V] from one pass of the model over the whole text."""
    row = np.zeros((1, LENGTH), np.int32)
    row[0, : len(text)] = text
    batch = {
        "tokens": row,
        "segment_ids": (np.arange(LENGTH) < len(text)).astype(np.int32)[None],
        "positions": np.arange(LENGTH, dtype=np.int32)[None],
    }
    return model_logits(config, params, batch)[0, : len(text)]


def requests_of(config):
    """Prompts shorter and longer than every window and of two padded widths; greedy and sampled."""
    rng = np.random.default_rng(0)
    lengths, tokens = (1, 3, 9, 20, 5, 17, 4), (12, 9, 5, 14, 1, 11, 12)
    draws = [{}, dict(temperature=1.0), {}, dict(temperature=1.5, top_k=9), {}, {}, dict(temperature=0.8, top_p=0.9)]
    return [
        Request(rng.integers(1, config.vocab_size, length).tolist(), count, seed=index, **how)
        for index, (length, count, how) in enumerate(zip(lengths, tokens, draws))
    ]


def engine_of(config, weights, together=1):
    return Engine(config, weights, 3, cache_lib.places_needed(config, PLACES), burst=4, together=together)


@pytest.mark.slow
@each_name
def test_tokens_are_those_of_the_whole_model_and_the_same_alone_and_in_company(model_of, model_logits, name):
    config, params, weights = model_of(name)
    requests = requests_of(config)
    engine = engine_of(config, weights, together=2 if name in ("window 4", "Mixtral's form, window 5") else 1)
    together = engine.generate(requests)
    for request, completion in zip(requests, together):
        assert len(completion.tokens) == request.max_tokens and completion.ends == "length"
        text = [*request.prompt, *completion.tokens]
        logits = whole_logits(config, params, text, model_logits)[len(request.prompt) - 1 : -1]
        if request.temperature == 0:
            # Along its own text, every token is the first choice of a pass that keeps nothing.
            assert completion.tokens == logits.argmax(axis=-1).tolist()
        expected = np.asarray(jax.nn.log_softmax(logits))[np.arange(len(logits)), completion.tokens]
        np.testing.assert_allclose(completion.log_probs, expected, atol=2e-4)
    # To the last bit: the log-probabilities too.
    assert engine.generate(requests[::-1])[::-1] == together
    for index in (1, 3, 6):
        assert engine.generate([requests[index]]) == [together[index]]
        # Beside others, in the last row.
        assert engine.generate([requests[0], requests[2], requests[index]])[2] == together[index]


@each_name
def test_logits_of_every_step_are_those_of_the_whole_model(model_of, model_logits, name):
    """Teacher-forced, rows at different positions, through a ring no longer than what is still seen."""
    config, params, weights = model_of(name)
    texts = np.random.default_rng(1).integers(1, config.vocab_size, (3, LENGTH))
    starts = np.array([1, 6, 19], np.int32)
    expected = [whole_logits(config, params, text, model_logits) for text in texts]
    cache = cache_lib.empty(config, 3, cache_lib.places_needed(config, LENGTH))
    prompts = np.where(np.arange(24) < starts[:, None], texts[:, :24], 0)
    # The last of three is left out, and read by itself afterwards.
    for where, part in ((np.array([1, 0, 3]), [1, 0, 2]), (np.array([2]), [2])):
        cache, logits = serve._read(config, weights, cache, where, prompts[part].astype(np.int32), starts[part])
        for row, found in zip(part, logits):
            np.testing.assert_allclose(found, expected[row][starts[row] - 1], atol=1e-4)
    step = jax.jit(forward.read_tokens, static_argnums=0)
    for index in range(20):
        positions = starts + index
        tokens = texts[np.arange(3), positions]
        logits, cache = step(config, weights, cache, tokens, positions, np.ones(3, bool))
        for row in range(3):
            np.testing.assert_allclose(logits[row], expected[row][positions[row]], atol=1e-4)


@pytest.fixture(scope="module")
def mixture(model_of):
    config, _, weights = model_of("window 7, a decision a layer")
    return config, engine_of(config, weights)


def test_a_completion_ends_with_the_first_of_its_stop_ids(mixture):
    config, engine = mixture
    requests = requests_of(config)
    whole = engine.generate(requests)
    stopped = [
        dataclasses.replace(r, stop=(w.tokens[len(w.tokens) // 2], w.tokens[-1])) for r, w in zip(requests, whole)
    ]
    for request, completion, full in zip(stopped, engine.generate(stopped), whole):
        first = min(full.tokens.index(stop) for stop in request.stop)
        assert completion.tokens == full.tokens[: first + 1] and completion.ends == "stop"
        assert completion.text_tokens == full.tokens[:first]
        assert completion.log_probs == full.log_probs[: first + 1]


def test_tokens_come_in_order_and_requests_are_taken_as_rows_become_free(mixture):
    config, engine = mixture
    requests = requests_of(config)
    taken, seen = [], {}

    def source():
        for index, request in enumerate(requests):
            taken.append(index)
            yield request

    whole = engine.generate(requests)
    for token in engine.stream(source()):
        tokens = seen.setdefault(token.request, [])
        tokens.append(token.id)
        assert (token.ends is not None) == (len(tokens) == requests[token.request].max_tokens)
        if len(taken) < len(requests):
            # Three rows, and one request looked at beforehand.
            assert len(taken) <= 4 + sum(len(seen.get(i, ())) == r.max_tokens for i, r in enumerate(requests))
    assert [seen[index] for index in range(len(requests))] == [completion.tokens for completion in whole]


def test_an_engine_serves_on_after_its_listener_has_gone(mixture):
    config, engine = mixture
    requests = requests_of(config)
    whole = engine.generate(requests)
    stream = engine.stream(requests)
    next(stream)
    stream.close()
    assert engine.generate(requests) == whole


def test_an_engine_goes_on_with_other_weights_and_compiles_nothing(mixture, model_of):
    config, params, weights = model_of("window 7, a decision a layer")
    engine, requests = engine_of(config, weights), requests_of(config)
    first = engine.generate(requests)
    counts = [function._cache_size() for function in (serve._read, serve._start, serve._burst)]
    changed = prepare(config, jax.tree.map(lambda leaf: leaf * 1.5, params))
    engine.take(changed)
    second = engine.generate(requests)
    assert second != first and second == engine_of(config, changed).generate(requests)
    assert [function._cache_size() for function in (serve._read, serve._start, serve._burst)] == counts
    engine.take(weights)
    assert engine.generate(requests) == first
    with pytest.raises(ValueError, match="not of the engine's model"):
        engine.take(prepare(config, params, int8=True))


def test_other_requests_compile_nothing(mixture):
    config, engine = mixture
    engine.generate(requests_of(config))
    counts = [function._cache_size() for function in (serve._read, serve._start, serve._burst)]
    engine.generate([Request([1] * length, 3, temperature=0.5 * length, stop=(4,)) for length in range(1, 24)])
    assert [function._cache_size() for function in (serve._read, serve._start, serve._burst)] == counts


@pytest.mark.parametrize("length", [1, 15, 16, 17, 24, 25, 33, 48, 49, 96, 97, 1000])
def test_a_padded_width_holds_the_prompt_and_at_most_half_as_much_again(length):
    assert length <= serve._width(length) <= max(16, length * 3 / 2)


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(prompt=[]), "request 1 has an empty prompt"),
        (dict(prompt=[1, 99]), "outside the vocabulary of 32"),
        (dict(max_tokens=0), "max_tokens below 1"),
        (dict(temperature=-1.0), "negative temperature"),
        (dict(temperature=float("nan")), "negative temperature"),
        (dict(top_p=0.0), "top_p outside"),
        (dict(min_p=1.5), "min_p outside"),
        (dict(top_k=-1), "negative top_k"),
        (dict(seed=2**32), "seed outside 32 bits"),
        (dict(stop=tuple(range(9))), "9 stop ids; give at most 8"),
    ],
)
def test_a_wrong_request_is_told_by_its_number(model_of, changes, message):
    config, params, _ = model_of("dense")
    fine = Request([1, 2], 3)
    with pytest.raises(ValueError, match=message):
        serve.engine_for(config, params, [fine, dataclasses.replace(fine, **changes)])


def test_a_text_longer_than_the_cache_is_refused_where_no_window_hides_its_beginning(model_of):
    config, _, weights = model_of("dense")
    with pytest.raises(ValueError, match="request 0 has 3 tokens and asks for 6, which need 9 places of a cache of 8"):
        Engine(config, weights, rows=1, places=8).generate([Request([1, 2, 3], 6)])
    with pytest.raises(ValueError, match="rows is 0"):
        Engine(config, weights, rows=0, places=8)


@pytest.mark.parametrize("apart", [True, False], ids=["apart", "stacked"])
@pytest.mark.parametrize("batch, length", [(1, 1), (2, 5), (3, 40)])
@pytest.mark.parametrize("int8", [False, True])
def test_the_mixture_is_that_of_the_model(tiny_config, tiny_params, apart, int8, batch, length):
    """Every form that the experts take: gathered, dense, grouped, one by one."""
    from mistral_moe.inference.experts import mixture as run
    from mistral_moe.models.moe import Experts, dispatch
    from mistral_moe.models.router import decide

    config = tiny_config(experts=5, d_ff=20)
    params = tiny_params(config, 1)
    layer = prepare(config, params, int8, apart).layers[1]
    experts = jax.tree.map(lambda leaf: leaf[1], params["layers"]["experts"])
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(batch, length, config.d_model)), jnp.float32)
    decision = decide(jnp.asarray(rng.normal(size=(batch, length, 5)), jnp.float32), 2)
    live = jnp.asarray(rng.random((batch, length)) < 0.8).at[0, 0].set(True)
    expected = Experts(config).apply({"params": experts}, x, dispatch(decision, 5))
    found = run(x, live, decision, layer.gate_up, layer.down, "dense")
    tolerance = 0.1 if int8 else 1e-5
    np.testing.assert_allclose(found, jnp.where(live[..., None], expected, 0), atol=tolerance)
