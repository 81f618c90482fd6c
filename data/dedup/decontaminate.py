"""Which documents hold text of a benchmark: n-gram overlap, as GPT-3 was decontaminated (arXiv 2005.14165, appendix C).

A document is contaminated when it holds one n-gram of 13 words of a benchmark; an item of 8 to 12 words is looked for
whole. GPT-3 let n-grams pass that more than 10 training documents hold, and cut 200 characters around a hit out of a long
document; here every n-gram counts, and a document goes or stays whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from data import streams
from data.dedup.ngram_index import NGRAM, IndexBuilder, NgramIndex
from data.document import Quarantined
from data.formats import rows
from data.inputs import InputError, InputFile, expand

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
