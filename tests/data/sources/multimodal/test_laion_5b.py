"""LAION: shards by key, metadata without pictures, and tars that lie."""

import gzip
import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.inputs import expand
from data.sources.multimodal import laion_5b
from data.sources.multimodal.registry import SOURCES
from data.sources.source import plan

SOURCE = next(source for source in SOURCES if source.name == "laion_5b")


def tar(*members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def parquet(rows):
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def test_a_key_is_a_document(make_input, picture, sorted_items):
    row = {"caption": "unused", "url": "http://a/b.jpg", "license_url": "http://creativecommons.org/licenses/by/2.0/"}
    row |= {"similarity": 0.31, "NSFW": "UNLIKELY", "exif": "{}", "punsafe": float("nan")}
    file = make_input(
        "00000.tar",
        tar(
            ("000000000.jpg", picture("JPEG")),
            ("000000000.txt", "Two  cats\non a caf\u00e9 table ".encode()),
            ("000000000.json", json.dumps(row).encode()),
            ("part/000000001.webp", picture("WEBP", seed=1)),
            ("part/000000001.json", b'{"caption": "A dog in the snow"}'),
        ),
    )
    (first, second), skipped, broken = sorted_items(laion_5b.read_shard(file))
    assert not skipped and not broken
    assert (first.text, first.licence, first.source) == (
        "Two cats on a caf\u00e9 table", "CC-BY-2.0", "laion_5b:00000.tar#000000000",
    )  # fmt: skip
    assert (first.media, first.media_type) == (picture("JPEG"), "image/jpeg")
    assert first.meta == {"url": "http://a/b.jpg", "similarity": 0.31, "nsfw": "UNLIKELY", "width": 64, "height": 48}
    assert (second.text, second.media_type) == ("A dog in the snow", "image/webp")
    assert (second.source, second.licence) == ("laion_5b:00000.tar#part/000000001", "NOASSERTION")


def test_what_a_key_lacks_is_said(make_input, picture, sorted_items):
    file = make_input(
        "a.tar",
        tar(
            ("0.txt", b"a caption alone"),
            ("1.jpg", picture("JPEG")),
            ("2.png", picture()),
            ("2.txt", b"  \n"),
            ("3.png", picture()[:200]),
            ("3.txt", b"cut short"),
            ("4.png", picture()),
            ("4.txt", b"\xff\xfe\xfa"),
            ("5.png", picture()),
            ("5.json", b"{broken"),
            ("6.png", picture()),
            ("6.txt", b"fine at last"),
        ),
    )
    documents, skipped, broken = sorted_items(laion_5b.read_shard(file))
    assert [document.text for document in documents] == ["fine at last"]
    assert [item.reason for item in skipped] == ["no_image", "no_caption", "no_caption"]
    assert [item.reason for item in broken] == ["truncated", "undecodable", "malformed"]
    assert broken[0].num_bytes == 200 + len(b"cut short")


def test_a_second_member_of_the_same_name_does_not_replace_the_first(make_input, picture, sorted_items):
    file = make_input("a.tar", tar(("0.png", picture()), ("0.txt", b"a first text"), ("0.txt", b"another text")))
    (document,), _, (broken,) = sorted_items(laion_5b.read_shard(file))
    assert document.text == "a first text" and broken.reason == "duplicate_key"


def test_members_that_lead_outside_are_set_aside(make_input, picture, sorted_items):
    data = tar(("../../etc/0.png", picture()), ("/0.txt", b"x"), ("1.png", picture()), ("1.txt", b"inside the tar"))
    documents, _, broken = sorted_items(laion_5b.read_shard(make_input("a.tar", data)))
    assert [document.text for document in documents] == ["inside the tar"]
    assert [item.reason for item in broken] == ["unsafe_path"] * 2


def test_members_of_one_key_are_bounded(make_input, picture, sorted_items):
    many = [(f"0.part{number}", b"x") for number in range(100)]
    data = tar(("0.png", picture()), ("0.txt", b"words of a caption"), *many)
    (document,), _, broken = sorted_items(laion_5b.read_shard(make_input("a.tar", data)))
    assert document.text == "words of a caption" and [item.reason for item in broken] == ["too_long"] * 38


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_tar_cut_short_keeps_what_came_before(make_input, picture, sorted_items, compress):
    # What a decompressor gives before it meets the end depends on how much it is asked for at once.
    least = 5 if compress is bytes else 0
    members = [(f"{n}.{s}", d) for n in range(20) for s, d in (("png", picture(seed=n)), ("txt", b"some words here"))]
    data = compress(tar(*members))
    documents, _, broken = sorted_items(laion_5b.read_shard(make_input("a.tar", data[: len(data) // 2])))
    assert least <= len(documents) < 15 and broken[0].reason in ("truncated", "corrupt")


def test_metadata_is_counted_and_never_fetched(make_input, sorted_items):
    rows = [
        {"SAMPLE_ID": n, "URL": f"http://x/{n}.jpg", "TEXT": f"caption {n}", "NSFW": "UNLIKELY"} for n in range(150)
    ]
    documents, skipped, broken = sorted_items(laion_5b.read_table(make_input("meta.parquet", parquet(rows))))
    assert not documents and not broken
    assert [item.offset for item in skipped] == list(range(150)) and {item.reason for item in skipped} == {"no_image"}
    assert "http://x/7.jpg" in skipped[7].evidence


@pytest.mark.parametrize("column", ["jpg", "image", "JPG", "image.bytes"])
def test_tables_with_pictures_are_documents(make_input, picture, sorted_items, column):
    data = picture("JPEG")
    held = {"image": {"bytes": data, "path": "a.jpg"}} if column == "image.bytes" else {column: data}
    rows = [{"key": "k0", "Caption": "a red ball on grass", "LICENSE": "?"} | held]
    (document,), _, _ = sorted_items(laion_5b.read_table(make_input("a.parquet", parquet(rows))))
    assert (document.text, document.media, document.licence) == ("a red ball on grass", data, "NOASSERTION")
    assert document.source == "laion_5b:a.parquet#k0"


def test_wrong_columns_are_set_aside(make_input, sorted_items):
    _, _, broken = sorted_items(laion_5b.read_table(make_input("a.parquet", parquet([{"price": 3}] * 4))))
    assert [item.reason for item in broken] == ["wrong_columns"] * 4
    _, _, (not_parquet,) = sorted_items(laion_5b.read_table(make_input("b.parquet", b"PAR1 not at all")))
    assert not_parquet.reason == "malformed"


def test_the_table_beside_a_tar_is_part_of_it(make_input, tmp_path):
    for name in ("00000.tar", "00000.parquet", "00000_stats.json", "00001.parquet", "notes.txt"):
        make_input(name, b"x")
    found = plan(SOURCE, expand(str(tmp_path / "in")), 1 << 20)
    assert [unit.file.name for unit in found.units] == ["00000.tar", "00001.parquet"]
    assert [file.name for file in found.unclaimed] == ["notes.txt"]


def test_real_samples(samples, input_files, sorted_items):
    found = plan(SOURCE, input_files(samples("multimodal/laion_5b")), 1 << 30)
    for unit in found.units:
        documents, skipped, broken = sorted_items(SOURCE.readers[unit.reader].read(unit.file))
        assert not broken
        if unit.reader == 0:
            assert documents and not skipped
            assert all(document.media_type == "image/jpeg" and document.meta["width"] > 100 for document in documents)
            assert all(
                document.licence.startswith("CC-BY") or document.licence.startswith("Lic") for document in documents
            )
        else:
            with unit.file.open_raw() as stream:
                assert len(skipped) == pq.ParquetFile(stream).metadata.num_rows > 0
            assert {item.reason for item in skipped} == {"no_image"}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_raises(make_input, picture, sorted_items, data):
    seed = tar(("0.png", picture()), ("0.txt", b"a caption here"), ("0.json", b'{"url": "u"}'))
    broken = bytearray(seed[: data.draw(st.integers(0, len(seed)))])
    for position, value in data.draw(st.lists(st.tuples(st.integers(0, 1 << 14), st.integers(0, 255)), max_size=12)):
        if broken:
            broken[position % len(broken)] = value
    sorted_items(laion_5b.read_shard(make_input("f.tar", bytes(broken))))
    sorted_items(laion_5b.read_shard(make_input("g.tar", data.draw(st.binary(max_size=600)))))
    table = bytearray(parquet([{"URL": "u", "TEXT": "t", "jpg": picture("JPEG")}]))
    for position, value in data.draw(st.lists(st.tuples(st.integers(0, 1 << 14), st.integers(0, 255)), max_size=4)):
        table[position % len(table)] = value
    sorted_items(laion_5b.read_table(make_input("h.parquet", bytes(table))))
