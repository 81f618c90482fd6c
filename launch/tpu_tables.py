"""The report of a compiled step as markdown: one config, or several side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mistral_moe.report import wording


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _size(value: float | None) -> str:
    return wording.ABSENT if value is None else wording.size(value)


def _flop(value: float | None) -> str:
    return wording.ABSENT if value is None else wording.count(value)


def _ratio(value: float | None) -> str:
    return wording.ABSENT if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return wording.ABSENT if value is None else f"{100 * value:.1f} %"


def _seconds(value: float | None) -> str:
    return wording.ABSENT if value is None else f"{value:.3f} s"


def verdict(report: Mapping[str, Any]) -> str:
    """`fits, 12.3 GB to spare` or `does not fit: 3.4 GB too large`."""
    memory = report["bytes_per_chip"]
    spare = memory["limit"] - memory["total"]
    return f"fits, {_size(spare)} to spare" if report["fits"] else f"does not fit: {_size(-spare)} too large"


def _heading(report: Mapping[str, Any]) -> str:
    mesh = " x ".join(f"{axis}={size}" for axis, size in report["mesh"].items()) or "one chip"
    return (
        f"## {report['stage']} on {report['topology']}\n\n{report['tokens_per_step']:,} tokens a step, mesh {mesh}: "
        f"**{verdict(report)}**."
    )


def _memory(report: Mapping[str, Any]) -> str:
    memory = report["bytes_per_chip"]
    rows = [["arguments", _size(memory["arguments"])]]
    rows += [[f"– {name}", _size(size)] for name, size in report["argument_bytes"].items()]
    names = ("temporaries", "code", "outputs", "aliased", "total", "limit", "peak")
    rows += [[name, _size(memory[name])] for name in names if memory.get(name) is not None]
    return _table(["memory of a chip", "bytes"], rows)


def _flops(report: Mapping[str, Any]) -> str:
    flops = report["flops"]
    rows = [
        [
            row["part"].replace("_", " "),
            row["direction"],
            _flop(row["compiled"]),
            _flop(row["ideal"]),
            _ratio(row["ratio"]),
        ]
        for row in report["audit"]
    ]
    rows.append(["all", "", _flop(flops["compiled"]), _flop(flops["ideal"]), _ratio(flops["ratio"])])
    needed = flops["compiled"] - flops["computed_again"]
    rows.append(["all", "but computed again", _flop(needed), _flop(flops["ideal"]), _ratio(flops["ratio_but_again"])])
    return _table(["FLOPs a step and chip", "direction", "compiled", "ideal", "ratio"], rows)


def _exchanges(report: Mapping[str, Any]) -> str:
    rows = []
    for axis, entry in report["collectives_detail"].items():
        kinds = ", ".join(f"{kind} {_size(size)}" for kind, size in sorted(entry["kinds"].items(), key=lambda x: -x[1]))
        rows.append([axis, kinds, _size(entry["bytes"]), _seconds(entry["seconds"]), _seconds(entry["waiting"])])
    return _table(["mesh axis", "kinds", "a chip receives", "at the links' rate", "waited for"], rows)


def _roofline(report: Mapping[str, Any]) -> str:
    terms = report["roofline"]
    links = sum(terms["link_seconds"].values())
    rows = [
        ["compute: compiled FLOPs at the peak", _seconds(terms["compute_seconds"])],
        ["memory: bytes at the bandwidth", _seconds(terms["memory_seconds"])],
        ["core: each operation bound by one of the two", _seconds(terms["core_seconds"])],
        ["waiting: exchanges that nothing runs beside", _seconds(terms["waiting_seconds"])],
        ["links: all exchanges", _seconds(links)],
        [
            f"**step = max(core + waiting, memory, links)**, bound by {terms['bound']}",
            _seconds(report["modelled_step_seconds"]),
        ],
        ["**MFU = ideal FLOPs / (step x peak)**, an upper bound", _percent(report["modelled_mfu"])],
        ["MFU if no exchange ran beside computation", _percent(report["modelled_mfu_without_overlap"])],
    ]
    return _table(["modelled", ""], rows)


def one(report: Mapping[str, Any]) -> str:
    """The whole report of one compiled step."""
    parts = [_heading(report), _memory(report)]
    if report["modelled_mfu"] is not None:
        parts += [_flops(report), _exchanges(report), _roofline(report)]
        if report["loops_of_unknown_length"]:
            parts.append(
                f"Counted as one turn, their length is not known: {', '.join(report['loops_of_unknown_length'])}."
            )
        parts.append(
            f"Compiled in {report['compile_seconds']:.0f} s by "
            + ", ".join(f"{name} {version}" for name, version in report["versions"].items())
            + "."
        )
    return "\n\n".join(parts)


_LINES = (
    ("fits", verdict),
    ("arguments", lambda r: _size(r["bytes_per_chip"]["arguments"])),
    ("temporaries", lambda r: _size(r["bytes_per_chip"]["temporaries"])),
    ("total", lambda r: _size(r["bytes_per_chip"]["total"])),
    ("FLOPs compiled", lambda r: _flop(r["flops"]["compiled"])),
    ("FLOPs ideal", lambda r: _flop(r["flops"]["ideal"])),
    ("ratio", lambda r: _ratio(r["flops"]["ratio"])),
    ("ratio but computed again", lambda r: _ratio(r["flops"].get("ratio_but_again"))),
    ("a chip receives", lambda r: _size(sum(r["collectives"].values())) if r["collectives"] else "–"),
    ("step, modelled", lambda r: _seconds(r["modelled_step_seconds"])),
    ("MFU, modelled (an upper bound)", lambda r: _percent(r["modelled_mfu"])),
)


def side_by_side(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """One column a report."""
    first = next(iter(reports.values()))
    rows = [[name, *(line(report) for report in reports.values())] for name, line in _LINES]
    heading = f"## {first['stage']} on {first['topology']}"
    return heading + "\n\n" + _table(["", *reports], rows)


_COLUMNS = (
    ("slice", lambda r: r["topology"]),
    ("stage", lambda r: r["stage"]),
    ("tokens a step", lambda r: f"{r['tokens_per_step']:,}"),
    ("bytes of a chip", lambda r: f"{_size(r['bytes_per_chip']['total'])} of {_size(r['bytes_per_chip']['limit'])}"),
    (
        "fits",
        lambda r: (
            "yes" if r["fits"] else f"no, {_size(r['bytes_per_chip']['total'] - r['bytes_per_chip']['limit'])} over"
        ),
    ),
    ("FLOPs / ideal", lambda r: _ratio(r["flops"]["ratio"])),
    ("but again", lambda r: _ratio(r["flops"].get("ratio_but_again"))),
    ("a chip receives", lambda r: _size(sum(r["collectives"].values())) if r["collectives"] else "–"),
    ("step", lambda r: _seconds(r["modelled_step_seconds"])),
    ("bound by", lambda r: r["roofline"]["bound"] if r["fits"] and "roofline" in r else "–"),
    ("MFU at most", lambda r: _percent(r["modelled_mfu"])),
    ("MFU without overlap", lambda r: _percent(r.get("modelled_mfu_without_overlap"))),
)


def row_heading() -> str:
    """Head of a table with one line a report."""
    return _table([name for name, _ in _COLUMNS], [])


def row(report: Mapping[str, Any]) -> str:
    """A report as one line of that table."""
    return "| " + " | ".join(cell(report) for _, cell in _COLUMNS) + " |"
