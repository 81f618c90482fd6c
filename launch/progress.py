"""The display of a run: on a terminal a live list of stages, elsewhere a plain line now and then.

A display must never break a run: whatever goes wrong while drawing (a closed pipe, an odd terminal) turns the
display off and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

_LINE_EVERY = 10.0  # seconds between plain lines
_DRAW_EVERY = 0.5  # seconds between live frames
_UNICODE_MARKS = {"pending": "·", "running": "▶", "complete": "✓", "failed": "✗"}
_ASCII_MARKS = {"pending": ".", "running": ">", "complete": "+", "failed": "x"}
_STYLES = {"pending": "dim", "running": "bold cyan", "complete": "green", "failed": "bold red"}


def format_seconds(seconds: float) -> str:
    """`0:07`, `12:34`, `1:02:03`."""
    minutes, rest = divmod(int(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def format_figure(name: str, value: Any) -> str:
    """`loss 2.345`, `12,345 tokens/s`, `learning rate 0.0003`."""
    label = name.replace("_", " ")
    try:
        number = float(value)
    except (TypeError, ValueError):
        return f"{label} {value}"
    if name.endswith("_per_second"):
        return f"{number:{',.0f' if number >= 100 else '.3g'}} {label.removesuffix(' per second')}/s"
    if name == "loss" or name.endswith("_loss"):
        return f"{label} {number:.3f}"
    return f"{label} {number:.4g}"


class StageProgress:
    """What a running stage reports to. Figures are plain Python numbers: they are formatted on another thread."""

    def __init__(self, name: str, changed: Callable[[StageProgress], None], note: Callable[[str], None]):
        self.name = name
        self.status = "pending"
        self.started = 0.0
        self.seconds: float | None = None
        self.step = 0
        self.total: int | None = None
        self.figures: dict[str, Any] = {}
        self.skipped = False
        self._first: tuple[float, int] | None = None
        self._changed = changed
        self._note = note

    def update(self, step: int, total: int | None = None, **figures: Any) -> None:
        """Tells where the stage is; cheap enough to be called at every step.

        Args:
          step: steps done.
          total: steps in all; kept from the last call if None.
          **figures: `loss`, `tokens_per_second` and whatever else is worth a look; kept until told anew.
        """
        if self._first is None or step < self._first[1]:
            self._first = (time.monotonic(), step)  # a resumed stage does not start at zero
        self.step = step
        self.total = total if total is not None else self.total
        self.figures.update(figures)
        self._changed(self)

    def note(self, text: str) -> None:
        """Prints one line that stays."""
        self._note(f"{self.name}: {text}")

    def time_left(self) -> float | None:
        """Seconds to the end at the pace since the first update; None while that cannot be known."""
        if self._first is None or not self.total or self.step <= self._first[1]:
            return None
        pace = (time.monotonic() - self._first[0]) / (self.step - self._first[1])
        return max(self.total - self.step, 0) * pace

    def describe(self) -> str:
        """`step 20/100, loss 2.345, 12,345 tokens/s, 1:20 left`."""
        parts = []
        if self._first is not None:
            parts.append(f"step {self.step:,}/{self.total:,}" if self.total else f"step {self.step:,}")
        parts += [format_figure(name, value) for name, value in tuple(self.figures.items())]
        left = self.time_left()
        if left is not None and self.status == "running":
            parts.append(f"{format_seconds(left)} left")
        return ", ".join(parts)


class Progress:
    """A context manager that shows how far a list of stages is.

    Args:
      stage_names: the stages in their order.
      console: where to draw; stdout by default.
      live: whether to redraw in place; by default whether `console` is a terminal that can.
    """

    def __init__(self, stage_names: Sequence[str], console: Console | None = None, live: bool | None = None):
        self._console = console or Console(highlight=False)
        self._is_live = self._console.is_interactive and self._console.file.isatty() if live is None else live
        self._stages = {name: StageProgress(name, self._on_update, self.note) for name in stage_names}
        self._live: Live | None = None
        self._works = True
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._ticker: threading.Thread | None = None
        self._began = time.monotonic()
        self._last_line = 0.0

    def __enter__(self) -> Progress:
        self._began = time.monotonic()
        if self._is_live:
            # stdout and stderr are not redirected: a forked worker would inherit the redirection and its locks.
            self._live = Live(
                console=self._console,
                get_renderable=self._render,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._safely(lambda: self._live.start(refresh=True))
            self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._ticker.start()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._stop.set()
        if self._ticker is not None:
            self._ticker.join(timeout=5)
        if self._live is not None:
            with contextlib.suppress(Exception, SystemExit):  # even after a failure: it gives the cursor back
                self._live.stop()

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[StageProgress]:
        """Marks a stage as running, then as complete, or as failed when the body raises."""
        stage = self._stages[name]
        stage.status, stage.started, stage.seconds = "running", time.monotonic(), None
        self._last_line = time.monotonic()
        self._line(stage, "started")
        try:
            yield stage
        except BaseException:
            self._end(stage, "failed", "failed after")
            raise
        self._end(stage, "complete", "complete in")

    def skip(self, name: str) -> None:
        """Marks a stage as found complete."""
        stage = self._stages[name]
        stage.status, stage.skipped = "complete", True
        self._line(stage, "already complete")

    def note(self, text: str) -> None:
        """Prints one line that stays."""
        if self._live is not None:
            self._safely(lambda: self._console.print(Text(text)))
        else:
            self._print(text)

    def _end(self, stage: StageProgress, status: str, verb: str) -> None:
        stage.status, stage.seconds = status, time.monotonic() - stage.started
        details = f" ({stage.describe()})" if stage.describe() else ""
        self._line(stage, f"{verb} {format_seconds(stage.seconds)}{details}")

    def _on_update(self, stage: StageProgress) -> None:
        now = time.monotonic()
        if self._live is None and now - self._last_line >= _LINE_EVERY:
            self._last_line = now
            self._line(stage, stage.describe())

    def _line(self, stage: StageProgress, text: str) -> None:
        if self._live is not None:
            self._safely(self._live.refresh)
        else:
            position = tuple(self._stages).index(stage.name) + 1
            self._print(f"[{position}/{len(self._stages)}] {stage.name}: {text}")

    def _print(self, text: str) -> None:
        self._safely(lambda: print(text, file=self._console.file, flush=True))

    def _tick(self) -> None:
        while self._works and not self._stop.wait(_DRAW_EVERY):
            self._safely(self._live.refresh)

    def _safely(self, draw: Callable[[], Any]) -> None:
        """Draws; the first failure turns the display off."""
        if not self._works or self._console.quiet:
            return
        with self._lock:
            try:
                draw()
            except (Exception, SystemExit):  # rich answers a closed pipe with SystemExit
                self._works = False

    def _render(self) -> Group:
        marks = _ASCII_MARKS if self._console.options.ascii_only else _UNICODE_MARKS
        table = Table.grid(padding=(0, 1))
        for stage in self._stages.values():
            if stage.skipped:
                time_text, details = "", Text("already complete", style="dim")
            elif stage.status == "running":
                time_text, details = format_seconds(time.monotonic() - stage.started), Text(stage.describe())
            else:
                time_text = format_seconds(stage.seconds) if stage.seconds is not None else ""
                details = Text(stage.describe(), style="dim")
            running = stage.status == "running" and stage.total
            bar = ProgressBar(total=stage.total, completed=stage.step, width=16) if running else ""
            style = _STYLES[stage.status]
            table.add_row(Text(marks[stage.status], style), Text(stage.name, style), Text(time_text), bar, details)
        return Group(table, Text(f"elapsed {format_seconds(time.monotonic() - self._began)}", style="dim"))


class NullProgress(Progress):
    """Shows nothing: for tests and for callers with a display of their own."""

    def __init__(self, stage_names: Sequence[str]):
        super().__init__(stage_names, Console(file=io.StringIO(), quiet=True), live=False)
