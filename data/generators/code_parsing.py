"""Templates of level systems: formats that programs exchange, read and written by hand."""

from __future__ import annotations

import configparser
import csv
import io
import posixpath
import random
import re
import urllib.parse

from data.generators.code_template import Problem, Template, letters, quoted, some_words


def _settings(rng: random.Random) -> Problem:
    sign, comment = rng.choice("=:"), rng.choice(("#", ";"))

    def reference(text: str) -> dict[str, dict[str, str]]:
        parser = configparser.RawConfigParser(
            delimiters=(sign,),
            comment_prefixes=(comment,),
            strict=False,
            default_section="",
            empty_lines_in_values=False,
        )
        parser.optionxform = str
        parser.read_string(text)
        return {name: dict(parser[name]) for name in parser.sections()}

    def arguments(draw: random.Random) -> tuple[str]:
        lines = [f"[{draw.choice('ab')}]"]
        for _ in range(draw.randint(0, 4)):
            pair = f"{draw.choice('xyz')}{draw.choice(('', ' '))}{sign} {draw.choice(('1', '20', 'on', ''))}".rstrip()
            lines.append(draw.choice((pair, pair, f"{comment} {draw.choice('uv')}", "", f"[{draw.choice('abc')}]")))
        return ("\n".join(lines),)

    return Problem(
        entry="[parse|read|load]_[settings|config|sections]",
        parameters=(("text_", "str"),),
        returns="dict[str, dict[str, str]]",
        summary=f'[Read|Parse] lines KEY {sign} VALUE below lines "[SECTION]" into a dictionary of dictionaries. '
        "Space around keys and values goes, a later value takes an earlier one's place, empty lines and those that "
        f"begin with {quoted(comment)} say nothing. The first line with content is a section.",
        body="""
    result_ = {}
    section_ = None
    for line_ in text_.splitlines():
        line_ = line_.strip()
        if not line_ or line_.startswith(COMMENT_):
            continue
        if line_.startswith("[") and line_.endswith("]"):
            section_ = result_.setdefault(line_[1:-1], {})
        else:
            key_, _, value_ = line_.partition(SIGN_)
            section_[key_.strip()] = value_.strip()
    return result_
    """,
        reference=reference,
        arguments=arguments,
        words={
            "COMMENT": quoted(comment),
            "SIGN": quoted(sign),
            "section": ("section", "current"),
            "line": ("line", "row"),
        }
        | {"text": ("text", "content", "source"), "value": ("value", "setting"), "key": ("key", "option")},
    )


def _separated(rng: random.Random) -> Problem:
    comma = rng.choice(",;|")

    def arguments(draw: random.Random) -> tuple[str]:
        cells = []
        for _ in range(draw.randint(1, 4)):
            cell = letters(draw, f'ab"{comma} ', 0, 4)
            plain = '"' not in cell and comma not in cell and draw.random() < 0.7
            cells.append(cell if plain else '"' + cell.replace('"', '""') + '"')
        return (comma.join(cells),)

    return Problem(
        entry="[split|parse|read]_[row|record|csv_line]",
        parameters=(("text_", "str"),),
        returns="list[str]",
        summary=f"[Split|Cut] text_ into its cells, which {quoted(comma)} separates. A cell that stands in double "
        "quotes may hold the separator, and a doubled quote in it means one.",
        body="""
    result_, cell_, inside_ = [], "", False
    index_ = 0
    while index_ < len(text_):
        char_ = text_[index_]
        if inside_ and text_[index_ : index_ + 2] == '""':
            cell_ += char_
            index_ += 1
        elif char_ == '"':
            inside_ = not inside_
        elif char_ == COMMA_ and not inside_:
            result_.append(cell_)
            cell_ = ""
        else:
            cell_ += char_
        index_ += 1
    result_.append(cell_)
    return result_
    """,
        reference=lambda text: next(csv.reader(io.StringIO(text), delimiter=comma), [""]),
        arguments=arguments,
        words={"COMMA": quoted(comma), "cell": ("cell", "field", "value"), "inside": ("inside", "in_quotes")},
    )


