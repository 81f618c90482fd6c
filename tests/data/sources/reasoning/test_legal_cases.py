"""Cases: every publisher's layout gives one text; indexes and tables beside cases are no cases."""

import io
import json
import lzma
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile, expand
from data.sources.reasoning import case_csv, case_plain, case_text, legal_cases
from data.sources.reasoning.registry import SOURCES
from data.sources.source import plan

CAP = {
    "id": 3,
    "name": "Foo versus Bar",
    "name_abbreviation": "Foo v. Bar",
    "decision_date": "1902-01-05",
    "docket_number": "No. 7",
    "citations": [{"type": "official", "cite": "1 Mass. 1"}],
    "court": {"name": "Supreme Judicial Court", "id": 1},
    "jurisdiction": {"name_long": "Massachusetts"},
    "casebody": {
        "head_matter": "Foo vs. Bar.\nOn appeal.",
        "opinions": [
            {"text": "First.\nSecond.", "type": "majority", "author": "Holmes, J."},
            {"text": "No.", "type": "dissent", "author": None},
        ],
    },
}
CAP_TEXT = (
    "Foo versus Bar\nSupreme Judicial Court\nNo. 7\nJanuary 5, 1902\n1 Mass. 1\n\nFoo vs. Bar.\n\nOn appeal.\n\n"
    "Opinion of the court by Holmes, J\n\nFirst.\n\nSecond.\n\nDissenting opinion\n\nNo."
)
BODY_XML = (
    '<casebody xmlns="http://nrs.harvard.edu/urn-3:HLS.Libr.US_Case_Law.Schema.Case_Body:v1"><court>Ill. S.C.</court>'
    '<parties id="a">A v. B.</parties><headnotes>APPEAL.</headnotes><opinion type="majority"><author>Per'
    " Curiam.</author>"
    '<p>See<footnotemark>*</footnotemark> <page-number label="18">*18</page-number>Illi\u00adnois.</p>'
    '<footnote label="*"><p>Note.</p></footnote></opinion></casebody>'
)
METS = (
    '<mets xmlns="http://www.loc.gov/METS/"><dmdSec><case xmlns="x" caseid="c1"><court'
    ' jurisdiction="Illinois">Supreme Court</court>'
    '<name abbreviation="A v. B">A, Appellant, v. B</name><docketnumber/><citation>1 Ill. 17</citation>'
    "<decisiondate>1819-12</decisiondate></case></dmdSec>"
    f"<fileSec>{BODY_XML}</fileSec></mets>"
)
FASTCASE = """<Case><CurrentOpinion>False</CurrentOpinion><ShortName>C. v. S.</ShortName><Jurisdiction>
<CourtAbbreviation>Pa.</CourtAbbreviation>
<CourtName>Supreme Court of Pennsylvania.</CourtName></Jurisdiction><DocketNumbers>
<DocketNumber> No. 4</DocketNumber></DocketNumbers>
<Citations><Citation><Volume>627</Volume><Reporter>Pa.</Reporter><Page>352</Page></Citation><Citation>
<Volume>100</Volume>
<Reporter>A.3d</Reporter><Page>206</Page></Citation></Citations><DecisionDate>08-29-2014</DecisionDate>
<Author>PER CURIAM.</Author>
<PartyHeader>C., Plaintiff,v.S.&lt;SUP&gt;<A>[1]</A>&lt;/SUP&gt;</PartyHeader>
<LawyerHeader>&lt;p&gt;For C.&lt;/p&gt;</LawyerHeader>
<CaseHtml>&lt;p&gt;In all &lt;/p&gt;&lt;p&gt;[627 Pa. 353]&lt;/p&gt;&lt;p&gt;other
respects,&lt;SUP&gt;<A HREF="#f">1</A>&lt;/SUP&gt; it is
&lt;b&gt;DENIED&lt;/b&gt;.&lt;/p&gt;&lt;p&gt;&amp;#160;&amp;#160;[100 A.3d 207, 627 Pa. 354]&lt;/p&gt;&lt;p&gt;Affirmed.
&lt;/p&gt;</CaseHtml></Case>"""
OPINION = (
    "                 United States Court of Appeals\n\n\n   Decided November 7, 1997\n\n         No. 96-7169\n\n\n"
    "     Smith, Judge:  The plaintiff appeals the judg-\nment of the court below. It is well-\nfounded and"
    " well-founded.\n"
    "     The defendant, respondent here, v. others, was\n\n                 3\n\x0c\nright.\n\n     Affirmed.\n"
)


def rows(make_input, *values, name="a.jsonl"):
    return list(legal_cases.read_rows(make_input(name, "".join(json.dumps(value) + "\n" for value in values).encode())))


