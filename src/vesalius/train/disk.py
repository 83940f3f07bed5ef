"""A full disk is a refusal of its own, wherever a run writes."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from vesalius.errors import InputRefused

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Turn a full disk into one clear error.

    Args:
        what: is written, in words.

    Raises:
        InputRefused: `disk_full`.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        # safetensors tells the number of the fault in words alone.
        if getattr(error, "errno", None) in FULL or any(f"(os error {number})" in str(error) for number in FULL):
            raise InputRefused(
                "disk_full",
                f"The disk is full, or a file may not grow further: the run's {what} could not be written. "
                "The last whole checkpoint is kept. Make room, then go on with --resume.",
            ) from error
        raise
