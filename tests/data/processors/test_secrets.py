"""Secrets and addresses are found by format and by chance, replaced once, and ordinary code is left alone."""

from __future__ import annotations

import ast
import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.processors import secrets
from data.sources import stdlib_code

# Put together here, so that no file of the repository holds anything of a secret's format.
_LETTERS = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYzAbCdEfGh"
_KEYS = {
    "aws_access_key": "AKIA" + "Q3EGVWXYZ234567A",
    "github_token": "ghp_" + _LETTERS[:36],
    "gitlab_token": "glpat-" + _LETTERS[:20],
    "slack_token": "xoxb-" + "123456789012-" + _LETTERS[:24],
    "stripe_key": "sk_live_" + _LETTERS[:24],
    "google_api_key": "AIza" + _LETTERS[:35],
    "model_api_key": "sk-" + _LETTERS,
    "npm_token": "npm_" + _LETTERS[:36],
    "sendgrid_key": "SG." + _LETTERS[:22] + "." + (_LETTERS + _LETTERS)[:43],
    "twilio_key": "SK" + "0123456789abcdef" * 2,
    "jwt": "eyJ" + _LETTERS + ".eyJ" + _LETTERS + "." + _LETTERS,
}
_PEM = "-----BEGIN RSA PRIVATE" + " KEY-----\n" + (_LETTERS + "\n") * 8 + "-----END RSA PRIVATE" + " KEY-----"


@pytest.mark.parametrize("kind", _KEYS)
def test_known_formats_are_replaced_in_place(kind):
    text = f'client = connect("{_KEYS[kind]}")\n'
    assert secrets.scrub(text) == f'client = connect("<{kind.upper()}>")\n'
    assert secrets.counts(text) == {kind: 1}


def test_a_private_key_goes_as_a_whole():
    text = f'KEY = """{_PEM}"""\n'
    scrubbed = secrets.scrub(text)
    assert _LETTERS not in scrubbed and "<PRIVATE_KEY>" in scrubbed
    assert ast.parse(scrubbed)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('aws_secret_access_key = "' + "wJalrXUtnFEMIK7MDENGbPxRfiCYzQ9Tb4vC8nHs" + '"', "aws_secret_key"),
        ('password = "' + "Tr0ub4dor&3zq" + '"', "password"),
        ("api_key: '" + "9f8c7b6a5d4e3f2a1b0c" + "',", "key"),
        ("export DB_PASSWORD=" + "kX9!vQ2@pL7#zR4m" + "\n", "password"),
        ("postgres://admin:" + "k3Jx9Qz7" + "@db.internal.corp/prod", "url_password"),
    ],
)
def test_values_that_look_drawn_are_secrets_where_their_name_says_so(text, kind):
    assert secrets.counts(text).get(kind) == 1
    assert secrets.find(secrets.scrub(text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        'password = "changeme"',
        'password = os.environ["DB_PASSWORD"]',
        'token = "your-token-here"',
        'API_KEY = "<API_KEY>"',
        'secret = "correct horse battery"',
        'token_type = "authorization_code"',
        'key = "primary-color-dark"',
        "socks5://user:pass@localhost:1080",
        "https://example.com/a:b@c",
        'digest = "d41d8cd98f00b204e9800998ecf8427e"',
        "sk-learn and sk-build-core-extension-packages are names",
    ],
)
def test_examples_and_words_are_none(text):
    assert secrets.find(text) == ()


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("# by Ada <ada.l@mail.uk>", "# by Ada <<EMAIL>>"),
        ("git@github.com:org/repo.git", None),
        ("a = left@right.shape", None),
        ("y = W@x.to(device)", None),
        ("user@example.com", None),
        ("@decorator.io\ndef f(): pass", None),
        ("connect('82.165.177.154')", "connect('<IP_ADDRESS>')"),
        ("connect('2a00:1450:4001:81b::200e')", "connect('<IP_ADDRESS>')"),
        ("127.0.0.1 10.0.0.1 192.168.1.1 8.8.8.8 255.255.255.0", None),
        ("version 82.165.177.154", None),
        ("release = '4.15.3.2'", None),
        ("std::vector a::b::c 12:34:56", None),
    ],
)
def test_addresses_of_people_and_hosts(text, scrubbed):
    assert secrets.scrub(text) == (text if scrubbed is None else scrubbed)


def test_the_standard_library_has_no_secrets():
    root = stdlib_code.root_folder()
    files = [
        root / name for name in ("hashlib.py", "hmac.py", "secrets.py", "ssl.py", "smtplib.py", "uuid.py", "ftplib.py")
    ]
    for path in filter(pathlib.Path.exists, files):
        kinds = secrets.counts(path.read_text(encoding="utf-8"))
        assert set(kinds) <= set(secrets.ADDRESSES), path


def test_share_of_secrets():
    assert secrets.secret_share("x = 1\n") == 0
    assert secrets.secret_share(_PEM) > 0.8
    assert 0 < secrets.secret_share(f"x = 1\n{'y = 2  ' * 100}\n{_PEM}") < 0.5


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*_KEYS.values(), _PEM, 'password="', '"', "=", " ", "\n", "a@b.com", "82.165.177.154", "://", ":", "x"]
        )
        | st.text(max_size=8),
        max_size=12,
    )
)
def test_scrubbing_twice_is_scrubbing_once(parts):
    once = secrets.scrub("".join(parts))
    assert secrets.scrub(once) == once


@pytest.mark.parametrize(
    "piece",
    ["password", "token_", "a.a@", "aws secret ", "eyJaaaaaaaaa.", "1.1.", "a:", "http://a:", "A_", "x@a.", "ab-"],
)
def test_hostile_texts_hold_nothing(piece):
    assert secrets.find(piece * (200_000 // len(piece))) == ()
