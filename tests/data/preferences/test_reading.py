"""Files of pairs, and the account of their rows."""

import gzip
import json
import os
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.preferences import reading
from data.preferences.reading import PreferenceDataError

SAMPLES = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", "../shared")) / "benchmarks" / "hh_rlhf"


def row(number, chosen="yes", rejected="no"):
    prompt = f"\n\nHuman: Question {number}?\n\nAssistant: "
    return {"chosen": prompt + chosen, "rejected": prompt + rejected}


def write(path, *lines):
    data = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines) + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def test_every_row_is_accounted_for_and_named_by_file_and_row(tmp_path):
    lines = [
        row(1),
        row(2, "same", "same"),
        b"{broken",
        b"\xff",
        b"",
        b"[1]",
        row(1),
        {"chosen": "x"},
        row(3, "", "a"),
        row(4),
    ]
    path = write(tmp_path / "pairs.jsonl", *lines)
    pairs, account = reading.read(path)
    assert [one.place for one in pairs] == [f"{path}:1", f"{path}:10"]
    balance = account.balance()
    assert balance == {
        "in": 9,
        "out": 2,
        "dropped": {"duplicate": 1, "empty_side": 1, "equal_sides": 1, "missing_field": 1, "wrong_type": 1},
        "quarantined": {"not_json": 1, "not_utf8": 1},
    }
    assert balance["in"] == balance["out"] + sum(balance["dropped"].values()) + sum(balance["quarantined"].values())
    assert account.named[0].startswith(f"{path}:2: equal_sides")
    assert account.named[1].startswith(f"{path}:3: not_json")


def test_the_same_pairs_come_from_every_container(tmp_path):
    rows = [row(number) for number in range(5)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    paths = [write(tmp_path / "a.jsonl", *rows), write(tmp_path / "a.jsonl.gz", *rows), str(tmp_path / "a.parquet")]
    found = [[one.pair for one in reading.read(path)[0]] for path in paths]
    assert found[0] == found[1] == found[2] and len(found[0]) == 5
    together, account = reading.read(",".join(paths))
    assert [one.pair for one in together] == found[0] and account.balance()["dropped"] == {"duplicate": 10}
    (tmp_path / "notes.txt").write_text("x")
    assert len(reading.files(str(tmp_path))) == 3


def test_a_parquet_of_messages_is_read(tmp_path):
    said = lambda text: [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": text}]  # noqa: E731
    rows = [{"prompt": "Why?", "chosen": said("a"), "rejected": said("b"), "score_chosen": 7.0, "score_rejected": 5.0}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    ((one,), _) = reading.read(str(tmp_path / "a.parquet"))
    assert (one.pair.chosen, one.pair.rejected, one.pair.margin) == ("a", "b", 2.0)


def test_files_that_can_not_be_used_are_named(tmp_path):
    whole = gzip.compress(json.dumps(row(1)).encode() * 100)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "empty").mkdir()
    write(tmp_path / "bad.jsonl", row(1, "a", "a"))
    for name, told in [
        ("cut.jsonl.gz", "can't be read"),
        ("broken.parquet", "can't be read"),
        ("missing.jsonl", "is not there"),
        ("empty", "holds none of"),
        ("bad.jsonl", r"none of 1 rows is a preference pair; the first: .*bad.jsonl:1: equal_sides"),
    ]:
        with pytest.raises(PreferenceDataError, match=told) as error:
            reading.read(str(tmp_path / name))
        assert name in str(error.value)
    with pytest.raises(PreferenceDataError, match="no path"):
        reading.read(" , ")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no {SAMPLES}; set MISTRAL_MOE_SAMPLES")
def test_hh_rlhf_itself_is_read_but_for_a_few_rows_with_a_reason():
    pairs, account = reading.read(str(SAMPLES))
    assert account.rows > 1000 and account.kept > 0.99 * account.rows
    assert set(account.dropped) <= {"empty_side", "no_common_prompt", "equal_sides", "duplicate"}
    for one in pairs:
        for side in (one.pair.chosen, one.pair.rejected):
            assert "\n\nHuman:" not in side and side.strip()
