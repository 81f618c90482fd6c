"""common_crawl_filtered: pages of a web crawl, from WARC, ARC or WET files, reduced to their main text."""

from __future__ import annotations

from collections.abc import Iterator

from data.inputs import InputFile
from data.sources.language.guarded import guarded
from data.sources.language.web_pages import archive_items
from data.sources.source import Item

NAME = "common_crawl_filtered"


@guarded
def read_archive(file: InputFile) -> Iterator[Item]:
    """The pages of an archive, each with its address, its day and its language."""
    yield from archive_items(file, NAME, is_news=False)
