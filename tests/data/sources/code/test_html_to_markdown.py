"""HTML of posts as Markdown, and the small things that texts about code share."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.sources.code.html_markdown import markdown
from data.sources.code.prose import clean, fenced, inline_code, user_markdown


@pytest.mark.parametrize(
    "html, text",
    [
        ("<p>a <code>x_1</code> <b>c</b><!-- hid --> t</p>", "a `x_1` **c** t"),
        (
            "<pre class='lang-py prettyprint-override'><code>if a &lt; b:\n    pass\n</code></pre>",
            "```python\nif a < b:\n    pass\n```",
        ),
        ("<pre><code class='language-c++'>x &amp;&amp; y</code></pre>", "```c++\nx && y\n```"),
        ("<pre><code>a\n```\nb</code></pre>", "````\na\n```\nb\n````"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
        ("<ol start='3'><li><p>P</p><pre><code>c\nd</code></pre></li></ol>", "3. P\n\n   ```\n   c\n   d\n   ```"),
        ("<blockquote><p>q $x_1 < y_2$</p><p>r</p></blockquote>", "> q $x_1 < y_2$\n>\n> r"),
        ("<table><tr><th>a</th><th>b|c</th></tr><tr><td>1</td></tr></table>", "| a | b\\|c |\n| --- | --- |\n| 1 |  |"),
        (
            "<p><a href='https://x.y/z'>t</a> <a href='/rel'>u</a> <a href='http://x'>http://x</a></p>",
            "[t](https://x.y/z) u http://x",
        ),
        ("<p>x<sup>2</sup> y<sub>i+1</sub> <strike>no</strike><br>z</p>", "x^2 y_(i+1) ~~no~~\nz"),
        ("<p><img src='a' alt='enter image description here'><img src='b' alt='A graph'></p>", "[image: A graph]"),
        ("<h2>T</h2>text<hr><script>x</script><p>p</p>", "## T\n\ntext\n\n---\n\np"),
        ("<p>$$\n\\begin{a}\nx & y \\\\\n\\end{a}\n$$</p>", "$$\n\\begin{a}\nx & y \\\\\n\\end{a}\n$$"),
        ("plain 1 < 2 && 3 > 2", "plain 1 < 2 && 3 > 2"),
        ("<!-- nothing -->", ""),
        (" ", ""),
    ],
)
def test_html_reads_as_markdown(html, text):
    assert markdown(html) == text


@given(st.text(alphabet="<>/apbrulioteqd &;\n\"'=x#1\x00\ud800", max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_html_becomes_clean_text(html):
    text = markdown(html)
    assert "\x00" not in text and text.encode("utf-8") is not None


def test_deep_html_does_not_exhaust_the_stack():
    assert isinstance(markdown("<div><ul><li>" * 3000 + "x"), str)


@given(st.text(alphabet="`a \n", max_size=40))
@settings(max_examples=100, deadline=None)
def test_fences_are_longer_than_what_they_hold(code):
    first, *_, last = fenced(code, "c").split("\n")
    assert first == last + "c" and last not in code
    shown, line = inline_code(code), " ".join(code.split("\n"))
    if line.strip():
        marks = re.match("`+", shown)[0]
        inner = shown[len(marks) : -len(marks)]
        assert shown.endswith(marks) and inner.strip() == line.strip() and marks not in re.findall("`+", inner)


def test_forms_hide_comments_but_code_keeps_them():
    typed = "<!-- Describe\nthe bug -->Crash.\r\n\r\n```html\n<!-- kept -->\n```\n`<!-- x -->` <!-- gone --> end"
    assert user_markdown(typed) == "Crash.\n\n```html\n<!-- kept -->\n```\n`<!-- x -->`  end"
    assert user_markdown(None) == "" and user_markdown(3) == ""


def test_clean_text_is_utf8_without_control_characters():
    assert clean("a\r\nb\rc\x00\x1b\td\ud800\U0001f600é") == "a\nb\nc\td\ufffd\U0001f600é"
