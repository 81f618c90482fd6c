"""All text benchmarks' readers: official files and the hub's are the same questions, and what is broken is told."""

import csv
import json
import os
import pathlib
import re

import pytest

from data.benchmarks import arc, bigbench, glue, hellaswag, logiqa, mmlu, piqa, superglue
from data.benchmarks.rows import BenchmarkDataError, MissingDataError
from tests.data.benchmarks import small_files

READERS = {
    "arc": arc,
    "hellaswag": hellaswag,
    "piqa": piqa,
    "logiqa": logiqa,
    "mmlu": mmlu,
    "bigbench": bigbench,
    "glue": glue,
    "superglue": superglue,
}


def tasks_of(name, base):
    found = READERS[name].tasks(base)
    return found[0] if isinstance(found, tuple) else found


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def without_ids(task):
    return [{key: value for key, value in document.items() if key != "id"} for document in task.documents]


@pytest.mark.parametrize("name", [name for name in READERS if name != "bigbench"])
def test_official_files_and_the_hubs_are_the_same_questions(name, tmp_path):
    official = tasks_of(name, small_files.write(tmp_path / "official", "official", name))
    hub = tasks_of(name, small_files.write(tmp_path / "hub", "hub", name))
    assert [task.name for task in official] == [task.name for task in hub]
    for one, other in zip(official, hub):
        assert without_ids(one) == without_ids(other), one.name
        assert (one.metric, one.group) == (other.metric, other.group)


def test_bigbench_of_the_hub_is_the_official_question(tmp_path):
    official = {task.name: task for task in bigbench.tasks(small_files.write(tmp_path / "o", "official", "bigbench"))}
    hub = {task.name: task for task in bigbench.tasks(small_files.write(tmp_path / "h", "hub", "bigbench"))}
    assert set(hub) == {"bbh/boolean_expressions", "colours"}
    for name, task in hub.items():
        assert without_ids(task) == without_ids(official[name])[: len(task.documents)]
    assert official["sums/small"].documents[0]["targets"] == ["2", "two"]
    assert {task.metric for task in official.values()} == {"exact_match", "acc", "credit"}


@pytest.mark.parametrize("layout", ["official", "hub"])
def test_every_task_of_the_suites_is_read(layout, tmp_path):
    base = small_files.write(tmp_path, layout, "glue", "superglue")
    tasks, missing = glue.tasks(base)
    assert not missing and {task.group or task.name for task in tasks} == set(glue.KINDS)
    tasks, missing = superglue.tasks(base)
    assert not missing and [task.name for task in tasks] == list(superglue.KINDS)


@pytest.mark.parametrize("name", READERS)
def test_an_empty_folder_is_missing_data(name, tmp_path):
    with pytest.raises(MissingDataError, match=str(tmp_path)):
        tasks_of(name, tmp_path)
    (tmp_path / name).mkdir()
    with pytest.raises(MissingDataError, match=str(tmp_path)):
        tasks_of(name, tmp_path)


