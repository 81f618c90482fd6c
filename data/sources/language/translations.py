"""translation_memories: sentences with their translations, from TMX files, Moses pairs and tab-separated pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from data import streams
from data.document import Document, Quarantined, Skipped
from data.formats import tmx
from data.formats.plain_text import one_line
from data.inputs import InputFile
from data.sources.language import parallel_files
from data.sources.language.guarded import guarded
from data.sources.source import Item

NAME = "translation_memories"
NO_LICENCE = "NOASSERTION"
MAX_SEGMENT_BYTES = 1 << 20
_CODE = re.compile(r"[a-z]{2}(?:[_-][a-z0-9]{2,8})*")
_PAIR_IN_NAME = re.compile(r"(?:^|.*[._-])([a-z]{2,3}(?:_[a-z]{2})?)[-_]([a-z]{2,3}(?:_[a-z]{2})?)\.tsv")


@guarded
def read_tmx(file: InputFile) -> Iterator[Item]:
    """The pairs of a TMX file: each unit's source with each of its translations. Offsets count units."""
    for unit in tmx.units(file):
        yield from _unit_items(file, unit)


def _unit_items(file: InputFile, unit: tmx.Unit) -> Iterator[Item]:
    def skipped(reason: str, evidence: str = "") -> Skipped:
        return Skipped(file.name, unit.number, reason, unit.num_bytes, f"{unit.key} {evidence}".strip()[:300])

    if any(not code for code, _ in unit.variants):
        yield Quarantined(
            file.name, unit.number, "no_language", unit.num_bytes, f"{unit.key}: a tuv without xml:lang"[:300]
        )
        return
    if len(unit.variants) < 2:
        yield skipped("one_language")
        return
    is_source = [_matches(code, unit.source) for code, _ in unit.variants]
    first = is_source.index(True) if unit.source and True in is_source else 0
    source = unit.variants[first]
    others = [variant for number, variant in enumerate(unit.variants) if number != first]
    for number, target in enumerate(others):
        if not (source[1] and target[1]):
            yield skipped("empty_side", f"{source[0]}-{target[0]}")
            continue
        key = f"{file.name}#{unit.number}" + (f"/{number}" if len(others) > 1 else "")
        extra = {name: value for name, value in (("unit", unit.key[:200]), ("note", unit.note)) if value}
        yield _document(key, source, target, extra)


def _matches(code: str, wanted: str) -> bool:
    """`en-gb` is what `en` asks for."""
    return code == wanted or code.startswith(f"{wanted}-")


def _document(key: str, source: tuple[str, str], target: tuple[str, str], extra: dict[str, str]) -> Document:
    languages = {"source_lang": source[0], "target_lang": target[0]}
    text = "\n".join(f"{language}: {sentence}" for language, sentence in (source, target))
    return Document(text, "language", f"{NAME}:{key}", NO_LICENCE, meta=languages | extra)


@guarded
def read_moses(file: InputFile) -> Iterator[Item]:
    """The pairs of two files of lines, found by the name of the one that is not the pivot; offsets are in that one.

    Where one file has more lines than the other, which of them belong together is not known any more: the lines beyond
    the shorter one's end are quarantined.
    """
    language, other_language, other = parallel_files.counterpart(file)
    if other is None:
        yield Quarantined(file.name, 0, "no_counterpart", file.size, f"no file for {other_language}")
        return
    offset = unpaired = 0
    for number, (pivot, line) in enumerate(parallel_files.line_pairs(other, file)):
        if pivot is None or line is None:
            unpaired += (line or pivot).num_bytes
            continue
        offset = line.offset + line.num_bytes
        size = pivot.num_bytes + line.num_bytes
        yield _pair_item(file, number, line.offset, size, (other_language, pivot), (language, line))
    if unpaired:
        yield Quarantined(
            file.name, offset, "unpaired_lines", unpaired, f"{file.name} and {other.name} differ in length"
        )


def _pair_item(
    file: InputFile,
    number: int,
    offset: int,
    size: int,
    source: tuple[str, streams.Line],
    target: tuple[str, streams.Line],
) -> Item:
    sentences = []
    for language, line in (source, target):
        if line.too_long or len(line.data) > MAX_SEGMENT_BYTES:
            return Quarantined(file.name, offset, "line_too_long", size, f"{line.num_bytes} bytes of {language}")
        try:
            sentences.append((language.lower().replace("_", "-"), one_line(streams.decode(line.data))))
        except streams.StreamError as error:
            return Quarantined(file.name, offset, error.reason, size, f"{language}: {error.evidence}")
    if not all(sentence for _, sentence in sentences):
        return Skipped(file.name, offset, "empty_side", size, f"line {number + 1}")
    return _document(f"{file.name}#{number}", sentences[0], sentences[1], {})


@guarded
def read_tsv(file: InputFile) -> Iterator[Item]:
    """The pairs of a tab-separated file: its first two columns, in the languages of its name or of its header."""
    named = _PAIR_IN_NAME.fullmatch(file.stem)
    languages = (named.group(1), named.group(2)) if named else None
    with file.open() as stream:
        for number, line in enumerate(streams.lines(stream)):
            fields = line.data.split(b"\t")
            if number == 0 and (header := _header(fields)) and languages in (None, header):
                languages = header
                yield Skipped(file.name, 0, "header", line.num_bytes, "-".join(header))
                continue
            if languages is None:
                raise streams.StreamError(
                    "no_languages", 0, "neither name nor header tell languages; name.en-fr.tsv does"
                )
            if not line.data.strip():
                yield Skipped(file.name, line.offset, "empty_side", line.num_bytes, "blank line")
            elif len(fields) < 2 and not line.too_long:
                yield Quarantined(file.name, line.offset, "malformed", line.num_bytes, f"{len(fields)} column")
            else:
                sides = [streams.Line(line.offset, field, len(field), line.too_long) for field in (fields * 2)[:2]]
                pair = zip(languages, sides, strict=True)
                yield _pair_item(file, number, line.offset, line.num_bytes, *pair)


def _header(fields: list[bytes]) -> tuple[str, str] | None:
    """The languages that a first line names, both by codes of ISO 639-1: other short words may be a pair."""
    names = [field.decode("utf-8", "replace").strip().lstrip("\ufeff").lower() for field in fields[:2]]
    are_codes = all(_CODE.fullmatch(name) and re.split("[_-]", name)[0] in parallel_files.CODES for name in names)
    return (names[0], names[1]) if len(names) == 2 and are_codes else None
