"""Ways out of the sandbox, ways to harm it, and ways to be called right: each is tried, none may work.

A program says what it achieved: it prints ESCAPED where it got what it must not have. After each a reference program
has to pass in the same pool, so that what one leaves behind would be seen. test_escapes_as_user has the same
for a user without rights where the tests are root's.
"""

from __future__ import annotations

import os

import pytest

from data.execution.pool import Pool
from data.execution.result import Refused
from tests.data.execution.attempts import LIMITS, PRELUDE, REFERENCE, values
from tests.data.execution.ways_in import FORGERIES, HOGS, LINGERING
from tests.data.execution.ways_out import FILES, NETWORK, RIGHTS

ATTEMPTS = NETWORK + FILES + RIGHTS + HOGS + LINGERING + FORGERIES


@pytest.fixture(scope="module")
def pool():
    os.environ["ESCAPES_TOKEN"] = "sesame"
    try:
        opened = Pool("bubblewrap", LIMITS)
    except Refused as refusal:
        pytest.skip(str(refusal))
    finally:
        del os.environ["ESCAPES_TOKEN"]
    with opened:
        yield opened


def test_the_attempts_are_many_and_their_names_differ():
    names = [case.id for case in ATTEMPTS]
    assert len(names) >= 40 and len(set(names)) == len(names)


@pytest.mark.parametrize(("program", "allowed", "seconds"), ATTEMPTS)
def test_an_attempt_is_contained_and_the_next_program_is_as_well_off(pool, host, program, allowed, seconds):
    result = pool.run(values(host) + PRELUDE + program, stdin="x\n", timeout=seconds)
    assert result.status in allowed, result
    assert "ESCAPED" not in result.stdout, result.stdout
    assert len(result.stdout.encode()) <= 4 * LIMITS.output and len(result.stderr) <= LIMITS.output + 100
    after = pool.run(values(host) + REFERENCE, timeout=20)
    assert (after.status, after.stdout) == ("passed", "['a', 'b', 'c']\n"), after.stderr
