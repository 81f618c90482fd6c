"""SentencePiece tokenizers: training a small one, loading any, and finding Mistral's own.

Ids follow Mistral's models: unk 0, bos 1, eos 2, then the control symbols, [INST] 3 and [/INST] 4 first. There is no padding
id (Mistral's would equal unk), so padding is always told by a mask and never by an id.
"""

from __future__ import annotations

import collections
import hashlib
import heapq
import io
import os
import pathlib
import random
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import sentencepiece

CONTROL_SYMBOLS = ("[INST]", "[/INST]", "[PREFIX]", "[SUFFIX]")
# The trainer uses the tab internally and drops it, and lines end documents in it: as symbols of their own both survive.
USER_SYMBOLS = ("\n", "\t")
RESERVED_IDS = 3 + len(CONTROL_SYMBOLS) + len(USER_SYMBOLS) + 256
MIN_VOCAB_SIZE = RESERVED_IDS + 128
MISTRAL_MODELS = {"v1": "tokenizer.model.v1", "v3": "mistral_instruct_tokenizer_240323.model.v3"}
# SentencePiece writes a space as this character, so the character itself needs its own way through (`Tokenizer.encode`).
_SPACE_MARK = "\u2581"
_MAX_CHUNK_CHARS = 4000


class TokenizerError(ValueError):
    """A tokenizer that can't be trained or loaded; the message names the file and what to do."""


class Tokenizer:
    """A SentencePiece model whose `decode(encode(text)) == text` for every UTF-8 text.

    Attributes:
      path: the model's file.
      sha256: hash of the model's bytes; what token caches and checkpoints are tied to.
      vocab_size: number of ids.
      bos_id: id that starts a document.
      eos_id: id that ends a document.
    """

    def __init__(self, path: str | os.PathLike[str]):
        """Loads the model at `path`; see `load` for the errors."""
        self.path = pathlib.Path(path)
        try:
            model = self.path.read_bytes()
        except OSError as error:
            reason = f"no tokenizer can be read here ({error.strerror})"
            raise TokenizerError(f"{path}: {reason}; train one or check the path") from error
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
            self.vocab_size = self._processor.vocab_size()
        except Exception as error:  # SentencePiece raises bare RuntimeErrors
            raise TokenizerError(f"{path}: not a SentencePiece model ({error}); delete it and train it anew") from error
        if self.vocab_size == 0:
            raise TokenizerError(f"{path}: an empty SentencePiece model; delete it and train it anew")
        self.sha256 = hashlib.sha256(model).hexdigest()
        self.bos_id = self._processor.bos_id()
        self.eos_id = self._processor.eos_id()
        if self.bos_id < 0 or self.eos_id < 0:
            raise TokenizerError(
                f"{path}: no <s> or no </s> in it; use a Mistral model or one trained by data.tokenizer"
            )
        self._space_mark_ids = [self._processor.piece_to_id(f"<0x{byte:02X}>") for byte in _SPACE_MARK.encode()]

    def __reduce__(self):
        return Tokenizer, (self.path,)

    def control_id(self, symbol: str) -> int:
        """Id of a control symbol such as "[INST]", which no text encodes to.

        Raises:
          TokenizerError: the model has no such symbol.
        """
        index = self._processor.piece_to_id(symbol)
        if not self._processor.is_control(index):
            raise TokenizerError(f"{self.path}: no control symbol {symbol!r}; use Mistral's v3 or train a model")
        return index

    def encode(self, text: str, bos: bool = False, eos: bool = False) -> np.ndarray:
        """Ids of a text, int32 [N], with the document's marks where asked for.

        Raises:
          ValueError: the text holds lone surrogates and so is no UTF-8.
        """
        return self._array(self._ids(text), bos, eos)

    def encode_batch(
        self, texts: Sequence[str], bos: bool = False, eos: bool = False, num_threads: int = 1
    ) -> list[np.ndarray]:
        """`encode` of each text, int32 [N_i]; the result does not depend on `num_threads`."""
        plain = [text if _SPACE_MARK not in text else "" for text in texts]
        try:
            encoded = self._processor.encode(plain, num_threads=num_threads)
        except (RuntimeError, TypeError):
            # Which text it was: the single-text path says so.
            encoded = [self._ids(text) for text in plain]
        return [
            self._array(ids if _SPACE_MARK not in text else self._ids(text), bos, eos)
            for text, ids in zip(texts, encoded)
        ]

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """The text of ids [N]; control ids decode to nothing, broken byte sequences to U+FFFD.

        Raises:
          ValueError: an id outside [0, vocab_size).
        """
        ids = np.asarray(ids, dtype=np.int64)
        if ids.size and not (0 <= ids.min() and ids.max() < self.vocab_size):
            raise ValueError(f"ids from {ids.min()} to {ids.max()} do not fit a vocabulary of {self.vocab_size}")
        return self._processor.decode(ids.tolist())

    def _ids(self, text: str) -> list[int]:
        first, *rest = text.split(_SPACE_MARK)
        try:
            ids = self._processor.encode(first)
            if rest and not first:
                # What the model would have put in front, and takes away again when it decodes.
                ids = [self._processor.piece_to_id(_SPACE_MARK)]
            for part in rest:
                # After a newline no space is put in front of `part`; the two extra ids are cut off again.
                ids += self._space_mark_ids + self._processor.encode("\n" + part)[2:]
        except RuntimeError as error:
            text.encode("utf-8")  # raises UnicodeEncodeError, a ValueError, with the position
            raise TokenizerError(f"{self.path}: cannot encode a text of {len(text)} characters ({error})") from error
        return ids

    def _array(self, ids: list[int], bos: bool, eos: bool) -> np.ndarray:
        return np.array([self.bos_id] * bos + ids + [self.eos_id] * eos, dtype=np.int32)


