"""Hugging Face both ways, through files that transformers wrote and reads: equal logits, equal bits, clear refusals."""

import argparse
import dataclasses
import inspect
import json
import pathlib
import shutil
import subprocess
import sys

import flax.traverse_util
import jax
import ml_collections
import numpy as np
import pytest
import safetensors.numpy
import torch
import transformers

from data import tokenizer as tokenizer_lib
from launch import export_hf, hf_files, import_hf, models, saved_models, streamed_params
from launch.errors import UserError
from launch.safety import record
from launch.workdir import Workdir, atomic_write_json
from mistral_moe import hf, hf_config, sharding
from mistral_moe.models.config import MistralConfig
from mistral_moe.models.mistral import Mistral, init_params, logits
from mistral_moe.safety.gates import NAMES

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHAPE = {
    "vocab_size": 96,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 512,
}
MODELS = {
    "v0.1": ("Mistral", {"sliding_window": 6, "rms_norm_eps": 1e-5}),
    "v0.3": ("Mistral", {"sliding_window": None, "rope_theta": 1e6, "rms_norm_eps": 1e-5}),
    "nemo": ("Mistral", {"sliding_window": None, "head_dim": 12, "rope_theta": 1e6}),
    "mixtral": ("Mixtral", {"num_local_experts": 3, "num_experts_per_tok": 2, "rope_theta": 1e6}),
}
TOKENS = np.random.default_rng(0).integers(0, 96, (2, 16)).astype(np.int32)


def theirs_of(name, dtype=torch.float32):
    kind, options = MODELS[name]
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SHAPE, **options)
    return getattr(transformers, f"{kind}ForCausalLM")(config).to(dtype).eval()


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """name -> (model, folder) as save_pretrained writes it: in several files, with Mistral's own tokenizer."""
    made = {}
    for name in MODELS:
        folder = tmp_path_factory.mktemp(name.replace(".", "_"))
        model = theirs_of(name)
        model.save_pretrained(folder, max_shard_size="40KB")
        shutil.copyfile(tokenizer_lib.mistral_path("v1"), folder / "tokenizer.model")
        (folder / "chat_template.jinja").write_text("{{ messages }}")
        made[name] = (model, folder)
    return made


@pytest.fixture
def folder(originals, tmp_path):
    """A copy of a checkpoint to spoil."""
    return pathlib.Path(shutil.copytree(originals["v0.3"][1], tmp_path / "checkpoint"))


def our_logits(config, params):
    positions = np.broadcast_to(np.arange(TOKENS.shape[1], dtype=np.int32), TOKENS.shape)
    out = Mistral(config).apply({"params": params}, TOKENS, np.ones_like(TOKENS), positions)
    return np.asarray(logits(params, out.hidden))


def their_logits(model):
    with torch.no_grad():
        return model(torch.tensor(TOKENS, dtype=torch.long)).logits.float().numpy()


def written(folder):
    """name -> array of all tensors in the folder's safetensors files."""
    return {
        name: array
        for file in sorted(folder.glob("*.safetensors"))
        for name, array in safetensors.numpy.load_file(file).items()
    }


def export(model, output, expert="", without=(), dtype=None, shard_bytes=10_000):
    return export_hf.export(model, output, expert, without, dtype, shard_bytes)


def same_bits(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        assert ours[name].dtype == array.dtype and ours[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in ("v0.1", "nemo"))) for n in MODELS])
def test_imported_logits_equal_and_exported_files_hold_the_same_bits(originals, name, tmp_path):
    theirs, folder = originals[name]
    assert len(list(folder.glob("*.safetensors"))) > 1
    workdir = Workdir(tmp_path / "work")
    manifest = import_hf.import_model(str(folder), workdir)
    assert manifest["stage"] == "import" and str(folder / "config.json") in manifest["inputs"]
    model = saved_models.find(workdir)
    np.testing.assert_allclose(our_logits(model.config, model.load()), their_logits(theirs), atol=1e-4)

    output = tmp_path / "exported"
    export(model, output)
    same_bits(written(output), written(folder))
    for companion in ("tokenizer.model", "chat_template.jinja"):
        assert (output / companion).read_bytes() == (folder / companion).read_bytes()
    again = transformers.AutoModelForCausalLM.from_pretrained(output)
    np.testing.assert_array_equal(their_logits(again), their_logits(theirs))
    assert hf_config.config_from_hf(json.loads((output / "config.json").read_text())) == hf_config.config_from_hf(
        json.loads((folder / "config.json").read_text())
    )
    assert hf_files.HfFolder(output).config["max_position_embeddings"] == 512