def _query(rng: random.Random) -> Problem:
    first = rng.random() < 0.5

    def reference(text: str) -> dict[str, str]:
        pairs = urllib.parse.parse_qsl(text, keep_blank_values=True)
        return dict(reversed(pairs)) if first else dict(pairs)

    def arguments(draw: random.Random) -> tuple[str]:
        parts = [
            f"{draw.choice(('a', 'b', 'c%20d'))}={draw.choice(('1', '', 'x+y', '%2F'))}"
            for _ in range(draw.randint(0, 4))
        ]
        return ("&".join(parts),)

    return Problem(
        entry="[parse|read|split]_[query|parameters]",
        parameters=(("text_", "str"),),
        returns="dict[str, str]",
        summary='[Read|Parse] the part of a URL behind the question mark, "a=1&b=2", into a dictionary. A plus '
        "sign means a space, and % with two hexadecimal digits the character of that number. Of a name that comes "
        "again "
        f"{'the first value counts, and names are listed from the last on' if first else 'the last value counts'}.",
        body=f"""
    pairs_ = [part_.partition("=") for part_ in text_.split("&") if part_]
    result_ = {{}}
    for name_, _, value_ in {"reversed(pairs_)" if first else "pairs_"}:
        result_[decoded_(name_)] = decoded_(value_)
    return result_


def decoded_(coded_):
    plain_, index_ = "", 0
    while index_ < len(coded_):
        if coded_[index_] == "%":
            plain_ += chr(int(coded_[index_ + 1 : index_ + 3], 16))
            index_ += 3
        else:
            plain_ += " " if coded_[index_] == "+" else coded_[index_]
            index_ += 1
    return plain_
    """,
        reference=reference,
        arguments=arguments,
        words={"pairs": ("pairs", "parts", "found"), "name": ("name", "key"), "value": ("value", "content")}
        | {"decoded": ("decoded", "unquoted", "plain_text"), "coded": ("coded", "raw"), "plain": ("plain", "made")}
        | {"part": ("part", "piece"), "text": ("text", "query", "line")},
    )


def _framed(rng: random.Random) -> Problem:
    sign, end, broken = rng.choice(":#/"), rng.choice((",", ";", "")), rng.choice(("broken", "error", "bad"))

    def reference(text: str) -> list[str]:
        parts, pattern = [], re.compile(rf"(\d+){sign}")
        while text:
            head = pattern.match(text)
            frame = head and re.compile(rf"(.{{{int(head[1])}}}){end}", re.DOTALL).match(text, head.end())
            if not frame:
                return [*parts, broken]
            parts.append(frame[1])
            text = text[frame.end() :]
        return parts

    def arguments(draw: random.Random) -> tuple[str]:
        words = [letters(draw, f"ab{sign}1 ", 0, 4) for _ in range(draw.randint(0, 3))]
        frames = [f"{len(word) + (draw.random() < 0.1)}{sign}{word}{end}" for word in words]
        return ("".join(frames) + draw.choice(("", "", "x", "3")),)

    return Problem(
        entry="[split|read|decode]_[frames|netstrings|packets]",
        parameters=(("text_", "str"),),
        returns="list[str]",
        summary=f"[Return|List] the strings that text_ is made of, each written as its length, {quoted(sign)}, "
        + (f"itself and {quoted(end)}" if end else "and itself")
        + f". Where something else [stands|is found], {quoted(broken)} ends the list.",
        body=f"""
    result_ = []
    start_ = 0
    while start_ < len(text_):
        middle_ = text_.find(SIGN_, start_)
        if middle_ < 0 or not text_[start_:middle_].isdigit():
            return result_ + [BROKEN_]
        stop_ = middle_ + 1 + int(text_[start_:middle_])
        if stop_ > len(text_){" or text_[stop_ : stop_ + 1] != END_" if end else ""}:
            return result_ + [BROKEN_]
        result_.append(text_[middle_ + 1 : stop_])
        start_ = stop_{" + 1" if end else ""}
    return result_
    """,
        reference=reference,
        arguments=arguments,
        words={"SIGN": quoted(sign), "END": quoted(end), "BROKEN": quoted(broken), "start": ("start", "offset", "at")}
        | {"middle": ("middle", "mark", "colon"), "stop": ("stop", "end"), "text": ("text", "stream", "received")},
    )


def _calculator(rng: random.Random) -> Problem:
    signs = rng.choice((("+", "-", "*"), ("+", "*"), ("-", "*")))

    def expression(draw: random.Random, depth: int) -> str:
        parts = [str(draw.randint(0, 20)) for _ in range(draw.randint(1, 3))]
        if depth < 2 and draw.random() < 0.6:
            parts[-1] = f"({expression(draw, depth + 1)})"
        return "".join(part + draw.choice(signs) for part in parts)[:-1].replace("+", " + ")

    sums = " or ".join(f'tokens_[0] == "{sign}"' for sign in signs if sign != "*")
    change = (
        "total_ + right_ if sign_ == PLUS_ else total_ - right_" if len(signs) == 3 else f"total_ {signs[0]} right_"
    )
    return Problem(
        entry="[evaluate|compute|work_out]_[expression|formula|sum]",
        parameters=(("text_", "str"),),
        returns="int",
        summary=f"[Return|Compute] the value of an expression of whole numbers, {', '.join(signs)} and parentheses, "
        "with spaces anywhere between them; * binds more tightly, and what binds alike goes from left to right.",
        body=f"""
    spaced_ = text_
    for sign_ in "{"".join(signs)}()":
        spaced_ = spaced_.replace(sign_, f" {{sign_}} ")
    return sum_(spaced_.split())


def sum_(tokens_):
    total_ = product_(tokens_)
    while tokens_ and ({sums}):
        {"sign_ = " if len(signs) == 3 else ""}tokens_.pop(0)
        right_ = product_(tokens_)
        total_ = {change}
    return total_


def product_(tokens_):
    total_ = single_(tokens_)
    while tokens_ and tokens_[0] == "*":
        tokens_.pop(0)
        total_ *= single_(tokens_)
    return total_


def single_(tokens_):
    token_ = tokens_.pop(0)
    if token_ != "(":
        return int(token_)
    total_ = sum_(tokens_)
    tokens_.pop(0)
    return total_
    """,
        reference=lambda text: eval(text, {"__builtins__": {}}),
        arguments=lambda draw: (expression(draw, 0),),
        words={
            "PLUS": quoted("+"),
            "spaced": ("spaced", "separated"),
            "sign": ("sign", "operator"),
            "sum": ("sum_of", "added"),
        }
        | {"product": ("product_of", "multiplied"), "single": ("single", "atom"), "tokens": ("tokens", "left", "rest")}
        | {"token": ("token", "head"), "right": ("right", "term"), "text": ("text", "formula", "line")},
    )


