"""Lean, Coq and Isabelle: statements told from proofs, comments and strings passed over."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.sources.math import coq, isabelle, lean

LEAN = """/-
Copyright. Released under Apache 2.0 license.
/- nested theorem x : y -/
-/
import Mathlib
namespace Foo
open Real
variable {a b : ℕ} -- with a comment

/-- The sum commutes. -/
@[simp] theorem add_comm' (h : a = 0 := by simp) :
    a + b = b + a := by
  -- a comment with := and sorry
  exact Nat.add_comm a b

def two : ℕ := 2

include b in
/-- By cases. -/
private lemma cases_on' : ∀ n : ℕ, 0 ≤ n
  | 0 => le_refl _
  | n + 1 => Nat.zero_le "theorem z : -- \\" " n

section
theorem with_let : let x := 3; x = 3 := rfl
end
theorem todo (n : ℕ) : n = n := by sorry
theorem partly : 1 = 1 ∧ 2 = 2 := ⟨rfl, sorry⟩
example : 'a' = 'a' := rfl
instance : Inhabited ℕ := ⟨0⟩
end Foo
"""


def fenced(name, language, code):
    return f"{name}:\n```{language}\n{code}\n```"


def test_lean(make_input, sort_items):
    out = sort_items(lean.read(make_input("a.lean", LEAN.encode())))
    found = {document.meta["name"]: document for document in out.documents}
    assert list(found) == ["Foo.add_comm'", "Foo.cases_on'", "Foo.with_let", "Foo.todo", "Foo.partly", ""]
    first = found["Foo.add_comm'"]
    context = fenced("Context", "lean4", "open Real\nvariable {a b : ℕ}")
    statement = fenced("Statement", "lean4", "@[simp] theorem add_comm' (h : a = 0 := by simp) :\n    a + b = b + a")
    proof = fenced("Proof", "lean4", ":= by\n  -- a comment with := and sorry\n  exact Nat.add_comm a b")
    assert first.text == f"The sum commutes.\n\n{context}\n\n{statement}\n\n{proof}"
    assert first.text[: first.meta["statement_end"]].endswith("a + b = b + a\n```")
    offset = LEAN.encode().index(b"/-- The sum")
    assert first.source == f"proof_databases:a.lean#Foo.add_comm'@{offset}" and first.licence == "Apache-2.0"
    assert first.meta["proof"] == "full" and first.meta["kind"] == "theorem"
    cases = found["Foo.cases_on'"]
    assert "include b in\nprivate lemma cases_on' : ∀ n : ℕ, 0 ≤ n\n```" in cases.text
    assert "Proof:\n```lean4\n  | 0 => le_refl _" in cases.text and cases.text.startswith("By cases.")
    assert "theorem with_let : let x := 3; x = 3\n```" in found["Foo.with_let"].text
    assert found["Foo.todo"].meta["proof"] == "none" and "Proof:" not in found["Foo.todo"].text
    assert found["Foo.todo"].text.endswith("theorem todo (n : ℕ) : n = n := by sorry\n```")
    assert found["Foo.partly"].meta["proof"] == "partial" and found[""].meta["kind"] == "example"
    assert out.reasons == {"comment": 1, "directive": 5, "context": 2, "definition": 2}


def test_lean_3_proofs_keep_their_end(make_input, sort_items):
    source = "theorem a : 1 = 1 :=\nbegin\n  refl,\nend\n\ntheorem b : 2 = 2 := rfl\n"
    out = sort_items(lean.read(make_input("a.lean", source.encode())))
    assert [document.meta["name"] for document in out.documents] == ["a", "b"]
    assert ":=\nbegin\n  refl,\nend\n```" in out.documents[0].text


COQ = """(* GNU Lesser General Public License Version 2.1 *)
Require Import Arith.
Module M.
(** Reflexivity of [eq]. *)
Lemma refl' : forall n : nat, (* odd. comment "with *) string" *) n = n.
Proof.
  intros n. { reflexivity. }
Qed.
Definition two := 2. Notation "x . y" := (f x y) (at level 1).
Definition dec : forall n m : nat, {n = m} + {n <> m}.
Proof. decide equality. Defined.
Theorem term : 1 = 1 := let x := eq_refl in x.
#[global] Instance inst : Proper eq f.
Proof.
  admit.
Admitted.
Lemma short : True. Proof I.
Fact later : False.
Admitted.
End M.
Lemma open_end : True.
Proof. intros.
"""


def test_coq(make_input, sort_items):
    out = sort_items(coq.read(make_input("a.v", COQ.encode())))
    names = [(document.meta["name"], document.meta["kind"], document.meta["proof"]) for document in out.documents]
    assert names == [
        ("M.refl'", "lemma", "full"),
        ("M.dec", "definition", "full"),
        ("M.term", "theorem", "full"),
        ("M.inst", "instance", "none"),
        ("M.short", "lemma", "full"),
        ("M.later", "fact", "none"),
    ]
    statement = 'Lemma refl\' : forall n : nat, (* odd. comment "with *) string" *) n = n.'
    proof = "Proof.\n  intros n. { reflexivity. }\nQed."
    assert out.documents[0].text == (
        f"Reflexivity of `eq`.\n\n{fenced('Statement', 'coq', statement)}\n\n{fenced('Proof', 'coq', proof)}"
    )
    assert out.documents[0].licence == "LGPL-2.1-only"
    assert "Theorem term : 1 = 1\n```\n\nProof:\n```coq\n:= let x := eq_refl in x.\n```" in out.documents[2].text
    assert [(item.reason, item.evidence[:14]) for item in out.quarantined] == [("unfinished_proof", "\nLemma open_en")]
    assert out.reasons == {"context": 3, "definition": 2, "unfinished_proof": 1}


ISABELLE = """(* lemma in a comment: "x" *)
theory T imports Main begin
text \\<open>On @{term "x + y"} and \\<^term>\\<open>z\\<close>.\\<close>
lemma (in monoid) foo [simp]: "a = (b::nat)" (* lemma bar: "c" *)
  if "theorem x" for x
  apply (rule theorem.intro)
  subgoal by simp
  done

