"""Trees of documentation: which pages are read, what they may include, whom references mean, what is set aside."""

import pytest

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.code import docs_tree, sphinx_docs
from data.sources.code.registry import SOURCES
from data.sources.source import plan

INFO = next(info for info in SOURCES if info.name == "documentation_corpus")


def _text(files, name="a.rst"):
    (item,) = sphinx_docs.read(files[name])
    assert isinstance(item, Document), item
    return item.text


def test_included_pages_are_parts_of_others(make_tree):
    files = make_tree(
        {
            "conf.py": "",
            "index.rst": ".. include:: parts/intro.inc\n",
            "parts/intro.inc": "Intro.\n\n.. include:: ../deep.rst\n",
            "deep.rst": "Deep.\n",
            "sub/page.md": "Words.\n\n```{include} inc.md\n```\n",
            "sub/inc.md": "More.\n",
        }
    )
    found = plan(INFO, list(files.values()), 1 << 20)
    assert [unit.file.name for unit in found.units] == ["index.rst", "sub/page.md"]
    assert not found.unclaimed


def test_a_page_included_in_part_or_in_a_circle_is_read_nevertheless(make_tree):
    files = make_tree(
        {
            "a.rst": "A\n=\n\n.. include:: readme.rst\n   :start-after: here\n",
            "readme.rst": "Before.\n\n.. here\n\nAfter.\n",
            "b.rst": "From b.\n\n.. include:: c.rst\n",
            "c.rst": "From c.\n\n.. include:: b.rst\n",
            "d.rst": "Alone.\n\n.. include:: d.rst\n",
        }
    )
    assert [file.name for file in sphinx_docs.roots(list(files.values()))] == ["a.rst", "b.rst", "d.rst", "readme.rst"]
    assert _text(files) == "# A\n\nAfter."
    assert _text(files, "b.rst") == "From b.\n\nFrom c."
    assert _text(files, "d.rst") == "Alone."


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/passwd", "../tree/../outside.txt", "link.txt", "nothing.txt"])
@pytest.mark.parametrize("directive", [".. include:: {}\n", ".. literalinclude:: {}\n", "```{{include}} {}\n```\n"])
def test_nothing_outside_the_input_is_included(make_tree, tmp_path, path, directive):
    (tmp_path / "outside.txt").write_text("SECRET root:x\n")
    name = "a.md" if "`" in directive else "a.rst"
    make_tree({name: "Words.\n\n" + directive.format(path)})
    (tmp_path / "tree/link.txt").symlink_to(tmp_path / "outside.txt")
    (document,) = sphinx_docs.read(InputFile(str(tmp_path / "tree" / name), str(tmp_path / "tree"), 1))
    assert document.text == "Words." and document.meta["missing_includes"] == [path]


@pytest.mark.parametrize("markup", [".. raw:: html\n   :file: b.txt\n", ".. csv-table::\n   :file: b.txt\n"])
def test_docutils_itself_opens_no_file(make_tree, markup):
    assert "SECRET" not in _text(make_tree({"a.rst": "Words.\n\n" + markup, "b.txt": "SECRET,1\n"}))


def test_includes_that_multiply_are_bounded(make_tree):
    files = {f"p{n}.inc": f"x{n}\n\n.. include:: p{n + 1}.inc\n\n.. include:: p{n + 1}.inc\n" for n in range(40)}
    (document,) = sphinx_docs.read(make_tree({"a.rst": ".. include:: p0.inc\n", **files})["a.rst"])
    assert len(document.text) < 5000 and document.meta["missing_includes"]


def test_labels_are_those_of_the_nearest_tree(make_tree):
    page = ".. _setup:\n\n{}\n=======\n\nSee :ref:`setup`.\n"
    files = make_tree(
        {"x/conf.py": "", "y/conf.py": "", "x/a.rst": page.format("Of x"), "y/a.rst": page.format("Of y")}
    )
    assert _text(files, "x/a.rst").endswith("See Of x.")
    assert _text(files, "y/a.rst").endswith("See Of y.")


@pytest.mark.parametrize(
    "text, licence",
    [
        ("Apache License\n  Version 2.0, January 2004", "Apache-2.0"),
        ("Redistribution and use in source and binary forms ... Neither the name of", "BSD-3-Clause"),
        ("GNU GENERAL PUBLIC LICENSE Version 3", "GPL-3.0-only"),
        ("// SPDX-License-Identifier: MIT OR Apache-2.0\n", "MIT OR Apache-2.0"),
        ("All rights reserved.", "NOASSERTION"),
    ],
)
def test_licences_by_their_words(text, licence):
    assert docs_tree.licence_in(text) == licence


@pytest.mark.parametrize(
    "name, data, kind, reason",
    [
        ("a.rst", "Title\n=====\n\n.. automodule:: x\n", Skipped, "no_prose"),
        ("a.md", "# Title\n\n```{toctree}\nx\n```\n", Skipped, "no_prose"),
        ("a.rst", "", Skipped, "no_prose"),
        ("requirements-docs.txt", "sphinx==7\n", Skipped, "not_documentation"),
        ("notes.txt", "Just some notes.\n", Skipped, "not_documentation"),
        ("a.rst", b"ok \xff\n", Quarantined, "undecodable"),
        ("a.rst", b"\x00\x01\x02", Quarantined, "binary"),
        ("a.rst", "x" * 20_000, Quarantined, "malformed"),
        ("a.rst", "- " * 500 + "x", Quarantined, "malformed"),
        ("a.rst", b"x\n" * (3 << 20), Quarantined, "too_long"),
    ],
)
def test_what_is_no_page(make_tree, name, data, kind, reason):
    (item,) = sphinx_docs.read(make_tree({name: data})[name])
    assert isinstance(item, kind) and item.reason == reason


def test_text_files_with_markup_are_pages(make_tree):
    assert _text(make_tree({"a.txt": "Models\n======\n\nA :class:`Model`.\n"}), "a.txt") == "# Models\n\nA `Model`."


def test_real_samples(samples, input_files):
    found = plan(INFO, input_files(samples("code/documentation_corpus")), 1 << 20)
    assert not found.unclaimed
    items = {unit.file.name: item for unit in found.units[::3] for item in sphinx_docs.read(unit.file)}
    documents = {name: item for name, item in items.items() if isinstance(item, Document)}
    assert len(documents) > 0.8 * len(items)
    assert not [item for item in items.values() if isinstance(item, Quarantined)]
    for name, document in documents.items():
        assert document.meta["title"], name
        prose = "".join(document.text.split("```")[::2])
        for markup in ("\n.. ", ":ref:`", ":func:`", ":class:`", ":math:`", "{func}`", "::\n", "(http"):
            if markup != "(http" or name.endswith(".md"):
                assert markup not in prose, (name, markup)
    assert any("$" in document.text for document in documents.values())
    assert any("```python\n" in document.text for document in documents.values())
