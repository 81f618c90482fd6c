"""HTML to text: what pages say, in time that no page can stretch."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.formats import html, language_id, plain_text
from data.streams import StreamError

PARAGRAPH = "The river rose for three days and then fell as quietly as it had come. "


def test_to_text_keeps_everything_in_a_plain_layout():
    fragment = """<p>One &lt;two&gt; <b>three</b> <a href="/x">four</a></p><pre><code>def f():
    return 1
</code></pre><ul><li>a<ul><li>b</li></ul></li></ul><ol><li>c</li></ol><h2>Head</h2><blockquote>said</blockquote>"""
    text = html.to_text(fragment)
    assert "One <two> three four" in text and "def f():\n    return 1" in text
    for piece in ("• a", "• b", "1. c", "\n\nHead\n\n", "said"):
        assert piece in text
    assert html.to_text("plain, no tags & all") == "plain, no tags & all"
    assert html.to_text("a<br>b<script>x()</script><style>y</style><!-- z -->&nbsp;c") == "a\nb c"
    assert html.to_text("") == ""


@pytest.mark.parametrize(
    ("source", "formula"),
    [
        ('<math alttext="x^{2} &lt; 3"><mi>x</mi></math>', "$x^{2} < 3$"),
        ('<math display="block" alttext="x"><mi>x</mi></math>', "$$x$$"),
        (
            '<math><semantics><mi>y</mi><annotation encoding="application/x-tex">y_1</annotation></semantics></math>',
            "$y_1$",
        ),
        ('<span style="display: none;"><math alttext="{\\displaystyle z}"><mi>z</mi></math></span>', "$z$"),
        ('<script type="math/tex">a < b</script>', "$a < b$"),
        ('<script type="math/tex; mode=display">a</script>', "$$a$$"),
    ],
)
def test_formulas_stay_latex(source, formula):
    assert html.to_text(f"<p>before {source} after</p>") == f"before {formula} after"
    body = f"<article><p>{PARAGRAPH * 5}</p><p>As {source} says, {PARAGRAPH}</p></article>"
    page = f"<html><head><title>t</title></head><body>{body}"
    assert f"As {formula} says, The river" in html.main_text(page).text


def test_mathml_without_tex_stays_what_it_is():
    assert html.to_text("<p>x <math><mi>y</mi></math> z <math>").split() == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("link", "licence"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("http://creativecommons.org/licenses/by-nc-sa/3.0/de/deed.en", "CC-BY-NC-SA-3.0"),
        ("//creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("https://creativecommons.org/about", ""),
        ("https://creativecommons.org/licenses/", ""),
        ("https://example.org/licenses/by/4.0/", ""),
    ],
)
def test_creative_commons(link, licence):
    assert html.creative_commons(link) == licence


def test_only_the_pages_own_licence_counts():
    picture = '<p><a href="https://creativecommons.org/licenses/by/2.0/">photo</a></p>'
    head, own = (
        "<html><head><title>t</title></head><body>",
        '<a rel="nofollow license" href="https://creativecommons.org/licenses/by-sa/4.0/">',
    )
    assert html.main_text(f"{head}<p>{PARAGRAPH * 5}</p>{picture}").licence == ""
    assert html.main_text(f"{head}<p>{PARAGRAPH * 5}</p>{picture}{own}x</a>").licence == "CC-BY-SA-4.0"
    assert html.main_text(f"{head}<p>{PARAGRAPH * 5}</p><div id='footer-2'>{picture}</div>").licence == "CC-BY-2.0"


def test_a_short_page_is_not_left_empty():
    assert html.main_text("<html><head><title>T</title></head><body><p>Short.</p></body></html>").text == "Short."
    assert html.main_text("just words").text == "just words"
    assert html.main_text("").text == html.main_text("<html>").text == ""


N = 60_000


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * N,
        "<b><i>" * N,
        "<table><tr><td>" * N,
        "<ul><li>" * N,
        "<a " + "x=1 " * N,
        "<" * N,
        "<!--" * N,
        "<p>a<br>" * N,
        "&amp;" * N,
        "<math " * N,
        "<math>" * N,
        "<math alttext='" * N,
        "<script type='math/tex'>" * N,
        "<math><annotation encoding='application/x-tex'" * (N // 10) + "</math>",
        "<meta charset=" * N,
        "<font><p>" * N,
        "\u0627" * N,
        PARAGRAPH * (N // 10),
        "<div class='footer'>" * 200 + "<a href='creativecommons.org/'>" * N,
        "<p>a<br>" * 10_000,
    ],
)
def test_hostile_pages_end(body):
    page = html.main_text(f"<html><body>{body}".encode())
    assert isinstance(page.text, str)
    assert isinstance(html.to_text(body), str)


@settings(max_examples=50, deadline=None)
@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)),
    st.sampled_from([None, "utf-8", "latin-1", "x", "utf-16"]),
)
def test_decode_gives_clean_text_or_a_stream_error(data, charset):
    try:
        text = html.decode(data, charset)
    except StreamError as error:
        assert error.reason in ("undecodable", "binary")
    else:
        assert "\x00" not in text
        text.encode()


def test_a_few_wrong_bytes_do_not_cost_the_page():
    data = ("Größe " * 200).encode() + b"\xff\xfe"[:1] + b" end"
    text = html.decode(data, "utf-8")
    assert text.startswith("Größe Größe") and text.endswith(" end")


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_clean_text_is_clean_and_stays_so(text):
    cleaned = plain_text.clean(text)
    cleaned.encode()
    assert cleaned == plain_text.clean(cleaned)
    assert not set(cleaned) & set("\x00\x07\r\x0c\x85\ufeff\u2028") and "\n\n\n" not in cleaned
    assert "\n" not in plain_text.one_line(text) and "  " not in plain_text.one_line(text)


def test_languages():
    assert language_id.identify("Der Fluss stieg drei Tage lang und fiel dann wieder.")[0] == "de"
    assert language_id.identify("La rivière est montée pendant trois jours avant de redescendre.")[0] == "fr"
    assert language_id.identify("これは日本語の文章です。") == ("ja", pytest.approx(1, abs=0.01))
    assert language_id.identify("12:30 -- 14") == language_id.identify("") == ("und", 0.0)
    language, probability = language_id.identify("The river rose for three days. " * 100_000)
    assert language == "en" and 0 < probability <= 1
