"""From Hugging Face's files through a run and back: the imported model is the seed that is branched."""

import json
import math
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
import torch
import transformers

from data import tokenizer as tokenizer_lib
from launch import hf_files
from mistral_moe import hf, hf_config

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHAPE = {
    "vocab_size": 32_768,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "intermediate_size": 32,
    "sliding_window": None,
    "rms_norm_eps": 1e-5,
}


def command(module, *arguments):
    return subprocess.run(
        [sys.executable, "-m", f"launch.{module}", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    model = transformers.MistralForCausalLM(transformers.MistralConfig(**SHAPE))
    model.save_pretrained(tmp_path / "checkpoint")
    shutil.copyfile(tokenizer_lib.mistral_path("v3"), tmp_path / "checkpoint" / "tokenizer.model")
    return tmp_path / "checkpoint"


@pytest.mark.slow
def test_an_imported_model_is_the_seed_of_a_run_and_leaves_it_bit_for_bit(checkpoint, tmp_path):
    work = tmp_path / "work"
    run = [
        "--config=experiments/tiny.py",
        f"--workdir={work}",
        "--config.tokenizer.kind=imported",
        "--config.seed_stage.init=imported",
        "--config.seed_stage.steps=0",
    ]
    fitting = [*run, "--config.model.vocab_size=32768"]
    assert command("process_data", *fitting).returncode == 0
    early = command("train_tokenizer", *fitting)
    assert early.returncode == 1 and "stage import is not complete" in early.stderr

    assert command("import_hf", f"--path={checkpoint}", f"--workdir={work}").returncode == 0
    other = command("train_tokenizer", *run)
    assert other.returncode == 1 and "set --config.model.vocab_size=32768" in other.stderr
    assert command("train_tokenizer", *fitting).returncode == 0
    assert (work / "tokenizer" / "tokenizer.model").read_bytes() == tokenizer_lib.mistral_path("v3").read_bytes()

    done = command("train_seed", *fitting)
    assert done.returncode == 0, done.stderr
    lineage = json.loads(next((work / "seed" / "checkpoints").glob("*/lineage/metadata")).read_text())
    assert set(lineage["ancestors"]) == {"import", "seed"}
    exported = command("export_hf", f"--workdir={work}", "--stage=seed", f"--output={tmp_path / 'out'}")
    assert exported.returncode == 0, exported.stderr
    ours, theirs = (
        safetensors.numpy.load_file(folder / "model.safetensors") for folder in (tmp_path / "out", checkpoint)
    )
    assert ours.keys() == theirs.keys()
    for name in theirs:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert (tmp_path / "out" / "tokenizer.model").exists()


_PEAK = """
import json, sys
from launch import provenance, saved_models
from launch.workdir import Workdir
provenance.reset_peak_rss()
params = saved_models.find(Workdir(sys.argv[1])).load()
print(provenance.peak_rss_bytes())
"""


@pytest.mark.slow
def test_loading_takes_the_model_and_at_most_1_3_times_its_largest_tensor(tmp_path):
    """Peak memory of two loads, of a small and a large model, differs by no more than that; the rest is the program's own."""
    peaks, sizes = [], []
    for name, wide in (("narrow", {}), ("wide", {"hidden_size": 1024, "head_dim": 64, "intermediate_size": 4096})):
        config = transformers.MistralConfig(**(SHAPE | wide), architectures=["MistralForCausalLM"]).to_dict()
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config))
        rows = {row.name: row for row in hf.tensor_map(hf_config.config_from_hf(config))}
        noise = np.random.default_rng(0)
        hf_files.write_weights(
            folder,
            {name: row.shape for name, row in rows.items()},
            np.dtype(np.float32),
            lambda name, rows=rows, noise=noise: [noise.standard_normal(rows[name].shape, dtype=np.float32)],
        )
        assert command("import_hf", f"--path={folder}", f"--workdir={tmp_path / 'work' / name}").returncode == 0
        told = subprocess.run(
            [sys.executable, "-c", _PEAK, tmp_path / "work" / name], cwd=ROOT, capture_output=True, text=True
        )
        peaks.append(int(told.stdout))
        sizes.append([4 * math.prod(row.shape) for row in rows.values()])
    allowed = sum(sizes[1]) - sum(sizes[0]) + 1.3 * max(sizes[1])
    assert sum(sizes[1]) - sum(sizes[0]) < peaks[1] - peaks[0] < allowed
