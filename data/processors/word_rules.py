"""What the English word splitter knows: characters, affixes, and the strings that it splits or keeps as they are.

The rules are those of spaCy 3.8's English tokenizer (MIT licence,
https://spacy.io/usage/linguistic-features#how-tokenizer-works), because web filters' published thresholds were tuned
on its words. Written down here as data: what is letter, quote or unit, which contractions there are.
`data.processors.words` applies them.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata

# Sentence_Terminal of Unicode as datatrove lists it, as ranges of code points.
_TERMINALS = (
    "21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D6 "
    "17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 "
    "2E2E 2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB "
    "FE52 FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143 "
    "111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 "
    "1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 "
    "16B37-16B38 16B44 16E98 1BC9F 1DA88"
)
# Of these the sentence splitter does not know (they are younger than its list).
_NO_SENTENCE_END = (
    "61D-61E 837 839 83D-83E 17D4-17D6 17D9-17DA 1B7D-1B7E 2E53-2E54 10F55-10F59 10F86-10F89 11944 11946 11EF7-11EF8 "
    "11F43-11F44 16E98"
)
_OTHER_PUNCTUATION = (
    "0-8 B-1F 22-2D 2F 3A-3E 40 5B-60 7B-7E 7F-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001 "
    "3008-300D 3010-3011 FF05 FF08-FF09 FF0C FF11 FF1A-FF1B FF5E"
)


def _code_points(ranges: str) -> frozenset[str]:
    found = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.update(map(chr, range(int(first, 16), int(last or first, 16) + 1)))
    return frozenset(found)


TERMINALS = _code_points(_TERMINALS)
SENTENCE_ENDS = TERMINALS - _code_points(_NO_SENTENCE_END)
# A word of these alone is no word for Gopher's rules of quality.
PUNCTUATION = TERMINALS | _code_points(_OTHER_PUNCTUATION)

_QUOTES = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉〈〉⟦⟧"
_PUNCT = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
_CURRENCY_SIGNS = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₵₶₷₸₹₺₻₼₾₿"
_UNITS = (
    "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa "
    "mbar mb MB kb KB gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см см² см³ мм мм² мм³ нм кг г мг м/с км/ч "
    "кПа Па мбар Кб КБ кб Мб МБ мб Гб ГБ гб Тб ТБ"
)
# Scripts without case count as both upper and lower: Ethiopic, Bengali, Hebrew, Arabic, Sinhala, Devanagari, Kannada,
# Tamil, Telugu, Hangul, kana and CJK.
_UNCASED = (
    "\u1200-\u137f\u0980-\u09ff\u0591-\u05f4\ufb1d-\ufb4f\u0620-\u064a\u066e-\u06d5\u06e5-\u06ff\u0750-\u077f"
    "\u08a0-\u08bd\ufb50-\ufbb1\ufbd3-\ufd3d\ufd50-\ufdc7\ufdf0-\ufdfb\ufe70-\ufefc\u0d80-\u0dff\u0900-\u097f\u0c80-\u0cff"
    "\u0b80-\u0bff\u0c00-\u0c7f\uac00-\ud7af\u1100-\u11ff\u3040-\u30ff\u4e00-\u9fff\u3400-\u4dbf\u2e80-\u2fff\u3000-\u303f"
    "\u31c0-\u31ef\u3200-\u33ff\uf900-\ufaff\ufe30-\ufe4f"
)
# Blocks of Latin, Greek and Cyrillic letters, which have case.
_CASED_BLOCKS = (
    *((0xC0, 0x250), (0x250, 0x2B0), (0x386, 0x3CF), (0x400, 0x460), (0x490, 0x492), (0x496, 0x497), (0x4A2, 0x4A4)),
    *((0x4AE, 0x4B0), (0x4BA, 0x4BC), (0x4D8, 0x4DA), (0x4E8, 0x4EA), (0x1D00, 0x1D9B), (0x1E00, 0x1F00)),
    *((0x2C60, 0x2C80), (0xA722, 0xA7BA), (0xAB30, 0xAB65), (0xFF21, 0xFF3B), (0xFF41, 0xFF5B)),
)
_SYMBOL_BLOCKS = ((0xA6, 0x3400), (0x4DC0, 0x4E00), (0xA490, 0xAA80), (0xFDFD, 0xFFFE), (0x1D000, 0x1FA70))


def _of_category(blocks: tuple[tuple[int, int], ...], category: str) -> str:
    return "".join(
        chr(c) for first, end in blocks for c in range(first, end) if unicodedata.category(chr(c)) == category
    )


_ICONS = _of_category(_SYMBOL_BLOCKS, "So")
# Single characters that are cut off a chunk's front or end whatever stands beside them.
SINGLE_PREFIXES = frozenset("§%=—–" + _PUNCT + _QUOTES + _CURRENCY_SIGNS + _ICONS)
SINGLE_SUFFIXES = frozenset("—–" + _PUNCT + _QUOTES + _ICONS) - {"…"}
# What longer prefixes begin and longer or conditional suffixes end with.
PREFIX_STARTS = frozenset("+.UCA")
SUFFIX_ENDS = frozenset("….sS+$" + _CURRENCY_SIGNS) | {unit[-1] for unit in _UNITS.split()}
# One of these is where a chunk is cut.
INFIX_MARKS = frozenset(".…+-*^,–—~:<>=/" + _ICONS)
MAX_SUFFIX = 12  # characters that a suffix's pattern may look at, runs of full stops aside
PREFIX = re.compile(r"\+(?![0-9])|\.\.+|(?:US|C|A)\$")


@dataclasses.dataclass(frozen=True)
class Cuts:
    """Patterns of what is cut off a chunk and in it.

    Attributes:
      suffix: those that are no single character; the leftmost match, so that of several the longest.
      infix: where what is left without affixes is cut.
      url: what is left is one word if it is an address.
    """

    suffix: re.Pattern[str]
    infix: re.Pattern[str]
    url: re.Pattern[str]


def _cuts(lower: str, upper: str, alpha: str, icons: str, host: str) -> Cuts:
    punct, quotes = re.escape(_PUNCT), re.escape(_QUOTES)
    units = "|".join(map(re.escape, _UNITS.split()))
    return Cuts(
        suffix=re.compile(
            rf"(?:……?|\.\.+|['’][sS]|(?<=[0-9])(?:\+|(?:US|C|A)?\$|[{re.escape(_CURRENCY_SIGNS)}]|{units})"
            rf"|(?<=°[FfCcKk])\.|(?<=[0-9{lower}%²\-+|?{punct}{quotes}])\.|(?<=[{upper}][{upper}])\.)\Z"
        ),
        infix=re.compile(
            rf"\.\.+|{icons}|(?<=[0-9])[+\-*^](?=[0-9-])|(?<=[{lower}{quotes}])\.(?=[{upper}{quotes}])"
            rf"|(?<=[{alpha}]),(?=[{alpha}])|(?<=[{alpha}0-9])(?:-{{1,3}}|–|—{{1,2}}|~)(?=[{alpha}])"
            rf"|(?<=[{alpha}0-9])[:<>=/](?=[{alpha}])"
        ),
        url=re.compile(
            r"(?:[\w+\-.]{2,}://)?(?:\S+@)?"
            r"(?:(?!(?:10|127)(?:\.\d{1,3}){3})(?!(?:169\.254|192\.168)(?:\.\d{1,3}){2})"
            r"(?!172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2})(?:[1-9]\d?|1\d\d|2[01]\d|22[0-3])"
            r"(?:\.(?:1?\d{1,2}|2[0-4]\d|25[0-5])){2}\.(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-4])"
            rf"|(?:(?:[{host}][{host}_-]{{0,62}})?[{host}]\.)+[{lower}]{{2,63}})(?::\d{{2,5}})?(?:[/?#]\S*)?\Z"
        ),
    )


def _cuts_for_all() -> Cuts:
    lower, upper = _of_category(_CASED_BLOCKS, "Ll"), _of_category(_CASED_BLOCKS, "Lu")
    # A class with characters beyond the basic plane is searched range by range, one within it is a table: keep them
    # apart.
    icons = "[…{}]|[{}]".format(*("".join(filter(of, _ICONS)) for of in ("\U00010000".__gt__, "\U00010000".__le__)))
    alpha = f"a-zA-Z{lower}{upper}{_UNCASED}"
    return _cuts(f"a-z{lower}{_UNCASED}", f"A-Z{upper}{_UNCASED}", alpha, icons, "A-Za-z0-9\u00a1-\uffff")


ANY_CUTS = _cuts_for_all()
# The same for chunks of ASCII: most are, and small character classes are fast.
ASCII_CUTS = _cuts("a-z", "A-Z", "a-zA-Z", "…", "A-Za-z0-9")

_KEPT = (
    # Emoticons.
    r""":) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 ;) ;-) (; (-; :( :-(
    :(( :-(( :((( :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =| :| :-| ]= =[ :1 :P :-P :p :-p :O :-O :o :-o
    :0 :-0 :() >:o :* :-* :3 :-3 =3 :> :-> :X :-X :x :-x :D :-D ;D ;-D =D xD XD xDD XDD 8D 8-D ^_^ ^__^ ^___^
    >.< >.> <.< ._. ;_; -_- -__- v.v V.V v_v V_V o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ <3
    <33 <333 </3 (^_^) (-_-) (._.) (>_<) (*_*) (¬_¬) ಠ_ಠ ಠ︵ಠ (ಠ_ಠ) ¯\(ツ)/¯ (╯°□°）╯︵┻━┻ ><(((*> """
    # Single letters, marks.
    r"""\t \n — ' \") <space> '' C++ ä. ö. ü. """
    # Abbreviations.
    """Mt. Ak. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ia. Id. Ill. Ind. Jan. Jul.
    Jun. Kan. Kans. Ky. La. Mar. Mass. Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Nov. Oct.
    Okla. Ore. Pa. S.C. Sep. Sept. Tenn. Va. Wash. Wis. a.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G.
    Gen. Gov. i.e. I.e. I.E. Inc. Jr. Ltd. Md. Messrs. Mo. Mont. Mr. Mrs. Ms. p.m. Ph.D. Prof. Rep. Rev. Sen.
    St. vs. v.s. """
    # Words with an apostrophe or a slash in them.
    """'S 's ‘S ‘s and/or w/o 're 'd 'Cause 'cause 'cos 'Cos 'coz 'Coz 'cuz 'Cuz 'bout ma'am Ma'am o'clock O'clock
    em 'em ll 'll nuff 'nuff """
)
_SPLIT = (
    "y'|all y|all how|'d|'y How|'d|'y not|'ve not|ve Not|'ve Not|ve can|not Can|not gon|na Gon|na got|ta Got|ta let|'s "
    "Let|'s c'm|on C'm|on i|'m I|'m i|m I|m i|'m|a I|'m|a i|m|a I|m|a"
)
# Forms that are words of their own when the apostrophe is left out.
_AMBIGUOUS = frozenset("ill its hell shell shed were well whore".split())


def _both_cases(words: str) -> list[str]:
    return [form for word in words.split() for form in (word, word.title())]


def _contractions() -> list[str]:
    """Contractions with their parts joined by `|`, with the apostrophe and without."""

    def with_and_without(words: str, *endings: str) -> list[str]:
        full = [f"{word}|{ending}" for word in _both_cases(words) for ending in endings]
        return full + [form.replace("'", "") for form in full]

    found = with_and_without("i you he she it we they", "'ll", "'ll|'ve", "'d", "'d|'ve")
    found += with_and_without("i you we they", "'ve") + with_and_without("you we they", "'re")
    found += with_and_without("he she it who what when where why how there that this", "'s")
    asked = "who what when where why how there these those"
    found += with_and_without(asked + " that this", "'ll", "'ll|'ve", "'d", "'d|'ve")
    found += with_and_without(asked, "'re", "'ve")
    denied = "ca could do does did had may might must need ought sha should wo would"
    found += with_and_without(denied, "n't", "n't|'ve") + with_and_without("could might must should would", "'ve")
    return found + with_and_without("ai are is was were have has dare", "n't")


def _special_cases() -> dict[str, tuple[str, ...]]:
    cases = {word: (word,) for word in _KEPT.split()}
    cases |= {f"{chr(letter)}.": (f"{chr(letter)}.",) for letter in range(ord("a"), ord("z") + 1)}
    for split in [*_contractions(), *_SPLIT.split()]:
        cases[split.replace("|", "")] = tuple(split.split("|"))
    for word in _both_cases("doin goin nothin nuthin ol somethin lovin havin"):
        cases |= {word: (word,), f"{word}'": (f"{word}'",)}
    for hour in range(1, 13):
        cases |= {f"{hour}{half}": (str(hour), half) for half in ("am", "a.m.", "pm", "p.m.")}
    for scale in "cfkCFK":
        cases[f"°{scale}."] = ("°", scale, ".")
    # The same with a printer's apostrophe.
    cases |= {case.replace("'", "’"): tuple(word.replace("'", "’") for word in words) for case, words in cases.items()}
    return {case: words for case, words in cases.items() if case.lower() not in _AMBIGUOUS}


SPECIAL_CASES = _special_cases()
