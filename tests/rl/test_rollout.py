"""Places of a batch: from lengths, never from ids; states speak of the token after them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mistral_moe.rl.rollout import last_of, make_rollout, of_next_token
from tests.rl.examples import completion_mask, random_rollout


@pytest.mark.parametrize("seed", range(10))
def test_masks_and_positions_are_those_of_a_loop_whatever_the_ids(seed):
    rollout = random_rollout(seed, pad=seed % 3)
    mask = completion_mask(rollout)
    assert np.array_equal(rollout.is_completion, mask)
    for row in range(5):
        real = int(rollout.prompt_lengths[row] + rollout.completion_lengths[row])
        assert np.array_equal(rollout.positions[row], [*range(real), *[0] * (10 - real)])
        assert np.array_equal(rollout.segment_ids[row], [1] * real + [0] * (10 - real))
    other = rollout.replace(tokens=jnp.full_like(rollout.tokens, 7))
    assert np.array_equal(other.is_completion, mask) and np.array_equal(other.positions, rollout.positions)


def test_a_token_gets_what_the_state_before_it_says():
    rollout = make_rollout([[5, 6]], [[7, 8]], [True], 6)
    # A model that says of each place which token it expects next.
    says = {5: 50, 6: 60, 7: 70, 8: 80}
    states = jnp.array([[says.get(int(token), 0) for token in rollout.tokens[0]]], jnp.float32)
    assert of_next_token(states)[0].tolist() == [0, 50, 60, 70, 80, 0]
    assert rollout.next_tokens[0].tolist() == [6, 7, 8, 0, 0, 0]
    # The log-probability of a state's next token lands on that very token.
    assert np.array_equal(of_next_token(rollout.next_tokens)[0, 1:], rollout.tokens[0, 1:])
    assert of_next_token(jnp.ones((1, 3, 2)))[0].tolist() == [[0, 0], [1, 1], [1, 1]]


@pytest.mark.parametrize("seed", range(5))
def test_the_last_place_of_each_row(seed):
    mask = np.random.default_rng(seed).integers(0, 2, (6, 7)).astype(bool)
    mask[0] = False
    expected = np.zeros_like(mask)
    for row in range(6):
        if mask[row].any():
            expected[row, np.flatnonzero(mask[row])[-1]] = True
    assert np.array_equal(last_of(jnp.asarray(mask)), expected)


def test_rows_of_padding_are_no_rows():
    rollout = make_rollout([[1]], [[2, 3]], [True], 5, rows=3)
    assert rollout.is_row.tolist() == [True, False, False]
    assert not rollout.is_real[1:].any() and rollout.tokens.shape == (3, 5)
    assert all(leaf.dtype in (jnp.int32, jnp.bool_) for leaf in jax.tree.leaves(rollout))


@pytest.mark.parametrize(
    "prompts, completions, ends, rows, message",
    [
        ([[1], []], [[2], [2]], [True, True], None, "row 1: an empty prompt"),
        ([[1], [1, 2]], [[2], [3, 4, 5]], [True, True], None, "row 1: 2 tokens of prompt and 3 drawn exceed 4"),
        ([[1]], [[2], [3]], [True], None, "don't pair up"),
        ([[1], [1]], [[2], [3]], [True, True], 1, "2 rollouts don't fit into 1 rows"),
    ],
)
def test_what_does_not_fit_is_named(prompts, completions, ends, rows, message):
    with pytest.raises(ValueError, match=message):
        make_rollout(prompts, completions, ends, 4, rows)
