"""A file inside an archive as an `InputFile`, so that whatever reads files reads members, and archives inside archives.

The bytes are in memory: a member is a paper's sources or a list of exercises, and `archives.members` bounds it.
"""

from __future__ import annotations

import dataclasses
import io
from typing import BinaryIO

from data.archives import Member
from data.inputs import InputFile


@dataclasses.dataclass(frozen=True)
class MemberFile(InputFile):
    """A member of an archive. Its name is the archive's, `!`, and its own: `dump.tar!1911/1911.02782.gz`."""

    member: str = ""
    data: bytes = b""

    @property
    def name(self) -> str:
        """The archive's name inside the input, and the member's inside the archive."""
        return f"{self.archive_name}!{self.member}"

    @property
    def archive_name(self) -> str:
        """Name of the archive that the member lies in."""
        return self.url.rpartition("!")[0]

    def open_raw(self) -> BinaryIO:
        """The member's bytes."""
        return io.BytesIO(self.data)

    def sibling(self, relative: str) -> InputFile | None:
        """None: a member is read by itself."""
        return None


def member_file(archive: InputFile, member: Member) -> MemberFile:
    """The member of an archive as a file."""
    return MemberFile(f"{archive.name}!{member.name}", archive.root, len(member.data), member.name, member.data)
