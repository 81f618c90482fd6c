"""What the tests of the data stages share: where the real samples lie, and files as inputs."""

import os
import pathlib

import pytest

from data.inputs import InputFile, expand

_ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def samples():
    """samples("code/github_code_clean") -> that folder of real samples, or a skip that says what is missing."""

    def folder(name: str) -> pathlib.Path:
        base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", _ROOT.parent / "shared"))
        path = base / "sources" / name
        if not path.exists():
            pytest.skip(f"no real samples at {path}; set MISTRAL_MOE_SAMPLES to the folder that holds sources/")
        return path

    return folder


@pytest.fixture
def make_input(tmp_path):
    """make_input("a/b.jsonl", b"...") -> the InputFile of a file with these bytes, in an input whose root is tmp_path/in."""

    def make(name: str, data: bytes = b"") -> InputFile:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return InputFile(str(path), str(tmp_path / "in"), len(data))

    return make


@pytest.fixture(scope="session")
def input_files():
    """input_files(path) -> the InputFiles of a file, folder or glob."""

    def files(path) -> list[InputFile]:
        return expand(str(path))

    return files
