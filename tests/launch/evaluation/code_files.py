"""Small files of the benchmarks of code, in their true forms."""

from __future__ import annotations

import gzip
import json

HUMANEVAL = [
    {
        "task_id": f"HumanEval/{number}",
        "prompt": f'def f{number}(x):\n    """Adds {number} to x."""\n',
        "entry_point": f"f{number}",
        "canonical_solution": f"    return x + {number}\n",
        "test": f"def check(candidate):\n    for x in (1, -1):\n        assert candidate(x) == x + {number}\n",
    }
    for number in range(4)
]
MBPP = [
    {
        "text": f"Write a function to multiply by {number}.",
        "code": f"def times_{number}(x):\r\n  return x * {number}",
        "task_id": number,
        "test_setup_code": "",
        "test_list": [f"assert times_{number}({x}) == {x * number}" for x in (1, 2, 3)],
        "challenge_test_list": [],
    }
    for number in (1, 2, 3, 4, 11, 12, 510, 511)
]
CONTESTS = [
    {
        "name": "1_A. Sum",
        "description": "Print the sum of the numbers.",
        "public_tests": {"input": ["1 2\n"], "output": ["3\n"]},
        "private_tests": {"input": ["2 2\n", "9 1"], "output": ["4\n", "10"]},
        "generated_tests": {"input": [], "output": []},
        "time_limit": {"seconds": 1, "nanos": 500_000_000},
        "memory_limit_bytes": 256_000_000,
        "input_file": "",
        "output_file": "",
        "solutions": {"language": [3], "solution": ["a, b = map(int, input().split())\nprint(a + b)\nexit(0)"]},
    },
    {
        "name": "1_B. Third",
        "description": 'Print a third of the number """exactly""".',
        "public_tests": {"input": ["1"], "output": ["0.3333333333"]},
        "private_tests": {"input": ["3"], "output": ["1"]},
        "generated_tests": {"input": ["6"], "output": ["2"]},
        "time_limit": None,
        "input_file": "stdin",
        "solutions": {"language": [3], "solution": ["print(float(input()) / 3)"]},
    },
    {
        "name": "1_C. Nothing to test",
        "description": "Print what you like.",
        "public_tests": {"input": [], "output": []},
        "private_tests": {"input": [], "output": []},
        "generated_tests": {"input": [], "output": []},
        "time_limit": {"seconds": 2, "nanos": 0},
    },
    {
        "name": "1_D. From a file",
        "description": "Read input.txt.",
        "public_tests": {"input": ["1"], "output": ["1"]},
        "private_tests": {"input": [], "output": []},
        "generated_tests": {"input": [], "output": []},
        "input_file": "input.txt",
    },
]


def patch(name, old, new):
    """A patch of one line, the first of three."""
    return (
        f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n"
        f"@@ -1,3 +1,3 @@ def area(side):\n-{old}\n+{new}\n two\n three\n"
    )


def instance(number, name="pkg/a.py", commit="0" * 40, **columns):
    """A row of SWE-bench."""
    return {
        "instance_id": f"owner__name-{number}",
        "repo": "owner/name",
        "base_commit": commit,
        "problem_statement": f"Issue {number} is not solved.",
        "patch": patch(name, "one", f"fixed {number}"),
        "hints_text": "",
        "version": "1.0",
        **columns,
    }


def write(path, rows):
    """Writes rows as .jsonl, .jsonl.gz, .json or .parquet, by the path's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        return
    text = json.dumps(rows) if path.suffix == ".json" else "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
