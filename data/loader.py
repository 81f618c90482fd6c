"""Batches from a weighted mixture of packed components, with a position that is a handful of integers.

The component of every row is the one with the largest deficit against its weight (smooth weighted round-robin), so the
stream of rows is a pure function of the state: the same on one host or many, before and after a restart.
"""

from __future__ import annotations

import copy
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from data.packing import ROW_DTYPES, PackedRows, Row

Batch = dict[str, np.ndarray]
State = dict[str, Any]
# Weights become whole numbers of this sum: their running deficits then add up exactly on every machine.
_UNITS = 1 << 32


class MixtureError(ValueError):
    """A mixture, batch size or state that can't be right; the message names the component and what to do."""


def normalise_weights(names: tuple[str, ...], weights: Mapping[str, float]) -> dict[str, float]:
    """Weights of all `names`, 0 where none is given, summing to 1.

    Raises:
      MixtureError: an unknown name, a negative or non-finite weight, or none above 0.
    """
    unknown = sorted(set(weights) - set(names))
    if unknown:
        raise MixtureError(
            f"weights name {', '.join(unknown)}, which the mixture does not have; it has {', '.join(names)}"
        )
    wrong = {name: weight for name, weight in weights.items() if not 0 <= weight < float("inf")}
    if wrong:
        raise MixtureError(f"weights must be finite and at least 0, got {wrong}")
    total = sum(weights.values())
    if not 0 < total < float("inf"):
        raise MixtureError(f"the weights of {', '.join(names)} sum to {total}; at least one must be above 0")
    return {name: weights.get(name, 0.0) / total for name in names}


class MixtureLoader:
    """An endless iterator of batches: dicts of [B, T] arrays (see `PackedRows`) and `component_ids` int32 [B].

    `component_ids` index `names`. With several processes, B is this process's contiguous share of the global batch.
    """

    def __init__(
        self,
        components: Mapping[str, PackedRows],
        weights: Mapping[str, float],
        batch_size: int,
        process_index: int = 0,
        process_count: int = 1,
    ):
        """Starts at the first row of every component.

        Args:
          components: rows by name; all of one length T.
          weights: shares of rows by name, of any sum; a component that is not named gets none.
          batch_size: rows of a global batch, over all processes.
          process_index: which share of each batch this process reads.
          process_count: number of shares.

        Raises:
          MixtureError: no or empty components, rows of unequal length, wrong weights, or a batch that does not divide.
        """
        if batch_size < 1 or not 0 <= process_index < process_count or batch_size % process_count:
            raise MixtureError(
                f"a global batch of {batch_size} rows has no equal share for process {process_index} of {process_count}; "
                "make the batch size a multiple of the number of processes"
            )
        self._components = _checked_components(components)
        self.names: tuple[str, ...] = tuple(self._components)
        self._fingerprints = {name: rows.fingerprint for name, rows in self._components.items()}
        self._batch_size = batch_size
        share = batch_size // process_count
        self._share = slice(process_index * share, (process_index + 1) * share)
        self._rows = np.zeros(len(self.names), np.int64)
        self._credits = np.zeros(len(self.names), np.int64)
        self.set_weights(weights)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        """The next batch; a failing read leaves the position where it was."""
        before = self._rows.copy(), self._credits.copy()
        try:
            chosen = [self._choose() for _ in range(self._batch_size)]
            return _stack(self._components, self.names, chosen[self._share])
        except Exception:
            self._rows, self._credits = before
            raise

    @property
    def components(self) -> dict[str, PackedRows]:
        """Rows by name."""
        return dict(self._components)

    def next_rows(self) -> list[tuple[str, int]]:
        """(component, global row index) of each row of the next global batch, over all processes; reads none of them."""
        return [(self.names[component], row) for component, row in (self._choose() for _ in range(self._batch_size))]

    @property
    def weights(self) -> dict[str, float]:
        """Share of each component, summing to exactly 1: multiples of 2^-32, which JSON and floats keep to the bit."""
        return {name: unit / _UNITS for name, unit in zip(self.names, self._units.tolist())}

    def set_weights(self, weights: Mapping[str, float]) -> None:
        """Changes the shares from the next batch on; the deficits so far are kept, so that small shares get their turn.

        Raises:
          MixtureError: as in the constructor; the weights stay as they were.
        """
        shares = normalise_weights(self.names, weights).values()
        # A weight too small for one unit would never be served; what rounding adds or takes, the largest bears.
        units = [max(round(share * _UNITS), 1) if share else 0 for share in shares]
        units[int(np.argmax(units))] += _UNITS - sum(units)
        self._units = np.array(units, np.int64)
        self._credits[self._units == 0] = 0

    def get_state(self) -> State:
        """The position as a JSON-able dict, the same on every process."""
        return {
            "rows": dict(zip(self.names, self._rows.tolist())),
            "credits": dict(zip(self.names, self._credits.tolist())),
            "weights": self.weights,
            "fingerprints": dict(self._fingerprints),
        }

    def set_state(self, state: State) -> None:
        """Continues where `get_state` was called, with any number of processes and any batch size.

        Raises:
          MixtureError: the state is malformed, or of other components, other documents, another T or seed.
        """
        try:
            fingerprints, weights = dict(state["fingerprints"]), dict(state["weights"])
            rows, credits = ({name: int(count) for name, count in state[key].items()} for key in ("rows", "credits"))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MixtureError(
                f"not a loader's state ({error!r}); restore the one saved with the checkpoint"
            ) from error
        for part in (fingerprints, weights, rows, credits):
            if set(part) != set(self.names):
                raise MixtureError(
                    f"the state is of the components {', '.join(sorted(part))}, this mixture has {', '.join(self.names)}; "
                    "resume with the components of the checkpoint or start anew"
                )
        changed = [name for name in self.names if fingerprints[name] != self._fingerprints[name]]
        if changed:
            raise MixtureError(
                f"{', '.join(changed)}: documents, row length or seed differ from the checkpoint's, so its position means "
                "nothing here; restore them or start anew"
            )
        self.set_weights(weights)
        self._rows = np.array([rows[name] for name in self.names], np.int64)
        self._credits = np.array([credits[name] for name in self.names], np.int64)

    def _choose(self) -> tuple[int, int]:
        """(component, global row index) of the next row of the stream."""
        self._credits += self._units
        component = int(np.argmax(np.where(self._units > 0, self._credits, np.iinfo(np.int64).min)))
        self._credits[component] -= _UNITS
        index = int(self._rows[component])
        self._rows[component] += 1
        return component, index