def xml(make_input, text, name="a.xml"):
    return list(legal_cases.read_xml(make_input(name, text if isinstance(text, bytes) else text.encode())))


def test_cap_json(make_input):
    (case,) = rows(make_input, CAP, name="cases/0001-01.json")
    assert case.text == CAP_TEXT and case.source == "legal_cases:cases/0001-01.json#0"
    assert case.licence == case_text.LICENCE == "LicenseRef-US-government-work"
    assert case.meta == {
        "name": "Foo versus Bar",
        "court": "Supreme Judicial Court",
        "docket": "No. 7",
        "date": "1902-01-05",
        "citations": ["1 Mass. 1"],
        "opinions": ["majority", "dissent"],
        "id": "3",
        "abbreviation": "Foo v. Bar",
        "jurisdiction": "Massachusetts",
    }


def test_cap_bulk_bodies(make_input):
    nested = {**CAP, "casebody": {"status": "ok", "data": CAP["casebody"]}}
    as_xml = {**CAP, "casebody": {"status": "ok", "data": '<?xml version="1.0" encoding="utf-16"?>' + BODY_XML}}
    as_html = {**CAP, "casebody": {"status": "ok", "data": "<section><p>First.</p><p>Second.</p></section>"}}
    withheld = {**CAP, "casebody": {"status": "error_auth_required", "data": None}}
    first, second, third, fourth = rows(make_input, nested, as_xml, as_html, withheld)
    assert first.text == CAP_TEXT
    assert second.text.endswith(
        "APPEAL.\n\nOpinion of the court by Per Curiam\n\nPer Curiam.\n\nSee[*] Illinois.\n\n* Note."
    )
    assert third.text.endswith("1 Mass. 1\n\nFirst.\n\nSecond.")
    assert fourth.reason == "no_text"


def test_casemets(make_input):
    (case,) = xml(make_input, METS)
    assert case.text == (
        "A, Appellant, v. B\nSupreme Court\nDecember 1819\n1 Ill. 17\n\nAPPEAL.\n\nOpinion of the court by Per"
        " Curiam\n\n"
        "Per Curiam.\n\nSee[*] Illinois.\n\n* Note."
    )
    assert case.meta["id"] == "c1" and case.meta["jurisdiction"] == "Illinois"
    (volume,) = xml(make_input, '<mets xmlns="http://www.loc.gov/METS/"><fileSec/></mets>')
    assert volume.reason == "no_case"
    assert xml(make_input, BODY_XML)[0].meta["name"] == "A v. B."


def test_fastcase(make_input):
    (case,) = xml(make_input, FASTCASE)
    assert case.text == (
        "C., Plaintiff, v. S.\nSupreme Court of Pennsylvania\nNo. 4\nAugust 29, 2014\n627 Pa. 352, 100 A.3d"
        " 206\n\nFor C.\n\n"
        "In all other respects,[1] it is DENIED.\n\nAffirmed."
    )
    assert case.meta["author"] == "PER CURIAM"


def test_courtlistener_json(make_input):
    cluster = {
        "case_name": "A v. B",
        "date_filed": "2014-01-13",
        "citations": [{"volume": 5, "reporter": "U.S.", "page": "1"}],
        "judges": "X",
    }
    opinion = {
        "id": 9,
        "type": "040dissent",
        "author_str": "Y",
        "html_with_citations": "",
        "html": "<p>Best.</p>",
        "plain_text": "Worse.",
    }
    search = {"count": 1, "results": [{**opinion, "cluster": cluster}]}
    whole = {
        **cluster,
        "id": 1,
        "sub_opinions": [{**opinion, "type": "010combined"}, {"plain_text": "More.", "type": "030concurrence"}],
    }
    links = {**cluster, "sub_opinions": ["https://x/1/"]}
    harvard = {"id": 2, "xml_harvard": '<opinion type="majority"><author>Z</author><p>Text &amp; more.</p></opinion>'}
    first, second, third, fourth, fifth = rows(
        make_input, {**opinion, "cluster": "https://x/"}, search, whole, links, harvard
    )
    assert first.text == "Dissenting opinion by Y\n\nBest."
    assert (
        second.text == "A v. B\nJanuary 13, 2014\n5 U.S. 1\n\nDissenting opinion by Y\n\nBest."
        and second.meta["id"] == "9"
    )
    assert third.text.endswith("Opinion by Y\n\nBest.\n\nConcurring opinion\n\nMore.")
    assert fourth.reason == "no_text"
    assert "Text & more." in fifth.text and "<" not in fifth.text


def csv_items(make_input, data, name="opinions-2022-08-02.csv"):
    return list(legal_cases.read_csv(make_input(name, data)))


