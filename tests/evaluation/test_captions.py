"""Tokens as the caption server's, and scores that can be worked out by hand."""

import json
import math
import os
import pathlib
import shutil
import subprocess

import pytest

from mistral_moe.evaluation import captions

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRICKY = [
    "A man (with a hat) isn't here.",
    "The boys' dog's bowl, 3.5 ft. by 1,000 at 3:30 p.m. on 5th Ave. in the U.S. today.",
    "black-and-white photo - of a cat -- and dog... and/or w/ $5 50% #1 & more",
    "\"quoted\" text 'single' `back` cannot gonna wanna gotta lemme",
    "Mr. Smith and Dr. Jones vs. St. Mary. Then another sentence.It runs on.",
    "a [bracket] {brace} it's they're I'd we've you'll I'm 'til y'all o'clock 1990's '90s",
    "a t.v. set; b: c? d! e?! yes!!! ok...",
    "rock 'n' roll  don't  dont  can't won't  ain't",
    "a photo.of a man , woman . and child .",
    'two-story  x-ray T-shirt 12" 5\'11" 10-speed he/she 2/3 cup @ home a+b = c * d ~ ^ | \\ < >',
    "caf\u00e9 na\u00efve \u201ccurly\u201d \u2018it\u2019s\u2019 \u2013 dash \u2014 em",
    "A dog-",
    "-A dog",
    "full of tea..",
    "man's best friend's. don't. it's.",
]
# The list of the server's own program.
SERVER_DROPS = ["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-"] + [
    ".",
    "?",
    "!",
    ",",
    ":",
    "-",
    "--",
    "...",
    ";",
]


def _real_captions():
    base = pathlib.Path(os.environ.get("MISTRAL_MOE_SAMPLES", ROOT.parent / "shared")) / "benchmarks" / "coco_mini"
    paths = sorted(base.glob("captions_*.json"))
    return [one["caption"].replace("\n", " ") for path in paths for one in json.loads(path.read_text())["annotations"]]


def test_tokens_are_those_of_the_servers_tokenizer(tmp_path):
    if not shutil.which("java"):
        pytest.skip("the server's tokenizer needs java")
    import pycocoevalcap.tokenizer as package

    folder = pathlib.Path(next(iter(package.__path__)))
    texts = TRICKY + _real_captions()
    (tmp_path / "captions.txt").write_text("\n".join(texts), "utf-8")
    command = ["java", "-Dfile.encoding=UTF-8", "-cp", str(folder / "stanford-corenlp-3.4.1.jar")]
    command += ["edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase", str(tmp_path / "captions.txt")]
    lines = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout.split("\n")
    for text, line in zip(texts, lines):
        assert captions.tokens(text) == tuple(t for t in line.split() if t not in SERVER_DROPS), text


@pytest.mark.parametrize(
    "caption, expected",
    [
        ("A dog, isn't it?", "a dog is n't it"),
        ("The man's hat.", "the man 's hat"),
        ("A 3.5 ft. pole; 1,000 people...", "a 3.5 ft. pole 1,000 people"),
        ("A black-and-white photo (old)", "a black-and-white photo -lrb- old -rrb-"),
        (" .,;: ", ""),
    ],
)
def test_tokens_by_the_rules(caption, expected):
    assert captions.tokens(caption) == tuple(expected.split())


def test_a_caption_like_its_only_reference_has_ten_and_one_like_nothing_has_none():
    references = [["a red bus drives down a street"], ["two dogs sleep on my bed"]]
    assert captions.cider([one[0] for one in references], references) == pytest.approx([10.0, 10.0])
    assert captions.cider(["two dogs sleep on my bed", "a red bus drives down a street"], references) == [0.0, 0.0]
    found = captions.score([one[0] for one in references], references)
    assert found.bleu == pytest.approx((1, 1, 1, 1)) and found.rouge_l == (1.0, 1.0)


def test_cider_by_hand():
    """Unigrams "cat" and "sat" of the first image, both in one image of two, so of equal weight log 2."""
    references = [["cat sat"], ["dog ran"]]
    found = captions.cider(["cat ran", "dog ran"], references)
    # Of unigrams one of two is shared: cosine 1/2. No bigram is. Orders 3 and 4 are empty. Lengths are equal.
    assert found[0] == pytest.approx(10 * (1 / 2 + 0 + 0 + 0) / 4)
    assert found[1] == pytest.approx(10 * (1 + 1 + 0 + 0) / 4)


def test_bleu_and_rouge_by_hand():
    found = captions.score(["the cat sat"], [["the cat sat down"]])
    short = math.exp(1 - 4 / 3)
    assert found.bleu[:3] == pytest.approx((short, short, short), rel=1e-6)
    beta = 1.2**2
    assert found.rouge_l == pytest.approx(((1 + beta) * 1 * 0.75 / (0.75 + beta * 1),))


def test_cider_of_an_image_does_not_depend_on_the_captions_of_others():
    references = [["a cat on a mat", "the cat sits"], ["a dog runs far away"], ["two birds on a wire"]]
    alone = captions.cider(["a cat sits on a mat", "", ""], references)
    beside = captions.cider(["a cat sits on a mat", "a dog runs", "birds"], references)
    assert alone[0] == beside[0] > 0


def test_the_most_typical_caption_is_the_best_constant():
    references = [["a man on a bike", "a dog"], ["a man on a horse"], ["a man on a bike", "a rider"], ["seven pears"]]
    best = captions.most_typical(references)
    means = {text: sum(captions.cider([text] * 4, references)) for texts in references for text in texts}
    assert means[best] == max(means.values())


def test_captions_without_references_are_an_error():
    with pytest.raises(ValueError, match="image 1 has no reference"):
        captions.cider(["a", "b"], [["a"], []])
    with pytest.raises(ValueError, match="2 captions and references of 1"):
        captions.score(["a", "b"], [["a"]])
