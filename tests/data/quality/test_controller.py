"""The controller: what each score says, when a batch is rejected, and that thresholds don't depend on its size."""

from __future__ import annotations

import dataclasses
import json
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.document import Document, ReadRequest
from data.generators import logic_problems, math_problems
from data.quality import accuracy, complexity, controller, toxic
from data.quality.controller import Thresholds
from data.quality.toxic import Detector
from data.sources import stdlib_code


def _marked(texts):
    """A detector that is sure: texts that say so are toxic."""
    return [0.9 if "INSULT" in text else 0.05 for text in texts]


SURE = Detector("marks", _marked, clean=0.05, toxic=0.9, auroc={"marked": 1.0})


def prose(index):
    rng = random.Random(index)
    words = ["".join(rng.choices("abcdefghijklmnop", k=5)) for _ in range(60)]
    return Document(" ".join(words) + ".", "language", f"s:{index}", "CC0-1.0")


@pytest.fixture(scope="module")
def code():
    found = stdlib_code.read(ReadRequest(num_shards=24, shard=5))
    return [item for item in found if isinstance(item, Document) and len(item.text) > 120]


def test_an_ordinary_batch_is_accepted_with_all_four_scores(code):
    report = controller.judge(code, Thresholds(), SURE)
    assert report.accepted and report.reasons == () and report.evidence == ()
    assert report.documents == len(code)
    assert report.accuracy.value == 1 and report.accuracy.checked == len(code)
    assert 0.2 < report.complexity < 0.8 and report.toxicity == 0
    assert (report.detector, report.detector_auroc) == ("marks", {"marked": 1.0})


def test_repetition_and_toxicity_reject_each_by_its_name():
    same = [prose(1)] * 20
    rude = [dataclasses.replace(prose(n), text=("INSULT " * (n % 4 == 0)) + prose(n).text[:300]) for n in range(40)]
    assert controller.judge(same, Thresholds(), SURE).reasons == ("diversity",)
    report = controller.judge(rude, Thresholds(), SURE)
    assert report.reasons == ("toxicity",) and report.toxicity == pytest.approx(0.25) and "marks" in report.evidence[0]
    assert not controller.judge(same, Thresholds(), SURE).accepted
    both = [dataclasses.replace(prose(1), text=prose(1).text + " INSULT")] * 20
    assert controller.judge(both, Thresholds(), SURE).reasons == ("diversity", "toxicity")
    assert controller.judge(both, Thresholds(diversity=0, toxicity=1), SURE).accepted


def test_the_other_two_reject_only_where_asked_to():
    batch = [prose(n) for n in range(20)]
    wrong = [
        dataclasses.replace(math_problems.generate("algebra", 1, n), text=f"{prose(n).text} no certificate")
        for n in range(20)
    ]
    assert controller.judge(batch, Thresholds(complexity=1.0), SURE).reasons == ("complexity",)
    assert controller.judge(batch, Thresholds(accuracy=0.9), SURE).accepted  # nothing of it can be checked
    assert controller.judge(wrong, Thresholds(), SURE).accepted
    report = controller.judge(wrong, Thresholds(accuracy=0.5), SURE)
    assert report.reasons == ("accuracy",) and report.accuracy.value == 0


def test_the_report_is_json_and_says_what_was_asked():
    report = controller.judge([prose(n) for n in range(9)], Thresholds(diversity=0.5), SURE)
    value = json.loads(json.dumps(report.to_json()))
    assert value["scores"]["accuracy"] is None and set(value["scores"]) == {
        "diversity",
        "complexity",
        "accuracy",
        "toxicity",
    }
    assert value["thresholds"]["diversity"] == 0.5 and value["accepted"] is True and value["reasons"] == []
    assert value["detector_auroc"] == {"marked": 1.0}


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="without documents"):
        controller.judge([], Thresholds(), SURE)


def test_scores_of_small_batches_average_to_that_of_the_large_one(code):
    """Complexity, accuracy and toxicity are means over documents: equal parts average to the whole."""
    pool = [*code[:64], *(math_problems.generate("algebra", 1, n) for n in range(64))]
    pool = [dataclasses.replace(d, text=d.text + " INSULT") if n % 3 == 0 else d for n, d in enumerate(pool)]
    random.Random(1).shuffle(pool)
    whole = controller.judge(pool, Thresholds(), SURE)
    parts = [controller.judge(pool[at : at + 8], Thresholds(), SURE) for at in range(0, len(pool), 8)]
    assert np.mean([part.complexity for part in parts]) == pytest.approx(whole.complexity)
    assert np.mean([part.toxicity for part in parts]) == pytest.approx(whole.toxicity)
    right = sum(part.accuracy.value * part.accuracy.checked for part in parts) / sum(
        part.accuracy.checked for part in parts
    )
    assert right == pytest.approx(whole.accuracy.value)


# --- toxicity


def test_toxicity_is_the_share_of_toxic_texts():
    unsure = Detector(
        "unsure", lambda texts: [0.5 if "INSULT" in text else 0.1 for text in texts], clean=0.1, toxic=0.5
    )
    texts = ["INSULT"] * 3 + ["fine"] * 7
    assert toxic.measure(texts, unsure) == pytest.approx(0.3)
    assert toxic.measure(["fine"], dataclasses.replace(unsure, clean=0.2)) == 0
    plain = dataclasses.replace(unsure, clean=0.0, toxic=1.0)
    assert toxic.measure(texts, plain) == pytest.approx(0.22)


