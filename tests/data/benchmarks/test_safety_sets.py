"""The six sets of the safety gates: the authors' layouts, the hub's, the real files, and what is wrong with a row."""

import json
import os
import pathlib

import pyarrow
import pyarrow.parquet
import pytest

from data.benchmarks import bbq, crows_pairs, cyberseceval, folders, harmbench, realtoxicityprompts, truthfulqa
from data.benchmarks.rows import BenchmarkDataError, MissingDataError

ROOT = pathlib.Path(__file__).resolve().parents[3]
SETS = (bbq, crows_pairs, cyberseceval, harmbench, realtoxicityprompts, truthfulqa)


@pytest.fixture(scope="module")
def real():
    folder = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", ROOT.parent / "shared")) / "benchmarks"
    if not (folder / "bbq").is_dir():
        pytest.skip(f"no real benchmarks at {folder}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    return folder


def put(folder, name, rows):
    """Writes rows in the format that the name ends with."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


PROMPT = {
    "filename": "a.txt",
    "begin": 3,
    "end": 9,
    "challenging": True,
    "prompt": {"text": "A beginning", "toxicity": 0.7},
    "continuation": {"text": " and an end", "toxicity": None},
}


@pytest.mark.parametrize("name", ["x.jsonl", "data/train-00000.parquet"])
def test_toxicity_prompts(name, tmp_path):
    put(tmp_path, f"realtoxicityprompts/{name}", [PROMPT, PROMPT, PROMPT | {"prompt": {"text": " ", "toxicity": 0.1}}])
    loaded = realtoxicityprompts.load(tmp_path)
    (prompt,) = loaded.items
    assert loaded.left_out == {"duplicates": 1, "empty": 1}
    assert prompt.is_toxic is True and prompt.is_challenging and prompt.id == "a.txt:3"
    assert list(realtoxicityprompts.labelled(loaded.items)) == [("A beginning", True)]


@pytest.mark.parametrize("score", [1.5, -0.1, "high", True])
def test_scores_that_are_none(score, tmp_path):
    put(tmp_path, "realtoxicityprompts/x.jsonl", [PROMPT | {"prompt": {"text": "a", "toxicity": score}}])
    with pytest.raises(BenchmarkDataError, match=r"x.jsonl:1: toxicity of the prompt"):
        realtoxicityprompts.load(tmp_path)


def question(**changes):
    row = {
        "example_id": 1,
        "question_index": "1",
        "question_polarity": "neg",
        "context_condition": "ambig",
        "category": "Gender_identity",
        "answer_info": {"ans0": ["Maria", "F"], "ans1": ["John", "M"], "ans2": ["Not known", "unknown"]},
        "additional_metadata": {"stereotyped_groups": ["F"], "version": "a"},
        "context": "Maria and John were late.",
        "question": "Who is bad at mathematics?",
        "ans0": "Maria",
        "ans1": "John",
        "ans2": "Not known",
        "label": 2,
    }
    return row | changes


@pytest.mark.parametrize("name", ["Gender_identity.jsonl", "test.parquet"])
def test_the_stereotyped_answer_turns_with_the_question(name, tmp_path):
    put(tmp_path, f"bbq/{name}", [question(), question(question_polarity="nonneg", question="Who is good at it?")])
    negative, other = bbq.load(tmp_path).items
    assert (negative.biased, other.biased) == (0, 1) and negative.unknown == 2 and negative.is_ambiguous


def test_an_answer_without_information_is_known_by_its_text(tmp_path):
    info = {"ans0": ["Maria", "F"], "ans1": ["John", "M"], "ans2": []}
    put(tmp_path, "bbq/x.jsonl", [question(answer_info=info, ans2="Can't be determined")])
    (found,) = bbq.load(tmp_path).items
    assert found.unknown == 2 and found.biased == 0


@pytest.mark.parametrize(
    "info, groups, target",
    [
        ((["the girl", "girl"], ["the boy", "boy"]), ["F"], 0),
        ((["grandfather", "man"], ["grandmother", "woman"]), ["F"], 1),
        ((["John Li", "M-Asian"], ["Ann May", "F-White"]), ["Asian"], 0),
        ((["A", "lowSES"], ["B", "highSES"]), ["low SES"], 0),
        ((["A", "highSES-African"], ["B", "lowSES-African"]), ["lowSES"], 1),
        ((["Syrian", "MiddleEast"], ["French", "Europe"]), ["Iraqi", "Syrian"], 0),
        ((["A", "nonObese"], ["B", "obese"]), ["obese"], 1),
        ((["A", "F-Black"], ["B", "M-Black"]), ["Black"], None),
        ((["A", "x"], ["B", "y"]), ["z"], None),
    ],
)
def test_groups_are_found_however_they_are_spelled(info, groups, target):
    answer_info = {"ans0": info[0], "ans1": info[1], "ans2": ["Unknown", "unknown"]}
    assert bbq.stereotyped(answer_info, ("a", "b", "c"), groups) == target


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"label": 3}, "label 3"),
        ({"context_condition": "short"}, "'short'"),
        ({"question_polarity": "positive"}, "'positive'"),
        ({"answer_info": {"ans0": ["a", "b"]}}, "answer_info or stereotyped_groups is incomplete"),
        ({"additional_metadata": "nonsense("}, "additional_metadata is no object"),
        ({"answer_info": {f"ans{n}": ["x", "unknown"] for n in range(3)}}, "3 answers that say unknown"),
        ({"context": None}, "context is None"),
    ],
)
def test_questions_that_are_none(changes, told, tmp_path):
    put(tmp_path, "bbq/x.jsonl", [question(), question(**changes)])
    with pytest.raises(BenchmarkDataError, match="x.jsonl:2") as error:
        bbq.load(tmp_path)
    assert told in str(error.value)


def test_sentence_pairs_of_the_table_and_the_hub(tmp_path):
    folder = tmp_path / "crows_pairs"
    folder.mkdir()
    header = ",sent_more,sent_less,stereo_antistereo,bias_type,annotations\n"
    (folder / "a.csv").write_text(f'{header}7,"Old, they are.","Young, they are.",stereo,age,[]\n')
    put(
        tmp_path,
        "crows_pairs/b.parquet",
        [{"id": 9, "sent_more": "x", "sent_less": "y", "stereo_antistereo": 1, "bias_type": 7}],
    )
    first, second = crows_pairs.load(tmp_path).items
    assert (first.id, first.more, first.bias_type) == ("7", "Old, they are.", "age")
    assert (second.id, second.bias_type) == ("9", "religion")
    put(tmp_path, "crows_pairs/c.jsonl", [{"sent_more": "same", "sent_less": "same ", "bias_type": "age"}])
    with pytest.raises(BenchmarkDataError, match="c.jsonl:1: its two sentences must differ"):
        crows_pairs.load(tmp_path)


TRUE, FALSE = ["Nothing happens.", "It passes."], ["You die.", "Plants grow."]
LAYOUTS = {
    "a.jsonl": {
        "Question": "What happens?",
        "Best Answer": "Nothing happens",
        "Correct Answers": "Nothing happens; It passes",
        "Incorrect Answers": "You die; Plants grow;",
    },
    "generation.parquet": {
        "question": "What happens?",
        "best_answer": "Nothing happens",
        "correct_answers": TRUE,
        "incorrect_answers": ["You die", "Plants grow"],
    },
    "multiple_choice.parquet": {
        "question": "What happens?",
        "mc1_targets": {"choices": [TRUE[0], *FALSE], "labels": [1, 0, 0]},
        "mc2_targets": {"choices": [*TRUE, *FALSE], "labels": [1, 1, 0, 0]},
    },
    "mc_task.json": {
        "question": "What happens?",
        "mc1_targets": {TRUE[0]: 1, FALSE[0]: 0, FALSE[1]: 0},
        "mc2_targets": {TRUE[0]: 1, TRUE[1]: 1, FALSE[0]: 0, FALSE[1]: 0},
    },
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_truthfulqa_is_one_in_all_layouts(name, tmp_path):
    put(tmp_path, f"truthfulqa/{name}", [LAYOUTS[name]])
    (found,) = truthfulqa.load(tmp_path).items
    assert found == truthfulqa.TruthQuestion("What happens?", TRUE[0], tuple(TRUE), tuple(FALSE))


def test_a_question_in_two_files_counts_once(tmp_path):
    for name in ("generation.parquet", "multiple_choice.parquet"):
        put(tmp_path, f"truthfulqa/{name}", [LAYOUTS[name]])
    loaded = truthfulqa.load(tmp_path)
    assert len(loaded.items) == 1 and loaded.left_out == {"duplicates": 1}


def place(**changes):
    row = {
        "prompt_id": 1,
        "cwe_identifier": "CWE-78",
        "test_case_prompt": "Go on.\n\nimport os\nx = 1",
        "origin_code": "import os\nx = 1\nos.system(x)",
        "language": "python",
        "variant": "autocomplete",
    }
    return row | changes


@pytest.mark.parametrize("name", ["autocomplete.json", "autocomplete.jsonl"])
def test_code_before_an_insecure_line(name, tmp_path):
    rows = [place(), place(), place(language="java"), place(variant="instruct", test_case_prompt="other")]
    loaded = cyberseceval.load(put(tmp_path, f"cyberseceval/{name}", rows))
    (found,) = loaded.items
    assert found.prefix == "import os\nx = 1" and loaded.left_out == {"duplicates": 1, "other_languages": 2}


def test_no_code_in_python_is_told(tmp_path):
    put(tmp_path, "cyberseceval/autocomplete.json", [place(language="c")])
    with pytest.raises(BenchmarkDataError, match="no autocompletion in Python"):
        cyberseceval.load(tmp_path)


@pytest.mark.parametrize(
    "rows, texts",
    [
        (
            [{"Behavior": "Do harm", "ContextString": "A text.", "FunctionalCategory": "contextual"}],
            ["A text.\n\n---\n\nDo harm"],
        ),
        ([{"goal": "Do harm", "target": "Sure, here is"}], ["Do harm"]),
        ([{"Goal": "Do harm", "Behavior": "Harm", "Category": "x"}], ["Do harm"]),
        ([{"prompt": "Do harm", "category": "x"}, {"prompt": "Do harm", "category": "y"}], ["Do harm"]),
    ],
)
def test_requests_of_all_tables(rows, texts, tmp_path):
    assert [request.text for request in harmbench.load(put(tmp_path, "harmbench/a.jsonl", rows)).items] == texts


def test_a_table_without_requests_is_told(tmp_path):
    put(tmp_path, "harmbench/a.jsonl", [{"text": "Do harm"}])
    with pytest.raises(BenchmarkDataError, match="a.jsonl:1 has no request"):
        harmbench.load(tmp_path)


@pytest.mark.parametrize("module", SETS, ids=lambda module: module.FOLDER)
def test_missing_folders_are_told(module, tmp_path):
    with pytest.raises(MissingDataError, match=module.FOLDER):
        module.load(tmp_path)
    (tmp_path / module.FOLDER).mkdir()
    with pytest.raises(MissingDataError, match=module.FOLDER):
        module.load(tmp_path)


def test_descriptions_of_data_are_no_data(tmp_path):
    put(tmp_path, "harmbench/dataset_infos.json", [{"x": 1}])
    put(tmp_path, "harmbench/train.jsonl", [{"prompt": "Do harm"}])
    assert [path.name for path in folders.files(tmp_path, "harmbench")] == ["train.jsonl"]


def test_the_real_files(real):
    sizes = {module.FOLDER: len(module.load(real).items) for module in SETS}
    assert all(size > 100 for size in sizes.values()), sizes
    questions = bbq.load(real).items
    assert not [question.id for question in questions if question.biased is None]
    # The data are balanced: who always answers rightly follows the stereotype half the time.
    told = [question for question in questions if not question.is_ambiguous]
    assert abs(sum(question.label == question.biased for question in told) / len(told) - 0.5) < 0.02
    assert all(question.label == question.unknown for question in questions if question.is_ambiguous)
    assert all(place.prefix and place.origin.startswith(place.prefix) for place in cyberseceval.load(real).items)
    assert len(cyberseceval.secure_programs(real)) > 1000
