"""Figures: captions in tables, SciCap, COCO's layout and Markdown, and the pictures that they mean."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.inputs import expand
from data.sources.multimodal import scientific_figures
from data.sources.multimodal.registry import SOURCES
from data.sources.source import plan

SOURCE = next(source for source in SOURCES if source.name == "scientific_figures")


def as_json(value):
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "names", [("image", "caption"), ("figure", "caption"), ("path", "text"), ("file_name", "Caption")]
)
def test_tables(make_input, picture, sorted_items, names):
    make_input("p1/figs/a.png", picture())
    lines = [
        {names[0]: "figs/a.png", names[1]: "Loss  against\n$x^2$", "paper": "me/p1", "licence": "CC-BY-4.0"},
        {names[0]: "figs/b.png", names[1]: "gone"},
        {names[0]: "figs/a.png", names[1]: ""},
        {names[0]: "../../../../etc/passwd", names[1]: "outside"},
    ]
    file = make_input("p1/captions.jsonl", b"\n".join(map(as_json, lines)) + b"\n{\n")
    (document,), skipped, broken = sorted_items(scientific_figures.read_table(file))
    assert (document.text, document.media, document.media_type) == ("Loss against $x^2$", picture(), "image/png")
    assert document.meta == {"paper": "me/p1", "image": "p1/figs/a.png", "width": 64, "height": 48}
    assert document.source == "scientific_figures:p1/captions.jsonl#0" and document.licence == "CC-BY-4.0"
    assert [item.reason for item in skipped] == ["no_image", "no_caption", "no_image"]
    assert [item.reason for item in broken] == ["malformed"]


def test_csv_and_parquet(make_input, picture, sorted_items):
    make_input("a.gif", picture("GIF"))
    file = make_input("captions.csv", b'image,caption\na.gif,"one, two"\na.gif\n')
    (document,), _, (broken,) = sorted_items(scientific_figures.read_table(file))
    assert (document.text, document.media_type, broken.reason) == ("one, two", "image/gif", "malformed")
    stream = io.BytesIO()
    held = {"image": {"bytes": picture("JPEG"), "path": "x.jpg"}, "caption": "embedded"}
    pq.write_table(pa.Table.from_pylist([held, {"image": {"bytes": b"junk", "path": ""}, "caption": "bad"}]), stream)
    (document,), _, (broken,) = sorted_items(scientific_figures.read_table(make_input("t.parquet", stream.getvalue())))
    assert (document.text, document.media_type, broken.reason) == ("embedded", "image/jpeg", "unsupported_format")


def test_scicap(make_input, picture, sorted_items):
    make_input("SciCap-No-Subfig-Img/train/1001.0025v1-Figure2-1.png", picture())
    row = {
        "contains-subfigure": "No", "paper-ID": "1001.0025v1", "figure-ID": "1001.0025v1-Figure2-1.png",
        "figure-type": "Graph Plot", "0-originally-extracted": "Figure 2: Rate over \\beta .",
        "1-lowercase-and-token-and-remove-figure-index": {"caption": "rate over \\beta ."}, "Img-text": ["0.1"],
    }  # fmt: skip
    file = make_input("SciCap-Caption-All/train/1001.0025v1-Figure2-1.json", as_json(row))
    (document,), _, _ = sorted_items(scientific_figures.read_table(file))
    assert document.text == "Figure 2: Rate over \\beta ." and document.media == picture()
    assert document.meta["paper-id"] == "1001.0025v1" and document.meta["figure-type"] == "Graph Plot"


def test_cocos_layout(make_input, picture, sorted_items):
    make_input("val/7.png", picture())
    value = {
        "licenses": [{"id": 4, "url": "http://creativecommons.org/licenses/by/2.0/", "name": "Attribution License"}],
        "images": [{"id": 7, "file_name": "7.png", "license": 4}, {"id": 8, "file_name": "8.png"}],
        "annotations": [
            {"id": 1, "image_id": 7, "caption": "A dark figure."},
            {"id": 2, "image_id": 7, "caption": "Another word of it."},
            {"id": 3, "image_id": 8, "caption": "Not here."},
            {"id": 4, "image_id": 99, "caption": "Of no image."},
            3,
        ],
    }
    documents, skipped, broken = sorted_items(
        scientific_figures.read_table(make_input("captions.json", as_json(value)))
    )
    assert [document.text for document in documents] == ["A dark figure.", "Another word of it."]
    assert documents[0].licence == "CC-BY-2.0" and documents[1].source.endswith("#2")
    assert [item.reason for item in skipped] == ["no_image"] * 2 and [item.reason for item in broken] == ["malformed"]


PAPER = """---
title: A paper
---

# Results

![\\label{fig:one}Fit of $y_i$ [see @Doe2020], in *both* (a) and (b).](paper_files/one-1.pdf){width=80%}

