"""Pairs of Moses files, of which each line of one translates that line of the other: how they are named and found.

A pair is `name.en-fr.en` and `name.en-fr.fr`, as OPUS names them, or plainly `name.en` and `name.fr`. Each group of
files with the same base has a pivot, and every other file is read against it.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Sequence

from data import streams
from data.inputs import InputFile

PIVOT = "en"
_COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_CODE = r"[a-z]{2,3}(?:[_-][a-z]{2})?"
_PAIR = re.compile(rf"(?P<base>(?:.*\.)?(?P<first>{_CODE})-(?P<second>{_CODE}))\.(?P<own>{_CODE})", re.IGNORECASE)
_PLAIN = re.compile(r"(?P<base>.+)\.(?P<own>[a-z]{2})", re.IGNORECASE)
# ISO 639-1, for files that are named by one language alone.
CODES = tuple(
    "af am ar az be bg bn bs ca cy da de el en eo es et eu fa fi fr ga gl gu ha he hi hr hu hy id ig is it ja "
    "jv ka kk km kn ko ku ky la lb lo lt lv mg mi mk mn mr ms mt my ne nl no oc pa pl ps pt ro ru rw sd si sk "
    "sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi xh yi yo zh zu".split()
)
_FORMS = ("[a-z][a-z]", "[a-z][a-z][a-z]", "[a-z][a-z][_-][a-z][a-z]")
PATTERNS = tuple(f"*.{code}" for code in CODES) + tuple(
    dict.fromkeys(f"*{a}-{b}.{own}" for a, b in itertools.product(_FORMS, _FORMS) for own in (a, b))
)


def _parts(file: InputFile) -> tuple[str, str, tuple[str, ...]] | None:
    """Base, language, and the languages that a counterpart may have, pivot first; None where no language is named."""
    name = posixpath.basename(file.name)
    for ending in _COMPRESSIONS:
        name = name[: -len(ending)] if name.lower().endswith(ending) else name
    if found := _PAIR.fullmatch(name):
        languages = (found["first"], found["second"])
        if found["own"] in languages:
            return found["base"], found["own"], tuple(code for code in languages if code != found["own"])
    if (found := _PLAIN.fullmatch(name)) and found["own"].lower() in CODES:
        return found["base"], found["own"], tuple(code for code in (PIVOT, *CODES) if code != found["own"])
    return None


def roots(files: Sequence[InputFile]) -> list[InputFile]:
    """The files to read by themselves: of each group all but the pivot, which each of them finds by `counterpart`."""
    groups: dict[tuple[str, str], list[tuple[str, InputFile]]] = {}
    chosen = []
    for file in files:
        if parts := _parts(file):
            groups.setdefault((posixpath.dirname(file.name), parts[0]), []).append((parts[1], file))
        else:
            chosen.append(file)
    for (_, base), members in groups.items():
        pair = _PAIR.fullmatch(f"{base}.{members[0][0]}")
        languages = {language for language, _ in members}
        pivot = pair["first"] if pair else PIVOT if PIVOT in languages else min(languages)
        chosen += [file for language, file in members if language != pivot or len(languages) == 1]
    return chosen


def counterpart(file: InputFile) -> tuple[str, str, InputFile | None]:
    """Languages of a file and of the one that it is read against, and that file, or None where it is not there.

    Raises:
      StreamError: the name tells no language.
    """
    parts = _parts(file)
    if parts is None:
        raise streams.StreamError("no_languages", 0, "the name tells no language; name.en-fr.en does")
    base, own, others = parts
    for other in others:
        for ending in ("", *_COMPRESSIONS):
            if found := file.sibling(f"{base}.{other}{ending}"):
                return own, other, found
    return own, others[0], None


def line_pairs(first: InputFile, second: InputFile) -> Iterator[tuple[streams.Line | None, streams.Line | None]]:
    """Lines of two files side by side; None where one has ended before the other."""
    with first.open() as left, second.open() as right:
        yield from itertools.zip_longest(streams.lines(left), streams.lines(right))
