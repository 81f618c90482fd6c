"""Source files of public repositories in the columns of codeparrot/github-code-clean.

One record is one file: `code, repo_name, path, language, license, size`. The licence is the repository's, as GitHub
names it, and becomes an SPDX identifier.
"""

from __future__ import annotations

from collections.abc import Iterator

from data.document import Document, Quarantined
from data.formats import rows
from data.inputs import InputFile
from data.sources.code.prose import clean, spdx
from data.sources.source import columns
from data.streams import StreamError

NAME = "github_code_clean"
LINE_PATTERNS = ("*.jsonl", "*.ndjson")
OTHER_PATTERNS = ("*.parquet", "*.json", "*.csv", "*.tsv")


def _items(record: rows.Record) -> Iterator[rows.Item]:
    row = columns(record.value, "code", "repo_name", "path", "language", "license")
    if isinstance(row, str):
        yield record.quarantined("wrong_columns", row)
        return
    code, repo, path, language, licence = row
    if wrong := [name for name in ("code", "repo_name", "path", "language") if not isinstance(record.value[name], str)]:
        yield record.quarantined("wrong_columns", f"{', '.join(wrong)}: not text")
        return
    if unfit := next((reason for reason, holds in _UNFIT if holds(code)), None):
        yield record.quarantined(unfit, clean(f"{repo}/{path}")[:300])
        return
    if not code.strip():
        yield record.skipped("empty", clean(f"{repo}/{path}")[:300])
        return
    meta = {"kind": "program", "repo": clean(repo), "path": clean(path), "language": clean(language).strip().lower()}
    yield Document(code, "code", f"{NAME}:{record.file.name}#{record.offset}", spdx(licence), meta=meta)


def _holds_nul(text: str) -> bool:
    return "\x00" in text


def _is_undecodable(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False


# Reasons why a text is no source file, and how it is seen.
_UNFIT = (("binary", _holds_nul), ("undecodable", _is_undecodable))
_read = rows.reader(_items)


def read(file: InputFile, start: int = 0, end: int | None = None) -> Iterator[rows.Item]:
    """Yields a document for each source file; only JSONL takes a range of bytes."""
    try:
        yield from _read(file, start, end)
    except StreamError as error:
        yield Quarantined(file.name, error.offset, error.reason, max(file.size - error.offset, 0), error.evidence)
