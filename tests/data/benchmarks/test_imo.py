"""IMO-Bench's answers are read, its proofs are counted, and the row that its authors broke is mended and told."""

import os
import pathlib

import pytest

from data.benchmarks import imo, rows

ROOT = pathlib.Path(__file__).resolve().parents[3]
HEADER = "Problem ID,Problem,Short Answer,Category,Subcategory,Source\n"
PROOFS = (
    "Problem ID,Problem,Solution,Grading guidelines,Category,Level,Short Answer,Source\np1,Prove it.,,,Algebra,1,,IMO\n"
)


def _write(folder, name, text):
    (folder / "imo_bench").mkdir(exist_ok=True)
    (folder / "imo_bench" / name).write_text(text)


def test_answers_are_read_and_proofs_counted(tmp_path):
    _write(tmp_path, "answerbench_v2.csv", HEADER + 'a1,"Find x, y.","$1,2$",Algebra,Sub,IMO\n')
    _write(tmp_path, "proofbench.csv", PROOFS)
    _write(tmp_path, "lean_proof_bench.csv", PROOFS + "p2,Prove,,,Algebra,1,,IMO\n")
    found = imo.load(tmp_path)
    assert found.answers == [{"id": "a1", "problem": "Find x, y.", "answer": "$1,2$", "category": "Algebra"}]
    assert (found.proofs, found.lean, found.duplicates, found.mended) == (1, 2, 0, 0)


def test_a_later_version_of_a_problem_replaces_the_earlier(tmp_path):
    _write(tmp_path, "answerbench.csv", HEADER + "a1,Find x.,1,Algebra,,\na2,Find y.,2,Algebra,,\n")
    _write(tmp_path, "answerbench_v2.csv", HEADER + "a1,Find x!,3,Algebra,,\n")
    found = imo.load(tmp_path)
    assert {one["id"]: one["answer"] for one in found.answers} == {"a1": "3", "a2": "2"} and found.duplicates == 1


def test_a_lost_quote_is_mended_and_another_broken_row_is_an_error(tmp_path):
    _write(tmp_path, "answerbench.csv", HEADER + 'a1,"Find $x$.\n,"$x=1$",Algebra,Sub,IMO\n')
    found = imo.load(tmp_path)
    assert (found.answers[0]["problem"], found.answers[0]["answer"], found.mended) == ("Find $x$.", "$x=1$", 1)
    _write(tmp_path, "answerbench.csv", HEADER + "a1,Find x.,Algebra,Sub,IMO\n")
    with pytest.raises(rows.BenchmarkDataError, match="answerbench.csv:1 has 5 columns and the header 6"):
        imo.load(tmp_path)


def test_without_answers_there_are_only_proofs_and_without_either_nothing(tmp_path):
    with pytest.raises(rows.MissingDataError, match="answerbench"):
        imo.load(tmp_path)
    _write(tmp_path, "proofbench.csv", PROOFS)
    assert imo.load(tmp_path).answers == []
    _write(tmp_path, "answerbench.csv", HEADER + "a1,Find x.,,Algebra,Sub,IMO\n")
    with pytest.raises(rows.BenchmarkDataError, match="answerbench.csv:1: the problem or its Short Answer is empty"):
        imo.load(tmp_path)


def test_the_authors_own_file_has_400_answers_one_of_them_mended():
    base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", ROOT.parent / "shared")) / "benchmarks"
    if not (base / "imo_bench").is_dir():
        pytest.skip(f"no imo_bench at {base}; set MISTRAL_MOE_SAMPLES to the folder that holds benchmarks/")
    found = imo.load(base)
    by_id = {one["id"]: one for one in found.answers}
    assert len(by_id) == len(found.answers) == 400
    assert (found.proofs, found.lean, found.mended) == (60, 60, 1)
    assert by_id["imo-bench-algebra-036"]["answer"] == "$Y(x)=A+\\frac{B}{x}-x$"