def test_courtlistener_csv_as_postgresql_writes_it(make_input):
    data = (
        b'id,type,plain_text,html\n"1","010combined","He said \\"no\\", then\nleft C:\\\\x.",""\n'
        b'"2","020lead","","<p class=\\"a\\">Hi, \\\\alpha</p>"\n"3","020lead","",\n'
    )
    first, second, third = csv_items(make_input, data)
    assert first.text == 'Opinion\n\nHe said "no", then left C:\\x.' and first.source.endswith("#24")
    assert second.text == "Lead opinion\n\nHi, \\alpha"
    assert third.reason == "no_text"


def test_csv_with_doubled_quotes(make_input):
    data = b'id,plain_text\n1,"He said ""no"" there, and ""yes"" here."\n2,"Path C:\\"\n'
    assert [item.text for item in csv_items(make_input, data)] == ['He said "no" there, and "yes" here.', "Path C:\\"]


def test_broken_csv_records_cost_themselves(make_input):
    data = b'id,plain_text\n"1","fine"\n"2","too","many"\n"3","\xff"\n"4","fine"\n'
    items = csv_items(make_input, data)
    assert [getattr(item, "reason", "") for item in items] == ["", "malformed", "undecodable", ""]
    assert items[1].offset == data.index(b'"2"') and items[1].num_bytes == len(b'"2","too","many"\n')


def test_a_quote_that_never_closes_ends_at_the_limit(make_input, monkeypatch):
    monkeypatch.setattr(case_csv, "_MAX_RECORD", 100)
    data = b'id,plain_text\n"1","open\n' + b"x" * 60 + b"\n" + b"y" * 60 + b'\n"2","fine"\n'
    items = csv_items(make_input, data)
    assert [getattr(item, "reason", item) for item in items[:1]] == ["too_long"] and items[1].text == "fine"


def test_plain_text(make_input):
    (case,) = legal_cases.read_text(make_input("a.txt", OPINION.encode()))
    assert case.text == (
        "United States Court of Appeals\n\nDecided November 7, 1997\n\nNo. 96-7169\n\n"
        "Smith, Judge: The plaintiff appeals the judgment of the court below. It is well-founded and well-founded.\n\n"
        "The defendant, respondent here, v. others, was\n\nright.\n\nAffirmed."
    )
    assert case.meta == {"court": "United States Court of Appeals", "date": "1997-11-07", "docket": "No. 96-7169"}
    (other,) = legal_cases.read_text(make_input("b.txt", b"A recipe for bread.\nFlour and water."))
    assert other.reason == "unknown_layout"
    (latin,) = legal_cases.read_text(make_input("c.txt", OPINION.replace("here", "h\u00e9re").encode("cp1252")))
    assert "h\u00e9re" in latin.text


def test_words_without_end_are_reflowed_in_no_time():
    assert len(case_plain.reflow("a" * 300_000)) == 300_000
    long = "\n\n".join(["a" * 61 + ","] * 10_000)
    assert case_plain.reflow(long).count("a") == 61 * 10_000


@pytest.mark.parametrize(
    ("value", "iso", "spoken"),
    [
        ("1819-12", "1819-12", "December 1819"),
        ("08-29-2014", "2014-08-29", "August 29, 2014"),
        ("1/3/2014", "2014-01-03", "January 3, 2014"),
        ("1902", "1902", "1902"),
        ("2014-13-45", "2014", "2014"),
        ("soon", "", ""),
        (None, "", ""),
        ("2014-01-13T00:00:00", "2014-01-13", "January 13, 2014"),
    ],
)
def test_dates(value, iso, spoken):
    assert case_text.iso_date(value) == iso and case_text.spoken_date(iso) == spoken


def test_archives(make_input):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("json/0001-01.json", json.dumps(CAP))
        archive.writestr("metadata/CasesMetadata.json", "[]")
        archive.writestr("html/0001-01.html", "<p>x</p>")
        archive.writestr("data/data.jsonl.xz", lzma.compress(json.dumps(CAP).encode() + b"\nbroken\n"))
        archive.writestr("x/a.xml", METS)
        archive.writestr("x/b.xml", "<a>")
    items = list(legal_cases.read_archive(make_input("1.zip", data.getvalue())))
    kinds = [getattr(item, "reason", "document") for item in items]
    assert kinds == ["document", "companion", "companion", "document", "malformed", "document", "malformed"]
    assert items[0].text == CAP_TEXT and items[0].source == "legal_cases:1.zip!json/0001-01.json"
    assert items[3].source == "legal_cases:1.zip!data/data.jsonl.xz#0"


