"""Papers: JATS, TEI and S2ORC give one layout; broken and hostile files are told as such."""

import io
import json
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.reasoning import mathml, paper_text, scientific_papers

MATH = '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML">{}</mml:math>'
FRACTION = MATH.format(
    "<mml:mfrac><mml:mi>a</mml:mi><mml:msub><mml:mi>b</mml:mi><mml:mn>1</mml:mn></mml:msub></mml:mfrac>"
)
JATS = (
    '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.0'
    ' 20120330//EN" "JATS.dtd">'
    '<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="research-article"><front><journal-meta>'
    "<journal-title-group><journal-title>J</journal-title></journal-title-group></journal-meta><article-meta>"
    '<article-id pub-id-type="doi">10.1/x</article-id><title-group><article-title>On <italic>x</italic>'
    "</article-title></title-group>"
    '<contrib-group><contrib contrib-type="author"><name><surname>Doe</surname><given-names>Jo</given-names>'
    "</name></contrib></contrib-group>"
    "<pub-date><year>2011</year></pub-date>"
    '<permissions><license xlink:href="http://creativecommons.org/licenses/by/4.0/"><license-p>Open.'
    "</license-p></license></permissions>"
    '<abstract abstract-type="teaser"><p>Teaser.</p></abstract><abstract><title>Abstract</title><p>We study x.'
    "</p></abstract></article-meta></front>"
    "<body><sec><title>Methods</title>"
    '<p>CO<sub>2</sub> at 10<sup>-3</sup> rises<sup><xref ref-type="bibr" rid="B1">1</xref>,<xref'
    ' ref-type="bibr" rid="B2">2</xref></sup> '
    '(<xref ref-type="bibr" rid="B3">Roe 1999</xref>)&nbsp;as <inline-formula>'
    "<tex-math>\\documentclass{minimal}\\begin{document}$$x^2$$\\end{document}"
    f"</tex-math></inline-formula>:<disp-formula>{FRACTION}<label>(1)</label></disp-formula>where b is given.</p>"
    "<list list-type='order'><list-item><p>first</p></list-item><list-item><p>second</p></list-item></list>"
    "<fig><label>Figure 1</label><caption><title>Things.</title><p>A and B.</p></caption><graphic/></fig>"
    "<sec><title>Deep</title><p>Inside.</p></sec><sec><title>Empty</title></sec></sec></body>"
    "<back><ack><p>Thanks.</p></ack><ref-list><title>References</title><ref><mixed-citation>Roe. Title."
    "</mixed-citation></ref></ref-list></back>"
    "</article>"
)
JATS_TEXT = """# On x

## Abstract

We study x.

## Methods

CO₂ at 10⁻³ rises (Roe 1999) as $x^2$:

$$\\frac{a}{b_{1}}$$ (1)

where b is given.

1. first
2. second

Figure 1. Things. A and B.

### Deep

Inside.

## Acknowledgments

Thanks."""
TEI = """<?xml version="1.0"?><TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><fileDesc><titleStmt>
<title level="a" type="main">A paper</title></titleStmt><publicationStmt><availability>
<licence target="https://creativecommons.org/licenses/by-sa/3.0/"/></availability></publicationStmt><sourceDesc>
<biblStruct><analytic>
<author><persName><forename>Jo</forename><surname>Doe</surname></persName></author></analytic></biblStruct>
</sourceDesc></fileDesc>
<profileDesc><abstract><p>Short.</p></abstract></profileDesc></teiHeader><text><body>
<div><head n="1">Intro</head><p>Text <ref type="bibr">[1]</ref> goes<ref type="foot">3</ref>.</p></div>
<div><head n="1.1">Sub</head><p>Before <formula xml:id="f">a = b<label>(2)</label></formula> after.</p></div>
<figure><head>Fig. 1:</head><figDesc>A figure.</figDesc></figure><note place="foot">no</note></body>
<back><div type="references"><listBibl><biblStruct/></listBibl></div></back></text></TEI>"""


def xml_items(make_input, text, name="a.nxml"):
    return list(scientific_papers.read_xml(make_input(name, text if isinstance(text, bytes) else text.encode())))


def row_items(make_input, rows, name="a.jsonl"):
    return list(scientific_papers.read_rows(make_input(name, "".join(json.dumps(row) + "\n" for row in rows).encode())))


def test_jats(make_input):
    (paper,) = xml_items(make_input, JATS)
    assert paper.text == JATS_TEXT
    assert paper.licence == "CC-BY-4.0" and paper.source == "scientific_papers:a.nxml"
    assert paper.meta == {
        "title": "On x",
        "authors": ["Jo Doe"],
        "doi": "10.1/x",
        "journal": "J",
        "year": "2011",
        "type": "research-article",
    }


def test_tei(make_input):
    (paper,) = xml_items(make_input, TEI, "a.tei.xml")
    assert paper.text == (
        "# A paper\n\n## Abstract\n\nShort.\n\n## 1 Intro\n\nText [1] goes.\n\n### 1.1 Sub\n\nBefore\n\na = b"
        " (2)\n\nafter.\n\nFig. 1. A figure."
    )
    assert paper.licence == "CC-BY-SA-3.0" and paper.meta["authors"] == ["Jo Doe"]


