"""What one unit of work did to its records: the accounts of its steps, and the evidence that people review."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

from data.accounts import Account
from data.document import Document, Quarantined, Reject, Skipped

STEPS = (
    *("read", "quality_filter", "deduplicate", "decontaminate", "standardize_format", "prepare_for_expert"),
    *("quality_control", "write"),
)
SAMPLES = 20
_EXCERPT = 200


def excerpt(text: str) -> str:
    """The beginning of a text, as reviews show it."""
    return text[:_EXCERPT].encode("utf-8", "replace").decode()


@dataclasses.dataclass
class Ledger:
    """Accounts by step, quarantined records, and rows of what was dropped.

    `dropped` holds a row a dropped document; whoever writes them out empties it now and then.
    """

    accounts: dict[str, Account] = dataclasses.field(default_factory=lambda: {step: Account() for step in STEPS})
    quarantined: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    dropped: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def quarantine(self, item: Quarantined) -> None:
        """Books a record that can't be read."""
        self.accounts["read"].take(1, item.num_bytes)
        self.accounts["read"].quarantine(item.reason, 1, item.num_bytes)
        self.quarantined.append(dataclasses.asdict(item))

    def skip(self, item: Skipped) -> None:
        """Books a record that is no document."""
        self.accounts["read"].take(1, item.num_bytes)
        self.accounts["read"].drop(item.reason, 1, item.num_bytes)
        self.dropped.append(
            _row("", f"{item.path}@{item.offset}", "read", item.reason, item.evidence, "", item.num_bytes)
        )

    def read(self, num_bytes: int) -> None:
        """Books a document that was read."""
        self.accounts["read"].take(1, num_bytes)
        self.accounts["read"].keep(1, num_bytes)

    def keep(self, step: str, num_bytes: int) -> None:
        """Books a document that a step lets pass."""
        self.accounts[step].take(1, num_bytes)
        self.accounts[step].keep(1, num_bytes)

    def drop(self, step: str, reject: Reject, document: Document, read_id: str, num_bytes: int) -> None:
        """Books a document that a step drops."""
        self.drop_row(step, reject, document.source, document.text, read_id, num_bytes)

    def drop_row(self, step: str, reject: Reject, source: str, text: str, read_id: str, num_bytes: int) -> None:
        """`drop`, for whoever has a row rather than a document."""
        self.accounts[step].take(1, num_bytes)
        self.accounts[step].drop(reject.reason, 1, num_bytes)
        self.dropped.append(_row(read_id, source, step, reject.reason, reject.evidence, excerpt(text), num_bytes))

    def to_json(self) -> dict[str, Any]:
        """Accounts and quarantine as a unit's marker holds them."""
        return {
            "accounts": {step: account.rows() for step, account in self.accounts.items()},
            "quarantined": self.quarantined,
        }


def _row(read_id: str, source: str, step: str, reason: str, evidence: str, text: str, num_bytes: int) -> dict[str, Any]:
    values = dict(read_id=read_id, source=source, step=step, reason=reason, evidence=evidence[:1000], excerpt=text)
    clean = {key: value.encode("utf-8", "replace").decode() for key, value in values.items()}
    return {**clean, "read_bytes": num_bytes}


def add_rows(account: Account, rows: dict[str, Any]) -> None:
    """Adds an account in the form of `Account.rows` to another."""
    account.take(rows["records"]["in"], rows["bytes"]["in"])
    account.keep(rows["records"]["out"], rows["bytes"]["out"])
    for reason, records in rows["records"]["dropped"].items():
        account.drop(reason, records, rows["bytes"]["dropped"][reason])
    for reason, records in rows["records"]["quarantined"].items():
        account.quarantine(reason, records, rows["bytes"]["quarantined"][reason])


class Samples:
    """At most SAMPLES dropped rows of each step and reason, those with the lowest ids: no order can change them."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[dict[str, Any]]] = collections.defaultdict(list)

    def add(self, row: dict[str, Any]) -> None:
        """Considers a row."""
        group = self._rows[row["step"], row["reason"]]
        group.append(row)
        if len(group) > 4 * SAMPLES:
            self._shorten(group)

    @staticmethod
    def _shorten(group: list[dict[str, Any]]) -> None:
        group.sort(key=lambda row: (row["read_id"], row["source"]))
        del group[SAMPLES:]

    def rows(self) -> list[dict[str, Any]]:
        """The sample, by step and reason."""
        found = []
        for step, reason in sorted(self._rows, key=lambda key: (STEPS.index(key[0]), key[1])):
            group = self._rows[step, reason]
            self._shorten(group)
            found += group
        return found
