"""books_corpus: licences go, chapters come, and no word of a book is lost."""

import io
import pickle
import textwrap
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.formats import chapters, gutenberg
from data.inputs import InputFile
from data.sources.language import books
from data.sources.language.registry import SOURCES
from data.sources.source import plan

START = "*** START OF THE PROJECT GUTENBERG EBOOK A SHORT BOOK ***"
END = "*** END OF THE PROJECT GUTENBERG EBOOK A SHORT BOOK ***"
HEADER = """The Project Gutenberg eBook of A Short Book, by Ann Author

This eBook is for the use of anyone anywhere at no cost.

Title: A Short Book
       and its long second title

Author: Ann Author

Release Date: May 8, 2007  [eBook #4711]

Language: English

Character set encoding: {charset}

"""
PROSE = """It was a long day, and nobody who had been there could say afterwards
when it had begun or what had been said first. The wind came from the
north, cold and steady, and the men turned up their collars and waited."""
VERSE = """    The fog comes
    on little cat feet,
    and then moves on."""
BODY = f"""

A SHORT BOOK


By Ann Author




CHAPTER I. The Day


{PROSE}

{VERSE}



CHAPTER II


{PROSE}
"""
LICENCE = "\n\nThis file should be named 4711.txt or 4711.zip\nUpdated editions will replace the previous one.\n" * 3
RDF = """<?xml version="1.0"?>
<rdf:RDF xmlns:dcterms="http://purl.org/dc/terms/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:pgterms="http://www.gutenberg.org/2009/pgterms/" xmlns:dcam="http://purl.org/dc/dcam/">
 <pgterms:ebook rdf:about="ebooks/4711">
  <dcterms:title>A Short Book&#13;
and its long second title</dcterms:title>
  <dcterms:creator><pgterms:agent><pgterms:name>Author, Ann</pgterms:name></pgterms:agent></dcterms:creator>
  <dcterms:creator><pgterms:agent><pgterms:name>Second, Sam</pgterms:name></pgterms:agent></dcterms:creator>
  <dcterms:subject><rdf:Description><dcam:memberOf rdf:resource="http://purl.org/dc/terms/LCSH"/>
   <rdf:value>Weather -- Fiction</rdf:value></rdf:Description></dcterms:subject>
  <dcterms:subject><rdf:Description><dcam:memberOf rdf:resource="http://purl.org/dc/terms/LCC"/>
   <rdf:value>PR</rdf:value></rdf:Description></dcterms:subject>
  <dcterms:rights>{rights}</dcterms:rights>
  <dcterms:issued>2002-06-01</dcterms:issued>
  <dcterms:language><rdf:Description><rdf:value>en</rdf:value></rdf:Description></dcterms:language>
 </pgterms:ebook></rdf:RDF>"""


def book(body=BODY, start=START, end=END, charset="UTF-8"):
    return HEADER.format(charset=charset) + start + body + end + LICENCE


def words(text):
    return "".join(text.split())


def test_a_book_becomes_its_chapters(make_input):
    front, first, second = books.read_text(make_input("x/4711.txt", book().encode()))
    assert front.text == "A SHORT BOOK\n\nBy Ann Author"
    joined = " ".join(PROSE.split())
    assert first.text == f"CHAPTER I. The Day\n\n{joined}\n\n{VERSE}"
    assert second.text == f"CHAPTER II\n\n{joined}"
    assert (first.source, first.licence, first.domain) == (
        "books_corpus:x/4711.txt#2",
        gutenberg.PUBLIC_DOMAIN,
        "language",
    )
    assert first.meta == {
        "book": "4711",
        "title": "A Short Book and its long second title",
        "authors": ["Ann Author"],
        "issued": "May 8, 2007",
        "declared_language": "en",
        "chapter": "CHAPTER I. The Day",
        "number": 2,
        "part": 1,
        "parts": 1,
        "language": "en",
        "language_probability": pytest.approx(1, abs=0.01),
    }


@pytest.mark.parametrize("name", ["4711.txt", "pg4711.txt", "4711-0.txt", "4711-8.txt.gz", "somename.txt"])
def test_the_catalogue_knows_better(make_input, name):
    make_input("pg4711.rdf", RDF.format(rights="Public domain in the USA.").encode())
    found = list(books.read_text(make_input(name, book().encode())))[1]
    assert found.meta["authors"] == ["Author, Ann", "Second, Sam"] and found.meta["subjects"] == ["Weather -- Fiction"]
    assert found.meta["title"] == "A Short Book and its long second title" and found.meta["issued"] == "2002-06-01"
    assert found.licence == gutenberg.PUBLIC_DOMAIN


def test_a_book_under_copyright_says_so(make_input):
    make_input("pg4711.rdf", RDF.format(rights="Copyrighted. Read the copyright notice inside this book.").encode())
    assert {item.licence for item in books.read_text(make_input("4711.txt", book().encode()))} == {
        gutenberg.COPYRIGHTED
    }


