"""Diffs in models' answers: found whatever is around them, and held against the right files."""

from __future__ import annotations

import pytest

from mistral_moe.evaluation.patches import MOST_FILES, extract, localised, overlap, predictions, touched

PATCH = """diff --git a/pkg/a.py b/pkg/a.py
--- a/pkg/a.py
+++ b/pkg/a.py
@@ -1,4 +1,4 @@ def area(side):
 x = 1
-y = 2
+y = 3
 z = 4
 
"""
OTHER = """--- a/b.py
+++ b/b.py
@@ -1 +1 @@ class Box:
-a
+b
"""


@pytest.mark.parametrize(
    "answer",
    [
        PATCH,
        f"<patch>\n{PATCH}</patch>",
        f"{PATCH}</patch>\nThat is all.\n```python\nprint(1)\n```",
        f"Here it is:\n```diff\n{PATCH}```\nIt changes y.",
        f"```\n{PATCH}\n```",
        f"Look:\n<diff>\n{PATCH}</diff>",
        f"I think so.\n\n{PATCH}",
        PATCH.replace("\n", "\r\n"),
        f"```python\nprint(1)\n```\nand\n```diff\n{PATCH}```",
    ],
)
def test_a_patch_is_found_to_its_last_line_whatever_is_around_it(answer):
    assert extract(answer) == PATCH


@pytest.mark.parametrize("answer", ["", " \n", "I can't.", "```python\nprint(1)\n```", "<patch>\n</patch>", "a - - b"])
def test_where_there_is_no_patch_none_is_found(answer):
    assert extract(answer) == ""


def test_files_and_functions_of_a_patch():
    found = touched(PATCH + OTHER)
    assert found.files == ("pkg/a.py", "b.py")
    assert found.functions == {"pkg/a.py:area", "b.py:Box"}
    moved = "diff --git a/old.py b/new.py\nsimilarity index 100%\nrename from old.py\nrename to new.py\n"
    assert touched(moved).files == ("new.py",)
    gone = "--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    assert touched(gone).files == ("gone.py",)


@pytest.mark.parametrize(
    "text", ["", "no patch", "--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n a\n", "--- a/x\n+++ b/x\n@@ nonsense @@\n"]
)
def test_what_is_no_patch_touches_nothing(text):
    assert touched(text) is None


def test_overlap_of_names():
    same = overlap(["a", "b"], ["b", "a"])
    assert (same.recall, same.precision, same.f1) == (1, 1, 1)
    part = overlap(["a", "b", "c"], ["a", "d"])
    assert (part.recall, part.precision) == (0.5, 1 / 3) and part.f1 == pytest.approx(0.4)
    assert overlap([], ["a"]).f1 == overlap(["b"], ["a"]).f1 == 0


def test_who_lists_every_file_has_found_none():
    gold = ["x.py"]
    assert localised(["x.py"], gold) and localised([*map(str, range(MOST_FILES - 1)), "x.py"], gold)
    assert not localised([*map(str, range(MOST_FILES)), "x.py"], gold)
    assert not localised(["x.py"], ["x.py", "y.py"]) and not localised([], gold)


def test_predictions_have_the_harness_s_columns():
    samples = [
        {"instance_id": "a__b-1", "model_patch": PATCH, "score": 1.0},
        {"instance_id": "a__b-2", "model_patch": ""},
    ]
    rows = predictions(samples, "ours")
    assert [set(row) for row in rows] == [{"instance_id", "model_name_or_path", "model_patch"}] * 2
    assert rows[0] == {"instance_id": "a__b-1", "model_name_or_path": "ours", "model_patch": PATCH}
