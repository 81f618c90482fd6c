"""translation_memories: each pair is one document, and which sentence belongs to which is never guessed."""

import gzip
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile, expand
from data.sources.language import parallel_files, translations
from data.sources.language.registry import SOURCES
from data.sources.source import plan

SOURCE = next(source for source in SOURCES if source.name == translations.NAME)


def tuv(language, segment, attribute="xml:lang"):
    return f'<tuv {attribute}="{language}"><seg>{segment}</seg></tuv>'


def tmx(*units, source="en", head="<!DOCTYPE tmx SYSTEM 'tmx14.dtd'>", end="</body></tmx>"):
    header = f'<header srclang="{source}" datatype="text" segtype="sentence"/>'
    body = "".join(
        unit if unit.startswith("<tu") and unit.endswith("</tu>") else f'<tu tuid="{n}">{unit}</tu>'
        for n, unit in enumerate(units)
    )
    return f"<?xml version='1.0'?>{head}<tmx version='1.4'>{header}<body>{body}{end}"


def items(make_input, data, name="x.tmx"):
    return list(translations.read_tmx(make_input(name, data.encode() if isinstance(data, str) else data)))


def texts(found):
    return [item.text for item in found if isinstance(item, Document)]


def kinds(found):
    return [getattr(item, "reason", "") or "document" for item in found]


def read_all(folder):
    """All items of an input, as a run reads it."""
    planned = plan(SOURCE, expand(str(folder)), 1 << 30)
    return planned, [item for unit in planned.units for item in SOURCE.readers[unit.reader].read(unit.file)]


def test_a_unit_is_a_document(make_input):
    french = tuv("fr", "Depuis combien&#10; de temps&#160;?")
    unit = f'<tu tuid="CMU:1"><prop type="note">from X</prop>{tuv("EN", "How long?")}{french}</tu>'
    (item,) = items(make_input, tmx(unit), "d/x.tmx")
    assert item.text == "en: How long?\nfr: Depuis combien de temps ?"
    assert (item.source, item.licence, item.domain) == ("translation_memories:d/x.tmx#0", "NOASSERTION", "language")
    assert item.meta == {"source_lang": "en", "target_lang": "fr", "unit": "CMU:1", "note": "from X"}


def test_the_source_comes_first_and_goes_with_each_translation(make_input):
    three = tuv("fr", "un") + tuv("en-GB", "one") + tuv("de", "eins")
    found = items(make_input, tmx(three, f'<tu srclang="de">{three}</tu>', f'<tu srclang="*all*">{three}</tu>'))
    assert texts(found) == [
        "en-gb: one\nfr: un",
        "en-gb: one\nde: eins",
        "de: eins\nfr: un",
        "de: eins\nen-gb: one",
    ] + [
        "fr: un\nen-gb: one",
        "fr: un\nde: eins",
    ]
    assert len({item.source for item in found}) == 6 and found[1].source.endswith("#0/1")


def test_what_is_no_pair_says_why(make_input):
    units = [
        tuv("en", "a") + tuv("fr", "b"),
        tuv("en", "alone"),
        "",
        tuv("en", "a") + tuv("fr", " "),
        tuv("en", "") + tuv("fr", "b"),
        tuv("en", "a") + "<tuv><seg>b</seg></tuv>",
        tuv("en", "old", "lang") + tuv("fr", "vieux", "lang"),
    ]
    found = items(make_input, tmx(*units))
    assert kinds(found) == "document one_language one_language empty_side empty_side no_language document".split()
    assert isinstance(found[5], Quarantined) and [item.offset for item in found[1:6]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        ("Press <bpt i='1'>&lt;b&gt;</bpt>here<ept i='1'>&lt;/b&gt;</ept> now", "Press here now"),
        ("Line<ph type='lb'/>break, br<ph>&lt;br/&gt;</ph>too, code<ph>{0}</ph>s", "Line break, br too, codes"),
        (
            "A <hi type='x'>high <hi>light</hi></hi> stays, <it pos='begin'>&lt;i&gt;</it>this too<ut>x</ut>.",
            "A high light stays, this too.",
        ),
        ("Note<ph>&lt;fn&gt;<sub>inner text</sub></ph> goes", "Note goes"),
        ("<!-- no -->a &lt; b &amp; c", "a < b & c"),
        ("a&nbsp;b", "a b"),
    ],
)
def test_inline_elements(make_input, segment, text):
    (item,) = items(make_input, tmx(tuv("en", segment) + tuv("fr", "x")))
    assert item.text == f"en: {text}\nfr: x"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1"])
