"""Serves a page on which a person compares two completions of a prompt, with the keyboard: A, B, T (tie), S (skip), U (undo).

python -m launch.collect_feedback --workdir=runs/demo --port=8765 [--stage=joint] [--against=seed] [--count=50]
python -m launch.collect_feedback --workdir=runs/demo --prompts_file=prompts.jsonl --labeller=kim
python -m launch.collect_feedback --workdir=runs/demo --pairs_file=pairs.jsonl

Answers go to WORKDIR/feedback: preferences.jsonl in the format of HH-RLHF, which launch.train_reward reads, and
undecided.jsonl with ties and skips. Each is on disk before the page goes on; the same command goes on after the last one.
Without --pairs_file a model of the workdir writes the pairs: both sides with different seeds, or one side by that of
--against. Prompts are those of --prompts_file, as launch.generate reads it, or instructions from the run's held-out
documents. The page does not say which model wrote what, and the sides change places by --seed.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import sys
from typing import TYPE_CHECKING

from absl import flags

from launch import cli
from launch.errors import UsageError, UserError
from launch.feedback.pairs import PairList, read_pairs
from launch.feedback.server import FeedbackServer
from launch.feedback.session import Session
from launch.feedback.store import PREFERENCES_FILE, UNDECIDED_FILE, AnswerStore
from launch.workdir import Workdir

if TYPE_CHECKING:
    from launch.feedback.drawn import DrawnPairs

FOLDER = "feedback"
_DEFAULT_COUNT = 50
_PATIENCE = 5.0  # seconds that a model may take to end its last completion
_FOR_MODELS = ("stage", "domain", "against", "against_domain", "prompts_file", "max_tokens", "max_length", "int8")


def _define_flags() -> None:
    flags.DEFINE_string("workdir", None, "Workdir of the run; answers go to its folder feedback.")
    flags.DEFINE_integer("port", 8765, "Port of the page; 0 takes a free one.", 0, 65535)
    flags.DEFINE_string("host", "127.0.0.1", "Address to listen on; others than loopback let other machines in.")
    flags.DEFINE_string("pairs_file", None, 'JSON lines {"prompt", "a", "b"} to compare; no model is needed then.')
    flags.DEFINE_string("prompts_file", None, "File with a prompt a line; JSON lines where it ends in .jsonl.")
    flags.DEFINE_string("stage", "", "Stage whose model writes; without it the newest whole model.")
    flags.DEFINE_string("domain", "", "Branch of --stage=experts.")
    flags.DEFINE_string("against", "", "Stage whose model writes the other side; without it the same model does.")
    flags.DEFINE_string("against_domain", "", "Branch of --against=experts.")
    flags.DEFINE_enum(
        "template", "instruct", ["instruct", "plain"], "Prompts between [INST] and [/INST], or as they stand."
    )
    flags.DEFINE_integer("count", None, f"Pairs to answer; by default {_DEFAULT_COUNT}, or all of the file.", 1)
    flags.DEFINE_integer("max_tokens", None, "Most tokens of a completion; by default 128 or half of the window.", 1)
    flags.DEFINE_integer("max_length", None, "Tokens of the window; by default what the model was trained on.", 1)
    flags.DEFINE_float("temperature", 1.0, "Of the sampling; 0 is greedy.", lower_bound=0.0)
    flags.DEFINE_float("top_p", 1.0, "Samples among the likeliest tokens that hold this share.", 0.0, 1.0)
    flags.DEFINE_boolean("int8", False, "Keeps the weights in eight bits.")
    flags.DEFINE_integer("seed", 0, "Of the prompts, the sampling and the order of the sides.", 0, 2**31 - 1)
    flags.DEFINE_string("labeller", "anonymous", "Name that is recorded with the answers.")


def _from_file(path: str, count: int | None) -> PairList:
    given = [name for name in _FOR_MODELS if not flags.FLAGS[name].using_default_value]
    if given:
        raise UsageError(f"--{given[0]} is for pairs that a model writes", "leave it out, or leave --pairs_file out")
    pairs, left_out = read_pairs(path)
    for reason, places in left_out.items():
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        print(f"left out: {places[0]}{more}: {reason}", file=sys.stderr)
    return PairList(pairs, min(count or len(pairs), len(pairs)))


def _drawn(workdir: Workdir, folder: pathlib.Path, count: int) -> "DrawnPairs":
    """Finds the models, reads the prompts, and only then loads weights."""
    from launch import saved_models  # loads JAX, for which a wrong command line need not wait
    from launch.evaluation.results import model_name
    from launch.evaluation.run_model import model_digest, open_model
    from launch.feedback import prompts
    from launch.feedback.drawn import DrawnPairs

    values = flags.FLAGS
    if values.against_domain and not values.against:
        raise UsageError("--against_domain is given without --against", "add --against=experts")
    saved = [saved_models.find(workdir, values.stage, values.domain)]
    if values.against:
        other = saved_models.find(workdir, values.against, values.against_domain)
        if (other.stage, other.domain) != (saved[0].stage, saved[0].domain):
            saved.append(other)
    window = values.max_length or min(one.max_length for one in saved)
    if values.max_tokens is not None and values.max_tokens > window // 2:
        raise UserError(
            f"--max_tokens={values.max_tokens} is more than half of the window of {window}",
            "lower it, or raise --max_length beyond what the model was trained on",
        )
    drawing = prompts.Drawing(
        values.max_tokens, values.temperature, values.top_p, window, is_plain=values.template == "plain"
    )
    tokenizer = prompts.tokenizer_of(saved[0], drawing)
    for one in saved[1:]:
        prompts.tokenizer_of(one, drawing)
    if values.prompts_file is not None:
        asks = prompts.from_file(values.prompts_file, drawing, tokenizer)
    else:
        asks = prompts.held_out(workdir, drawing, tokenizer, count, values.seed)
    if len(saved) == 1 and all(ask.temperature == 0 for ask in asks):
        raise UserError(
            "two greedy completions of one model are always the same, so there is nothing to compare",
            "raise --temperature, or give --against",
        )
    print(f"{len(asks)} prompts; loading {' and '.join(model_name(one) for one in saved)}", flush=True)
    models = []
    for one in saved:
        name = f"{model_name(one)}@{model_digest(one)[:12]}"
        models.append((name, open_model(one, values.max_length, values.int8)))
    return DrawnPairs(folder, models, asks, drawing, count, values.seed)


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def run() -> None:
    """Does what the flags say, until Ctrl-C.

    Raises:
      UserError: the port is in use, there is no such model, a file is malformed, or there is nothing to compare.
    """
    values = flags.FLAGS
    if not values.workdir:
        raise UsageError("--workdir is missing", "add --workdir=DIR, for example --workdir=runs/demo")
    if values.top_p == 0:
        raise UsageError("--top_p=0 leaves nothing to sample from", "give a share above 0")
    workdir = Workdir(values.workdir)
    folder = workdir.folder(FOLDER)
    for ends in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: it is ignored where a shell script started this with `&`
        signal.signal(ends, _raise_interrupt)
    is_over = True
    with contextlib.ExitStack() as opened:
        # The quick complaints first: files, then the port, then the model.
        source = None if values.pairs_file is None else _from_file(values.pairs_file, values.count)
        server = opened.enter_context(FeedbackServer(values.host, values.port))
        if source is None and not workdir.path.is_dir():
            raise UserError(f"there is no workdir {workdir}", "give the --workdir of a run, or --pairs_file")
        store = opened.enter_context(AnswerStore(folder, values.labeller))
        if source is None:
            source = _drawn(workdir, folder, values.count or _DEFAULT_COUNT)
            source.start()
        server.session = Session(source, store, values.seed)
        _greet(server, server.session.state())
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
        for ends in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ends, signal.SIG_IGN)  # what follows is short
        state = server.session.close()
        counts = state["counts"]
        print(
            f"\n{state['answered']} of {state['wanted']} answered; in all {counts['preferences']} preferences in "
            f"{folder / PREFERENCES_FILE}, {counts['ties']} ties and {counts['skips']} skips in {folder / UNDECIDED_FILE}",
            flush=True,
        )
        is_over = source.stop(_PATIENCE)
    if not is_over:
        # Everything is written and closed. The thread is inside XLA, which an interpreter that ends would crash.
        sys.stderr.flush()
        os._exit(0)


def _greet(server: FeedbackServer, state: dict) -> None:
    if not server.is_loopback:
        print(
            f"warning: --host={flags.FLAGS.host} lets every machine that reaches this one read the texts and answer; "
            "with ssh -L, 127.0.0.1 serves a far browser too",
            file=sys.stderr,
        )
    print(f"{state['answered']} of {state['wanted']} answered; the page is {server.url} (Ctrl-C ends)", flush=True)


if __name__ == "__main__":
    _define_flags()
    cli.command(run)
