"""What the hub's reader makes of a data set."""

import datasets

from data.benchmarks import hub


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
