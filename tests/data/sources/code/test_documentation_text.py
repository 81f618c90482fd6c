"""Pages of reStructuredText and Markdown as the plain Markdown that they become."""

import tempfile

import pytest
from docutils.parsers.rst import directives, roles
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.code import rst, sphinx_docs

INDEX = r"""
.. _start:

==========
 The Index
==========

.. toctree::

   sub/page

See :ref:`second-part`, :ref:`the part <second-part>`, :doc:`sub/page`, :doc:`/sub/page`, :func:`~pkg.mod.run`,
:class:`!Foo`, :py:meth:`Foo.bar <pkg.Foo.bar>`, :pep:`8`, :math:`x_1^2`, |release|, `a link <http://x.y>`_, broken_
and ``code``. :kbd:`Ctrl-C`, :menuselection:`File --> Open`, :unknown:`thing`, `\alpha_1`, `name`, :ref:`no-such_label`.

.. include:: parts/intro.inc

.. literalinclude:: src/a.py
   :pyobject: A.f
   :linenos:

.. note:: Be *careful*.

.. warning::
   :collapsible:

   First.

   - x
   - y

.. versionadded:: 1.2
   The thing.

.. function:: run(x, y=1)

   Runs it.

   :param x: the x

   >>> run(1)
   2

.. code-block:: python
   :emphasize-lines: 1

   def f():
       return 1

Text::

    literal *x*

.. math::
   :label: eq1

   a &= b \\
   c &= d

.. figure:: a.png
   :unknown-option: 1

   The caption.

.. tab-set::

   .. tab-item:: Linux

      Do this.

.. custom-thing:: arg
   :opt: 1

   Nested words.

.. list-table:: T
   :header-rows: 1

   * - A
     - B
   * - 1
     - ``2 | 3``

.. [1] A footnote. And [1]_.

Empty section
-------------

.. automodule:: pkg

.. _second-part:

Second *part* of ``it``
-----------------------

.. raw:: html

   <b>no</b>

Done.
"""
INDEX_TEXT = r"""# The Index

See Second part of it, the part, Page x.y title, Page x.y title, `run`,
`Foo`, `Foo.bar`, PEP 8, $x_1^2$, release, a link, broken
and `code`. Ctrl-C, File > Open, thing, $\alpha_1$, `name`, no such label.

Included intro.

Deep text.

```python
    def f(self):
        return 1
```

**Note:** Be *careful*.

**Warning:** First.

- x
- y

**New in version 1.2:** The thing.

`run(x, y=1)`

Runs it.

- param x: the x

```pycon
>>> run(1)
2
```

```python
def f():
    return 1
```

Text:

```
literal *x*
```

$$
a &= b \\
c &= d
$$

The caption.

**Linux**

Do this.

Nested words.

T

| A | B |
| --- | --- |
| 1 | `2 \| 3` |

[1] A footnote. And [1].

## Second *part* of `it`

Done."""
PAGE = r"""---
title: Front
---
(page-label)=
# Page {func}`x.y` title

See [](../index.rst), [the index](../index.rst), [](#page-label), {ref}`second-part`, {doc}`/index`, `code [x](y)`,
$f[x](y)$ [ref][r] [r] [not] [a] ![img](x.png) [two
lines](http://x.y).

[r]: http://example.com "title"

<!-- hidden
more --> shown `<!-- code -->`

```{note}
A *note* {py:class}`Foo`.
```

:::{admonition} My title
:class: x

Body

```python
x = 1  # <!-- kept -->
```
:::

:::tip Docusaurus
Hey.
:::

!!! warning "Look out"
    Indented.

```{code-block} python
:linenos:

print(1)
```

```{math}
a = b
```

```{include} inc.md
```

- item

  ```bash title="x"
  ls [a](b)
  ```

<details><summary>More</summary>
Inside <kbd>x</kbd> <your-name> 1 < 2
</details>

```{toctree}
a
```

```{eval-rst}
.. note:: RST :func:`here`.
```
"""
PAGE_TEXT = r"""# Page `x.y` title

See The Index, the index, Page x.y title, Second part of it, The Index, `code [x](y)`,
$f[x](y)$ ref r [not] [a]  two
lines.

 shown `<!-- code -->`

**Note:** A *note* `Foo`.

**My title:** Body

```python
x = 1  # <!-- kept -->
```

**Docusaurus:** Hey.

**Look out:** Indented.

```python
print(1)
```

$$
a = b
$$

Included **md** x.

- item

  ```bash
  ls [a](b)
  ```

More
Inside x <your-name> 1 < 2

**Note:** RST `here`."""
TREE = {
    "conf.py": 'project = "x"\n',
    "LICENSE": "Permission is hereby granted, free of charge, to any person\n",
    "index.rst": INDEX,
    "parts/intro.inc": "Included intro.\n\n.. include:: ../deep.rst\n",
    "deep.rst": "Deep text.\n",
    "src/a.py": "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        pass\n",
    "sub/page.md": PAGE,
    "sub/inc.md": "Included **md** [x](y.md).\n",
}


