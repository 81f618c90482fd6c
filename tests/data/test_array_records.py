"""A file of records is written whole or not at all, and a damaged one is an error and never a shorter file."""

import random

import pytest

from data import array_records

RECORDS = [bytes([index]) * (index % 40) + random.Random(index).randbytes(200) for index in range(100)]


def test_round_trip_and_equal_bytes(tmp_path):
    for name in ("a", "b"):
        assert array_records.write_records(tmp_path / "new" / name, iter(RECORDS)) == len(RECORDS)
    assert list(array_records.read_records(tmp_path / "new" / "a")) == RECORDS
    assert (tmp_path / "new" / "a").read_bytes() == (tmp_path / "new" / "b").read_bytes()
    assert array_records.open_reader(tmp_path / "new" / "a").read([3, 99, 3]) == [RECORDS[3], RECORDS[99], RECORDS[3]]
    array_records.write_records(tmp_path / "empty", [])
    assert list(array_records.read_records(tmp_path / "empty")) == []


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    array_records.write_records(path, RECORDS[:2])

    def failing():
        yield b"new"
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        array_records.write_records(path, failing())
    assert list(array_records.read_records(path)) == RECORDS[:2]


@pytest.mark.parametrize("damage", ["missing", "empty", "junk", "half"])
def test_unreadable_files_are_named(tmp_path, damage):
    path = tmp_path / "damaged"
    array_records.write_records(path, RECORDS)
    whole = path.read_bytes()
    content = {"empty": b"", "junk": b"junk" * 40_000, "half": whole[: len(whole) // 2]}
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[damage])
    with pytest.raises(array_records.CorruptRecordError, match="damaged.*anew"):
        list(array_records.read_records(path))


def test_a_flipped_bit_is_an_error_or_changes_nothing(tmp_path):
    path = tmp_path / "a"
    array_records.write_records(path, RECORDS)
    whole = path.read_bytes()
    generator = random.Random(0)
    noticed = 0
    for _ in range(60):
        flipped = bytearray(whole)
        flipped[generator.randrange(len(whole) // 4)] ^= 1 << generator.randrange(8)
        path.write_bytes(flipped)
        try:
            assert list(array_records.read_records(path)) == RECORDS
        except array_records.CorruptRecordError:
            noticed += 1
    assert noticed > 10
