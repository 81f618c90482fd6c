"""How accepted examples are mixed with rehearsal, and for how long a model is taught them."""

from __future__ import annotations

from collections.abc import Mapping
import math


def weights(accepted: Mapping[str, float], rehearsal: Mapping[str, float], share: float) -> dict[str, float]:
    """Shares of rows of the accepted examples and of the rehearsal, each divided by size, which sum to 1.

    Args:
      accepted: size of each component of accepted examples.
      rehearsal: size of each component of the run's own training data.
      share: of the rows that are rehearsal.

    Raises:
      ValueError: `share` outside [0, 1), or components of no size where there is a share for them.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share of rehearsal is {share}; it must be at least 0 and below 1")
    found = {}
    for part, sizes in ((1.0 - share, accepted), (share, rehearsal)):
        total = math.fsum(sizes.values())
        if part and not total > 0:
            raise ValueError(f"a share of {part:g} of the rows is of components without any")
        if part:
            found |= {name: part * size / total for name, size in sizes.items()}
    return found


def steps(rows: int, batch_rows: int, share: float, epochs: float, most: int) -> int:
    """Steps in which the accepted examples' rows are seen `epochs` times beside a `share` of rehearsal, at most `most`.

    Raises:
      ValueError: a number that leaves no step.
    """
    if rows < 1 or batch_rows < 1 or not epochs > 0 or most < 1 or not 0 <= share < 1:
        raise ValueError(
            f"{rows} rows in batches of {batch_rows}, {epochs} epochs, at most {most} steps and a share of {share} for "
            "rehearsal leave no step"
        )
    return min(max(math.ceil(rows * epochs / (batch_rows * (1.0 - share))), 1), most)
