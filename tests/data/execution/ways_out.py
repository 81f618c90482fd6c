"""Attempts on what lies outside the sandbox: the network, files, rights."""

from __future__ import annotations

from tests.data.execution.attempts import attempt, number

NETWORK = [
    attempt("tcp to the internet", "reached(socket.create_connection, ('1.1.1.1', 443), 0.5)"),
    attempt("tcp to the host", "reached(socket.create_connection, ('127.0.0.1', HOST_PORT), 0.5)"),
    attempt(
        "tcp over version 6",
        """
        def connect():
            with socket.socket(socket.AF_INET6) as way:
                way.settimeout(0.5)
                way.connect(("2606:4700:4700::1111", 443))
        reached(connect)
        """,
    ),
    attempt("udp", "reached(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto, b'x', ('8.8.8.8', 53))"),
    attempt("names", "reached(socket.getaddrinfo, 'example.com', 80)"),
    attempt("raw packets", "reached(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)"),
    attempt("packets of the link", "reached(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 3)"),
    attempt("the host of a virtual machine", "reached(socket.socket, 40, socket.SOCK_STREAM)"),
    attempt("talk with the kernel", "reached(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, 0)"),
    attempt("the kernel's own ciphers", "reached(socket.socket, socket.AF_ALG, socket.SOCK_SEQPACKET, 0)"),
    attempt("the host's socket by name", "reached(socket.socket(socket.AF_UNIX).connect, '\\0' + HOST_NAME)"),
    attempt(
        "the host's sockets by path",
        """
        for path in (HOST_SOCKET, "/var/run/docker.sock", "/run/systemd/private", "/run/dbus/system_bus_socket"):
            reached(socket.socket(socket.AF_UNIX).connect, path)
        """,
    ),
    attempt("other interfaces", "assert [name for _, name in socket.if_nameindex()] == ['lo'] or print('ESCAPED')"),
]

FILES = [
    attempt(
        "reads what is the host's",
        """
        paths = ["/etc/shadow", "/etc/passwd", "/root", "/work", "/home", "/var", "/sys", "/boot", "/run", HOST_FILE]
        for path in paths:
            reached(open, path)
            # Python's own place, which may lie in a home, is shown, and nothing beside it.
            seen = set(os.listdir(path)) if os.path.isdir(path) else set()
            own = os.path.relpath(sys.prefix, path).split("/")[0] if sys.prefix.startswith(path + "/") else None
            assert seen <= {own} or print("ESCAPED", path, seen)
        """,
    ),
    attempt(
        "reads over its own root", "assert set(os.listdir('/../../..')) == set(os.listdir('/')) or print('ESCAPED')"
    ),
    attempt(
        "reads by a link",
        """
        for target in ("/etc/shadow", HOST_FILE, "/proc/1/root/etc/passwd"):
            os.symlink(target, "link")
            reached(open, "link")
            os.unlink("link")
        """,
    ),
    attempt("links a file of root", "reached(os.link, '/etc/passwd', 'mine')\nreached(os.link, HOST_FILE, 'mine')"),
    attempt(
        "processes as files",
        """
        for path in ("self/mem", "self/maps", "1/environ", f"{os.getppid()}/mem", "self/fd", "sysrq-trigger"):
            reached(open, "/proc/" + path)
            reached(os.listdir, "/proc/" + path)
        """,
    ),
    attempt("secrets of the environment", "assert 'sesame' not in str(os.environ) or print('ESCAPED')"),
    attempt(
        "secrets in inherited files",
        """
        for fd in range(3, 64):
            try:
                os.set_blocking(fd, False)
                print("ESCAPED" if b"sesame" in os.read(fd, 1 << 16) else "")
            except OSError:
                continue
        """,
    ),
    attempt(
        "writes to the system",
        """
        own = [sys.prefix, os.path.dirname(os.__file__)]
        for folder in ["/", "/usr", "/usr/bin", "/etc", "/lib", "/bin", "/dev", "/dev/shm", *own]:
            reached(open, os.path.join(folder, "x"), "w")
            reached(os.mkdir, os.path.join(folder, "y"))
        reached(os.unlink, os.__file__)
        reached(os.rename, "/usr/bin", "/usr/nib")
        reached(os.chmod, "/usr/bin/env", 0o4777)
        """,
    ),
    attempt("makes a device", "reached(os.mknod, 'disk', 0o60666, os.makedev(8, 0))\nreached(open, '/dev/sda', 'rb')"),
    attempt("memory of the machine", "reached(open, '/dev/mem', 'rb')\nreached(open, '/dev/kmsg')"),
    attempt(
        "a file by its handle",
        f"""
        handle = (ctypes.c_ubyte * 136)(8, 0, 0, 0, 1, 0, 0, 0, 2)
        call({number("open_by_handle_at")}, os.open("/", os.O_RDONLY), handle, 0)
        """,
    ),
    attempt(
        "leaves a program that would own who runs it",
        """
        open("own", "w").write("#!/bin/sh\\nid")
        os.chmod("own", 0o6777)
        assert os.stat("own").st_uid != 0 or print("ESCAPED")
        """,
    ),
    attempt(
        "leaves files for the next",
        "os.makedirs('../a/b')\nopen('../a/b/c', 'w')\nos.chmod('../a', 0)\nopen('.d', 'w')",
    ),
    attempt("moves the next one's folder", "os.rename('../job', '../gone')\nos.symlink('/usr', '../job')"),
    attempt("takes rights from the folder", "os.chmod('.', 0)\nos.chmod('..', 0o500)"),
]

