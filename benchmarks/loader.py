"""Tokens per second of tokenising and packing, ours beside seqio's own pipeline, on the same documents.

    python -m benchmarks.loader
    python -m benchmarks.loader --mb=20 --rounds=5 --seq_len=2048

Ours encodes the documents of a level once (`data.tokens`) and packs rows by random access (`data.packing`); every row of the
epoch is built. seqio reads the same ArrayRecord files through the same Task, whose preprocessor calls the same tokenizer on
every core, and packs with its `DecoderFeatureConverter`. Turns alternate (A B A B ...), each side in a process of its own; rates
are real tokens by wall time, and the ratio is the median over the turns. A second epoch costs ours the packing alone.

Also printed: the share of tokens in the rows that are no padding, for text and for levels of prompts with completions, and the
peak memory of a corpus and of ones of ten and a hundred times its size, to encode it and to pack it.
"""

from __future__ import annotations

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app
from absl import flags
import numpy as np

from benchmarks import text_corpora
from benchmarks.peak_memory import peak_mb
from benchmarks.sides import Side
from data import records, side_arrays, tokenizer as tokenizer_lib, tokens
from data.document import Document
from data.packing import PackedRows
from data.task_marks import TaskMarks

_MB = flags.DEFINE_float("mb", 12, "Megabytes of text.", lower_bound=0.1)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of each side.", lower_bound=1)
_SEQ_LEN = flags.DEFINE_integer("seq_len", 1024, "T, tokens in a row.", lower_bound=8)
_THREADS = flags.DEFINE_integer("threads", 2, "Threads of our tokenizer; seqio takes all cores.", lower_bound=1)
_JSON = flags.DEFINE_string("json", "", "File for the figures.")
_PACK_MEMORY = flags.DEFINE_integer("pack_memory", 0, "Packs so many million tokens and prints the peak memory.")
_ENCODE_MEMORY = flags.DEFINE_integer("encode_memory", 0, "Encodes so many thousand texts and prints the peak memory.")
_PLACE = ("language", "plain", "train")


class Ours:
    """Our side: encodes into a fresh folder, then builds every row of an epoch."""

    def __init__(self, folder: str, seq_len: int, threads: int):
        self._folder, self._seq_len, self._threads = pathlib.Path(folder), seq_len, threads
        self._tokenizer = tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))

    def run(self) -> dict[str, float]:
        """Returns seconds of both halves, real tokens and rows."""
        with tempfile.TemporaryDirectory(dir=self._folder) as fresh:
            began = time.perf_counter()
            tokens.encode_split(self._folder, fresh, self._tokenizer, *_PLACE, num_threads=self._threads)
            encoded = time.perf_counter()
            rows = PackedRows(tokens.TokenSource(fresh, *_PLACE), self._seq_len)
            real = sum(int((row["segment_ids"] > 0).sum()) for row in map(rows.row, range(len(rows))))
            ended = time.perf_counter()
        return {"encode": encoded - began, "pack": ended - encoded, "tokens": real, "rows": len(rows)}


class Theirs:
    """seqio's side: the Task of the level through its decoder converter."""

    def __init__(self, folder: str, seq_len: int):
        import seqio

        from data import tasks

        tasks.register(folder, tokenizer_lib.mistral_path("v3"))
        self._seqio, self._seq_len = seqio, seq_len

    def run(self) -> dict[str, float]:
        """Returns seconds, real tokens and rows of one epoch."""
        began = time.perf_counter()
        dataset = self._seqio.get_dataset(
            ".".join(_PLACE[:2]),
            {"targets": self._seq_len},
            dataset_split="train",
            shuffle=True,
            seed=0,
            feature_converter=self._seqio.DecoderFeatureConverter(pack=True),
        )
        real = rows = 0
        for row in dataset.as_numpy_iterator():
            real += int((row["decoder_segment_ids"] > 0).sum())
            rows += 1
        return {"seconds": time.perf_counter() - began, "tokens": real, "rows": rows}


class Lengths:
    """A corpus of made-up documents of which nothing is kept but their lengths, and these on disk."""

    fingerprint, itemsize = "lengths", 2

    def __init__(self, folder: str, num_tokens: int):
        path, self.num_tokens, rng = pathlib.Path(folder) / "lengths.npy", 0, np.random.default_rng(0)
        with side_arrays.Writer(path, np.int64) as writer:
            while self.num_tokens < num_tokens:
                lengths = np.clip(rng.lognormal(6, 1, 10_000).astype(np.int64), 8, 20_000)
                writer.append(lengths)
                self.num_tokens += int(lengths.sum())
        self._lengths = side_arrays.Reader(path)

    def __len__(self) -> int:
        return len(self._lengths)

    def lengths(self, start, stop):
        """Tokens of each document, int64 [stop - start]."""
        return self._lengths.read(start, stop)

    def marks(self, start, stop):
        """All are plain texts."""
        return TaskMarks.of_texts(stop - start)

    def read(self, indices):
        """Tokens of several documents."""
        return [np.full(length, 7, np.uint16) for length in self._lengths.take(indices)]


