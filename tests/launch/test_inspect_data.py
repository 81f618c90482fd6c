"""What inspect_data says was fed is what the loaders feed, row for row, on every host."""

import json

import ml_collections
import pytest

from data import records, tokenizer as tokenizer_lib
from data.document import Document
from data.domains import LEVELS, SPLITS
from data.tokens import encode_split
from experiments.base import base_config
from launch import corpora, data_order, inspect_data
from launch.errors import UserError
from launch.workdir import Workdir

LENGTH = 48


@pytest.fixture(scope="module")
def run_of_code(tmp_path_factory):
    """(config, workdir) with the documents and tokens of one domain, as the first two stages leave them."""
    folder = tmp_path_factory.mktemp("run")
    config = base_config()
    config.domains = ("code",)
    config.train.update(seq_len=LENGTH, batch_size=6)
    config.seed_stage.steps = 9
    config.experts.update(steps=6, batch_size=4)
    config.experts.curriculum.eval_every = 2
    config.tasks.shares.update(causal_lm=0.5, fill_in_middle=0.5)
    tokenizer = tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "tokenizer.model").write_bytes(tokenizer.path.read_bytes())
    for level in LEVELS["code"]:
        for split in SPLITS:
            documents = [
                Document(
                    f"def {level}_{n}(x):\n    return x + {n}\n" * (1 + n % 4), "code", f"t:{level}/{n}", "MIT", level
                )
                for n in range(12)
            ]
            records.write_documents(records.shard_path(folder / "data", "code", level, split), documents)
            encode_split(
                folder / "data", folder / "tokenizer" / "tokens", tokenizer, "code", level, split, 1, _shares(config)
            )
    manifest = {"stage": "tokenizer", "config_hash": "", "config": {}, "inputs": {}, "outputs": {}}
    manifest["tokenizer_sha256"] = tokenizer.sha256
    (folder / "tokenizer" / "manifest.json").write_text(json.dumps(manifest))
    return config, Workdir(folder)


def _shares(config: ml_collections.ConfigDict):
    return {name: share for name, share in config.tasks.shares.items() if share}


def rows_fed(context, salt, batch_size, steps):
    loader = corpora.all_domains_loader(context, batch_size, salt, ahead=False)
    return [next(loader) for _ in range(steps)]


def test_a_step_is_shown_as_it_is_fed(run_of_code):
    config, workdir = run_of_code
    context = data_order.context_of(config, workdir, "seed")
    tokenizer = tokenizer_lib.load(workdir.folder("tokenizer") / "tokenizer.model")
    fed = rows_fed(context, "seed", 6, 9)
    for step in (0, 8, 4):
        shown = list(inspect_data.show_step(context, data_order.streams(context), step, 0, 1))
        for row, tokens, segments in zip(shown, fed[step]["tokens"], fed[step]["segment_ids"], strict=True):
            told = "".join(part["text"] for part in row["parts"])
            # A decoder drops the space that a stretch begins with.
            assert "".join(told.split()) == "".join(tokenizer.decode(tokens[segments > 0]).split())
            assert row["learned"] == int((fed[step]["loss_weights"][row["place"]] > 0).sum())
            assert len(row["documents"]) == segments.max()
            assert {part["document"] for part in row["parts"]} == set(range(segments.max()))


def test_hosts_share_a_batch(run_of_code):
    config, workdir = run_of_code
    context = data_order.context_of(config, workdir, "seed")
    whole = list(inspect_data.show_step(context, data_order.streams(context), 3, 0, 1))
    shares = [list(inspect_data.show_step(context, data_order.streams(context), 3, host, 3)) for host in range(3)]
    assert [row for share in shares for row in share] == whole and all(len(share) == 2 for share in shares)
    with pytest.raises(UserError, match="no share for host 0 of 4"):
        list(inspect_data.show_step(context, data_order.streams(context), 3, 0, 4))
    with pytest.raises(UserError, match="no step 9"):
        list(inspect_data.show_step(context, data_order.streams(context), 9, 0, 1))


def test_the_steps_of_a_document_are_those_that_show_it(run_of_code):
    config, workdir = run_of_code
    context = data_order.context_of(config, workdir, "seed")
    seen = {}
    for step in range(9):
        for row in inspect_data.show_step(context, data_order.streams(context), step, 0, 1):
            for document in row["documents"]:
                seen.setdefault(document["id"], {}).setdefault(step, set()).add(row["place"])
    assert len(seen) > 20
    for document_id, steps in list(seen.items())[:6]:
        found = inspect_data.steps_of_document(context, data_order.streams(context), document_id)
        assert {row["step"]: set(row["places"]) for row in found} == steps
    with pytest.raises(UserError, match="no training document has the id 00"):
        list(inspect_data.steps_of_document(context, data_order.streams(context), "00"))


def test_a_workdir_without_tokens_says_what_to_run(run_of_code, tmp_path):
    with pytest.raises(UserError, match="stage tokenizer is not complete"):
        data_order.context_of(run_of_code[0], Workdir(tmp_path), "seed")


def test_a_branch_follows_the_history_of_its_curriculum(run_of_code):
    config, workdir = run_of_code
    context = data_order.context_of(config, workdir, "experts")
    (stream,) = data_order.streams(context)
    assert stream.known_until == 0  # nothing was evaluated yet
    last = [0.0, 0.0, 0.0, 0.0, 1.0]
    history = [{"step": 0, "weights": [1.0, 0.0, 0.0, 0.0, 0.0]}, {"step": 2, "weights": last}]
    workdir.folder("experts").mkdir()
    (workdir.folder("experts") / "curriculum.json").write_text(json.dumps({"code": history}))
    (stream,) = data_order.streams(context)
    names = [{name for name, _ in batch} for batch in stream.batches()]
    assert names == [{"code.syntax_basics"}] * 2 + [{"code.optimization"}] * 4 and stream.known_until == 4
