"""Checkpoints: bit-exact, atomic, refused with the folder's name when they are not whole."""

import functools
import pathlib
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.checkpoint import CheckpointError, CheckpointStore, abstract, digest, restore_params
from mistral_moe.training.losses import language_model_loss
from mistral_moe.training.optim import OptimConfig, make_optimizer
from mistral_moe.training.partition import split
from mistral_moe.training.step import init_state, make_step

# A refused restore leaves tensorstore's futures unread; they complain when they are collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TREE = {
    "embedding": jnp.arange(6, dtype=jnp.float32).reshape(2, 3) / 7,
    "layers": {"gate": jnp.ones((4,), jnp.bfloat16) / 3, "count": jnp.array([1, 2], jnp.int32)},
}


def same_bits(one, two):
    """Whether two trees have one structure and all leaves the same dtype, shape and bytes."""

    def same(a, b):
        a, b = np.asarray(a), np.asarray(b)
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())

    return jax.tree.structure(one) == jax.tree.structure(two) and all(jax.tree.leaves(jax.tree.map(same, one, two)))


def test_all_items_come_back_bit_for_bit(tmp_path):
    facts = {"position": 2**40 + 1, "weights": [0.1, 1e-300], "name": "é", "none": None}
    with CheckpointStore(tmp_path / "c") as store:
        store.save(
            7, {"params": TREE, "opt": {"mu": TREE}, "data_iter": facts, "curriculum": facts, "lineage": {"a": []}}
        )
    with CheckpointStore(tmp_path / "c") as store:
        assert store.latest_step() == 7
        targets = {
            "params": abstract(TREE),
            "opt": {"mu": abstract(TREE)},
            "data_iter": None,
            "curriculum": None,
            "lineage": None,
        }
        found = store.restore(targets)
    assert same_bits(found["params"], TREE) and same_bits(found["opt"], {"mu": TREE})
    assert found["data_iter"] == found["curriculum"] == facts and found["lineage"] == {"a": []}


def flipped(leaf):
    """The leaf with the lowest bit of its first element flipped."""
    bits = np.array(leaf)
    bits.reshape(-1).view(np.uint8)[0] ^= 1
    return bits


@pytest.mark.parametrize("path", ("embedding", "gate", "count"))
def test_the_digest_changes_with_one_bit_and_with_nothing_else(path):
    assert digest(TREE) == digest(jax.tree.map(np.asarray, TREE)) == digest(dict(reversed(TREE.items())))
    other = jax.tree_util.tree_map_with_path(lambda key, leaf: flipped(leaf) if path in str(key[-1]) else leaf, TREE)
    assert digest(other) != digest(TREE)


def test_the_digest_sees_names_shapes_and_dtypes():
    leaf = np.zeros((2, 3), np.float32)
    trees = [{"a": leaf}, {"b": leaf}, {"a": leaf.reshape(3, 2)}, {"a": leaf.astype(np.int32)}, {"a": {"a": leaf}}]
    assert len({digest(tree) for tree in trees}) == len(trees)


@pytest.fixture
def saved(tmp_path):
    """A folder with the checkpoints of steps 1 and 2; step 2 holds twice the parameters."""
    with CheckpointStore(tmp_path / "checkpoints", keep=2) as store:
        for step in (1, 2):
            store.save(
                step, {"params": jax.tree.map(lambda leaf, step=step: leaf * step, TREE), "lineage": {"step": step}}
            )
    return tmp_path / "checkpoints"


def test_the_newest_is_taken_unless_one_is_asked_for(saved):
    with CheckpointStore(saved, keep=2) as store:
        assert store.restore({"lineage": None})["lineage"] == {"step": 2}
        assert store.restore({"lineage": None}, step=1)["lineage"] == {"step": 1}


def test_only_so_many_are_kept(tmp_path):
    with CheckpointStore(tmp_path / "c", keep=1) as store:
        for step in (1, 2, 3):
            store.save(step, {"params": TREE})
    assert [path.name for path in (tmp_path / "c").iterdir() if path.name.isdigit()] == ["3"]


