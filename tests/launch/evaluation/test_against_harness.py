"""Our model behind lm-eval against lm-eval's own `hf` model on the same weights: equal answers to the same questions."""

import shutil

import numpy as np
import pytest
import torch
import transformers
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from data import tokenizer as tokenizer_lib
from launch import import_hf, saved_models
from launch.evaluation.lm import HarnessLM
from launch.evaluation.run_model import open_model
from launch.workdir import Workdir

WINDOW = 48
WORDS = "the cat sat on a mat while seven green birds sang of rain, bread & 3.14 naïve wishes — ok?".split()


@pytest.fixture(scope="module", params=[pytest.param("Mistral", marks=pytest.mark.slow), "Mixtral"])
def both(request, tmp_path_factory):
    """(ours, theirs) behind lm-eval's interface."""
    folder, workdir = tmp_path_factory.mktemp("hf"), tmp_path_factory.mktemp("work")
    torch.manual_seed(0)
    shape = dict(
        vocab_size=32_000,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=48,
        max_position_embeddings=WINDOW,
        sliding_window=None,
        initializer_range=0.3,
    )
    more = {"num_local_experts": 3, "num_experts_per_tok": 2} if request.param == "Mixtral" else {}
    config = getattr(transformers, f"{request.param}Config")(**shape, **more)
    model = getattr(transformers, f"{request.param}ForCausalLM")(config).eval()
    model.save_pretrained(folder)
    shutil.copyfile(tokenizer_lib.mistral_path("v1"), folder / "tokenizer.model")
    import_hf.import_model(str(folder), Workdir(workdir))
    ours = HarnessLM(open_model(saved_models.find(Workdir(workdir))))
    tokenizer = transformers.LlamaTokenizer.from_pretrained(folder, add_bos_token=True)
    tokenizer.pad_token = tokenizer.eos_token
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=8, max_length=WINDOW, add_bos_token=True)
    return ours, theirs


def sentence(rng, most):
    return " ".join(rng.choice(WORDS, rng.integers(1, most)))


def instances(kind, arguments):
    return [Instance(request_type=kind, doc={}, arguments=pair, idx=index) for index, pair in enumerate(arguments)]


def test_likelihoods_choices_and_greediness_are_equal(both):
    ours, theirs = both
    rng = np.random.default_rng(0)
    questions = [f"Question: {sentence(rng, 12 if n % 3 else 60)}?\nAnswer:" for n in range(24)]
    questions[5] += "  "  # trailing spaces go over to the answer
    pairs = [(question, " " + sentence(rng, 7)) for question in questions for _ in range(4)]
    mine = ours.loglikelihood(instances("loglikelihood", pairs))
    their = theirs.loglikelihood(instances("loglikelihood", pairs), disable_tqdm=True)
    np.testing.assert_allclose([n for n, _ in mine], [n for n, _ in their], rtol=1e-4, atol=1e-3)
    assert [bool(g) for _, g in mine] == [bool(g) for _, g in their]
    choice = lambda found: np.array([n for n, _ in found]).reshape(-1, 4).argmax(axis=1).tolist()  # noqa: E731
    assert choice(mine) == choice(their)
    assert ours.counted["truncated_prompts"] >= 4


def test_whole_texts_longer_than_the_window_are_equal(both):
    ours, theirs = both
    rng = np.random.default_rng(1)
    texts = [(sentence(rng, 150),) for _ in range(6)]
    # Theirs puts no beginning of a document where a tokenizer adds it to the text itself.
    theirs.add_bos_token = False
    try:
        their = theirs.loglikelihood_rolling(instances("loglikelihood_rolling", texts), disable_tqdm=True)
    finally:
        theirs.add_bos_token = True
    mine = ours.loglikelihood_rolling(instances("loglikelihood_rolling", texts))
    np.testing.assert_allclose(mine, their, rtol=1e-4, atol=1e-3)


def test_greedy_completions_are_equal_up_to_the_stop(both):
    ours, theirs = both
    rng = np.random.default_rng(2)
    settings = {"until": ["a", "\n"], "max_gen_toks": 12, "do_sample": False}
    prompts = [(f"Q: {sentence(rng, 8 if n % 2 else 80)}\nA:", dict(settings)) for n in range(8)]
    mine = ours.generate_until(instances("generate_until", prompts))
    their = theirs.generate_until(instances("generate_until", prompts), disable_tqdm=True)
    # Theirs decodes new tokens by themselves, which drops the space before the first word.
    assert [text.removeprefix(" ") for text in mine] == [text.removeprefix(" ") for text in their]
    assert any(mine)
