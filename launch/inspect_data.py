"""What was or will be fed in a step, decoded and coloured by document; or the steps that see a document.

python -m launch.inspect_data --config=experiments/demo.py --workdir=runs/demo --stage=seed --step=120 [--host=1 --hosts=4]
python -m launch.inspect_data --config=experiments/demo.py --workdir=runs/demo --stage=experts --document=ID

Nothing is trained and nothing written: the order follows from the config, the token cache and, for branches, the history of
their curricula. Prompts, which no loss counts, are dim. --document is the basis of exact unlearning: a model trained to a step
before the first that is named has not seen the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
import json
from typing import Any

from absl import flags
import numpy as np
from rich.console import Console
from rich.text import Text

from data import records
from data import tokenizer as tokenizer_lib
from data.document import Document
from data.multitask.registry import NAMES
from data.packing import PackedRows
from launch import cli
from launch import data_order
from launch.corpora import level_rows
from launch.data_order import Stream
from launch.errors import UsageError, UserError
from launch.stage import StageContext
from launch.train_tokenizer import MODEL_FILE

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "red")


def _define_flags() -> None:
    flags.DEFINE_enum("stage", "seed", data_order.STAGES_WITH_DATA, "Whose data.")
    flags.DEFINE_string("part", "", "A phase of joint or a branch of experts (end_to_end, code); all of them without.")
    flags.DEFINE_integer("step", None, "Show the batch of this step of the stage, from 0.", lower_bound=0)
    flags.DEFINE_integer("host", 0, "Whose share of the batch, of --hosts.", lower_bound=0)
    flags.DEFINE_integer("hosts", 1, "Processes that the batch is divided among.", lower_bound=1)
    flags.DEFINE_string("document", None, "Name the steps that see the document of this id.")
    flags.DEFINE_boolean("json", False, "One JSON object a line instead of text.")


def _documents(context: StageContext, component: str, wanted: set[int]) -> dict[int, Document]:
    """Training documents of a level by their places."""
    domain, level = component.split(".")
    found = records.read_split(context.input_folder("data"), domain, level, "train")
    return {place: document for place, document in enumerate(found) if place in wanted}


def _rows_of(stream: Stream, step: int, host: int, hosts: int) -> list[tuple[int, str, int]]:
    """(place in the global batch, component, row index) of a host's share of a step of the stream."""
    batch = next(rows for at, rows in enumerate(stream.batches()) if at == step)
    if len(batch) % hosts or host >= hosts:
        raise UserError(f"a batch of {len(batch)} rows has no share for host {host} of {hosts}")
    share = len(batch) // hosts
    return [(place, *batch[place]) for place in range(host * share, (host + 1) * share)]


def _parts_of(row: dict[str, np.ndarray]) -> Iterator[tuple[int, bool, np.ndarray]]:
    """(segment, learned, tokens) of the stretches of a row; a token is learned where some loss predicts it."""
    segments, tokens = row["segment_ids"], row["tokens"]
    # Weights stand at the token before; a segment's first token is predicted by none and shown like its second.
    learned = np.concatenate([row["loss_weights"][:1], row["loss_weights"][:-1]]) > 0
    starts = np.flatnonzero(np.diff(segments, prepend=-1))
    following = np.minimum(starts + 1, len(learned) - 1)
    learned[starts] = learned[following]
    edges = np.flatnonzero((np.diff(segments, prepend=-1) != 0) | (np.diff(learned, prepend=not learned[0]) != 0))
    for start, stop in zip(edges, [*edges[1:], len(tokens)]):
        if segments[start]:
            yield int(segments[start]), bool(learned[start]), tokens[start:stop]


def _describe_row(
    tokenizer: tokenizer_lib.Tokenizer,
    documents: Mapping[int, Document],
    stream: Stream,
    step: int,
    place: int,
    component: str,
    index: int,
) -> dict[str, Any]:
    rows = stream.loader.components[component]
    row = rows.row(index)
    real = row["segment_ids"] > 0
    seen = [piece for piece in rows.pieces(index) if piece[1] < piece[2]][: int(row["segment_ids"].max())]
    task_of = {int(s): NAMES[int(t)] for s, t in zip(row["segment_ids"][real], row["task_ids"][real])}
    return {
        "stream": stream.name,
        "step": step,
        "place": place,
        "component": component,
        "row": index,
        "tokens": int(real.sum()),
        "learned": int((row["loss_weights"] > 0).sum()),
        "documents": [
            {"id": documents[n].id, "source": documents[n].source, "tokens": [start, stop], "task": task_of[segment]}
            for segment, (n, start, stop) in enumerate(seen, 1)
        ],
        "parts": [
            {"document": segment - 1, "learned": learned, "text": tokenizer.decode(tokens)}
            for segment, learned, tokens in _parts_of(row)
        ],
    }