def test_encodings(make_input, encoding):
    data = tmx(tuv("en", "size") + tuv("de", "Größe")).replace(
        "1.0'", f"1.0' encoding='{encoding.removesuffix('-sig')}'"
    )
    assert texts(items(make_input, gzip.compress(data.encode(encoding)), "x.tmx.gz")) == ["en: size\nde: Größe"]


@pytest.mark.parametrize("end", ["<tu><tuv", "</wrong>", "\x01", ""])
def test_a_file_that_breaks_keeps_what_was_whole(make_input, end):
    pair = tuv("en", "a") + tuv("fr", "b")
    assert kinds(items(make_input, tmx(pair, pair, end=end))) == ["document", "document", "malformed"]


def test_hostile_files(make_input):
    pair = tuv("en", "a") + tuv("fr", "b")
    assert kinds(items(make_input, tmx(pair, head="<!DOCTYPE tmx [<!ENTITY a 'b'>]>"))) == ["entities"]
    assert kinds(items(make_input, tmx(pair, head="<!DOCTYPE tmx [<!ELEMENT tmx ANY>]>"))) == ["document"]
    assert kinds(items(make_input, b"")) == ["malformed"] and kinds(items(make_input, tmx())) == ["empty"]
    assert kinds(items(make_input, tmx("<hi>" * 1000))) == ["malformed"]
    nested = tuv("en", "<hi>" * 150 + "deep" + "</hi>" * 150) + tuv("fr", "b")
    assert texts(items(make_input, tmx(nested))) == ["en: deep\nfr: b"]


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("News.en-fr.en", "News.en-fr.fr"),
        ("en-fr.en", "en-fr.fr"),
        ("train.en", "train.fr"),
        ("a.b.en-fr.en.gz", "a.b.en-fr.fr.gz"),
        ("x.en-fr.en", "x.en-fr.fr.gz"),
    ],
)
def test_moses_pairs(tmp_path, english, french):
    pack = {name: gzip.compress if name.endswith(".gz") else bytes for name in (english, french)}
    write(
        tmp_path / "in/d",
        **{
            english: pack[english](b"one\n two \n\nfour"),
            french: pack[french]("un\ndeux\ntrois\nquatre é\r\n".encode()),
        },
    )
    planned, found = read_all(tmp_path / "in")
    assert [unit.file.name for unit in planned.units] == [f"d/{french}"] and not planned.unclaimed
    assert texts(found) == ["en: one\nfr: un", "en: two\nfr: deux", "en: four\nfr: quatre é"]
    assert kinds(found) == ["document", "document", "empty_side", "document"]
    assert found[0].source == f"translation_memories:d/{french}#0" and found[3].source.endswith("#3")
    assert found[0].meta == {"source_lang": "en", "target_lang": "fr"} and found[2].offset == len("un\ndeux\n")


def test_the_first_language_of_a_pair_is_the_source(tmp_path):
    write(tmp_path / "in", **{"x.fr-zh_CN.fr": "un\n", "x.fr-zh_CN.zh_CN": "一\n", "x.fr-zh_CN.ids": "1\n"})
    planned, found = read_all(tmp_path / "in")
    assert texts(found) == ["fr: un\nzh-cn: 一"] and not planned.unclaimed


