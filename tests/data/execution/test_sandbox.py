"""Running programs that nobody has read: what passes, what doesn't, and what none of them reaches."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from data.execution import syscalls
from data.execution import worker as worker_module
from data.execution.isolation import ISOLATIONS
from data.execution.limits import Limits
from data.execution.pool import Pool
from data.execution.result import STATUSES, Refused
from data.execution.sandbox import run
from data.execution.worker import Worker

LIMITS = Limits(memory=256 << 20, processes=16, file_size=1 << 20, disk=4 << 20, output=4096)


@pytest.fixture(scope="module", params=ISOLATIONS)
def pool(request):
    try:
        opened = Pool(request.param, LIMITS)
    except Refused as refusal:
        if request.param == "process":
            raise
        pytest.skip(str(refusal))
    with opened:
        yield opened


@pytest.fixture(scope="module")
def bubble(request):
    try:
        opened = Pool("bubblewrap", LIMITS)
    except Refused as refusal:
        pytest.skip(str(refusal))
    with opened:
        yield opened


def _program(text: str, **values: object) -> str:
    return "\n".join(f"{name} = {value!r}" for name, value in values.items()) + textwrap.dedent(text)


def test_what_runs_to_its_end_passes_with_its_output(pool):
    program = """
        import dataclasses, sys, threading
        @dataclasses.dataclass
        class Point:
            x: int
        thread = threading.Thread(target=lambda: print("late"))
        thread.start()
        print(input(), Point(1), __name__)
        print("é", file=sys.stderr)
    """
    result = pool.run(textwrap.dedent(program), stdin="wörds\n", timeout=60)
    assert (result.status, result.stderr) == ("passed", "é\n")
    assert sorted(result.stdout.splitlines()) == ["late", "wörds Point(x=1) __main__"]
    assert pool.run("", timeout=60).status == "passed"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("x = 1\nassert x == 2, 'no'", "AssertionError: no"),
        ("def f(:", "SyntaxError"),
        ("x = '\0'", "null"),
        ("import sys\nsys.exit(0)", "left before its last line, with exit code 0"),
        ("raise SystemExit", "left before its last line"),
        ("import os\nos._exit(0)", "ended before its last line"),
        ("import os\nos._exit(3)", ""),
        ("print('passed')\nraise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import sys\nsys.stderr.close()\n1 / 0", ""),
    ],
)
def test_what_raises_or_leaves_early_fails_whatever_it_says(pool, program, said):
    result = pool.run(program, timeout=60)
    assert result.status == "failed" and said in result.stderr


def test_a_traceback_shows_the_program_and_nothing_around_it(pool):
    lines = pool.run("def f():\n    return 1 / 0\nf()\n", timeout=60).stderr.splitlines()
    assert [line.split(",")[0].strip() for line in lines if "File" in line] == ['File "program.py"'] * 2
    assert "    return 1 / 0" in lines


@pytest.mark.parametrize(
    "program",
    [
        "while True: pass",
        "import time\ntime.sleep(1000)",
        "import os, time\nfor fd in range(64):\n    try: os.close(fd)\n    except OSError: pass\ntime.sleep(1000)",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
        "input()\nwhile True: print('x' * 1000)",
    ],
)
def test_what_does_not_end_is_ended(pool, program):
    result = pool.run(program, stdin="\n", timeout=0.5)
    assert result.status == "timeout" and result.seconds >= 0.5
    assert len(result.stdout) <= LIMITS.output
    assert pool.run("pass", timeout=60).status == "passed"


def test_a_signal_kills(pool):
    assert pool.run("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", timeout=60).status == "killed"
    assert pool.run("import ctypes\nctypes.string_at(1)", timeout=60).status == "killed"


def test_output_is_cut_and_the_program_goes_on(pool):
    result = pool.run("import sys\nfor n in range(3000): print('y' * 1000)\nsys.stderr.write('z' * 9999)", timeout=60)
    assert result.status == "passed"
    assert result.stdout.startswith("yyy") and len(result.stdout) == len(result.stderr) == LIMITS.output


def test_memory_files_and_open_files_are_limited(pool):
    hogs = {
        "blocks = [bytearray(1 << 20) for _ in range(1000)]": "MemoryError",
        "open('large', 'wb').write(bytes(2 << 20))": "File too large",
        "kept = [open('/dev/null') for _ in range(100)]": "Too many open files",
    }
    for program, said in hogs.items():
        result = pool.run(program, timeout=60)
        assert result.status == "failed" and said in result.stderr


@pytest.mark.parametrize("way", ["os.fork()", "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()"])
def test_a_bomb_of_processes_or_threads_goes_out(pool, way):
    assert pool.run(f"import os, threading, time\nwhile True: {way}", timeout=5).status != "passed"
    assert pool.run("import os\nif os.fork(): os.wait()", timeout=60).status == "passed"


def test_what_a_program_leaves_behind_ends_with_it(pool):
    lingering = """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                open("here", "w").close()
                while True:
                    open("../stray", "w").close() if os.access("..", os.W_OK) else None
                    time.sleep(0.01)
            os._exit(0)
        while not os.path.exists("here"):
            time.sleep(0.01)
        print(os.popen("true") and "gone")
    """
    assert pool.run(textwrap.dedent(lingering), timeout=60).stdout == "gone\n"
    after = "import os, time\ntime.sleep(0.1)\nprint(os.listdir('.'), os.path.exists('../stray'))"
    assert pool.run(after, timeout=60).stdout == "[] False\n"


def test_a_program_that_turns_on_its_keeper_is_not_passed_and_the_next_one_runs(pool):
    result = pool.run("import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(1000)", timeout=5)
    assert result.status in ("killed", "failed")
    assert pool.run("print(1)", timeout=60).stdout == "1\n"


def test_the_nonce_is_not_in_reach(pool):
    forger = """
        import gc, os, sys
        frames, frame = [], sys._getframe()
        while frame:
            frames.append(frame)
            frame = frame.f_back
        seen, pending = {}, [*gc.get_objects(), *frames, *(frame.f_locals for frame in frames), sys.modules]
        while pending:
            thing = pending.pop()
            if id(thing) not in seen and thing is not pending and thing is not seen:
                seen[id(thing)] = thing
                pending.extend(gc.get_referents(thing))
        guesses = [thing for thing in seen.values() if isinstance(thing, (bytes, bytearray)) and len(thing) == 16]
        guesses += [b"passed", "\\n".join([*sys.argv, *os.environ.values()]).encode()]
        for fd in range(1, 64):
            try:
                os.set_blocking(fd, False)
                guesses.append(os.read(fd, 16))
            except OSError:
                continue
        for guess in guesses:
            for fd in range(1, 64):
                try:
                    os.write(fd, guess)
                except OSError:
                    continue
        os._exit(0)
    """
    assert pool.run(textwrap.dedent(forger), timeout=60).status == "failed"
    split = "import os\nif os.fork():\n    os.wait()\n    raise ValueError('the other one ran to the end')"
    assert pool.run(split, timeout=60).status == "failed"


def test_statuses_do_not_depend_on_what_ran_before(pool):
    programs = ["pass", "1 / 0", "import os; os._exit(0)", "import os; os.abort()", "open('x', 'w')", "open('x')"]
    alone = [pool.run(program, timeout=60).status for program in programs]
    assert alone == ["passed", "failed", "failed", "killed", "passed", "failed"]
    assert [result.status for result in pool.run_many(programs[::-1], timeout=60)] == alone[::-1]


def test_threads_share_a_pool():
    with Pool("process", LIMITS) as shared, concurrent.futures.ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda n: shared.run(f"print({n})", timeout=60), range(12)))
        assert [result.stdout for result in results] == [f"{n}\n" for n in range(12)]


def test_a_pool_outlives_the_thread_that_made_it(pool):
    made = []
    thread = threading.Thread(target=lambda: made.append(Pool(pool.isolation, LIMITS)))
    thread.start()
    thread.join()
    with made[0] as orphan:
        time.sleep(0.1)
        assert orphan.run("print(1)", timeout=60).stdout == "1\n"


def test_neither_files_nor_the_environment_of_the_host_are_seen(bubble, tmp_path, monkeypatch):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for folder in (tmp_path, *list(tmp_path.parents)[:2], secret):
        os.chmod(folder, 0o755)
    monkeypatch.setenv("TOKEN", "secret")
    for path in (str(secret), __file__, "/etc/passwd", "/proc/1/environ", sys.prefix):
        result = bubble.run(_program("\nopen(path)", path=path), timeout=60)
        assert result.status == "failed" and "No such file" in result.stderr, path
    with Pool("bubblewrap", LIMITS) as fresh:
        assert "secret" not in fresh.run("import os\nprint(os.environ)", timeout=60).stdout


def test_nothing_is_written_but_in_the_temporary_folder(bubble):
    program = """
    import os
    for folder in ("/", "/usr", "/lib", "/dev", os.path.dirname(os.__file__)):
        try:
            open(os.path.join(folder, "x"), "w")
        except OSError as error:
            continue
        raise AssertionError(folder)
    open("/tmp/x", "w").write("x")
    try:
        for n in range(8):
            open(f"/tmp/{n}", "wb").write(bytes(1 << 20))
    except OSError as full:
        print(full)
    """
    result = bubble.run(textwrap.dedent(program), timeout=60)
    assert result.status == "passed" and "No space left" in result.stdout
    assert bubble.run("import os\nprint(os.listdir('/tmp'))", timeout=60).stdout == "['job']\n"


def test_the_network_is_out_of_reach(bubble):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.5)
        address = listening.getsockname()
        connect = _program("\nimport socket\nsocket.create_connection(address, timeout=5)", address=address)
        assert bubble.run(connect, timeout=60).status == "failed"
        with pytest.raises(TimeoutError):
            listening.accept()


def test_there_is_no_way_to_more_rights(bubble):
    program = """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        assert os.getuid() != 0 and os.getuid() == os.geteuid()
        assert libc.unshare(0x10000000) == -1  # a user namespace of its own
        assert libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == -1
        assert libc.ptrace(16, os.getppid(), 0, 0) == -1
        try:
            os.setuid(0)
        except OSError:
            print("held")
    """
    result = bubble.run(textwrap.dedent(program), timeout=60)
    assert (result.status, result.stdout) == ("passed", "held\n"), result.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root has rights to give up")
def test_root_runs_programs_as_somebody_else(pool):
    assert (
        pool.run("import os\nassert os.getuid() and os.getgid() and 0 not in os.getgroups()", timeout=60).status
        == "passed"
    )


def test_without_bubblewrap_nothing_runs_unless_the_user_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    refused = run("print(1)")
    assert refused.status == "refused" and "apt-get install bubblewrap" in refused.stderr
    assert "isolation=process" in refused.stderr
    assert run("print(1)", isolation="process", timeout=60).status == "passed"
    broken = tmp_path / "bwrap"
    broken.write_text(f"#!{sys.executable}\nraise SystemExit('no namespaces here')\n")
    broken.chmod(0o755)
    setpriv = tmp_path / "setpriv"
    setpriv.symlink_to("/usr/bin/setpriv")
    os.chmod(tmp_path, 0o755)
    refused = run("print(1)")
    assert refused.status == "refused" and "doesn't work on this machine" in refused.stderr
    with pytest.raises(Refused):
        Pool()
    assert {"refused", "passed"} < set(STATUSES)


def test_what_makes_no_sense_is_an_error():
    with pytest.raises(ValueError, match="bubblewrap, process"):
        run("pass", isolation="none")
    worker = Worker("process")
    for timeout in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="timeout"):
            worker.run("pass", timeout=timeout)
    worker.close()
    assert not worker.alive


@contextlib.contextmanager
def _busy_machine():
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def test_statuses_do_not_depend_on_what_else_the_machine_does(pool):
    work = "import time\nwhile time.process_time() < 0.4: pass\nprint('done')"
    programs = {work: "passed", work.replace("0.4", "9"): "timeout", "import time\ntime.sleep(9)": "timeout"}
    with _busy_machine():
        for program, status in programs.items():
            assert pool.run(program, timeout=0.8).status == status, program
    for program, status in programs.items():
        assert pool.run(program, timeout=0.8).status == status, program


def test_who_took_too_long_is_not_passed_however_late_that_is_seen(pool):
    late = "import time\nwhile time.process_time() < 0.3: pass"
    assert pool.run(late, timeout=0.1).status == "timeout"


def test_an_interpreter_that_was_stopped_is_given_up(pool, monkeypatch):
    monkeypatch.setattr(worker_module, "_GRACE_SECONDS", 1.0)
    with Pool(pool.isolation, LIMITS) as own:
        stop = "import os, signal, time\nos.kill(os.getppid(), signal.SIGSTOP)\ntime.sleep(1000)"
        stopped = own.run(stop, timeout=60)
        # As another user than the interpreter's it can't be stopped: then the sleep's own time ends it.
        assert stopped.status in ("killed", "timeout", "failed")
        assert own.run("print(1)", timeout=60).stdout == "1\n"


def test_filters_are_known_for_both_machines_and_differ():
    filters = {machine: syscalls.program(machine) for machine in ("x86_64", "aarch64", "riscv64")}
    assert filters["riscv64"] == b"" and filters["x86_64"] != filters["aarch64"]
    assert all(len(code) % 8 == 0 and len(code) < 8 * 4096 for code in filters.values())


def test_programs_go_first_where_memory_runs_out(pool):
    with Pool(pool.isolation, LIMITS) as own:
        started = own._worker._process.pid
        assert pathlib.Path(f"/proc/{started}/oom_score_adj").read_text().strip() == "1000"
