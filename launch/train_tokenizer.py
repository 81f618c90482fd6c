"""Stage `tokenizer`: trains a tokenizer on the corpus, or takes Mistral's own, and encodes every document once.

python -m launch.train_tokenizer --config=experiments/demo.py --workdir=runs/demo
"""

from __future__ import annotations

from collections.abc import Iterator
import itertools
import os
import pathlib
import shutil

from data import records
from data import tokenizer as tokenizer_lib
from data.domains import LEVELS, SPLITS
from data.multitask import registry
from data.tokens import encode_split
from launch import cli
from launch import saved_models
from launch import task_weights
from launch.errors import UserError
from launch.stage import StageContext, StageOutcome
from launch.workdir import Workdir

MODEL_FILE = saved_models.TOKENIZER_FILE


def training_texts(data_dir: pathlib.Path, domains: tuple[str, ...], budget: int) -> Iterator[str]:
    """Training documents for the tokenizer, the same number of bytes from each level of each domain."""
    share = budget // (len(domains) * 5)
    for domain, level in itertools.chain.from_iterable(((d, l) for l in LEVELS[d]) for d in domains):
        used = 0
        for document in records.read_split(data_dir, domain, level, "train"):
            used += len(document.text.encode("utf-8"))
            if used > share:
                break
            yield document.text


def existing_tokenizer(kind: str, workdir: Workdir) -> pathlib.Path:
    """File of a tokenizer that isn't trained here: Mistral's own, or the one that came with the imported model.

    Raises:
      UserError: nothing was imported, or it came without a SentencePiece model.
    """
    if kind != "imported":
        return tokenizer_lib.mistral_path(kind.removeprefix("mistral_"))
    found = saved_models.find(workdir, saved_models.IMPORT).tokenizer
    if found is None:
        raise UserError(
            f"the model in {workdir.folder(saved_models.IMPORT_FOLDER)} came without {saved_models.TOKENIZER_FILE}",
            "import a folder that holds it, or set --config.tokenizer.kind to another",
        )
    return found


def run(context: StageContext) -> StageOutcome:
    """Makes the tokenizer and the token cache."""
    config = context.config
    data_dir, path = context.input_folder("data"), context.folder / MODEL_FILE
    kind, vocab_size = config.tokenizer.kind, int(config.model.vocab_size)
    shares = task_weights.shares(config)
    try:
        if kind == "train":
            if not path.exists():
                budget = int(config.tokenizer.train_bytes)
                texts = training_texts(data_dir, tuple(config.domains), budget)
                tokenizer_lib.train(texts, path, vocab_size, seed=int(config.seed), max_bytes=budget)
        elif kind in ("mistral_v1", "mistral_v3", "imported"):
            partial = path.with_suffix(".partial")
            shutil.copyfile(existing_tokenizer(kind, context.workdir), partial)
            os.replace(partial, path)
        else:
            raise UserError(f"unknown tokenizer.kind {kind!r}", "it is one of train, mistral_v1, mistral_v3, imported")
        tokenizer = tokenizer_lib.load(path)
        if tokenizer.vocab_size != vocab_size:
            raise UserError(
                f"the tokenizer has {tokenizer.vocab_size} ids and the model {vocab_size}",
                f"set --config.model.vocab_size={tokenizer.vocab_size}",
            )
        parts = [(domain, level, split) for domain in config.domains for level in LEVELS[domain] for split in SPLITS]
        tokens, tasks = {split: {} for split in SPLITS}, {}
        for done, (domain, level, split) in enumerate(parts):
            context.progress.update(done, len(parts))
            manifest = encode_split(
                data_dir,
                context.folder / "tokens",
                tokenizer,
                domain,
                level,
                split,
                int(config.tokenizer.threads),
                # Held-out text is read as text, so that losses are of the same tokens whatever the tasks.
                shares if split == "train" else {registry.DEFAULT: 1.0},
                int(config.seed),
            )
            tokens[split].setdefault(domain, {})[level] = manifest["tokens"]
            if split == "train":
                for name, documents in manifest["tasks"].items():
                    tasks[name] = tasks.get(name, 0) + documents
    except ValueError as error:
        raise UserError(str(error)) from error
    return StageOutcome(
        outputs=context.hash_outputs(MODEL_FILE, "tokens/**/*"),
        extra={
            "tokenizer_sha256": tokenizer.sha256,
            "vocab_size": tokenizer.vocab_size,
            "tokens": tokens,
            "tasks": tasks,
        },
    )


if __name__ == "__main__":
    cli.main("tokenizer")
