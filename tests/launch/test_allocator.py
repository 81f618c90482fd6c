"""The second start with glibc's tunables: once, with the same command, and only where it changes something."""

import os
import platform
import subprocess
import sys

import pytest

from launch import allocator

PROGRAM = """
import os, sys
from launch import allocator
print("start", flush=True)
allocator.ensure()
print(sys.argv[1:], os.environ.get("GLIBC_TUNABLES") == allocator.TUNABLES)
"""


@pytest.fixture
def glibc(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))


def test_the_tunables_are_added_and_the_rest_is_kept(glibc):
    assert allocator.environment({"A": "1"}) == {"A": "1", "GLIBC_TUNABLES": allocator.TUNABLES}


@pytest.mark.parametrize("value", ["glibc.malloc.hugetlb=0", ""])
def test_a_users_choice_is_left(glibc, value):
    assert allocator.environment({"GLIBC_TUNABLES": value}) is None


def test_other_c_libraries_are_left(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert allocator.environment({}) is None


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc reads GLIBC_TUNABLES")
def test_the_same_command_starts_once_more_and_only_once():
    environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    arguments = ["--config=a b", "-x", ""]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["start", "start", f"{arguments} True"]
