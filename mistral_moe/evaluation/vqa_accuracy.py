"""VQA's accuracy: an answer is right as far as three of ten people gave it, after all of them are normalised alike.

By the rules of visualqa.org/evaluation (Antol et al. 2015): lower case; no articles; numbers up to ten as digits; the
apostrophe put back into contractions; punctuation out, but for apostrophes, colons, decimal points and what separates
thousands. As in the official program a mark that touches a space anywhere in the answer is deleted, and otherwise becomes
a space. The program leaves answers as they are where all ten people agree to the letter; here they are normalised as well.
"""

from __future__ import annotations

from collections.abc import Sequence
import functools
import re

_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_THOUSANDS = re.compile(r"\d,\d")
_FULL_STOP = re.compile(r"\.(?!\d)")
_ARTICLES = frozenset(("a", "an", "the"))
_NUMBERS = {
    word: str(value) for value, word in enumerate("zero one two three four five six seven eight nine ten".split())
}
_NUMBERS["none"] = "0"


def _contractions() -> dict[str, str]:
    """Contractions by how they are written without their apostrophes."""
    found = [
        *(
            "ain't can't shan't won't o'clock ma'am y'all 'twas let's somebody's someone's that's there's here's".split()
        ),
        *(
            f"{verb}n't"
            for verb in "are could did does do had has have is might must need ought should was were would".split()
        ),
        *(f"{verb}'ve" for verb in "could might must should would not".split()),
        *(f"{who}{end}" for who in "they you".split() for end in ("'d", "'ll", "'re", "'ve")),
        *(f"{who}'{end}" for who in "how it there what when where who why".split() for end in ("d", "ll", "s", "ve")),
        *("he'd he's she's i'm i've we've what're why're there're everyone's something's".split()),
    ]
    # What is a word of its own without the apostrophe means that word.
    return {text.replace("'", ""): text for text in found} | {"its": "its"}


_CONTRACTIONS = _contractions()


@functools.lru_cache(maxsize=1 << 16)
def normalised(answer: str) -> str:
    """An answer as it is compared."""
    answer = re.sub(r"[\n\t]", " ", answer).strip()
    is_number = _THOUSANDS.search(answer) is not None
    text = answer
    for mark in _MARKS:
        touches_space = f"{mark} " in answer or f" {mark}" in answer
        text = text.replace(mark, "" if touches_space or is_number else " ")
    words = (_NUMBERS.get(word, word) for word in _FULL_STOP.sub("", text).lower().split())
    return " ".join(_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def accuracy(answer: str, people: Sequence[str]) -> float:
    """Mean over the people, each left out once, of min(number of others who gave the answer / 3, 1).

    Args:
      answer: the model's.
      people: the answers of, officially, ten.

    Raises:
      ValueError: there are fewer than two.
    """
    if len(people) < 2:
        raise ValueError(f"{len(people)} answers of people: at least two are needed")
    same = sum(normalised(answer) == normalised(one) for one in people)
    left_in, left_out = min(same / 3, 1.0), min(max(same - 1, 0) / 3, 1.0)
    return (left_out * same + left_in * (len(people) - same)) / len(people)
