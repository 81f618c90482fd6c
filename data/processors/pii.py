"""Personal data in texts, replaced by a placeholder that says what stood there: <EMAIL>, <PHONE>, <IP_ADDRESS>, ...

What has a check digit is checked (Luhn of ISO/IEC 7812 for cards, ISO 13616's mod 97 for IBANs); what has ranges must
lie in them; numbers that stand in texts for other reasons, as versions and addresses of private networks do, are
left. Scrubbing twice is scrubbing once. Placeholders as in StarCoder (Li et al. 2023, arXiv:2305.06161, section 3.4).
"""

from __future__ import annotations

import collections
import ipaddress
import re
from collections.abc import Callable

_EMAIL = re.compile(
    r"(?<![\w.%+-])(?:mailto:)?([\w.%+-]{1,64})@((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24})(?![\w@-])"
)
_RESERVED_HOST = re.compile(
    r"(?:^|\.)(?:example\.(?:com|net|org|edu)|example|test|invalid|localhost|local)$", re.IGNORECASE
)
_SERVICES = frozenset("git hg svn noreply no-reply donotreply postmaster mailer-daemon".split())
# Domains that end like this are file names, attributes of programs and the like.
_NO_TOP = frozenset(
    "png jpg jpeg gif svg webp css js ts py cpp hpp java txt html htm json xml yml yaml shape dtype self".split()
)
_IBAN = re.compile(r"(?<![\w])([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)(?![\w])")
_IBAN_LENGTHS = {
    length: frozenset(countries.split())
    for length, countries in (
        (15, "NO"), (16, "BE"), (18, "DK FI FO GL NL"), (19, "MK SI"), (20, "AT BA EE KZ LT LU XK"),
        (21, "CH CR HR LI LV"), (22, "BG BH DE GB GE IE ME RS VA"), (23, "AE GI IL IQ TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"), (25, "PT"), (26, "IS TR"), (27, "FR GR IT MC MR SM"),
        (28, "AL AZ BY CY DO GT HU LB PL SV"), (29, "BR EG PS QA UA"), (30, "JO KW MU"), (31, "MT SC"),
    )
}  # fmt: skip
_CARD = re.compile(
    r"(?<![\w.,+-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|3[47]\d{2}([ -])\d{6}\2\d{5})"
    r"(?![\w-]|[.,]\d)"
)
# The numbers that issuers have: their beginnings, and how long they are.
_CARD_NUMBER = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]\d\d|2(?:2[2-9]|[3-6]\d|7[01])\d|2720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|(?:6(?:011|5\d\d|4[4-9]\d)|62\d\d|35(?:2[89]|[3-8]\d))\d{12}(?:\d{3})?"
)
_SSN = re.compile(r"(?<![\w.-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|\.\d)")
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]*:)(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:.])")
_VERSION = re.compile(
    r"(?:\bv|\bver(?:sion)?s?|release|build|firmware|driver|rev(?:ision)?|section|chapter|table|figure|§|[=<>~^])"
    r"[\s:.=v]{0,3}$",
    re.IGNORECASE,
)
_HIGH_OCTET = 20  # four numbers below it are more often a version or a section than an address
_INTERNATIONAL = re.compile(
    r"(?<![\w+.])(?:\+|(?<!\d[ -])00(?=[1-9]\d?[ -]))[1-9]\d{0,2}(?:[ .-]?\(0?\d{1,4}\))?"
    r"(?:[ .-]?\d{1,5}){2,6}(?![\w+]|[.,-]\d)"
)
_AMERICAN = re.compile(
    r"(?<![\w.+/-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[.-])[2-9]\d{2}[ .-]\d{4}(?![\w-]|[.,]\d)"
)
# A trunk number without a country is one only where the text says so.
_NAMED = re.compile(
    r"(?i:\b(?:phone|tel|telephone|telefon|téléphone|mobile|cell|fax|call|ring|whatsapp|handy)\b\.?[ \t]*"
    r"(?:no\.?|number|nr\.?)?[ \t]*(?:(?:us|me)?[ \t]*(?:at|on|under))?[ \t]*[:#]?[ \t]*)"
    r"(\(?0\d{1,5}\)?(?:[ ./-]?\d{2,8}){1,5})(?![\w])"
)


