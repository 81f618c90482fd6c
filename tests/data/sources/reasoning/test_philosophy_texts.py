"""Philosophy from Gutenberg: chapters without licence, speakers named."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.reasoning import philosophy_texts

TURNS = "\n\n".join(f"SOCRATES: Is it so, number {n}?\n\nGLAUCON: It is, Socrates." for n in range(3))
BOOK = f"""The Project Gutenberg EBook of Talks, by Plato

Title: Talks

Author: Plato

Language: English

*** START OF THIS PROJECT GUTENBERG EBOOK TALKS ***



TALKS


BOOK I.

{TURNS}



BOOK II.

A chapter that nobody speaks in, but which is long enough to
be wrapped over two lines.


End of the Project Gutenberg EBook of Talks, by Plato
*** END OF THIS PROJECT GUTENBERG EBOOK TALKS ***

Licence text.
"""


def test_chapters_and_speakers(make_input):
    items = list(philosophy_texts.read(make_input("7.txt", BOOK.encode())))
    chapters = {item.meta.get("chapter"): item for item in items}
    first, second = chapters["BOOK I."], chapters["BOOK II."]
    assert first.text == "BOOK I.\n\n" + TURNS or first.text.endswith(TURNS)
    assert first.meta["speakers"] == ["GLAUCON", "SOCRATES"] and "speakers" not in second.meta
    assert first.meta["title"] == "Talks" and first.meta["authors"] == ["Plato"]
    assert first.domain == "reasoning" and first.source.startswith("philosophy_texts:7.txt#")
    assert "long enough to be wrapped" in second.text
    assert not any("Gutenberg" in item.text or "Licence" in item.text for item in items)


@pytest.mark.parametrize(("data", "reason"), [(b"", "no_text"), (b"\x00\x01binary" * 50, "binary")])
def test_hostile_files(make_input, data, reason):
    (item,) = philosophy_texts.read(make_input("a.txt", data))
    assert item.reason == reason


def test_samples(samples, input_files):
    (file,) = input_files(samples("reasoning/philosophy_texts") / "*.txt")
    items = list(philosophy_texts.read(file))
    assert all(isinstance(item, Document) for item in items)
    assert {item.meta["chapter"] for item in items if "chapter" in item.meta} >= {
        f"BOOK {n}." for n in ("I", "IV", "X")
    }
    assert items[0].meta["authors"] == ["Plato"] and "Justice -- Early works to 1800" in items[0].meta["subjects"]
    whole = "\n".join(item.text for item in items)
    assert len(whole) > 1_150_000 and "Project Gutenberg" not in whole
    assert "I went down yesterday to the Piraeus with Glaucon the son of Ariston" in whole


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.integers(0, len(BOOK)).map(lambda cut: BOOK[:cut].encode())))
def test_any_bytes_give_items(tmp_path, data):
    path = tmp_path / "f.txt"
    path.write_bytes(data)
    items = list(philosophy_texts.read(InputFile(str(path), str(tmp_path), len(data))))
    assert items and all(isinstance(item, (Document, Quarantined, Skipped)) for item in items)
