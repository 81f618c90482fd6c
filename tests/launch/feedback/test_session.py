"""Answers are kept once, mean what the person saw, and can be taken back; a restart goes on after the last one."""

import collections
import json

import pytest

from launch.errors import UserError
from launch.feedback.pairs import Pair, PairList
from launch.feedback.session import Ending, Refused, Session
from launch.feedback.store import PREFERENCES_FILE, UNDECIDED_FILE, AnswerStore

MODELS, SEEDS = {"a": "joint", "b": "seed"}, {"a": 11, "b": 22}
PAIRS = [Pair(f"prompt {n}", f"first {n}", f"second {n}", MODELS, SEEDS, {"from": n}) for n in range(8)]


def rows(folder, name):
    path = folder / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def press(session, choice, key="k"):
    return session.answer(session.state()["pair"]["id"], choice, key)


@pytest.mark.parametrize("seed", range(3))
def test_chosen_is_what_stood_on_the_side_that_was_chosen(tmp_path, seed):
    with AnswerStore(tmp_path, "kim") as store:
        session = Session(PairList(PAIRS), store, seed)
        shown = []
        for choice in "ABABABAB":
            pair = session.state()["pair"]
            assert set(pair) == {"id", "prompt", "left", "right"}  # nothing tells whose it is
            press(session, choice)
            sides = (pair["left"], pair["right"])
            better, worse = sides if choice == "A" else sides[::-1]
            shown.append([f"\n\nHuman: {pair['prompt']}\n\nAssistant: {text}" for text in (better, worse)])
        assert session.state()["status"] == "done"
    kept = rows(tmp_path, PREFERENCES_FILE)
    assert [[row["chosen"], row["rejected"]] for row in kept] == shown
    assert collections.Counter(row["left"] for row in kept).keys() == {"a", "b"}
    for row, pair in zip(kept, PAIRS):
        chosen_is_a = row["chosen"].endswith(pair.a)
        assert (
            row["models"] == {"chosen": "joint", "rejected": "seed"}
            if chosen_is_a
            else row["models"]["chosen"] == "seed"
        )
        assert row["seeds"]["chosen"] == (11 if chosen_is_a else 22)
        assert row["labeller"] == "kim" and row["id"] == pair.id and row["meta"] == pair.meta and row["time"]


def test_ties_and_skips_go_to_their_own_file_and_are_counted(tmp_path):
    with AnswerStore(tmp_path, "kim") as store:
        session = Session(PairList(PAIRS), store, 0)
        for choice in ("tie", "A", "skip", "tie"):
            state = press(session, choice)
        assert state["answered"] == 4 and state["wanted"] == 8
        assert state["counts"] == {"preferences": 1, "ties": 2, "skips": 1}
    undecided = rows(tmp_path, UNDECIDED_FILE)
    assert [(row["prompt"], row["answer"]) for row in undecided] == [
        ("prompt 0", "tie"),
        ("prompt 2", "skip"),
        ("prompt 3", "tie"),
    ]
    assert undecided[0]["a"] == "first 0" and undecided[0]["models"] == MODELS and undecided[0]["seeds"] == SEEDS
    assert len(rows(tmp_path, PREFERENCES_FILE)) == 1


def test_a_restart_goes_on_after_the_last_answer_even_with_another_seed_and_order_of_pairs(tmp_path):
    with AnswerStore(tmp_path, "kim") as store:
        session = Session(PairList(PAIRS), store, 0)
        for choice in ("A", "tie", "B"):
            press(session, choice)
        late = session.state()["pair"]
    with AnswerStore(tmp_path, "kim") as store:
        session = Session(PairList(PAIRS[::-1]), store, 1)
        assert session.state()["answered"] == 3
        # The page of the killed server still shows the pair in its order, and that is what its answer means.
        session.answer(late["id"], "A", "k")
        assert rows(tmp_path, PREFERENCES_FILE)[-1]["chosen"].endswith(late["left"])
        while session.state()["pair"]:
            press(session, "B")
    ids = [row["id"] for name in (PREFERENCES_FILE, UNDECIDED_FILE) for row in rows(tmp_path, name)]
    assert sorted(ids) == sorted(pair.id for pair in PAIRS)


