"""A model of a run as benchmarks see it: text is tokenised, cut to the window, scored or continued."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import hashlib

from data import tokenizer as tokenizer_lib
from data.tokenizer import Tokenizer
from launch.errors import UserError
from launch.saved_models import SavedModel
from launch.text_stream import TextStream
from mistral_moe.evaluation.language_model import Continuation, Generated, LogLikelihood, Prompt
from mistral_moe.inference import cache as cache_lib
from mistral_moe.inference import score
from mistral_moe.inference.serve import Engine, Request
from mistral_moe.inference.weights import Weights, prepare
from mistral_moe.models.config import MistralConfig

ROWS = 32
_TOGETHER = 4


def windows(tokens: Sequence[int], first: int, length: int) -> list[tuple[list[int], list[int]]]:
    """A text in pieces that a window holds: (context, text) pairs of which each token is in one text.

    Args:
      tokens: of the text, at least one.
      first: the id that stands before it.
      length: L, tokens that the model reads at most.

    Returns:
      The first piece's context is `first`, a later one's the token before it, as lm-eval's rolling windows have it.
    """
    pieces = [([first], list(tokens[:length]))]
    for start in range(length, len(tokens), length):
        # A last short piece takes as much context as there is room for.
        text = list(tokens[start : start + length])
        pieces.append((list(tokens[max(start - 1 - (length - len(text)), 0) : start]), text))
    return pieces


class RunModel:
    """See `LanguageModel`.

    Args:
      config: the model's.
      weights: from `inference.weights.prepare`.
      tokenizer: the model's.
      max_length: tokens of the window.
      identity: of the model.
    """

    def __init__(
        self, config: MistralConfig, weights: Weights, tokenizer: Tokenizer, max_length: int, identity: str
    ) -> None:
        self.identity = identity
        self._config, self._weights, self._tokenizer, self._length = config, weights, tokenizer, max_length
        self._engine: Engine | None = None

    def log_likelihoods(self, requests: Sequence[Continuation]) -> Iterator[tuple[int, LogLikelihood]]:
        """See `LanguageModel`."""
        pairs, owners, cut = [], [], []
        for index, (context, text) in enumerate(self._encode(requests)):
            # The window holds what is read: all but the text's last token.
            excess = len(context) + len(text) - 1 - self._length
            if excess < len(context):
                found = [(context[max(excess, 0) :], text)]
            else:
                found = windows(text, context[-1], self._length)
            cut.append(max(min(excess, len(context) - 1), 0))
            pairs += found
            owners += [index] * len(found)
        yield from self._scored(pairs, owners, cut)

    def rolling(self, texts: Sequence[str]) -> Iterator[tuple[int, LogLikelihood]]:
        """See `LanguageModel`."""
        pairs, owners = [], []
        for index, ids in enumerate(self._tokenizer.encode_batch(texts)):
            if not ids.size:
                yield index, LogLikelihood(0.0, True, 0)
                continue
            found = windows(ids.tolist(), self._tokenizer.bos_id, self._length)
            pairs += found
            owners += [index] * len(found)
        yield from self._scored(pairs, owners, [0] * len(texts))

    def _encode(self, requests: Sequence[Continuation]) -> Iterator[tuple[list[int], list[int]]]:
        """(context, text) of each request: context and text are encoded as one, since that is how text is tokenised."""
        bos, contexts = self._tokenizer.bos_id, {}
        for request in requests:
            # Spaces at a context's end belong to the text: a piece begins with its space.
            context = request.context.rstrip()
            text = request.context[len(context) :] + request.text
            if context not in contexts:
                contexts[context] = self._tokenizer.encode(context).tolist() if context else []
            before = contexts[context]
            after = self._tokenizer.encode(context + text).tolist()[len(before) :]
            # A text that melts into its context's last piece stands by itself.
            after = after or self._tokenizer.encode(text).tolist()
            if not after:
                raise ValueError(f"nothing to score after {request.context[-40:]!r}; a continuation needs some text")
            yield [bos, *before], after

    def _scored(
        self, pairs: list[tuple[list[int], list[int]]], owners: list[int], cut: list[int]
    ) -> Iterator[tuple[int, LogLikelihood]]:
        waiting: dict[int, list[int]] = {}
        for place, owner in enumerate(owners):
            waiting.setdefault(owner, []).append(place)
        left = {owner: len(places) for owner, places in waiting.items()}
        done: dict[int, score.Likelihood] = {}
        for place, found in score.log_likelihoods(self._config, self._weights, pairs):
            owner = owners[place]
            done[place] = found
            left[owner] -= 1
            if not left[owner]:
                parts = [done.pop(part) for part in waiting[owner]]
                nats = sum(part.nats for part in parts)
                tokens = sum(len(pairs[part][1]) for part in waiting[owner])
                yield owner, LogLikelihood(nats, all(part.is_greedy for part in parts), tokens, cut[owner])

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Generated]]:
        """See `LanguageModel`."""
        requests, cut = [], []
        for prompt in prompts:
            ids = self._prompt_ids(prompt)
            # At least half of the window is the prompt's.
            tokens = min(prompt.max_tokens, max(self._length // 2, 1))
            excess = max(len(ids) + tokens - self._length, 0)
            cut.append(excess)
            sampling = {"temperature": prompt.temperature, "top_p": prompt.top_p, "seed": prompt.seed}
            requests.append(Request(ids[excess:], tokens, stop=(self._tokenizer.eos_id,), **sampling))
        if not requests:
            return
        if self._engine is None:
            places = cache_lib.places_needed(self._config, self._length)
            self._engine = Engine(self._config, self._weights, ROWS, places, together=_TOGETHER)
        # The longest first, so that prompts of one width are read together and few rows idle at the end.
        order = sorted(range(len(requests)), key=lambda index: -len(requests[index].prompt))
        streams = [TextStream(self._tokenizer, requests[index].prompt, prompts[index].stop) for index in order]
        drawn = [0] * len(order)
        for token in self._engine.stream([requests[index] for index in order]):
            stream = streams[token.request]
            if stream.is_stopped:
                continue
            drawn[token.request] += 1
            if token.ends != "stop":
                stream.add(token.id)
            if token.ends:
                stream.finish()
            elif stream.is_stopped:
                self._engine.cancel(token.request)
            if token.ends or stream.is_stopped:
                index = order[token.request]
                ends = "stop" if stream.is_stopped else token.ends
                yield index, Generated(stream.text, drawn[token.request], ends, cut[index])

    def _prompt_ids(self, prompt: Prompt) -> list[int]:
        if not prompt.control:
            return self._tokenizer.encode(prompt.text, bos=True).tolist()
        ids = [self._tokenizer.bos_id]
        for place, part in enumerate(prompt.control):
            ids += [self._tokenizer.control_id(part)] if place % 2 else self._tokenizer.encode(part).tolist()
        return ids


def open_model(saved: SavedModel, max_length: int | None = None, int8: bool = False) -> RunModel:
    """Loads a model.

    Args:
      saved: which.
      max_length: tokens of its window; None for what it was made for.
      int8: whether weights are kept in eight bits.

    Raises:
      UserError: it has no SentencePiece tokenizer, or its files are missing or corrupt.
    """
    if saved.tokenizer is None:
        raise UserError(
            f"{saved.folder} has no SentencePiece tokenizer (tokenizer.model), which text needs",
            "import the model again from a folder that holds it",
        )
    try:
        tokenizer = tokenizer_lib.load(saved.tokenizer)
    except tokenizer_lib.TokenizerError as error:
        raise UserError(str(error)) from error
    length = max_length or saved.max_length
    facts = f"{saved.stage} {saved.domain} {model_digest(saved)} {tokenizer.sha256} {length} {int8} {saved.config!r}"
    identity = hashlib.sha256(facts.encode()).hexdigest()
    return RunModel(saved.config, prepare(saved.config, saved.load(), int8), tokenizer, length, identity)


def model_digest(saved: SavedModel) -> str:
    """What tells a model's parameters from any others: as its stage recorded them, or a hash over an import's files."""
    if saved.digest:
        return saved.digest
    recorded = sorted((path, digest) for path, digest in saved.manifest["outputs"].items())
    return hashlib.sha256(repr(recorded).encode()).hexdigest()