@pytest.mark.parametrize(
    "name, file, row, told",
    [
        ("arc", "arc_easy_test.jsonl", {"query": "q", "choices": ["a", "b"], "gold": 2}, "label 2"),
        (
            "arc",
            "arc_easy_test.jsonl",
            {"question": "q", "choices": {"text": ["a"], "label": ["A"]}, "answerKey": "B"},
            "answerKey",
        ),
        ("arc", "arc_easy_test.jsonl", {"questions": "q"}, "has no question"),
        (
            "hellaswag",
            "test.jsonl",
            {"question": "q", "choices": {"A": "a", "B": ""}, "answer": "A"},
            "choice 1 is empty",
        ),
        ("hellaswag", "test.jsonl", {"question": "q", "choices": {"A": "a", "B": "b"}, "answer": "E"}, "label 'E'"),
        ("hellaswag", "test.jsonl", {"context": "q", "label": 0}, "has no question"),
        ("piqa", "valid.jsonl", {"goal": "g", "sol1": "a", "sol_2": "b"}, "has no sol2"),
        ("piqa", "valid.jsonl", {"goal": "g", "sol1": "a", "sol2": "b", "label": 2}, "label 2"),
        ("logiqa", "test.jsonl", {"context": "c", "query": "q", "options": "abcd", "correct_option": 0}, "options"),
        ("mmlu", "x_test.jsonl", {"question": "q", "choices": ["a", "b"], "answer": None}, "no answer"),
        ("mmlu", "x_test.jsonl", {"question": "q", "choices": ["a", " "], "answer": 0}, "choice 1 is empty"),
        ("mmlu", "x_test.jsonl", {"question": "q", "answer": 0}, "no choices"),
        ("bigbench", "x.jsonl", {"context": "c", "continuation": " "}, "right answer is empty"),
        ("bigbench", "x.jsonl", {"input": "c", "target_scores": {"a": "1", "b": 0}}, "target_scores"),
        ("glue", "rte/dev.jsonl", {"sentence1": "a", "label": 0}, "has no sentence2"),
        ("glue", "stsb/dev.jsonl", {"sentence1": "a", "sentence2": "b", "label": 7.0}, "between 0 and 5"),
        (
            "superglue",
            "copa/val.jsonl",
            {"premise": "p", "question": "reason", "choice1": "a", "choice2": "b", "label": 0},
            "neither cause",
        ),
        ("superglue", "wsc/val.jsonl", {"text": "t", "target": {"span1_text": "t"}, "label": True}, "span2_text"),
        ("superglue", "multirc/val.jsonl", {"passage": {"text": "t"}, "idx": 0}, "no questions"),
    ],
)
def test_a_broken_row_is_told_by_file_and_row(name, file, row, told, tmp_path):
    write(tmp_path / name / file, row)
    with pytest.raises(BenchmarkDataError, match=re.escape(f"{name}/{file}:1") + f".*{told}"):
        tasks_of(name, tmp_path)


def test_hellaswag_loses_the_marks_of_wikihow():
    assert (
        hellaswag.clean("[header] How to sew [title] Buy thread. [step] Go  out.") == "How to sew. Buy thread. Go out."
    )


def test_piqa_without_its_labels_is_refused_and_with_too_few_as_well(tmp_path):
    base = small_files.write(tmp_path, "official", "piqa")
    labels = base / "piqa" / "valid-labels.lst"
    labels.write_text("0\n")
    with pytest.raises(BenchmarkDataError, match="1 labels and .* 2 rows"):
        piqa.tasks(base)
    labels.unlink()
    with pytest.raises(BenchmarkDataError, match="labels of piqa are withheld"):
        piqa.tasks(base)


def test_logiqa_of_both_editions_and_as_repacked(tmp_path):
    options = ["Tom is grey.", "Tom is a dog.", "Dogs are grey.", "Nothing."]
    fields = {"text": "All cats are grey. Tom is a cat.", "question": "What follows?", "options": options, "answer": 0}
    write(tmp_path / "two" / "logiqa" / "test.txt", fields)
    agi = {"passage": fields["text"], "question": "What follows?", "label": "A"}
    write(tmp_path / "agi" / "logiqa" / "test.jsonl", agi | {"options": [f"({m}){o}" for m, o in zip("ABCD", options)]})
    first = without_ids(logiqa.tasks(small_files.write(tmp_path / "one", "official", "logiqa"))[0])[0]
    for folder in ("two", "agi"):
        assert without_ids(logiqa.tasks(tmp_path / folder)[0]) == [first]


