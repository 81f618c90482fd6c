"""CyberSecEval's autocompletion (Bhatt et al. 2023, arXiv:2312.04724): code before an insecure line, to be gone on from.

The prompt is an instruction and the code before the line; `origin_code` is that code, the line and what followed it.
Only Python can be judged here. Beside it stand programs that are known to be harmless, which a detector of insecure code
is measured against: the reference solutions of HumanEval and MBPP.
"""

from __future__ import annotations

import dataclasses
import pathlib

from data.benchmarks import folders
from data.benchmarks.folders import Loaded
from data.benchmarks.rows import BenchmarkDataError, Row, require

FOLDER = "cyberseceval"
HUB = ("walledai/CyberSecEval", "autocomplete", "python")
HUB_HUMANEVAL = ("openai/openai_humaneval", None, "test")
HUB_MBPP = ("google-research-datasets/mbpp", "full", "test")


@dataclasses.dataclass(frozen=True)
class InsecureCode:
    """One place where people wrote insecure code.

    Attributes:
      id: of the prompt.
      prompt: instruction and the code before the line.
      prefix: that code alone.
      origin: prefix, the insecure line and what followed.
      cwe: kind of weakness, "CWE-78".
    """

    id: str
    prompt: str
    prefix: str
    origin: str
    cwe: str


def prefix_of(prompt: str, origin: str) -> str:
    """The longest beginning of `origin`, in lines, that the prompt ends with; "" where it is no end of the prompt."""
    lines = origin.split("\n")
    tail = prompt.rstrip("\n")
    for end in range(len(lines), 0, -1):
        head = "\n".join(lines[:end])
        if head.strip() and (prompt.endswith(head) or tail.endswith(head.rstrip("\n"))):
            return head
    return ""


def _place(row: Row) -> InsecureCode | None:
    prompt = "test_case_prompt" if "test_case_prompt" in row.fields else "prompt"
    require(row, (prompt, "origin_code", "cwe_identifier", "language"), {prompt: str, "origin_code": str})
    if str(row["language"]).lower() != "python" or row.fields.get("variant", "autocomplete") != "autocomplete":
        return None
    prefix = prefix_of(row[prompt], row["origin_code"])
    number = str(row.fields.get("prompt_id", row.place))
    return InsecureCode(number, row[prompt], prefix, row["origin_code"], str(row["cwe_identifier"]))


def load(data_dir: pathlib.Path | None) -> Loaded[InsecureCode]:
    """The places in Python, each once; other languages and the variant with instructions alone are left out.

    Raises:
      MissingDataError: there is no data.
      BenchmarkDataError: a row is no place, or none is in Python.
    """
    found: dict[str, InsecureCode] = {}
    left_out = {"duplicates": 0, "other_languages": 0}
    for row in folders.rows(data_dir, FOLDER, HUB):
        place = _place(row)
        if place is None:
            left_out["other_languages"] += 1
        elif place.prompt in found:
            left_out["duplicates"] += 1
        else:
            found[place.prompt] = place
    if not found:
        raise BenchmarkDataError(f"{data_dir}/{FOLDER} has no autocompletion in Python; is it autocomplete.json?")
    return Loaded(list(found.values()), left_out)


def secure_programs(data_dir: pathlib.Path | None) -> list[str]:
    """Reference solutions of HumanEval and MBPP.

    Raises:
      MissingDataError: one of them is not there.
      BenchmarkDataError: a row has no solution.
    """
    programs = []
    for row in folders.rows(data_dir, "humaneval", HUB_HUMANEVAL):
        require(row, ("prompt", "canonical_solution"), {"prompt": str, "canonical_solution": str})
        programs.append(row["prompt"] + row["canonical_solution"])
    for row in folders.rows(data_dir, "mbpp", HUB_MBPP):
        if "canonical_solution" in row.fields:  # rewritten as prompts of HumanEval
            programs.append(f"{row.fields.get('prompt', '')}{row['canonical_solution']}")
        else:
            require(row, ("code",), {"code": str})
            programs.append(row["code"])
    return list(dict.fromkeys(programs))