def load(path: str | os.PathLike[str]) -> Tokenizer:
    """The tokenizer in a SentencePiece model file.

    Raises:
      TokenizerError: the file is missing, no SentencePiece model, or lacks <s> and </s>.
    """
    return Tokenizer(path)


def mistral_path(version: str = "v3") -> pathlib.Path:
    """File of Mistral's own model as shipped in `mistral_common`: "v1" (32,000 ids) or "v3" (32,768 ids).

    Raises:
      TokenizerError: an unknown version, or `mistral_common` lacks the file.
    """
    if version not in MISTRAL_MODELS:
        raise TokenizerError(f"no Mistral tokenizer {version!r}; there are {', '.join(MISTRAL_MODELS)}")
    import mistral_common

    path = pathlib.Path(mistral_common.__file__).parent / "data" / MISTRAL_MODELS[version]
    if not path.exists():
        raise TokenizerError(f"{path}: missing from mistral_common; install the version that requirements.lock names")
    return path


def train(
    texts: Iterable[str],
    path: str | os.PathLike[str],
    vocab_size: int,
    seed: int = 0,
    max_bytes: int = 64 << 20,
    character_coverage: float = 0.9995,
) -> Tokenizer:
    """Trains a byte-fallback BPE model on texts and writes it atomically; equal arguments write equal bytes.

    Args:
      texts: the documents, read once.
      path: where the model goes.
      vocab_size: number of ids, at least `MIN_VOCAB_SIZE`.
      seed: chooses the sample of documents when they are more than `max_bytes`.
      max_bytes: UTF-8 bytes of text to learn from.
      character_coverage: share of the text's characters that get an id of their own; the rest go by bytes.

    Raises:
      TokenizerError: a vocabulary too small for the byte pieces or too large for the text, or no text at all.
    """
    if vocab_size < MIN_VOCAB_SIZE:
        raise TokenizerError(
            f"vocab_size {vocab_size} is below {MIN_VOCAB_SIZE}: {RESERVED_IDS} ids are bytes and special symbols"
        )
    sample = _sample(texts, seed, max_bytes)
    if not any(text.strip() for text in sample):
        raise TokenizerError(f"{path}: no text to train a tokenizer on; check that the data stage kept documents")
    rare = _rare_characters(sample, character_coverage, (vocab_size - RESERVED_IDS) // 2)
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(chunk for text in sample for chunk in _chunks(text.translate(rare))),
            model_writer=model,
            model_type="bpe",
            vocab_size=vocab_size,
            byte_fallback=True,
            unk_id=0,
            bos_id=1,
            eos_id=2,
            pad_id=-1,
            control_symbols=list(CONTROL_SYMBOLS),
            user_defined_symbols=list(USER_SYMBOLS),
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            split_digits=True,
            character_coverage=1.0,
            max_sentence_length=4 * _MAX_CHUNK_CHARS,
            shuffle_input_sentence=False,
            # More threads change nothing but the settings stored in the file, and so its hash.
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        reason = f"training with vocab_size {vocab_size} failed ({error})"
        raise TokenizerError(f"{path}: {reason}; ask for fewer ids or give it more text") from error
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(model.getvalue())
    os.replace(partial, path)
    return load(path)


def _sample(texts: Iterable[str], seed: int, max_bytes: int) -> list[str]:
    """A uniform sample of the texts of at most `max_bytes` bytes, in their order; all of them if they fit."""
    generator = random.Random(seed)
    kept: list[tuple[float, int, int, str]] = []
    total = 0
    for index, text in enumerate(texts):
        num_bytes = len(text.encode("utf-8"))
        heapq.heappush(kept, (generator.random(), index, num_bytes, text))
        total += num_bytes
        while total > max_bytes and len(kept) > 1:
            total -= heapq.heappop(kept)[2]
    return [text for _, _, _, text in sorted(kept, key=lambda item: item[1])]


def _chunks(text: str) -> Iterable[str]:
    """Pieces of a text short enough for the trainer, cut at line ends where there are any.

    Newlines stay inside: a line's first word has no space before it, and must not learn one.
    """
    start = 0
    while start < len(text):
        end = min(start + _MAX_CHUNK_CHARS, len(text))
        if end < len(text):
            newline = text.rfind("\n", start, end)
            end = newline + 1 if newline > start else end
        yield text[start:end]
        start = end


def _rare_characters(texts: Sequence[str], coverage: float, max_characters: int) -> dict[int, str]:
    """Translation of every character that gets no id of its own into a newline, where no piece crosses.

    Frequent characters keep an id until they cover `coverage` of the text, or are `max_characters`: a small vocabulary
    must keep room for words. The trainer's own cut does not go below a coverage of 0.98, too much for such a one.
    """
    counts: collections.Counter[str] = collections.Counter()
    for text in texts:
        counts.update(text)
    wanted = coverage * sum(counts.values())
    covered, kept, rare = 0, 0, {}
    # Equal counts in the order of the characters, not of their first appearance.
    for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        unfit = character == _SPACE_MARK or unicodedata.category(character) == "Cc"
        if unfit or kept >= max_characters or covered >= wanted:
            rare[ord(character)] = "\n"
        else:
            kept, covered = kept + 1, covered + count
    return {code: mark for code, mark in rare.items() if chr(code) not in USER_SYMBOLS}
