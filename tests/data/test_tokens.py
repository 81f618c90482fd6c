"""The token cache says what the documents say, survives a kill with equal bytes, and refuses what is not whole."""

import itertools
import json
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pytest

from data import array_records, records, tokens
from data import tokenizer as tokenizer_lib
from data.document import Document
from data.generators import math_problems

TEXTS = ["def f(x):\n\treturn x\n", "", "a  b", "naïve \u2581 漢字\n" * 40] + [
    f"line {i}\n" * (i % 7) for i in range(600)
]
LEVEL = ("code", "functions", "train")


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_lib.load(tokenizer_lib.mistral_path("v1"))


@pytest.fixture
def data_dir(tmp_path):
    documents = (
        Document(text=text, domain="code", level="functions", source=f"test:{i}", licence="MIT")
        for i, text in enumerate(TEXTS)
    )
    records.write_documents(records.shard_path(tmp_path / "data", *LEVEL), documents)
    return tmp_path / "data"


def folder_bytes(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_cache_holds_every_document(tmp_path, data_dir, tokenizer):
    manifest = tokens.encode_split(data_dir, tmp_path / "tokens", tokenizer, *LEVEL)
    source = tokens.TokenSource(tmp_path / "tokens", *LEVEL, tokenizer_sha256=tokenizer.sha256)
    assert len(source) == len(TEXTS) == manifest["documents"]
    assert manifest["bytes"] == sum(len(text.encode()) for text in TEXTS)
    assert manifest["tokens"] == source.num_tokens == source.lengths(0, len(TEXTS)).sum() == len(source.read_all())
    assert manifest["dtype"] == "<u2" and source.itemsize == 2
    for text, ids in zip(TEXTS, source.read(range(len(TEXTS)))):
        assert ids[0] == tokenizer.bos_id and ids[-1] == tokenizer.eos_id and tokenizer.decode(ids) == text
    assert np.array_equal(source.read_all(), np.concatenate([source[i] for i in range(len(source))]))
    assert np.array_equal(pickle.loads(pickle.dumps(source))[3], source[3])
    source.close()
    assert tokenizer.decode(source[0]) == TEXTS[0]


def test_lengths_and_marks_of_any_stretch_are_those_of_the_whole(tmp_path):
    tokenizer = tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))
    problems = [math_problems.generate("arithmetic", 0, index) for index in range(30)]
    records.write_documents(records.shard_path(tmp_path, "math", "arithmetic", "train"), problems)
    place = ("math", "arithmetic", "train")
    manifest = tokens.encode_split(
        tmp_path, tmp_path / "t", tokenizer, *place, shares={"causal_lm": 0.5, "math_problem": 0.5}
    )
    source = tokens.TokenSource(tmp_path / "t", *place)
    lengths, marks = source.lengths(0, 30), source.marks(0, 30)
    assert len(marks.unlearned) and len(set(marks.task_ids.tolist())) == 2
    unlearned = sum(int((~marks.learned(document, 0, length)).sum()) for document, length in enumerate(lengths))
    assert manifest["learned"] == manifest["tokens"] - unlearned
    for start, stop in itertools.combinations_with_replacement(range(0, 31, 3), 2):
        assert source.lengths(start, stop).tolist() == lengths[start:stop].tolist()
        part, expected = source.marks(start, stop), marks.between(start, stop)
        assert part.task_ids.tolist() == expected.task_ids.tolist()
        assert part.unlearned.tolist() == expected.unlearned.tolist()


def test_second_call_does_nothing_and_changed_documents_are_encoded_anew(tmp_path, data_dir, tokenizer):
    first = tokens.encode_split(data_dir, tmp_path / "tokens", tokenizer, *LEVEL)
    path = tokens.cache_path(tmp_path / "tokens", *LEVEL)
    before = path.stat().st_mtime_ns
    assert tokens.encode_split(data_dir, tmp_path / "tokens", tokenizer, *LEVEL) == first
    assert path.stat().st_mtime_ns == before
    records.write_documents(
        records.shard_path(data_dir, *LEVEL), [Document(text="new", domain="code", source="s", licence="MIT")]
    )
    assert tokens.encode_split(data_dir, tmp_path / "tokens", tokenizer, *LEVEL)["documents"] == 1
    assert tokenizer.decode(tokens.TokenSource(tmp_path / "tokens", *LEVEL)[0]) == "new"


