"""Archives: members come in order, whatever is hostile is set aside, and nothing is lost without a word."""

import gzip
import io
import pickle
import struct
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import archives, streams
from data.document import Quarantined
from data.inputs import InputFile

FILES = [("a.txt", b"alpha"), ("dir/b.txt", b"beta" * 500), ("dir/größe.txt", b""), ("c.bin", bytes(range(256)) * 9)]


def make_tar(files=FILES, mode="w", **kwargs):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, **kwargs) as archive:
        for name, data in files:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def make_zip(files=FILES, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def contents(found):
    return [(item.name, item.data) for item in found if isinstance(item, archives.Member)]


def reasons(found):
    return [item.reason for item in found if isinstance(item, Quarantined)]


@pytest.mark.parametrize(
    "data",
    [
        make_tar(),
        make_tar(mode="w:gz"),
        make_tar(mode="w:bz2"),
        make_tar(mode="w:xz"),
        make_tar(format=tarfile.USTAR_FORMAT),
        make_tar(format=tarfile.GNU_FORMAT),
        make_zip(),
        make_zip(compression=zipfile.ZIP_STORED),
        make_zip(compression=zipfile.ZIP_BZIP2),
        make_zip(compression=zipfile.ZIP_LZMA),
    ],
)
def test_members_come_in_order(make_input, data):
    found = list(archives.members(make_input("x.archive", data)))
    assert contents(found) == FILES and not reasons(found)


def test_folders_are_no_members(make_input):
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    assert contents(archives.members(make_input("x.tar", make_tar([(folder, b""), ("folder/a", b"1")])))) == [
        ("folder/a", b"1")
    ]
    zipped = make_zip([("folder/", b""), ("folder/a", b"1")])
    assert contents(archives.members(make_input("x.zip", zipped))) == [("folder/a", b"1")]


@pytest.mark.parametrize("data", [make_tar([]), make_zip([])])
def test_an_archive_without_members(make_input, data):
    assert list(archives.members(make_input("x", data))) == []


BAD_NAMES = ["../up.txt", "/etc/passwd", "a/../../up.txt", "..", "C:\\x.txt", "..\\up.txt", "\\\\host\\x"]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_names_that_lead_outside_are_set_aside(make_input, make, name):
    found = list(archives.members(make_input("x", make([("first", b"1"), (name, b"evil"), ("last", b"2")]))))
    assert contents(found) == [("first", b"1"), ("last", b"2")]
    assert reasons(found) == ["unsafe_path"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30) | st.text(st.sampled_from("./\\:aC\x00"), max_size=12))
def test_a_safe_name_stays_inside_and_is_clean_text(name):
    safe = archives.safe_name(name)
    if safe is not None:
        assert not safe.startswith("/") and ".." not in safe.split("/") and "\\" not in safe and "\x00" not in safe
        safe.encode()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_of_a_tar_are_set_aside(make_input, kind):
    special = tarfile.TarInfo("special")
    special.type, special.linkname = kind, "/etc/passwd"
    found = list(archives.members(make_input("x.tar", make_tar([(special, b""), ("a", b"1")]))))
    assert contents(found) == [("a", b"1")] and reasons(found) == ["not_a_file"]


def test_links_of_a_zip_are_set_aside(make_input):
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    found = list(archives.members(make_input("x.zip", make_zip([(link, b"/etc/passwd"), ("a", b"1")]))))
    assert contents(found) == [("a", b"1")] and reasons(found) == ["not_a_file"]


@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_members_beyond_the_limit_are_set_aside(make_input, make):
    found = list(archives.members(make_input("x", make([("big", b"x" * 1001), ("fits", b"x" * 1000)])), limit=1000))
    assert contents(found) == [("fits", b"x" * 1000)] and reasons(found) == ["too_long"]


@pytest.mark.parametrize("make", [lambda files: make_tar(files, mode="w:gz"), make_zip])
def test_bombs_are_stopped(make_input, make, monkeypatch):
    monkeypatch.setattr(streams, "MIN_BOMB_BYTES", 1 << 20)
    monkeypatch.setattr(streams, "MAX_RATIO", 100)
    found = list(archives.members(make_input("x", make([("a", b"1"), ("bomb", bytes(30 << 20))]))))
    assert contents(found) == [("a", b"1")] and reasons(found) == ["bomb"]


def test_a_zip_of_many_small_bombs_is_stopped(make_input, monkeypatch):
    monkeypatch.setattr(streams, "MIN_BOMB_BYTES", 1 << 20)
    monkeypatch.setattr(streams, "MAX_RATIO", 100)
    found = list(archives.members(make_input("x.zip", make_zip([(f"{n}", bytes(900_000)) for n in range(20)]))))
    assert "bomb" in reasons(found)
    assert sum(len(data) for _, data in contents(found)) < 4 << 20


