"""Tokenizers round-trip every text, train to equal bytes, and say what is wrong with a file."""

import pickle
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import tokenizer as tokenizer_lib

WORDS = (
    "def return self value list of the a function adds two numbers and prints 42 1984 é 漢字 = + ( ) : if else".split()
)


def corpus(seed=0, num_documents=300):
    """Documents of indented lines over 200 words, the usual ones far more frequent."""
    generator = random.Random(seed)
    rare = ["".join(generator.choices("abcdefghijklmnopqrstuvwxyz_", k=generator.randrange(3, 9))) for _ in range(200)]

    def line():
        words = generator.choices(WORDS * 20 + rare, k=generator.randrange(1, 12))
        return "    " * generator.randrange(3) + " ".join(words)

    return ["\n".join(line() for _ in range(12)) for _ in range(num_documents)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return tokenizer_lib.train(corpus(), tmp_path_factory.mktemp("tokenizer") / "t.model", vocab_size=512)


@pytest.fixture(scope="module", params=["trained", "v1", "v3"])
def any_tokenizer(request, trained):
    return trained if request.param == "trained" else tokenizer_lib.load(tokenizer_lib.mistral_path(request.param))


awkward_text = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            [
                "\t",
                "\n",
                "\r\n",
                " ",
                "   ",
                "\u2581",
                "\u2581 ",
                "<s>",
                "[INST]",
                "<0x0A>",
                "\x00",
                "\ufffd",
                "\u2028",
                "漢",
                "x1 ",
            ]
        ),
    ),
    max_size=12,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(text=awkward_text)
def test_round_trip_is_exact(any_tokenizer, text):
    ids = any_tokenizer.encode(text, bos=True, eos=True)
    assert ids.dtype == np.int32 and ids[0] == any_tokenizer.bos_id and ids[-1] == any_tokenizer.eos_id
    assert any_tokenizer.decode(ids) == text
    # Control symbols in a text are ordinary characters: no injection.
    assert not np.isin(ids[1:-1], [any_tokenizer.bos_id, any_tokenizer.eos_id]).any()


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(awkward_text, max_size=6), num_threads=st.sampled_from([1, 2]))
def test_batch_equals_single(trained, texts, num_threads):
    batch = trained.encode_batch(texts, bos=True, eos=True, num_threads=num_threads)
    assert [ids.tolist() for ids in batch] == [trained.encode(text, bos=True, eos=True).tolist() for text in texts]


def test_special_ids_are_mistrals(trained):
    v3 = tokenizer_lib.load(tokenizer_lib.mistral_path("v3"))
    for symbol in ("[INST]", "[/INST]"):
        assert trained.control_id(symbol) == v3.control_id(symbol)
    # Those of its code models stand further on there; both have them.
    for model in (trained, v3):
        assert len({model.control_id(symbol) for symbol in tokenizer_lib.CONTROL_SYMBOLS}) == 4
        assert trained.control_id(symbol) not in trained.encode(f"a{symbol}b")
    assert (trained.bos_id, trained.eos_id) == (v3.bos_id, v3.eos_id) == (1, 2)
    assert (trained.vocab_size, v3.vocab_size) == (512, 32768)
    with pytest.raises(tokenizer_lib.TokenizerError, match="no control symbol"):
        trained.control_id("[IMG]")
    with pytest.raises(tokenizer_lib.TokenizerError, match="no control symbol"):
        trained.control_id("unheard-of")


def test_digits_are_split_and_frequent_words_are_short(trained):
    assert len(trained.encode("1984")) >= 4
    assert len(trained.encode("the function prints")) <= 4


def test_training_twice_writes_equal_bytes(tmp_path):
    paths = [tmp_path / name for name in ("a.model", "b.model")]
    tokenizers = [tokenizer_lib.train(corpus(), path, 600, seed=3, max_bytes=20_000) for path in paths]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert tokenizers[0].sha256 == tokenizers[1].sha256
    assert (
        tokenizer_lib.train(corpus(), tmp_path / "c.model", 600, seed=4, max_bytes=20_000).sha256
        != tokenizers[0].sha256
    )
    assert not list(tmp_path.glob("*.partial"))


def test_many_characters_fit_a_small_vocabulary(tmp_path):
    texts = ["".join(chr(0x4E00 + (7 * i + j) % 3000) for j in range(40)) for i in range(400)]
    small = tokenizer_lib.train(texts, tmp_path / "t.model", 512)
    assert small.decode(small.encode(texts[0])) == texts[0]


def test_pickles_by_path(trained):
    assert pickle.loads(pickle.dumps(trained)).encode("def f").tolist() == trained.encode("def f").tolist()


def test_errors_name_file_and_fix(tmp_path, trained):
    with pytest.raises(tokenizer_lib.TokenizerError, match="missing.model.*train one"):
        tokenizer_lib.load(tmp_path / "missing.model")
    for name, content in {
        "empty.model": b"",
        "text.model": b"hello",
        "cut.model": trained.path.read_bytes()[:1000],
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(tokenizer_lib.TokenizerError, match=f"{name}.*anew"):
            tokenizer_lib.load(tmp_path / name)
    with pytest.raises(tokenizer_lib.TokenizerError, match="below"):
        tokenizer_lib.train(["abc"], tmp_path / "t.model", 300)
    with pytest.raises(tokenizer_lib.TokenizerError, match="no text"):
        tokenizer_lib.train(["", " \n"], tmp_path / "t.model", 512)
    with pytest.raises(tokenizer_lib.TokenizerError, match="vocab_size 4096"):
        tokenizer_lib.train(["too little text"], tmp_path / "t.model", 4096)
    with pytest.raises(tokenizer_lib.TokenizerError, match="v1, v3"):
        tokenizer_lib.mistral_path("v2")
    for encode in (trained.encode, lambda text: trained.encode_batch([text])):
        with pytest.raises(ValueError, match="surrogate"):
            encode("\ud800")
    with pytest.raises(ValueError, match="vocabulary of 512"):
        trained.decode([512])
