"""Which documents hold text of a benchmark: n-gram overlap, as GPT-3 was decontaminated (arXiv 2005.14165, appendix C).

A document is contaminated when it holds one n-gram of 13 words of a benchmark; an item of 8 to 12 words is looked for
whole. GPT-3 ignored n-grams that more than 10 training documents hold, as those are phrases and boilerplate. That takes
a first pass over the corpus: count `NgramIndex.matches` of all documents (a sum, so any runner may do it) and drop the
`common` ones with `NgramIndex.without`. GPT-3 cut 200 characters around a hit out of a long document; here a document
goes or stays whole, and `min_share` is there for collections of long ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from data import streams
from data.dedup.ngram_index import NGRAM, Hit, IndexBuilder, NgramIndex
from data.document import Quarantined
from data.formats import rows
from data.inputs import InputError, InputFile, expand

# Documents of the corpus beyond which an n-gram is common speech; GPT-3's number.
MAX_DOCUMENTS = 10
# Files that describe a folder: a licence's text would mark half of all code as contaminated.
_ABOUT = tuple("license* licence* readme* manifest* notice* citation* copying* checksums* sha256sums*".split())
_LINES = ("*.txt", "*.text", "*.md")
# Columns that are no part of a question, context or answer, in lower case.
_NOT_TEXT = frozenset(
    "id idx index task_id example_id question_id instance_id prompt_id pattern_id behaviorid problem_id image "
    "image_id images file_name filename file_path path url urls flickr_url coco_url source sources license licence "
    "licenses licences canary version created_at date base_commit repo split domain type level category subcategory "
    "tags label labels rule analyzer cwe_identifier pattern_desc variant language annotator annotators annotations "
    "anon_writer anon_annotators meta_data metadata additional_metadata answer_info analysis_status info".split()
)
_MAX_DEPTH = 32


def load_benchmarks(folder: str, ngram: int = NGRAM, skip: Sequence[str] = ()) -> NgramIndex:
    """The n-grams of every question, context and answer of the benchmarks below a folder.

    Args:
      folder: path or URL. Its folders are the benchmarks, with files of records (JSONL, JSON, CSV, TSV, Parquet;
        compressed or not) or with an item a line; a file at its top is a benchmark by itself.
      ngram: words of an n-gram.
      skip: globs of files that are left out, by name, or by path where the glob has a slash: `gsm8k/train*`.

    Returns:
      The index. What could not be read stands in its `problems`: look at them, since an unread benchmark protects
      nobody.

    Raises:
      InputError: there is no file, or none that holds an item.
    """
    builder = IndexBuilder(ngram)
    problems: list[str] = []
    for file in expand(folder):
        if file.matches((*_ABOUT, *skip)) or not file.matches((*rows.PATTERNS, *_LINES)):
            continue
        name = file.name.split("/")[0] if "/" in file.name else file.stem.rsplit(".", 1)[0]
        try:
            for text in _texts(file, problems):
                builder.add(name, text)
        except (streams.StreamError, OSError, ValueError) as error:
            problems.append(f"{file.name}: {error}")
    index = builder.build(problems)
    if not len(index.hashes):
        raise InputError(f"no benchmark item in {folder!r}; give a folder that holds a folder for each benchmark")
    return index


def _texts(file: InputFile, problems: list[str]) -> Iterator[str]:
    if file.matches(_LINES):
        with file.open() as stream:
            for line in streams.lines(stream):
                if line.too_long:
                    problems.append(f"{file.name}@{line.offset}: a line of {line.num_bytes} bytes")
                else:
                    yield line.data.decode("utf-8", "replace")
        return
    for record in rows.records(file):
        if isinstance(record, Quarantined):
            problems.append(f"{file.name}@{record.offset}: {record.reason}, {record.evidence}")
        else:
            yield from strings(record.value)


def strings(value: Any, depth: int = 0) -> Iterator[str]:
    """The strings of a record that may be part of a question, context or answer, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and depth < _MAX_DEPTH:
        for name, inner in value.items():
            # COCO's files hold their records as one object's "annotations"; elsewhere it is a note about the record.
            name = str(name).strip().lower().replace(" ", "_")
            if name not in _NOT_TEXT or (name == "annotations" and isinstance(inner, list)):
                yield from strings(inner, depth + 1)
    elif isinstance(value, (list, tuple)) and depth < _MAX_DEPTH:
        for inner in value:
            yield from strings(inner, depth + 1)


def common(documents: Mapping[int, int], limit: int = MAX_DOCUMENTS) -> list[int]:
    """The n-grams that more than `limit` documents hold, sorted, from the number of documents that hold each."""
    return sorted(ngram for ngram, count in documents.items() if count > limit)


def is_contaminated(hits: Sequence[Hit], min_share: float = 0.0) -> bool:
    """Whether a document with these hits is dropped: for one n-gram, or a share of words of at least `min_share`."""
    return any(hit.share >= min_share for hit in hits)


def report(hits: Iterable[Sequence[Hit]]) -> dict[str, dict[str, Any]]:
    """Documents that hold text of each benchmark, and the clearest example: the one of the largest share.

    Args:
      hits: of each document; their order does not matter.
    """
    found: dict[str, dict[str, Any]] = {}
    for hit in (hit for document in hits for hit in document):
        row = found.setdefault(hit.benchmark, {"documents": 0, "share": -1.0, "example": ""})
        row["documents"] += 1
        if (-hit.share, hit.ngram) < (-row["share"], row["example"]):
            row["share"], row["example"] = hit.share, hit.ngram
    return dict(sorted(found.items()))
