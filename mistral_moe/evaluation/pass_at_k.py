"""pass@k: the chance that one of k completions of a problem passes its tests (Chen et al. 2021, arXiv:2107.03374)."""

from __future__ import annotations

from collections.abc import Sequence
import math

KS = (1, 10, 100)


def pass_at_k(n: int, passed: int, k: int) -> float:
    """The unbiased estimate 1 - C(n - passed, k) / C(n, k) from n completions, as a product that doesn't overflow.

    Raises:
      ValueError: k isn't among 1 to n, or `passed` not among 0 to n.
    """
    if not 1 <= k <= n or not 0 <= passed <= n:
        raise ValueError(f"pass@{k} can't be told from {passed} of {n} completions")
    if n - passed < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - passed + 1, n + 1))


def estimates(passed: Sequence[int], n: int) -> dict[str, list[float]]:
    """pass@k by that name -> one estimate a problem, for those of KS that n completions allow.

    Args:
      passed: completions of each problem that passed.
      n: completions of each problem.
    """
    return {f"pass@{k}": [pass_at_k(n, count, k) for count in passed] for k in KS if k <= n}