def _clean_path(rng: random.Random) -> Problem:
    home = rng.choice(("/home", "/srv", "/data", "/work"))
    return Problem(
        entry="[clean|normal|resolve]_path",
        parameters=(("path_", "str"),),
        returns="str",
        summary='[Return|Give] path_ without empty parts, "." and "..": the latter takes the part before it '
        f'away, and nothing at the root. A path that doesn\'t begin with "/" is taken from {quoted(home)} on.',
        body="""
    if not path_.startswith("/"):
        path_ = HOME_ + "/" + path_
    kept_ = []
    for part_ in path_.split("/"):
        if part_ == "..":
            if kept_:
                kept_.pop()
        elif part_ and part_ != ".":
            kept_.append(part_)
    return "/" + "/".join(kept_)
    """,
        reference=lambda path: posixpath.normpath(posixpath.join(home, path)).replace("//", "/"),
        arguments=lambda draw: (
            draw.choice(("", "/"))
            + "/".join(draw.choice(("a", "b", ".", "..", "..", "")) for _ in range(draw.randint(1, 5))),
        ),
        words={
            "HOME": quoted(home),
            "kept": ("kept", "parts", "stack"),
            "part": ("part", "name"),
            "path": ("path", "where"),
        },
    )


def _log_summary(rng: random.Random) -> Problem:
    bad = rng.choice(("ERROR", "FAIL", "FATAL"))
    kinds = (bad, "INFO", "WARN")

    def reference(text: str) -> dict[str, str]:
        found = re.findall(rf"^{bad} (\w+): ?(.*)$", text, re.MULTILINE)
        return {
            name: f"{len([n for n, _ in found if n == name])} {dict(found)[name]}".rstrip() for name, _ in sorted(found)
        }

    def arguments(draw: random.Random) -> tuple[str]:
        texts = [
            f"{draw.choice(kinds)} {draw.choice('pq')}: {' '.join(some_words(draw, 1, 2))}"
            for _ in range(draw.randint(0, 3))
        ]
        return ("\n".join(texts),)

    return Problem(
        entry="[summarise|digest|collect]_[failures|errors|log]",
        parameters=(("text_", "str"),),
        returns="dict[str, str]",
        summary='[Summarise|Read] a log of lines "KIND MODULE: WORDS": a dictionary from each module with lines '
        f"of kind {quoted(bad)}, by the alphabet, to their number and the words of the last of them, with a space "
        "between.",
        body="""
    events = [line_.split(" ", 2) for line_ in text_.splitlines()]
    counts_, last_ = {}, {}
    for kind_, module_, said_ in events:
        if kind_ == BAD_:
            name_ = module_[:-1]
            counts_[name_] = counts_.get(name_, 0) + 1
            last_[name_] = said_
    return {name_: f"{counts_[name_]} {last_[name_]}" for name_ in sorted(counts_)}
    ===
    result_ = {}
    events = text_.split("\\n") if text_ else []
    while events:
        kind_, module_, said_ = events.pop(0).split(" ", 2)
        name_ = module_.rstrip(":")
        if kind_ == BAD_:
            number_ = int(result_[name_].split()[0]) if name_ in result_ else 0
            result_[name_] = f"{number_ + 1} {said_}"
    return dict(sorted(result_.items()))
    """,
        reference=reference,
        arguments=arguments,
        words={
            "BAD": quoted(bad),
            "counts": ("counts", "numbers"),
            "last": ("last", "latest"),
            "kind": ("kind", "severity"),
        }
        | {"module": ("module", "origin"), "said": ("said", "words"), "name": ("name", "who"), "line": ("line", "row")}
        | {"text": ("text", "log", "content"), "number": ("number", "before")},
    )


SYSTEMS: tuple[Template, ...] = (
    _settings,
    _separated,
    _query,
    _framed,
    _calculator,
    _clean_path,
    _log_summary,
)