def test_a_half_written_checkpoint_is_no_checkpoint(saved):
    """orbax writes under a temporary name and renames; what a kill leaves behind is such a folder."""
    shutil.copytree(saved / "2", saved / "3.orbax-checkpoint-tmp-1234")
    for path in (saved / "3.orbax-checkpoint-tmp-1234").rglob("*"):
        if path.is_file() and path.stat().st_size > 100:
            path.unlink()
    with CheckpointStore(saved, keep=2) as store:
        assert store.latest_step() == 2
        restored = store.restore({"params": abstract(TREE)})["params"]
        assert same_bits(restored, jax.tree.map(lambda leaf: leaf * 2, TREE))
        store.save(3, {"params": TREE})
    assert same_bits(restore_params(saved, abstract(TREE)), TREE)


def data_files(folder):
    """The files that hold the arrays' bytes."""
    return [path for path in pathlib.Path(folder).rglob("d/*") if path.is_file()]


def remove_bytes(folder):
    for path in data_files(folder):
        path.unlink()


def scramble_bytes(folder):
    for path in data_files(folder):
        path.write_bytes(bytes(len(path.read_bytes())))


def cut_bytes(folder):
    for path in data_files(folder):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", (remove_bytes, scramble_bytes, cut_bytes))
def test_a_damaged_checkpoint_is_refused_with_its_folder(saved, damage):
    assert data_files(saved / "2"), "the test must find something to damage"
    damage(saved / "2")
    with pytest.raises(CheckpointError, match=rf"{saved}/2: cannot be restored .* run the stage again"):
        restore_params(saved, abstract(TREE))


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(TREE | {"embedding": jnp.zeros((3, 3))}, id="another shape"),
        pytest.param(TREE | {"head": jnp.zeros((3, 3))}, id="one leaf more"),
        pytest.param({"embedding": TREE["embedding"]}, id="leaves missing"),
    ],
)
def test_other_shapes_than_expected_are_refused(saved, target):
    with pytest.raises(CheckpointError, match=f"{saved}/2: cannot be restored"):
        restore_params(saved, abstract(target))


def test_a_checkpoint_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=f"{tmp_path}/nowhere: no such checkpoint folder; run the stage"):
        restore_params(tmp_path / "nowhere", abstract(TREE))
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=f"{tmp_path}/empty: holds no checkpoint"):
        restore_params(tmp_path / "empty", abstract(TREE))


def test_parameters_of_another_digest_are_refused(saved):
    twice = jax.tree.map(lambda leaf: leaf * 2, TREE)
    assert same_bits(restore_params(saved, abstract(TREE), digest(twice)), twice)
    with pytest.raises(CheckpointError, match=f"{saved}: .*digest differs"):
        restore_params(saved, abstract(TREE), digest(TREE))


def test_saved_and_resumed_is_bit_identical_to_unbroken(tmp_path, tiny_config, tiny_params, packed_batch):
    config, rates = tiny_config(experts=2), {"experts": 1e-2, "router": 1e-2, "trunk": None}
    optimizer = make_optimizer(OptimConfig(rates, num_steps=10, warmup_steps=2))
    step = jax.jit(make_step(functools.partial(language_model_loss, config), optimizer))
    start = init_state(*split(tiny_params(config), rates), optimizer)

    def run(state, begin, end):
        for seed in range(begin, end):
            state, _ = step(state, packed_batch(seed=seed))
        return state

    half = run(start, 0, 3)
    with CheckpointStore(tmp_path / "c") as store:
        # Training goes on while the writer is still at work: what is saved is the state at the call.
        store.save(3, {"params": half.params, "opt": {"state": half.opt_state, "step": half.step}})
        unbroken = run(half, 3, 6)
    with CheckpointStore(tmp_path / "c") as store:
        targets = {"params": abstract(start.params), "opt": abstract({"state": start.opt_state, "step": start.step})}
        found = store.restore(targets)
    resumed = start.replace(params=found["params"], opt_state=found["opt"]["state"], step=found["opt"]["step"])
    assert same_bits(resumed, half)
    assert same_bits(run(resumed, 3, 6), unbroken) and int(unbroken.step) == 6
