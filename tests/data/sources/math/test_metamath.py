"""Metamath: scopes, compressed proofs, checking by substitution, and proofs that prove something else."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.sources.math import metamath, metamath_proof

BASE = """$( Public domain, CC0. $)
$c ( ) -> wff |- A. $.  $v ph ps x $.
wph $f wff ph $.  wps $f wff ps $.  vx $f set x $.
wi $a wff ( ph -> ps ) $.
${ min $e |- ph $.  maj $e |- ( ph -> ps ) $.
   $( Modus ponens. $)
   ax-mp $a |- ps $. $}
ax-1 $a |- ( ph -> ( ps -> ph ) ) $.
"""
A1I = "${ a1i.1 $e |- ph $.\n  $( Add an antecedent to ` ph ` . $)\n  a1i $p |- ( ps -> ph ) $= PROOF $. $}\n"
PLAIN = "wph wps wph wi a1i.1 wph wps ax-1 ax-mp"
PACKED = "( wi ax-1 ax-mp ) ABADCABEF"


def theorem(proof):
    return (BASE + A1I.replace("PROOF", proof)).encode()


@pytest.mark.parametrize("proof", [PLAIN, PACKED])
def test_a_theorem_with_its_steps(proof, make_input, sort_items):
    data = theorem(proof)
    out = sort_items(metamath.read(make_input("x.mm", data)))
    (document,) = out.documents
    assert document.text == (
        "Add an antecedent to `ph` .\n\nStatement:\n```metamath\na1i.1 $e |- ph $.\na1i $p |- ( ps -> ph )\n```\n\n"
        f"Proof:\n```metamath\n$= {proof} $.\n```\n\nSteps:\n```\n1. |- ph   [hypothesis a1i.1]\n"
        "2. |- ( ph -> ( ps -> ph ) )   [ax-1]\n3. |- ( ps -> ph )   [1, 2, ax-mp]\n```"
    )
    assert document.meta == {
        "kind": "theorem",
        "name": "a1i",
        "language": "metamath",
        "proof": "full",
        "verified": "yes",
        "statement_end": document.text.index("\n\nProof:"),
    }
    assert document.source == f"proof_databases:x.mm#a1i@{data.index(b'a1i $p')}" and document.licence == "CC0-1.0"
    assert out.reasons == {"axiom": 3}


def test_compressed_numbers_and_marks():
    labels, numbers = metamath_proof.unpack("( x y ) ABTUAUTUUAZC".split(), ["h"])
    assert labels == ["h", "x", "y"] and numbers == [0, 1, 19, 20, 39, 120, -1, 2]


@pytest.mark.parametrize(
    "proof, reason",
    [
        ("wph wps wi", "wrong_proof"),  # proves a wff, not the claim
        ("a1i.1", "wrong_proof"),
        ("( wi ax-1 ax-mp ) ABADCABE", "wrong_proof"),
        ("( wi ax-1 ax-mp ) ABA?z", "wrong_proof"),
        ("( wi nothing ) ABADC", "wrong_proof"),
        ("( wi ax-1 ZZ", "wrong_proof"),
        ("a1i", "wrong_proof"),  # its own proof
        ("", "no_proof"),
    ],
)
def test_wrong_proofs_are_set_aside(proof, reason, make_input, sort_items):
    out = sort_items(metamath.read(make_input("x.mm", theorem(proof))))
    assert [item.reason for item in out.quarantined] == [reason] and not out.documents


def test_gaps_make_a_statement_or_a_partial_proof(make_input, sort_items):
    none = sort_items(metamath.read(make_input("x.mm", theorem("?")))).documents[0]
    assert none.meta["proof"] == "none" and "Proof:" not in none.text and none.meta["verified"] == "unknown"
    partial = sort_items(metamath.read(make_input("x.mm", theorem("wph wps wph wi a1i.1 ? ax-mp")))).documents[0]
    assert partial.meta["proof"] == "partial" and "Proof:" in partial.text


def test_distinct_variables_are_checked_and_shown(make_input, sort_items):
    base = "$c |- s = . $. $v x y z w $. vx $f s x $. vy $f s y $. vz $f s z $. vw $f s w $.\n"
    axiom = "${ $d x y $. ax $a |- x = y $. $}\n"
    right = "${ $d z w $. good $p |- z = w $= vz vw ax $. $}\n"
    wrong = "bad $p |- z = w $= vz vw ax $.\nself $p |- z = z $= vz vz ax $.\n"
    out = sort_items(metamath.read(make_input("x.mm", (base + axiom + right + wrong).encode())))
    assert "$d w z $.\ngood $p |- z = w" in out.documents[0].text
    assert out.reasons == {"axiom": 1, "wrong_proof": 2}


def test_hypotheses_end_with_their_block(make_input, sort_items):
    data = theorem(PLAIN) + b"later $p |- ( ps -> ph ) $= " + PLAIN.encode() + b" $.\n"
    out = sort_items(metamath.read(make_input("x.mm", data)))
    assert [item.evidence for item in out.quarantined] == ["later: unknown label 'a1i.1'"]


def test_proofs_beyond_the_bounds_are_not_judged(make_input, sort_items, monkeypatch):
    monkeypatch.setattr(metamath_proof, "MAX_SYMBOLS", 5)
    document = sort_items(metamath.read(make_input("x.mm", theorem(PACKED)))).documents[0]
    assert document.meta["verified"] == "unknown" and "Steps:" not in document.text and "Proof:" in document.text


def test_bytes_that_no_database_may_hold(make_input, sort_items):
    document = sort_items(
        metamath.read(make_input("x.mm", theorem(PACKED).replace(b"Add an", b"A\x00dd \xffan")))
    ).documents[0]
    assert document.text.startswith("A\ufffddd \ufffdan antecedent")


def test_words_across_blocks(make_input, sort_items, monkeypatch):
    whole = sort_items(metamath.read(make_input("x.mm", theorem(PACKED)))).documents
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr(metamath, "_BLOCK", size)
        assert sort_items(metamath.read(make_input("x.mm", theorem(PACKED)))).documents == whole


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"$( open", "unclosed"),
        (b"a $p |- x", "truncated"),
        (b"$. ", "malformed"),
        (b"$c a $a b $.", "malformed"),
        (b"x y $f wff z $.", "malformed"),
        (b"x $f wff y z $.", "malformed"),
        (b"\x1f\x8b\x08\x00", "truncated"),
    ],
)
def test_broken_databases(data, reason, make_input, sort_items):
    out = sort_items(metamath.read(make_input("x.mm", data)))
    assert reason in [item.reason for item in out.quarantined]


@given(st.integers(0, 600), st.binary(max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_is_accounted_for(scratch, sort_items, place, noise):
    data = theorem(PACKED)
    place %= len(data)
    out = sort_items(metamath.read(scratch("x.mm", data[:place] + noise + data[place + len(noise) :])))
    assert out.documents or out.skipped or out.quarantined


def test_real_samples(samples, input_files, sort_items):
    for file in input_files(samples("math/proof_databases")):
        if file.name.endswith(".mm"):
            out = sort_items(metamath.read(file))
            assert not out.quarantined and len(out.documents) > 100 and out.skipped
            full = [document for document in out.documents if document.meta["proof"] == "full"]
            assert sum(document.meta["verified"] == "yes" for document in full) > 0.99 * len(full)
            assert len({document.meta["name"] for document in out.documents}) == len(out.documents)
