"""Archives as parts of an upload: their members as places in a file that has no name."""

import contextlib
import os
import tempfile
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from vesalius.clinical import gate
from vesalius.clinical.wire import unpack
from vesalius.errors import InputRefused

RATIO_WAITED_FOR, BYTES_PER_S = 20, 50e6  # the time that an archive may take: it inflates to so much, at least so fast


@dataclass(frozen=True, eq=False)
class Member:
    """One file of an archive.

    `number` counts the archive's entries from 1, as a program that lists it does. `name` serves to find what a DICOMDIR
    refers to; it may hold a patient's name and is never shown.
    """

    number: int
    name: str = field(repr=False)
    place: gate.Place


@dataclass(frozen=True)
class Unpacked:
    """What a worker says of an archive: number, name, offset and length of each member."""

    members: tuple[tuple[int, str, int, int], ...]


def members_of(place: gate.Place) -> tuple[Member, ...]:
    """The members of an archive, sorted by name; their bytes lie on the disk without a name, as long as a place is held.

    Raises:
        InputRefused: as `archive_reading.unpack`.
    """
    size_bytes = place.seen[0] if place.seen else place.length or 0
    limit_s = gate.ITEM_S + RATIO_WAITED_FOR * size_bytes / BYTES_PER_S
    with contextlib.ExitStack() as on_refusal:
        spool = cast("BinaryIO", on_refusal.enter_context(tempfile.TemporaryFile()))
        reply = gate.call("unpack", place, limit_s=limit_s, target=spool)
        try:
            found = unpack(Unpacked, reply).members
        except ValueError:
            raise _lied() from None
        end = os.fstat(spool.fileno()).st_size
        if any(offset < 0 or length < 0 or offset + length > end for _, _, offset, length in found):
            raise _lied()
        on_refusal.pop_all()  # from here on the places hold it
    return tuple(Member(number, name, gate.Place(None, spool, at, length)) for number, name, at, length in found)


def _lied() -> InputRefused:
    return InputRefused("decode_failed", "The reader was brought down by the archive's content. Nothing is guessed. Copy it.")