def test_s2orc_paragraphs(make_input):
    body = [
        {"text": "First.", "section": "Intro", "sec_num": "1"},
        {
            "text": "See EQUATION here.",
            "section": "Intro",
            "sec_num": "1",
            "eq_spans": [{"start": 4, "end": 12, "text": "a=b", "ref_id": "EQREF0"}],
        },
        {
            "text": "With INLINEFORM0 .",
            "section": "Deep",
            "sec_num": "1.1",
            "ref_spans": [{"start": 5, "end": 16, "ref_id": "INLINEFORM0"}],
        },
    ]
    parse = {
        "abstract": [{"text": "Short."}],
        "body_text": body,
        "ref_entries": {
            "INLINEFORM0": {"latex": "x^2"},
            "FIGREF0": {"type_str": "figure", "fig_num": "2", "text": "A plot."},
        },
    }
    expected = (
        "# T\n\n## Abstract\n\nShort.\n\n## 1 Intro\n\nFirst.\n\nSee a=b here.\n\n"
        "### 1.1 Deep\n\nWith $x^2$ .\n\nFigure 2. A plot."
    )
    rows = [
        {
            "paper_id": "1",
            "title": "T",
            "year": 2020,
            "authors": [{"first": "Jo", "middle": [], "last": "Doe"}],
            "pdf_parse": parse,
        },
        {"paper_id": "1", "metadata": {"title": "T", "authors": []}, **parse},
        {"paper_id": "1", "title": "T", "latex_parse": parse, "pdf_parse": None},
    ]
    items = row_items(make_input, rows)
    assert [item.text for item in items] == [expected] * 3
    assert items[0].meta == {"title": "T", "authors": ["Jo Doe"], "paper_id": "1", "year": "2020"}
    assert items[0].source == "scientific_papers:a.jsonl#0" and items[1].source != items[0].source


def test_s2orc_annotations(make_input):
    text = "T\nShort.\nIntro\nFirst paragraph.\nSecond.\nRef one."
    spans = {}
    for name, words in (
        ("title", ["T"]),
        ("abstract", ["Short."]),
        ("sectionheader", ["Intro"]),
        ("paragraph", ["First paragraph.", "Second."]),
        ("bibentry", ["Ref one."]),
    ):
        spans[name] = json.dumps([{"start": text.index(word), "end": text.index(word) + len(word)} for word in words])
    row = {
        "corpusid": 5,
        "externalids": {"doi": "10.2/y"},
        "content": {"source": {"oainfo": {"license": "CCBY"}}, "text": text, "annotations": spans},
    }
    (paper,) = row_items(make_input, [row])
    assert paper.text == "# T\n\n## Abstract\n\nShort.\n\n## Intro\n\nFirst paragraph.\n\nSecond."
    assert paper.licence == "LicenseRef-CC-BY" and paper.meta["doi"] == "10.2/y" and paper.meta["paper_id"] == "5"
    row["content"]["annotations"] |= {"paragraph": None, "sectionheader": None}
    (paper,) = row_items(make_input, [row])
    assert paper.text.endswith("First paragraph.\nSecond.") and "Ref" not in paper.text


def test_rows_that_are_no_paper(make_input):
    rows = [
        {"colour": 1},
        3,
        {"title": "T", "abstract": None, "year": 1},
        {"paper_id": "1", "body_text": [3]},
        {"title": "T", "abstract": "A."},
    ]
    items = row_items(make_input, rows)
    assert [getattr(item, "reason", "document") for item in items] == [
        "unknown_layout",
        "unknown_layout",
        "no_text",
        "malformed",
        "document",
    ]
    (item,) = row_items(
        make_input, [{"content": {"text": "x", "annotations": {"paragraph": [{"start": 1e999, "end": 2}]}}}]
    )
    assert isinstance(item, (Quarantined, Skipped, Document))