def test_indexes_and_tables_are_not_read_alone(make_input, tmp_path):
    for name in ("us/1/cases/1.json", "us/1/CasesMetadata.json", "us/1/VolumeMetadata.json", "us/1/html/1.html"):
        make_input(name, b"[]")
    for name in (
        "opinions-2022-08-02.csv",
        "opinion-clusters-2022-08-02.csv",
        "dockets.csv.bz2",
        "courts-2022.csv",
        "courtlistener_cases.csv",
    ):
        make_input(name, b"id\n")
    source = next(source for source in SOURCES if source.name == "legal_cases")
    made = plan(source, expand(str(tmp_path / "in")), 1 << 20)
    assert [unit.file.name for unit in made.units] == [
        "courtlistener_cases.csv",
        "opinions-2022-08-02.csv",
        "us/1/cases/1.json",
    ]
    assert not made.unclaimed


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed"),
        (b"<html/>", "unknown_layout"),
        (b"<alto/>", "companion"),
        (b"<Case>", "malformed"),
        (b"<Case/>", "no_text"),
        (b'<!DOCTYPE x [<!ENTITY e "x">]><Case>&e;</Case>', "entities"),
    ],
)
def test_hostile_xml(make_input, data, reason):
    (item,) = xml(make_input, data)
    assert item.reason == reason


def test_rows_that_are_no_case(make_input):
    items = rows(make_input, {"colour": 1}, 5, {**CAP, "casebody": 7}, {**CAP, "casebody": {"opinions": [3]}})
    assert [item.reason for item in items] == ["unknown_layout", "unknown_layout", "malformed", "malformed"]


def test_samples(samples, input_files):
    folder = samples("reasoning/legal_cases")
    source = next(source for source in SOURCES if source.name == "legal_cases")
    made = plan(source, input_files(folder), 1 << 30)
    assert len(made.units) >= 22 and not made.unclaimed
    items = {unit.file.name: list(source.readers[unit.reader].read(unit.file)) for unit in made.units}
    documents = {name: found[0] for name, found in items.items() if isinstance(found[0], Document)}
    assert len(documents) >= 21 and all(len(found) == 1 for found in items.values())
    for name, case in documents.items():
        assert not any(mark in case.text for mark in ("&#160;", "<p>", "<SUP>", "</"))
        if name.startswith("fastcase/"):
            assert case.meta["court"] and case.meta["date"] and case.meta["citations"] and "v." in case.text
            size = next(unit.file.size for unit in made.units if unit.file.name == name)
            assert len(case.text) > size / 5
    assert "the Petition for Allowance of Appeal is DENIED. " not in documents["fastcase/100a3d206_1_Replace2.xml"].text
    assert "In all other respects" in documents["fastcase/100a3d206_1_Replace2.xml"].text
    assert "not redacted" in documents["cap_static/us_1/cases/0002-02.json"].text
    opinion = documents["courtlistener_opinion_text.txt"].text
    assert (
        "judgment" in opinion and "Interna- tional" not in opinion and "International Fidelity Insurance Co." in opinion
    )


KEYS = [
    "casebody",
    "data",
    "opinions",
    "text",
    "court",
    "plain_text",
    "html",
    "sub_opinions",
    "case_name",
    "citations",
    "results",
    "cluster",
]
ROWS = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.just("<casebody><p>"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=15,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_any_row_gives_items(tmp_path, row):
    path = tmp_path / "f.jsonl"
    path.write_text(json.dumps(row))
    for item in legal_cases.read_rows(InputFile(str(path), str(tmp_path), 9)):
        assert isinstance(item, (Document, Quarantined, Skipped))


PARTS = st.lists(st.sampled_from(['"', "\\", ",", "\n", '"1",', "text", '""', '\\"', "\x00"]), max_size=30).map("".join)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(PARTS.map(lambda text: b"id,plain_text\n" + text.encode()), st.binary(max_size=200)))
def test_any_bytes_give_items(tmp_path, data):
    path = tmp_path / "f"
    path.write_bytes(data)
    file = InputFile(str(path), str(tmp_path), len(data))
    for read in (legal_cases.read_csv, legal_cases.read_xml, legal_cases.read_text, legal_cases.read_archive):
        assert all(isinstance(item, (Document, Quarantined, Skipped)) for item in read(file))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([METS, FASTCASE]), st.integers(0, 2000), st.integers(0, 40), st.binary(max_size=4))
def test_any_damage_gives_items(tmp_path, text, at, length, value):
    data = bytearray(text.encode())
    data[at : at + length] = value
    path = tmp_path / "f.xml"
    path.write_bytes(data)
    (item,) = legal_cases.read_xml(InputFile(str(path), str(tmp_path), len(data)))
    assert isinstance(item, (Document, Quarantined, Skipped))