@pytest.mark.parametrize("rdf", [b"", b"<broken", b"<r/>", b'<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>'])
def test_a_broken_catalogue_is_no_loss(make_input, rdf):
    make_input("pg4711.rdf", rdf)
    found = list(books.read_text(make_input("4711.txt", book().encode())))
    assert len(found) == 3 and found[1].meta["authors"] == ["Ann Author"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START, END),
        (
            "***START OF THE PROJECT GUTENBERG EBOOK A SHORT BOOK***",
            "***END OF THE PROJECT GUTENBERG EBOOK A SHORT BOOK***",
        ),
        ("*** START OF THIS PROJECT GUTENBERG EBOOK X ***", "End of the Project Gutenberg EBook of X, by Y\n\n" + END),
        ("*** START OF THE PROJECT GUTENBERG EBOOK A\nVERY LONG TITLE ***", "End of Project Gutenberg's A Short Book"),
        ("*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*", "End of The Project Gutenberg Etext of X"),
        ("*END THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.10/04/01*END*", "End of Project Gutenberg Etext X"),
        ("*END*THE SMALL PRINT!*END*\n\nmore of the header\n\n" + START, "Ende dieses Projekt Gutenberg Etextes X"),
        (START + "\n\nProduced by A. Typist and the Online Team at\nhttp://www.pgdp.net\n", END),
        (START + "\n\nTranscribed from the 1908 edition by D. P., email x@pglaf.org\n", END),
        (START + "\n\nThis etext was prepared by J. D. of the Society.\n", "End of this Project Gutenberg eBook"),
    ],
)
def test_every_way_to_mark_the_licence(start, end):
    stripped = gutenberg.strip_licence(book(start=start, end=end))
    assert words(stripped) == words(BODY)


def test_several_books_in_one_file_are_all_kept():
    stripped = gutenberg.strip_licence(book() + "\n\n" + book(body="\n\nAnother book.\n"))
    assert words(stripped) == words(BODY + "Another book.")


def test_a_text_without_markers_is_a_book_without_a_licence(make_input):
    found = list(books.read_text(make_input("My Novel.txt", f"{PROSE}\n\n{PROSE}".encode())))
    assert [item.licence for item in found] == ["NOASSERTION"]
    assert found[0].meta["title"] == "My Novel" and "book" not in found[0].meta
    assert words(found[0].text) == words(PROSE * 2)


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("UTF-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("ISO-8859-1", "iso-8859-1"),
        ("ISO 8859-2", "iso-8859-2"),
        ("x", "utf-16"),
    ]
    + [("windows-1252", "windows-1252"), ("whatever", "windows-1252"), ("Big5", "big5")],
)
def test_encodings(make_input, charset, encoding):
    text = {"iso-8859-2": "Łódź", "big5": "天下"}.get(encoding, "Größe")
    data = book(f"\n\nThe word is {text}.\n\n", charset=charset).replace("\n", "\r\n").encode(encoding)
    (item,) = books.read_text(make_input("4711.txt", data))
    assert item.text == f"The word is {text}."


@pytest.mark.parametrize("data", [b"\x00" * 100, bytes(range(1, 256)) * 50, b"PK\x03\x04\x00\x00"])
def test_what_is_no_text_is_quarantined(make_input, data):
    (item,) = books.read_text(make_input("x.txt", data))
    assert isinstance(item, Quarantined) and item.reason == "binary"


def test_a_licence_alone_is_no_book(make_input):
    (item,) = books.read_text(make_input("x.txt", book("\n\n").encode()))
    assert isinstance(item, Skipped) and item.reason == "no_text"


def test_zips_of_books(make_input):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("4711/4711-h.htm", "<html>")
        archive.writestr("4711/4711.txt", book())
        archive.writestr("../escape.txt", "x")
    found = list(books.read_zip(make_input("4711.zip", buffer.getvalue())))
    assert [type(item) for item in found] == [Skipped, Document, Document, Document, Quarantined]
    assert found[1].source == "books_corpus:4711.zip#4711/4711.txt/1" and found[1].meta["book"] == "4711"
    broken = list(books.read_zip(make_input("b.zip", buffer.getvalue()[:-50])))
    assert [item.reason for item in broken] == ["corrupt"]


def test_headings():
    body = "\n\n\n\n".join(
        f"{title}\n\n\n{PROSE}" for title in ("PREFACE", "Kapitel 1. Anfang", "IV.", "Глава первая", "Epilogue")
    )
    assert [piece.title for piece in chapters.pieces(body)] == [
        "PREFACE",
        "Kapitel 1. Anfang",
        "IV.",
        "Глава первая",
        "Epilogue",
    ]
    no_heading = (
        f"{PROSE}\n\n\nPart of the reason was this,\n\n{PROSE}\n\nBook VII is a recapitulation of it.\n\n{PROSE}"
    )
    assert [piece.title for piece in chapters.pieces(no_heading)] == [""]


