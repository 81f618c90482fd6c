"""multilingual_wiki: articles become text, everything else says why not, and no page can stretch the time."""

import bz2
import gzip
import pickle
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.formats.wikitext import prepared, to_text
from data.inputs import InputFile
from data.sources.language import wiki
from data.sources.language.registry import SOURCES
from data.sources.source import plan

HIDDEN = ("file", "image", "category", "datei")
SITE = """<siteinfo><sitename>Wikipedia</sitename><dbname>dewiki</dbname><base>https://de.wikipedia.org/wiki/Start</base>
<namespaces><namespace key="0" /><namespace key="1">Diskussion</namespace><namespace key="6">Datei</namespace>
<namespace key="14">Kategorie</namespace></namespaces></siteinfo>"""
TEXT = """'''Bonn''' ist eine [[Stadt|große Stadt]] am [[Rhein]].
[[Datei:Bonn.jpg|mini|Am Rhein]]
== Lage ==
Sie liegt im Westen.
[[Kategorie:Ort]]"""


def revision(text=TEXT, number=7, model="wikitext", timestamp="2020-01-02T03:04:05Z"):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return (
        f"<revision><id>{number}</id><parentid>1</parentid><timestamp>{timestamp}</timestamp><contributor><username>A</username>"
        f"<id>99</id></contributor><model>{model}</model><text xml:space='preserve'>{escaped}</text></revision>"
    )


def page(*revisions, title="Bonn", namespace="0", extra=""):
    ns = f"<ns>{namespace}</ns>" if namespace else ""
    return f"<page><title>{title}</title>{ns}<id>5</id>{extra}{''.join(revisions or [revision()])}</page>"


def dump(*pages, site=SITE, attributes='xml:lang="de"', end="</mediawiki>"):
    return f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" {attributes}>{site}{"".join(pages)}{end}'


def items(make_input, data, name="x.xml"):
    return list(wiki.read_dump(make_input(name, data.encode() if isinstance(data, str) else data)))


def kinds(found):
    return [getattr(item, "reason", "") or "document" for item in found]


def test_an_article(make_input):
    (item,) = items(make_input, dump(page()), "d/dewiki.xml")
    assert item.text == "# Bonn\n\nBonn ist eine große Stadt am Rhein.\n\n## Lage\n\nSie liegt im Westen."
    assert (item.source, item.licence, item.domain) == ("multilingual_wiki:d/dewiki.xml#0", "CC-BY-SA-3.0", "language")
    assert item.meta == {
        "title": "Bonn",
        "page_id": "5",
        "revision_id": "7",
        "timestamp": "2020-01-02T03:04:05Z",
        "wiki": "dewiki",
        "language": "de",
        "identified_language": "de",
        "language_probability": pytest.approx(1, abs=0.05),
    }
    (item,) = items(make_input, dump(page(revision(timestamp="2024-01-01T00:00:00Z"))))
    assert item.licence == "CC-BY-SA-4.0"


def test_what_is_no_article_says_why(make_input):
    pages = [
        page(),
        page(namespace="1"),
        page(title="Datei:X.jpg", namespace=""),
        page(revision("#WEITERLEITUNG [[Köln]]"), extra='<redirect title="Köln" />'),
        page(revision("#REDIRECT: [[Köln]]")),
        page(revision("{}", model="json")),
        page(revision("{{Navigation}}\n[[Kategorie:Ort]]")),
        page(revision("", number=9)),
    ]
    found = items(make_input, dump(*pages))
    assert kinds(found) == "document namespace namespace redirect redirect content_model no_text no_text".split()
    assert [item.offset for item in found[1:]] == list(range(1, 8))
    assert found[3].num_bytes == len("#WEITERLEITUNG [[Köln]]".encode())


def test_of_a_pages_history_the_last_revision_is_read(make_input):
    found = items(
        make_input, dump(page(revision("alt", 1), revision("älter", 2), revision("Der neue Text.", 3)), page())
    )
    assert kinds(found) == ["old_revision", "old_revision", "document", "document"]
    assert (
        found[2].text == "# Bonn\n\nDer neue Text."
        and found[2].meta["revision_id"] == "3"
        and found[2].meta["page_id"] == "5"
    )


