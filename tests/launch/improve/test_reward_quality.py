"""A learned quality is the logistic function of the reward model's score of prompt, completion and end."""

import sys
import types

import numpy as np
import pytest

from data import tokenizer as tokenizer_lib
from data.verifiable import tasks
from launch.tuning.quality import judge
from launch.improve.reward_quality import probabilities_of
from launch.tuning.sampling import Sample, prompt_ids
from launch.train_tokenizer import MODEL_FILE
from data.verifiable.verify import Verifier
from tests.launch.improve.conftest import toy_config


def test_completions_are_scored_whole_and_a_score_that_is_no_number_is_refused(tmp_path, context_in, made, monkeypatch):
    seen, given = [], [0.0, np.log(4.0), -800.0]
    stub = types.ModuleType("launch.reward.model")
    stub.model_config = lambda config: "model"
    stub.load = lambda folder, model, digest: ((folder.name, digest), {})

    def score_all(model, params, texts, width):
        assert (model, params, width) == ("model", ("reward", "abc"), 48)
        seen.extend(texts)
        return np.array(given, np.float32)

    stub.score_all = score_all
    package = types.ModuleType("launch.reward")
    package.model = stub
    monkeypatch.setitem(sys.modules, "launch.reward", package)
    monkeypatch.setitem(sys.modules, "launch.reward.model", stub)
    config = toy_config()
    config.improve.quality = "reward"
    context = context_in(tmp_path, config)
    (tmp_path / "reward").mkdir()
    (tmp_path / "reward" / "manifest.json").write_text('{"outputs": {"checkpoints": "abc"}}')
    tokenizer = tokenizer_lib.load(made / "tokenizer" / MODEL_FILE)
    probabilities = probabilities_of(context, tokenizer)
    problems = tasks.problems("remainders", 3, 0, "train")
    samples = [Sample(problem, 0, 0, "Answer: 5", number != 1) for number, problem in enumerate(problems)]
    with Verifier() as verifier:
        judged = judge(verifier, samples, probabilities)
        assert [one.quality for one in judged] == pytest.approx([0.5, 0.8, 0.0])
        for sample, ids in zip(samples, seen):
            end = [tokenizer.eos_id] if sample.finished else []
            assert ids.tolist() == prompt_ids(tokenizer, sample.problem) + tokenizer.encode("Answer: 5").tolist() + end
        given[0] = np.nan
        with pytest.raises(ValueError, match="no probabilities, the first nan"):
            judge(verifier, samples, probabilities)
