"""The sources of natural language: crawled pages, books, news, encyclopaedias and translations."""

from __future__ import annotations

from data.sources.language import books, common_crawl, news, parallel_files, translations, wiki
from data.sources.source import Reader, SourceInfo

SOURCES: tuple[SourceInfo, ...] = (
    SourceInfo(
        name=common_crawl.NAME,
        domain="language",
        format="WARC, WET, WAT or ARC, gzip or plain",
        licence="per page",
        where="data.commoncrawl.org, or any web archive",
        size_hint="about 90 TB of WARC a crawl",
        profile="web",
        readers=(Reader(("*.warc", "*.wet", "*.wat", "*.arc"), common_crawl.read_archive),),
        companions=("*.cdx", "*.cdxj", "*.paths"),
    ),
    SourceInfo(
        name=books.NAME,
        domain="language",
        format="plain text with Project Gutenberg's header and licence, or zips of it",
        licence="per book",
        where="gutenberg.org and its mirrors, or any folder of plain text books",
        size_hint="75,000 books, 25 GB",
        profile="prose",
        readers=(Reader(("*.txt", "*.txt.utf8", "*.txt.utf-8"), books.read_text), Reader(("*.zip",), books.read_zip)),
        companions=("*.rdf",),
    ),
    SourceInfo(
        name=news.NAME,
        domain="language",
        format="HTML pages, WARC of news crawls, RSS and Atom feeds",
        licence="per page",
        where="CC-NEWS at data.commoncrawl.org, or crawls of news sites and feeds",
        size_hint="about 300 GB of WARC a month",
        profile="prose",
        readers=(
            Reader(("*.html", "*.htm", "*.xhtml", "*.shtml"), news.read_page),
            Reader(("*.warc", "*.arc"), news.read_archive),
            Reader(("*.rss", "*.atom", "*.feed", "*.rdf", "*.xml"), news.read_feed),
        ),
    ),
    SourceInfo(
        name=wiki.NAME,
        domain="language",
        format="MediaWiki XML dumps",
        licence="CC-BY-SA-4.0",
        where="dumps.wikimedia.org: *-pages-articles.xml.bz2",
        size_hint="about 300 languages, 25 GB of bz2 for English",
        profile="wiki",
        readers=(Reader(("*.xml",), wiki.read_dump),),
        companions=("*-index*.txt", "*md5sums*", "*sha1sums*"),
    ),
    SourceInfo(
        name=translations.NAME,
        domain="language",
        format="TMX, Moses pairs of text files, tab-separated pairs",
        licence="NOASSERTION",
        where="opus.nlpl.eu, tico-19.github.io, or any translation memory",
        size_hint="OPUS: billions of pairs",
        profile="pairs",
        readers=(
            Reader(("*.tmx",), translations.read_tmx),
            Reader(("*.tsv",), translations.read_tsv),
            Reader(parallel_files.PATTERNS, translations.read_moses, roots=parallel_files.roots),
        ),
        companions=("readme*", "license*", "licence*", "*.ids", "*.scores"),
    ),
)