RIGHTS = [
    attempt(
        "becomes root",
        "reached(os.setuid, 0)\nreached(os.setgid, 0)\nreached(os.setgroups, [0])\nreached(os.setresuid, 0, 0, 0)",
    ),
    attempt(
        "becomes root by a program",
        """
        import subprocess
        for tool in (["su", "-c", "id"], ["sudo", "-n", "id"], ["mount", "-t", "tmpfs", "x", "/tmp"], ["newgrp"]):
            try:
                said = subprocess.run(tool, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=5)
            except (OSError, subprocess.TimeoutExpired):
                continue
            print("ESCAPED" if said.returncode == 0 or "uid=0" in said.stdout else "")
        """,
        seconds=5,
    ),
    attempt(
        "a namespace of its own",
        f"for kind in (0x10000000, 0x20000, 0x40000000, 0x20000000): call({number('unshare')}, kind)",
    ),
    attempt(
        "a child in a namespace of its own",
        f"""
        child = libc.syscall({number("clone")}, 0x10000000 | 17, 0, 0, 0, 0)
        if child == 0:
            print("ESCAPED", flush=True)
            os._exit(0)
        assert child == -1 and libc.syscall({number("clone3")}, 0, 0) == -1
        """,
    ),
    attempt(
        "mounts",
        f"""
        call({number("mount")}, b"none", b"/tmp", b"tmpfs", 0, 0)
        call({number("umount2")}, b"/tmp", 2)
        call({number("fsopen")}, b"tmpfs", 0)
        """,
    ),
    attempt("another root", "os.mkdir('r')\nreached(os.chroot, 'r')\n" + f"call({number('pivot_root')}, b'r', b'r')"),
    attempt("enters a namespace", f"call({number('setns')}, os.open('/', os.O_RDONLY), 0)"),
    attempt("traces", f"call({number('ptrace')}, 16, os.getppid(), 0, 0)\ncall({number('ptrace')}, 0x4206, 1, 0, 0)"),
    attempt(
        "memory of its parent",
        f"""
        here = ctypes.create_string_buffer(64)
        class Part(ctypes.Structure):
            _fields_ = [("start", ctypes.c_void_p), ("size", ctypes.c_size_t)]
        mine, its = Part(ctypes.addressof(here), 64), Part(ctypes.addressof(here), 64)
        for pid in (os.getppid(), 1):
            call({number("process_vm_readv")}, pid, ctypes.byref(mine), 1, ctypes.byref(its), 1, 0)
            call({number("process_vm_writev")}, pid, ctypes.byref(mine), 1, ctypes.byref(its), 1, 0)
        """,
    ),
    attempt(
        "files of its parent",
        f"""
        parent = os.pidfd_open(os.getppid())
        for fd in range(8):
            call({number("pidfd_getfd")}, parent, fd, 0)
        """,
    ),
    attempt(
        "keys of who started it",
        f"call({number('keyctl')}, 0, -3, 0, 0, 0)\ncall({number('add_key')}, b'user', b'k', b'v', 1, -3)",
    ),
    attempt("rings of requests", f"call({number('io_uring_setup')}, 8, ctypes.create_string_buffer(120))"),
    attempt("programs for the kernel", f"call({number('bpf')}, 0, ctypes.create_string_buffer(128), 128)"),
    attempt(
        "counters of the machine", f"call({number('perf_event_open')}, ctypes.create_string_buffer(128), 0, -1, -1, 0)"
    ),
    attempt("faults of its own", f"call({number('userfaultfd')}, 0)\ncall({number('userfaultfd')}, 1)"),
    attempt(
        "more than its limits",
        """
        for kind in range(16):
            hard = resource.getrlimit(kind)[1]
            if hard != resource.RLIM_INFINITY:
                reached(resource.setrlimit, kind, (hard + 1, hard + 1))
        """,
    ),
    attempt("its parent's limits", "for kind in range(16): reached(resource.prlimit, os.getppid(), kind, (0, 0))"),
    attempt(
        "its parent's processors",
        """
        reached(os.sched_setaffinity, os.getppid(), {0})
        reached(os.sched_setscheduler, os.getppid(), os.SCHED_IDLE, os.sched_param(0))
        """,
    ),
    attempt(
        "its parent's turn",
        "reached(os.setpriority, os.PRIO_PROCESS, os.getppid(), 19)\nreached(os.setpriority, os.PRIO_USER, 0, 19)",
    ),
    attempt(
        "a turn before others",
        "reached(os.nice, -5)\nreached(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(50))",
    ),
    attempt(
        "the machine's clock and name",
        "reached(time.clock_settime, time.CLOCK_REALTIME, 0.0)\nreached(socket.sethostname, 'mine')",
    ),
    attempt(
        "no filter of its own lifts the one there",
        "assert libc.prctl(38, 0, 0, 0, 0) == -1 and libc.prctl(22, 0, 0) == -1",
    ),
]