class Prefetcher:
    """Reads batches ahead in a thread. Its state is that of the batches handed out, not of those read.

    Use as a context manager, or call `close`.

    Attributes:
      names: of the components.
      waited: seconds that callers have waited for a batch that was not ready.
    """

    def __init__(self, loader: MixtureLoader, num_batches: int = 2):
        """Wraps a loader, which is the thread's from then on.

        Args:
          loader: where batches come from.
          num_batches: how many to hold ready.

        Raises:
          ValueError: `num_batches` below 1.
        """
        if num_batches < 1:
            raise ValueError(f"num_batches must be at least 1, got {num_batches}")
        self._loader = loader
        self._num_batches = num_batches
        self._thread: threading.Thread | None = None
        self._state = loader.get_state()
        self.names = loader.names
        self.waited = 0.0

    def __enter__(self) -> Prefetcher:
        return self

    def __exit__(self, *unused_error) -> None:
        self.close()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        """The next batch; an error of the reading thread is raised here, and the next call tries again."""
        if self._thread is None:
            self._ready: queue.Queue = queue.Queue(self._num_batches)
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._read, args=(self._ready, self._stop), daemon=True)
            self._thread.start()
        began = time.monotonic()
        batch, state, error = self._ready.get()
        self.waited += time.monotonic() - began
        if error is not None:
            self.close()
            raise error
        self._state = state
        return batch

    @property
    def weights(self) -> dict[str, float]:
        """Share of each component, summing to 1."""
        return dict(self._state["weights"])

    def set_weights(self, weights: Mapping[str, float]) -> None:
        """Changes the shares from the next batch on; batches read ahead with the old ones are thrown away."""
        self.close()
        self._loader.set_weights(weights)
        self._state = self._loader.get_state()

    def get_state(self) -> State:
        """The position after the last batch that was handed out."""
        return copy.deepcopy(self._state)

    def set_state(self, state: State) -> None:
        """Continues from a state of `get_state`, of a prefetcher or a loader."""
        self.close()
        self._loader.set_state(state)
        self._state = self._loader.get_state()

    def close(self) -> None:
        """Stops the thread and takes the loader back to the last batch handed out."""
        if self._thread is None:
            return
        self._stop.set()
        while self._thread.is_alive():
            # The thread may wait for room in the queue.
            try:
                self._ready.get(timeout=0.01)
            except queue.Empty:
                continue
        self._thread.join()
        self._thread = None
        self._loader.set_state(self._state)

    def _read(self, ready: queue.Queue, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                item = (next(self._loader), self._loader.get_state(), None)
            except Exception as error:  # handed to the consumer, whatever it is
                item = (None, None, error)
            ready.put(item)
            if item[2] is not None:
                return


def prefetch(loader: MixtureLoader, num_batches: int = 2) -> Prefetcher:
    """A loader that reads `num_batches` ahead in a thread."""
    return Prefetcher(loader, num_batches)


def heldout_batches(
    components: Mapping[str, PackedRows],
    batch_size: int,
    max_rows: int,
    process_index: int = 0,
    process_count: int = 1,
) -> list[Batch]:
    """The first `max_rows` rows of every component, by name: the same batches at every evaluation.

    The last batch is filled with rows of zeros (segment 0, weight 0), whose `component_ids` repeat the last real row's.

    Args:
      components: rows by name, best unshuffled.
      batch_size: rows of a global batch, over all processes.
      max_rows: most rows of one component.
      process_index: which share of each batch is returned.
      process_count: number of shares.

    Raises:
      MixtureError: no or empty components, rows of unequal length, `max_rows` below 1, or a batch that does not divide.
    """
    if max_rows < 1 or batch_size < 1 or not 0 <= process_index < process_count or batch_size % process_count:
        wanted = f"batches of {batch_size} for process {process_index} of {process_count}"
        raise MixtureError(f"cannot cut {max_rows} rows a component into {wanted}")
    components = _checked_components(components)
    names = tuple(components)
    chosen = [(i, row) for i, name in enumerate(names) for row in range(min(max_rows, len(components[name])))]
    share = batch_size // process_count
    batches = []
    for start in range(0, len(chosen), batch_size):
        mine = chosen[start : start + batch_size][process_index * share : (process_index + 1) * share]
        batch = _stack(components, names, mine, share)
        batch["component_ids"][len(mine) :] = (mine or chosen)[-1][0]
        batches.append(batch)
    return batches


def _checked_components(components: Mapping[str, PackedRows]) -> dict[str, PackedRows]:
    """Components in the order of their names."""
    if not components:
        raise MixtureError("a mixture needs at least one component")
    empty = sorted(name for name, rows in components.items() if not len(rows))
    if empty:
        raise MixtureError(f"{', '.join(empty)}: no rows; add documents or leave the component out")
    lengths = {name: rows.seq_len for name, rows in components.items()}
    if len(set(lengths.values())) > 1:
        raise MixtureError(f"components have rows of unequal lengths {lengths}; pack them all with one seq_len")
    return dict(sorted(components.items()))


def _stack(
    components: Mapping[str, PackedRows], names: tuple[str, ...], chosen: list[tuple[int, int]], size: int | None = None
) -> Batch:
    """Rows (component, global index) as one batch of `size` rows, zeros after the last."""
    rows: list[Row | None] = [None] * len(chosen)
    for component in sorted({component for component, _ in chosen}):
        places = [place for place, (owner, _) in enumerate(chosen) if owner == component]
        for place, row in zip(places, components[names[component]].rows([chosen[place][1] for place in places])):
            rows[place] = row
    size = len(chosen) if size is None else size
    seq_len = components[names[0]].seq_len
    batch = {name: np.zeros((size, seq_len), dtype) for name, dtype in ROW_DTYPES.items()}
    for place, row in enumerate(rows):
        for name, value in row.items():
            batch[name][place] = value
    batch["component_ids"] = np.zeros(size, np.int32)
    batch["component_ids"][: len(chosen)] = [component for component, _ in chosen]
    return batch
