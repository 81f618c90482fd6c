"""The sources of the code domain: what is read from which files, and where a user gets them."""

from __future__ import annotations

from data.sources.code import bug_reports, code_reviews, github_code, sphinx_docs, stack_exchange
from data.sources.source import Reader, SourceInfo

SOURCES: tuple[SourceInfo, ...] = (
    SourceInfo(
        name=github_code.NAME,
        domain="code",
        format="Parquet, JSONL, JSON or CSV with the columns code, repo_name, path, language, license, size",
        licence="per record",
        where="hub:codeparrot/github-code-clean, or any file in its columns",
        size_hint="about 1 TB in 115 million files",
        profile="code",
        readers=(
            Reader(github_code.LINE_PATTERNS, github_code.read, ranges=True),
            Reader(github_code.OTHER_PATTERNS, github_code.read),
        ),
        companions=("readme*", "license*", "dataset_infos.json", ".gitattributes", "*.py"),
    ),
    SourceInfo(
        name=stack_exchange.NAME,
        domain="code",
        format="Posts.xml of a Stack Exchange data dump",
        licence="CC-BY-SA, version per post",
        where="https://archive.org/details/stackexchange, unpacked (7z) to one folder a site",
        size_hint="Stack Overflow: about 100 GB in 60 million posts; a small site: some MB",
        profile="qa",
        readers=(Reader(stack_exchange.PATTERNS, stack_exchange.read),),
        companions=stack_exchange.COMPANIONS,
    ),
    SourceInfo(
        name=sphinx_docs.NAME,
        domain="code",
        format="trees of reStructuredText and Markdown, as Sphinx, MyST and MkDocs build them",
        licence="per tree, by its licence file",
        where="the docs/ folders of projects: a clone, or a source distribution, of each",
        size_hint="0.1 to 10 MB a project",
        profile="docs",
        readers=(Reader(sphinx_docs.PATTERNS, sphinx_docs.read, roots=sphinx_docs.roots),),
        companions=sphinx_docs.COMPANIONS,
    ),
    SourceInfo(
        name=code_reviews.NAME,
        domain="code",
        format="GitHub's review comments and reviews: REST objects, webhook payloads, GH Archive events",
        licence="per repository, where the record tells it",
        where="https://data.gharchive.org/YYYY-MM-DD-H.json.gz, or GET /repos/OWNER/NAME/pulls/comments",
        size_hint="GH Archive: 50 to 200 MB an hour compressed, about 1 % of it review comments",
        profile="reviews",
        readers=(Reader(code_reviews.PATTERNS, code_reviews.read),),
    ),
    SourceInfo(
        name=bug_reports.NAME,
        domain="code",
        format="GitHub's issues and comments (REST, webhooks, GH Archive); Bugzilla's bugs (REST JSON, XML)",
        licence="per repository, where the record tells it",
        where="https://data.gharchive.org/YYYY-MM-DD-H.json.gz, GET /repos/OWNER/NAME/issues, or a Bugzilla's "
        "/rest/bug and show_bug.cgi?ctype=xml",
        size_hint="GH Archive: 50 to 200 MB an hour compressed, about 5 % of it issues; 1 to 5 KB a bug",
        profile="reviews",
        readers=(
            Reader(bug_reports.PATTERNS, bug_reports.read),
            Reader(bug_reports.XML_PATTERNS, bug_reports.read_xml),
        ),
    ),
)
