import pytest

from data.benchmarks import documents, hub
from data.benchmarks.rows import BenchmarkDataError, MissingDataError, Row


def _rows(split, *fields):
    return [Row(one, f"{split}.jsonl:{number}") for number, one in enumerate(fields, 1)]


def _parse(row):
    return documents.choice(row, row["q"], ["a", "b"], documents.index_of(row, row["label"], ["a", "b"]))


def _splits(**tables):
    return {split: lambda table=table, split=split: _rows(split, *table) for split, table in tables.items()}


def _questions(*pairs):
    return [{"q": question, "label": label} for question, label in pairs]


def test_a_split_without_labels_gives_way_to_the_next_one_and_that_is_told():
    task = documents.task("t", _splits(test=_questions(("x", -1)), validation=_questions(("y", 1))), _parse, "acc")
    assert [document["query"] for document in task.documents] == ["y"]
    assert task.notes == ("the test split of t has no labels, validation is scored",)


def test_labels_withheld_everywhere_are_refused():
    with pytest.raises(BenchmarkDataError, match=r"test.jsonl:1.* withheld.*validation split"):
        documents.task("t", _splits(test=_questions(("x", -1), ("y", ""))), _parse, "acc")


def test_labels_withheld_in_part_are_refused_by_row():
    with pytest.raises(BenchmarkDataError, match="test.jsonl:2 has no label"):
        documents.task("t", _splits(test=_questions(("x", 0), ("y", None))), _parse, "acc")


def test_no_split_is_missing_data():
    with pytest.raises(MissingDataError, match="none of test"):
        documents.task("t", {}, _parse, "acc")


def test_examples_are_of_another_split_and_hold_no_scored_question():
    splits = _splits(test=_questions(("x", 0), ("y", 1)), train=_questions(("x", 0), ("z", 1), ("y", 1)))
    task = documents.task("t", splits, _parse, "acc")
    assert [document["query"] for document in task.examples()] == ["z"]
    assert documents.task("t", _splits(test=_questions(("x", 0))), _parse, "acc").examples() == []


def test_examples_are_read_only_when_asked_for():
    def unreadable():
        raise AssertionError

    task = documents.task("t", _splits(test=_questions(("x", 0))) | {"train": unreadable}, _parse, "acc")
    with pytest.raises(AssertionError):
        task.examples()


def test_repeated_questions_without_ids_are_kept_and_counted():
    task = documents.task("t", _splits(test=_questions(("x", 0), ("x", 0), ("y", 0))), _parse, "acc")
    assert len(task.documents) == 3 and task.duplicates == 1
    assert len({document["id"] for document in task.documents}) == 3


def test_one_id_of_two_questions_keeps_both_and_of_one_question_keeps_one():
    table = [{"id": 7, **one} for one in _questions(("x", 0), ("x", 0), ("y", 1))]
    task = documents.task("t", _splits(test=table), _parse, "acc")
    assert [(document["id"], document["query"]) for document in task.documents] == [("7", "x"), ("7#2", "y")]
    assert task.duplicates == 2


ROW = Row({}, "f.jsonl:3")


@pytest.mark.parametrize(
    "query, choices, gold, told",
    [
        ("q", ["a"], 0, "two or more"),
        ("q", "ab", 0, "two or more"),
        ("q", ["a", " "], 0, "choice 1 is empty"),
        ("q", ["a", "b"], 2, "right choice is 2 of 2"),
        ("q", ["a", "b"], -2, "right choice is -2 of 2"),
        (" \n", ["a", "b"], 0, "question is empty"),
    ],
)
def test_a_broken_question_is_told_by_its_place(query, choices, gold, told):
    with pytest.raises(BenchmarkDataError, match=f"f.jsonl:3: .*{told}"):
        documents.choice(ROW, query, choices, gold)


@pytest.mark.parametrize(
    "value, index",
    [
        (1, 1),
        ("1", 1),
        (1.0, 1),
        ("no", 0),
        ("Yes", 1),
        (True, 1),
        (False, 0),
        (-1, None),
        ("", None),
        (None, None),
        ("-1", None),
    ],
)
def test_labels_in_all_their_spellings(value, index):
    assert documents.index_of(ROW, value, ["no", "yes"]) == index


@pytest.mark.parametrize("value", [2, "2", "maybe", -2, 0.5, []])
def test_labels_that_are_none(value):
    with pytest.raises(BenchmarkDataError, match="f.jsonl:3: label"):
        documents.index_of(ROW, value, ["no", "yes"])


def test_prompts_get_the_end_that_they_lack():
    fields = {"query": "Passage: p\n", "choices": ["a ", " b"], "gold": [1]}
    document = documents.repacked(Row(fields, "f:1"), end="\nAnswer:", start="Passage: ")
    assert document == {"query": "p\nAnswer:", "choices": ["a", "b"], "gold": 1}
    again = documents.repacked(Row({**fields, "query": document["query"]}, "f:1"), end="\nAnswer:")
    assert again["query"] == document["query"]


def test_the_hub_out_of_reach_is_missing_data_with_the_way_out(monkeypatch):
    import datasets
    import huggingface_hub.constants

    def fails(*args, **kwargs):
        raise ConnectionError("Couldn't reach\nthe hub")

    monkeypatch.setattr(datasets, "load_dataset", fails)
    for settings in (datasets.config, huggingface_hub.constants):
        monkeypatch.setattr(settings, "HF_HUB_OFFLINE", False)
    with pytest.raises(MissingDataError, match=r"a/b/c \(test\).*Couldn't reach the hub.*--data_dir"):
        hub.rows("a/b", "c", "test")
    # The next data set isn't tried for half a minute again.
    assert datasets.config.HF_HUB_OFFLINE and huggingface_hub.constants.HF_HUB_OFFLINE


def test_a_fault_of_ours_is_not_told_as_missing_data(monkeypatch):
    import datasets

    def fails(*args, **kwargs):
        raise TypeError("a fault")

    monkeypatch.setattr(datasets, "load_dataset", fails)
    with pytest.raises(TypeError):
        hub.rows("a/b", None, "test")
