"""The seqio registry names the corpus; seqio's own pipeline and our cache yield the same tokens."""

import itertools

import numpy as np
import pytest
import seqio

from data import records, tasks, tokenizer as tokenizer_lib, tokens
from data.document import Document
from data.domains import DOMAINS, LEVELS

LEVELS_WITH_DATA = [("code", "functions"), ("code", "algorithms"), ("math", "algebra")]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """(data folder, tokens folder, tokenizer) with three small levels."""
    root = tmp_path_factory.mktemp("corpus")
    tokenizer = tokenizer_lib.load(tokenizer_lib.mistral_path("v1"))
    for domain, level in LEVELS_WITH_DATA:
        for split, count in (("train", 40), ("heldout", 6)):
            documents = [
                Document(
                    text=f"{level} {split} {i}\n\t\u2581 naïve  text " * (i % 9),
                    domain=domain,
                    level=level,
                    source="t",
                    licence="MIT",
                )
                for i in range(count)
            ]
            records.write_documents(records.shard_path(root / "data", domain, level, split), documents)
            tokens.encode_split(root / "data", root / "tokens", tokenizer, domain, level, split)
    tasks.register(root / "data", tokenizer.path)
    return root / "data", root / "tokens", tokenizer


@pytest.mark.parametrize("split", ["train", "heldout", "validation"])
def test_seqio_yields_the_tokens_of_the_cache(corpus, split):
    _, tokens_dir, _ = corpus
    task = seqio.get_mixture_or_task("code.functions")
    cached = tokens.TokenSource(tokens_dir, "code", "functions", "heldout" if split == "validation" else split)
    assert task.num_input_examples(split) == len(cached)
    examples = list(task.get_dataset(None, split, shuffle=False).as_numpy_iterator())
    assert [example["targets"].tolist() for example in examples] == [
        ids.tolist() for ids in cached.read(range(len(cached)))
    ]
    assert all(example["targets"].dtype == np.int32 for example in examples)


def test_shuffle_is_a_permutation_told_by_the_seed_and_shards_divide_it(corpus):
    task = seqio.get_mixture_or_task("code.functions")

    def ids(**options):
        return [example["id"] for example in task.get_dataset(None, "train", **options).as_numpy_iterator()]

    plain, shuffled = ids(shuffle=False), ids(shuffle=True, seed=3)
    assert shuffled == ids(shuffle=True, seed=3) != plain and sorted(shuffled) == sorted(plain)
    shards = [ids(shuffle=True, seed=3, shard_info=seqio.ShardInfo(index, 3)) for index in range(3)]
    assert [shuffled[index::3] for index in range(3)] == shards


def test_registration_is_idempotent_and_complete(corpus):
    data_dir, _, tokenizer = corpus
    tasks.add_mixture("extra", {"code.functions": 1.0})
    names = tasks.register(data_dir, tokenizer.path)
    assert names == tasks.register(data_dir, tokenizer.path) and "extra" not in seqio.MixtureRegistry.names()
    assert set(names) == {f"{d}.{level}" for d in DOMAINS for level in LEVELS[d]} | {
        f"{d}.curriculum" for d in DOMAINS
    } | {"all.domains"}
    assert tasks.rates_of("math.curriculum") == pytest.approx({f"math.{level}": 0.2 for level in LEVELS["math"]})
    assert list(tasks.rates_of("all.domains").values()) == pytest.approx([0.04] * 25)
    vocabulary = seqio.get_mixture_or_task("all.domains").output_features["targets"].vocabulary
    assert (vocabulary.vocab_size, vocabulary.bos_id, vocabulary.eos_id) == (32000, 1, 2)


