"""What a worker does with one shard of a source: read, then the four verbs on each document.

    quality_filter -> deduplicate -> standardize_format -> prepare_for_expert

Duplicates can only be told by the parent, which sees all shards. A worker therefore hands back, for each document that
passed the filter, its duplicate key and what the later verbs make of it; the parent drops the duplicates first, so the
accounts read in the order above.

This module imports neither TensorFlow nor JAX: worker processes start anew and would pay for them each time.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata

from data import difficulty
from data.document import Document, Quarantined, ReadRequest, Reject, content_id
from data.sources.registry import source

REJECT_SAMPLES = 20
_PERMISSIVE = frozenset(
    ("PSF-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "MIT-CMU", "0BSD", "CC0-1.0", "Unlicense")
    + ("Zlib", "CNRI-Python")
)
_MIN_CODE_BYTES = 80
_MAX_CODE_BYTES = 12288
_MIN_PROSE_CHARS = 200
_MIN_STOP_WORDS = 0.18
_MIN_LETTERS = 0.66
_LETTERS = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"[a-z]+")
_STOP_WORDS = frozenset(
    "the a an of to and in is for that it be are this with as or not on by can if from at which will you when has have "
    "was but all its used use one may any only then should each more than your we".split()
)


@dataclasses.dataclass(frozen=True)
class Rejected:
    """One dropped document, as the sample of rejects keeps it."""

    id: str
    step: str
    reason: str
    evidence: str
    source: str
    num_bytes: int
    excerpt: str


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A document that passed the filter, and what it becomes unless it is a duplicate.

    Attributes:
      key: equal for documents that differ in white space or case only.
      source: where it came from; the tie between duplicates is broken by it.
      num_bytes: bytes as read, which the accounts are kept in.
      outcome: the document ready to be written, or why a later verb dropped it.
    """

    key: str
    source: str
    num_bytes: int
    outcome: Document | Rejected


@dataclasses.dataclass
class ShardResult:
    """What one worker made of one shard."""

    records_in: int = 0
    bytes_in: int = 0
    candidates: list[Candidate] = dataclasses.field(default_factory=list)
    quarantined: list[Quarantined] = dataclasses.field(default_factory=list)
    rejected: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)  # reason -> (records, bytes)
    samples: list[Rejected] = dataclasses.field(default_factory=list)


def quality_filter(document: Document) -> Document | Reject:
    """Drops what an expert of the document's domain should not learn from."""
    licences = [part for part in re.split(r"[\s()]+", document.licence) if part]
    names = [part for part in licences if part not in ("AND", "OR", "WITH")]
    enough = any if "OR" in licences and "AND" not in licences else all
    if not names or not enough(name in _PERMISSIVE for name in names):
        return Reject("licence", document.licence)
    if "\x00" in document.text or "\ufffd" in document.text or not _encodes(document.text):
        return Reject("not_text", "holds NUL, U+FFFD or lone surrogates")
    if document.domain == "code":
        return _code_filter(document)
    if document.domain == "language":
        return _language_filter(document)
    verify = source(document.source.split(":", 1)[0]).verify
    if verify is not None and not verify(document):
        return Reject("certificate", "the certificate does not replay")
    return document


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _code_filter(document: Document) -> Document | Reject:
    size = len(document.text.strip().encode())
    if size < _MIN_CODE_BYTES:
        return Reject("too_short", f"{size} bytes")
    if size > _MAX_CODE_BYTES:
        return Reject("too_long", f"{size} bytes")
    literals = sum(map(len, re.findall(r"\b0[xX][0-9a-fA-F]+|\b\d+\b", document.text)))
    if literals > 0.25 * size:
        return Reject("table", f"{literals} of {size} bytes are numbers")
    return document


