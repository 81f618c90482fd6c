"""Benchmarks' rows from the Hugging Face hub, where there is a network."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence

from data.benchmarks import rows as rows_lib
from data.benchmarks.layout import Splits
from data.benchmarks.rows import MissingDataError, Row


def rows(path: str, name: str | None, split: str) -> list[Row]:
    """All rows of one split, without columns of pictures and sound.

    Args:
      path: the data set's repository, such as "allenai/ai2_arc".
      name: its configuration, such as "ARC-Easy"; None where it has one alone.
      split: such as "test".

    Raises:
      MissingDataError: the hub can't be reached, or has no such split.
    """
    import datasets

    source = f"{path}/{name}" if name else path
    try:
        table = datasets.load_dataset(path, name, split=split)
    except ConnectionError as error:
        _stay_offline()
        raise MissingDataError(_advice(source, split, error)) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise MissingDataError(_advice(source, split, error)) from error
    except Exception as error:
        # The hub's client brings its own kinds of errors of the network, which differ between its releases.
        if not type(error).__module__.startswith(("httpx", "httpcore", "requests", "huggingface_hub", "datasets")):
            raise
        raise MissingDataError(_advice(source, split, error)) from error
    # Pictures and sound would be decoded row by row, for readers that take text.
    heavy = [name for name, kind in table.features.items() if isinstance(kind, (datasets.Image, datasets.Audio))]
    table = table.remove_columns(heavy)
    return [Row(fields, f"{source}/{split}:{number}") for number, fields in enumerate(table, 1)]


def _stay_offline() -> None:
    """From now on data sets come from the cache or fail at once; each would be tried for half a minute otherwise."""
    import datasets
    import huggingface_hub.constants

    huggingface_hub.constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True


def _advice(source: str, split: str, error: Exception) -> str:
    cause = " ".join(str(error).split())[:200]
    return (
        f"{source} ({split}) can't be had from the hub ({type(error).__name__}: {cause}); where there is no network, put the "
        "benchmark's files into a folder and name it by --data_dir"
    )


def single_split(data_dir: pathlib.Path | None, path: str, globs: Sequence[str]) -> list[Row]:
    """All rows of a benchmark that is one split: of the files that match in a folder, or where there is none the hub's test split.

    Raises:
      MissingDataError: neither is there.
      BenchmarkDataError: a file can't be read.
    """
    if data_dir is None:
        return rows(path, None, "test")
    return [row for file in rows_lib.find(data_dir, *globs) for row in rows_lib.read(file)]


def splits(path: str, name: str | None, names: Sequence[str]) -> Splits:
    """Readers of a data set's splits by their names; each is fetched when it is called for."""

    def reader(split: str) -> Callable[[], list[Row]]:
        return lambda: rows(path, name, split)

    return {split: reader(split) for split in names}
