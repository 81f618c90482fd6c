"""Minibatches are a function of numbers: each row once an epoch, each epoch otherwise, from any update on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl.minibatches import minibatch_indices, minibatch_of_update, take
from tests.rl.examples import random_rollout


@pytest.mark.parametrize("rows, size", [(12, 3), (12, 12), (8, 1)])
def test_each_epoch_has_each_row_once_in_an_order_of_its_own(rows, size):
    epochs = [np.asarray(minibatch_indices(7, epoch, rows, size)) for epoch in range(6)]
    for epoch in epochs:
        assert epoch.shape == (rows // size, size) and sorted(epoch.reshape(-1)) == list(range(rows))
    assert len({epoch.tobytes() for epoch in epochs}) == 6
    assert not np.array_equal(minibatch_indices(8, 0, rows, size), epochs[0])


def test_a_resume_in_the_middle_of_an_epoch_goes_on_exactly():
    whole = np.concatenate([minibatch_indices(3, epoch, 12, 4) for epoch in range(4)])
    again = jax.jit(minibatch_of_update, static_argnums=(0, 2, 3))
    for update in (0, 4, 7, 11):
        rest = [again(3, jnp.int32(number), 12, 4) for number in range(update, 12)]
        assert np.array_equal(rest, whole[update:])


@pytest.mark.parametrize("rows, size", [(12, 5), (4, 8), (4, 0), (0, 1)])
def test_rows_that_would_be_left_out(rows, size):
    for run in (minibatch_indices, minibatch_of_update):
        with pytest.raises(ValueError, match=f"{rows} rows of a rollout can't be split into minibatches of {size}"):
            run(0, 0, rows, size)


def test_rows_are_taken_from_every_leaf():
    rollout = random_rollout(0)
    part = take(rollout, jnp.array([3, 0]))
    assert np.array_equal(part.tokens, rollout.tokens[np.array([3, 0])])
    assert np.array_equal(part.is_completion, rollout.is_completion[np.array([3, 0])])
