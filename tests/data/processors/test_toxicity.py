"""The toxicity score: a probability, the same alone and in a batch, higher for abuse than for thanks."""

import gzip
import json
import os
import pathlib

import pytest

from data.processors import toxicity

THANKS = "Thank you very much for your kind letter about the garden."
ABUSE = "You are a fucking idiot and everybody hates you, bitch."


def test_a_probability():
    low, high = toxicity.scores([THANKS, ABUSE])
    assert 0 <= low < 0.2 < 0.8 < high <= 1
    assert toxicity.score(THANKS) == pytest.approx(low)
    assert toxicity.scores([]) == []
    assert 0 <= toxicity.score("") <= 1


def test_the_beginning_of_a_long_text_decides():
    long = THANKS * (toxicity.MAX_CHARACTERS // len(THANKS) + 1)
    assert toxicity.score(long + ABUSE * 1000) == toxicity.score(long[: toxicity.MAX_CHARACTERS])


def test_tells_toxic_prompts_apart():
    import sklearn.metrics

    base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", pathlib.Path(__file__).resolve().parents[4] / "shared"))
    path = base / "benchmarks" / "realtoxicityprompts" / "val_2500.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no {path}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line)["continuation"] for _, line in zip(range(400), lines, strict=False)]
    rows = [row for row in rows if row["toxicity"] is not None]
    scores = toxicity.scores([row["text"] for row in rows])
    assert sklearn.metrics.roc_auc_score([row["toxicity"] >= 0.5 for row in rows], scores) > 0.8
