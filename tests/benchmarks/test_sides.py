"""A side lives in its own process, answers in order, and says what went wrong there."""

import os

import pytest

from benchmarks.sides import Side


class Account:
    def __init__(self, start):
        if start < 0:
            raise ValueError("a negative start")
        self.total = start

    def add(self, value):
        self.total += value
        return self.total, os.getpid()

    def fail(self):
        raise KeyError("nothing here")


def test_calls_reach_one_object_in_another_process_and_an_error_does_not_end_it():
    side = Side(Account, 3)
    try:
        total, process = side.call("add", 4)
        assert total == 7 and process != os.getpid()
        assert side.wall > 0
        with pytest.raises(RuntimeError, match="nothing here"):
            side.call("fail")
        assert side.call("add", 1) == (8, process)
    finally:
        side.close()


def test_a_failed_start_is_told():
    with pytest.raises(RuntimeError, match="a negative start"):
        Side(Account, -1)
