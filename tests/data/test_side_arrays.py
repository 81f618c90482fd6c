"""Arrays written and read in stretches are those that NumPy writes and reads whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import side_arrays


@given(st.lists(st.lists(st.integers(0, 255), max_size=9), max_size=9), st.sampled_from([(), (3,)]))
def test_what_is_appended_is_what_numpy_reads(tmp_path_factory, parts, row_shape):
    path = tmp_path_factory.mktemp("sides") / "a.npy"
    arrays = [np.resize(np.array(part, np.uint8), (len(part), *row_shape)) for part in parts]
    with side_arrays.Writer(path, np.uint8, row_shape) as writer:
        for array in arrays:
            writer.append(array)
        assert not path.exists()
    whole = np.concatenate([np.empty((0, *row_shape), np.uint8), *arrays])
    loaded, reader = np.load(path), side_arrays.Reader(path)
    assert loaded.dtype == reader.dtype == np.uint8 and loaded.shape == reader.shape == whole.shape
    assert np.array_equal(loaded, whole)
    assert np.array_equal(np.concatenate([whole[:0], *reader.chunks()]), whole)
    for start in range(0, len(whole), 3):
        assert np.array_equal(reader.read(start, start + 2), whole[start : start + 2])
    places = list(range(len(whole)))[::-2]
    assert np.array_equal(reader.take(places), whole[places])


def test_an_error_leaves_nothing_and_the_older_file_as_it_was(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(3))
    with pytest.raises(KeyError):
        with side_arrays.Writer(path, np.int64) as writer:
            writer.append([1, 2])
            raise KeyError
    assert [file.name for file in tmp_path.iterdir()] == ["a.npy"] and np.load(path).tolist() == [0, 1, 2]


def test_what_is_no_such_file_or_cut_is_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(30))
    whole = path.read_bytes()
    for content, match in ((whole[:-8], "do not hold"), (whole + b"x", "do not hold"), (b"text", "magic")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=match):
            side_arrays.Reader(path)
    np.save(path, np.zeros((3, 2), order="F"))
    with pytest.raises(ValueError, match="Fortran"):
        side_arrays.Reader(path)
    with pytest.raises(OSError):
        side_arrays.Reader(tmp_path / "b.npy")