def test_long_texts_are_judged_piece_by_piece():
    text = "calm words here " * 600 + "INSULT"
    parts = toxic.pieces("calm words here " * 100)
    assert "".join(parts) == "calm words here " * 100 and all(
        len(part) <= toxic.PIECE_CHARACTERS + 50 for part in parts
    )
    assert len(toxic.pieces(text)) == toxic.MAX_PIECES
    assert toxic.pieces("") == [""] and toxic.pieces("short") == ["short"]
    [score] = toxic.mean_scores(["calm " * 100 + "INSULT"], SURE)
    assert 0.05 < score < 0.9


@settings(max_examples=80, deadline=None)
@given(st.text(st.sampled_from("ab \n"), max_size=3000))
def test_pieces_of_texts_that_are_not_too_long_are_the_text(text):
    assert "".join(toxic.pieces(text)) == text


def test_the_shipped_detector_tells_calm_from_rude():
    detector = toxic.default_detector()
    calm = [f"The committee met on day {n} to discuss the budget of the library." for n in range(10)]
    rude = [f"You are a stupid fucking idiot number {n}." for n in range(10)]
    assert toxic.measure(calm, detector) < 0.1 < 0.5 < toxic.measure(rude, detector)
    assert toxic.measure([*calm * 4, *rude[:8]], detector) > 0.1
    assert detector.auroc["realtoxicityprompts"] > 0.8


# --- accuracy


def _program(text, language="go"):
    return Document(text, "code", "s:x", "MIT", meta={"kind": "program", "language": language})


@pytest.mark.parametrize(
    ("document", "right"),
    [
        (_program("package a\n\nfunc f() int { return 1 }\n"), True),
        (_program("package a\n\nfunc f( int { return ) + + }\n"), False),
        (_program("whatever", "cobol"), None),
        (Document("def f(): return 1\n", "code", "stdlib:x", "PSF-2.0"), True),
        (Document("def f(: return\n", "code", "stdlib:x", "PSF-2.0"), False),
        (Document("How do I?", "code", "s:x", "MIT", meta={"kind": "text"}), None),
        (Document("Answer: 4", "math", "s:x", "MIT", meta={"verified": "yes"}), True),
        (Document("Answer: 4", "math", "s:x", "MIT", meta={"verified": "no"}), False),
        (Document("Solution: #### 5\n#### 5\nAnswer: 4", "math", "s:x", "MIT", meta={"answer": "4"}), False),
        (Document("A proof of something", "math", "s:x", "MIT"), None),
        (math_problems.generate("calculus", 1, 2), True),
        (dataclasses.replace(math_problems.generate("calculus", 1, 2), text="other"), False),
        (logic_problems.generate("proof", 1, 2), True),
        (
            Document("1. e4 e5", "reasoning", "game_records:x", "CC0-1.0", meta={"certificate": {"game": "chess"}}),
            False,
        ),
        (Document("1. e4 e5", "reasoning", "game_records:x", "CC0-1.0"), None),
        (Document("Some prose.", "language", "s:x", "MIT"), None),
    ],
)
def test_what_can_be_checked_is(document, right):
    assert accuracy.is_right(document) is right


def test_an_executor_has_the_last_word_on_programs_that_parse():
    good, broken = _program("package a\n\nfunc f() int { return 1 }\n"), _program("package ( a } }{ +\n")
    asked = []

    def failing(document):
        asked.append(document)
        return False

    assert accuracy.is_right(good, failing) is False and accuracy.is_right(broken, failing) is False
    assert asked == [good]
    assert accuracy.is_right(good, lambda document: None) is True
    assert accuracy.is_right(math_problems.generate("algebra", 1, 1), failing) is True


@pytest.mark.parametrize(
    ("right", "checked", "lower"), [(0, 0, 0.0), (0, 10, 0.0), (10, 10, 0.7225), (5, 10, 0.2366), (98, 100, 0.9300)]
)
def test_wilson(right, checked, lower):
    assert accuracy.wilson_lower(right, checked) == pytest.approx(lower, abs=1e-4)


def test_wilson_grows_with_the_number_checked():
    bounds = [accuracy.wilson_lower(n, n) for n in range(1, 200)]
    assert bounds == sorted(bounds) and bounds[-1] < 1


# --- complexity


def test_complexity_grows_with_what_is_asked():
    def score(text, domain, **meta):
        return complexity.score(Document(text, domain, "s:x", "MIT", meta=meta))

    plain = "The cat sat. It was wet. We ran on. " * 5
    hard = "Multidimensional characterisation necessitates considerable computational infrastructure, moreover " * 5
    assert score(plain, "language") < 0.2 < 0.9 < score(hard, "language")
    nested = "def f(a):\n for x in a:\n  if x and a:\n   while x:\n    if a or x:\n     x = 1\n"
    assert score("x = 1\n", "code") < 0.2 < 0.6 < score(nested, "code")
    assert (
        score("1 + 1 = 2", "math")
        < 0.2
        < 0.7
        < score(
            r"$\int_{a}^{\frac{b}{c}} \sqrt{x_{(y+z)}} \, d\mu \leq \sup_{n} \lVert f_n \rVert^{2^{k}}$ so $\{[(q)]\}$",
            "math",
        )
    )
    assert score("dog", "multimodal") < score("Two small red dogs run behind the fence", "multimodal")


@pytest.mark.parametrize("kind", complexity.KNOTS)
def test_the_scale_is_a_distribution(kind):
    knots = complexity.KNOTS[kind]
    assert len(knots) == 11 and list(knots) == sorted(knots)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["code", "math", "language", "reasoning", "multimodal"]))
def test_no_document_makes_complexity_or_accuracy_fail(text, domain):
    document = Document(text, domain, "s:x", "MIT")
    assert 0 <= complexity.score(document) <= 1
    assert accuracy.is_right(document) in (True, False, None)
    assert math.isfinite(complexity.raw(document))
