"""The verbs of texts: what each profile keeps and drops, over made documents and over the real samples."""

import collections
import dataclasses
import importlib

import hypothesis
import hypothesis.strategies as st
import pytest

from data.document import Document, Reject
from data.inputs import expand
from data.processors import rules, text
from data.processors.prose import PACKAGE_DOCS
from data.processors.rules import Edit, Profile
from data.processors.view import DocView
from data.sources.source import plan

PROSE = (
    "The keeper of the lighthouse had lived on the island for most of his life, and he knew every stone of it. When "
    "the winter storms came he would carry his lamp up the narrow stairs and sit beside the great lens until morning. "
    "Ships that passed far out at sea could be seen by their lights, and sometimes he gave them names of his own. "
    "Nobody ever answered, but that was not what he wanted. He had learned to read the weather from the birds."
)
GERMAN = (
    "Der Wärter des Leuchtturms lebte seit vielen Jahren auf der Insel und kannte jeden Stein. Wenn im Winter die "
    "Stürme kamen, trug er seine Lampe die enge Treppe hinauf und blieb bis zum Morgen neben der großen Linse sitzen. "
    "Schiffe, die weit draußen vorbeifuhren, sah man an ihren Lichtern, und manchmal gab er ihnen eigene Namen. "
    "Niemand antwortete ihm jemals, aber darum ging es ihm auch gar nicht. Er hatte gelernt, das Wetter zu lesen."
)
CHINESE = (
    "灯塔的守护者在岛上住了大半辈子，他熟悉这里的每一块石头。冬天风暴来临的时候，他提着灯走上狭窄的楼梯，"
    "在巨大的透镜旁边一直坐到天亮。远处海面上驶过的船只，从灯光就能辨认出来，有时他会给它们起名字。"
    "从来没有人回答过他，不过他想要的也不是回答。多年以来，他学会了从鸟儿的飞行中判断明天的天气。"
)


def document(content, licence="CC-BY-4.0", domain="language", **meta):
    return Document(content, domain, "t:1", licence, meta=meta)


def verdict(content, profile, **options):
    left = text.quality_filter(document(content, **options), profile)
    return left.reason if isinstance(left, Reject) else ""


@pytest.mark.parametrize("profile", ["web", "prose", "package_docs"])
def test_prose_is_kept(profile):
    kept = text.quality_filter(document(PROSE, "MIT", language="en"), profile)
    assert kept == document(PROSE, "MIT", language="en")


@pytest.mark.parametrize("profile", ["web", "prose"])
@pytest.mark.parametrize(("content", "language"), [(GERMAN, "de"), (CHINESE, "zh")])
def test_other_languages_are_kept(content, language, profile):
    assert verdict(content, profile, language=language) == ""
    assert verdict("\n".join([content[:40]] * 9), profile, language=language)


def test_a_page_is_given_its_language():
    kept = text.quality_filter(document(GERMAN), "web")
    assert kept.meta["language"] == "de" and kept.meta["language_probability"] > 0.9
    assert text.quality_filter(document(GERMAN, language="de", language_probability=0.4), "web").reason == "language"


def test_web_pages_are_cleaned():
    kept = text.quality_filter(document(f"Menu\n{PROSE}\nWe use cookies here.", language="en"), "web")
    assert kept.text == PROSE


@pytest.mark.parametrize("profile", sorted(text.PROFILES))
def test_common_refusals_come_first(profile):
    assert verdict(PROSE, profile, licence="CC-BY-NC-4.0") == "licence"
    assert verdict(PROSE + "\x00", profile, licence="MIT") == "not_text"


@pytest.mark.parametrize("profile", sorted(text.PROFILES))
def test_measures_are_those_of_the_rules(profile):
    measured = text.measures(document(PROSE, language="en"), profile)
    steps = [step for step in text.PROFILES[profile].steps if not isinstance(step, Edit)]
    view = DocView(document(PROSE, language="en"))
    assert set(measured) == {step.name for step in steps if step.asks(view)}
    assert len({step.name for step in steps}) == len(steps), "a name is counted: no two rules of a profile share it"
    assert all(step.paper for step in text.PROFILES[profile].steps)
    for step in steps:
        low, high = step.span
        assert low < high and (step.low >= low or step.high <= high), f"{step.name}: the curve misses the threshold"


