"""Tables: every record is found in every container, with its place, and one that is broken costs only itself."""

import csv
import gzip
import io
import json
import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.formats import rows
from data.inputs import InputFile

ROWS = [{"text": 'first, "one"', "n": "1"}, {"text": "zwei\nGröße", "n": "2"}, {"text": "", "n": "3"}]


def as_jsonl(values):
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


def as_csv(values, delimiter=","):
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(values[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(values)
    return buffer.getvalue().encode()


def as_parquet(values):
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(values), buffer)
    return buffer.getvalue()


def values(found):
    return [record.value for record in found if isinstance(record, rows.Record)]


def broken(found):
    return [(item.offset, item.reason) for item in found if isinstance(item, Quarantined)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.jsonl", as_jsonl(ROWS)),
        ("x.ndjson", as_jsonl(ROWS)),
        ("x.jsonl.gz", gzip.compress(as_jsonl(ROWS), mtime=0)),
        ("X.JSON", json.dumps(ROWS).encode()),
        ("x.json", as_jsonl(ROWS)),
        ("x.json.gz", gzip.compress(json.dumps(ROWS, indent=2).encode(), mtime=0)),
        ("x.csv", as_csv(ROWS)),
        ("x.tsv", as_csv(ROWS, "\t")),
        ("x.csv.gz", gzip.compress(as_csv(ROWS), mtime=0)),
        ("x.csv", b"\xef\xbb\xbf" + as_csv(ROWS)),
        ("x.jsonl", b"\xef\xbb\xbf" + as_jsonl(ROWS)),
        ("x.parquet", as_parquet(ROWS)),
    ],
)
def test_the_same_records_in_every_container(make_input, name, data):
    found = list(rows.records(make_input(name, data)))
    assert values(found) == ROWS and not broken(found)
    assert all(record.num_bytes > 0 for record in found)


def test_one_object_is_one_record(make_input):
    assert values(rows.records(make_input("x.json", b'{"a": [1, 2]}'))) == [{"a": [1, 2]}]


def test_lines_of_jsonl_are_placed_by_bytes(make_input):
    data = b'{"a": 1}\n\n  \n{"a": "\xc3\xb6"}\r\n{"a": 3}'
    found = list(rows.records(make_input("d/x.jsonl", data)))
    assert [(record.offset, record.value["a"]) for record in found] == [(0, 1), (13, "ö"), (26, 3)]
    assert [data[r.offset : r.offset + r.num_bytes].strip() for r in found] == [
        b'{"a": 1}',
        b'{"a": "\xc3\xb6"}',
        b'{"a": 3}',
    ]
    assert found[1].label == "d/x.jsonl@13"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": ', "malformed"),
        (b"\xff\xfe\xfa", "undecodable"),
        (b'{"a": "\xff"}', "undecodable"),
        (b'{"a": "\x00"}', "binary"),
        (b"[" * 100_000, "malformed"),
        (b"9" * 10_000, "malformed"),
    ],
)
def test_a_broken_line_costs_only_itself(make_input, line, reason):
    data = b'{"n": 1}\n' + line + b'\n{"n": 3}\n'
    found = list(rows.records(make_input("x.jsonl", data)))
    assert values(found) == [{"n": 1}, {"n": 3}]
    ((offset, told),) = broken(found)
    assert told == reason and 9 <= offset < 9 + len(line)


def test_a_line_beyond_the_limit_is_set_aside(make_input, monkeypatch):
    monkeypatch.setattr(rows.streams.lines, "__defaults__", (50, 0, None))
    data = b'{"n": 1}\n' + b'{"n": "' + b"x" * 500 + b'"}\n{"n": 3}\n'
    found = list(rows.records(make_input("x.jsonl", data)))
    assert values(found) == [{"n": 1}, {"n": 3}] and broken(found) == [(9, "line_too_long")]
    assert found[1].num_bytes == 510


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(['{"a": 1}', '{"b": "long long"}', "", "{broken", "ü"]), max_size=20),
    st.lists(st.integers(0, 200)),
)
def test_ranges_of_jsonl_cover_it_once(tmp_path_factory, lines, cuts):
    data = "\n".join(lines).encode()
    path = tmp_path_factory.getbasetemp() / "ranges.jsonl"
    path.write_bytes(data)
    file = InputFile(str(path), str(path.parent), len(data))
    bounds = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    parts = [item for bound in zip(bounds, bounds[1:], strict=False) for item in rows.records(file, *bound)]
    assert parts == list(rows.records(file))


@pytest.mark.parametrize("data", [b"", b"[1, 2", b'{"a": 1} x', b"\xff", b"[" * 100_000, b'{"a": "\x00"}', b"nonsense"])
def test_broken_json_is_quarantined_whole(make_input, data):
    (item,) = rows.records(make_input("x.json", data))
    assert isinstance(item, Quarantined) and item.num_bytes == len(data)


def test_a_csv_record_is_placed_by_bytes(make_input):
    data = 'text,n\r\n"zwei\r\nZeilen, Größe",1\r\nx,2\r\n'.encode()
    found = list(rows.records(make_input("x.csv", data)))
    assert values(found) == [{"text": "zwei\nZeilen, Größe", "n": "1"}, {"text": "x", "n": "2"}]
    second = data.index(b"x,2")
    assert [(r.offset, r.num_bytes) for r in found] == [(8, second - 8), (second, 5)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"only", "malformed"),
        (b"one,two,three", "malformed"),
        (b'"a"b,c', "malformed"),
        (b"\xff,c", "undecodable"),
        (b"a\x00,c", "binary"),
    ],
)
def test_a_broken_row_costs_only_itself(make_input, row, reason):
    data = b"text,n\nx,1\n" + row + b"\n\ny,2\n"
    found = list(rows.records(make_input("x.csv", data)))
    assert values(found) == [{"text": "x", "n": "1"}, {"text": "y", "n": "2"}]
    assert broken(found) == [(11, reason)] and found[1].num_bytes == len(row) + 1


