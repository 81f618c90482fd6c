"""What secrets look like: the formats that providers publish for secret scanning, and the names of secrets."""

from __future__ import annotations

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Format:
    """One known format.

    Attributes:
      kind: what is counted, and the name of the placeholder.
      hints: a text without any of these isn't searched.
      pattern: a group named `secret` is the part that is replaced, else all of it is.
    """

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


_AWS = ("AKIA", "ASIA", "ABIA", "ACCA", "AGPA", "AIDA", "AROA", "ANPA", "ANVA", "AIPA")
_BASE64_END = r"(?![A-Za-z0-9/+=])"
_TOKEN_END = r"(?![A-Za-z0-9_-])"
_PEM = r"(?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"

FORMATS: tuple[Format, ...] = tuple(
    Format(kind, hints, re.compile("".join(pattern)))
    for kind, hints, pattern in (
        (
            "private_key",
            ("PRIVATE KEY",),
            (rf"-----BEGIN {_PEM}", r"(?P<secret>[A-Za-z0-9+/=\s\\\"',:().>|-]{1,8192}?)", rf"-----END {_PEM}"),
        ),
        ("aws_access_key", _AWS, (rf"(?<![A-Za-z0-9/+=])(?:{'|'.join(_AWS)})[A-Z2-7][A-Z0-9]{{15}}", _BASE64_END)),
        (
            "aws_secret_key",
            ("secret", "SECRET", "Secret", "aws", "AWS"),
            (
                r"(?i:aws.{0,20}?(?:secret|private).{0,20}?|secret.?access.?key.{0,10}?)",
                r"[\"'\s=:]{1,6}(?P<secret>[A-Za-z0-9/+]{40})",
                _BASE64_END,
            ),
        ),
        (
            "github_token",
            ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
            (r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b|\bgithub_pat_[A-Za-z0-9_]{60,100}\b",),
        ),
        (
            "gitlab_token",
            ("glpat-", "glptt-", "gldt-", "glrt-", "glsoat-"),
            (r"\bgl(?:pat|ptt|dt|rt|soat)-[A-Za-z0-9_-]{20,64}", _TOKEN_END),
        ),
        ("slack_token", ("xox",), (r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}\b",)),
        (
            "slack_webhook",
            ("hooks.slack.com",),
            (
                r"https://hooks\.slack\.com/services/",
                r"(?P<secret>T[A-Za-z0-9_]{5,20}/B[A-Za-z0-9_]{5,20}/[A-Za-z0-9_]{16,40})",
            ),
        ),
        ("stripe_key", ("k_live_", "k_test_"), (r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,247}\b",)),
        ("google_api_key", ("AIza",), (r"\bAIza[A-Za-z0-9_-]{35}", _TOKEN_END)),
        (
            "google_oauth",
            ("ya29.", "GOCSPX-"),
            (r"\bya29\.[A-Za-z0-9_-]{20,500}|\bGOCSPX-[A-Za-z0-9_-]{28}", _TOKEN_END),
        ),
        (
            "model_api_key",
            ("sk-",),
            (r"\bsk-(?:ant-|proj-|svcacct-|admin-)?[A-Za-z0-9](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{31,200}", _TOKEN_END),
        ),
        ("huggingface_token", ("hf_",), (r"\bhf_[A-Za-z]{34}\b",)),
        ("npm_token", ("npm_",), (r"\bnpm_[A-Za-z0-9]{36}\b",)),
        ("pypi_token", ("pypi-AgE",), (r"\bpypi-AgE[A-Za-z0-9_-]{50,500}",)),
        ("sendgrid_key", ("SG.",), (r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", _TOKEN_END)),
        ("twilio_key", ("SK", "AC"), (r"\b(?:SK|AC)[0-9a-f]{32}\b",)),
        ("mailgun_key", ("key-",), (r"\bkey-[0-9a-f]{32}\b",)),
        ("telegram_token", (":AA",), (r"(?<![0-9A-Za-z:])\d{8,10}:AA[A-Za-z0-9_-]{33}", _TOKEN_END)),
        ("digitalocean_token", ("_v1_",), (r"\bdo[opr]_v1_[0-9a-f]{64}\b",)),
        (
            "shopify_token",
            ("shpat_", "shpca_", "shppa_", "shpss_"),
            (r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b",),
        ),
        ("azure_key", ("AccountKey=",), (r"\bAccountKey=(?P<secret>[A-Za-z0-9+/]{86}==)",)),
        (
            "jwt",
            ("eyJ",),
            (r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}",),
        ),
        (
            "url_password",
            ("://",),
            (
                r"\b[a-z][a-z0-9+.-]{1,15}://[^\s:/@\"'<>{}$%]{1,64}:",
                r"(?P<secret>[^\s:/@\"'<>{}$%*]{3,64})@[A-Za-z0-9.-]{3,}",
            ),
        ),
        ("ssh_password", ("sshpass",), (r"\bsshpass\s+-p\s*(?P<secret>[^\s\"'$<>*]{4,64})",)),
    )
)
# Formats whose secret people choose, so that documentation has made-up ones.
CHOSEN = frozenset(("url_password", "ssh_password"))
MADE_UP = re.compile(r"pass|pwd|pw$|secret|example|token|x{3}|^(?:user|root|admin|guest|test)$", re.IGNORECASE)

# A text without any of these, in lower case, has no name that a secret is given to.
NAME_HINTS = ("passw", "pwd", "secret", "token", "key", "credential")
ASSIGNED = re.compile(
    r"(?P<name>(?i:passw(?:or)?d|passwd|pwd|secret|token|(?:api|auth|access|private)[_-]?key|credential))"
    r"[\w-]{0,20}[\"']?\]?\s{0,4}(?::=|=>|=|:)\s{0,4}"
    r"(?P<quote>[\"'`])(?P<secret>[^\"'`\s]{8,256})(?P=quote)"
)
ENVIRONMENT = re.compile(
    r"(?m)^(?:export\s+|ENV\s+)?"
    r"(?P<name>[A-Z][A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|ACCESS_KEY|PRIVATE_KEY)[A-Z0-9_]*)"
    r"[=:][ \t]?(?P<secret>[A-Za-z0-9+/=_.!@#%^&-]{12,256})[ \t]*$"
)
EXAMPLE = re.compile(
    r"example|sample|dummy|placeholder|change.?me|your|my[_-]|test|fake|xxx|\*\*|\.\.\.|redacted|foo|bar|insert|todo"
    r"|none"
    r"|null|password|passwd|secret|token|api_?key|default|undefined|process\.env|environ|getenv|config|[${}<>()\[\]]"
    r"|%s",
    re.IGNORECASE,
)
_WORD = r"(?:[A-Za-z][a-z]+|[A-Z]+|[a-z]+|\d{1,3})"
WORDLIKE = re.compile(rf"^{_WORD}(?:[-_./: ]{_WORD})*$")
HEX = re.compile(r"^[0-9a-fA-F-]+$")
