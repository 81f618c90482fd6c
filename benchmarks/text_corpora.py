"""Real documents for benchmarks of the data stages: prose and code that a checkout has at hand.

Prose is the documentation of installed packages, as it stands and with its mark-up taken off, and, where the samples'
folder is there (`--samples` or MISTRAL_MOE_SAMPLES), books, a wiki, news pages and translations. Code is the standard
library and installed packages.
"""

from __future__ import annotations

import bz2
import html
import os
import pathlib
import re
import site
import sysconfig
from collections.abc import Iterator

import xxhash

PIECE_CHARACTERS = 6000
_SEGMENT = re.compile(r'<tuv xml:lang="en"[^>]*>\s*<seg>(.*?)</seg>', re.DOTALL)
_PAGE = re.compile(r"<text[^>]*>(.*?)</text>", re.DOTALL)


def samples_folder(named: str = "") -> pathlib.Path:
    """The folder of real samples: as named, else by MISTRAL_MOE_SAMPLES, else beside the checkout."""
    default = pathlib.Path(__file__).resolve().parents[2] / "shared"
    return pathlib.Path(named or os.environ.get("MISTRAL_MOE_SAMPLES", default))


def _pieces(text: str) -> Iterator[str]:
    """Cuts between paragraphs into pieces of about PIECE_CHARACTERS."""
    piece: list[str] = []
    size = 0
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        piece.append(paragraph)
        size += len(paragraph)
        if size >= PIECE_CHARACTERS:
            yield "\n\n".join(piece)
            piece, size = [], 0
    if piece:
        yield "\n\n".join(piece)


def _num_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _draw(text: str) -> int:
    """A number that the content alone decides."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def _read(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _wiki_text(source: str) -> str:
    import mwparserfromhell

    return mwparserfromhell.parse(html.unescape(source)).strip_code()


def _from_samples(folder: pathlib.Path) -> Iterator[str]:
    import trafilatura

    for path in sorted(folder.glob("sources/*/*/*.txt")):
        yield from _pieces(_read(path))
    for path in sorted(folder.glob("sources/code/documentation_corpus/**/*.rst")):
        yield _read(path)
    for path in sorted(folder.glob("sources/language/news_archives/**/*.html")):
        yield trafilatura.extract(path.read_bytes()) or ""
        yield trafilatura.html2txt(path.read_bytes())
    for path in sorted(folder.glob("sources/language/multilingual_wiki/small*.bz2")):
        for page in _PAGE.findall(bz2.decompress(path.read_bytes()).decode("utf-8", "replace")):
            yield _wiki_text(page)
    for path in sorted(folder.glob("sources/language/translation_memories/*.tmx"))[:1]:
        segments = [html.unescape(segment) for segment in _SEGMENT.findall(_read(path))]
        for start in range(0, len(segments), 20):
            yield "\n".join(segments[start : start + 20])


def _from_packages() -> Iterator[str]:
    import ast

    from data.sources.package_docs import docstrings, prose

    roots = [pathlib.Path(sysconfig.get_paths()["stdlib"]), *map(pathlib.Path, site.getsitepackages())]
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix in (".md", ".rst", ".txt") or path.name == "METADATA":
                yield from _pieces(_read(path))
            elif path.suffix == ".py" and path.is_file() and path.stat().st_size < 300_000:
                try:
                    found = [text for _, text in docstrings(ast.parse(_read(path)))]
                except (SyntaxError, ValueError, RecursionError):
                    continue
                joined = "\n\n".join(found)
                # Half as it stands and half as the language domain's corpus would have it.
                yield from _pieces(prose(joined) if _draw(joined) % 2 else joined)


def _spread(texts: Iterator[str], num_bytes: int, read_bytes: int) -> list[str]:
    """Of what is read, distinct documents of num_bytes altogether, in an order that their contents draw."""
    found: dict[int, str] = {}
    size = 0
    for text in texts:
        key = _draw(text)
        if text.strip() and key not in found and "\x00" not in text:
            found[key] = text
            size += _num_bytes(text)
        if size >= read_bytes:
            break
    chosen, size = [], 0
    for key in sorted(found):
        if size >= num_bytes:
            break
        chosen.append(found[key])
        size += _num_bytes(found[key])
    return chosen


def prose(num_bytes: int, samples: str = "") -> list[str]:
    """Prose of about this many bytes: all that the samples have, the rest documentation."""
    own = _spread(_from_samples(samples_folder(samples)), num_bytes, num_bytes)
    left = num_bytes - sum(map(_num_bytes, own))
    texts = own + _spread(_from_packages(), left, 3 * left)
    return sorted(texts, key=_draw)


def _code_files() -> Iterator[str]:
    root = pathlib.Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        yield _read(path)


def code(num_bytes: int) -> list[str]:
    """Python sources of about this many bytes, one document a file."""
    return _spread(_code_files(), num_bytes, 4 * num_bytes)
