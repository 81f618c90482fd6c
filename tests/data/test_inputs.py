"""Inputs: what a path, folder, glob or URL names, and that nothing leads out of it."""

import gzip
import hashlib
import os

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import streams
from data.inputs import InputError, InputFile, expand


@pytest.fixture
def tree(tmp_path):
    """A folder `in` with files, and beside it a secret that no input may reach."""
    root = tmp_path / "in"
    for name in ("b.jsonl", "a/x.jsonl.gz", "a/Y.JSONL", "a/deep/z.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(b"text") if name.endswith(".gz") else name.encode())
    (tmp_path / "secret.txt").write_text("secret")
    return root


def names(files):
    return [file.name for file in files]


def test_a_folder_names_all_files_below_it_in_order(tree):
    assert names(expand(str(tree))) == ["a/Y.JSONL", "a/deep/z.txt", "a/x.jsonl.gz", "b.jsonl"]


def test_a_file_names_itself(tree):
    (file,) = expand(str(tree / "a/x.jsonl.gz"))
    assert (file.name, file.stem, file.size) == ("x.jsonl.gz", "x.jsonl", (tree / "a/x.jsonl.gz").stat().st_size)
    assert file.is_compressed() and file.read() == b"text"
    assert file.open_raw().read() != b"text"
    assert file.sha256() == hashlib.sha256((tree / "a/x.jsonl.gz").read_bytes()).hexdigest()


def test_globs(tree):
    assert names(expand(f"{tree}/*.jsonl")) == ["b.jsonl"]
    assert names(expand(f"{tree}/a/*.jsonl*")) == ["x.jsonl.gz"]
    assert names(expand(f"{tree}/**/*.txt")) == ["a/deep/z.txt"]
    assert names(expand(f"{tree}/*")) == ["b.jsonl"], "folders that match are no files"


def test_several_inputs_are_joined_and_named_once(tree):
    both = expand(f"{tree}/b.jsonl, {tree}/a/deep ,{tree}/b.jsonl")
    assert names(both) == ["b.jsonl", "z.txt"]


@pytest.mark.parametrize("name", ["part[1].txt", "what?.txt", "a*b.txt", "sp ace.txt", "größe.txt"])
def test_a_name_that_exists_is_taken_as_it_stands(tmp_path, name):
    (tmp_path / name).write_text("x")
    (tmp_path / "part1.txt").write_text("y")
    assert names(expand(str(tmp_path / name))) == [name]


def test_brackets_in_a_folder(tmp_path):
    folder = tmp_path / "run [3]"
    folder.mkdir()
    (folder / "x.txt").write_text("x")
    assert names(expand(str(folder))) == ["x.txt"]


@pytest.mark.parametrize("spec", ["{}/none.txt", "{}/none/*.txt", "{}/*.none", "", " , ", "nosuchprotocol://x"])
def test_an_input_that_names_nothing_is_an_error_that_says_so(tree, spec):
    with pytest.raises(InputError):
        expand(spec.format(tree))


def test_links_that_lead_out_are_not_followed(tree, tmp_path):
    (tree / "out.txt").symlink_to(tmp_path / "secret.txt")
    (tree / "outside").symlink_to(tmp_path)
    (tree / "loop").symlink_to(tree)
    (tree / "dangling.txt").symlink_to(tree / "nothing")
    (tree / "within.txt").symlink_to(tree / "b.jsonl")
    found = expand(str(tree))
    (within,) = [file for file in found if file.name == "within.txt"]
    assert within.size == len(within.read()) == 7
    assert "within.txt" in names(expand(f"{tree}/*.txt"))
    assert {file.read() for file in found}.isdisjoint({b"secret"})
    assert not any("outside" in name or name in ("out.txt", "dangling.txt") for name in names(found))
    for pattern in ("*.txt", "*/*/*.txt", "**/*.txt"):
        assert {file.read() for file in expand(f"{tree}/{pattern}")}.isdisjoint({b"secret"})


def test_pipes_and_devices_are_no_files(tree):
    os.mkfifo(tree / "pipe.txt")
    assert "pipe.txt" not in names(expand(str(tree)))
    assert "pipe.txt" not in names(expand(f"{tree}/*"))


def test_siblings_stay_inside(tree, tmp_path):
    (tree / "out.txt").symlink_to(tmp_path / "secret.txt")
    by_name = {file.name: file for file in expand(str(tree))}
    file = by_name["a/Y.JSONL"]
    assert file.sibling("deep/z.txt").name == "a/deep/z.txt"
    assert file.sibling("../b.jsonl").read() == b"b.jsonl"
    assert file.sibling("./../a/./x.jsonl.gz").name == "a/x.jsonl.gz"
    for outside in (
        "../../secret.txt",
        "../out.txt",
        str(tmp_path / "secret.txt"),
        "/etc/passwd",
        "nothing",
        "deep",
        "",
    ):
        assert file.sibling(outside) is None, outside
    assert file.sibling("b\x00.txt") is None


def test_a_file_named_alone_has_only_its_folder(tree):
    (file,) = expand(str(tree / "a/Y.JSONL"))
    assert file.sibling("x.jsonl.gz") is not None
    assert file.sibling("../b.jsonl") is None


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("./ab\\\x00~"), max_size=12))
def test_no_relative_name_leads_out(tmp_path_factory, relative):
    root = tmp_path_factory.getbasetemp() / "siblings"
    if not root.exists():
        (root / "in/b").mkdir(parents=True)
        for name in ("in/a", "in/b/a", "a", "b"):
            (root / name).write_text(name)
    file = InputFile(str(root / "in/b/a"), str(root / "in"), 6)
    found = file.sibling(relative)
    assert found is None or found.read().startswith(b"in/")


def test_urls_of_other_file_systems():
    memory = fsspec.filesystem("memory")
    for name, data in (
        ("/bucket/in/a.txt", b"a"),
        ("/bucket/in/b/c.txt.gz", gzip.compress(b"c")),
        ("/bucket/other.txt", b"o"),
    ):
        memory.pipe(name, data)
    found = expand("memory://bucket/in")
    assert names(found) == ["a.txt", "b/c.txt.gz"]
    assert [file.read() for file in found] == [b"a", b"c"]
    assert found[1].sibling("../a.txt").read() == b"a"
    assert found[0].sibling("../other.txt") is None
    assert names(expand("memory://bucket/in/a.txt")) == ["a.txt"]
    assert names(expand("memory://bucket/in/**/*.gz")) == ["b/c.txt.gz"]
    assert expand("memory://bucket/in/a.txt")[0].sibling("b/c.txt.gz").read() == b"c"


def test_a_file_at_the_top_of_a_file_system():
    fsspec.filesystem("memory").pipe("/top.txt", b"top")
    (file,) = expand("memory://top.txt")
    assert file.name == "top.txt" and file.read() == b"top"
    assert file.sibling("top.txt").read() == b"top"
    assert file.sibling("none.txt") is None


def test_matching(make_input):
    file = make_input("Some/Dir/Train.JSONL.gz")
    assert file.matches(["*.jsonl"]) and file.matches(["*.txt", "train.*"])
    assert file.matches(["*/dir/*.jsonl"]) and not file.matches(["other/*.jsonl"])
    assert not file.matches(["*.gz"]) and not file.matches([])


def test_reading_has_a_limit(make_input):
    file = make_input("x.txt.gz", gzip.compress(b"12345"))
    assert file.read(5) == b"12345"
    with pytest.raises(streams.StreamError):
        file.read(4)
