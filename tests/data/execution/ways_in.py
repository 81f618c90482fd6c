"""Attempts on the sandbox itself: on what it may use, on the next program, and on its verdict."""

from __future__ import annotations

from tests.data.execution.attempts import ENDED, HARMLESS, attempt, number

HOGS = [
    attempt("a loop", "while True: pass", {"timeout"}),
    attempt("a loop in C", "sum(iter(int, 1))", {"timeout"}),
    attempt(
        "a loop that hears no signal",
        "for n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\nwhile True: pass",
        {"timeout"},
    ),
    attempt("a sleep", "time.sleep(1000)", {"timeout"}),
    attempt("a sleep in parts", "while True: time.sleep(0.01)", {"timeout"}),
    attempt("a stop", "os.kill(os.getpid(), signal.SIGSTOP)", {"timeout"}),
    attempt("a sleep without files", "os.closerange(0, 64)\ntime.sleep(1000)", {"timeout"}),
    attempt("a regular expression", "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')", {"timeout"}),
    attempt("one large number", "10 ** 10 ** 10", ENDED),
    attempt(
        "loops of its children",
        "for n in range(4):\n    if os.fork() == 0:\n        while True: pass\nos.wait()",
        {"timeout"},
    ),
    attempt("processes", "while True: os.fork()", ENDED),
    attempt(
        "processes that refuse to be counted out",
        "while True:\n    try: os.fork()\n    except OSError: pass",
        {"timeout"},
    ),
    attempt(
        "threads", "import threading\nwhile True: threading.Thread(target=time.sleep, args=(1000,)).start()", ENDED, 5
    ),
    attempt("memory", "kept = [bytearray(1 << 20) for n in range(1 << 20)]", ENDED),
    attempt("memory at once", "bytearray(1 << 40)", ENDED),
    attempt("memory without a limit", f"call({number('memfd_create')}, b'x', 0)\ncall({number('memfd_secret')}, 0)"),
    attempt("memory mapped", "import mmap\nmmap.mmap(-1, 1 << 36)", ENDED),
    attempt("one file", "open('x', 'wb').write(bytes(2 << 20))", ENDED),
    attempt("many files", "for n in range(10): open(f'{n}', 'wb').write(bytes(1 << 20))", ENDED),
    attempt("a file with holes", "open('x', 'wb').truncate(1 << 40)", ENDED),
    attempt("names of files", "for n in range(3000): open(f'{n}' + 'x' * 200, 'w').close()"),
    attempt("files without end", "while True: open(str(time.time_ns()), 'w').close()", {"killed"}, 5),
    attempt("deep folders", "for n in range(300):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)"),
    attempt("open files", "kept = [os.dup(1) for n in range(1000)]", ENDED),
    attempt("stdout", "while True: os.write(1, b'x' * 65536)", {"timeout"}),
    attempt("stderr", "while True: os.write(2, b'x' * 65536)", {"timeout"}),
    attempt("depth", "def f(n): return f(n + 1) + 1\nf(0)", ENDED),
    attempt("depth without a limit", "sys.setrecursionlimit(1 << 30)\ndef f(n): return [f(n + 1)]\nf(0)", ENDED),
    attempt("a program too deep to compile", "eval('(' * 100000 + ')' * 100000)", ENDED),
    attempt("an exception of a megabyte", "raise ValueError('x' * (1 << 20))", {"failed"}),
    attempt(
        "an exception that can't be shown",
        "class E(Exception):\n    def __str__(self): os._exit(0)\nraise E",
        {"failed"},
    ),
    attempt(
        "an exception whose text never ends",
        "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        {"timeout"},
    ),
    attempt("half of a character", "print('\\ud800')", {"failed"}),
    attempt("bytes that are no text", "os.write(1, bytes(range(256)) * 8)\nos.write(2, b'\\xff\\x00')"),
]

