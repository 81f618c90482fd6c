"""The seqio registry of the corpus: a Task a level, a Mixture a domain and one over all, and their rows through grain.

seqio names things (tasks, mixtures, vocabulary, metrics); grain executes them. seqio's own `get_dataset` works as well
and yields the same tokens, document by document, which a test holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import grain
import numpy as np
import seqio
import tensorflow as tf

from data import array_records, layouts, packing, records, tokenizer as tokenizer_lib, tokens
from data.domains import DOMAINS, LEVELS, SPLITS, level_index, task_name

ALL_DOMAINS = "all.domains"
# seqio's tools ask for this split by name.
_SPLIT_ALIASES = {"validation": "heldout"}
_VOCABULARY_FEATURE = "targets"
_registered: set[str] = set()


class TaskError(ValueError):
    """A task, mixture or split that does not exist or makes no sense; the message names it and what there is."""


def mixture_name(domain: str) -> str:
    """Name of the seqio Mixture of one domain's five levels: `code.curriculum`."""
    if domain not in LEVELS:
        raise TaskError(f"unknown domain {domain!r}; the domains are {', '.join(DOMAINS)}")
    return f"{domain}.curriculum"


class DocumentDataSource(seqio.DataSource):
    """The document records of one level as seqio reads them: a dataset of {"record": serialised tf.train.Example}."""

    def __init__(self, data_dir: str | os.PathLike[str], domain: str, level: str):
        """Names a level; files are opened when a split is asked for.

        Args:
          data_dir: folder of the corpus.
          domain: one of the domains.
          level: one of its levels.
        """
        level_index(domain, level)
        super().__init__(splits=(*SPLITS, *_SPLIT_ALIASES), performs_internal_shuffling=True)
        self._place = data_dir, domain, level

    @property
    def supports_arbitrary_sharding(self) -> bool:
        """Records are read by position, so any number of shards will do."""
        return True

    def list_shards(self, split: str) -> Sequence[str]:
        """The split's files."""
        return [str(path) for path in self._paths(split)]

    def num_input_examples(self, split: str) -> int:
        """Documents of a split.

        Raises:
          CorruptRecordError: the file is missing or can't be read.
        """
        return sum(array_records.num_records(path) for path in self._paths(split))

    def get_dataset(
        self,
        split: str = "train",
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: seqio.ShardInfo | None = None,
        **unused_options: Any,
    ) -> tf.data.Dataset:
        """Records of a split, every `num_shards`-th from `index` on if sharded; see seqio for the arguments."""
        paths = self._paths(split)
        starts = np.cumsum([0, *(array_records.num_records(path) for path in paths)])
        num_records = int(starts[-1])
        order = np.arange(num_records)
        if shuffle:
            order = layouts.permutation(num_records, _seed_number(seed), epoch=0)
        if shard_info is not None:
            order = order[shard_info.index :: shard_info.num_shards]

        def read() -> Iterator[bytes]:
            with contextlib.ExitStack() as stack:
                readers = [stack.enter_context(contextlib.closing(array_records.open_reader(path))) for path in paths]
                for index in order:
                    shard = int(np.searchsorted(starts, index, side="right")) - 1
                    yield readers[shard].read([int(index - starts[shard])])[0]

        dataset = tf.data.Dataset.from_generator(read, output_signature=tf.TensorSpec((), tf.string))
        return dataset.map(lambda record: {"record": record})

    def _paths(self, split: str) -> list[pathlib.Path]:
        split = _SPLIT_ALIASES.get(split, split)
        if split not in SPLITS:
            raise TaskError(f"unknown split {split!r}; there are {', '.join(self.splits)}")
        return records.split_paths(*self._place, split)


