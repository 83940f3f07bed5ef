"""What a worker process may not do: no new files, no network, no other programs, no more memory or time than it was given.

Each wall is put up where the system has it, and the worker says which stand; limits of memory and time stand everywhere.
Sources: landlock(7), seccomp(2), setrlimit(2) of the Linux man pages.
"""

import ctypes
import os
import platform
import resource
import struct
import sys
import sysconfig
from pathlib import Path

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls of landlock, the same on every architecture
_READ_FILE, _READ_FOLDER, _EXECUTE = 1 << 2, 1 << 3, 1 << 0
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_NET_RIGHTS = 0b11  # to bind, to connect
# socket, connect, execve, execveat, ptrace, process_vm_readv, process_vm_writev, fork, vfork by architecture
_FORBIDDEN = {
    "x86_64": (0xC000003E, (41, 42, 59, 322, 101, 310, 311, 57, 58)),
    "aarch64": (0xC00000B7, (198, 203, 221, 281, 117, 270, 271)),
}
_EPERM = 1


def enclose() -> list[str]:
    """Put up every wall that this system has, for good; the names of those that stand."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold patient data
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return []
    return [name for name, works in (("landlock", _landlock(libc)), ("seccomp", _seccomp(libc))) if works]


def limit_memory(extra_bytes: int) -> None:
    """Let the address space grow by this much from where it is now, and no further."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + extra_bytes, hard))


def limit_time(seconds: float) -> None:
    """Let the processor work for this much longer; then the system ends the process."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(spent.ru_utime + spent.ru_stime + seconds) + 1, hard))


def _landlock(libc: ctypes.CDLL) -> bool:
    """From now on files can be opened for reading only, and only those that Python itself and its libraries need."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = _FILE_RIGHTS[min(version, 5)]
    attributes = struct.pack("QQ", rights, _NET_RIGHTS if version >= 4 else 0)[: 16 if version >= 4 else 8]
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for folder in _needed():
            place = os.open(folder, os.O_PATH)
            rule = struct.pack("=Qi", rights & (_READ_FILE | _READ_FOLDER | _EXECUTE), place)
            libc.syscall(_ADD_RULE, ruleset, 1, rule, 0)
            os.close(place)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _needed() -> list[str]:
    """Folders of the interpreter, the packages and the system's libraries, and of the worker's own facts."""
    package = Path(__file__).resolve().parents[2]
    places = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    places |= {sys.prefix, sys.base_prefix, str(package), *(entry for entry in sys.path if entry)}
    places |= {"/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/proc/self", "/sys/devices/system/cpu"}
    return sorted(place for place in places if Path(place).is_dir())


def _seccomp(libc: ctypes.CDLL) -> bool:
    """From now on no socket can be made and no other program started; such a call fails as if it were not permitted."""
    if platform.machine() not in _FORBIDDEN:
        return False
    architecture, calls = _FORBIDDEN[platform.machine()]
    load, equal, give = 0x20, 0x15, 0x06  # BPF: load a word, jump if equal, return
    allow, refuse = 0x7FFF0000, 0x00050000 | _EPERM
    lines = [(load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, allow), (load, 0, 0, 0)]
    lines += [(equal, len(calls) - index, 0, call) for index, call in enumerate(calls)]
    lines += [(give, 0, 0, allow), (give, 0, 0, refuse)]
    program = b"".join(struct.pack("HBBI", *line) for line in lines)
    held = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(held))
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, header, 0, 0) == 0)
