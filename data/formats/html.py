"""HTML to text: the main text of a page with its title, date and licence, and the whole text of a fragment.

Main text is found by trafilatura, which keeps less boilerplate than resiliparse at ten times the cost; what it refuses,
or what is too large for it, goes to resiliparse, whose time is linear. Formulas stay LaTeX between dollars.
"""

from __future__ import annotations

import codecs
import dataclasses
import html as html_entities
import re
from typing import Any

from lxml import etree
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from data import streams
from data.formats.plain_text import clean, one_line

# What trafilatura takes grows with the elements times their depth: some 5 s on the worst page within these bounds.
_MAX_MAIN_TEXT_CHARACTERS = 2_000_000
_MAX_ELEMENTS = 25_000
_MAX_TOTAL_DEPTH = 300_000
# resiliparse's search for the main content is quadratic in the depth of the tree.
_MAX_MAIN_TEXT_TAGS = 10_000
_MAX_REPLACED_SHARE = 0.01
_NO_FUTURE = "2099-12-31"
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:\-]{2,40})", re.IGNORECASE)
_CC = re.compile(r"creativecommons\.org/(licenses|publicdomain)/([a-z\-]+)(?:/(\d\.\d))?", re.IGNORECASE)
_CC_LINKS = "//*[self::a or self::link][contains(@href, 'creativecommons.org/')]"
_MAX_CC_LINKS = 50  # looked at; galleries have one for each picture


@dataclasses.dataclass(frozen=True)
class Page:
    """What a page says, and what it says about itself; "" where it says nothing.

    Attributes:
      text: main text, paragraphs as lines.
      title: the headline, or the title of the window.
      language: the `lang` that the page declares, lower case.
      date: day of publication, YYYY-MM-DD.
      site: name of the site.
      author: who wrote it.
      licence: SPDX identifier of a Creative Commons licence that the page links as its own.
      url: the address that was given, or the page's canonical one.
    """

    text: str
    title: str = ""
    language: str = ""
    date: str = ""
    site: str = ""
    author: str = ""
    licence: str = ""
    url: str = ""


def decode(data: bytes, charset: str | None = None) -> str:
    """The characters of a page: by byte order mark, by `charset` (of the HTTP header), by its meta tag, or by guess.

    A few bytes that do not fit become U+FFFD, as browsers show them.

    Raises:
      StreamError: the bytes are no text in any of these.
    """
    declared = _META_CHARSET.search(data[:4096])
    candidates = [charset, declared.group(1).decode("ascii") if declared else None, "utf-8"]
    names = [name for name in map(_known_encoding, candidates) if name]
    for name in dict.fromkeys(names):
        try:
            return streams.decode(data, name)
        except streams.StreamError as error:
            if error.reason == "binary":
                raise
    best = _known_encoding(detect_encoding(data, from_html_meta=True)) or names[0]
    text = data.decode(best, "replace")
    if text.count("\ufffd") > _MAX_REPLACED_SHARE * len(text) or "\x00" in text:
        raise streams.StreamError("undecodable", 0, f"not {', '.join(dict.fromkeys([*names, best]))}")
    return text


def _known_encoding(name: str | None) -> str | None:
    """Python's name of what browsers take an encoding's name for (latin-1 for windows-1252), if both know it."""
    if not name:
        return None
    try:
        return codecs.lookup(map_encoding_to_html5(name.strip().lower(), fallback_utf8=False) or "").name
    except LookupError:
        return None


def main_text(
    page: bytes | str, url: str = "", charset: str | None = None, metadata: bool = True, day: str = ""
) -> Page:
    """The main text of a page.

    Args:
      page: a whole page as it was sent, decoded or not.
      url: where it was.
      charset: of the HTTP header.
      metadata: whether date, site and author are wanted, which doubles the cost.
      day: when it was fetched, YYYY-MM-DD: no page was published later.

    Raises:
      StreamError: the bytes are no text.
    """
    source = with_formulas(decode(page, charset) if isinstance(page, bytes) else page)
    tree = _tree(source)
    found = _extracted(tree, url, metadata, day)
    text = clean(found.text or "") if found is not None else ""
    if not text:
        # The quadratic search only where it can't hurt; then the whole text is better than none.
        narrow = source.count("<") <= _MAX_MAIN_TEXT_TAGS
        text = _plain(source, main_content=narrow)
    title, language, licence = _head(tree)
    return Page(
        text=text,
        title=one_line((found.title if found is not None else "") or title),
        language=language,
        date=(found.date if found is not None else "") or "",
        site=one_line((found.sitename if found is not None else "") or ""),
        author=one_line((found.author if found is not None else "") or ""),
        licence=licence,
        url=url or (found.url if found is not None else "") or "",
    )


def to_text(fragment: str) -> str:
    """The whole text of a fragment of HTML: paragraphs, lists, code and formulas, no markup, nothing left out."""
    return _plain(with_formulas(fragment), main_content=False)


def _plain(source: str, main_content: bool) -> str:
    text = extract_plain_text(
        source, main_content=main_content, preserve_formatting=True, alt_texts=False, comments=False
    )
    return clean(text.replace("\xa0", " "))