KILLED_AT = """
import os, sys
from data import array_records, tokenizer, tokens
stage, data_dir, tokens_dir = sys.argv[1:]
if stage == "records":
    encode_batch, calls = tokenizer.Tokenizer.encode_batch, []
    def dying(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            os._exit(9)
        return encode_batch(*args, **kwargs)
    tokenizer.Tokenizer.encode_batch = dying
else:
    replace = os.replace
    def dying(source, target):
        if str(target).endswith(stage):
            os._exit(9)
        replace(source, target)
    os.replace = dying
tokens.encode_split(data_dir, tokens_dir, tokenizer.load(tokenizer.mistral_path("v1")), "code", "functions", "train")
"""


@pytest.mark.parametrize("stage", ["records", ".lengths.npy", ".json"])
def test_killed_and_resumed_is_byte_identical(tmp_path, data_dir, tokenizer, stage):
    tokens.encode_split(data_dir, tmp_path / "whole", tokenizer, *LEVEL, num_threads=2)
    root = pathlib.Path(tokens.__file__).parent.parent
    command = [sys.executable, "-c", KILLED_AT, stage, str(data_dir), str(tmp_path / "killed")]
    assert subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 9
    with pytest.raises(tokens.TokenCacheError, match="not tokenised to its end"):
        tokens.TokenSource(tmp_path / "killed", *LEVEL).open()
    tokens.encode_split(data_dir, tmp_path / "killed", tokenizer, *LEVEL)
    assert folder_bytes(tmp_path / "killed") == folder_bytes(tmp_path / "whole")


def test_every_defect_is_named_before_the_first_row(tmp_path, data_dir, tokenizer):
    folder = tmp_path / "tokens"
    tokens.encode_split(data_dir, folder, tokenizer, *LEVEL)
    path = tokens.cache_path(folder, *LEVEL)
    whole = folder_bytes(folder)

    def defect(match, suffix, content):
        for name, original in whole.items():
            (folder / name).write_bytes(original)
        target = path.with_suffix(suffix)
        target.unlink() if content is None else target.write_bytes(content)
        with pytest.raises(tokens.TokenCacheError, match=match) as error:
            tokens.TokenSource(folder, *LEVEL, tokenizer_sha256=tokenizer.sha256).open()
        assert str(path) in str(error.value)
        return str(error.value)

    good = path.read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 3] ^= 1
    assert "tokenise the split anew" in defect("corrupt", ".array_record", bytes(flipped))
    defect("corrupt", ".array_record", good[: len(good) // 2])
    defect("missing", ".array_record", None)
    defect("missing or unreadable", ".json", None)
    defect("missing or unreadable", ".json", b"{}")
    defect("cannot be read", ".lengths.npy", None)
    defect("cannot be read", ".lengths.npy", b"")
    manifest = json.loads(path.with_suffix(".json").read_text())
    defect("does not add up", ".json", json.dumps(manifest | {"tokens": 1}).encode())
    defect("made by tokenizer 0000", ".json", json.dumps(manifest | {"tokenizer_sha256": "0" * 64}).encode())


def test_unverified_source_still_notices_a_wrong_record(tmp_path, data_dir, tokenizer):
    tokens.encode_split(data_dir, tmp_path, tokenizer, *LEVEL)
    path = tokens.cache_path(tmp_path, *LEVEL)
    array_records.write_records(path, [b"\x01\x00" for _ in TEXTS])
    with pytest.raises(tokens.TokenCacheError, match="document 0 has 2 bytes"):
        tokens.TokenSource(tmp_path, *LEVEL, verify=False).read_all()


def test_empty_and_missing_splits(tmp_path, tokenizer):
    with pytest.raises(array_records.CorruptRecordError, match="split heldout.*process_data"):
        tokens.encode_split(tmp_path, tmp_path / "tokens", tokenizer, "code", "functions", "heldout")
    records.write_documents(records.shard_path(tmp_path, *LEVEL), [])
    assert tokens.encode_split(tmp_path, tmp_path / "tokens", tokenizer, *LEVEL)["documents"] == 0
    with pytest.raises(tokens.TokenCacheError, match="no documents; add data"):
        tokens.TokenSource(tmp_path / "tokens", *LEVEL).open()
    with pytest.raises(ValueError, match="unknown level"):
        tokens.TokenSource(tmp_path, "code", "poetry", "train")
