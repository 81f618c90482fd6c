"""The conservation law of the data stages: in = out + dropped + quarantined, in records and in bytes."""

from __future__ import annotations

from typing import Any


class BalanceError(RuntimeError):
    """Records or bytes went in that neither came out nor were accounted for."""


class Account:
    """What went into one step and what became of it, in records and in bytes as read."""

    def __init__(self) -> None:
        self.into, self.out = [0, 0], [0, 0]
        self.dropped: dict[str, list[int]] = {}
        self.quarantined: dict[str, list[int]] = {}

    @staticmethod
    def _add(entry: list[int], records: int, num_bytes: int) -> None:
        entry[0] += records
        entry[1] += num_bytes

    def take(self, records: int, num_bytes: int) -> None:
        """Books what goes in."""
        self._add(self.into, records, num_bytes)

    def keep(self, records: int, num_bytes: int) -> None:
        """Books what comes out."""
        self._add(self.out, records, num_bytes)

    def drop(self, reason: str, records: int, num_bytes: int) -> None:
        """Books what was judged and left out."""
        self._add(self.dropped.setdefault(reason, [0, 0]), records, num_bytes)

    def quarantine(self, reason: str, records: int, num_bytes: int) -> None:
        """Books what could not be read."""
        self._add(self.quarantined.setdefault(reason, [0, 0]), records, num_bytes)

    def check(self, name: str) -> None:
        """Raises BalanceError unless what went in came out, was dropped or was quarantined."""
        for position, unit in enumerate(("records", "bytes")):
            lost = [*self.dropped.values(), *self.quarantined.values()]
            found = self.out[position] + sum(entry[position] for entry in lost)
            if found != self.into[position]:
                raise BalanceError(f"{name}: {self.into[position]} {unit} in, {found} accounted for")

    def rows(self) -> dict[str, dict[str, Any]]:
        """The account as manifests hold it."""
        return {
            unit: {
                "in": self.into[position],
                "out": self.out[position],
                "dropped": {reason: entry[position] for reason, entry in sorted(self.dropped.items())},
                "quarantined": {reason: entry[position] for reason, entry in sorted(self.quarantined.items())},
            }
            for position, unit in enumerate(("records", "bytes"))
        }
