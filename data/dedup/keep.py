"""Which document of a cluster of duplicates stays: the best one, whichever was read first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np


def _rank(member: tuple[float, int, str]) -> tuple[float, int, str]:
    quality, length, identity = member
    return (math.inf if math.isnan(quality) else -quality, -length, identity)


def choose(members: Iterable[tuple[float, int, str]]) -> str:
    """The id that stays: best quality, then the longest, then the smallest id. A quality of NaN is the worst.

    Args:
      members: (quality, length, id) of each document of a cluster.
    """
    return min(members, key=_rank)[2]


def kept(
    representatives: np.ndarray, qualities: Sequence[float], lengths: Sequence[int], identities: Sequence[str]
) -> np.ndarray:
    """`choose` over all clusters at once.

    Args:
      representatives: int64 [N], the cluster of each document by its smallest number.
      qualities, lengths, identities: of each document.

    Returns:
      bool [N], true for one document of each cluster.
    """
    stays = np.ones(len(representatives), bool)
    in_clusters = np.unique(representatives[representatives != np.arange(len(representatives))])
    members = np.flatnonzero(np.isin(representatives, in_clusters))
    members = members[np.argsort(representatives[members], kind="stable")]
    stays[members] = False
    for cluster in np.split(members, np.flatnonzero(np.diff(representatives[members])) + 1):
        if len(cluster):
            ranks = [_rank((qualities[one], lengths[one], identities[one])) for one in cluster.tolist()]
            stays[cluster[ranks.index(min(ranks))]] = True
    return stays
