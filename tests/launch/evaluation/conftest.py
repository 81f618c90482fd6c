"""What tests of benchmarks share."""

from __future__ import annotations

import pytest

from data.execution.pool import Pool
from data.execution.result import Refused


@pytest.fixture(scope="session")
def isolation():
    """The best isolation that this machine has: what is tested here are scores."""
    try:
        Pool().close()
    except Refused:
        return "process"
    return "bubblewrap"
