"""Rewards of several parts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl.composite import combine

NAN, INF = float("nan"), float("inf")
WEIGHTS = {"learned": 0.5, "verifiable": 2.0, "format": 0.25}


def parts(rows=6, seed=0):
    rng = np.random.default_rng(seed)
    return {name: jnp.asarray(rng.normal(size=rows), jnp.float32) for name in WEIGHTS}


def test_the_total_is_the_weighted_sum_and_each_part_is_told_before_its_weight():
    given = parts()
    found = combine(given, WEIGHTS)
    wanted = sum(WEIGHTS[name] * np.asarray(values, np.float64) for name, values in given.items())
    np.testing.assert_allclose(found.total, wanted, rtol=1e-6)
    assert found.valid.all()
    for name, values in given.items():
        np.testing.assert_allclose(found.parts[name], values.mean(), rtol=1e-5)
        assert int(found.not_finite[name]) == 0


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_a_score_that_is_not_finite_masks_its_row_alone_and_is_counted(bad):
    given = parts()
    spoiled = given | {"learned": given["learned"].at[2].set(bad)}
    found, whole = combine(spoiled, WEIGHTS), combine(given, WEIGHTS)
    keep = np.arange(6) != 2
    assert np.array_equal(found.valid, keep) and int(found.not_finite["learned"]) == 1
    np.testing.assert_array_equal(found.total, np.where(keep, whole.total, 0))
    np.testing.assert_allclose(found.parts["learned"], given["learned"][keep].mean(), rtol=1e-5)
    np.testing.assert_allclose(found.parts["format"], given["format"].mean(), rtol=1e-5)


def test_a_part_that_weighs_nothing_is_told_and_poisons_nothing():
    given = {"verifiable": jnp.ones(3), "learned": jnp.array([NAN, 1.0, 3.0])}
    for weights in ({"verifiable": 1.0}, {"verifiable": 1.0, "learned": 0.0}):
        found = combine(given, weights)
        assert found.valid.all() and np.array_equal(found.total, np.ones(3))
        assert float(found.parts["learned"]) == 2 and int(found.not_finite["learned"]) == 1


def test_rows_of_padding_count_for_nothing():
    is_row = jnp.array([True, False, True])
    found = combine({"learned": jnp.array([1.0, NAN, 2.0])}, {"learned": 1.0}, is_row)
    assert np.array_equal(found.valid, is_row) and np.array_equal(found.total, [1, 0, 2])
    assert float(found.parts["learned"]) == 1.5 and int(found.not_finite["learned"]) == 0


def test_whole_numbers_and_fractions_add_up_and_all_can_be_compiled():
    found = jax.jit(lambda a, b: combine({"verifiable": a, "format": b}, {"verifiable": 1.0, "format": 0.5}))(
        jnp.array([1, 0], jnp.int32), jnp.array([0.5, 0.7])
    )
    np.testing.assert_allclose(found.total, [1.25, 0.35], rtol=1e-6)


def test_weights_without_a_part_are_refused():
    with pytest.raises(ValueError, match="'learnt', which is no part; the parts are learned"):
        combine({"learned": jnp.ones(1)}, {"learnt": 1.0})
    with pytest.raises(ValueError, match="no part of the reward has a weight"):
        combine({"learned": jnp.ones(1)}, {"learned": 0.0})