def test_each_file_of_a_group_goes_with_its_pivot(tmp_path):
    write(tmp_path / "a", **{"t.en": "one\n", "t.fr": "un\n", "t.de": "eins\n"})
    write(tmp_path / "b", **{"t.fr": "un\n", "t.de": "eins\n", "t.it": "uno\n"})
    assert sorted(texts(read_all(tmp_path / "a")[1])) == ["en: one\nde: eins", "en: one\nfr: un"]
    assert sorted(texts(read_all(tmp_path / "b")[1])) == ["de: eins\nfr: un", "de: eins\nit: uno"]


@pytest.mark.parametrize(
    ("english", "french", "tail"), [(b"1\n2\n3\n4\n", b"un\ndeux\n", 4), (b"1\n2\n", b"un\ndeux\ntrois\nq", 7)]
)
def test_lines_without_a_counterpart_are_quarantined(tmp_path, english, french, tail):
    write(tmp_path / "in", **{"x.en-fr.en": english, "x.en-fr.fr": french})
    found = read_all(tmp_path / "in")[1]
    assert kinds(found) == ["document", "document", "unpaired_lines"]
    assert found[2].num_bytes == tail and found[2].offset == 8


def test_a_file_alone_and_a_name_without_languages(tmp_path):
    write(tmp_path / "in", **{"x.en-fr.fr": "un\n", "y.de": "eins\n"})
    planned, found = read_all(tmp_path / "in")
    assert len(planned.units) == 2 and kinds(found) == ["no_counterpart", "no_counterpart"]
    (item,) = translations.read_moses(expand(str(tmp_path / "in/y.de"))[0])
    assert item.reason == "no_counterpart" and item.num_bytes == 5
    write(tmp_path / "other", **{"x.en-fr.de": "eins\n"})
    assert kinds(read_all(tmp_path / "other")[1]) == ["no_counterpart"]


def test_broken_lines_cost_only_themselves(tmp_path, monkeypatch):
    monkeypatch.setattr(translations, "MAX_SEGMENT_BYTES", 100)
    write(
        tmp_path / "in",
        **{"x.en-fr.en": b"1\n\xff\n3\n" + b"x" * 101 + b"\n5\n", "x.en-fr.fr": b"un\ndeux\nt\x00rois\nquatre\ncinq\n"},
    )
    found = read_all(tmp_path / "in")[1]
    assert kinds(found) == ["document", "undecodable", "binary", "line_too_long", "document"]
    assert [item.offset for item in found[1:4]] == [3, 8, 15]


def test_a_counterpart_that_breaks_off(tmp_path):
    lines = "".join(f"{n * 7919 % 99991} {n}\n" for n in range(5000)).encode()
    write(tmp_path / "in", **{"x.en-fr.en.gz": gzip.compress(lines)[:-2000], "x.en-fr.fr": lines})
    found = read_all(tmp_path / "in")[1]
    assert kinds(found)[-1] == "truncated" and set(kinds(found)[:-1]) == {"document"} and len(found) > 1000


def test_two_empty_files(tmp_path):
    write(tmp_path / "in", **{"x.en-fr.en": "", "x.en-fr.fr": ""})
    assert kinds(read_all(tmp_path / "in")[1]) == ["empty"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("News.en-fr.tsv", "one\tun\textra\n\ntwo\tdeux\nthree\n\tquatre\n"),
        ("en_fr.tsv", "one\tun\textra\n\ntwo\tdeux\nthree\n\tquatre\n"),
    ],
)
def test_tab_separated_pairs(tmp_path, name, data):
    write(tmp_path / "in", **{name: data})
    found = read_all(tmp_path / "in")[1]
    assert kinds(found) == ["document", "empty_side", "document", "malformed", "empty_side"]
    assert texts(found) == ["en: one\nfr: un", "en: two\nfr: deux"]


