"""The server in a thread, and the binary as users start it."""

import contextlib
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading

import pytest

from launch.feedback.pairs import PairList
from launch.feedback.server import FeedbackServer
from launch.feedback.session import Session
from launch.feedback.store import AnswerStore

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture
def serve(tmp_path):
    """serve(pairs, port=0) -> a context of a server that answers."""

    @contextlib.contextmanager
    def run(pairs, port=0, host="127.0.0.1"):
        with AnswerStore(tmp_path, "kim") as store, FeedbackServer(host, port) as server:
            server.session = Session(PairList(pairs), store, 0)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join()

    return run


class Binary:
    """A started `python -m launch.collect_feedback`.

    Attributes:
      lines: of its output so far.
      url: of its page.
    """

    def __init__(self, *arguments):
        command = [sys.executable, "-u", "-m", "launch.collect_feedback", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self.lines = []
        self._queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.url = self.wait_for("http://").partition("the page is ")[2].split()[0]
        self.port = int(self.url.rstrip("/").rpartition(":")[2])

    def _read(self):
        for line in self.process.stdout:
            self._queue.put(line)
        self._queue.put(None)

    def wait_for(self, words):
        """The next line that holds `words`."""
        while (line := self._queue.get()) is not None:
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError("".join(self.lines))

    def end(self, how=signal.SIGINT):
        """Ends it; the exit code. Its whole output is in `lines` then."""
        self.process.send_signal(how)
        code = self.process.wait()
        while (line := self._queue.get()) is not None:
            self.lines.append(line)
        return code


@pytest.fixture
def start():
    """start(*arguments) -> a `Binary`; killed when the test ends."""
    started = []

    def run(*arguments):
        started.append(Binary(*arguments))
        return started[-1]

    yield run
    for binary in started:
        if binary.process.poll() is None:
            os.killpg(binary.process.pid, signal.SIGKILL)
            binary.process.wait()


@pytest.fixture
def pairs_file(tmp_path):
    """write(rows) -> the path of a file of pairs."""

    def write(rows):
        path = tmp_path / "pairs.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write