def lift(
    function: Callable[..., Sequence[Any]], inputs: Sequence[str], outputs: Mapping[str, tf.TensorSpec]
) -> Callable[[tf.data.Dataset], tf.data.Dataset]:
    """A Python function on one example as a seqio preprocessor.

    Args:
      function: takes the values of `inputs` and returns those of `outputs`, in their order.
      inputs: features that the function reads.
      outputs: features that the example has afterwards, with their shapes and types; the others are dropped.

    Returns:
      A function from tf.data.Dataset to tf.data.Dataset.
    """

    def on_example(example: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        values = tf.numpy_function(
            function, [example[name] for name in inputs], [spec.dtype for spec in outputs.values()], stateful=False
        )
        return {name: tf.ensure_shape(value, spec.shape) for (name, spec), value in zip(outputs.items(), values)}

    return lambda dataset: dataset.map(on_example, num_parallel_calls=tf.data.AUTOTUNE)


def bits_per_byte(targets: Sequence[str | bytes], scores: Sequence[float]) -> dict[str, float]:
    """A seqio score metric: bits the model needs for a byte of text, comparable between tokenizers.

    Args:
      targets: the texts.
      scores: log-likelihood of each text, in nats.

    Raises:
      ValueError: no text at all.
    """
    num_bytes = sum(len(text.encode("utf-8") if isinstance(text, str) else text) for text in targets)
    if not num_bytes:
        raise ValueError("bits_per_byte needs at least one byte of text")
    return {"bits_per_byte": -float(np.sum(scores)) / math.log(2) / num_bytes}


def register(data_dir: str | os.PathLike[str], tokenizer_path: str | os.PathLike[str]) -> list[str]:
    """Registers a Task for every level, `<domain>.curriculum` over the levels of a domain, and `all.domains` over all.

    What an earlier call or `add_mixture` registered is removed first. Levels without documents are registered too; they
    are missed when they are read.

    Returns:
      The names, tasks before mixtures.

    Raises:
      TokenizerError: the tokenizer can't be loaded.
    """
    tokenizer = tokenizer_lib.load(tokenizer_path)

    def prepare(record: bytes) -> tuple[np.ndarray, bytes, bytes]:
        document = records.decode(record)
        return tokenizer.encode(document.text, bos=True, eos=True), document.text.encode("utf-8"), document.id.encode()

    preprocessor = lift(
        prepare,
        ["record"],
        {
            "targets": tf.TensorSpec([None], tf.int32),
            "targets_pretokenized": tf.TensorSpec([], tf.string),
            "id": tf.TensorSpec([], tf.string),
        },
    )
    for name in _registered:
        seqio.TaskRegistry.remove(name)
        seqio.MixtureRegistry.remove(name)
    _registered.clear()
    feature = seqio.Feature(seqio.SentencePieceVocabulary(str(tokenizer.path)), add_eos=True, dtype=tf.int32)
    for domain, levels in LEVELS.items():
        for level in levels:
            name = task_name(domain, level)
            seqio.TaskRegistry.add(
                name,
                source=DocumentDataSource(data_dir, domain, level),
                preprocessors=[preprocessor],
                output_features={_VOCABULARY_FEATURE: feature},
                metric_fns=[bits_per_byte],
                shuffle_buffer_size=None,
            )
            _registered.add(name)
    names = sorted(_registered)
    for domain, levels in LEVELS.items():
        add_mixture(mixture_name(domain), {task_name(domain, level): 1.0 for level in levels})
    add_mixture(ALL_DOMAINS, {mixture_name(domain): 1.0 for domain in DOMAINS})
    return [*names, *map(mixture_name, DOMAINS), ALL_DOMAINS]


def add_mixture(name: str, rates: Mapping[str, float]) -> seqio.Mixture:
    """Registers a Mixture of registered tasks or mixtures with their rates, in place of one of that name.

    Raises:
      TaskError: the name belongs to a task, a part is not registered, or the rates are negative or all 0.
    """
    known = {*seqio.TaskRegistry.names(), *seqio.MixtureRegistry.names()}
    if name in seqio.TaskRegistry.names() or name in rates:
        raise TaskError(f"mixture {name!r}: the name is taken by one of its own parts or by a task; choose another")
    unknown = sorted(set(rates) - known)
    if unknown:
        registered = ", ".join(sorted(known)) or "none"
        raise TaskError(f"mixture {name!r} names unknown {', '.join(unknown)}; registered are {registered}")
    wrong = {part: rate for part, rate in rates.items() if not 0 <= rate < math.inf}
    if wrong:
        raise TaskError(f"mixture {name!r}: rates must be finite and at least 0, got {wrong}")
    if not sum(rates.values()) > 0:
        raise TaskError(f"mixture {name!r}: at least one rate must be above 0")
    if name in seqio.MixtureRegistry.names():
        seqio.MixtureRegistry.remove(name)
    # seqio draws from a part of rate 0 when it alone is left; a part that never counts is left out instead.
    mixture = seqio.MixtureRegistry.add(name, [(part, float(rate)) for part, rate in rates.items() if rate > 0])
    _registered.add(name)
    return mixture


def rates_of(name: str) -> dict[str, float]:
    """Rate of every task under a task's or mixture's name, summing to 1.

    Raises:
      TaskError: nothing of that name is registered.
    """
    if name in seqio.TaskRegistry.names():
        return {name: 1.0}
    if name not in seqio.MixtureRegistry.names():
        registered = ", ".join(sorted(_registered)) or "none"
        raise TaskError(f"no task or mixture {name!r}; call register first, or choose of {registered}")
    mixture = seqio.MixtureRegistry.get(name)
    rates = {task.name: mixture.get_rate(task) for task in mixture.tasks}
    total = sum(rates.values())
    return {task: rate / total for task, rate in rates.items()}


def grain_dataset(
    name: str, tokens_dir: str | os.PathLike[str], split: str, seq_len: int, seed: int = 0
) -> grain.MapDataset:
    """Packed rows of a task or mixture as a grain MapDataset, mixed at its rates.

    One task gives one epoch of its rows. A mixture ends with the first part that would have to repeat.

    Args:
      name: a registered task or mixture.
      tokens_dir: folder of the token cache.
      split: "train", "heldout" or its alias "validation".
      seq_len: T, tokens in a row.
      seed: of the order of documents.

    Returns:
      A dataset of the dicts of [T] arrays that `PackedRows` describes.

    Raises:
      TaskError: nothing of that name is registered, or a task is not one of the corpus' levels.
      TokenCacheError: a level is not tokenised, or by another tokenizer than the registered one.
    """
    parts, rates = [], []
    for task, rate in rates_of(name).items():
        if task not in _registered:
            raise TaskError(f"task {task!r} of {name!r} is not a level of the corpus, so it has no token cache")
        domain, level = task.split(".")
        vocabulary = seqio.TaskRegistry.get(task).output_features[_VOCABULARY_FEATURE].vocabulary
        source = tokens.TokenSource(
            tokens_dir, domain, level, _SPLIT_ALIASES.get(split, split), hashlib.sha256(vocabulary.sp_model).hexdigest()
        )
        parts.append(grain.MapDataset.source(packing.PackedRows(source, seq_len, seed)))
        rates.append(rate)
    return grain.MapDataset.mix(parts, rates) if len(parts) > 1 else parts[0]


def _seed_number(seed: int | None) -> int:
    """A seed >= 0 of seqio's: a number, a tensor, or None for a fresh one."""
    return int.from_bytes(os.urandom(4), "little") if seed is None else abs(int(seed))
