"""Our Gopher, C4 and FineWeb filters beside datatrove's: MB/s a core, and how often the two decide alike.

    python -m benchmarks.data_filters                                 # 12 MB of prose, 6 MB of code
    python -m benchmarks.data_filters --prose_mb=4 --code_mb=2 --json=out.json

Both sides get the same texts, each in a process of its own, and work in turns (ours, datatrove, ours, ...) on one
slice after the other; speed is bytes over processor time, the ratio is the median over the slices. datatrove runs as
it is by default (spaCy splits words), its filters called one after the other without its readers and writers. A
second run of it, untimed, is given our word splitter: with words matched, decisions should be the same.
"""

from __future__ import annotations

import collections
import dataclasses
import importlib.metadata
import json
import pathlib
import platform
import statistics

from absl import app, flags

from benchmarks import text_corpora
from benchmarks.sides import Side

_PROSE_MB = flags.DEFINE_float("prose_mb", 12, "Megabytes of prose.", lower_bound=0.1)
_CODE_MB = flags.DEFINE_float("code_mb", 6, "Megabytes of code.", lower_bound=0.1)
_ROUNDS = flags.DEFINE_integer("rounds", 6, "Slices that a corpus is cut into, and turns of each side.", lower_bound=1)
_SAMPLES = flags.DEFINE_string("samples", "", "Folder of real samples; empty for MISTRAL_MOE_SAMPLES, else ../shared.")
_JSON = flags.DEFINE_string("json", "", "File that the figures are written to.")
_MARKDOWN = flags.DEFINE_string("markdown", "", "File that the table is written to.")

# Our reason -> datatrove's.
SAME_REASON = {
    "gopher_paragraph_repeats": "dup_para_frac",
    "gopher_paragraph_repeat_characters": "dup_para_char_frac",
    "gopher_line_repeats": "dup_line_frac",
    "gopher_line_repeat_characters": "dup_line_char_frac",
    **{f"gopher_top_{n}_gram": f"top_{n}_gram" for n in (2, 3, 4)},
    **{f"gopher_repeated_{n}_grams": f"duplicated_{n}_n_grams" for n in range(5, 11)},
    "gopher_too_few_words": "gopher_short_doc",
    "gopher_too_many_words": "gopher_long_doc",
    "gopher_short_words": "gopher_below_avg_threshold",
    "gopher_long_words": "gopher_above_avg_threshold",
    "gopher_hashes": "gopher_too_many_hashes",
    "gopher_ellipses": "gopher_too_many_ellipsis",
    "gopher_bullets": "gopher_too_many_bullets",
    "gopher_ellipsis_ends": "gopher_too_many_end_ellipsis",
    "gopher_words_without_letters": "gopher_below_alpha_threshold",
    "gopher_stop_words": "gopher_enough_stop_words",
    "c4_lorem_ipsum": "lorem_ipsum",
    "c4_curly_brackets": "curly_bracket",
    "c4_too_few_sentences": "too_few_sentences",
    "fineweb_lines_without_stop": "line_punct_ratio",
    "fineweb_short_lines": "short_line_ratio",
    "fineweb_repeated_lines": "char_dup_ratio",
    "fineweb_line_feeds": "list_ratio",
}


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a side makes of a document: why it is dropped, "" if it is kept, and the text that is left of it."""

    reason: str
    text: str = ""


class Ours:
    """The rules of the web profile, without its rule of language, which datatrove's chain does not have either."""

    def __init__(self) -> None:
        from data.processors.c4 import C4
        from data.processors.fineweb import FINEWEB
        from data.processors.gopher import REPETITION, quality
        from data.processors.rules import Profile

        self._profile = Profile("filters", (*REPETITION, *quality(), *C4, *FINEWEB))

    def decide(self, texts: list[str]) -> list[Decision]:
        """The decision on each text."""
        from data.document import Document, Reject
        from data.processors.rules import judge
        from data.processors.view import DocView

        found = []
        for text in texts:
            left = judge(DocView(Document(text, "language", "", "")), self._profile)
            found.append(Decision(left.reason) if isinstance(left, Reject) else Decision("", left.text))
        return found


class Datatrove:
    """datatrove's four filters, as in FineWeb's pipeline."""

    def __init__(self, matched: bool) -> None:
        """Splits words with spaCy, or with our splitter if `matched`."""
        from datatrove.pipeline.filters import (
            C4QualityFilter,
            FineWebQualityFilter,
            GopherQualityFilter,
            GopherRepetitionFilter,
        )
        from datatrove.utils.typeshelper import Languages

        language = _matched_splitter() if matched else Languages.english
        self._filters = [
            GopherRepetitionFilter(language=language),
            GopherQualityFilter(language=language),
            C4QualityFilter(filter_no_terminal_punct=False, language=language),
            FineWebQualityFilter(language=language),
        ]

    def decide(self, texts: list[str]) -> list[Decision]:
        """The decision on each text."""
        return [self._decide(text) for text in texts]

    def _decide(self, text: str) -> Decision:
        from datatrove.data import Document

        document = Document(text=text, id="")
        for step in self._filters:
            kept = step.filter(document)
            if kept is not True:
                return Decision(kept[1])
        return Decision("", document.text)


