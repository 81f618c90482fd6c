"""A store of a model's answers on disk: an evaluation that was cut off goes on at the sample where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
import dataclasses
import hashlib
import json
import pathlib
from typing import Any, TypeVar

from mistral_moe.evaluation.language_model import Continuation, Generated, LanguageModel, LogLikelihood, Prompt

T = TypeVar("T")


def _key(kind: str, request: Any) -> str:
    fields = dataclasses.asdict(request) if dataclasses.is_dataclass(request) else request
    text = json.dumps([kind, fields], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Answers:
    """A model whose answers are kept; see `LanguageModel`.

    Equal requests are asked once. A line that was cut off by the end of the process is asked again.

    Args:
      path: a .jsonl, made with its folder where it isn't there; answers of a model of another identity are put aside.
      model: who answers what isn't kept.
      progress: told (requests answered, requests in all) of each call, and once at its start.
    """

    def __init__(
        self, path: pathlib.Path, model: LanguageModel, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        self.identity = model.identity
        self._path, self._model, self._progress = path, model, progress
        self._kept: dict[str, list[Any]] = {}
        self._load()

    def _load(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        header = json.dumps({"model": self.identity})
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        if not lines or lines[0] != header:
            self._path.write_text(header + "\n", encoding="utf-8")
            return
        whole = 1
        for line in lines[1:]:
            try:
                key, fields = json.loads(line)
            except ValueError:
                break
            self._kept[key] = fields
            whole += 1
        if whole < len(lines) or not self._path.read_bytes().endswith(b"\n"):
            self._path.write_text("\n".join(lines[:whole]) + "\n", encoding="utf-8")

    def _ask(
        self, kind: str, requests: Sequence[Any], ask: Callable[[Sequence[Any]], Iterator[tuple[int, T]]], form: type[T]
    ) -> Iterator[tuple[int, T]]:
        places: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            places.setdefault(_key(kind, request), []).append(index)
        new = [key for key in places if key not in self._kept]
        done = len(requests) - sum(len(places[key]) for key in new)
        self._progress(done, len(requests))
        for key, indices in places.items():
            if key in self._kept:
                yield from ((index, form(*self._kept[key])) for index in indices)
        if not new:
            return
        with self._path.open("a", encoding="utf-8") as file:
            for place, answer in ask([requests[places[key][0]] for key in new]):
                key, fields = new[place], list(dataclasses.astuple(answer))
                self._kept[key] = fields
                file.write(json.dumps([key, fields]) + "\n")
                file.flush()
                done += len(places[key])
                self._progress(done, len(requests))
                yield from ((index, answer) for index in places[key])

    def log_likelihoods(self, requests: Sequence[Continuation]) -> Iterator[tuple[int, LogLikelihood]]:
        """See `LanguageModel`."""
        return self._ask("likelihood", requests, self._model.log_likelihoods, LogLikelihood)

    def rolling(self, texts: Sequence[str]) -> Iterator[tuple[int, LogLikelihood]]:
        """See `LanguageModel`."""
        return self._ask("rolling", texts, self._model.rolling, LogLikelihood)

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Generated]]:
        """See `LanguageModel`."""
        return self._ask("generate", prompts, self._model.generate, Generated)