def _text(files, name="a.rst"):
    (item,) = sphinx_docs.read(files[name])
    assert isinstance(item, Document), item
    return item.text


def test_restructured_text_reads_as_markdown(make_tree):
    (document,) = sphinx_docs.read(make_tree(TREE)["index.rst"])
    assert document == Document(
        text=INDEX_TEXT,
        domain="code",
        source="documentation_corpus:index.rst#0",
        licence="MIT",
        meta={
            "kind": "text",
            "path": "index.rst",
            "title": "The Index",
            "format": "rst",
            "includes": ["parts/intro.inc", "deep.rst", "src/a.py"],
        },
    )


def test_markdown_of_several_dialects_reads_plain(make_tree):
    (document,) = sphinx_docs.read(make_tree(TREE)["sub/page.md"])
    assert document.text == PAGE_TEXT
    assert document.meta == {
        **{"kind": "text", "path": "sub/page.md", "title": "Page x.y title", "format": "markdown"},
        "includes": ["sub/inc.md"],
    }


@pytest.mark.parametrize(
    "unit", ["*a ", "`a ", "``a ", "|a ", "a_ ", "[1]_ ", "[a](", "![", "<!--", "{a}`", "`<!--", ":::{note}\n"]
)
@pytest.mark.parametrize("name", ["a.rst", "a.md"])
def test_marks_that_are_never_closed_are_read_to_their_end(make_tree, unit, name):
    text = "Words.\n\n" + "\n".join([unit * 20] * 60) + "\n"
    (item,) = sphinx_docs.read(make_tree({name: text})[name])
    assert isinstance(item, (Document, Quarantined))


def test_unclosed_marks_stay_as_they_were_typed(make_tree):
    # The second mark of a kind goes a way of its own.
    assert _text(make_tree({"a.rst": "a *b c *d e `f g `h ``i\n"})) == "a *b c *d e `f g `h ``i"


def test_what_docutils_knows_is_put_back(make_tree):
    before = dict(directives._directives), dict(roles._roles)
    _text(make_tree({"a.rst": ".. default-role:: math\n\n.. role:: my\n\n`x` :my:`y` :func:`z`\n"}))
    assert (directives._directives, roles._roles) == before
    assert _text(make_tree({"a.rst": "`x`\n"})) == "`x`"


def test_a_page_of_errors_only_is_refused(make_tree, monkeypatch):
    monkeypatch.setattr(rst, "MAX_ERRORS", 10)
    (item,) = sphinx_docs.read(make_tree({"a.rst": "".join(f"no{n}_\n\n" for n in range(50))})["a.rst"])
    assert isinstance(item, Quarantined) and "10 errors" in item.evidence


@pytest.mark.parametrize("name, fixture", [("a.rst", INDEX), ("a.md", PAGE)])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_text_is_read_to_its_end(name, fixture, data):
    at, count = data.draw(st.integers(0, len(fixture))), data.draw(st.integers(0, 400))
    more = data.draw(st.text(alphabet="\n .:`*_|[](){}<>-=#!~\\$+ab1", max_size=60))
    content = data.draw(st.sampled_from([fixture[at : at + count] + more, more * 3])).encode()
    content = data.draw(st.sampled_from([content, content + data.draw(st.binary(max_size=5))]))
    with tempfile.TemporaryDirectory() as root:
        path = f"{root}/{name}"
        with open(path, "wb") as out:
            out.write(content)
        (item,) = sphinx_docs.read(InputFile(path, root, len(content)))
        assert isinstance(item, (Document, Quarantined, Skipped))
        if isinstance(item, Document):
            assert "\x00" not in item.text and item.text.encode("utf-8")
