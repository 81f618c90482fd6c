"""S2ORC, papers as JSON: all three layouts that Semantic Scholar published, and the ones derived from them.

- doc2json and the first releases (Lo et al. 2020): paragraphs in `body_text`, at the top or under `pdf_parse`,
  `latex_parse`, `jats_parse`; CORD-19 is the same with its metadata apart.
- the bulk API's: one text with `annotations`, lists of spans stored as JSON strings, under `content` or `body`.
- peS2o: one clean text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from data.sources.reasoning.paper_text import Paper, formula, heading, licence_of
from data.sources.reasoning.pieces import clean, joined, line

_PARSES = ("latex_parse", "jats_parse", "pdf_parse")
_CITATION_KEYS = ("paper_id", "corpusid", "corpus_id", "id", "pmcid", "doi")


_MAX_ABSTRACTS = 100


class NoPaper(ValueError):
    """A record that is no paper of any of the layouts; says what was expected."""


def read(row: Any) -> Paper:
    """A paper from one record.

    Raises:
      NoPaper: an unknown layout.
      ValueError, TypeError: a known one with values that can't be right.
    """
    if not isinstance(row, Mapping):
        raise NoPaper(f"expected an object, found {type(row).__name__}")
    paper = _with_metadata(row)
    parse = next((row[name] for name in _PARSES if isinstance(row.get(name), Mapping)), row)
    spanned = next((row[name] for name in ("content", "body") if isinstance(row.get(name), Mapping)), None)
    if isinstance(parse.get("body_text"), Sequence):
        _from_paragraphs(parse, paper)
    elif spanned is not None and "annotations" in spanned:
        _from_spans(spanned, paper)
    elif isinstance(row.get("text"), str) and {"source", "added", "created", "version", "title"} & row.keys():
        paper.body = [clean(row["text"])]
    elif not (paper.title and ("abstract" in row or "year" in row or "authors" in row)):
        found = ", ".join(map(str, list(row)[:20]))
        raise NoPaper(f"expected body_text, *_parse, content.annotations or title and abstract; the record has {found}")
    return paper


def _with_metadata(row: Mapping[str, Any]) -> Paper:
    inner = row.get("metadata") if isinstance(row.get("metadata"), Mapping) else {}
    both = {**inner, **{key: value for key, value in row.items() if value not in (None, "", [])}}
    paper = Paper(title=line(both.get("title")), authors=_authors(both.get("authors")))
    abstract = both.get("abstract")
    if isinstance(abstract, str):
        paper.abstract = [clean(part) for part in abstract.split("\n") if part.strip()]
    elif isinstance(abstract, Sequence):
        paper.abstract = _paragraphs(abstract, {}, with_headings=False)
    paper.licence = _licence(both)
    external = both.get("externalids") if isinstance(both.get("externalids"), Mapping) else {}
    paper.meta = {
        "paper_id": next((line(both[key]) for key in _CITATION_KEYS if line(both.get(key))), ""),
        "doi": line(both.get("doi")) or line(external.get("doi")),
        "arxiv": line(both.get("arxiv_id")) or line(external.get("arxiv")),
        "year": line(both.get("year"))[:4],
        "journal": line(both.get("venue")) or line(both.get("journal")),
    }
    return paper


def _authors(authors: Any) -> list[str]:
    if not isinstance(authors, Sequence) or isinstance(authors, str):
        return []
    names = []
    for author in authors:
        if isinstance(author, Mapping):
            middle = author.get("middle") if isinstance(author.get("middle"), Sequence) else []
            parts = (author.get("first"), *middle, author.get("last"))
            names.append(line(author.get("name")) or joined(map(line, parts), " "))
        else:
            names.append(line(author))
    return [name for name in names if name]


def _licence(row: Mapping[str, Any]) -> str:
    """From `license`, or from the record of where an open copy lies."""
    content = row.get("content") if isinstance(row.get("content"), Mapping) else {}
    source = content.get("source") if isinstance(content.get("source"), Mapping) else {}
    places = [row, source.get("oainfo"), row.get("openaccessinfo"), row.get("openAccessPdf")]
    found = [line(place.get("license")) for place in places if isinstance(place, Mapping)]
    # "CCBY", "CCBYNC" as the API has it.
    return licence_of(*found, *(re.sub(r"(?i)^CC-?BY(NC)?-?(ND|SA)?$", _dashed, name.strip()) for name in found))


def _dashed(match: re.Match[str]) -> str:
    return "-".join(filter(None, ("CC-BY", match[1], match[2]))).upper()


def _from_paragraphs(parse: Mapping[str, Any], paper: Paper) -> None:
    entries = parse.get("ref_entries") if isinstance(parse.get("ref_entries"), Mapping) else {}
    own = parse.get("abstract")
    if isinstance(own, Sequence) and not isinstance(own, str) and own:
        paper.abstract = _paragraphs(own, entries, with_headings=False) or paper.abstract
    paper.body = _paragraphs(parse["body_text"], entries, with_headings=True)
    if isinstance(parse.get("back_matter"), Sequence):
        paper.body += _paragraphs(parse["back_matter"], entries, with_headings=True)
    captions = []
    for entry in entries.values():
        if isinstance(entry, Mapping) and str(entry.get("type_str", entry.get("type", ""))).lower() in (
            "figure",
            "table",
        ):
            words, number = line(entry.get("text")), line(entry.get("fig_num", entry.get("num")))
            kind = str(entry.get("type_str", entry.get("type"))).capitalize()
            captions.append(joined((f"{kind} {number}." if number else "", words), " ") if words else "")
    paper.body += captions


def _paragraphs(rows: Sequence[Any], entries: Mapping[str, Any], with_headings: bool) -> list[str]:
    blocks: list[str] = []
    section = ""
    for row in rows:
        if not isinstance(row, Mapping):
            raise TypeError(f"a paragraph is a {type(row).__name__}")
        number = line(row.get("sec_num")).rstrip(".")
        name = row.get("section")
        if isinstance(name, Sequence) and not isinstance(name, str):  # paths of latex_parse: [[number, title], ...]
            parts = [
                part[-1] if isinstance(part, Sequence) and not isinstance(part, str) and part else part for part in name
            ]
            name = parts[-1] if parts else ""
        title = joined((number, line(name)), " ")
        if with_headings and title and title != section:
            section = title
            blocks.append(heading(title, min(number.count(".") + 1, 4)))
        blocks.append(clean(_with_formulas(row, entries)).strip())
    return [block for block in blocks if block]


def _with_formulas(row: Mapping[str, Any], entries: Mapping[str, Any]) -> str:
    """A paragraph's text with its formulas' LaTeX, or else their characters, in the places kept for them."""
    text = row.get("text")
    if not isinstance(text, str):
        raise TypeError(f"a paragraph's text is a {type(text).__name__}")
    spans = []
    for span in (*_list(row.get("eq_spans")), *_list(row.get("ref_spans"))):
        start, end = span.get("start"), span.get("end")
        if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)):
            continue
        entry = entries.get(span.get("ref_id")) if isinstance(span.get("ref_id"), str) else None
        latex = span.get("latex") or (entry.get("latex") if isinstance(entry, Mapping) else None)
        if isinstance(latex, str) and latex.strip():
            spans.append((start, end, formula(latex, _is_display(span, text, start, end))))
        elif "EQUATION" in text[start:end] and isinstance(span.get("raw_str", span.get("text")), str):
            spans.append((start, end, span.get("raw_str") or span["text"]))
    result, last = [], 0
    for start, end, words in sorted(spans):
        if start >= last:
            result += [text[last:start], words]
            last = end
    return "".join((*result, text[last:]))


def _is_display(span: Mapping[str, Any], text: str, start: int, end: int) -> bool:
    return "DISPLAY" in f"{span.get('ref_id')} {text[start:end]}" or (start == 0 and end == len(text))


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _position(value: Any) -> int:
    """A place in the text, which some releases hold as a string; -1 for none."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) else -1


