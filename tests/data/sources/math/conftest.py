"""What the tests of the mathematics sources share: what came out of a file, sorted, and checked for form."""

import collections
import dataclasses

import pytest

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile


@dataclasses.dataclass
class Out:
    """Items of one read."""

    documents: list
    skipped: list
    quarantined: list

    @property
    def reasons(self):
        """How often each reason was given."""
        return dict(collections.Counter(item.reason for item in self.skipped + self.quarantined))


def _sorted(items) -> Out:
    out = Out([], [], [])
    for item in items:
        if isinstance(item, Document):
            assert item.text == item.text.encode("utf-8").decode("utf-8") and "\x00" not in item.text
            assert item.text.strip() and item.domain == "math" and item.licence and item.level == ""
            out.documents.append(item)
        else:
            assert isinstance(item, (Skipped, Quarantined)), item
            assert item.offset >= 0 and item.num_bytes >= 0 and item.reason.replace("_", "").isalnum()
            (out.skipped if isinstance(item, Skipped) else out.quarantined).append(item)
    return out


@pytest.fixture(scope="session")
def sort_items():
    """sort_items(read(file)) -> documents, skipped and quarantined items, each checked for form."""
    return _sorted


@pytest.fixture(scope="session")
def scratch(tmp_path_factory):
    """scratch("a.tex", b"...") -> an InputFile that the next call of the same name overwrites: for many small ones."""
    root = tmp_path_factory.mktemp("fuzz")

    def make(name: str, data: bytes) -> InputFile:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return InputFile(str(path), str(root), len(data))

    return make
