"""What the tests of the code sources share."""

import pytest

from data.inputs import expand


@pytest.fixture
def make_tree(tmp_path):
    """make_tree({"a.rst": "..."}) -> the InputFiles of a tree."""

    def make(files):
        root = tmp_path / "tree"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return {file.name: file for file in expand(str(root))}

    return make