definition "two = (2::nat)"
private lemma "x = \\<open>" unfolding x_def ..
locale L = fixes a begin
corollary cor: \\<open>z = 1\\<close>
proof (induct)
  show ?thesis sorry
qed
end
theorem t: "x" oops
theorem s: "y"
  sorry (* not yet *)
lemma broken
end
"""


def test_isabelle(make_input, sort_items):
    out = sort_items(isabelle.read(make_input("T.thy", ISABELLE.encode())))
    names = [(document.meta["name"], document.meta["kind"], document.meta["proof"]) for document in out.documents]
    assert names == [
        ("foo", "lemma", "full"),
        ("", "lemma", "full"),
        ("L.cor", "corollary", "partial"),
        ("t", "theorem", "none"),
        ("s", "theorem", "none"),
    ]
    statement = 'lemma (in monoid) foo [simp]: "a = (b::nat)" (* lemma bar: "c" *)\n  if "theorem x" for x'
    proof = "apply (rule theorem.intro)\n  subgoal by simp\n  done"
    assert out.documents[0].text == (
        f'On `"x + y"` and `z`.\n\n{fenced("Statement", "isabelle", statement)}\n\n{fenced("Proof", "isabelle", proof)}'
    )
    assert out.documents[4].text == fenced("Statement", "isabelle", 'theorem s: "y"\n  sorry')
    assert out.reasons == {"comment": 1, "directive": 3, "text": 1, "definition": 2, "no_statement": 1}


@pytest.mark.parametrize(
    "read, data, reason",
    [
        (lean.read, "theorem a : b := c\n/- open", "unclosed"),
        (lean.read, 'def s := "open', "unclosed"),
        (coq.read, "Lemma a : b. Proof. (* open", "unfinished_proof"),
        (coq.read, 'Definition s := "open', "unclosed"),
        (isabelle.read, 'lemma a: "open', "unclosed"),
        (isabelle.read, "theory T begin (* open", "unclosed"),
        (lean.read, "a\x00b", "binary"),
        (isabelle.read, "a\x00b", "binary"),
        (coq.read, "a\x00b", "binary"),
    ],
)
def test_what_does_not_end_is_set_aside(read, data, reason, make_input, sort_items):
    out = sort_items(read(make_input("x", data.encode())))
    assert reason in [item.reason for item in out.quarantined]


def test_deep_nesting_ends(make_input, sort_items):
    for read in (lean.read, coq.read, isabelle.read):
        for data in ("/- " * 20_000, "(* " * 20_000, "(" * 50_000, "\\<open>" * 20_000, '"' * 20_001):
            out = sort_items(read(make_input("x", data.encode())))
            assert out.skipped or out.quarantined


PIECES = st.sampled_from(
    [
        "theorem a : b := c\n",
        "Lemma a : b.\n",
        "Proof. x. Qed.\n",
        'lemma a: "b" by x\n',
        "/-",
        "-/",
        "(*",
        "*)",
        '"',
        "\n",
        " ",
        "namespace X\n",
        "end X\n",
        "Module X.\n",
        "End X.\n",
        "locale X begin\n",
        "end\n",
        "\\<open>",
        "\\<close>",
        "in\n",
        "@[",
        ":=",
        "open A in\n",
        "variable {x}\n",
        ".",
        "é",
        "/-- d -/\n",
        "(** d *)\n",
        "private ",
        "Definition d : e.\n",
        "sorry",
        "{",
        "}",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join).map(str.encode) | st.binary(max_size=200))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_source_is_accounted_for_in_order(scratch, sort_items, data):
    for read in (lean.read, coq.read, isabelle.read):
        out = sort_items(read(scratch("x", data)))
        if data.decode("utf-8", "replace").strip() and data.decode("latin-1").strip():
            assert out.documents or out.skipped or out.quarantined


@pytest.mark.parametrize(
    "read, suffix, least, language",
    [(lean.read, ".lean", 200, "lean4"), (coq.read, ".v", 300, "coq"), (isabelle.read, ".thy", 30, "isabelle")],
)
def test_real_samples(read, suffix, least, language, samples, input_files, sort_items):
    files = [file for file in input_files(samples("math/proof_databases")) if file.name.endswith(suffix)]
    documents = []
    for file in files:
        out = sort_items(read(file))
        assert not out.quarantined, out.quarantined
        documents += out.documents
    assert len(documents) >= least
    for document in documents:
        head, tail = document.text[: document.meta["statement_end"]], document.text[document.meta["statement_end"] :]
        assert head.endswith("```") and f"Statement:\n```{language}\n" in head
        assert tail.startswith("\n\nProof:\n") == (document.meta["proof"] != "none")
        assert document.meta["name"] or document.meta["kind"] in ("example", "instance", "goal")
    assert sum(document.meta["proof"] == "full" for document in documents) > len(documents) / 5