def memory_of_packing(million_tokens: int) -> dict[str, float]:
    """Builds 20,000 rows in 20 places of an epoch. Returns the documents and the peak memory in MB, before and after."""
    with tempfile.TemporaryDirectory() as folder:
        source = Lengths(folder, million_tokens * 1_000_000)
        before = peak_mb()
        rows = PackedRows(source, 1024, memory_bytes=0)
        for start in np.linspace(0, len(rows) - 1000, 20).astype(int).tolist():
            for index in range(start, start + 1000):
                rows.row(index)
    return {"documents": len(source), "before_mb": before, "after_mb": peak_mb()}


def memory_of_encoding(thousand_texts: int) -> dict[str, float]:
    """Encodes so many short documents. Returns their number and the peak memory in MB, before and after."""
    texts = text_corpora.prose(2_000_000)
    documents = (
        Document(texts[n % len(texts)][:1000], *_PLACE[:1], f"prose:{n}", "MIT", _PLACE[1])
        for n in range(thousand_texts * 1000)
    )
    tokenizer = tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))
    with tempfile.TemporaryDirectory() as folder:
        records.write_documents(records.shard_path(folder, *_PLACE), documents)
        before = peak_mb()
        found = tokens.encode_split(folder, pathlib.Path(folder) / "tokens", tokenizer, *_PLACE, num_threads=1)
    return {"documents": found["documents"], "before_mb": before, "after_mb": peak_mb()}


def fill_of_problems(folder: pathlib.Path, level: str, seq_len: int) -> float:
    """Share of tokens in rows of whole prompts with their completions that are no padding."""
    from data.generators import math_problems

    place = ("math", level, "train")
    documents = [math_problems.generate(level, 0, index) for index in range(4000)]
    records.write_documents(records.shard_path(folder, *place), documents)
    tokenizer = tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))
    tokens.encode_split(folder, folder / "tokens", tokenizer, *place, shares={"math_problem": 1.0})
    source = tokens.TokenSource(folder / "tokens", *place)
    rows = PackedRows(source, seq_len)
    return rows.num_tokens / (len(rows) * seq_len)


def main(argv: list[str]) -> None:
    """Prints the figures."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    for flag, measure in ((_PACK_MEMORY, memory_of_packing), (_ENCODE_MEMORY, memory_of_encoding)):
        if flag.value:
            print(json.dumps(measure(flag.value)))
            return
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        texts = text_corpora.prose(int(_MB.value * 1e6))
        documents = (Document(text, *_PLACE[:1], f"prose:{n}", "MIT", _PLACE[1]) for n, text in enumerate(texts))
        records.write_documents(records.shard_path(folder, *_PLACE), documents)
        ours = Side(Ours, place, _SEQ_LEN.value, _THREADS.value)
        theirs = Side(Theirs, place, _SEQ_LEN.value)
        turns = [(ours.call("run"), theirs.call("run")) for _ in range(_ROUNDS.value)]
        ours.close()
        theirs.close()
        problems = {level: fill_of_problems(folder, level, _SEQ_LEN.value) for level in ("arithmetic", "algebra")}
    both = [mine["tokens"] / (mine["encode"] + mine["pack"]) for mine, _ in turns]
    packing = [mine["tokens"] / mine["pack"] for mine, _ in turns]
    peer = [other["tokens"] / other["seconds"] for _, other in turns]
    ratios = [a / b for a, b in zip(both, peer)]
    mine, other = turns[0]
    fill = {"ours": mine["tokens"], "seqio": other["tokens"]}
    fill = {side: count / (turns[0][n]["rows"] * _SEQ_LEN.value) for n, (side, count) in enumerate(fill.items())}
    print("| side | tokens of an epoch | tokens/s, tokenise and pack | tokens/s, pack | fill |")
    print("|---|---|---|---|---|")
    rate, packed, theirs_rate = (statistics.median(values) for values in (both, packing, peer))
    print(f"| ours | {mine['tokens']:,} | {rate:,.0f} | {packed:,.0f} | {fill['ours']:.2%} |")
    print(f"| seqio | {other['tokens']:,} | {theirs_rate:,.0f} | | {fill['seqio']:.2%} |")
    print(f"\nratio **{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})")
    for level, share in problems.items():
        print(f"fill of whole prompts with completions, {level}: {share:.2%}")
    memory = {}
    for flag in ("pack_memory=20", "pack_memory=200", "pack_memory=2000", "encode_memory=10", "encode_memory=100"):
        command = [sys.executable, "-m", "benchmarks.loader", f"--{flag}"]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        memory[flag] = found
        verb = flag.partition("_")[0]
        print(
            f"{verb} {found['documents']:,} documents: peak {found['after_mb']:.0f} MB, {found['before_mb']:.0f} MB before"
        )
    if _JSON.value:
        figures = {"ratios": ratios, "fill": fill, "fill_whole": problems, "memory": memory, "turns": turns}
        pathlib.Path(_JSON.value).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