def _tree(source: str) -> Any:
    """The page as trafilatura reads it, or None where it is too large, too deep or no page."""
    from trafilatura.utils import load_html

    if len(source) > _MAX_MAIN_TEXT_CHARACTERS or not source.strip():
        return None
    try:
        tree = load_html(source)
    except Exception:  # whatever the parser chokes on, the fallback reads
        return None
    return tree if tree is not None and _is_bounded(tree) else None


def _is_bounded(tree: Any) -> bool:
    depth = total = elements = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        total += depth
        elements += 1
        if elements > _MAX_ELEMENTS or total > _MAX_TOTAL_DEPTH:
            return False
    return True


def _extracted(tree: Any, url: str, metadata: bool, day: str) -> Any:
    """trafilatura's document, or None where it finds nothing."""
    from trafilatura import bare_extraction

    if tree is None:
        return None
    dates = {"original_date": True, "extensive_search": True, "max_date": day or _NO_FUTURE}
    try:
        return bare_extraction(
            tree,
            url=url or None,
            fast=True,
            include_comments=False,
            with_metadata=metadata,
            date_extraction_params=dates,
        )
    except Exception:  # pages from strangers: whatever it chokes on, the fallback reads
        return None


def _head(tree: Any) -> tuple[str, str, str]:
    """Title, declared language and licence of a tree."""
    if tree is None:
        return "", "", ""
    titles = tree.xpath("//meta[@property='og:title']/@content") or tree.xpath("//head/title/text()")
    languages = tree.xpath("/html/@lang") or tree.xpath("/html/@*[local-name()='lang']")
    language = str(languages[0]).strip().lower()[:35] if languages else ""
    return str(titles[0]) if titles else "", language, _licence(tree)


def _licence(tree: Any) -> str:
    """The Creative Commons licence that a page gives itself: by a link that says so, or else one in its footer."""
    links = tree.xpath(_CC_LINKS)
    chosen = [link for link in links if "license" in (link.get("rel") or "").lower().split()]
    if not chosen:
        # The last ones: a footer comes last.
        chosen = [link for link in links[-_MAX_CC_LINKS:] if any(map(_is_footer, link.iterancestors()))]
    return next(filter(None, (creative_commons(link.get("href")) for link in chosen)), "")


def _is_footer(element: Any) -> bool:
    names = f"{element.get('id', '')} {element.get('class', '')}".lower()
    return element.tag == "footer" or "footer" in names


def creative_commons(link: str) -> str:
    """SPDX identifier of a link to a Creative Commons licence, "" for any other link."""
    found = _CC.search(link)
    if not found:
        return ""
    kind, name, version = found.group(1).lower(), found.group(2).lower(), found.group(3)
    if kind == "publicdomain":
        return {"zero": "CC0-1.0", "mark": "CC-PDM-1.0"}.get(name, "")
    return f"CC-{name.upper()}-{version}" if version else ""


_FORMULA_START = re.compile(r"<math\b|<script\b[^>]{0,200}?math/tex", re.IGNORECASE)
_ALTTEXT = re.compile(r"\balttext\s*=\s*(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_ANNOTATION = re.compile(r"<annotation\b[^>]{0,200}?application/x-tex[^>]{0,200}?>([^<]*)<", re.IGNORECASE)
_DISPLAY = re.compile(r"display\s*=\s*[\"']?block|mode\s*=\s*display", re.IGNORECASE)
_DISPLAY_STYLE = re.compile(r"^\{?\\displaystyle\s*(.*?)\s*\}?$", re.DOTALL)


def with_formulas(source: str) -> str:
    """HTML in which MathML with a TeX annotation, and MathJax's scripts, are replaced by their TeX between dollars."""
    pieces, position = [], 0
    for start in _FORMULA_START.finditer(source):
        if start.start() < position:
            continue
        closing = "</math>" if start.group().lower().startswith("<math") else "</script>"
        end = source.find(closing, start.end())
        if end < 0:
            break
        tex = _tex(source[start.start() : end], closing)
        if tex is None:
            continue
        before = source[position : start.start()]
        # Wikipedia hides MathML behind a picture: the formula that replaces it has to be seen.
        tag = before.rfind("<")
        if tag >= 0 and "display" in before[tag:]:
            before = before[:tag] + "<span>"
        pieces += [before, tex]
        position = end + len(closing)
    return "".join([*pieces, source[position:]])


def _tex(element: str, closing: str) -> str | None:
    """`$...$` of a formula's element up to its closing tag, escaped; None where it holds no TeX."""
    opening, _, content = element.partition(">")
    if closing == "</script>":
        tex = html_entities.escape(content, quote=False)
    else:
        found = _ALTTEXT.search(opening) or _ANNOTATION.search(content)
        if not found:
            return None
        tex = found.group(1).strip("\"'")
    displayed = _DISPLAY_STYLE.match(tex.strip())
    dollars = "$$" if _DISPLAY.search(opening) else "$"
    return f"<span>{dollars}{(displayed.group(1) if displayed else tex.strip())}{dollars}</span>"