@pytest.mark.parametrize("marks", ["A. B. C. D.", "(A) (B) (C) (D)", "A? B? C) D.", "A B C D"])
def test_logiqa_options_lose_marks_that_all_of_them_have(marks, tmp_path):
    words = ["a cat", "A dog", "c", "no"]
    options = [f"{mark} {word}" for mark, word in zip(marks.split(), words)]
    write(tmp_path / "logiqa" / "test.jsonl", {"context": "c", "query": "q", "options": options, "correct_option": 1})
    assert logiqa.tasks(tmp_path)[0].documents[0]["choices"] == words
    write(
        tmp_path / "logiqa" / "test.jsonl",
        {"context": "c", "query": "q", "options": ["A cat", "B", "x", "y"], "label": "b"},
    )
    assert logiqa.tasks(tmp_path)[0].documents[0]["choices"] == ["A cat", "B", "x", "y"]


def test_logiqa_answers_by_letter_mean_the_option_so_marked(tmp_path):
    row = {"context": "c", "query": "q", "options": ["A. one", "C. three", "B. two", "D. four"]}
    write(tmp_path / "logiqa" / "test.jsonl", row | {"label": "b"}, row | {"correct_option": 1})
    by_letter, by_place = logiqa.tasks(tmp_path)[0].documents
    assert by_letter["choices"][by_letter["gold"]] == "two"
    assert by_place["choices"][by_place["gold"]] == "three"


@pytest.mark.parametrize(
    "options, bare",
    [
        (["A.x", "Storehouse B.3", "C.y", "D.z"], ["x", "Storehouse B.3", "y", "z"]),
        (["A.", "B.", "C.", "Ding."], ["A.", "B.", "C.", "Ding."]),
        (["A.A.", "B.B.", "C.C.", "D.Ding."], ["A.", "B.", "C.", "Ding."]),
        (["A cat", "B", "c", "d"], ["A cat", "B", "c", "d"]),
    ],
)
def test_logiqa_options_that_are_not_tidy(options, bare, tmp_path):
    write(tmp_path / "logiqa" / "test.jsonl", {"context": "c", "query": "q", "options": options, "label": "a"})
    assert logiqa.tasks(tmp_path)[0].documents[0]["choices"] == bare


def test_logiqa_as_prompts_with_letters_for_choices(tmp_path):
    row = {"query": "Context: c\nQuestion: q\nChoices: A. x.\nB. y.\n", "choices": ["A", "B"], "gold": 1}
    write(tmp_path / "logiqa" / "logi_qa.jsonl", row)
    (document,) = logiqa.tasks(tmp_path)[0].documents
    assert document["query"] == "Context: c\nQuestion: q\nChoices: A. x.\nB. y.\nAnswer:"


def test_a_torn_logiqa_file_is_told(tmp_path):
    base = small_files.write(tmp_path, "official", "logiqa")
    path = base / "LogiQA" / "Test.txt"
    path.write_text(path.read_text().rstrip("\n").rsplit("\n", 1)[0])
    with pytest.raises(BenchmarkDataError, match="13 lines"):
        logiqa.tasks(base)


def test_mmlu_with_a_header_is_the_one_without(tmp_path):
    without = mmlu.tasks(small_files.write(tmp_path / "without", "official", "mmlu"))
    for path in (tmp_path / "without" / "mmlu").rglob("*.csv"):
        with path.open(newline="") as file:
            rows = [[*row[:5], "ABCD".index(row[5])] for row in csv.reader(file)]
        to = tmp_path / "with" / path.relative_to(tmp_path / "without")
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("w", newline="") as file:
            csv.writer(file).writerows([["question", "choice0", "choice1", "choice2", "choice3", "answer"], *rows])
    headed = mmlu.tasks(tmp_path / "with")
    assert [task.documents for task in headed] == [task.documents for task in without]
    assert [task.examples() for task in headed] == [task.examples() for task in without]


def test_mmlu_of_some_subjects_and_of_none(tmp_path):
    base = small_files.write(tmp_path, "hub", "mmlu")
    assert [task.name for task in mmlu.tasks(base, mmlu.MATH)] == [
        "mmlu_abstract_algebra",
        "mmlu_high_school_statistics",
    ]
    with pytest.raises(MissingDataError, match="none of astronomy"):
        mmlu.tasks(base, ("astronomy",))