def _language_filter(document: Document) -> Document | Reject:
    text = document.text
    if len(text) < _MIN_PROSE_CHARS:
        return Reject("too_short", f"{len(text)} characters")
    solid = len(re.sub(r"\s", "", text))
    letters = len(_LETTERS.findall(text))
    if letters < _MIN_LETTERS * solid:
        return Reject("few_letters", f"{letters} of {solid} characters")
    words = _WORD.findall(text.lower())
    stops = sum(word in _STOP_WORDS for word in words)
    if stops < _MIN_STOP_WORDS * len(words):
        return Reject("not_english_prose", f"{stops} of {len(words)} words are function words")
    if len(set(words)) < 0.25 * min(len(words), 200):
        return Reject("repetitive", f"{len(set(words))} different words of {len(words)}")
    return document


def duplicate_key(document: Document) -> str:
    """Names a document up to white space, case and Unicode form; media count byte for byte."""
    folded = " ".join(unicodedata.normalize("NFC", document.text).lower().split())
    return content_id(folded, document.media)


def standardize_format(document: Document) -> Document | Reject:
    """NFC, `\\n` line ends, no trailing space, no blank lines at the ends; tabs become spaces except in code."""
    text = unicodedata.normalize("NFC", document.text).replace("\r\n", "\n").replace("\r", "\n")
    if document.domain != "code":
        text = text.expandtabs(4)
    text = "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
    if not text:
        return Reject("empty", "nothing is left after normalisation")
    return dataclasses.replace(document, text=text + "\n" if document.domain == "code" else text)


def prepare_for_expert(document: Document) -> Document | Reject:
    """Measures the document and gives it its level."""
    try:
        level, measures = difficulty.measure(document)
    except (SyntaxError, RecursionError) as error:
        return Reject("does_not_parse", str(error))
    meta = {**document.meta, "difficulty": measures} if measures else document.meta
    return dataclasses.replace(document, level=level, meta=meta)


def process_shard(name: str, request: ReadRequest) -> ShardResult:
    """Reads one shard of the source `name` and takes its documents through the verbs."""
    result = ShardResult()
    for item in source(name).read(request):
        result.records_in += 1
        result.bytes_in += item.num_bytes
        if isinstance(item, Quarantined):
            result.quarantined.append(item)
            continue
        kept = quality_filter(item)
        if isinstance(kept, Reject):
            _count(result, as_rejected(item, "quality_filter", kept))
            continue
        result.candidates.append(Candidate(duplicate_key(kept), kept.source, item.num_bytes, _finish(kept)))
    return result


def _finish(document: Document) -> Document | Rejected:
    standard = standardize_format(document)
    if isinstance(standard, Reject):
        return as_rejected(document, "standardize_format", standard)
    prepared = prepare_for_expert(standard)
    if isinstance(prepared, Reject):
        return as_rejected(document, "prepare_for_expert", prepared)
    return prepared


def as_rejected(document: Document, step: str, reject: Reject) -> Rejected:
    """The row that the sample of rejects keeps of a document."""
    excerpt = document.text[:200].encode("utf-8", "replace").decode()
    return Rejected(document.id, step, reject.reason, reject.evidence, document.source, document.num_bytes, excerpt)


def lowest(samples: list[Rejected]) -> list[Rejected]:
    """At most REJECT_SAMPLES of each step and reason, those with the lowest ids: a sample that no order can change."""
    chosen: dict[tuple[str, str], list[Rejected]] = {}
    for sample in sorted(samples, key=lambda s: (s.step, s.reason, s.id, s.source)):
        group = chosen.setdefault((sample.step, sample.reason), [])
        if len(group) < REJECT_SAMPLES:
            group.append(sample)
    return [sample for group in chosen.values() for sample in group]


def _count(result: ShardResult, rejected: Rejected) -> None:
    records, size = result.rejected.get(rejected.reason, (0, 0))
    result.rejected[rejected.reason] = (records + 1, size + rejected.num_bytes)
    result.samples.append(rejected)
    if len(result.samples) > 50 * REJECT_SAMPLES:
        result.samples = lowest(result.samples)