def _matched_splitter():
    """Our words and sentences as a tokenizer of datatrove's."""
    from datatrove.utils.word_tokenizers import WordTokenizer

    from data.processors import words

    class OurSplitter(WordTokenizer):
        def word_tokenize(self, text: str) -> list[str]:
            return words.split_words(text)

        def sent_tokenize(self, text: str) -> list[str]:
            return [text[begin:end] for begin, end in self.span_tokenize(text)]

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            # The filters only count sentences, so that their places don't matter.
            count = words.vocabulary().marks_of(text.split()).count("tn") + 1
            return [(number, number + 1) for number in range(count)]

    return OurSplitter()


def slices(texts: list[str], count: int) -> list[list[str]]:
    """Cuts a corpus into slices of about the same number of documents."""
    return [part for part in (texts[start::count] for start in range(count)) if part]


def num_bytes(texts: list[str]) -> int:
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def agreement(ours: list[Decision], theirs: list[Decision]) -> dict:
    """Shares of documents on which the two agree: to keep or drop, why, and what is left of the text."""
    pairs = list(zip(ours, theirs, strict=True))
    both_kept = [(mine, other) for mine, other in pairs if not mine.reason and not other.reason]
    both_dropped = [(mine, other) for mine, other in pairs if mine.reason and other.reason]
    differing = collections.Counter(
        f"{mine.reason or 'kept'} / {other.reason or 'kept'}"
        for mine, other in pairs
        if bool(mine.reason) != bool(other.reason)
    )
    return {
        "decisions": sum(bool(mine.reason) == bool(other.reason) for mine, other in pairs) / len(pairs),
        "reasons": sum(SAME_REASON.get(mine.reason) == other.reason for mine, other in both_dropped) / len(both_dropped)
        if both_dropped
        else None,
        "texts": sum(mine.text == other.text for mine, other in both_kept) / len(both_kept) if both_kept else None,
        "differing": dict(differing.most_common(10)),
    }


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def measure(name: str, texts: list[str]) -> dict:
    """One corpus's row of figures."""
    size = num_bytes(texts)
    print(f"{name}: {len(texts):,} documents, {size / 1e6:.1f} MB", flush=True)
    sides = {"ours": Side(Ours), "datatrove": Side(Datatrove, False)}
    matched = Side(Datatrove, True)
    decisions: dict[str, list[Decision]] = {"ours": [], "datatrove": [], "matched": []}
    rates: dict[str, list[float]] = {"ours": [], "datatrove": []}
    try:
        for side in sides.values():
            side.call("decide", texts[:20])  # imports and compiled patterns are no part of a rate
        for number, part in enumerate(slices(texts, _ROUNDS.value), 1):
            for side, process in sides.items():
                decisions[side] += process.call("decide", part)
                rates[side].append(num_bytes(part) / 1e6 / process.processor)
            decisions["matched"] += matched.call("decide", part)
            print(f"  {number}: {rates['ours'][-1]:.2f} and {rates['datatrove'][-1]:.2f} MB/s/core", flush=True)
    finally:
        for process in (*sides.values(), matched):
            process.close()
    return {
        "corpus": name,
        "documents": len(texts),
        "bytes": size,
        "kept": sum(not decision.reason for decision in decisions["ours"]),
        "reasons": dict(collections.Counter(decision.reason for decision in decisions["ours"]).most_common()),
        "megabytes_per_core_second": {side: spread(values) for side, values in rates.items()},
        "ratio": spread([mine / other for mine, other in zip(rates["ours"], rates["datatrove"], strict=True)]),
        "agreement": agreement(decisions["ours"], decisions["datatrove"]),
        "agreement_matched_words": agreement(decisions["ours"], decisions["matched"]),
    }


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def table(rows: list[dict]) -> str:
    """The figures as a markdown table."""
    lines = [
        "| corpus | documents | MB | kept | ours, MB/s/core | datatrove, MB/s/core | ratio (min to max) "
        "| same decision | same reason | same text | same decision, matched words |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rate, ratio, same = row["megabytes_per_core_second"], row["ratio"], row["agreement"]
        lines.append(
            f"| {row['corpus']} | {row['documents']:,} | {row['bytes'] / 1e6:.1f} | {row['kept']:,} | "
            f"{rate['ours']['median']:.2f} | {rate['datatrove']['median']:.2f} | **{ratio['median']:.1f}** "
            f"({ratio['min']:.1f} to {ratio['max']:.1f}) | {_percent(same['decisions'])} | "
            f"{_percent(same['reasons'])} | {_percent(same['texts'])} | "
            f"{_percent(row['agreement_matched_words']['decisions'])} |"
        )
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    corpora = {
        "prose": text_corpora.prose(int(_PROSE_MB.value * 1e6), _SAMPLES.value),
        "code": text_corpora.code(int(_CODE_MB.value * 1e6)),
    }
    rows = [measure(name, texts) for name, texts in corpora.items()]
    print(table(rows))
    document = {
        "machine": platform.processor() or platform.machine(),
        "rounds": _ROUNDS.value,
        "versions": {name: importlib.metadata.version(name) for name in ("datatrove", "spacy", "numpy")},
        "results": rows,
    }
    for path, text in ((_JSON.value, json.dumps(document, indent=2)), (_MARKDOWN.value, table(rows))):
        if path:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(path).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