Text with an inline ![small mark](img/my%20mark.png "Its title") in it, and a badge
[![DOI](https://zenodo.org/badge/1.svg)](https://doi.org/1).

```
![not a figure](img/one.png)
```
<!-- ![neither is this](img/one.png) -->

![A caption over
two lines][ref]

[ref]: <img/two.png>
"""


def test_markdown(make_input, picture, sorted_items):
    make_input("paper/paper_files/one-1.png", picture(seed=1))
    make_input("paper/img/my mark.png", picture(seed=2))
    make_input("paper/img/two.png", picture(seed=3))
    make_input("paper/img/one.png", picture(seed=4))
    file = make_input("paper/paper.md", PAPER.encode())
    (first, mark, third), (badge,), broken = sorted_items(scientific_figures.read_paper(file))
    assert first.text == "Fit of $y_i$ [see @Doe2020], in *both* (a) and (b)." and first.media == picture(seed=1)
    assert (mark.text, mark.media, mark.meta["title"]) == ("small mark", picture(seed=2), "Its title")
    assert (third.text, third.media) == ("A caption over two lines", picture(seed=3))
    assert badge.reason == "no_image" and not broken
    assert badge.offset == PAPER.encode().index(b"Text with")


def test_the_same_figure_in_a_table_is_the_same_document(make_input, picture, sorted_items):
    make_input("one.png", picture())
    (told,), _, _ = sorted_items(
        scientific_figures.read_paper(make_input("paper.md", b"![\\label{f}A  fine *fit*](one.pdf)"))
    )
    table = make_input("captions.jsonl", as_json({"figure": "one.png", "caption": "A fine *fit*"}))
    (listed,), _, _ = sorted_items(scientific_figures.read_table(table))
    assert told.id == listed.id


@pytest.mark.parametrize(
    "hostile", [b"![" * 20_000, b"[" * 50_000, b"> " * 5000 + b"![a](b.png)", b"\xff\xfe\xfa", b"a\x00b"]
)
def test_hostile_markdown_ends(make_input, sorted_items, hostile):
    documents, _, _ = sorted_items(scientific_figures.read_paper(make_input("paper.md", hostile)))
    assert not documents


def test_pictures_are_companions_of_captions(make_input, tmp_path):
    for name in ("captions.jsonl", "a.png", "b.pdf", "paper.md", "paper.bib", "strange.xyz"):
        make_input(name, b"x")
    found = plan(SOURCE, expand(str(tmp_path / "in")), 1 << 20)
    assert [unit.file.name for unit in found.units] == ["captions.jsonl", "paper.md"]
    assert [file.name for file in found.unclaimed] == ["strange.xyz"]


def test_broken_pictures_and_drawings(make_input, picture, sorted_items):
    make_input("cut.png", picture()[:300])
    make_input("page.png", b"<html>not found</html>")
    make_input("drawing.png", b"<svg onload='x()'/>")
    make_input("only.svg", b"<svg/>")
    lines = [
        {"image": f"{name}", "caption": f"about {name}"} for name in ("cut.png", "page.png", "drawing.png", "only.svg")
    ]
    file = make_input("captions.jsonl", b"\n".join(map(as_json, lines)))
    documents, skipped, broken = sorted_items(scientific_figures.read_table(file))
    assert not documents and [item.reason for item in broken] == ["truncated", "unsupported_format", "svg"]
    assert [item.reason for item in skipped] == ["no_image"]


def test_real_samples(samples, input_files, sorted_items):
    found = plan(SOURCE, input_files(samples("multimodal/scientific_figures")), 1 << 30)
    assert found.units
    tables, papers = {}, {}
    for unit in found.units:
        documents, _, broken = sorted_items(SOURCE.readers[unit.reader].read(unit.file))
        assert not broken
        kept = papers if unit.reader else tables
        kept |= {document.id: document for document in documents}
        if unit.file.stem.endswith(".jsonl"):
            assert len(documents) == len([line for line in unit.file.read().splitlines() if line.strip()])
        for document in documents:
            assert document.meta["width"] >= 64 and "\\label" not in document.text
    assert tables and (not papers or papers.keys() & tables.keys())


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_raises(make_input, sorted_items, data):
    keys = st.sampled_from(
        ["image", "caption", "captions", "images", "annotations", "licenses", "id", "image_id", "bytes"]
    )
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a.png", "\ud800", "../..", ""])
    tree = st.recursive(leaves, lambda x: st.lists(x, max_size=3) | st.dictionaries(keys, x, max_size=4), max_leaves=12)
    make_input("a.png", data.draw(st.binary(max_size=40)))
    sorted_items(scientific_figures.read_table(make_input("f.json", as_json(data.draw(tree)))))
    sorted_items(scientific_figures.read_table(make_input("f.jsonl", data.draw(st.binary(max_size=60)))))
    marks = st.lists(
        st.sampled_from(["![", "](", "a.png", ")", "\n", "`", "\\", "[", "]", ">", "<!--", "é", "{", " "]), max_size=20
    )
    text = data.draw(marks.map("".join).map(str.encode) | st.binary(max_size=60))
    sorted_items(scientific_figures.read_paper(make_input("f.md", text)))
