"""Continuous batching: a fixed number of rows decode together, and a row that has finished takes the next prompt.

Nothing is compiled anew for another mix of requests: prompts are padded to one of a few widths, read, and put into
their rows' caches; all rows then decode in bursts of tokens inside one compiled loop, so that Python is paid once a
burst.

What a request computes has the same shapes whatever its company, and no row's numbers enter another's. On CPU its
tokens and log-probabilities are the same to the last bit, alone, in any company and in any order, for a given number of
rows and places. On other devices a matmul may round a row differently beside others (about 1e-6 of a float32 logit),
which can show where two tokens are that close.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
import functools

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from mistral_moe.inference import cache as cache_lib
from mistral_moe.inference.cache import Cache
from mistral_moe.inference.forward import read_prompts, read_tokens
from mistral_moe.inference.requests import MAX_STOPS, Completion, Request, Token
from mistral_moe.inference.sampling import Sampling, choose
from mistral_moe.inference.weights import Weights, prepare
from mistral_moe.models.config import MistralConfig

ROWS = 32
_PLACES_MULTIPLE = 64
_NO_TOKEN = -1
_SAMPLING = {
    "temperature": np.float32,
    "top_k": np.int64,
    "top_p": np.float32,
    "min_p": np.float32,
    "seed": np.uint32,
}


@flax.struct.dataclass
class _Rows:
    """Where each of B rows is: `tokens` [B] were drawn last and are not read yet, at `positions` [B]."""

    tokens: jax.Array
    positions: jax.Array
    counts: jax.Array
    limits: jax.Array
    live: jax.Array
    sampling: Sampling
    stops: jax.Array


def _no_rows(rows: int) -> _Rows:
    zeros, reals = np.zeros(rows, np.int32), np.zeros(rows, np.float32)
    sampling = Sampling(reals, zeros, reals + 1, reals, zeros.astype(np.uint32))
    stops = np.full((rows, MAX_STOPS), _NO_TOKEN, np.int32)
    return jax.device_put(_Rows(zeros, zeros, zeros, zeros, zeros.astype(bool), sampling, stops))


def _goes_on(tokens: jax.Array, counts: jax.Array, limits: jax.Array, stops: jax.Array) -> jax.Array:
    """[B] bool: whether rows that have just drawn `tokens`, their `counts`-th, draw another."""
    return (counts < limits) & ~(tokens[:, None] == stops).any(axis=-1)


@functools.partial(jax.jit, static_argnames="config", donate_argnames="cache")
def _read(
    config: MistralConfig, weights: Weights, cache: Cache, where: jax.Array, prompts: jax.Array, lengths: jax.Array
) -> tuple[Cache, jax.Array]:
    """Reads prompts [P, T] into the rows `where` [P]; returns the cache and the logits [P, V] of what follows."""
    logits, read = read_prompts(config, weights, prompts, lengths)
    return cache_lib.insert(cache, where, read, lengths), logits


@functools.partial(jax.jit, donate_argnames="rows")
def _start(
    rows: _Rows,
    where: jax.Array,
    logits: jax.Array,
    lengths: jax.Array,
    limits: jax.Array,
    sampling: Sampling,
    stops: jax.Array,
) -> tuple[_Rows, jax.Array, jax.Array]:
    """Draws the first tokens of requests and gives them the rows `where` [P].

    `logits` [P, V], `lengths` and `limits` [P], `sampling` of P rows and `stops` [P, MAX_STOPS] are the requests'.
    """
    one = jnp.ones_like(lengths)
    tokens, log_probs = choose(logits, sampling, one - 1)
    new = _Rows(tokens, lengths, one, limits, _goes_on(tokens, one, limits, stops), sampling, stops)
    put = lambda kept, new: kept.at[where].set(new, mode="drop", unique_indices=True)  # noqa: E731
    return jax.tree.map(put, rows, new), tokens, log_probs


@functools.partial(jax.jit, static_argnames=("config", "num_tokens"), donate_argnames=("cache", "rows"))
def _burst(
    config: MistralConfig, weights: Weights, cache: Cache, rows: _Rows, num_tokens: int, until_one_ends: jax.Array
) -> tuple[Cache, _Rows, jax.Array, jax.Array]:
    """Draws up to `num_tokens` tokens in every live row.

    It ends before that when no row lives, or with `until_one_ends` when one has ended.

    Returns:
      The cache, the rows, and the tokens and log-probabilities [num_tokens, B]; where a row drew none the token is -1.
    """
    batch = rows.tokens.shape[0]
    alive = rows.live

    def is_needed(state: tuple) -> jax.Array:
        index, _, rows, _, _ = state
        ended = until_one_ends & (alive & ~rows.live).any()
        return (index < num_tokens) & rows.live.any() & ~ended

    def one_token(state: tuple) -> tuple:
        index, cache, rows, tokens, log_probs = state
        # Ties the weights to the loop: XLA would else move their conversion from eight bits out of it, and read (and
        # keep) what the conversion makes.
        held, last = jax.lax.optimization_barrier((weights, rows.tokens))
        logits, cache = read_tokens(config, held, cache, last, rows.positions, rows.live)
        token, log_prob = choose(logits, rows.sampling, rows.counts)
        counts = rows.counts + rows.live
        tokens = tokens.at[index].set(jnp.where(rows.live, token, _NO_TOKEN))
        log_probs = log_probs.at[index].set(log_prob)
        live = rows.live & _goes_on(token, counts, rows.limits, rows.stops)
        rows = rows.replace(tokens=token, positions=rows.positions + live, counts=counts, live=live)
        return index + 1, cache, rows, tokens, log_probs

    tokens = jnp.full((num_tokens, batch), _NO_TOKEN, jnp.int32)
    state = jnp.int32(0), cache, rows, tokens, jnp.zeros((num_tokens, batch), jnp.float32)
    return jax.lax.while_loop(is_needed, one_token, state)[1:]


def _width(length: int) -> int:
    """The width that a prompt is padded to: 16, 24, 32, 48, 64, 96, ..."""
    power = 1 << max(length - 1, 15).bit_length()
    return power * 3 // 4 if length <= power * 3 // 4 and power > 16 else power


class Engine:
    """A model that serves requests in a fixed number of rows."""

    def __init__(
        self,
        config: MistralConfig,
        weights: Weights,
        rows: int,
        places: int,
        burst: int = 16,
        together: int = 1,
    ) -> None:
        """Sets the rows up.

        Args:
          config: the model's.
          weights: from `inference.weights.prepare`.
          rows: B, requests that decode together.
          places: S, places of each row's cache. Without a sliding window prompt and completion must fit; with one of at
            most S tokens texts may be of any length.
          burst: tokens between two looks at the requests; what is streamed comes in pieces of at most so many.
          together: prompts of one width that are read in one pass, which always has so many rows, so that
            its shape does not depend on the company. More is faster where many requests come at once, slower where they
            come one by one.

        Raises:
          ValueError: a number below 1.
        """
        for name, value in (("rows", rows), ("places", places), ("burst", burst), ("together", together)):
            if value < 1:
                raise ValueError(f"{name} is {value}; an engine needs at least one")
        self._config, self._weights, self._burst = config, weights, burst
        self._places, self._num_rows, self._together = places, rows, together
        self._cache = cache_lib.empty(config, rows, places)
        self._rows = _no_rows(rows)
        self._cancelled: set[int] = set()

    def take(self, weights: Weights) -> None:
        """Goes on with other weights of the same model, such as those of a policy in training; nothing is compiled anew.

        Args:
          weights: from `inference.weights.prepare`, as the engine's first ones.

        Raises:
          ValueError: they have another form.
        """

        def form(tree: Weights) -> tuple:
            leaves, structure = jax.tree.flatten(tree)
            return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]

        if form(weights) != form(self._weights):
            raise ValueError("the weights are not of the engine's model: structure, shapes or dtypes differ")
        self._weights = weights

    def stream(self, requests: Iterable[Request]) -> Iterator[Token]:
        """Serves requests, each token as soon as its burst has ended.

        Args:
          requests: taken one by one as rows become free.

        Yields:
          Tokens; those of one request are in order.

        Raises:
          ValueError: a request that can't be served; its number is named.
        """
        self._cancelled.clear()
        waiting = enumerate(requests)
        upcoming = next(waiting, None)
        owners: list[tuple[int, Request] | None] = [None] * self._num_rows
        counts = [0] * self._num_rows
        try:
            while upcoming is not None or any(owners):
                admitted: dict[int, list[int]] = {}
                for row, owner in enumerate(owners):
                    if owner is None and upcoming is not None:
                        self._check(*upcoming)
                        owners[row], counts[row] = upcoming, 0
                        admitted.setdefault(_width(len(upcoming[1].prompt)), []).append(row)
                        upcoming = next(waiting, None)
                firsts = []
                for width, rows in admitted.items():
                    for first in range(0, len(rows), self._together):
                        part = rows[first : first + self._together]
                        firsts.append((part, *self._admit(part, [owners[row][1] for row in part], width)))
                self._cache, self._rows, tokens, log_probs = _burst(
                    self._config, self._weights, self._cache, self._rows, self._burst, upcoming is not None
                )
                firsts, tokens, log_probs = jax.device_get((firsts, tokens, log_probs))
                drawn = [first for part, *both in firsts for first in zip(part, *both)]
                drawn += [(row, tokens[step, row], log_probs[step, row]) for step, row in np.argwhere(tokens >= 0)]
                for row, token, log_prob in drawn:
                    index, request = owners[row]
                    if index in self._cancelled:
                        continue
                    counts[row] += 1
                    ends = "stop" if token in request.stop else "length" if counts[row] == request.max_tokens else None
                    if ends:
                        owners[row] = None
                    yield Token(index, int(token), float(log_prob), ends)
                for row, owner in enumerate(owners):
                    if owner is not None and owner[0] in self._cancelled:
                        owners[row] = None
                        self._rows = self._rows.replace(live=self._rows.live.at[row].set(False))
        finally:
            if any(owners):  # whoever listens has gone: the rows must not go on by themselves
                self._rows = _no_rows(self._num_rows)

    def cancel(self, request: int) -> None:
        """Lets a request of the stream under way end here: nothing more of it is yielded, and its row becomes free."""
        self._cancelled.add(request)

    def generate(self, requests: Iterable[Request]) -> list[Completion]:
        """The completions of requests, in their order; see `stream`."""
        found: dict[int, tuple[list[int], list[float]]] = {}
        done: dict[int, Completion] = {}
        for token in self.stream(requests):
            tokens, log_probs = found.setdefault(token.request, ([], []))
            tokens.append(token.id)
            log_probs.append(token.log_prob)
            if token.ends:
                done[token.request] = Completion(*found.pop(token.request), token.ends)
        return [done[index] for index in sorted(done)]

    def _check(self, index: int, request: Request) -> None:
        request.check(f"request {index}", self._config.vocab_size)
        needed = cache_lib.places_needed(self._config, len(request.prompt) + request.max_tokens)
        if needed > self._places:
            raise ValueError(
                f"request {index} has {len(request.prompt)} tokens and asks for {request.max_tokens}, which need "
                f"{needed} places of a cache of {self._places}; "
                "shorten the prompt, ask for fewer tokens, or give more places"
            )

    def _admit(self, rows: list[int], requests: list[Request], width: int) -> tuple[jax.Array, jax.Array]:
        """Reads requests of one width into rows; their first tokens and log-probabilities [P], padded at the end."""
        count = self._together
        prompts = np.zeros((count, width), np.int32)
        stops = np.full((count, MAX_STOPS), _NO_TOKEN, np.int32)
        # Requests that fill up the pass are of no token, and their row is past the last.
        lengths, limits, where = np.zeros(count, np.int32), np.zeros(count, np.int32), np.full(count, self._num_rows)
        fields = {name: np.zeros(count, dtype) for name, dtype in _SAMPLING.items()}
        for place, (row, request) in enumerate(zip(rows, requests)):
            prompts[place, : len(request.prompt)] = request.prompt
            stops[place, : len(request.stop)] = request.stop
            lengths[place], limits[place], where[place] = len(request.prompt), request.max_tokens, row
            for name, values in fields.items():
                values[place] = getattr(request, name)
        fields["top_k"] = np.minimum(fields["top_k"], self._config.vocab_size).astype(np.int32)
        where = where.astype(np.int32)
        self._cache, logits = _read(self._config, self._weights, self._cache, where, prompts, lengths)
        self._rows, tokens, log_probs = _start(self._rows, where, logits, lengths, limits, Sampling(**fields), stops)
        return tokens, log_probs


def engine_for(
    config: MistralConfig,
    params: dict,
    requests: Sequence[Request],
    rows: int = ROWS,
    burst: int = 16,
    int8: bool = False,
) -> Engine:
    """An engine with room for given requests.

    Args:
      config: the model's.
      params: the model's.
      requests: what will be asked of it.
      rows: the most requests that decode together.
      burst: see `Engine`.
      int8: whether weights are kept in eight bits.

    Raises:
      ValueError: a request that can't be served.
    """
    for index, request in enumerate(requests):
        request.check(f"request {index}", config.vocab_size)
    longest = max((len(request.prompt) + request.max_tokens for request in requests), default=1)
    places = cache_lib.places_needed(config, -(-longest // _PLACES_MULTIPLE) * _PLACES_MULTIPLE)
    return Engine(config, prepare(config, params, int8), min(rows, max(len(requests), 1)), places, burst)


def generate(
    config: MistralConfig,
    params: dict,
    requests: Sequence[Request],
    rows: int = ROWS,
    burst: int = 16,
    int8: bool = False,
) -> list[Completion]:
    """The completions of requests, in their order; arguments and errors as `engine_for`'s."""
    return engine_for(config, params, requests, rows, burst, int8).generate(requests)
