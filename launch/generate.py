"""Continues prompts with a model of a workdir, and prints the text as it comes.

python -m launch.generate --workdir=runs/demo --prompt="def add(a, b):" [--stage=joint] [--temperature=0.8 --top_p=0.95]
python -m launch.generate --workdir=runs/demo --stage=experts --domain=code --prompt="..." --prompt="..." --json
python -m launch.generate --workdir=runs/demo --prompts_file=prompts.jsonl --json
python -m launch.generate --workdir=runs/mistral --interactive [--int8]

The model's shape, tokenizer and length are found in the workdir's manifests. Without --stage it is the newest of joint,
router, mix, seed and import that is complete. Several prompts decode together; each gets what it would get alone. A
prompts file holds a prompt a line, or, where its name ends in .jsonl, a string or an object with `prompt` and any of
max_tokens, temperature, top_k, top_p, min_p and seed. --json prints an object a prompt: text, tokens, log_probs (nats,
of the model's own distribution) and why it ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import dataclasses
import json
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from absl import flags

from data import tokenizer as tokenizer_lib
from data.tokenizer import Tokenizer
from launch import cli
from launch.errors import UsageError, UserError
from launch.text_stream import TextStream
from launch.workdir import Workdir

if TYPE_CHECKING:
    from launch.saved_models import SavedModel
    from mistral_moe.inference.serve import Engine, Request

_DEFAULT_TOKENS = 128
_SETTINGS = {"max_tokens": int, "temperature": float, "top_k": int, "top_p": float, "min_p": float, "seed": int}


def _define_flags() -> None:
    flags.DEFINE_string("workdir", None, "Workdir of the run, or of launch.import_hf.")
    flags.DEFINE_string("stage", "", "Stage whose model it is; without it the newest whole model.")
    flags.DEFINE_string("domain", "", "Branch of --stage=experts.")
    flags.DEFINE_multi_string("prompt", [], "Text to continue; may be given several times.")
    flags.DEFINE_string("prompts_file", None, "File with a prompt a line; JSON lines where it ends in .jsonl.")
    flags.DEFINE_boolean("interactive", False, "Reads prompts from the terminal, a line each.")
    flags.DEFINE_integer(
        "max_tokens", None, f"Most new tokens; by default {_DEFAULT_TOKENS} or what fits.", lower_bound=1
    )
    flags.DEFINE_integer(
        "max_length", None, "Most tokens of prompt and completion; by default what it was trained on.", 1
    )
    flags.DEFINE_float("temperature", 0.0, "Of the sampling; 0 is greedy.", lower_bound=0.0)
    flags.DEFINE_integer("top_k", 0, "Samples among the k likeliest tokens; 0 among all.", lower_bound=0)
    flags.DEFINE_float("top_p", 1.0, "Samples among the likeliest tokens that hold this share.", 0.0, 1.0)
    flags.DEFINE_float("min_p", 0.0, "Samples among tokens at least this share as likely as the likeliest.", 0.0, 1.0)
    flags.DEFINE_integer("seed", 0, "Of the sampling; the second prompt's is one more, and so on.", 0, 2**31 - 1)
    flags.DEFINE_multi_string("stop", [], "Text that ends a completion; may be given several times.")
    flags.DEFINE_integer("rows", 32, "Prompts that decode together.", lower_bound=1)
    flags.DEFINE_boolean("int8", False, "Keeps the weights in eight bits.")
    flags.DEFINE_boolean("json", False, "Prints an object a prompt.")


@dataclasses.dataclass(frozen=True)
class Prompt:
    """A prompt as text, its settings, and where it was given, for errors."""

    text: str
    settings: dict[str, Any]
    place: str


def read_prompts_file(path: str) -> list[Prompt]:
    """The prompts in a file; empty lines are left out.

    Raises:
      UserError: the file can't be read, or a line of a .jsonl is no prompt.
    """
    try:
        # Not splitlines(): U+2028 and the like may stand inside a JSON string.
        lines = pathlib.Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"--prompts_file={path} can't be read: {error}", "give a UTF-8 file with a prompt a line"
        ) from error
    numbered = [(f"{path}:{number}", line.removesuffix("\r")) for number, line in enumerate(lines, 1) if line.strip()]
    if not path.endswith(".jsonl"):
        return [Prompt(line, {}, place) for place, line in numbered]
    return [_from_json(line, place) for place, line in numbered]


def _from_json(line: str, place: str) -> Prompt:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise UserError(f"{place} is no JSON ({error})", "write one string or object a line") from error
    if isinstance(value, str):
        value = {"prompt": value}
    if not isinstance(value, dict) or not isinstance(value.get("prompt"), str):
        raise UserError(f"{place} holds no prompt", 'write a string, or an object like {"prompt": "..."}')
    settings = {key: given for key, given in value.items() if key != "prompt"}
    for key, given in settings.items():
        if key not in _SETTINGS:
            raise UserError(f"{place} has the unknown key {key!r}", f"there are prompt, {', '.join(_SETTINGS)}")
        fits = isinstance(given, (int, float)) if _SETTINGS[key] is float else isinstance(given, int)
        if not fits or isinstance(given, bool):
            raise UserError(f"{place}: {key} is {given!r}", f"give {_SETTINGS[key].__name__}")
    return Prompt(value["prompt"], settings, place)


def request_of(
    prompt: Prompt, defaults: dict[str, Any], tokenizer: Tokenizer, vocab_size: int, max_length: int
) -> "Request":
    """What to ask of the engine.

    Args:
      prompt: as given.
      defaults: settings of `Request` where the prompt has none; `max_tokens` None takes the default number, or what
        fits.
      tokenizer: of the model.
      vocab_size: of the model.
      max_length: tokens that prompt and completion may have together.

    Raises:
      UserError: an empty prompt, one that is too long, or a setting out of its range.
    """
    from mistral_moe.inference.serve import Request

    settings = defaults | prompt.settings
    if not prompt.text:
        raise UserError(f"{prompt.place} is empty", "give it some text")
    try:
        ids = tokenizer.encode(prompt.text, bos=True).tolist()
    except ValueError as error:
        raise UserError(f"{prompt.place} is no UTF-8 text ({error})") from error
    if len(ids) >= max_length:
        raise UserError(
            f"{prompt.place} has {len(ids):,} tokens, and the model takes {max_length:,} with the completion",
            "shorten it, or raise --max_length beyond what the model was trained on",
        )
    room = max_length - len(ids)
    wanted = settings.pop("max_tokens")
    if wanted is not None and wanted > room:
        raise UserError(
            f"{prompt.place} has {len(ids):,} tokens, which leave {room:,} of {max_length:,} for the completion, "
            f"not {wanted:,}",
            "lower --max_tokens, or raise --max_length beyond what the model was trained on",
        )
    tokens = min(_DEFAULT_TOKENS, room) if wanted is None else wanted
    request = Request(ids, tokens, stop=(tokenizer.eos_id,), **settings)
    try:
        request.check(prompt.place, vocab_size)
    except ValueError as error:
        raise UserError(str(error)) from error
    return request


def _tokenizer(saved: "SavedModel") -> Tokenizer:
    if saved.tokenizer is None:
        raise UserError(
            f"{saved.folder} has no SentencePiece tokenizer (tokenizer.model), which text needs",
            "import the model again from a folder that holds it",
        )
    return tokenizer_lib.load(saved.tokenizer)


class Session:
    """A model with its engine, loaded when the first request has been checked."""

    def __init__(self, saved: "SavedModel", tokenizer: Tokenizer, stops: Sequence[str], int8: bool) -> None:
        self.saved, self.tokenizer = saved, tokenizer
        self._stops, self._int8 = stops, int8
        self._engine: Engine | None = None

    def prepare(self, rows: int, places: int) -> None:
        """Loads the weights."""
        from mistral_moe.inference.cache import places_needed
        from mistral_moe.inference.serve import Engine
        from mistral_moe.inference.weights import prepare

        config = self.saved.config
        weights = prepare(config, self.saved.load(), self._int8)
        # Small bursts, so that text appears word by word.
        self._engine = Engine(config, weights, rows, places_needed(config, places), burst=4 if rows == 1 else 16)

    def run(self, requests: Sequence["Request"]) -> Iterator[tuple[int, str, dict[str, Any] | None]]:
        """Yields (request, new text, None) and, when a request has ended, (request, last text, its result)."""
        streams = [TextStream(self.tokenizer, request.prompt, self._stops) for request in requests]
        results = [{"text": "", "tokens": [], "log_probs": [], "ends": ""} for _ in requests]
        for token in self._engine.stream(requests):
            stream, result = streams[token.request], results[token.request]
            result["tokens"].append(token.id)
            result["log_probs"].append(token.log_prob)
            text = "" if token.ends == "stop" else stream.add(token.id)
            ends = token.ends
            if ends:
                text += stream.finish()
            if stream.is_stopped:
                ends = "stop"
                self._engine.cancel(token.request)
            if ends:
                result |= {"text": stream.text, "ends": ends}
            if text or ends:
                yield token.request, text, result if ends else None


def _tell(session: Session, prompts: Sequence[Prompt], requests: Sequence["Request"], as_json: bool) -> None:
    """Prints what the prompts become, in their order: a single one as it comes, others when they are whole."""
    done: dict[int, dict[str, Any]] = {}
    following = 0
    for index, text, result in session.run(requests):
        if len(prompts) == 1 and not as_json:
            print(text, end="" if result is None else "\n", flush=True)
            continue
        if result is None:
            continue
        done[index] = result
        while following in done:
            result = done.pop(following)
            if as_json:
                row = {"prompt": prompts[following].text, **result, "seed": requests[following].seed}
                print(json.dumps(row, ensure_ascii=False), flush=True)
            else:
                print(f"--- {following + 1} of {len(prompts)}: {prompts[following].text}\n{result['text']}", flush=True)
            following += 1


def _lines() -> Iterator[Prompt]:
    shows = sys.stdin.isatty()
    while True:
        if shows:
            print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        if line.strip():
            yield Prompt(line.rstrip("\n"), {}, "the prompt")


def run() -> None:
    """Does what the flags say.

    Raises:
      UserError: no such model, or a prompt that can't be continued; told before weights are loaded.
    """
    values = flags.FLAGS
    if not values.workdir:
        raise UsageError("--workdir is missing", "add --workdir=DIR, for example --workdir=runs/demo")
    if "" in values.stop:
        raise UsageError("--stop is empty", "every text contains it; give some characters")
    given = [Prompt(text, {}, f"--prompt {number}") for number, text in enumerate(values.prompt, 1)]
    if values.prompts_file is not None:
        given += read_prompts_file(values.prompts_file)
    if bool(given) == values.interactive:
        raise UsageError(
            "--interactive takes its prompts from the terminal" if given else "there is no prompt",
            "give one of --prompt, --prompts_file and --interactive",
        )
    sys.stdout.reconfigure(encoding="utf-8")
    from launch import saved_models  # loads JAX, for which a wrong command line need not wait

    saved = saved_models.find(Workdir(values.workdir), values.stage, values.domain)
    try:
        tokenizer = _tokenizer(saved)
    except tokenizer_lib.TokenizerError as error:
        raise UserError(str(error)) from error
    max_length = values.max_length or saved.max_length
    defaults = {name: values[name].value for name in _SETTINGS}
    session = Session(saved, tokenizer, values.stop, values.int8)

    def request_for(prompt: Prompt, index: int) -> "Request":
        seeded = defaults | {"seed": defaults["seed"] + index}
        return request_of(prompt, seeded, tokenizer, saved.config.vocab_size, max_length)

    if values.interactive:
        session.prepare(1, max_length)
        for index, prompt in enumerate(_lines()):
            try:
                request = request_for(prompt, index)
            except UserError as error:
                print(error, file=sys.stderr)
                continue
            _tell(session, [prompt], [request], values.json)
        return
    requests = [request_for(prompt, index) for index, prompt in enumerate(given)]
    session.prepare(min(values.rows, len(requests)), max(len(r.prompt) + r.max_tokens for r in requests))
    _tell(session, given, requests, values.json)


if __name__ == "__main__":
    _define_flags()
    cli.command(run)