def test_an_unknown_profile():
    with pytest.raises(ValueError, match="package_docs"):
        text.quality_filter(document(PROSE), "nothing")
    with pytest.raises(ValueError, match="prose"):
        text.measures(document(PROSE), "nothing")


PAIR = {"source_lang": "en", "target_lang": "de"}
HOUSE = "The old house beside the river has been empty since the winter."
HAUS = "Das alte Haus am Fluss steht seit dem Winter leer."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"en: {HOUSE}\nde: {HAUS}", ""),
        ("en: Yes.\nde: Ja, natürlich.", ""),
        (f"en: {HOUSE}\nde: ", "empty_side"),
        (f"en: {HOUSE}", "empty_side"),
        ("en: 1234\nde: 1234", "empty_side"),
        (f"en: {HOUSE}\nde: {HAUS * 6}", "length_ratio"),
        (f"en: {HOUSE}\nde: {HOUSE}", "copied"),
        (f"en: {HOUSE}\nde: La vieille maison au bord de la rivière est vide depuis l'hiver.", "other_language"),
        ("en: 10/20/30/40 x 50/60\nde: 10/20/30/40 y 50/60", "few_letters"),
    ],
)
def test_pairs(content, reason):
    assert verdict(content, "pairs", **PAIR) == reason


def test_pairs_of_scripts_of_other_widths():
    content = f"en: {HOUSE}\nzh: 河边的那座老房子从冬天起就一直空着。"
    assert verdict(content, "pairs", source_lang="en", target_lang="zh") == ""


@pytest.mark.parametrize(
    ("profile", "content", "reason"),
    [
        (
            "qa",
            "How do I sort?\n\n```\n" + "x = sorted(y)\n" * 20 + "```\n\nUse sorted() or the method sort of the list.",
            "",
        ),
        ("qa", "```\n" + "x = sorted(y)\n" * 20 + "```", "few_letters_outside_code"),
        ("qa", "Why?", "too_short"),
        ("reviews", "Please rename this variable, it shadows the module.", ""),
        ("reviews", "LGTM", "too_short"),
        ("docs", "# Title\n\n" + PROSE, ""),
        ("docs", PROSE + "\n\n" + "QUJDRA" * 200, "encoded_data"),
        ("docs", "\n".join(f"| {n} | {n * n} |" for n in range(100)), "few_letters"),
        ("puzzles", "Two of three say that the third lies. Who lies?", ""),
        ("puzzles", "Who?", "too_short"),
        ("games", "1. e4 e5 2. Nf3", ""),
        ("games", " 1-0 ", "too_short"),
        ("papers", PROSE, "too_short"),
        ("papers", PROSE + "\n" + GERMAN + "\n" + PROSE.upper() + "\n" + GERMAN.upper(), ""),
        ("legal", PROSE, ""),
        ("wiki", "# Stone\n\n" + PROSE, ""),
        ("wiki", "# Stone\n\nA stone.", "too_short"),
        ("package_docs", PROSE[:150], "too_short"),
        ("package_docs", PROSE + " 12345 67890" * 30, "few_letters"),
        ("package_docs", GERMAN, "not_english_prose"),
        ("package_docs", "the cat and " * 50, "repetitive"),
    ],
)
def test_profiles(profile, content, reason):
    assert verdict(content, profile, licence="MIT") == reason


def test_package_docs_thresholds():
    assert [(rule.name, rule.low) for rule in PACKAGE_DOCS] == [
        ("too_short", 200),
        ("few_letters", 0.66),
        ("not_english_prose", 0.18),
        ("repetitive", 0.25),
    ]


def test_standard_form():
    kept = text.standardize_format(document("a\tb \r\n\r\n\r\n\r\n\r\nschÃ¶n\x07"))
    assert kept.text == "a   b\n\n\nschön"
    assert text.standardize_format(document("a\tb", domain="code")).text == "a\tb"
    assert text.standardize_format(document(" \n\x07")).reason == "empty"
    same = document(PROSE)
    assert text.standardize_format(same) is same


