"""The display: what it says, how seldom it says it, and that it never breaks a run."""

import io

import pytest
from rich.console import Console

from launch import progress as progress_lib
from launch.progress import NullProgress, Progress, format_figure, format_seconds


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    result = Clock()
    monkeypatch.setattr(progress_lib.time, "monotonic", result)
    return result


class ClosedPipe(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def plain():
    file = io.StringIO()
    return file, Console(file=file, width=40)


@pytest.mark.parametrize("seconds, text", [(0, "0:00"), (-3, "0:00"), (79.9, "1:19"), (3723, "1:02:03")])
def test_seconds(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("loss", 2.34567, "loss 2.346"),
        ("tokens_per_second", 12345.6, "12,346 tokens/s"),
        ("learning_rate", 3e-4, "learning rate 0.0003"),
        ("domain", "code", "domain code"),
    ],
)
def test_figures(name, value, text):
    assert format_figure(name, value) == text


def test_without_a_terminal_lines_are_plain_and_rare(clock):
    file, console = plain()
    with Progress(["data", "seed"], console) as progress:
        progress.skip("data")
        with progress.stage("seed") as stage:
            stage.update(40, 100, loss=3.0)
            for step in range(41, 71):  # one second a step, resumed at 40
                clock.now += 1.0
                stage.update(step, loss=2.5, tokens_per_second=1000.0)
            stage.note("saved [a checkpoint]")
    assert file.getvalue().splitlines() == [
        "[1/2] data: already complete",
        "[2/2] seed: started",
        "[2/2] seed: step 50/100, loss 2.500, 1,000 tokens/s, 0:50 left",
        "[2/2] seed: step 60/100, loss 2.500, 1,000 tokens/s, 0:40 left",
        "[2/2] seed: step 70/100, loss 2.500, 1,000 tokens/s, 0:30 left",
        "seed: saved [a checkpoint]",
        "[2/2] seed: complete in 0:30 (step 70/100, loss 2.500, 1,000 tokens/s)",
    ]


def test_a_failure_is_shown_and_passed_on(clock):
    file, console = plain()
    with pytest.raises(KeyError), Progress(["seed"], console) as progress:
        with progress.stage("seed"):
            clock.now += 65
            raise KeyError("x")
    assert file.getvalue().splitlines()[-1] == "[1/1] seed: failed after 1:05"


def test_on_a_terminal_the_list_is_drawn_in_place():
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, color_system=None)
    with Progress(["data", "seed", "mix"], console, live=True) as progress:
        progress.skip("data")
        with progress.stage("seed") as stage:
            stage.update(10, 20, loss=1.5)
            progress.note("half way")
    text = file.getvalue()
    for piece in ("data", "already complete", "seed", "step 10/20, loss 1.500", "half way", "elapsed", "\x1b[?25h"):
        assert piece in text
    assert not progress._ticker.is_alive()


@pytest.mark.parametrize("live", [False, True])
def test_a_closed_pipe_or_odd_figures_do_not_break_the_run(live):
    console = Console(file=ClosedPipe(), force_terminal=live)
    done = []
    with Progress(["seed"], console, live=live) as progress:
        with progress.stage("seed") as stage:
            stage.update(1, 2, loss=object(), other=None)
            stage.note("x")
            done.append(stage.step)
    assert done == [1]


def test_the_null_progress_has_the_interface_and_says_nothing(capfd):
    with NullProgress(["a", "b"]) as progress:
        progress.skip("a")
        progress.note("x")
        with progress.stage("b") as stage:
            stage.update(1, 2, loss=1.0)
            stage.note("y")
    assert capfd.readouterr() == ("", "")
    assert stage.describe() == "step 1/2, loss 1.000"
