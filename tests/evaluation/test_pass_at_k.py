"""pass@k against what it estimates: the share of draws of k that hold one that passed."""

from __future__ import annotations

import itertools

import pytest

from mistral_moe.evaluation.pass_at_k import estimates, pass_at_k


@pytest.mark.parametrize("n", range(1, 8))
def test_it_is_the_share_of_draws_that_hold_one_that_passed(n):
    for passed, k in itertools.product(range(n + 1), range(1, n + 1)):
        draws = list(itertools.combinations([True] * passed + [False] * (n - passed), k))
        assert pass_at_k(n, passed, k) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_many_completions_do_not_overflow():
    assert 0.99 < pass_at_k(100_000, 5_000, 100) < 1
    assert pass_at_k(200, 0, 100) == 0.0


def test_only_the_ks_that_the_completions_allow_are_told():
    assert list(estimates([1, 0], 1)) == ["pass@1"]
    assert list(estimates([3, 0], 10)) == ["pass@1", "pass@10"]
    assert list(estimates([3], 100)) == ["pass@1", "pass@10", "pass@100"]
    assert estimates([3, 0], 10)["pass@1"] == pytest.approx([0.3, 0.0])


@pytest.mark.parametrize(("n", "passed", "k"), [(1, 0, 2), (3, 4, 1), (3, -1, 1), (3, 1, 0)])
def test_what_can_not_be_told_is_an_error(n, passed, k):
    with pytest.raises(ValueError, match="pass@"):
        pass_at_k(n, passed, k)
