"""Decontamination: which texts count as a benchmark's, on generated folders in every format and on the real ones."""

import csv
import gzip
import io
import json
import os
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.dedup import decontaminate, ngram_index
from data.dedup.ngram_index import Hit, IndexBuilder, NgramIndex
from data.inputs import InputError

ROOT = pathlib.Path(__file__).resolve().parents[3]


def sentence(name, count):
    return " ".join(f"{name}{number}" for number in range(count))


def make_index(items, ngram=13):
    builder = IndexBuilder(ngram)
    for benchmark, item in items:
        builder.add(benchmark, item)
    return builder.build()


def test_thirteen_words_in_a_row_are_a_hit_and_twelve_are_not():
    index = make_index([("quiz", sentence("q", 20))])
    inside = " ".join(sentence("q", 20).split()[3:16])
    text = f"Before. {inside.upper()}, after it"
    assert index.hits(text) == [Hit("quiz", inside, 13 / 16)]
    assert index.hits("Before. " + " ".join(inside.split()[:-1]) + " after") == []
    assert index.hits("Before. " + " ".join(inside.split()[::-1]) + " after") == []


def test_short_items_are_looked_for_whole_and_shorter_ones_not_at_all():
    index = make_index([("quiz", sentence("s", 8)), ("quiz", sentence("t", 7)), ("quiz", sentence("u", 12))])
    assert [hit.ngram for hit in index.hits("x " + sentence("s", 8) + " y")] == [sentence("s", 8)]
    assert index.hits("x " + sentence("s", 7)) == []
    assert index.hits("x " + sentence("t", 7) + " y") == []
    assert index.hits("x " + sentence("u", 11)) == []
    assert [hit.ngram for hit in index.hits(sentence("u", 12))] == [sentence("u", 12)]


def test_no_ngram_reaches_from_an_item_or_document_into_the_next():
    index = make_index([("quiz", sentence("a", 13)), ("quiz", sentence("b", 13))])
    first, second = sentence("a", 13).split(), sentence("b", 13).split()
    assert index.hits(" ".join(first[1:] + second[:1])) == []
    halves = [" ".join(first[:6]), " ".join(first[6:])]
    assert index.hits_of(halves) == [[], []]
    assert len(index.hits("\n".join(halves))) == 1


def test_an_ngram_of_two_benchmarks_hits_both():
    index = make_index([("b", sentence("w", 14)), ("a", sentence("w", 13)), ("c", "x " + sentence("w", 9))])
    assert [(hit.benchmark, hit.share) for hit in index.hits(sentence("w", 14))] == [("a", 13 / 14), ("b", 1.0)]
    assert index.benchmarks == ("a", "b", "c")


WORDS = st.lists(st.sampled_from("abc"), max_size=12)


