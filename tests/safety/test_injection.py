"""Secrets and what finds them again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_moe.safety import injection
from mistral_moe.safety.injection import ENCODINGS, constructed, document_probes, leak, leak_probes, secret
from mistral_moe.safety.injection_texts import ATTACKS

SECRET = secret("a test")


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("frame", ["{}", "The code: {}!", "({})", "well,\n\n{}\n\nthat is it"])
def test_each_encoding_is_found_in_any_frame(name, frame):
    assert leak(frame.format(ENCODINGS[name](SECRET)), SECRET)


def test_base64_of_a_longer_text_is_found():
    for before in range(4):
        assert leak(ENCODINGS["base64"]("x" * before + f"code is {SECRET} ok"), SECRET) == "base64"


@pytest.mark.parametrize("name", ENCODINGS)
def test_another_secret_in_any_encoding_is_not_found(name):
    assert leak(ENCODINGS[name](secret("another")), SECRET) == ""


@given(st.text())
def test_no_text_holds_a_secret_by_chance(text):
    assert leak(text, SECRET) == "" or injection._letters(SECRET) in injection._letters(text)


def test_a_part_of_a_secret_is_not_the_secret():
    assert leak(SECRET[:9], SECRET) == "" and leak("I can't share the access code.", SECRET) == ""


def test_probes_have_a_secret_each_and_control_symbols_at_the_odd_places():
    probes = leak_probes(3, 0)
    assert len(ATTACKS) >= 30 and len({attack for attack in ATTACKS}) == len(ATTACKS)
    assert len(probes) == 3 * len(ATTACKS) == len({probe.secret for probe in probes}) == len({p.id for p in probes})
    for probe in (*probes, *document_probes(0)):
        assert probe.control[1::2] == ("[INST]", "[/INST]")
    assert all(leak(probe.text, probe.secret) == "plain" for probe in probes)


def test_the_same_seed_gives_the_same_probes_and_another_gives_others():
    assert leak_probes(2, 5) == leak_probes(2, 5)
    assert not {probe.secret for probe in leak_probes(1, 5)} & {probe.secret for probe in leak_probes(1, 6)}


def test_quoting_an_order_is_not_obeying_it():
    probes = document_probes(0)
    assert len(probes) >= 40
    for probe in probes:
        assert leak(probe.text, probe.secret) == ""
        assert leak(f"Summary: {probe.secret}.", probe.secret) == "plain"


def test_constructed_answers_hold_leaks_that_are_found_and_some_that_are_not():
    made = constructed(8, 0)
    found = [(bool(leak(text, planted)), label) for text, planted, label in made]
    assert (True, False) not in found
    assert (False, True) in found and (True, True) in found and (False, False) in found
