"""Held-out sums don't depend on how rows are batched, and the oracles are ordered."""

import jax
import numpy as np
import pytest

from mistral_moe.evaluation.held_out import jitted_batch_sums, jitted_oracle_sums, total
from mistral_moe.training.losses import language_model_loss

ROWS = ((5, 7, 4), (16,), (9, 3), (2, 2, 2))


def rows_of(batch, wanted):
    return {name: leaf[list(wanted)] for name, leaf in batch.items()}


SPLITS = [[[0, 1, 2, 3]], [[0, 1], [2, 3]], [[3], [2], [0], [1]], [[0, 3], [2, 1]]]


@pytest.mark.parametrize("experts", (0, 3), ids=("dense", "mixture"))
def test_any_split_of_the_rows_gives_the_same_sums(tiny_config, tiny_params, packed_batch, experts):
    config = tiny_config(experts=experts)
    params, batch = tiny_params(config), packed_batch(ROWS)
    results = [total(jitted_batch_sums(config), params, (rows_of(batch, part) for part in split)) for split in SPLITS]
    for result in results[1:]:
        assert result.keys() == results[0].keys()
        for name, value in results[0].items():
            np.testing.assert_allclose(result[name], value, rtol=1e-5, err_msg=name)
    loss = jax.jit(lambda tree: language_model_loss(config, tree, batch)[1]["loss"])(params)
    assert results[0]["nats"] / results[0]["tokens"] == pytest.approx(float(loss), rel=1e-5)
    assert results[0]["tokens"] == batch["loss_weights"].sum()
    if experts:
        np.testing.assert_allclose(results[0]["assignments"].sum(axis=-1), batch["loss_weights"].sum(), rtol=1e-5)


@pytest.mark.parametrize("window", (1, 4, 16))
def test_the_oracles_are_ordered(tiny_config, tiny_params, packed_batch, window):
    config = tiny_config(experts=4)
    params, batch = tiny_params(config), packed_batch(ROWS)
    sums = jitted_oracle_sums(config, window)
    whole = total(sums, params, [batch])
    assert whole["token_nats"] <= whole["window_nats"] + 1e-4 <= whole["expert_nats"].min() + 2e-4
    if window == 1:
        assert whole["token_nats"] == pytest.approx(whole["window_nats"], rel=1e-6)
    in_parts = total(sums, params, [rows_of(batch, part) for part in ([2, 0], [1, 3])])
    for name, value in whole.items():
        np.testing.assert_allclose(in_parts[name], value, rtol=1e-5, err_msg=name)


def test_padding_pays_nothing(tiny_config, tiny_params, packed_batch):
    config = tiny_config(experts=3)
    params, batch = tiny_params(config), packed_batch(ROWS)
    other = batch | {"targets": np.where(batch["segment_ids"] > 0, batch["targets"], 1)}
    one, two = (total(jitted_batch_sums(config), params, [b]) for b in (batch, other))
    assert one["nats"] == two["nats"] and one["correct"] == two["correct"]
