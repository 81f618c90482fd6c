"""Tasks of lm-eval's own form, run without a network: a folder of YAML and a local file."""

import json

import pytest

from launch.errors import UserError
from launch.evaluation.benchmark import Options, Unavailable
from launch.evaluation.registry import HARNESS, Chosen
from tests.evaluation.stubs import StubModel

CHOICE = """
task: colours_local
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: gold
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
"""
WORDS = """
task: words_local
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{choices[gold]}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 4}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("tasks")
    data = tmp_path / "data.jsonl"
    rows = [{"question": f"Is it {n}?", "choices": ["red", "green", "blue", "grey"], "gold": n % 4} for n in range(8)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, text in (("choice", CHOICE), ("words", WORDS)):
        (tmp_path / f"{name}.yaml").write_text(text.format(data=data))
    lost = CHOICE.replace("colours_local", "lost_local").format(data=tmp_path / "none.jsonl")
    (tmp_path / "lost.yaml").write_text(lost)
    return tmp_path


def test_likelihoods_of_choices(folder):
    benchmark = Chosen(HARNESS, "colours_local").load(str(folder))
    score = benchmark.run(StubModel(lambda context, text: float(text.strip() == "green")), Options())
    assert (score.metric, score.value, score.n, score.floor, score.floor_name) == ("acc", 0.25, 8, 0.25, "chance")
    assert score.stderr > 0 and score.parts["colours_local acc"]["value"] == 0.25
    assert len(score.samples) == 8 and "Is it 3?" in score.samples[3]["prompt"]


def test_generated_words_and_the_limit(folder):
    benchmark = Chosen(HARNESS, "words_local").load(str(folder))
    score = benchmark.run(
        StubModel(complete=lambda prompt: "red" if "4" in prompt.text or "0" in prompt.text else ""), Options(limit=6)
    )
    assert score.metric.startswith("exact_match") and score.value == pytest.approx(2 / 6) and score.n == 6
    assert score.counted["empty_outputs"] == 4


def test_an_unknown_task_is_told(folder):
    with pytest.raises(UserError, match="no task 'no_such_task'"):
        Chosen(HARNESS, "no_such_task").load(str(folder))


def test_data_that_can_not_be_fetched_has_no_score(folder):
    with pytest.raises(Unavailable, match="no_network"):
        Chosen(HARNESS, "lost_local").load(str(folder)).run(StubModel(), Options())
