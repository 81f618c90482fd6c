"""`dataset_info.json` and `features.json` beside a level's files, so that `tfds.builder_from_directory` reads them.

Written without TFDS, which would bring TensorFlow into the data stage; a test reads them back through it.
"""

from __future__ import annotations

from typing import Any

from data.pipeline.store import Store

_FEATURES = "tensorflow_datasets.core.features"
_TEXT = ("domain", "id", "level", "licence", "media_type", "meta", "source", "text")


def write(store: Store, folder: str, manifest: dict[str, Any]) -> None:
    """Writes both files for a level's manifest as `data.pipeline.build` makes it."""
    text = {"pythonClassName": f"{_FEATURES}.text_feature.Text", "text": {}}
    media = {
        "pythonClassName": f"{_FEATURES}.tensor_feature.Tensor",
        "tensor": {"shape": {}, "dtype": "string", "encoding": "none"},
    }
    features = {
        "pythonClassName": f"{_FEATURES}.features_dict.FeaturesDict",
        "featuresDict": {"features": {**dict.fromkeys(_TEXT, text), "media": media}},
    }
    splits = [
        {
            "name": split,
            "filepathTemplate": "{SPLIT}-{SHARD_X_OF_Y}.{FILEFORMAT}",
            "numBytes": str(row["bytes"]),
            "shardLengths": [str(count) for count in row["shard_records"]],
        }
        for split, row in sorted(manifest["splits"].items())
        if row["records"]
    ]
    info = {
        "name": f"{manifest['domain']}_{manifest['level']}",
        "version": "1.0.0",
        "fileFormat": "array_record",
        "description": f"Documents of domain {manifest['domain']}, level {manifest['level']}.",
        "splits": splits,
    }
    store.write_json(f"{folder}/features.json", features)
    store.write_json(f"{folder}/dataset_info.json", info)