def test_a_model_that_failed_a_gate_is_exported_with_the_users_word_alone(originals, tmp_path):
    workdir = Workdir(tmp_path / "work")
    import_hf.import_model(str(originals["v0.1"][1]), workdir)
    model = saved_models.find(workdir)
    export(model, tmp_path / "unjudged")
    assert "**Not validated.**" in (tmp_path / "unjudged" / "README.md").read_text()

    gates = {name: {"passed": name != "bias", "reason": "too biased"} for name in NAMES}
    atomic_write_json(
        record.path_of(workdir, record.identity(model)), {"model": record.identity(model), "gates": gates}
    )
    line = [sys.executable, "-m", "launch.export_hf", f"--workdir={workdir}", f"--output={tmp_path / 'out'}"]
    refused = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 3 and "failed 1 safety gate: bias (too biased)" in refused.stderr
    assert not (tmp_path / "out").exists()
    accepted = subprocess.run([*line, "--i_accept_unsafe"], cwd=ROOT, capture_output=True, text=True)
    assert accepted.returncode == 0, accepted.stderr
    card = (tmp_path / "out" / "README.md").read_text()
    assert "--i_accept_unsafe" in card and "| bias | **failed** |" in card and "Unsafe by its own gates" in card


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_comes_back_bit_for_bit(dtype, tmp_path):
    source, output, workdir = tmp_path / "source", tmp_path / "output", Workdir(tmp_path / "work")
    theirs_of("mixtral", getattr(torch, dtype)).save_pretrained(source)
    import_hf.import_model(str(source), workdir)
    model = saved_models.find(workdir, "import")
    assert model.config.param_dtype == ("bfloat16" if dtype == "bfloat16" else "float32")
    assert export(model, output)["dtype"] == dtype
    same_bits(written(output), written(source))


def test_import_into_another_dtype(originals, tmp_path):
    workdir = Workdir(tmp_path / "work")
    import_hf.import_model(str(originals["v0.3"][1]), workdir, "bfloat16")
    model = saved_models.find(workdir)
    leaf = flax.traverse_util.flatten_dict(model.load(), sep="/")["layers/ffn/gate"]
    assert leaf.dtype == "bfloat16" and model.config.dtype == "bfloat16"


@pytest.mark.parametrize("name", ["nemo", "mixtral"])
@pytest.mark.parametrize("piece_bytes", [1, 500, 1 << 20])
def test_pieces_of_any_size_fill_the_same_parameters(originals, name, piece_bytes):
    source = hf_files.HfFolder(originals[name][1])
    config = hf_config.config_from_hf(source.config)
    rows = hf.check_tensors(config, source.shapes)
    params = streamed_params.read(source, rows, config, sharding.make_mesh({"fsdp": 1}), piece_bytes)
    expected = hf.params_from_hf(config, written(originals[name][1]))
    jax.tree.map(np.testing.assert_array_equal, params, expected)


def test_the_fused_naming_streams_too(originals, tmp_path):
    config = hf_config.config_from_hf(hf_files.HfFolder(originals["mixtral"][1]).config)
    params = hf.params_from_hf(config, written(originals["mixtral"][1]))
    safetensors.numpy.save_file(hf.params_to_hf(config, params, "fused"), tmp_path / hf_files.SINGLE)
    shutil.copyfile(originals["mixtral"][1] / "config.json", tmp_path / "config.json")
    source = hf_files.HfFolder(tmp_path)
    rows = hf.check_tensors(config, source.shapes)
    streamed = streamed_params.read(source, rows, config, sharding.make_mesh({"fsdp": 1}), 5000)
    jax.tree.map(np.testing.assert_array_equal, streamed, params)


def test_a_second_import_finds_the_first_and_refuses_another(originals, tmp_path):
    workdir = Workdir(tmp_path / "work")
    first = import_hf.import_model(str(originals["v0.3"][1]), workdir)
    assert import_hf.import_model(str(originals["v0.3"][1]), workdir) == first
    with pytest.raises(UserError, match="holds another import.*choose another --workdir or delete"):
        import_hf.import_model(str(originals["nemo"][1]), workdir)
    with pytest.raises(UserError, match="holds another import, of .* in float32"):
        import_hf.import_model(str(originals["v0.3"][1]), workdir, "bfloat16")


def test_an_import_that_was_cut_short_begins_anew(originals, tmp_path):
    workdir = Workdir(tmp_path / "work")
    import_hf.import_model(str(originals["v0.3"][1]), workdir)
    (workdir.folder("imported") / "manifest.json").unlink()
    (workdir.folder("imported") / "hf" / "tokenizer.model").write_text("half")
    import_hf.import_model(str(originals["v0.3"][1]), workdir)
    model = saved_models.find(workdir)
    assert tokenizer_lib.load(model.tokenizer).vocab_size == 32_000