def test_a_table_of_contents_makes_no_chapters():
    titles = [f"CHAPTER {number}" for number in ("I", "II", "III", "IV")]
    body = (
        "THE TITLE\n\n\nCONTENTS\n\n"
        + "\n\n".join(titles)
        + "\n\n\n\n"
        + "\n\n\n\n".join(f"{t}\n\n{PROSE}" for t in titles)
    )
    found = list(chapters.pieces(body))
    assert words("".join(piece.text for piece in found)) == words(body)
    assert [piece.title for piece in found][-3:] == titles[1:]
    assert len(found) == 5


def test_long_chapters_are_cut_at_paragraphs():
    paragraphs = [f"Paragraph {number} says {'x' * (number % 700)}." for number in range(500)]
    found = list(chapters.pieces("CHAPTER I\n\n\n" + "\n\n".join(paragraphs), 8000))
    assert len(found) > 10 and {piece.parts for piece in found} == {len(found)}
    assert [piece.part for piece in found] == list(range(1, len(found) + 1))
    assert all(len(piece.text.encode()) <= 8000 for piece in found)
    assert "\n\n".join(piece.text for piece in found).split("\n\n")[1:] == paragraphs


@pytest.mark.parametrize("unit", ["word ", "line\n", "wordwithoutablank", "größe", "天下"])
def test_a_paragraph_longer_than_a_document_is_cut_too(unit):
    body = unit * 5000
    found = list(chapters.pieces(body, 3000))
    assert all(0 < len(piece.text.encode()) <= 3000 for piece in found)
    assert words("".join(piece.text for piece in found)) == words(body)


def test_verse_tables_and_lists_keep_their_lines():
    hexameter = "Sing, O goddess, the anger of Achilles son of Peleus, that\n"
    hexameter += "Brought countless ills upon the Achaeans, many a brave soul\n"
    hexameter += "Did it send hurrying down to Hades, and many a hero did it"
    table = "one             two               three             four\nfive            six               seven        x"
    for block in (VERSE.strip("\n"), hexameter, table, "Short line,\nshort line."):
        (piece,) = chapters.pieces(block)
        assert piece.text.split("\n") == [line.rstrip() for line in block.split("\n")]
    german = (
        "Der Wind kam aus dem Norden, kalt und stetig, und die Männer schlugen die Kragen hoch und warteten, bis der "
    )
    german += "Morgen anbrach und mit ihm die Nachricht kam, auf welche sie seit so vielen Tagen gewartet hatten."
    german = textwrap.fill(german, 70)
    (piece,) = chapters.pieces(german)
    assert "\n" not in piece.text
    (piece,) = chapters.pieces(
        "a long line that ends with a hyphenated, half-baked, bread-and-\nbutter word, and goes on to the end of it"
    )
    assert "bread-and-butter" in piece.text


lines = st.sampled_from(
    ["", "", "", "CHAPTER I", "BOOK II. Of it", "XII.", PROSE.split("\n")[0], "a b c", "    verse", "*" * 70, "größe"]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(lines, max_size=60), st.integers(40, 400))
def test_no_word_is_lost_or_moved(found, limit):
    body = "\n".join(found)
    pieces = list(chapters.pieces(body, limit))
    assert words("".join(piece.text for piece in pieces)) == words(body)
    assert all(piece.text and len(piece.text.encode()) <= limit for piece in pieces)


@settings(max_examples=50, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.lists(st.sampled_from([*book().split("\n"), START, END, "<<THIS ELECTRONIC VERSION"])),
    )
)
def test_whatever_the_bytes_items_come_and_no_error(tmp_path_factory, case):
    data = case if isinstance(case, bytes) else "\n".join(case).encode()
    path = tmp_path_factory.getbasetemp() / "fuzz-book.txt"
    path.write_bytes(data)
    found = list(books.read_text(InputFile(str(path), str(path.parent), len(data))))
    assert found and all(isinstance(item, Document | Quarantined | Skipped) for item in found)
    pickle.dumps(found)


def test_the_samples(samples, input_files):
    source = next(source for source in SOURCES if source.name == books.NAME)
    planned = plan(source, input_files(samples("language/books_corpus")), 1 << 30)
    assert planned.units and not planned.unclaimed
    for unit in planned.units:
        found = list(source.readers[unit.reader].read(unit.file))
        assert len(found) > 5 and all(isinstance(item, Document) for item in found)
        for item in found:
            assert item.num_bytes <= chapters.MAX_BYTES and "gutenberg" not in item.text.lower()
            assert item.meta["authors"] and item.meta["title"] and item.licence == gutenberg.PUBLIC_DOMAIN
        body = gutenberg.strip_licence(gutenberg.decode(unit.file.read()))
        assert words("".join(item.text for item in found)) == words(body) and len(body) > 0.8 * unit.file.size
        if unit.file.name == "3261.txt":
            numbered = [item for item in found if item.meta.get("chapter", "").startswith("CHAPTER ")]
            assert len(numbered) == 32 and numbered[0].text.split("\n\n")[1].startswith(
                "Up at the League, says a friend"
            )
            assert found[0].meta["authors"] == ["Morris, William"] and found[0].meta["subjects"] == ["Utopias"]
