"""What a program may not ask of the kernel: a seccomp filter, as the bytes of its BPF program.

Namespaces and limits hold a program apart from the machine. The filter closes what they leave open: families of sockets
that no namespace holds (vsock reaches the host of a virtual machine), the keyrings of whoever started the sandbox,
memory that no limit counts (memfd), objects that outlive their program (System V's shared memory), the limits and the
priority of the interpreter that runs the next program, and large parts of the kernel that no program here needs
(io_uring, bpf, userfaultfd). https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Sequence

# Numbers on x86-64 and on arm64.
_NUMBERS: dict[str, tuple[int, int]] = {
    "socket": (41, 198),
    "clone": (56, 220),
    "kill": (62, 129),
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "prlimit64": (302, 261),
    "sched_setattr": (314, 274),
    "clone3": (435, 435),
    # Other processes' memory, files and threads.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "ioprio_set": (251, 30),
    # Keys of whoever started the sandbox.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # What outlives its program, or is memory that no limit counts.
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    # Namespaces and file systems.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    # Parts of the kernel that nothing here needs.
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
}
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column of the numbers, the kernel's own name
_UNIX, _INET, _INET6 = 1, 2, 10
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEW* of clone's flags
_X32 = 0x40000000  # x86-64's calls under other numbers

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets of what the kernel shows to a filter
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_Instruction = tuple[int, int, int, int]


def _fail(code: int) -> _Instruction:
    return _RETURN, 0, 0, 0x00050000 | code


def _checked(number: int, checks: Sequence[_Instruction]) -> list[_Instruction]:
    """A call's checks, in front of which its number is compared and behind which it is loaded again."""
    return [(_EQUAL, 0, len(checks) + 1, number), *checks, (_LOAD, 0, 0, _NUMBER)]


def _one_of(argument: int, values: Sequence[int], code: int) -> list[_Instruction]:
    """Fails where the argument's lower half is none of the values."""
    tests = [(_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument), *tests, _fail(code)]


def program(machine: str = platform.machine()) -> bytes:
    """The filter; empty for a machine whose numbers of system calls aren't known here.

    Calls fail with EPERM; what Python or libc has another way for, with the error that makes them take it.
    """
    if machine not in _MACHINES:
        return b""
    column, name = _MACHINES[machine]
    numbers = {call: pair[column] for call, pair in _NUMBERS.items()}
    own = errno.EPERM
    code: list[_Instruction] = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, name),
        (_RETURN, 0, 0, _KILL),  # calls of 32-bit programs have other numbers
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
    ]
    checks = {
        "socket": _one_of(0, (_UNIX, _INET, _INET6), errno.EAFNOSUPPORT),
        "clone": [(_LOAD, 0, 0, _ARGUMENTS), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), _fail(own)],
        "clone3": [_fail(errno.ENOSYS)],  # its flags lie in memory, which a filter can't read; libc goes on to clone
        "kill": [(_LOAD, 0, 0, _ARGUMENTS), (_EQUAL, 0, 1, 0xFFFFFFFF), _fail(own)],  # all processes of the user
        "setpriority": [*_one_of(0, (0,), own), *_one_of(1, (0,), own)],
    }
    for call in ("sched_setparam", "sched_setscheduler", "sched_setaffinity", "prlimit64", "sched_setattr"):
        checks[call] = _one_of(0, (0,), own)
    for call, number in numbers.items():
        code += _checked(number, checks.get(call, [_fail(own)]))
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