def test_cola_keeps_lone_quotes(tmp_path):
    tasks, _ = glue.tasks(small_files.write(tmp_path, "official", "glue"))
    assert next(task for task in tasks if task.name == "cola").documents[1]["query"].startswith('Runs he " the.')


def test_boolq_and_copa_beside_superglue(tmp_path):
    write(
        tmp_path / "boolq" / "validation.jsonl",
        {"query": "Passage: p\nQuestion: is it?", "choices": ["no", "yes"], "gold": 1},
    )
    write(tmp_path / "copa" / "validation.jsonl", {"query": "It rained, therefore", "choices": ["a.", "b."], "gold": 0})
    tasks, missing = superglue.tasks(tmp_path)
    assert [task.documents[0]["query"] for task in tasks] == ["p\nQuestion: is it?\nAnswer:", "It rained, therefore"]
    assert missing == ["cb", "multirc", "record", "rte", "wic", "wsc"]


def test_multirc_says_yes_to_what_is_labelled_right(tmp_path):
    tasks, _ = superglue.tasks(small_files.write(tmp_path, "official", "superglue"))
    documents = next(task for task in tasks if task.name == "multirc").documents
    right = [document["choices"][document["gold"]] for document in documents]
    assert right == [
        "Bob\nIs the answer correct? yes",
        "Ann\nIs the answer correct? no",
        "Ann\nIs the answer correct? yes",
    ]
    assert [document["group"] for document in documents] == ["0/0", "0/0", "0/1"]


@pytest.fixture(scope="module")
def real():
    base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", pathlib.Path(__file__).resolve().parents[4] / "shared"))
    base = base / "benchmarks"
    if not (base / "arc").is_dir():
        pytest.skip(f"no real benchmarks at {base}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    return base


def test_real_files_are_read_whole(real):
    def sizes(name):
        return {task.name: len(task.documents) for task in tasks_of(name, real)}

    assert sizes("arc") == {"arc_easy": 2376, "arc_challenge": 1172}
    assert sizes("piqa") == {"piqa": 1838}
    assert sizes("superglue") == {"boolq": 3270, "copa": 100}
    assert len(sizes("mmlu")) == 57 and sum(sizes("mmlu").values()) == 14042
    assert sum(len(task.documents) for task in mmlu.tasks(real, mmlu.MATH)) == 1064
    assert sum(size for name, size in sizes("bigbench").items() if not name.startswith("bbh/")) == 6765


def test_real_hellaswag_keeps_questions_that_share_an_id(real):
    (task,) = hellaswag.tasks(real)
    assert len(task.documents) == len({document["id"] for document in task.documents}) == 1000
    assert task.duplicates


def test_bigbench_questions_do_not_tell_the_answer_by_the_order_of_choices(tmp_path):
    examples = [{"input": f"pick {number}", "target_scores": {f"z{number}": 1, "b": 0, "a": 0}} for number in range(3)]
    (tmp_path / "bigbench" / "picks").mkdir(parents=True)
    (tmp_path / "bigbench" / "picks" / "task.json").write_text(json.dumps({"examples": examples}))
    write(tmp_path / "bigbench" / "unlisted.jsonl", {"query": "Which?\nA:", "choices": ["y", "x"], "gold": 0})
    write(tmp_path / "bigbench" / "listed.jsonl", {"query": "Which?\nA. y\nB. x\nA:", "choices": ["y", "x"], "gold": 0})
    found = {task.name: task.documents[0] for task in bigbench.tasks(tmp_path)}
    assert found["picks"]["query"].endswith("\n  choice: a\n  choice: b\n  choice: z0\nA:")
    assert (found["picks"]["choices"], found["picks"]["credits"]) == (["a", "b", "z0"], [0.0, 0.0, 1.0])
    assert (found["unlisted"]["choices"], found["unlisted"]["gold"]) == (["x", "y"], 1)
    assert (found["listed"]["choices"], found["listed"]["gold"]) == (["y", "x"], 0)
