"""A file of lines is whole after a kill at any byte, and a line that could not be written is not there at all."""

import errno
import json
import os
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from launch.errors import UserError
from launch.feedback import lines as lines_lib
from launch.feedback.lines import DurableLines, encode

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
ROWS = st.lists(st.fixed_dictionaries({"text": TEXTS, "number": st.integers(0, 9)}), min_size=1, max_size=4)


def opened(path):
    return DurableLines(path, lambda row: "" if isinstance(row.get("text"), str) else "it has no text")


@given(rows=ROWS)
@settings(max_examples=10)
def test_after_a_kill_at_any_byte_every_line_that_was_told_of_is_there_and_the_file_takes_more(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("lines") / "answers.jsonl"
    whole = b"".join(map(encode, rows))
    ends = [0]
    for row in rows:
        ends.append(ends[-1] + len(encode(row)))
    with mock.patch("launch.feedback.lines.os.fsync"):  # of use in a power cut, which is not what is tried here
        for cut in range(len(whole) + 1):
            path.write_bytes(whole[:cut])
            # A line that lacks only its line break is whole.
            kept = sum(end - 1 <= cut for end in ends[1:])
            lines = opened(path)
            assert lines.rows == rows[:kept]
            assert path.read_bytes() == whole[: ends[kept]]
            lines.append({"text": "more"})
            assert opened(path).rows == [*rows[:kept], {"text": "more"}]


@given(rows=ROWS)
@settings(max_examples=30)
def test_rows_come_back_and_every_reader_sees_one_a_line(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("lines") / "answers.jsonl"
    lines = opened(path)
    for row in rows:
        lines.append(row)
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == rows
    lines.drop_last()
    assert opened(path).rows == rows[:-1] == lines.rows
    lines.append(rows[0])
    assert opened(path).rows == [*rows[:-1], rows[0]]


def test_bytes_of_a_power_cut_at_the_end_are_taken_away(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_bytes(encode({"text": "kept"}) + b"\0" * 100)
    assert opened(path).rows == [{"text": "kept"}]
    assert path.read_bytes() == encode({"text": "kept"})


@pytest.mark.parametrize(
    "line, words", [(b"{", "no JSON"), (b"[1]", "no JSON object"), (b'{"text": 1}', "has no text")]
)
def test_a_broken_line_in_the_middle_is_named_and_left_alone(tmp_path, line, words):
    path = tmp_path / "answers.jsonl"
    content = encode({"text": "first"}) + line + b"\n" + encode({"text": "last"})
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"answers.jsonl:2 .*{words}"):
        opened(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("fails", ["pwrite", "fsync"])
def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch, fails):
    lines = opened(tmp_path / "answers.jsonl")
    lines.append({"text": "first"})
    before = lines.path.read_bytes()
    pwrite = os.pwrite

    def full(descriptor, *rest):
        if fails == "pwrite" and rest[1] == len(before):
            return pwrite(descriptor, rest[0][:5], rest[1])  # as much as there was room for
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lines_lib.os, fails, full)
    with pytest.raises(OSError, match="No space"):
        lines.append({"text": "second"})
    monkeypatch.undo()
    assert lines.path.read_bytes() == before and lines.rows == [{"text": "first"}]
    lines.append({"text": "third"})
    assert opened(lines.path).rows == [{"text": "first"}, {"text": "third"}]


def test_text_that_is_no_utf8_is_refused_before_anything_is_written(tmp_path):
    lines = opened(tmp_path / "answers.jsonl")
    with pytest.raises(ValueError):
        lines.append({"text": "\ud800"})
    assert not lines.path.exists()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="the paths of descriptors are read from /proc")
def test_a_line_is_on_disk_when_append_returns_and_so_is_the_name_of_a_new_file(tmp_path, monkeypatch):
    lines, synced, fsync = opened(tmp_path / "answers.jsonl"), [], os.fsync

    def noted(descriptor):
        synced.append((os.readlink(f"/proc/self/fd/{descriptor}"), os.fstat(descriptor).st_size))
        fsync(descriptor)

    monkeypatch.setattr(lines_lib.os, "fsync", noted)
    for text in ("first", "second"):
        lines.append({"text": text})
        assert (str(lines.path), lines.path.stat().st_size) in synced
    assert str(tmp_path) in [path for path, _ in synced]
    synced.clear()
    lines.drop_last()
    assert synced == [(str(lines.path), len(encode({"text": "first"})))]