def _is_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def _is_email(found: re.Match[str]) -> bool:
    local, host = found.groups()
    if local.startswith(".") or local.lower() in _SERVICES:
        return False
    return not (_RESERVED_HOST.search(host) or host.rsplit(".", 1)[1].lower() in _NO_TOP)


def _is_card(found: re.Match[str]) -> bool:
    digits = re.sub(r"\D", "", found.group())
    return len(set(digits)) > 1 and _CARD_NUMBER.fullmatch(digits) is not None and _is_luhn(digits)


def _is_iban(found: re.Match[str]) -> bool:
    number = found[1].replace(" ", "")
    if number[:2] not in _IBAN_LENGTHS.get(len(number), ()):
        return False
    moved = number[4:] + number[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def _is_version(found: re.Match[str]) -> bool:
    start = found.start()
    return _VERSION.search(found.string[max(0, start - 16) : start]) is not None


def _is_ipv4(found: re.Match[str]) -> bool:
    octets = found.group().split(".")
    if any(int(octet) > 255 or (len(octet) > 1 and octet[0] == "0") for octet in octets) or _is_version(found):
        return False
    return max(map(int, octets)) >= _HIGH_OCTET and ipaddress.ip_address(found.group()).is_global


def _is_ipv6(found: re.Match[str]) -> bool:
    try:
        address = ipaddress.ip_address(found.group())
    except ValueError:
        return False
    return address.is_global and len(found.group()) > 6


def _is_phone(found: re.Match[str]) -> bool:
    return 8 <= sum(map(str.isdigit, found.group())) <= 15


def _is_any(found: re.Match[str]) -> bool:
    return True


# In the order in which they are looked for: what one has replaced no later one sees.
_KINDS: tuple[tuple[str, str, re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    ("email", "<EMAIL>", _EMAIL, _is_email),
    ("iban", "<IBAN>", _IBAN, _is_iban),
    ("credit_card", "<CREDIT_CARD>", _CARD, _is_card),
    ("ssn", "<SSN>", _SSN, _is_any),
    ("ip_address", "<IP_ADDRESS>", _IPV4, _is_ipv4),
    ("ip_address", "<IP_ADDRESS>", _IPV6, _is_ipv6),
    ("phone", "<PHONE>", _INTERNATIONAL, _is_phone),
    ("phone", "<PHONE>", _AMERICAN, _is_any),
    ("phone", "<PHONE>", _NAMED, _is_phone),
)
_HAS_NUMBER = re.compile(r"\d[\d .():/-]{5}|[0-9A-Fa-f]:[0-9A-Fa-f:]|[A-Z]{2}\d{2}")


def scrub(text: str) -> tuple[str, dict[str, int]]:
    """The text with personal data replaced, and how many of each kind were; the text itself where there is none."""
    counts: collections.Counter[str] = collections.Counter()
    if "@" not in text and not _HAS_NUMBER.search(text):
        return text, {}
    for kind, placeholder, pattern, is_one in _KINDS:
        if kind == "email" and "@" not in text:
            continue

        def replaced(
            found: re.Match[str],
            kind: str = kind,
            placeholder: str = placeholder,
            is_one: Callable[[re.Match[str]], bool] = is_one,
            pattern: re.Pattern[str] = pattern,
        ) -> str:
            if not is_one(found):
                return found.group()
            counts[kind] += 1
            if pattern is _NAMED:
                return found.group()[: found.start(1) - found.start()] + placeholder
            return placeholder

        text = pattern.sub(replaced, text)
    return text, dict(counts)