def _show_row(console: Console, row: dict[str, Any]) -> None:
    console.rule(
        f"{row['stream']} step {row['step']}, row {row['place']}: {row['component']} #{row['row']}, "
        f"{row['tokens']} tokens, {row['learned']} learned",
        align="left",
    )
    for number, document in enumerate(row["documents"]):
        start, stop = document["tokens"]
        line = f"[{number}] {document['id']} {document['source']} {document['task']}, tokens {start} to {stop}"
        console.print(Text(line, style=f"bold {_COLOURS[number % len(_COLOURS)]}"))
    text, last = Text(), None
    for part in row["parts"]:
        if part["document"] != last:
            text.append(f"[{part['document']}]", style="bold reverse")
            last = part["document"]
        colour = _COLOURS[part["document"] % len(_COLOURS)]
        text.append(part["text"], style=colour if part["learned"] else f"dim {colour}")
    console.print(text)


def show_step(
    context: StageContext, chosen: list[Stream], step: int, host: int, hosts: int
) -> Iterator[dict[str, Any]]:
    """Descriptions of the rows that a step of the stage feeds to a host.

    Raises:
      UserError: the stage has not so many steps, or no equal share for the host.
    """
    inside = [stream for stream in chosen if 0 <= step - stream.first_step < stream.num_steps]
    if not inside:
        last = max(stream.first_step + stream.num_steps for stream in chosen) - 1
        raise UserError(f"stage {context.spec.name} has no step {step} here", f"its last is {last}")
    tokenizer = tokenizer_lib.load(context.input_folder("tokenizer") / MODEL_FILE)
    for stream in inside:
        if stream.known_until is not None and step > stream.known_until:
            context.progress.note(f"{stream.name}: the curriculum is known to step {stream.known_until}")
        fed = _rows_of(stream, step - stream.first_step, host, hosts)
        wanted: dict[str, set[int]] = {}
        for _, component, index in fed:
            pieces = stream.loader.components[component].pieces(index)
            wanted.setdefault(component, set()).update(document for document, _, _ in pieces)
        documents = {component: _documents(context, component, places) for component, places in wanted.items()}
        for place, component, index in fed:
            yield _describe_row(tokenizer, documents[component], stream, step, place, component, index)


def steps_of_document(context: StageContext, chosen: list[Stream], document_id: str) -> Iterator[dict[str, Any]]:
    """`{stream, step, places}` of every step that sees some of a training document.

    Raises:
      UserError: there is no such training document.
    """
    component, number = _find(context, document_id)
    for stream in chosen:
        rows = stream.loader.components.get(component)
        if rows is None:
            continue
        with_it: dict[int, bool] = {}
        for at, batch in enumerate(stream.batches()):
            mine = [(place, index) for place, (name, index) in enumerate(batch) if name == component]
            for _, index in mine:
                if index not in with_it:
                    with_it[index] = _holds(rows, index, number)
            if places := [place for place, index in mine if with_it[index]]:
                yield {"stream": stream.name, "step": stream.first_step + at, "places": places}


def _holds(rows: PackedRows, index: int, number: int) -> bool:
    """Whether a row has tokens of a document; one that is a target alone belongs to a document that has others there."""
    before = 0
    for document, start, stop in rows.pieces(index):
        if document == number and stop > start and before < rows.seq_len:
            return True
        before += stop - start
    return False


def _find(context: StageContext, document_id: str) -> tuple[str, int]:
    for domain in context.config.domains:
        for component in level_rows(context, domain, "train", int(context.config.train.seq_len), "find"):
            level = component.split(".")[1]
            documents = records.read_split(context.input_folder("data"), domain, level, "train")
            for number, document in enumerate(documents):
                if document.id == document_id:
                    return component, number
    raise UserError(
        f"no training document has the id {document_id}",
        "launch.process_data --output=WORKDIR/data --explain=ID tells what became of a document",
    )


def run(invocation: cli.Invocation) -> None:
    """Prints what the flags ask for."""
    values = flags.FLAGS
    if (values.step is None) == (values.document is None):
        raise UsageError("give --step=N or --document=ID", "one of the two")
    context = data_order.context_of(invocation.config, invocation.workdir, values.stage)
    chosen = [stream for stream in data_order.streams(context) if values.part in ("", stream.name.partition("/")[2])]
    if not chosen:
        raise UserError(f"stage {values.stage} has no part {values.part!r}")
    console = Console(soft_wrap=True, highlight=False)
    if values.document is not None:
        count = 0
        for found in steps_of_document(context, chosen, values.document):
            count += 1
            places = ", ".join(map(str, found["places"]))
            print(json.dumps(found) if values.json else f"{found['stream']} step {found['step']}: row {places}")
        if not values.json:
            print(f"{values.document} is seen in {count} steps of {values.stage}")
        return
    for row in show_step(context, chosen, values.step, values.host, values.hosts):
        if values.json:
            print(json.dumps(row, ensure_ascii=False))
        else:
            _show_row(console, row)


if __name__ == "__main__":
    _define_flags()
    cli.main(run)