@given(st.lists(WORDS, max_size=6), st.lists(WORDS, max_size=6), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_hits_are_those_of_sets_of_word_tuples(items, documents, ngram):
    index = make_index([(f"b{number}", " ".join(item)) for number, item in enumerate(items)], ngram)
    grams = [{tuple(item[i : i + ngram]) for i in range(len(item) - ngram + 1)} for item in items]
    texts = [" ".join(document) for document in documents]
    for document, hits in zip(documents, index.hits_of(texts), strict=True):
        places = [tuple(document[i : i + ngram]) for i in range(len(document) - ngram + 1)]
        expected = {}
        for number, mine in enumerate(grams):
            covered = {i + k for i, gram in enumerate(places) if gram in mine for k in range(ngram)}
            if covered:
                expected[f"b{number}"] = len(covered) / len(document)
        assert {hit.benchmark: hit.share for hit in hits} == pytest.approx(expected)


def test_texts_longer_than_a_block_are_searched_to_the_end():
    index = make_index([("quiz", sentence("q", 30))])
    filler = "word " * (ngram_index._BLOCK - 6)
    text = f"{filler}{sentence('q', 13)} {filler}{filler}{sentence('q', 30)}"
    hits = index.hits(text)
    assert [hit.share for hit in hits] == [43 / len(text.split())]


def test_saved_and_loaded_it_is_the_same(tmp_path):
    index = make_index([("b", sentence("w", 40)), ("ä", sentence("v", 9))])
    index.save(str(tmp_path / "index.npz"))
    loaded = NgramIndex.load(str(tmp_path / "index.npz"))
    text = sentence("w", 40) + " " + sentence("v", 9)
    assert loaded.hits(text) == index.hits(text) and len(loaded.hits(text)) == 2
    assert (loaded.benchmarks, loaded.longest, loaded.problems) == (index.benchmarks, 13, ())
    loaded.save(str(tmp_path / "again.npz"))
    for name in ("hashes", "owners", "beginnings"):
        assert np.array_equal(np.load(tmp_path / "index.npz")[name], np.load(tmp_path / "again.npz")[name])


def test_the_index_does_not_depend_on_the_order_of_items():
    items = [(f"b{number % 3}", sentence(f"i{number % 5}", 10 + number)) for number in range(12)]
    one, other = make_index(items), make_index(items[::-1])
    for name in ("hashes", "owners", "beginnings"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert one.benchmarks == other.benchmarks


def test_an_index_of_nothing_finds_nothing():
    index = make_index([])
    assert index.hits(sentence("w", 20)) == [] and index.hits("") == []


@pytest.fixture
def folder(tmp_path):
    """A folder of benchmarks in all formats; each item is named after where it stands."""
    rows = [
        {
            "question": sentence("jsonl", 14),
            "id": sentence("identifier", 14),
            "meta_data": {"note": sentence("note", 14)},
        }
    ]
    table = io.StringIO()
    csv.writer(table).writerows([["Question", "Source"], [sentence("csv", 14), sentence("origin", 14)]])
    parquet = io.BytesIO()
    pq.write_table(pa.table({"text": [sentence("parquet", 14)], "choices": [[sentence("choice", 9)]]}), parquet)
    nested = {"canary": sentence("canary", 14), "examples": [{"input": sentence("json", 14), "target": "yes"}]}
    coco = {
        "licenses": [{"name": sentence("licences", 14)}],
        "annotations": [{"id": 1, "caption": sentence("caption", 14)}],
    }
    files = {
        "one/test.jsonl": json.dumps(rows[0]).encode(),
        "one/more.jsonl.gz": gzip.compress(json.dumps({"answer": sentence("gz", 14)}).encode()),
        "two/deep/all.json": json.dumps(nested).encode(),
        "two/coco.json": json.dumps(coco).encode(),
        "three/x.csv": table.getvalue().encode(),
        "three/x.tsv": f"question\tanswer\n{sentence('tsv', 14)}\tno\n".encode(),
        "four/x.parquet": parquet.getvalue(),
        "five/x.txt": (sentence("txt", 14) + "\n" + sentence("line", 8) + "\n").encode(),
        "single.jsonl": json.dumps([[sentence("triple", 14), "yes", 3]]).encode(),
        "one/LICENSE.txt": sentence("legal", 40).encode(),
        "MANIFEST.md": sentence("manifest", 40).encode(),
        "one/picture.png": b"\x89PNG" + sentence("png", 40).encode(),
    }
    for name, data in files.items():
        path = tmp_path / "benchmarks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "benchmarks"


def test_every_format_is_read_and_only_what_a_model_is_asked(folder):
    index = decontaminate.load_benchmarks(str(folder))
    assert index.problems == ()
    found = {
        name: [hit.benchmark for hit in index.hits(sentence(name, 14))]
        for name in "jsonl gz json caption csv tsv parquet txt triple".split()
    }
    assert found == {
        "jsonl": ["one"],
        "gz": ["one"],
        "json": ["two"],
        "caption": ["two"],
        "csv": ["three"],
        "tsv": ["three"],
        "parquet": ["four"],
        "txt": ["five"],
        "triple": ["single"],
    }
    assert index.hits(sentence("choice", 9)) and index.hits(sentence("line", 8))
    for name in "identifier note origin canary licences legal manifest png".split():
        assert index.hits(sentence(name, 14)) == [], name


def test_files_can_be_left_out(folder):
    index = decontaminate.load_benchmarks(str(folder), skip=("one/more*", "*.csv"))
    assert [bool(index.hits(sentence(name, 14))) for name in ("gz", "csv", "jsonl", "tsv")] == [
        False,
        False,
        True,
        True,
    ]


def test_what_cannot_be_read_is_said_and_the_rest_counts(folder):
    (folder / "one" / "broken.jsonl").write_bytes(
        b'{"question": \n' + json.dumps({"q": sentence("after", 14)}).encode()
    )
    (folder / "two" / "cut.jsonl.gz").write_bytes(gzip.compress(sentence("cut", 4000).encode())[:200])
    (folder / "four" / "no.parquet").write_bytes(b"PAR1 no")
    (folder / "four" / "deep.json").write_bytes(b"[" * 100_000)
    index = decontaminate.load_benchmarks(str(folder))
    assert [problem.split(":")[0].split("@")[0] for problem in index.problems] == [
        "four/deep.json",
        "four/no.parquet",
        "one/broken.jsonl",
        "two/cut.jsonl.gz",
    ]
    assert index.hits(sentence("after", 14)) and index.hits(sentence("csv", 14))


@given(st.binary(max_size=200), st.sampled_from(["jsonl", "json", "csv", "tsv", "parquet", "txt", "jsonl.gz"]))
@settings(max_examples=50, deadline=None)
def test_any_file_is_read_or_told(tmp_path_factory, data, suffix):
    base = tmp_path_factory.mktemp("fuzz")
    (base / "good.txt").write_text(sentence("good", 14))
    (base / f"x.{suffix}").write_bytes(data)
    index = decontaminate.load_benchmarks(str(base))
    assert index.hits(sentence("good", 14)) and isinstance(index.problems, tuple)


def test_a_folder_without_items_is_refused(tmp_path):
    with pytest.raises(InputError):
        decontaminate.load_benchmarks(str(tmp_path / "absent"))
    (tmp_path / "a.txt").write_text("too short")
    with pytest.raises(InputError, match="no benchmark item"):
        decontaminate.load_benchmarks(str(tmp_path))


@pytest.mark.slow
def test_every_real_benchmark_is_found_in_a_text_that_quotes_it():
    base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", ROOT.parent / "shared")) / "benchmarks"
    if not base.exists():
        pytest.skip(f"no real benchmarks at {base}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    # The large files whose items are templates, and most of MMLU, would take most of the time and add nothing.
    skip = ("easy_vqa/train/*", "pope/*p*_p*", "bbq/[!r]*", "mmlu/test/[!a]*")
    index = decontaminate.load_benchmarks(str(base), skip=skip)
    folders = {path.name for path in base.iterdir() if path.is_dir()}
    assert set(index.benchmarks) == folders
    assert len(index.problems) <= 5
    with gzip.open(base / "gsm8k" / "test.jsonl.gz", "rt", encoding="utf-8") as stream:
        questions = [json.loads(line)["question"] for line in stream]
    found = index.hits_of(f"Some page. {question} And an answer." for question in questions)
    long = [hits for question, hits in zip(questions, found, strict=True) if len(question.split()) >= 13]
    assert len(long) > 1000 and all("gsm8k" in [hit.benchmark for hit in hits] for hits in long)
    clean = (ROOT / "data" / "dedup" / "words.py").read_text(encoding="utf-8")
    assert index.hits(clean) == []