def test_personal_data_is_replaced_and_counted():
    kept = text.prepare_for_expert(document("Ask bob@mail.org or bob@mail.org, +44 20 7946 0958.", url="u"))
    assert kept.text == "Ask <EMAIL> or <EMAIL>, <PHONE>."
    assert kept.meta == {"url": "u", "pii": {"email": 2, "phone": 1}}
    same = document(PROSE)
    assert text.prepare_for_expert(same) is same


def test_secrets_in_texts_about_code_are_replaced():
    token = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
    kept = text.prepare_for_expert(document(f"I ran git push with {token} and bob@mail.org saw it.", domain="code"))
    assert token not in kept.text and "bob@" not in kept.text
    assert sum(kept.meta["pii"].values()) == 2


WORDS = st.sampled_from(
    ["the", "cat", "of", "and", "12", "{", "...", "\n", "\n\n", "•", "-", "#", "über", "中文", "\ud800", "\x00"]
)


@hypothesis.given(
    st.lists(WORDS, max_size=60), st.sampled_from(sorted(text.PROFILES)), st.sampled_from(["", "en", "th"])
)
@hypothesis.settings(max_examples=200, deadline=None)
def test_any_text_is_judged(parts, profile, language):
    item = document(" ".join(parts), "MIT", language=language, **PAIR)
    kept = text.quality_filter(item, profile)
    assert isinstance(kept, (Document, Reject))
    if isinstance(kept, Document):
        standard = text.standardize_format(kept)
        if isinstance(standard, Document):
            prepared = text.prepare_for_expert(standard)
            assert text.standardize_format(prepared) == prepared


def test_a_kept_document_is_kept_again():
    item = document(f"Menu\n{PROSE}\n{GERMAN}", language="en")
    once = text.quality_filter(item, "web")
    assert text.quality_filter(once, "web") == once


def test_a_view_computes_a_feature_once():
    calls = []

    def feature(view):
        calls.append(view)
        return len(view.text)

    view = DocView(document(PROSE))
    assert view.feature(feature) == view.feature(feature) == len(PROSE)
    assert len(calls) == 1 and view.with_text(PROSE) is view
    assert view.with_text("x").feature(feature) == 1


def test_a_rule_that_does_not_apply_has_no_measure():
    rule = dataclasses.replace(text.PROFILES["package_docs"].steps[0], applies=lambda view: False)
    edit = Edit("cut", lambda view: "", applies=lambda view: False)
    profile = Profile("none", (edit, rule))
    assert rules.measures(DocView(document("x")), profile) == {}
    assert rules.judge(DocView(document("x")), profile).text == "x"


SAMPLES = {
    "language/common_crawl_filtered": 0.15,
    "language/books_corpus": 0.9,
    "language/news_archives": 0.8,
    "language/multilingual_wiki": 0.8,
    "language/translation_memories": 0.99,
    "reasoning/philosophy_texts": 0.9,
    "reasoning/scientific_papers": 0.5,
    "reasoning/legal_cases": 0.7,
    "reasoning/logic_puzzles": 0.99,
    "reasoning/game_records": 1.0,
    "code/stackoverflow_qa": 0.95,
    "code/documentation_corpus": 0.9,
    "code/code_reviews": 0.9,
    "code/bug_reports": 0.9,
}


@pytest.mark.parametrize("folder", SAMPLES)
def test_samples(folder, samples):
    domain, name = folder.split("/")
    source = next(s for s in importlib.import_module(f"data.sources.{domain}.registry").SOURCES if s.name == name)
    outcomes = collections.Counter()
    units = plan(source, expand(str(samples(folder))), 1 << 30).units
    for unit in units:
        for number, item in enumerate(source.readers[unit.reader].read(unit.file)):
            if not isinstance(item, Document) or number % (20 if source.profile == "pairs" else 1):
                continue  # pairs are all of a kind
            kept = text.quality_filter(item, source.profile)
            outcomes["kept" if isinstance(kept, Document) else kept.reason] += 1
            if isinstance(kept, Document):
                standard = text.standardize_format(kept)
                prepared = text.prepare_for_expert(standard)
                assert text.standardize_format(prepared) == prepared
                assert text.prepare_for_expert(prepared).text == prepared.text
    assert outcomes["kept"] >= SAMPLES[folder] * outcomes.total() > 0, outcomes