@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_more_members_than_any_archive_has(make_input, make, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    found = list(archives.members(make_input("x", make([(str(n), b"x") for n in range(5)]))))
    assert reasons(found) == ["bomb"] and len(contents(found)) <= 3


def test_zip_headers_that_lie(make_input):
    data = bytearray(make_zip([("a", b"x" * 5000), ("b", b"fine")]))
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 10)  # says: 10 bytes
    found = list(archives.members(make_input("x.zip", bytes(data))))
    assert contents(found) == [("b", b"fine")] and reasons(found) == ["corrupt"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_corrupt_zip_member_costs_only_itself(make_input, compression):
    files = [("a", b"alpha"), ("b", bytes(range(256)) * 40), ("c", b"gamma")]
    data = bytearray(make_zip(files, compression))
    start = data.index(b"PK\x03\x04", 10) + 31
    data[start + 4 : start + 60] = b"\xa5" * 56
    found = list(archives.members(make_input("x.zip", bytes(data))))
    assert contents(found) == [files[0], files[2]] and reasons(found) == ["corrupt"]


def test_an_encrypted_zip_member_is_set_aside(make_input):
    data = bytearray(make_zip([("a", b"1"), ("b", b"2")]))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + flags] |= 1
    found = list(archives.members(make_input("x.zip", bytes(data))))
    assert contents(found) == [("b", b"2")] and reasons(found) == ["corrupt"]


def test_a_truncated_zip_is_quarantined(make_input):
    found = list(archives.members(make_input("x.zip", make_zip()[:-30])))
    assert not contents(found) and reasons(found) == ["corrupt"] and found[0].num_bytes == len(make_zip()) - 30


def test_a_tar_that_breaks_off_in_a_member(make_input):
    data = make_tar([("a", b"1"), ("b", b"x" * 5000)])
    found = list(archives.members(make_input("x.tar", data[: 512 * 3 + 1000])))
    assert contents(found) == [("a", b"1")] and reasons(found) == ["truncated"]


def test_a_tar_that_breaks_off_in_a_header(make_input):
    data = make_tar([("a", b"1"), ("b", b"2")])
    found = list(archives.members(make_input("x.tar", data[: 512 * 2 + 100])))
    assert contents(found) == [("a", b"1")] and reasons(found) == ["truncated"]


def test_a_tar_without_an_end_mark_is_whole(make_input):
    data = make_tar([("a", b"1"), ("b", b"2")])
    found = list(archives.members(make_input("x.tar", data[: 512 * 4])))
    assert contents(found) == [("a", b"1"), ("b", b"2")] and not reasons(found)


def test_what_follows_a_corrupt_tar_header_is_not_lost_silently(make_input):
    data = bytearray(make_tar([("a", b"1"), ("b", b"2"), ("c", b"3")]))
    data[512 * 2 : 512 * 2 + 60] = b"\xff" * 60
    found = list(archives.members(make_input("x.tar", bytes(data))))
    assert contents(found) == [("a", b"1")] and reasons(found) == ["corrupt"]
    assert found[-1].num_bytes > 0


def test_a_truncated_tar_gz_yields_what_is_there(make_input):
    files = [(f"{n}.txt", bytes((n * k) % 251 for k in range(3000))) for n in range(50)]
    data = make_tar(files, mode="w:gz")
    found = list(archives.members(make_input("x.tar.gz", data[: len(data) // 2])))
    assert 0 < len(contents(found)) < 50 and contents(found) == files[: len(contents(found))]
    assert reasons(found) == ["truncated"]


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_headers_that_hold_gigabytes_are_refused(make_input, kind):
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = kind, 200 << 20
    data = header.tobuf(tarfile.GNU_FORMAT) + bytes(3 << 20)
    found = list(archives.members(make_input("x.tar.gz", gzip.compress(data))))
    assert not contents(found) and len(reasons(found)) == 1
    assert "209715200" in found[0].evidence


def test_a_chain_of_headers_does_not_recurse_without_end(make_input):
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 3
    link = header.tobuf(tarfile.GNU_FORMAT) + b"ab\x00".ljust(512, b"\x00")
    found = list(archives.members(make_input("x.tar", link * 5000 + make_tar([("a", b"1")]))))
    assert not contents(found) and len(reasons(found)) == 1


def test_names_that_are_not_utf8_are_made_clean(make_input):
    data = make_tar([("caf\udce9.txt", b"1")], format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape")
    (member,) = archives.members(make_input("x.tar", data))
    assert member.name == "caf\ufffd.txt"


@pytest.mark.parametrize("data", [b"", b"no archive at all", bytes(600), b"PK\x03\x04", b"PK\x03\x04" + bytes(100)])
def test_no_archive(make_input, data):
    found = list(archives.members(make_input("x", data)))
    assert not contents(found) and len(found) <= 1


SEEDS = [
    make_zip(),
    make_zip(compression=zipfile.ZIP_LZMA),
    make_tar(),
    make_tar(mode="w:gz"),
    make_tar(format=tarfile.PAX_FORMAT),
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=4),
    st.floats(0.1, 1),
)
def test_damaged_archives_never_raise(tmp_path_factory, seed, edits, kept):
    data = bytearray(seed)
    for place, patch in edits:
        start = int(place * len(data))
        data[start : start + len(patch)] = patch
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(bytes(data[: int(kept * len(data))]))
    for item in archives.members(InputFile(str(path), str(path.parent), path.stat().st_size), limit=1 << 20):
        assert isinstance(item, archives.Member | Quarantined)
        pickle.dumps(item)