def test_grain_mixes_packed_rows_at_the_rates(corpus):
    _, tokens_dir, _ = corpus
    tasks.add_mixture("mix", {"code.functions": 3.0, "math.algebra": 1.0})
    mixed = tasks.grain_dataset("mix", tokens_dir, "train", seq_len=32, seed=1)
    alone = {
        name: tasks.grain_dataset(name, tokens_dir, "train", 32, seed=1) for name in ("code.functions", "math.algebra")
    }
    taken = {name: 0 for name in alone}
    for row in itertools.islice(mixed, 40):
        matches = [
            name
            for name, dataset in alone.items()
            if taken[name] < len(dataset) and all(np.array_equal(row[key], dataset[taken[name]][key]) for key in row)
        ]
        assert len(matches) == 1
        taken[matches[0]] += 1
    assert taken == {"code.functions": 30, "math.algebra": 10}
    # Resumed in the middle, grain goes on with the very next row.
    iterator = iter(mixed.to_iter_dataset())
    for _ in range(5):
        next(iterator)
    state, expected = iterator.get_state(), next(iterator)
    iterator.set_state(state)
    assert np.array_equal(next(iterator)["tokens"], expected["tokens"])


def test_seqio_mixture_runs(corpus):
    tasks.add_mixture("mix", {"code.functions": 1.0, "code.algorithms": 1.0, "math.algebra": 0.0})
    mixture = seqio.get_mixture_or_task("mix")
    examples = list(
        mixture.get_dataset({"targets": 16}, "train", shuffle=True, seed=0, num_epochs=1).take(20).as_numpy_iterator()
    )
    assert len(examples) == 20 and all(1 <= len(example["targets"]) <= 16 for example in examples)
    assert "math.algebra" not in tasks.rates_of("mix")


def test_bits_per_byte_counts_bytes():
    assert tasks.bits_per_byte(["é", b"ab"], [-np.log(2) * 4, -np.log(2) * 4]) == {"bits_per_byte": pytest.approx(2.0)}
    with pytest.raises(ValueError, match="at least one byte"):
        tasks.bits_per_byte([""], [0.0])
    assert seqio.TaskRegistry.names() and seqio.get_mixture_or_task("code.functions").score_metric_fns == [
        tasks.bits_per_byte
    ]


def test_errors_name_what_is_wrong(corpus, tmp_path):
    data_dir, tokens_dir, _ = corpus
    for rates, match in [
        ({"code.poetry": 1.0}, "unknown code.poetry; registered are"),
        ({"code.functions": -1.0}, "at least 0, got {'code.functions': -1.0}"),
        ({"code.functions": float("nan")}, "finite"),
        ({"code.functions": 0.0, "math.algebra": 0.0}, "at least one rate must be above 0"),
        ({}, "at least one rate must be above 0"),
    ]:
        with pytest.raises(tasks.TaskError, match=match):
            tasks.add_mixture("broken", rates)
    with pytest.raises(tasks.TaskError, match="name is taken"):
        tasks.add_mixture("code.functions", {"math.algebra": 1.0})
    with pytest.raises(tasks.TaskError, match="no task or mixture 'nothing'"):
        tasks.grain_dataset("nothing", tokens_dir, "train", 8)
    with pytest.raises(tasks.TaskError, match="unknown domain"):
        tasks.mixture_name("poetry")
    with pytest.raises(tokens.TokenCacheError, match="proofs"):
        tasks.grain_dataset("math.proofs", tokens_dir, "train", 8)
    task = seqio.get_mixture_or_task("code.functions")
    with pytest.raises(tasks.TaskError, match="unknown split 'test'"):
        task.source.num_input_examples("test")
    with pytest.raises(records.CorruptRecordError, match="proofs"):
        seqio.get_mixture_or_task("math.proofs").source.num_input_examples("train")
    tasks.register(data_dir, tokenizer_lib.mistral_path("v3"))
    with pytest.raises(tokens.TokenCacheError, match="made by tokenizer"):
        tasks.grain_dataset("code.functions", tokens_dir, "train", 8)
    with pytest.raises(tokenizer_lib.TokenizerError, match="absent.model"):
        tasks.register(data_dir, tmp_path / "absent.model")
