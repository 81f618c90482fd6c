"""Personal data is found by its form and its checks, and nothing else is touched."""

import hypothesis
import hypothesis.strategies as st
import pytest

from data.processors.pii import scrub


@pytest.mark.parametrize(
    ("text", "scrubbed", "counts"),
    [
        ("Write to bob.smith@gmail.com.", "Write to <EMAIL>.", {"email": 1}),
        ("(jörg@müller.de; a+b@x.co.uk)", "(<EMAIL>; <EMAIL>)", {"email": 2}),
        ("Call +44 20 7946 0958 now", "Call <PHONE> now", {"phone": 1}),
        ("+1 (212) 555-2368, (415) 555-2671 or 212-555-2368.", "<PHONE>, <PHONE> or <PHONE>.", {"phone": 3}),
        ("Tel.: 030 1234567", "Tel.: <PHONE>", {"phone": 1}),
        ("from 81.2.69.142 and 2a00:1450:4001:81b::200e", "from <IP_ADDRESS> and <IP_ADDRESS>", {"ip_address": 2}),
        ("card 4111 1111 1111 1111, 378282246310005", "card <CREDIT_CARD>, <CREDIT_CARD>", {"credit_card": 2}),
        ("IBAN DE89 3704 0044 0532 0130 00!", "IBAN <IBAN>!", {"iban": 1}),
        ("GB82WEST12345698765432", "<IBAN>", {"iban": 1}),
        ("SSN 123-45-6789", "SSN <SSN>", {"ssn": 1}),
    ],
)
def test_replaced(text, scrubbed, counts):
    assert scrub(text) == (scrubbed, counts)


@pytest.mark.parametrize(
    "text",
    [
        "user@example.com and root@localhost",
        "git@github.com:mistral/moe.git",
        "photo@2x.png",
        "x = a@b.shape",
        "version 81.2.69.142, v81.2.69.142, >=81.2.69.142",
        "1.2.3.4 and 10.11.12.13.14",
        "192.168.1.20, 10.0.0.99, 127.0.0.1, 300.1.1.1",
        "at 12:30:45, std::vector, ::1, fe80::1:2",
        "card 4111 1111 1111 1112 and 4111-1111-1111-111",
        "DE89 3704 0044 0532 0130 01 and US89370400440532013000",
        "000-12-3456, 123-45-0000, 2020-12-3456",
        "from 1914-1918, on 2020-01-02 14:30, $1,234,567.00",
        "ISBN 978-3-16-148410-0, 3.14159265358979, 299792458",
        "10 20 30 400 5000 60000",
        "chapter 212.555.2368.1",
    ],
)
def test_left_alone(text):
    assert scrub(text) == (text, {})


ANYTHING = st.text(alphabet="0123456789 -.()+:@abDEGBx/\n", max_size=80)


@hypothesis.given(st.one_of(st.text(max_size=80), ANYTHING))
@hypothesis.settings(max_examples=200)
def test_scrubbing_twice_is_scrubbing_once(text):
    once, counts = scrub(text)
    assert scrub(once)[0] == once
    assert bool(counts) == (once != text)


@pytest.mark.parametrize("piece", ["1 ", "1.1", "a@", "+1", "1:", "A1B2", "4111 ", "(0", "-1", "tel 0", "a."])
def test_long_runs_come_to_an_end(piece):
    text = piece * (200_000 // len(piece))
    assert len(scrub(text)[0]) <= len(text) * 8
