"""The hub's reader, up to the network: what it makes of a data set, and what it says where none can be had."""

import datasets
import pytest

from data.benchmarks import hub
from data.benchmarks.rows import MissingDataError


def test_rows_have_their_columns_but_pictures(monkeypatch):
    features = datasets.Features(
        {"question": datasets.Value("string"), "image": datasets.Image(), "sound": datasets.Audio()}
    )
    made = {"question": ["one", "two"], "image": [{"bytes": b"no picture", "path": None}] * 2, "sound": [None, None]}
    table = datasets.Dataset.from_dict(made, features=features)
    monkeypatch.setattr(datasets, "load_dataset", lambda path, name, split: table)
    rows = hub.rows("someone/set", "part", "test")
    assert [dict(row.fields) for row in rows] == [{"question": "one"}, {"question": "two"}]
    assert rows[1].place == "someone/set/part/test:2"


def test_without_a_network_the_message_names_the_flag(monkeypatch):
    def fails(path, name, split):
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", fails)
    with pytest.raises(MissingDataError, match=r"someone/set \(test\) can't be had.*--data_dir"):
        hub.rows("someone/set", None, "test")