def _from_spans(content: Mapping[str, Any], paper: Paper) -> None:
    text, annotations = content.get("text"), content["annotations"]
    if not isinstance(text, str) or not isinstance(annotations, Mapping):
        raise TypeError("content without a text or annotations")

    def spans(name: str) -> list[tuple[int, int]]:
        stored = annotations.get(name)
        found = _list(json.loads(stored) if isinstance(stored, str) else stored)
        pairs = [(_position(span.get("start")), _position(span.get("end"))) for span in found]
        return sorted((start, end) for start, end in pairs if 0 <= start < end <= len(text))

    def words(name: str) -> list[str]:
        return [clean(text[start:end]).strip() for start, end in spans(name)]

    paper.title = paper.title or line(joined(words("title")[:1]))
    paper.abstract = paper.abstract or words("abstract")
    if not paper.authors:
        paper.authors = [line(name) for name in words("author")]
    headers, paragraphs = spans("sectionheader") or spans("section_header"), spans("paragraph")
    inside_abstract = spans("abstract")[:_MAX_ABSTRACTS]
    if not paragraphs:
        end = min((start for start, _ in (*spans("bibentry"), *spans("bib_entry"))), default=len(text))
        start = max((stop for _, stop in (*inside_abstract, *spans("title"))), default=0)
        paragraphs = [(start, end)] if start < end else []
    for start, end, is_header in sorted([(*span, True) for span in headers] + [(*span, False) for span in paragraphs]):
        if any(low <= start and end <= high for low, high in inside_abstract):
            continue
        block = clean(text[start:end]).strip()
        paper.body.append(heading(line(block), 1) if is_header else block)
