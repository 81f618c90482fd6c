"""Every config describes a run that can be planned, and the full-size one is the model it says it is."""

import pathlib

import pytest

from launch import config_file
from launch import models
from launch import plan_text
from mistral_moe.training.flops import parameter_count

ROOT = pathlib.Path(__file__).parents[1]
CONFIGS = sorted(path for path in (ROOT / "experiments").glob("*.py") if path.stem not in ("__init__", "base"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_can_be_planned_and_says_how_it_is_run(path):
    config = config_file.load(str(path))
    text = plan_text.describe(config)
    for stage in ("seed", "experts", "router", "joint/end_to_end", "dense"):
        assert stage in text
    assert f"--config=experiments/{path.name}" in path.read_text().split('"""')[1]


def test_the_full_size_model_is_mistral_7b_five_times():
    config = config_file.load(str(ROOT / "experiments" / "enhanced_mistral_5x7b.py"))
    assert parameter_count(models.dense_config(config))["total"] == pytest.approx(7.25e9, rel=0.01)
    mixture = parameter_count(models.mixture_config(config, reasoning=True))
    assert mixture["total"] == pytest.approx(30.0e9, rel=0.02)
    assert mixture["active"] == pytest.approx(13.1e9, rel=0.02)
