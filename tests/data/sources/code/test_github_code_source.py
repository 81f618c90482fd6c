"""Files of repositories in the columns of codeparrot/github-code-clean."""

import io
import json
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.code import github_code
from data.sources.code.prose import spdx
from data.sources.code.registry import SOURCES
from data.sources.source import plan

ROW = {
    "code": "def f(x):\n    return x + 1\n",
    "repo_name": "someone/thing",
    "path": "thing/f.py",
    "language": "Python",
    "license": "apache-2.0",
    "size": 29,
}
INFO = next(info for info in SOURCES if info.name == "github_code_clean")


def _jsonl(*rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _parquet(*rows):
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink)
    return sink.getvalue()


@pytest.mark.parametrize("name, data", [("a.jsonl", _jsonl(ROW)), ("a.parquet", _parquet(ROW))])
def test_a_record_is_a_program_under_its_own_licence(make_input, name, data):
    (document,) = github_code.read(make_input(name, data))
    assert document == Document(
        text=ROW["code"],
        domain="code",
        source=f"github_code_clean:{name}#0",
        licence="Apache-2.0",
        meta={"kind": "program", "repo": "someone/thing", "path": "thing/f.py", "language": "python"},
    )


@pytest.mark.parametrize(
    "name, identifier",
    [
        ("mit", "MIT"),
        ("bsd-3-clause", "BSD-3-Clause"),
        ("gpl-3.0", "GPL-3.0-only"),
        ("GPL-2.0-or-later", "GPL-2.0-or-later"),
        ("cc0-1.0", "CC0-1.0"),
        ({"key": "mit", "spdx_id": "MIT"}, "MIT"),
        (["mit", "apache-2.0"], "Apache-2.0 OR MIT"),
        ("Our Own Licence", "Our Own Licence"),
        (None, "NOASSERTION"),
        ("other", "NOASSERTION"),
        (7, "NOASSERTION"),
    ],
)
def test_licences_become_spdx(name, identifier):
    assert spdx(name) == identifier


def test_a_missing_column_is_named_and_the_rest_is_read(make_input):
    renamed = {("content" if key == "code" else key): value for key, value in ROW.items()}
    first, second = github_code.read(make_input("a.jsonl", _jsonl(renamed, ROW)))
    assert isinstance(first, Quarantined) and first.reason == "wrong_columns" and first.offset == 0
    assert "no code" in first.evidence and "content" in first.evidence and "repo_name" in first.evidence
    assert isinstance(second, Document) and second.text == ROW["code"]


@pytest.mark.parametrize(
    "change, kind, reason",
    [
        ({"code": "a\x00b"}, Quarantined, "binary"),
        ({"code": "a\ud800b"}, Quarantined, "undecodable"),
        ({"code": None}, Quarantined, "wrong_columns"),
        ({"language": 3}, Quarantined, "wrong_columns"),
        ({"code": " \n"}, Skipped, "empty"),
    ],
)
def test_what_is_no_program_is_set_aside_with_its_place(make_input, change, kind, reason):
    data = _jsonl(ROW, ROW | change, ROW)
    items = list(github_code.read(make_input("a.jsonl", data)))
    assert [type(item) for item in items] == [Document, kind, Document]
    assert (items[1].reason, items[1].offset) == (reason, len(_jsonl(ROW)))


def test_strange_names_do_not_spoil_the_document(make_input):
    (document,) = github_code.read(make_input("a.jsonl", _jsonl(ROW | {"path": "a\ud800/\x00b.py"})))
    document.meta["path"].encode("utf-8")
    assert "\x00" not in document.meta["path"]


def test_ranges_cover_each_line_once(make_input):
    file = make_input("a.jsonl", _jsonl(*(ROW | {"path": f"{number}.py"} for number in range(50))))
    units = plan(INFO, [file], range_bytes=1000).units
    assert len(units) > 5
    paths = [item.meta["path"] for unit in units for item in INFO.readers[unit.reader].read(file, unit.start, unit.end)]
    assert paths == [f"{number}.py" for number in range(50)]


def test_real_samples(samples, input_files):
    counts = {}
    for file in input_files(samples("code/github_code_clean")):
        for item in github_code.read(file):
            assert isinstance(item, Document), item
            assert item.meta["kind"] == "program" and item.text.strip()
            counts[item.meta["language"]] = counts.get(item.meta["language"], 0) + 1
            counts[item.licence] = counts.get(item.licence, 0) + 1
    languages = {"python", "java", "rust", "go", "javascript", "c++", "shell", "typescript", "markdown"}
    assert languages <= set(counts)
    assert counts["MIT"] + counts["Apache-2.0"] + counts["BSD-3-Clause"] == 315


@given(st.one_of(st.binary(max_size=300), st.integers(0, 150).map(lambda cut: _jsonl(ROW)[:cut] + _jsonl(ROW))))
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_read_to_their_end(data):
    with tempfile.TemporaryDirectory() as root:
        for name in ("a.jsonl", "a.json", "a.csv", "a.parquet"):
            path = f"{root}/{name}"
            with open(path, "wb") as out:
                out.write(data)
            for item in github_code.read(InputFile(path, root, len(data))):
                assert isinstance(item, (Document, Quarantined, Skipped))