def spoil(folder, how):
    file = sorted(folder.glob("*.safetensors"))[0]
    index = json.loads((folder / hf_files.INDEX).read_text())
    config = json.loads((folder / "config.json").read_text())
    if how == "truncated":
        file.write_bytes(file.read_bytes()[:-10])
    elif how == "pickle":
        for path in (*folder.glob("*.safetensors"), folder / hf_files.INDEX):
            path.unlink()
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    elif how == "no weights":
        for path in (*folder.glob("*.safetensors"), folder / hf_files.INDEX):
            path.unlink()
    elif how == "shard":
        file.unlink()
    elif how == "unlisted":
        name = next(name for name, where in index["weight_map"].items() if where == file.name)
        index["weight_map"][name + ".extra"] = file.name
        (folder / hf_files.INDEX).write_text(json.dumps(index))
    elif how == "missing":
        tensors = safetensors.numpy.load_file(file)
        del tensors["lm_head.weight" if "lm_head.weight" in tensors else next(iter(tensors))]
        safetensors.numpy.save_file(tensors, file)
        index["weight_map"] = {n: w for n, w in index["weight_map"].items() if w != file.name or n in tensors}
        (folder / hf_files.INDEX).write_text(json.dumps(index))
    elif how == "integers":
        tensors = safetensors.numpy.load_file(file)
        name = next(iter(tensors))
        safetensors.numpy.save_file(tensors | {name: np.zeros(tensors[name].shape, np.int8)}, file)
    elif how == "no config":
        (folder / "config.json").unlink()
    elif how == "config is no JSON":
        (folder / "config.json").write_text("{")
    else:
        (folder / "config.json").write_text(json.dumps(config | how))
    return folder


