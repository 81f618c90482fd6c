"""Random rollouts that the tests of rl share: NaN wherever nothing may be read."""

import numpy as np

from mistral_moe.rl.rollout import make_rollout


def random_rollout(seed, rows=5, length=10, pad=0):
    """A rollout of random lengths, at least one of them with three or more tokens and one cut off."""
    rng = np.random.default_rng(seed)
    prompts = rng.integers(1, 5, rows)
    completions = np.minimum(rng.integers(0, 7, rows), length - prompts)
    completions[rng.integers(rows)] = 4
    ends = rng.integers(0, 2, rows).astype(bool)
    ends[rng.integers(rows)] = False
    # Few ids, the pad among them: masks that look at ids go wrong.
    ids = [rng.integers(0, 3, n).tolist() for n in (*prompts, *completions)]
    return make_rollout(ids[:rows], ids[rows:], ends.tolist(), length, pad=pad)


def completion_mask(rollout):
    """[B, T] bool, by a loop."""
    mask = np.zeros(rollout.tokens.shape, bool)
    for row, (prompt, completion) in enumerate(zip(rollout.prompt_lengths, rollout.completion_lengths)):
        mask[row, int(prompt) : int(prompt) + int(completion)] = True
    return mask


def columns(seed, mask, *scales):
    """An array [B, T] float32 for each scale: normal inside the mask, NaN outside."""
    rng = np.random.default_rng(seed + 1000)
    return [np.where(mask, rng.normal(size=mask.shape) * scale, np.nan).astype(np.float32) for scale in scales]


def widened(array, columns=3, rows=2, fill=np.nan):
    """The same with padding at the right and below."""
    array = np.asarray(array)
    fill = fill if array.dtype.kind == "f" else 0
    return np.pad(array, ((0, rows), (0, columns))[: array.ndim], constant_values=fill)
