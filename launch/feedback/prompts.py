"""What models are asked: a file's prompts, or those of the run's own held-out documents."""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses
import itertools
import json
import random
from typing import TYPE_CHECKING

from data import records
from data import tokenizer as tokenizer_lib
from data.array_records import CorruptRecordError
from data.document import Document
from data.domains import LEVELS
from data.multitask.registry import TASKS
from data.tokenizer import Tokenizer
from launch.errors import UserError
from launch.generate import read_prompts_file
from launch.workdir import Workdir

if TYPE_CHECKING:
    from launch.saved_models import SavedModel

_OWN_SETTINGS = ("max_tokens", "temperature", "top_p")
# Their prompts hold their answer, or are no question to anybody.
_NOT_ASKED = ("causal_lm", "fill_in_middle", "captioning")
_MOST_DOCUMENTS = 2000  # of a level; they stand in the order of a hash, so the first are a sample


@dataclasses.dataclass(frozen=True)
class Ask:
    """A prompt and how completions of it are drawn.

    Attributes:
      prompt: text.
      max_tokens: the most tokens of a completion.
      temperature: 0 is greedy.
      top_p: share of probability that is sampled from.
    """

    prompt: str
    max_tokens: int
    temperature: float
    top_p: float


@dataclasses.dataclass(frozen=True)
class Drawing:
    """How completions are drawn where a prompt does not say.

    Attributes:
      max_tokens: the most tokens of a completion; None for 128, or half of the window where that is less.
      temperature: 0 is greedy.
      top_p: share of probability that is sampled from.
      window: tokens that prompt and completion may have together.
      is_plain: whether the model goes on from the bare prompt; else it stands between [INST] and [/INST].
    """

    max_tokens: int | None
    temperature: float
    top_p: float
    window: int
    is_plain: bool

    def control(self, prompt: str) -> tuple[str, ...]:
        """The prompt in parts, as `mistral_moe.evaluation.language_model.Prompt.control`; () where it stands bare."""
        return () if self.is_plain else ("", "[INST]", prompt, "[/INST]", "")

    def default_tokens(self) -> int:
        """The most tokens of a completion."""
        return self.max_tokens or min(128, self.window // 2)


def tokenizer_of(saved: "SavedModel", drawing: Drawing) -> Tokenizer:
    """The tokenizer of a model.

    Raises:
      UserError: it has none for text, or none of the symbols that `drawing` needs.
    """
    if saved.tokenizer is None:
        raise UserError(
            f"{saved.folder} has no SentencePiece tokenizer (tokenizer.model), which text needs",
            "import the model again from a folder that holds it",
        )
    try:
        tokenizer = tokenizer_lib.load(saved.tokenizer)
        for symbol in () if drawing.is_plain else ("[INST]", "[/INST]"):
            tokenizer.control_id(symbol)
    except tokenizer_lib.TokenizerError as error:
        raise UserError(str(error), "or give --template=plain" if "control symbol" in str(error) else "") from error
    return tokenizer


def from_file(path: str, drawing: Drawing, tokenizer: Tokenizer) -> list[Ask]:
    """The prompts of a file, as launch.generate reads it; a prompt may say max_tokens, temperature and top_p.

    Raises:
      UserError: the file can't be read, a line is no prompt, or the window can't hold one with its completion.
    """
    asks = []
    for prompt in read_prompts_file(path):
        unused = sorted(set(prompt.settings) - set(_OWN_SETTINGS))
        if unused:
            raise UserError(f"{prompt.place}: {unused[0]} is not used here", f"leave {', '.join(_OWN_SETTINGS)}")
        if not prompt.text.strip():
            raise UserError(f"{prompt.place} is empty", "give it some text")
        settings = {"temperature": drawing.temperature, "top_p": drawing.top_p, "max_tokens": drawing.default_tokens()}
        ask = Ask(prompt.text, **settings | prompt.settings)
        if ask.max_tokens < 1 or ask.max_tokens > drawing.window // 2:
            raise UserError(
                f"{prompt.place}: max_tokens is {ask.max_tokens}",
                f"give 1 to {drawing.window // 2}, half of the window",
            )
        if not (0 <= ask.temperature < float("inf") and 0 < ask.top_p <= 1):
            raise UserError(
                f"{prompt.place}: temperature {ask.temperature} with top_p {ask.top_p} can't be drawn with",
                "give a temperature of at least 0 and a top_p above 0 and up to 1",
            )
        tokens = _tokens(ask.prompt, drawing, tokenizer, prompt.place)
        if tokens + ask.max_tokens > drawing.window:
            raise UserError(
                f"{prompt.place} has {tokens:,} tokens, and the model takes {drawing.window:,} with the "
                f"{ask.max_tokens:,} of the completion",
                "shorten it, or lower --max_tokens",
            )
        asks.append(ask)
    if not asks:
        raise UserError(f"--prompts_file={path} has no prompt", "write a prompt a line")
    return asks


def _tokens(prompt: str, drawing: Drawing, tokenizer: Tokenizer, place: str) -> int:
    try:
        return len(tokenizer.encode(prompt)) + (1 if drawing.is_plain else 3)
    except ValueError as error:
        raise UserError(f"{place} is no UTF-8 text ({error})") from error


def held_out(workdir: Workdir, drawing: Drawing, tokenizer: Tokenizer, count: int, seed: int) -> list[Ask]:
    """Instructions made of the run's held-out documents by its training tasks, the domains in turn.

    Args:
      workdir: of a run whose data stage is complete.
      drawing: how completions are drawn; prompts that its window is too short for are left out.
      tokenizer: the model's.
      count: the most prompts.
      seed: another seed takes other documents.

    Raises:
      UserError: there is no data, it is corrupt, or it has no such prompt.
    """
    manifest = workdir.read_manifest("data")
    if manifest is None:
        raise UserError(f"{workdir} has no data to take held-out prompts from", "give --prompts_file or --pairs_file")
    tokens = drawing.default_tokens()
    by_domain = []
    for domain in manifest["config"].get("domains", LEVELS):
        found = []
        for document in _shuffled(workdir, domain, seed):
            prompt = _instruction(document)
            if prompt and len(prompt) <= 16 * drawing.window:
                if _tokens(prompt, drawing, tokenizer, document.source) + tokens <= drawing.window:
                    found.append(prompt)
            if len(found) == count:
                break
        by_domain.append(list(dict.fromkeys(found)))
    longest = max(map(len, by_domain), default=0)
    turns = [of_domain[turn] for turn in range(longest) for of_domain in by_domain if turn < len(of_domain)]
    if not turns:
        raise UserError(
            f"the held-out documents of {workdir} hold no instruction of at most {drawing.window - tokens:,} tokens",
            "give --prompts_file, or lower --max_tokens",
        )
    return [Ask(prompt, tokens, drawing.temperature, drawing.top_p) for prompt in turns[:count]]


def _shuffled(workdir: Workdir, domain: str, seed: int) -> Iterator[Document]:
    documents = []
    try:
        for level in LEVELS[domain]:
            split = records.read_split(workdir.folder("data"), domain, level, "heldout")
            documents += itertools.islice(split, _MOST_DOCUMENTS)
    except CorruptRecordError as error:
        raise UserError(str(error)) from error
    random.Random(f"{seed}/{domain}").shuffle(documents)
    yield from documents


def _instruction(document: Document) -> str:
    """The prompt of the first task that makes an instruction of the document; "" where none does."""
    if document.media:
        return ""  # the person would not see what is asked about
    for name, task in TASKS.items():
        if name in _NOT_ASKED or document.domain not in task.domains:
            continue
        parts = task.make(document, random.Random(f"{name}/{document.id}"))
        if parts is not None and [part.control for part in parts] == ["[INST]", "[/INST]"]:
            return parts[0].text
    return ""


def fingerprint(asks: list[Ask]) -> str:
    """Follows from all prompts and how they are drawn."""
    return json.dumps([dataclasses.astuple(ask) for ask in asks])
