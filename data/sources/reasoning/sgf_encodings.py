"""In which encoding an SGF file is written: byte order mark, its CA property, or what its characters look like.

FF[4] says Latin-1 where CA is missing, but most old files from East Asia say nothing and mean their country's encoding.
Those are told apart by how many characters are common ones there; what remains equal is left to charset-normalizer.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from data import streams

# The larger set that contains the declared one, as its writers used it.
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "ascii": "utf-8",
}
_CA = re.compile(rb"CA\s{0,9}\[\s{0,9}([A-Za-z0-9_.:\-]{2,40})\s{0,9}\]")
_MIN_COMMON = 0.75
_SAMPLE = 1 << 20


def known(name: str) -> str:
    """Python's name of a declared encoding, or of the larger one that contains it; "" for an unknown one."""
    name = re.sub(r"(?i)^(utf)-?_?(8|16)-?_?(le|be)?$", lambda m: "-".join(filter(None, m.groups())), name.strip())
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    is_text = getattr(found, "_is_text_encoding", True)
    return _WIDER.get(found.name, found.name) if is_text else ""


def codec_of(data: bytes) -> str:
    """The codec of a file's bytes."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    for mark, name in ((b"(\x00;\x00", "utf-16-le"), (b"\x00(\x00;", "utf-16-be")):
        if data[:200].lstrip(b" \t\r\n\x00").startswith(mark.lstrip(b"\x00")) and mark in data[:200]:
            return name
    declared = _CA.search(data)
    if declared and (codec := known(declared[1].decode("ascii"))):
        return codec
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        return _guess(data[:_SAMPLE])


def decode(data: bytes, codec: str) -> str:
    """Text of a file.

    Raises:
      StreamError: it isn't in that encoding, or holds NUL.
    """
    try:
        text = data.decode(codec)
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        raise streams.StreamError("undecodable", start, f"not {codec}: {getattr(error, 'reason', error)}") from error
    if (position := text.find("\x00")) >= 0:
        raise streams.StreamError("binary", position, "holds NUL, so it is no text")
    return text


def _lead(low: int, high: int) -> Callable[[bytes], bool]:
    return lambda code: len(code) == 2 and low <= code[0] <= high


# What most characters of a text are in its own encoding: the frequent ideographs, syllables or letters by first byte.
_COMMON: dict[str, tuple[Callable[[bytes], bool], ...]] = {
    "gb18030": (_lead(0xB0, 0xD7), _lead(0xA1, 0xA3)),
    "big5hkscs": (_lead(0xA1, 0xC6),),
    "cp932": (_lead(0x81, 0x83), _lead(0x88, 0x97)),
    "euc_jp": (_lead(0xA1, 0xA5), _lead(0xB0, 0xCF)),
    "cp949": (_lead(0xB0, 0xC8), _lead(0xA1, 0xA3)),
}


def _guess(data: bytes) -> str:
    """The likeliest of the encodings in which old files are written; Latin-1, as Windows has it, if none is."""
    shares: dict[str, float] = {}
    for codec, tests in _COMMON.items():
        try:
            text = data.decode(codec, "strict" if len(data) < _SAMPLE else "ignore")
        except UnicodeDecodeError:
            continue
        foreign = [character.encode(codec, "ignore") for character in text if ord(character) > 127]
        shares[codec] = sum(any(test(code) for test in tests) for code in foreign) / max(len(foreign), 1)
    best = max(shares.values(), default=0.0)
    if best < _MIN_COMMON:
        return "cp1252" if _decodes(data, "cp1252") else "latin-1"
    likely = [codec for codec, share in shares.items() if share > best - 0.1]
    if len(likely) == 1:
        return likely[0]
    from charset_normalizer import from_bytes

    found = from_bytes(data, cp_isolation=likely).best()
    return known(found.encoding) if found and known(found.encoding) in likely else likely[0]


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True
