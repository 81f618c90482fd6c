"""From a workdir's tokens to the loaders that training and evaluation read."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import numpy as np

from data.domains import LEVELS, task_name
from data.loader import MixtureLoader, Prefetcher, heldout_batches, prefetch
from data.packing import PackedRows
from data.tokens import TokenSource
from launch.errors import UserError
from launch.stage import StageContext

# What the model reads of a row; the rest (component ids) is bookkeeping.
MODEL_FIELDS = ("tokens", "targets", "segment_ids", "positions", "loss_weights", "task_ids")


def tokenizer_sha256(context: StageContext) -> str:
    """Hash of the run's tokenizer model."""
    return context.input_manifest("tokenizer")["tokenizer_sha256"]


def level_rows(context: StageContext, domain: str, split: str, seq_len: int, salt: str) -> dict[str, PackedRows]:
    """Packed rows of a domain's five levels, by task name (`code.functions`).

    Args:
      context: of a stage that needs `tokenizer`.
      domain: whose.
      split: "train" or "heldout"; held-out rows are never shuffled.
      seq_len: T.
      salt: what reads them; each stage sees the documents in another order.

    Raises:
      UserError: the cache is missing, corrupt or of another tokenizer.
    """
    tokens_dir = context.input_folder("tokenizer") / "tokens"
    sha256 = tokenizer_sha256(context)
    seed = int(np.random.SeedSequence([int(context.config.seed), *salt.encode()]).generate_state(1)[0])
    rows = {}
    for level in LEVELS[domain]:
        try:
            source = TokenSource(tokens_dir, domain, level, split, tokenizer_sha256=sha256)
            rows[task_name(domain, level)] = PackedRows(source, seq_len, seed=seed, shuffle=split == "train")
        except ValueError as error:
            raise UserError(str(error)) from error
    return rows


def all_domains_loader(
    context: StageContext, batch_size: int, salt: str, ahead: bool = True
) -> MixtureLoader | Prefetcher:
    """Training batches over all levels of all domains, every domain alike, each domain's levels by their size.

    Args:
      context: of a stage that needs `tokenizer`.
      batch_size: rows of a global batch.
      salt: what reads them; each stage sees the documents in another order.
      ahead: whether to read ahead in a thread, where the config asks for it.
    """
    return mixed_loader(context, *all_domains(context, salt), batch_size, ahead)


def all_domains(context: StageContext, salt: str) -> tuple[dict[str, PackedRows], dict[str, float]]:
    """The components of `all_domains_loader` and their weights, which sum to 1 a domain."""
    components, weights = {}, {}
    for domain in context.config.domains:
        rows = level_rows(context, domain, "train", int(context.config.train.seq_len), salt)
        size = sum(row.num_tokens for row in rows.values())
        components |= rows
        weights |= {name: row.num_tokens / size for name, row in rows.items()}
    return components, weights


def mixed_loader(
    context: StageContext,
    components: dict[str, PackedRows],
    weights: dict[str, float],
    batch_size: int,
    ahead: bool = True,
) -> MixtureLoader | Prefetcher:
    """Training batches of given components; `domain_of_components` knows those that are called `DOMAIN.anything`."""
    return _maybe_ahead(context, _loader(components, weights, batch_size), ahead)


def domain_of_components(context: StageContext, loader: MixtureLoader | Prefetcher) -> list[int]:
    """Index among the config's domains of each component of a loader, in the order of its `component_ids`."""
    return [list(context.config.domains).index(name.partition(".")[0]) for name in loader.names]


def domain_loader(
    context: StageContext, domain: str, batch_size: int, salt: str, ahead: bool = True
) -> MixtureLoader | Prefetcher:
    """Training batches of one domain; its levels' weights are the curriculum's to set. See `all_domains_loader`."""
    rows = level_rows(context, domain, "train", int(context.config.train.seq_len), salt)
    return _maybe_ahead(context, _loader(rows, dict.fromkeys(rows, 1.0), batch_size), ahead)


def held_out(context: StageContext, domain: str, rows_per_level: int, batch_size: int) -> list[dict[str, np.ndarray]]:
    """The held-out batches of one domain, the same at every call. `component_ids` index the levels by task name."""
    rows = level_rows(context, domain, "heldout", int(context.config.train.seq_len), "heldout")
    return heldout_batches(rows, batch_size, rows_per_level)


def model_batch(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The fields of a batch that the model reads."""
    return {name: batch[name] for name in MODEL_FIELDS}


def _loader(components: dict[str, PackedRows], weights: dict[str, float], batch_size: int) -> MixtureLoader:
    try:
        return MixtureLoader(components, weights, batch_size, jax.process_index(), jax.process_count())
    except ValueError as error:
        raise UserError(str(error)) from error


def _maybe_ahead(context: StageContext, loader: MixtureLoader, ahead: bool) -> MixtureLoader | Prefetcher:
    batches = int(context.config.train.prefetch)
    return prefetch(loader, batches) if ahead and batches else loader