@pytest.mark.parametrize("header", [b"te\x00xt,n", b"\xff\xff,n", b'"te"xt,n'])
def test_without_a_header_no_row_is_guessed(make_input, header):
    data = header + b"\nx,1\ny,2\n"
    (item,) = rows.records(make_input("x.csv", data))
    assert isinstance(item, Quarantined) and item.num_bytes == len(data)


def test_a_quote_that_never_ends_is_quarantined(make_input):
    found = list(rows.records(make_input("x.csv", b'text,n\nx,1\n"y,2\nz,3\n')))
    assert values(found) == [{"text": "x", "n": "1"}] and broken(found) == [(11, "malformed")]
    assert found[-1].num_bytes == 9


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.jsonl", "x.ndjson"])
def test_an_empty_file_has_no_records(make_input, name):
    assert list(rows.records(make_input(name, b""))) == []


def test_rows_of_parquet_are_numbered(make_input):
    table = [{"a": number, "b": b"x" * number, "c": [{"d": "é"}], "e": None} for number in range(200)]
    found = list(rows.records(make_input("x.parquet", as_parquet(table))))
    assert values(found) == table and [record.offset for record in found] == list(range(200))
    assert found[7].num_bytes == 8 + 7 + 2 + 0


@pytest.mark.parametrize("data", [b"", b"PAR1", b"no parquet", as_parquet(ROWS)[:-40], as_parquet(ROWS)[:50]])
def test_broken_parquet_is_quarantined(make_input, data):
    found = list(rows.records(make_input("x.parquet", data)))
    assert [item.reason for item in found] == ["malformed"] and found[0].num_bytes == len(data)


def test_parquet_that_breaks_later_keeps_its_first_rows(make_input):
    buffer = io.BytesIO()
    pq.write_table(
        pa.table({"a": [f"{n * 7919}" * 20 for n in range(2000)]}), buffer, row_group_size=500, compression="zstd"
    )
    data = bytearray(buffer.getvalue())
    start = pq.ParquetFile(buffer).metadata.row_group(2).column(0).data_page_offset
    data[start : start + 300] = b"\xa5" * 300
    found = list(rows.records(make_input("x.parquet", bytes(data))))
    assert 500 <= len(values(found)) <= 1000 and [item.reason for item in found[len(values(found)) :]] == ["malformed"]


def convert(record):
    """One document, or whatever the record asks to happen."""
    wish = record.value.get("wish")
    if wish == "skip":
        yield record.skipped("wished", "evidence")
    elif wish == "index":
        yield [][record.value["n"]]
    elif wish == "zero":
        yield 1 // 0
    elif wish == "recurse":
        yield from convert(record)
    elif wish:
        yield Document(record.value["text"], "code", "s", "MIT")
        raise {"value": ValueError, "type": TypeError, "key": KeyError, "attribute": AttributeError}[wish]("wished")
    else:
        yield Document(record.value["text"], "code", "s", "MIT")


@pytest.mark.parametrize("wish", ["value", "type", "key", "attribute", "index", "zero", "recurse"])
def test_a_record_that_can_not_be_converted_costs_only_itself(make_input, wish):
    data = as_jsonl([{"text": "a"}, {"text": "b", "wish": wish, "n": 3}, {"text": "c"}])
    found = list(rows.reader(convert)(make_input("x.jsonl", data)))
    assert [type(item) for item in found] == [Document, Quarantined, Document]
    assert found[1].reason == "malformed" and found[1].offset == 14


def test_a_reader_passes_on_what_is_skipped_and_what_is_broken(make_input):
    data = as_jsonl([{"text": "a"}, {"wish": "skip"}]) + b"{\n"
    found = list(rows.reader(convert)(make_input("x.jsonl", data)))
    assert [type(item) for item in found] == [Document, Skipped, Quarantined]
    assert (found[1].reason, found[1].offset, found[1].num_bytes, found[1].evidence) == ("wished", 14, 17, "evidence")


def test_a_reader_takes_ranges_and_travels_to_other_processes(make_input):
    read = pickle.loads(pickle.dumps(rows.reader(convert)))
    file = make_input("x.jsonl", as_jsonl([{"text": "a"}, {"text": "b"}]))
    assert [item.text for item in read(file, 1, None)] == ["b"]
    assert [item.text for item in read(file, start=0, end=14)] == ["a"]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["x.jsonl", "x.json", "x.csv", "x.tsv", "x.parquet"]),
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from(['{"a": 1}', "a,b", '"', "\n", ",", "\t", "[", "]", "\x00", "ü", "\r"])).map(
            lambda found: "".join(found).encode()
        ),
        st.tuples(st.integers(0, 700), st.binary(max_size=6)).map(
            lambda edit: as_parquet(ROWS)[: edit[0]] + edit[1] + as_parquet(ROWS)[edit[0] + len(edit[1]) :]
        ),
    ),
)
def test_whatever_the_bytes_records_never_raise(tmp_path_factory, name, data):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    for item in rows.records(InputFile(str(path), str(path.parent), len(data))):
        assert isinstance(item, rows.Record | Quarantined) and 0 <= item.num_bytes
