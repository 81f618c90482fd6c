"""The record format: what is written is what is read, and damage is an error that names the file."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import records
from data.document import Document

_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
_META = st.dictionaries(st.text(string.ascii_letters, max_size=8), st.integers() | _TEXT | st.lists(st.booleans()))


@st.composite
def _documents(draw) -> Document:
    return Document(
        text=draw(_TEXT),
        domain=draw(_TEXT),
        source=draw(_TEXT),
        licence=draw(_TEXT),
        level=draw(_TEXT),
        media=draw(st.binary(max_size=60)),
        media_type=draw(_TEXT),
        meta=draw(_META),
    )


@settings(max_examples=60, deadline=None)
@given(_documents())
def test_a_record_decodes_to_the_document_and_encodes_alike_again(document):
    record = records.encode(document)
    assert records.decode(record) == document
    assert records.encode(records.decode(record)) == record


@settings(max_examples=60, deadline=None)
@given(_documents(), _documents())
def test_the_id_tells_contents_apart_and_ignores_everything_else(first, second):
    same = (first.text, first.media) == (second.text, second.media)
    assert (first.id == second.id) == same


def test_files_keep_number_and_order_and_equal_content_gives_equal_bytes(tmp_path):
    documents = [Document(f"text {n}", "code", "s", "MIT", meta={"n": n}) for n in range(50)]
    for name in ("a", "b"):
        assert records.write_documents(tmp_path / name, documents) == 50
    assert list(records.read_documents(tmp_path / "a")) == documents
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_bytes_that_are_no_document_are_named():
    with pytest.raises(records.CorruptRecordError):
        records.decode(b"\xff\xff not an example")


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "cut.array_record"
    records.write_documents(path, [Document("some text " * 50, "code", "s", "MIT")])
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(records.CorruptRecordError, match="cut.array_record"):
        list(records.read_documents(path))


def test_a_failed_write_leaves_no_file_under_the_final_name(tmp_path):
    def documents():
        yield Document("fine", "code", "s", "MIT")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        records.write_documents(tmp_path / "x.array_record", documents())
    assert not (tmp_path / "x.array_record").exists()