@pytest.mark.parametrize(
    "pack", [bz2.compress, gzip.compress, lambda data: bz2.compress(data[:600]) + bz2.compress(data[600:])]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_encodings_and_compressions(make_input, pack, encoding):
    data = dump(page(), page(title="Größe"), attributes="").encode(encoding)
    found = items(make_input, pack(data), "x.xml.bz2")
    assert [item.meta["title"] for item in found] == ["Bonn", "Größe"]


@pytest.mark.parametrize(
    ("base", "database", "attributes", "language"),
    [
        ("https://ltg.wikipedia.org/wiki/X", "ltgwiki", 'xml:lang="en"', "ltg"),
        ("", "zh_yuewiki", "", "zh-yue"),
        ("https://zh-min-nan.wikipedia.org/wiki/X", "", "", "zh-min-nan"),
        ("https://simple.wikipedia.org/wiki/X", "simplewiki", 'xml:lang="en"', "en"),
        ("https://fr.wiktionary.org/wiki/X", "frwiktionary", "", "fr"),
        ("https://wiki.example.org/X", "mywiki_db", 'xml:lang="nl"', "nl"),
        ("", "", "", "de"),
    ],
)
def test_the_language_is_the_wikis(make_input, base, database, attributes, language):
    site = f"<siteinfo><dbname>{database}</dbname><base>{base}</base></siteinfo>"
    (item,) = items(make_input, dump(page(), site=site, attributes=attributes))
    assert item.meta["language"] == language


@pytest.mark.parametrize("end", ["<page><title>x</title>", "</wrong>", "<page>\x01</page>", ""])
def test_a_dump_that_breaks_keeps_what_was_whole(make_input, end):
    found = items(make_input, dump(page(), page(title="Köln"), end=end))
    assert kinds(found) == ["document", "document", "malformed"]


def test_a_page_that_is_not_closed_keeps_its_revision(make_input):
    found = items(make_input, dump(page())[: -len("</page></mediawiki>")])
    assert kinds(found) == ["document", "malformed"]


def test_truncated_compression(make_input):
    pages = [page(revision(f"Absatz {n}: {n * 7919 % 99991} {n * 104729 % 99991}"), title=str(n)) for n in range(400)]
    data = gzip.compress(dump(*pages).encode())
    found = items(make_input, data[: len(data) // 2], "x.xml.gz")
    assert found[-1].reason == "truncated" and len(found) > 100 and set(kinds(found[:-1])) == {"document"}


@pytest.mark.parametrize(("data", "reason"), [(b"", "malformed"), (b"no xml", "malformed"), (b"<mediawiki/>", "empty")])
def test_what_is_no_dump(make_input, data, reason):
    assert kinds(items(make_input, data)) == [reason]


def test_entities_are_refused(make_input):
    assert kinds(items(make_input, '<!DOCTYPE m [<!ENTITY a "b">]>' + dump(page()))) == ["entities"]


def test_a_page_beyond_any_is_quarantined(make_input, monkeypatch):
    monkeypatch.setattr(wiki, "MAX_PAGE_CHARACTERS", 100)
    assert kinds(items(make_input, dump(page(revision("x" * 101)), page(revision("y" * 100))))) == [
        "too_long",
        "document",
    ]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a [[b]] [[c|d]]s [[e (f)|e]] [[#g|h]]", "a b ds e h"),
        ("[[:Category:X|the list]] and [[:File:Y.png]]", "the list and File:Y.png"),
        ("x[[File:a.jpg|thumb|A [[nested]] {{text}}]]y", "xy"),
        ("x[[Fitxategi:a.jpg|thumb|unknown namespace]]y", "xy"),
        ("a [[de:Bonn]][[wikt:word]]", "a word"),
        ("''i'' '''b''' '''''bi''''' it's", "i b bi it's"),
        (
            "[http://x.org/a label] [http://y.org] [//z.org z] [mailto:a@b c] http://bare.org",
            "label z c http://bare.org",
        ),
        ("[http://x.org a [[link]] in a label]", "a link in a label"),
        ("a<ref>n</ref>b<ref name=x />c<ref name='y'>{{cite|a}}</ref> d", "abc d"),
        ("a<!-- no\nno -->b", "ab"),
        ("{{Infobox\n|a=b\n|c={{d|e}}\n}}\nText {{citation needed}}.", "Text."),
        ("{{nowrap|5&nbsp;km}} {{convert|5|-|7|km|mi}} {{lang|fr|[[mot]]}} {{lang-de|Wort}}", "5 km 5–7 km mot Wort"),
        ("{{ndash}} {{frac|1|2}} {{formatnum:1234}} {{small|s}} {{IPA|x}}", "– 1/2 1234 s"),
        ("x <math>\\frac{{a}}{{b}} < 1</math> y", "x $\\frac{{a}}{{b}} < 1$ y"),
        ("<math display='block'>a\nb</math>", "$$a b$$"),
        ("<nowiki>[[x]] '''y'''</nowiki> <code>a &lt; b</code>", "[[x]] '''y''' a < b"),
        ("<syntaxhighlight lang=c>\nint a[2][[1]];\n  x();\n</syntaxhighlight>", "int a[2][[1]];\n  x();"),
        ("<gallery>\nA.jpg|b\n</gallery>c", "c"),
        ("<div class=x>a</div><br />b<sub>2</sub>", "a\n\nb2"),
        ("{| class=x\n! h\n|-\n| a\n{|\n| nested\n|}\n|}\nafter", "after"),
        ("{{box|\n{|\n| a\n|}\n}}after", "after"),
        ("* a\n** b\n# c\n; term\n: def", "- a\n  - b\n- c\nterm\ndef"),
        ("== A ==\n=== B ===\nb\n== C ==\n{{reflist}}\n== D ==\n[[Category:X]]", "## A\n\n### B\n\nb"),
        ("== [[A]] and ''B'' ==\ntext", "## A and B\n\ntext"),
        ("Bonn ({{lang-xx}}; {{IPA|x}}, [[a]]) is ( ) ok , yes .", "Bonn (a) is ok, yes."),
        ("__NOTOC__a__KEIN_INHALT__", "a__KEIN_INHALT__"),
        ("-{zh-hans:简体; zh-hant:繁體}- -{x}-", "简体 x"),
        ("a &amp; b &lt;c&gt; &#233; 1 < 2", "a & b <c> é 1 < 2"),
        ("unclosed [[link and {{template and <ref>note", "unclosed [[link and {{template and note"),
        ("closed ]] and }} only", "closed ]] and }} only"),
        ("{|\n| a table that never ends\n|-\n| b\ntext", "{|\ntext"),
        ("", ""),
    ],
)
def test_markup(markup, text):
    assert to_text(markup, HIDDEN) == text


def assert_bounded(markup):
    """What the parser of markup would backtrack in is not there: each opening closes, and none nests deeply."""
    ready = prepared(markup, [])
    assert "<" not in ready and "{|" not in ready and "[http" not in ready
    stack = []
    for token in re.findall(r"\{\{|\}\}|\[\[|\]\]", ready):
        if token in ("{{", "[["):
            stack.append(token)
            assert len(stack) <= 21
        else:
            assert stack.pop() == {"}}": "{{", "]]": "[["}[token]
    assert not stack


PIECES = [
    "[[a|{{b|",
    "{|\n|-\n| a || b\n",
    "{{",
    "[[",
    "<ref>",
    "<div a=",
    "[http://a ",
    "==a==\n",
    ":",
    "*",
    "''a'''b",
    "{{{a|",
]
PIECES += [
    "{{a\nb|",
    "[[a\nb|",
    "{{[[}}]]",
    "-{",
    "<!--",
    "&#",
    "<nowiki>",
    "|}\n",
    "[[a:",
    "((",
    "{{a|b=",
    '<a b="',
    "<math>",
]


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_markup_is_made_harmless(piece):
    assert_bounded(piece * 3000)
    assert_bounded(piece * 30 + "}}" * 30 + "]]" * 30)
    assert isinstance(to_text(piece * 3000, HIDDEN), str)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            "{{ }} [[ ]] {| |} | = == \n * : '' ''' <ref> </ref> <math> </math> <nowiki> &amp; a \x01 1\x02".split(" ")
        )
    )
)
def test_any_markup_gives_clean_text(pieces):
    assert_bounded("".join(pieces))
    text = to_text("".join(pieces), HIDDEN)
    text.encode()
    assert "\x01" not in text and "\x02" not in text and "\n\n\n" not in text


