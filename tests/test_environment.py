"""The installed packages work together: conflicts that a dependency resolver can't see show at import."""

import importlib.metadata
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOADING_PATH = ("array_records", "curriculum", "document", "domains", "loader", "packing", "tokenizer", "tokens")


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.slow
def test_sentencepiece_protobuf_and_seqio_agree():
    # sentencepiece 0.2.3 generates code for protobuf 7, which apache-beam forbids; the resolver installs both happily.
    result = run_python(
        "from sentencepiece import sentencepiece_model_pb2 as pb; import seqio, tensorflow_datasets, data.tasks;"
        "from data.tokenizer import mistral_path;"
        "model = pb.ModelProto.FromString(open(mistral_path('v1'), 'rb').read());"
        "assert len(model.pieces) == seqio.SentencePieceVocabulary(str(mistral_path('v1'))).vocab_size == 32000;"
        "print('all fine')"
    )
    assert result.returncode == 0 and "all fine" in result.stdout, result.stderr[-2000:]


def test_loading_path_does_without_tensorflow():
    imports = ", ".join(f"data.{module}" for module in LOADING_PATH)
    result = run_python(f"import sys, {imports}; print(sorted({{'tensorflow', 'seqio'}} & set(sys.modules)))")
    assert result.returncode == 0 and result.stdout.strip() == "[]", result.stdout + result.stderr[-2000:]


@pytest.mark.parametrize("package", ["sentencepiece", "protobuf"])
def test_pinned_packages_are_the_locked_ones(package):
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    assert f"{package}=={importlib.metadata.version(package)}" in lock
