"""The table as a config has it: order, ancestors, what belongs to a run, and what it says of names that can't be."""

import itertools

from hypothesis import given, settings, strategies as st
import ml_collections
import pytest

from experiments import base, demo, tiny
from launch import config_hash, stages as stages_lib
from launch.errors import UserError
from launch.pipeline import select
from launch.stages import STAGES, Reading, StageSpec, resolved, table

OPTIONAL = ("sft", "reward", "ppo", "improve")


@st.composite
def configs(draw):
    """Sections and post_training as they may stand in a config, whether or not they go together."""
    return ml_collections.ConfigDict(
        {
            "post_training": tuple(name for name in OPTIONAL if draw(st.booleans())),
            "sft": {},
            "reward": {"init": draw(st.sampled_from(("joint", "sft")))},
            "ppo": {
                "init": draw(st.sampled_from(("joint", "sft"))),
                "learned_weight": draw(st.sampled_from((0.0, 0.5))),
            },
            "improve": {
                "init": draw(st.sampled_from(("joint", "sft", "ppo"))),
                "quality": draw(st.sampled_from(("verifier", "reward"))),
            },
        }
    )


def wanted(config):
    """Stage -> the optional stages that it has to read by its own section."""
    improve, ppo = config.improve, config.ppo
    read = {
        "sft": set(),
        "reward": {config.reward.init},
        "ppo": {ppo.init} | ({"reward"} if ppo.learned_weight else set()),
        "improve": {improve.init} | ({"reward"} if improve.quality == "reward" else set()),
    }
    return {name: needs & set(OPTIONAL) for name, needs in read.items()}


@given(configs())
@settings(max_examples=200, deadline=None)
def test_the_order_stays_and_what_a_stage_reads_comes_before_it(config):
    chosen, read = config.post_training, wanted(config)
    if any(not read[name] <= set(chosen) for name in chosen):
        with pytest.raises(UserError, match="post_training has .* and not"):
            resolved(config)
        return
    found = resolved(config)
    order = list(STAGES)
    assert list(found) == order
    for name, spec in found.items():
        assert list(spec.needs) == sorted(spec.needs, key=order.index)
        ancestors = stages_lib.ancestors(name, found)
        assert set(spec.needs) <= set(ancestors) <= set(order[: order.index(name)])
        assert {key for need in ancestors for key in found[need].config_keys} <= set(
            stages_lib.config_keys(name, found)
        )
    for name in OPTIONAL:
        assert set(found[name].needs) & set(OPTIONAL) == read[name]
        assert found[name].is_optional == (name not in chosen)
        assert "joint" in stages_lib.ancestors(name, found)
    assert select((), found) == [name for name in order if name not in OPTIONAL or name in chosen]
    assert set(found["evaluate"].needs) & set(OPTIONAL) == set(chosen) - {"reward"}
    assert set(found["report"].needs) & set(OPTIONAL) == set(chosen)
    for name in ("evaluate", "report"):
        assert "post_training" in stages_lib.config_keys(name, found)
    # Whatever follows the joint phase, the stages before it keep their hashes.
    for name in order[: order.index("sft")]:
        assert found[name] == STAGES[name]


def test_the_base_config_has_the_table_as_it_is_written():
    config = base.base_config()
    found = resolved(config)
    assert config.post_training == () and select((), found) == select((), STAGES)
    assert [spec.needs for spec in found.values()] == [spec.needs for spec in STAGES.values()]


@pytest.mark.parametrize("module", [demo, tiny])
def test_the_demo_begins_with_sft_and_runs_all_that_follows(module):
    found = resolved(module.get_config())
    assert select((), found) == list(STAGES)
    for name in ("reward", "ppo", "improve"):
        assert "sft" in found[name].needs and "joint" not in found[name].needs
        config_hash.sections(module.get_config(), stages_lib.config_keys(name, found))


def test_a_config_of_before_these_keys_has_the_table_as_it_is_written():
    found = resolved(ml_collections.ConfigDict({"seed": 0, "improve": {"demonstrations": 8}}))
    assert {name: spec.needs for name, spec in found.items()} == {name: spec.needs for name, spec in STAGES.items()}
    assert not any("post_training" in spec.config_keys for spec in found.values())


@pytest.mark.parametrize("names", [*itertools.permutations(OPTIONAL)][1:4] + [("rewards",), ("seed",), ("sft", "sft")])
def test_unknown_misordered_and_repeated_names_are_told(names):
    config = base.base_config()
    config.post_training = names
    with pytest.raises(UserError, match="config.post_training is") as error:
        resolved(config)
    assert "sft, reward, ppo, improve" in error.value.fix


@pytest.mark.parametrize("name, init", [("reward", "ppo"), ("ppo", "reward"), ("improve", "router"), ("ppo", "")])
def test_an_init_that_cannot_be_is_told_with_those_that_can(name, init):
    config = base.base_config()
    config[name].init = init
    with pytest.raises(UserError, match=f"config.{name}.init is {init!r}") as error:
        resolved(config)
    assert error.value.fix.startswith("it is one of joint, sft")


def test_what_is_read_and_not_in_the_run_is_told_by_its_key():
    config = demo.get_config()
    config.post_training = ("reward",)
    with pytest.raises(UserError, match=r"has reward, which reads sft \(reward.init\)"):
        resolved(config)
    config = demo.get_config()
    config.post_training, config.ppo.learned_weight = ("sft", "ppo"), 0.5
    with pytest.raises(UserError, match=r"has ppo, which reads reward \(ppo.learned_weight\)"):
        resolved(config)


def spec(name, *needs, **more):
    return StageSpec(name, name, needs, (), name, **more)


@pytest.mark.parametrize(
    "rows",
    [
        (spec("a"), spec("b", "a", starts_from=("a", "c")), spec("c")),
        (spec("a"), spec("b", "a", readings=(Reading("c", "key", bool),)), spec("c")),
        (spec("a"), spec("b", "a", tells_of=("c",)), spec("c")),
        (spec("a"), spec("b"), spec("c", starts_from=("a", "b"))),
        (spec("a"), spec("b"), spec("c", "a", "b", starts_from=("a", "b"))),
    ],
)
def test_a_table_that_reads_ahead_or_starts_nowhere_is_refused(rows):
    with pytest.raises(ValueError):
        table(*rows)