@settings(max_examples=50, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from([*dump(page(), page(namespace="1")).split("<"), "revision>", "page>", "/page>", "\x00"])
        ).map(lambda found: "<".join(found).encode()),
    )
)
def test_whatever_the_bytes_items_come_and_no_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz-wiki.xml"
    path.write_bytes(data)
    found = list(wiki.read_dump(InputFile(str(path), str(path.parent), len(data))))
    assert found and all(isinstance(item, Document | Quarantined | Skipped) for item in found)
    pickle.dumps(found)


def test_the_samples(samples, input_files):
    source = next(source for source in SOURCES if source.name == wiki.NAME)
    planned = plan(source, input_files(samples("language/multilingual_wiki")), 1 << 30)
    assert planned.units and not planned.unclaimed
    for unit in planned.units:
        found = list(source.readers[unit.reader].read(unit.file))
        documents = [item for item in found if isinstance(item, Document)]
        assert documents and not any(isinstance(item, Quarantined) for item in found), unit.file.name
        for item in documents:
            assert (
                item.text.startswith(f"# {item.meta['title']}\n\n")
                and item.meta["language"]
                and item.meta["revision_id"]
            )
            assert "[[" not in item.text and "{{" not in item.text and "<ref" not in item.text and "{|" not in item.text
        if unit.file.name.startswith("bgwiki"):
            assert {item.meta["language"] for item in documents} == {"bg"} and "Григорианският календар" in documents[
                0
            ].text
        if unit.file.name.startswith("smallwiki"):
            assert len(found) == 910 and len(documents) > 400
        if unit.file.name.startswith("tinywiki"):
            assert len(found) == 8 and any("Beast of Bodmin" in item.text for item in documents)
