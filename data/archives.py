"""Members of tar and zip archives, in memory one at a time, that can't write anywhere, escape or exhaust memory."""

from __future__ import annotations

import dataclasses
import lzma
import posixpath
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from data import streams
from data.document import Quarantined
from data.inputs import InputFile

MAX_MEMBERS = 1_000_000
MAX_TOTAL_BYTES = 64 << 30
_MAX_HEADER_BYTES = 1 << 20
_EXTENSIONS = frozenset(
    {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
)
# RuntimeError is an encrypted member, NotImplementedError an unknown compression or version.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


@dataclasses.dataclass(frozen=True)
class Member:
    """A regular file of an archive: its name with `/`, its bytes, and where its header or data lies in the archive."""

    name: str
    data: bytes
    offset: int


def safe_name(name: str) -> str | None:
    """A member's name normalised, or None where it is absolute or leads out of the archive.

    Bytes of a name that are no text, which tarfile passes on as lone surrogates, become U+FFFD.
    """
    name = name.replace("\\", "/").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if name.startswith("/") or "\x00" in name or (len(name) > 1 and name[1] == ":"):
        return None
    parts = posixpath.normpath(name).split("/")
    return None if ".." in parts or parts == ["."] else "/".join(parts)


def members(file: InputFile, limit: int = streams.MAX_RECORD_BYTES) -> Iterator[Member | Quarantined]:
    """Yields the regular files of a tar (compressed or not) or zip in their order.

    Members with names that lead outside, links, devices and members larger than `limit` are quarantined, and so is the
    rest of an archive that is truncated, corrupt or a bomb.
    """
    with file.open_raw() as raw:
        is_zip = raw.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    yield from _zip_members(file, limit) if is_zip else _tar_members(file, limit)


def _refused(file: InputFile, name: str, offset: int, reason: str, size: int) -> Quarantined:
    return Quarantined(file.name, offset, reason, max(size, 0), f"member {name[:200]!r}")


class _TarHeader(tarfile.TarInfo):
    """A header that tells where an archive breaks: tarfile takes a broken header behind the first for the end."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> tarfile.TarInfo:
        try:
            return super().fromtarfile(archive)
        except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        # Long names and PAX fields are read into memory whatever size they claim.
        if self.type in _EXTENSIONS and self.size > _MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(archive)


def _tar_members(file: InputFile, limit: int) -> Iterator[Member | Quarantined]:
    offset = total = 0
    with file.open() as stream:
        try:
            # A stream ("r|") is read once from front to back, so nothing is held but the member at hand.
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_TarHeader) as archive:
                for number, info in enumerate(archive):
                    offset = info.offset
                    total += info.size
                    if number >= MAX_MEMBERS or total > MAX_TOTAL_BYTES:
                        yield _refused(file, info.name, offset, "bomb", file.size)
                        return
                    archive.members = []  # tarfile keeps every header otherwise
                    if info.isdir():
                        continue
                    name = safe_name(info.name)
                    if name is None:
                        yield _refused(file, info.name, offset, "unsafe_path", info.size)
                    elif not info.isfile():
                        yield _refused(file, info.name, offset, "not_a_file", info.size)
                    elif info.size > limit:
                        yield _refused(file, info.name, offset, "too_long", info.size)
                    else:
                        yield Member(name, archive.extractfile(info).read(), offset)
        except streams.StreamError as error:
            yield Quarantined(file.name, error.offset, error.reason, max(file.size - offset, 0), error.evidence)
        except (tarfile.TarError, EOFError, OSError, ValueError, RecursionError) as error:
            reason = "truncated" if "unexpected end" in str(error) or "truncated" in str(error) else "corrupt"
            yield Quarantined(file.name, offset, reason, max(file.size - offset, 0), f"tar: {error}")


def _zip_members(file: InputFile, limit: int) -> Iterator[Member | Quarantined]:
    total = 0
    # Members may overlap, so that all of them together are a bomb and none of them is.
    most = min(max(streams.MIN_BOMB_BYTES, streams.MAX_RATIO * file.size), MAX_TOTAL_BYTES)
    try:
        with file.open_raw() as stream, zipfile.ZipFile(stream) as archive:
            infos = archive.infolist()
            if len(infos) > MAX_MEMBERS:
                yield _refused(file, "", 0, "bomb", file.size)
                return
            for info in infos:
                if info.is_dir():
                    continue
                name = safe_name(info.filename)
                ratio = info.file_size / max(info.compress_size, 1)
                total += info.file_size
                if name is None:
                    yield _refused(file, info.filename, info.header_offset, "unsafe_path", info.file_size)
                elif (info.file_size > streams.MIN_BOMB_BYTES and ratio > streams.MAX_RATIO) or total > most:
                    yield _refused(file, info.filename, info.header_offset, "bomb", info.compress_size)
                elif info.file_size > limit:
                    yield _refused(file, info.filename, info.header_offset, "too_long", info.file_size)
                elif (info.external_attr >> 28) not in (0, 8):
                    yield _refused(file, info.filename, info.header_offset, "not_a_file", info.file_size)
                else:
                    try:
                        with archive.open(info) as member:  # the header's size may lie
                            yield Member(name, streams.read_at_most(member, limit), info.header_offset)
                    except _ZIP_ERRORS as error:
                        yield Quarantined(
                            file.name, info.header_offset, "corrupt", info.compress_size, f"{name}: {error}"
                        )
    except _ZIP_ERRORS as error:
        yield Quarantined(file.name, 0, "corrupt", file.size, f"zip: {error}")
