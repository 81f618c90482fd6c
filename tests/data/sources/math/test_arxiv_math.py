"""arXiv sources: packages, single files, dumps, loose trees."""

import gzip
import io
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.sources.math import arxiv

PROSE = "We prove that every bounded sequence of real numbers has a convergent subsequence. " * 4
MAIN = (
    "\\documentclass{article}\n\\title{A Title}\\author{Ada One \\and Bob Two}\n\\newcommand{\\R}{\\mathbb{R}}\n"
    "\\begin{document}\\maketitle " + PROSE + "Here $x \\in \\R$.\n\\input{sections/two}\n\\end{document}\n"
)
TWO = "\\section{Two} The second part, by the first author.\n"


def tar_of(files, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


PACKAGE = {"main.tex": MAIN.encode(), "sections/two.tex": TWO.encode(), "fig.png": b"\x89PNG....", "my.sty": b"% style"}


def test_a_package_is_one_document(make_input, sort_items):
    out = sort_items(arxiv.read(make_input("1911.02782.gz", tar_of(PACKAGE))))
    (document,) = out.documents
    assert document.text == (
        f"# A Title\n\n{PROSE}Here $x \\in \\mathbb{{R}}$.\n\n## 1 Two\n\nThe second part, by the first author."
    )
    assert document.source == "arxiv_math:1911.02782.gz#main.tex"
    assert document.meta == {
        "title": "A Title",
        "authors": ["Ada One", "Bob Two"],
        "parts": 1,
        "format": "latex",
        "arxiv_id": "1911.02782",
        "url": "https://arxiv.org/abs/1911.02782",
    }
    assert out.reasons == {"not_tex": 1, "part": 1, "not_a_document": 1}


def test_a_gzipped_tex_and_a_pdf_and_nothing(make_input, sort_items):
    single = sort_items(arxiv.read(make_input("math0309136.gz", gzip.compress(MAIN.encode()))))
    assert single.documents[0].meta["arxiv_id"] == "math0309136"
    assert single.documents[0].meta["missing_parts"] == ["sections/two"]
    assert sort_items(arxiv.read(make_input("a.gz", gzip.compress(b"%PDF-1.5 ...")))).reasons == {"not_tex": 1}
    assert sort_items(arxiv.read(make_input("b.gz", gzip.compress(b" \n")))).reasons == {"empty": 1}
    assert sort_items(arxiv.read(make_input("c.tar", tar_of({}, "w:")))).reasons == {"empty": 1}


def test_a_dump_holds_packages(make_input, sort_items):
    dump = tar_of(
        {
            "1911/1911.00001.gz": gzip.compress(MAIN.encode()),
            "1911/1911.00002.gz": tar_of(PACKAGE),
            "1911/1911.00003.pdf": b"%PDF-1.4",
            "1911/1911.00004.gz": tar_of(PACKAGE)[:60],
        },
        "w",
    )
    out = sort_items(arxiv.read(make_input("arXiv_src_1911_001.tar", dump)))
    assert [document.meta["arxiv_id"] for document in out.documents] == ["1911.00001", "1911.00002"]
    assert out.documents[1].source == "arxiv_math:arXiv_src_1911_001.tar!1911/1911.00002.gz#main.tex"
    assert len(out.quarantined) == 1 and out.quarantined[0].path.endswith("1911.00004.gz")


def test_a_zip_of_two_papers(make_input, sort_items):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/main.tex", MAIN)
        archive.writestr("a/sections/two.tex", TWO)
        archive.writestr("b/paper.tex", MAIN.replace("A Title", "B Title"))
        archive.writestr("../evil.tex", MAIN)
    out = sort_items(arxiv.read(make_input("papers.zip", buffer.getvalue())))
    assert [document.meta["title"] for document in out.documents] == ["A Title", "B Title"]
    assert out.reasons == {"unsafe_path": 1, "part": 1}


def test_roots_of_a_tree_of_loose_files(make_input, sort_items):
    files = [
        make_input("p/main.tex", MAIN.encode()),
        make_input("p/sections/two.tex", TWO.encode()),
        make_input("q/sub.tex", b"\\documentclass[../p/main]{subfiles}\\begin{document}" + PROSE.encode()),
        make_input("q/book.tex", b"\\documentclass{book}\\begin{document}\\subfile{sub}\\end{document}"),
        make_input("q/other.tex", PROSE.encode() + b"\\emph{x}"),
    ]
    assert [file.name for file in arxiv.roots(files)] == ["p/main.tex", "q/book.tex", "q/other.tex"]
    document = sort_items(arxiv.read(files[0])).documents[0]
    assert "## 1 Two" in document.text and document.meta["parts"] == 1
    assert PROSE.strip() in sort_items(arxiv.read(files[3])).documents[0].text


def test_parts_outside_the_input_are_not_read(make_input, tmp_path, sort_items):
    (tmp_path / "secret.tex").write_text("SECRET")
    source = MAIN.replace("sections/two", "../../secret")
    document = sort_items(arxiv.read(make_input("p/main.tex", source.encode()))).documents[0]
    assert "SECRET" not in document.text and document.meta["missing_parts"] == ["../../secret"]


def test_encodings(make_input, sort_items):
    latin = MAIN.replace("\\title", "\\usepackage[latin1]{inputenc}\\title").replace("A Title", "Théorie")
    document = sort_items(arxiv.read(make_input("a.tex", latin.encode("latin-1")))).documents[0]
    assert document.meta["title"] == "Théorie"
    out = sort_items(arxiv.read(make_input("b.tex", MAIN.replace("A Title", "Théorie").encode("latin-1"))))
    assert out.quarantined[0].reason == "undecodable" and out.quarantined[0].offset == MAIN.index("A Title") + 2


def test_the_licence_that_a_paper_states(make_input, sort_items):
    source = MAIN.replace("\\maketitle", "\\url{https://creativecommons.org/licenses/by-sa/4.0/}")
    assert sort_items(arxiv.read(make_input("a.tex", source.encode()))).documents[0].licence == "CC-BY-SA-4.0"


@pytest.mark.parametrize(
    "data, reason",
    [
        (gzip.compress(MAIN.encode())[:200], "truncated"),
        (b"\x1f\x8b" + b"junk" * 20, "corrupt"),
        (b"\\documentclass{a}\x00\x00", "binary"),
        (tar_of({"a.tex": MAIN.encode() * 50}, "w")[:3000], "truncated"),
    ],
)
def test_broken_files_are_set_aside(data, reason, make_input, sort_items):
    out = sort_items(arxiv.read(make_input("1911.02782.gz", data)))
    assert not out.documents and [item.reason for item in out.quarantined] == [reason]


@given(st.binary(max_size=400), st.integers(0, 2000), st.integers(0, 3))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_accounted_for(scratch, sort_items, noise, place, kind):
    base = (tar_of(PACKAGE, "w"), tar_of(PACKAGE), gzip.compress(MAIN.encode()), MAIN.encode())[kind]
    place %= len(base)
    file = scratch("1911.00001.gz", base[:place] + noise + base[place + len(noise) :])
    out = sort_items(arxiv.read(file))
    assert out.documents or out.skipped or out.quarantined
    arxiv.roots([scratch("x.tex", noise), scratch("y.tex", base)])


def test_real_samples(samples, input_files, sort_items):
    files = input_files(samples("math/arxiv_math"))
    tex = [file for file in files if file.name.endswith(".tex")]
    roots = arxiv.roots(tex)
    assert 0 < len(roots) < len(tex)
    packages = [file for file in files if file.name.endswith(".gz")]
    documents = []
    for file in roots + packages:
        out = sort_items(arxiv.read(file))
        assert not out.quarantined, out.quarantined
        documents += out.documents
    assert len(documents) >= len(packages) + 2
    for document in documents:
        assert document.text.startswith("# ") and document.meta["title"] and document.meta["authors"]
        assert document.text.count("\n## ") >= 3 and "\\begin{document}" not in document.text
        assert "\\newcommand" not in document.text and "\\cite{" not in document.text
    blueprint = next(document for document in documents if document.meta["parts"] >= 3)
    assert blueprint.text.count("∎") > 100 and "\\tag{" in blueprint.text