LINGERING = [
    attempt(
        "a daemon",
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True: open("/tmp/alive", "w").close()
            os._exit(0)
        time.sleep(0.2)
        """,
    ),
    attempt(
        "children that nobody waits for", "for n in range(8):\n    if os.fork() == 0: os._exit(0)\ntime.sleep(0.1)"
    ),
    attempt(
        "memory that is shared",
        f"""
        call({number("shmget")}, 7, 4096, 0o1666)
        call({number("semget")}, 7, 1, 0o1666)
        call({number("msgget")}, 7, 0o1666)
        call({number("mq_open")}, b"q", 66, 0o666, 0)
        """,
    ),
    attempt(
        "memory that has a name",
        "from multiprocessing import shared_memory\nreached(shared_memory.SharedMemory, 'left', True, 4096)",
    ),
    attempt("kills its keeper", "os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(1000)", ENDED),
    attempt("kills all it can", "reached(os.kill, -1, signal.SIGKILL)"),
    attempt("kills its group", "os.killpg(0, signal.SIGKILL)", {"killed"}),
    attempt("kills the first process", "os.kill(1, signal.SIGKILL)\ntime.sleep(0.1)", HARMLESS | ENDED),
    attempt(
        "asks its keeper to end",
        "for n in (1, 2, 10, 12, 13, 14, 15, 24): os.kill(os.getppid(), n)\ntime.sleep(0.1)",
        HARMLESS | ENDED,
    ),
    attempt("leaves the files in flight", "os.closerange(0, 1024)"),
    attempt("a last word", "import atexit\natexit.register(lambda: os.write(1, b'x' * (1 << 20)))"),
    attempt(
        "a loop at the end", "import threading\nthreading._register_atexit(lambda: sum(iter(int, 1)))", {"timeout"}
    ),
]

FORGERIES = [
    attempt("leaves with nothing to complain of", "os._exit(0)", {"failed"}),
    attempt("leaves politely", "sys.exit(0)", {"failed"}),
    attempt(
        "leaves by a signal handler",
        "signal.signal(14, lambda *_: os._exit(0))\nsignal.setitimer(signal.ITIMER_REAL, 0.01)\ntime.sleep(9)",
        {"failed"},
    ),
    attempt("leaves at the end of a failure", "import atexit\natexit.register(os._exit, 0)\nassert False", {"failed"}),
    attempt("leaves by the hook of exceptions", "sys.excepthook = lambda *_: os._exit(0)\nassert False", {"failed"}),
    attempt("becomes another program", "os.execv('/bin/true', ['true'])", {"failed"}),
    attempt("says that it passed", 'print(\'{"status": "passed"}\')\nraise SystemExit(0)', {"failed"}),
    attempt(
        "says so wherever it can",
        "for fd in range(64):\n    try: os.write(fd, b'passed' * 9)\n    except OSError: pass\nos._exit(0)",
        {"failed"},
    ),
    attempt(
        "fills what its end is told by",
        "for fd in range(3, 64):\n    try: os.write(fd, os.urandom(16))\n    except OSError: pass",
        {"failed"},
    ),
    attempt("an end before the end", "assert False\nprint('never')", {"failed"}),
    attempt("asserts that are none", "import builtins\nbuiltins.AssertionError = SystemExit\nassert False", {"failed"}),
    attempt(
        "exceptions that are none",
        "import builtins\nbuiltins.BaseException = builtins.SystemExit = KeyError\nassert False",
        {"failed"},
    ),
    attempt(
        "another way out of the interpreter",
        "import traceback\ntraceback.format_exception = lambda *_: os._exit(0)\nassert False",
        {"failed"},
    ),
    attempt("another os", "os._exit = lambda code: None\nos.write = lambda fd, data: 16\nassert False", {"failed"}),
    attempt(
        "calls the frames around it",
        """
        frame = sys._getframe()
        while frame:
            for thing in list(frame.f_locals.values()) + list(frame.f_globals.values()):
                if getattr(thing, "__name__", "") in ("_tell", "_settle", "_send"):
                    for nonce in (b"", bytes(16), b"passed"):
                        try: thing(*[3, nonce, None][: thing.__code__.co_argcount])
                        except Exception: continue
            frame = frame.f_back
        os._exit(0)
        """,
        {"failed"},
    ),
    attempt("a fork that ends well", "if os.fork() == 0: sys.exit(0)\nos.wait()\nassert False", {"failed"}),
    attempt("a fork that goes on to the end", "if os.fork():\n    os.wait()\n    os._exit(0)", {"failed"}),
    attempt(
        "a thread that ends it",
        "import threading\nthreading.Thread(target=os._exit, args=(0,)).start()\ntime.sleep(9)",
        {"failed"},
    ),
    attempt(
        "a tracer of lines",
        "def trace(*_): return trace\nsys.settrace(trace)\nsys.setprofile(lambda *_: None)\nassert False",
        {"failed"},
    ),
]
