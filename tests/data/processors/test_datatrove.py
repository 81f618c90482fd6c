"""Decisions are datatrove's, rule by rule, on real and on damaged documents."""

import pathlib
import random
import sysconfig

import pytest

from data.document import Document

pytestmark = pytest.mark.slow


def corpus():
    """Prose and code of the standard library, whole, cut, repeated and with lines dropped and doubled."""
    root = pathlib.Path(sysconfig.get_paths()["stdlib"])
    rng = random.Random(0)
    texts = []
    for name in (
        "argparse.py",
        "LICENSE.txt",
        "pydoc_data/topics.py",
        "textwrap.py",
        "this.py",
        "statistics.py",
        "heapq.py",
    ):
        path = root / name
        if path.exists():
            lines = path.read_text(encoding="utf-8").split("\n")
            texts += ["\n".join(lines[start : start + 60]) for start in range(0, min(len(lines), 1500), 60)]
    texts += [text.replace("\n", " ") for text in texts[::3]]
    for text in texts[::2]:
        lines = text.split("\n")
        texts.append("\n".join(rng.choice(lines) for _ in lines))
        words = text.split()
        texts.append(" ".join(words[:40] * 3 + words))
        texts.append(". ".join(rng.sample(words, min(30, len(words)))) + "...\n" + " ".join(words))
    return [text for text in texts if text.strip()]


@pytest.fixture(scope="module")
def sides():
    pytest.importorskip("datatrove", reason="datatrove is a peer of the tests only")
    pytest.importorskip("spacy", reason="spaCy is a peer of the tests only")
    from benchmarks.data_filters import Datatrove, Ours

    return Ours(), Datatrove(False), Datatrove(True)


def test_the_whole_chain(sides):
    from benchmarks.data_filters import agreement

    ours, theirs, matched = (side.decide(corpus()) for side in sides)
    reasons = {decision.reason for decision in ours}
    assert len(ours) > 100 and "" in reasons and len(reasons) > 8
    for others in (theirs, matched):
        same = agreement(ours, others)
        assert same["decisions"] == same["reasons"] == same["texts"] == 1.0, same["differing"]


def test_every_filter_by_itself(sides):
    """In a chain the first rules hide the later ones: each filter is asked about every document."""
    from datatrove.data import Document as TheirDocument

    from benchmarks.data_filters import SAME_REASON
    from data.processors.c4 import C4
    from data.processors.fineweb import FINEWEB
    from data.processors.gopher import REPETITION, quality
    from data.processors.rules import Profile, judge
    from data.processors.view import DocView

    seen = set()
    for theirs, ours in zip(sides[1]._filters, (REPETITION, quality(), C4, FINEWEB), strict=True):
        for text in corpus():
            found = theirs.filter(TheirDocument(text=text, id=""))
            mine = judge(DocView(Document(text, "language", "", "")), Profile("one", ours))
            reason = "" if isinstance(mine, DocView) else SAME_REASON[mine.reason]
            # Which of two reasons a page is dropped for depends on their order in it.
            if found is True or found[1] not in ("lorem_ipsum", "curly_bracket"):
                assert reason == ("" if found is True else found[1]), text[:200]
            seen.add(reason)
    assert len(seen) > 12, seen
