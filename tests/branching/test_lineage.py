"""Where each leaf came from, and the refusal to mix what has different parents."""

import pytest

from mistral_moe.branching.lineage import explain, of_mix, of_run, refuse_strangers
from mistral_moe.branching.mix import MixError

DENSE = {"embedding": 0, "layers": {"ffn": {"gate": 0}, "attention": {"key": 0}}}
MIXTURE = {
    "embedding": 0,
    "layers": {"experts": {"gate": 0}, "attention": {"key": 0}},
    "router": {"kernel": 0},
}
SEED = of_run(DENSE, DENSE, None, {"stage": "seed", "tokenizer_sha256": "t" * 64})


def branch(name, **facts):
    facts = {"stage": f"experts/{name}", "tokenizer_sha256": "t" * 64, "seed_digest": "s" * 64} | facts
    return of_run(DENSE, {"layers": {"ffn": {"gate": 0}}}, SEED, facts)


def test_a_run_signs_what_it_changed_and_nothing_else():
    trained = branch("code")
    assert trained["leaves"] == {
        "embedding": ["seed"],
        "layers/ffn/gate": ["seed", "experts/code"],
        "layers/attention/key": ["seed"],
    }
    assert set(trained["ancestors"]) == {"seed", "experts/code"}


def test_a_frozen_leaf_without_a_parent_belongs_to_the_run_that_made_it():
    made = of_run(DENSE, {"embedding": 0}, None, {"stage": "seed"})
    assert all(history == ["seed"] for history in made["leaves"].values())


def test_a_mixtures_expert_lists_each_branch_and_the_rest_its_own_past():
    names = ("code", "math")
    mixed = of_mix(MIXTURE, names, [branch(name) for name in names], {"stage": "mix"})
    assert mixed["leaves"]["layers/experts/gate"] == [
        {"code": ["seed", "experts/code"], "math": ["seed", "experts/math"]},
        "mix",
    ]
    assert mixed["leaves"]["embedding"] == ["seed"] and mixed["leaves"]["router/kernel"] == ["mix"]
    assert set(mixed["ancestors"]) == {"seed", "experts/code", "experts/math", "mix"}


def test_a_stage_after_the_mix_goes_on_with_its_history():
    mixed = of_mix(MIXTURE, ("code",), [branch("code")], {"stage": "mix"})
    routed = of_run(MIXTURE, {"router": {"kernel": 0}}, mixed, {"stage": "router"})
    assert routed["leaves"]["router/kernel"] == ["mix", "router"]
    assert routed["leaves"]["layers/experts/gate"] == mixed["leaves"]["layers/experts/gate"]


@pytest.mark.parametrize("fact", ("tokenizer_sha256", "seed_digest"))
def test_branches_of_another_tokenizer_or_seed_are_refused(fact):
    pair = [branch("code"), branch("math", **{fact: "other"})]
    with pytest.raises(MixError, match=f"branches code and math differ in {fact} .* and other"):
        refuse_strangers(("code", "math"), pair)
    with pytest.raises(MixError, match=fact):
        of_mix(MIXTURE, ("code", "math"), pair, {"stage": "mix"})


def test_branches_of_one_seed_are_welcome():
    assert refuse_strangers(("code", "math"), [branch("code"), branch("math", config_hash="another")]) is None


def test_explain_tells_the_story_of_a_leaf():
    mixed = of_mix(MIXTURE, ("code", "math"), [branch("code"), branch("math")], {"stage": "mix", "config_hash": "abc"})
    story = explain(mixed, "layers/experts/gate")
    assert story.splitlines()[0] == "layers/experts/gate"
    assert "expert code: seed -> experts/code" in story and "mix: config_hash abc" in story
    assert "seed: tokenizer_sha256 tttttttttttt" in explain(mixed, "embedding")


def test_explain_of_a_stranger_lists_what_there_is():
    with pytest.raises(ValueError, match="no parameter 'head'; there are embedding, layers/attention/key"):
        explain(SEED, "head")
