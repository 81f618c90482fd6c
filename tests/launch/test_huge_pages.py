"""The second start with huge pages: once, with the same command, and only where it changes something."""

import os
import platform
import subprocess
import sys

import pytest

from launch import huge_pages

PROGRAM = """
import os, sys
from launch import huge_pages
print("start", flush=True)
huge_pages.ensure()
print(sys.argv[1:], os.environ.get("GLIBC_TUNABLES"))
"""


@pytest.fixture
def glibc(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))


def test_environment_asks_for_huge_pages_and_keeps_the_rest(glibc):
    assert huge_pages.environment({"A": "1"}) == {"A": "1", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    kept = huge_pages.environment({"GLIBC_TUNABLES": "glibc.malloc.check=1"})
    assert kept == {"GLIBC_TUNABLES": "glibc.malloc.check=1:glibc.malloc.hugetlb=1"}


def test_environment_leaves_a_users_choice(glibc):
    assert huge_pages.environment({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}) is None


def test_environment_leaves_other_c_libraries(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert huge_pages.environment({}) is None


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc reads GLIBC_TUNABLES")
def test_ensure_starts_the_same_command_once_more_and_only_once():
    environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    arguments = ["--config=a b", "-x", ""]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["start", "start", f"{arguments} glibc.malloc.hugetlb=1"]