def test_a_repeated_answer_is_written_once_and_another_one_is_refused(tmp_path):
    with AnswerStore(tmp_path, "kim") as store:
        session = Session(PairList(PAIRS), store, 0)
        shown = session.state()["pair"]["id"]
        first = session.answer(shown, "A", "k")
        assert session.answer(shown, "A", "k") == first
        for other in ("B", "tie", "skip"):
            with pytest.raises(Refused, match="another answer"):
                session.answer(shown, other, "k2")
        for wrong in ((shown, "C", "k"), ("0" * 16, "A", "k")):
            with pytest.raises(Refused):
                session.answer(*wrong)
        assert len(rows(tmp_path, PREFERENCES_FILE)) == 1
        session.close()
        with pytest.raises(Ending):
            press(session, "A")
    with AnswerStore(tmp_path, "kim") as store:  # nor after a restart
        assert Session(PairList(PAIRS), store, 0).answer(shown, "A", "k") == first
    assert len(rows(tmp_path, PREFERENCES_FILE)) == 1


def test_undo_takes_answers_back_one_by_one_and_a_late_repeat_of_one_does_not_return(tmp_path):
    with AnswerStore(tmp_path, "kim") as store:
        session = Session(PairList(PAIRS), store, 0)
        assert session.state()["undo"] is None
        press(session, "A", "one")
        shown = session.state()["pair"]["id"]
        number = press(session, "tie", "two")["undo"]
        with pytest.raises(Refused, match="only the last"):
            session.undo(number - 1)
        state = session.undo(number)
        assert state["pair"]["id"] == shown and state["answered"] == 1
        assert session.undo(number) == state  # asked twice, done once
        assert rows(tmp_path, UNDECIDED_FILE) == [] and len(rows(tmp_path, PREFERENCES_FILE)) == 1
        with pytest.raises(Refused, match="taken back"):
            session.answer(shown, "tie", "two")
        state = session.answer(shown, "tie", "three")
        assert state["undo"] != number
    with AnswerStore(tmp_path, "kim") as store:  # after a restart too
        session = Session(PairList(PAIRS), store, 0)
        assert session.undo(session.state()["undo"])["answered"] == 1
        assert session.undo(session.state()["undo"])["answered"] == 0
        assert session.state()["undo"] is None
    # The last answer of other pairs stays.
    with AnswerStore(tmp_path, "kim") as store:
        press(Session(PairList(PAIRS[:1]), store, 0), "A")
        session = Session(PairList(PAIRS[1:]), store, 0)
        assert session.state()["undo"] is None
        with pytest.raises(Refused, match="not among those"):
            session.undo(store.last[1])


def test_a_folder_has_one_writer_and_no_strange_lines(tmp_path):
    with AnswerStore(tmp_path, "kim") as store:
        press(Session(PairList(PAIRS), store, 0), "A")
        with pytest.raises(UserError, match="in use"):
            AnswerStore(tmp_path, "kim").__enter__()
    path = tmp_path / PREFERENCES_FILE
    line = path.read_text(encoding="utf-8")
    for change, words in (
        (line + line, "second answer"),
        ('{"chosen": "x", "rejected": "y"}\n', ":1 .*its 'id' is None"),
        (line.replace('"answer": "A"', '"answer": "tie"'), ":1 .*its 'answer' is 'tie'"),
    ):
        path.write_text(change, encoding="utf-8")
        with pytest.raises(UserError, match=words):
            AnswerStore(tmp_path, "kim").__enter__()
    path.write_text(line, encoding="utf-8")
    with AnswerStore(tmp_path, "kim") as store:  # the failed starts hold no lock
        assert len(store.answers) == 1
