"""Memory that a step has freed is kept for the next one, where the C library would give it back to the system."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
MOST_BYTES = 2**31 - 1  # what glibc takes as an int
LARGEST_BYTES = 32 * 2**20  # the most that glibc takes; what is larger comes from the system and goes back there each time


def keep_freed() -> bool:
    """Tell glibc to keep what is freed, for the rest of this process; on other systems nothing is done.

    A step asks for the same tensors as the one before. Given back in between, each page of them is a fault and is zeroed again:
    some twenty thousand faults in a step of a small encoder, and a twentieth of its time. The process does not become larger than
    its largest step.

    Returns:
        Whether both settings were taken.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, LARGEST_BYTES)) and bool(mallopt(_TRIM_THRESHOLD, MOST_BYTES))