def test_packages(make_input):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in (
            ("PMC1/a.nxml", JATS.encode()),
            ("PMC1/a.jpg", b"x"),
            ("../b.nxml", JATS.encode()),
            ("PMC1/c.nxml", b"<article"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    items = xml_items(make_input, data.getvalue(), "p.tar.gz")
    assert items[0].text == JATS_TEXT and items[0].source == "scientific_papers:p.tar.gz!PMC1/a.nxml"
    assert [item.reason for item in items[1:]] == ["companion", "unsafe_path", "malformed"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02", "malformed"),
        (b"<article><front>", "malformed"),
        (b"<html><body/></html>", "unknown_layout"),
        (b"<article><body/></article>", "no_text"),
        (b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><article>&b;</article>', "entities"),
        (b"<article><body><p>" + b"<b>" * 5000 + b"</p></body></article>", "malformed"),
        (b"\x1f\x8b\x08\x00broken", "truncated"),
    ],
)
def test_hostile_files(make_input, data, reason):
    (item,) = xml_items(make_input, data)
    assert item.reason == reason and item.path == "a.nxml"


@pytest.mark.parametrize(
    ("statement", "licence"),
    [
        ("http://creativecommons.org/licenses/by-nc-sa/3.0/us/", "CC-BY-NC-SA-3.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("Creative Commons Attribution License, which permits", "LicenseRef-CC-BY"),
        ("Creative Commons Attribution Non-Commercial License 3.0", "CC-BY-NC-3.0"),
        ("under a Creative Commons Attribution 4.0 International License", "CC-BY-4.0"),
        ("CC BY-NC-ND", "LicenseRef-CC-BY-NC-ND"),
        ("lies in the public domain", "LicenseRef-public-domain"),
        ("All rights reserved.", "NOASSERTION"),
        ("", "NOASSERTION"),
    ],
)
def test_licences(statement, licence):
    assert paper_text.licence_of(statement) == licence


@pytest.mark.parametrize(
    ("markup", "latex"),
    [
        ("<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup><mo>≤</mo><mi>α</mi>", r"x_{i}^{2}\leq\alpha"),
        ("<mover><mi>x</mi><mo>¯</mo></mover>", r"\bar{x}"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover><mi>x</mi>", r"\sum_{i}^{n}x"),
        ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", r"\sqrt{x+1}"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", r"\sqrt[3]{x}"),
        ('<mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac>', r"\binom{n}{k}"),
        ("<mi>sin</mi><mi>θ</mi>", r"\sin\theta"),
        (
            "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr></mtable>",
            r"\begin{matrix} 1 & 0 \end{matrix}",
        ),
        ('<semantics><mi>q</mi><annotation encoding="application/x-tex">y^2</annotation></semantics>', "y^2"),
        ("<mmultiscripts><mi>C</mi><mprescripts/><mn>6</mn><mn>12</mn></mmultiscripts>", "{}_{6}^{12}C"),
        ("<mfrac><mi>a</mi></mfrac>", "a"),
        ('<mi mathvariant="bold">A</mi><mo>×</mo><mtext>50%</mtext>', r"\mathbf{A}\times\text{50\%}"),
        ("", ""),
    ],
)
def test_mathml(markup, latex):
    root = etree.fromstring(f'<math xmlns="http://www.w3.org/1998/Math/MathML">{markup}</math>')
    assert mathml.to_latex(root) == latex


def test_samples(samples, input_files):
    folder = samples("reasoning/scientific_papers")
    found = {}
    for file in input_files(folder):
        read = scientific_papers.read_rows if file.stem.endswith(".json") else scientific_papers.read_xml
        (found[file.name],) = read(file)
    assert len(found) >= 6 and all(isinstance(paper, Document) for paper in found.values())
    for paper in found.values():
        assert paper.text.startswith(f"# {paper.meta['title']}\n\n## Abstract\n\n") and len(paper.text) > 20_000
        assert "\n## " in paper.text and "<" not in paper.meta["title"]
    assert found["PMC6398430.nxml"].licence == "CC-BY-4.0"
    assert "$$CF=\\frac{CM_{t}-CM_{ind}}{CM_{t}}$$ (1)" in found["PMC6398430.nxml"].text
    assert found["ehp-116-1694.nxml"].licence == "LicenseRef-public-domain"
    assert found["1471-2180-11-174.nxml"].licence == "CC-BY-2.0"
    assert "Albert DM" not in found["PMC6398430.nxml"].text and "REFERENCES" not in found["PMC6398430.nxml"].text
    tei, s2orc = found["N18-3011.tei.xml"].text, found["N18-3011.json"].text
    headings = [line for line in tei.split("\n") if line.startswith("#")]
    assert len(headings) > 10 and set(headings) <= set(s2orc.split("\n"))


def mutated(source, edits):
    data = bytearray(source.encode())
    for position, value, length in edits:
        at = position % len(data)
        data[at : at + length] = value
    return bytes(data)


EDITS = st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 30)), max_size=4)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), EDITS.map(lambda e: mutated(JATS, e)), EDITS.map(lambda e: mutated(TEI, e))))
def test_any_xml_gives_items(tmp_path, data):
    path = tmp_path / "f.xml"
    path.write_bytes(data)
    items = list(scientific_papers.read_xml(InputFile(str(path), str(tmp_path), len(data))))
    assert items and all(isinstance(item, (Document, Quarantined, Skipped)) for item in items)


KEYS = [
    "body_text",
    "pdf_parse",
    "content",
    "annotations",
    "text",
    "abstract",
    "title",
    "paragraph",
    "start",
    "section",
    "eq_spans",
    "authors",
    "metadata",
]
ROWS = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=15,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_any_row_gives_items(tmp_path, row):
    path = tmp_path / "f.jsonl"
    path.write_text(json.dumps(row))
    (item,) = scientific_papers.read_rows(InputFile(str(path), str(tmp_path), 9))
    assert isinstance(item, (Document, Quarantined, Skipped))
