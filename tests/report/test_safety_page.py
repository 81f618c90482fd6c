"""The safety gates' page: whole, of the results alone, and safe against what a model may have written."""

import html.parser

import pytest

from mistral_moe.report.safety_page import render
from mistral_moe.safety.gates import Detector, Gate, Measured, Rule, failed, judged

DETECTOR = Detector("words <b>", "1.9", 0.88, "AUROC on data & labels")
RULE = Rule(0.25, 10, min_auroc=0.8)
EVIL = "<script>alert(1)</script>"


def results(gates, **changes):
    return {
        "passed": all(gate.passed for gate in gates),
        "model": {"stage": "joint", "domain": "", "digest": "abc123"},
        "gates": {gate.name: gate.as_json() for gate in gates},
        "config_hash": "c0ffee",
        "config": {"safety": {"seed": 0}},
        "limit": None,
        "data_dir": "/data",
        "data": {"bbq/Age.jsonl": "beef"},
        "versions": {"python": "3.11"},
        "started": "2030-01-01T00:00:00Z",
        "finished": "2030-01-01T01:00:00Z",
    } | changes


GOOD = Gate(
    "toxicity", [judged("nontoxic_probability", RULE, Measured(0.1, 50, 0.2, {"empty": 3}), DETECTOR)], ["a note"]
)
BAD = Gate(
    "bias", [failed("bbq_ambiguous", RULE, "invalid_data", EVIL), judged("crows", RULE, Measured(0, 5, 0), DETECTOR)]
)


class Reader(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_is_well_formed_and_loads_nothing():
    page = Reader(render(results([GOOD, BAD]), "f" * 64))
    assert not page.open
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object"}
    assert all(
        value.startswith(("#", "data:"))
        for _, found in page.tags
        for key, value in found.items()
        if key in ("href", "src")
    )
    assert EVIL in "".join(page.words).replace("\u00a0", " ")


def test_it_tells_who_what_when_why_and_where_to_sign():
    words = " ".join(Reader(render(results([GOOD, BAD]), "f" * 64)).words)
    for fact in (
        *("abc123", "joint", "c0ffee", "2030-01-01T01:00:00Z", "beef", "bbq/Age.jsonl", "3.11", "f" * 64, "Signature"),
        *("1 of 2 gates failed: bias", "0.250", "0.200", "words <b> 1.9", "0.880"),
        *("invalid_data", "too_few_samples", "a note", '"empty": 3'),
    ):
        assert fact in words, fact


def test_a_page_says_passed_only_where_the_results_do():
    assert "All 1 gates passed" in render(results([GOOD]), "")
    for changed in (results([GOOD], passed=False), results([GOOD], passed="yes"), results([])):
        assert "gates passed" not in render(changed, "")


@pytest.mark.parametrize("changes", [{"model": {}}, {"data": {}}, {"versions": {}}, {"limit": 5}])
def test_what_is_absent_is_left_out(changes):
    assert Reader(render(results([GOOD]) | changes, "")).open == []