def test_a_header_may_name_the_languages(tmp_path):
    write(tmp_path / "in", **{"x.tsv": "\ufeffde\tpt-BR\nJa\tSim\n"})
    found = read_all(tmp_path / "in")[1]
    assert kinds(found) == ["header", "document"] and texts(found) == ["de: Ja\npt-br: Sim"]
    write(tmp_path / "both", **{"x.de-en.tsv": "de\ten\nin\tan\n"})
    assert kinds(read_all(tmp_path / "both")[1]) == ["header", "document"]
    write(tmp_path / "none", **{"x.tsv": "Ja, das ist so.\tSim\n"})
    assert kinds(read_all(tmp_path / "none")[1]) == ["no_languages"]


def test_every_file_has_one_reader():
    known = [
        "x.tmx",
        "x.tmx.gz",
        "x.tsv",
        "x.en-fr.en",
        "x.eng-deu.deu",
        "x.pt_br-en.pt_br",
        "train.de",
        "a/b/c.en-zh_cn.zh_cn",
    ]
    for name in known:
        file = InputFile(f"/in/{name}", "/in", 1)
        assert any(file.matches(reader.patterns) for reader in SOURCE.readers), name
    for name in ("x.txt", "x.py", "x.json", "x.md", "x.html", "x.xml"):
        assert not any(InputFile(f"/in/{name}", "/in", 1).matches(reader.patterns) for reader in SOURCE.readers), name


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["x.tmx", "x.en-fr.fr", "x.en-fr.tsv", "x.tsv"]),
    st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from(
                [*tmx(tuv("en", "a<ph/>b") + tuv("fr", "c")).split("<"), "tu>", "/tu>", "tuv>", "seg>", "\t", "\n"]
            )
        ).map(lambda found: "<".join(found).encode()),
    ),
)
def test_whatever_the_bytes_items_come_and_no_error(tmp_path_factory, name, data):
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    write(folder, **{name: data, "x.en-fr.en": data[::-1]})
    file = InputFile(str(folder / name), str(folder), len(data))
    reader = next(reader for reader in SOURCE.readers if file.matches(reader.patterns))
    found = list(reader.read(file))
    assert found and all(isinstance(item, Document | Quarantined | Skipped) for item in found)
    pickle.dumps(found)


@settings(max_examples=50, deadline=None)
@given(
    st.sets(st.sampled_from(["x.en-fr.en", "x.en-fr.fr", "t.en", "t.fr", "t.de.gz", "t.it", "README.de", "u.fr-de.de"]))
)
def test_each_file_is_read_or_is_a_pivot(tmp_path_factory, names):
    folder = tmp_path_factory.getbasetemp() / f"roots-{len(names)}-{hash(frozenset(names)) & 0xFFFFFF}"
    write(folder, **{name: "a\n" for name in names})
    files = [InputFile(str(folder / name), str(folder), 2) for name in sorted(names)]
    chosen = parallel_files.roots(files)
    pivots = [parallel_files.counterpart(file)[2] for file in chosen]
    assert {file.name for file in chosen} | {file.name for file in pivots if file} == names
    assert not {file.name for file in chosen} & {file.name for file in pivots if file}


def test_the_samples(samples):
    planned, found = read_all(samples("language/translation_memories"))
    assert planned.units and not planned.unclaimed
    assert not any(isinstance(item, Quarantined) for item in found)
    counts = {unit.file.name: 0 for unit in planned.units}
    for item in found:
        assert isinstance(item, Document)
        counts[item.source.partition(":")[2].rpartition("#")[0]] += 1
        source, target = item.text.split("\n")
        assert source.startswith(f"{item.meta['source_lang']}: ") and target.startswith(f"{item.meta['target_lang']}: ")
    for name, count in counts.items():
        if name.startswith("all.en-"):
            assert (
                count == 3071 and next(item for item in found if name in item.source).meta["target_lang"] == name[7:9]
            )