@pytest.mark.parametrize(
    "how, message",
    [
        ("truncated", r"model-00001-of-\d+\.safetensors cannot be read as safetensors.*download it again"),
        ("pickle", "pytorch_model.bin, a pickle.*use the safetensors files"),
        ("no weights", "neither model.safetensors.index.json nor model.safetensors"),
        ("shard", r"model-00001-of-\d+\.safetensors is missing, which model.safetensors.index.json lists"),
        ("unlisted", r"lacks the tensor '.*\.extra'"),
        ("missing", r"tensor '.*' is missing"),
        ("integers", r"tensor '.*' is of type I8"),
        ("no config", "has no config.json"),
        ("config is no JSON", "config.json cannot be read"),
        ({"intermediate_size": 40}, r"tensor 'model.layers.0.mlp.*' has shape .* but the config asks for"),
        ({"num_hidden_layers": 1}, "unexpected tensor 'model.layers.1"),
        ({"hidden_size": "wide"}, "config.json has hidden_size='wide'"),
        ({"architectures": ["LlamaForCausalLM"]}, "unknown architecture 'LlamaForCausalLM'"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "layer_types of several kinds"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_written(folder, tmp_path, how, message):
    with pytest.raises(UserError, match=message):
        import_hf.import_model(str(spoil(folder, how)), Workdir(tmp_path / "work"))
    assert not (tmp_path / "work" / "imported").exists()


def test_a_file_that_changed_since_is_not_read(originals, tmp_path):
    workdir = Workdir(tmp_path / "work")
    import_hf.import_model(str(originals["v0.3"][1]), workdir)
    file = next((workdir.folder("imported") / "hf").glob("*.safetensors"))
    spoiled = bytearray(file.read_bytes())
    spoiled[-1] ^= 1
    file.unlink()
    file.write_bytes(spoiled)
    with pytest.raises(UserError, match="is corrupt: it is not the file that was imported"):
        saved_models.find(workdir).load()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="is not a folder"):
        import_hf.import_model(str(tmp_path / "nowhere"), Workdir(tmp_path / "work"))


CONFIG = MistralConfig(
    vocab_size=512, d_model=16, num_layers=2, num_heads=2, num_kv_heads=1, head_dim=8, d_ff=24, experts=("a", "b", "c")
)


def run_of(tmp_path, changes, open_gate=False, bias=0.0):
    """A workdir whose stage `joint` is complete, and its model."""
    workdir = Workdir(tmp_path / "run")
    model = {
        field.name: getattr(CONFIG, field.name)
        for field in dataclasses.fields(CONFIG)
        if field.name not in ("experts", "has_reasoning")
    }
    run = ml_collections.ConfigDict(
        {
            "domains": CONFIG.experts,
            "model": model | changes,
            "train": {"seq_len": 64},
            "tokenizer": {"kind": "train"},
        }
    )
    config = models.mixture_config(run, reasoning=True)
    params = init_params(config, jax.random.key(0))
    flat = flax.traverse_util.flatten_dict(params, sep="/")
    for path, leaf in flat.items():
        if path == "reasoning/gate" and open_gate:
            flat[path] = leaf + 0.1
        if path.endswith("selection_bias"):
            flat[path] = leaf + bias
    params = flax.traverse_util.unflatten_dict(flat, sep="/")
    outputs = models.save(workdir.folder("joint"), params, {})
    manifest = {
        "stage": "joint",
        "status": "complete",
        "config_hash": "",
        "config": json.loads(run.to_json()),
        "inputs": {},
        "outputs": outputs,
    }
    atomic_write_json(workdir.folder("joint") / "manifest.json", manifest)
    texts = inspect.getsource(argparse).split("\n\n")[:200] + ["ünïcode"] * 9
    tokenizer_lib.train(texts, workdir.folder("tokenizer") / "tokenizer.model", 400)
    return saved_models.find(workdir), params


MIXTRAL_FORM = {"router_scope": "layer", "router_context": "none", "router_hidden": 0}


def test_a_mixture_of_our_own_loads_as_mixtral_with_its_tokenizer(tmp_path):
    model, params = run_of(tmp_path, MIXTRAL_FORM | {"reasoning_steps": 1})
    told = export(model, tmp_path / "out")
    assert told["architecture"] == "MixtralForCausalLM"
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    np.testing.assert_allclose(their_logits(theirs), our_logits(model.config, params), atol=1e-4)
    assert theirs.config.max_position_embeddings == 64

    ours = tokenizer_lib.load(model.tokenizer)
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    for text in ("alpha beta", "  gamma\n\n\tdelta", "12 + 7", "ünïcode 漢字", ""):
        assert loaded(text)["input_ids"] == ours.encode(text, bos=True).tolist(), text


def test_one_expert_of_a_mixture_is_a_dense_mistral(tmp_path):
    model, params = run_of(tmp_path, {"router_scope": "model", "router_context": "mean", "router_hidden": 8})
    with pytest.raises(UserError, match="model.router_scope is 'model', not 'layer'.*--expert=NAME"):
        export(model, tmp_path / "out")
    with pytest.raises(UserError, match="no expert 'd'; the experts are a, b, c"):
        export(model, tmp_path / "out", expert="d")
    told = export(model, tmp_path / "out", expert="b")
    assert told["architecture"] == "MistralForCausalLM"
    from mistral_moe.models.router import force

    positions = np.broadcast_to(np.arange(TOKENS.shape[1], dtype=np.int32), TOKENS.shape)
    forced = Mistral(model.config).apply(
        {"params": params}, TOKENS, np.ones_like(TOKENS), positions, decision=force(1, TOKENS, 3)
    )
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    np.testing.assert_allclose(their_logits(theirs), np.asarray(logits(params, forced.hidden)), atol=1e-4)


def test_what_mixtral_lacks_is_named_and_can_be_left_out(tmp_path):
    model, params = run_of(tmp_path, MIXTRAL_FORM | {"reasoning_steps": 1}, open_gate=True, bias=0.5)
    with pytest.raises(UserError, match="model.reasoning_steps is 1, not 0.*--without=reasoning"):
        export(model, tmp_path / "out")
    with pytest.raises(UserError, match="selection_bias.*not zero.*--without=selection_bias"):
        export(model, tmp_path / "out", without=("reasoning",))
    export(model, tmp_path / "out", without=("reasoning", "selection_bias"))
    plain, without = export_hf.as_exported(model.config, params, ("reasoning", "selection_bias"))
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    np.testing.assert_allclose(their_logits(theirs), our_logits(plain, without), atol=1e-4)


def test_a_taken_folder_is_not_touched(originals, tmp_path):
    workdir = Workdir(tmp_path / "work")
    import_hf.import_model(str(originals["v0.3"][1]), workdir)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    with pytest.raises(UserError, match="exists; choose another folder"):
        export(saved_models.find(workdir), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_finding_a_model_says_what_there_is(originals, tmp_path):
    workdir = Workdir(tmp_path / "work")
    with pytest.raises(UserError, match="there is no workdir"):
        saved_models.find(workdir)
    import_hf.import_model(str(originals["v0.3"][1]), workdir)
    with pytest.raises(UserError, match="stage joint is not complete in .*; those that are: import"):
        saved_models.find(workdir, "joint")
    with pytest.raises(UserError, match="no model is made by a stage 'data'"):
        saved_models.find(workdir, "data")
    with pytest.raises(UserError, match="--domain=code names a branch"):
        saved_models.find(workdir, "import", "code")
