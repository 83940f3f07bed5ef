"""A data set that is compressed as a whole, as a file: inflated piece by piece, never held, and counted before it is used.

Source: DICOM PS3.5, A.5 (Deflated Explicit VR Little Endian), RFC 1951.
"""

import os
import zlib
from io import BufferedReader, RawIOBase
from typing import Any

from vesalius.errors import InputRefused

BLOCK_BYTES = 2**18
LIMIT_RATIO = 100
FREE_BYTES = 64 * 2**20  # up to here any ratio will do: a blank picture shrinks a thousandfold
LIMIT_BYTES = 4 * 2**30


def opened(file: BufferedReader, begin: int) -> BufferedReader:
    """The data set that is compressed from `begin` on, as a file that is read like any other.

    Raises:
        InputRefused: as `Inflated`.
    """
    return BufferedReader(Inflated(file, begin), BLOCK_BYTES)


class Inflated(RawIOBase):
    """The content of a raw deflate stream that begins at `begin` of a file; going back starts it anew."""

    def __init__(self, file: BufferedReader, begin: int) -> None:
        self.file, self.begin = file, begin
        self.size = 0
        self.has_rest = False
        self._at = 0
        self._restart()
        self._measure()
        self._restart()

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """One can go anywhere in it, at the price of inflating all that lies before."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the inflated content."""
        target = max(0, {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence] + offset)
        if target < self._at:
            self._restart()
        while self._at < target:
            piece = self._piece(min(BLOCK_BYTES, target - self._at))
            if not piece:
                break
            self._at += len(piece)
        self._at = target
        return target

    def tell(self) -> int:
        """The place in the inflated content."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end."""
        piece = self._piece(len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _restart(self) -> None:
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._rest = b""
        self._source = self.begin
        self._at = 0

    def _piece(self, most: int) -> bytes:
        """Up to `most` bytes more; none at the end, or where the stream is cut."""
        while not self._inflater.eof:
            if not self._rest:
                self.file.seek(self._source)
                self._rest = self.file.read(BLOCK_BYTES)
                self._source += len(self._rest)
                if not self._rest:
                    return b""
            piece = self._inflater.decompress(self._rest, most)
            self._rest = self._inflater.unconsumed_tail
            if piece:
                return piece
        return b""

    def _measure(self) -> None:
        """Count all that it inflates to.

        Raises:
            InputRefused: `decompression_limit`; `truncated` where the stream has no end; `bad_attribute` where it is damaged.
        """
        compressed = self.file.seek(0, os.SEEK_END) - self.begin
        limit = min(LIMIT_BYTES, max(FREE_BYTES, LIMIT_RATIO * compressed))
        try:
            while piece := self._piece(BLOCK_BYTES):
                self.size += len(piece)
                if self.size > limit:
                    raise InputRefused(
                        "decompression_limit",
                        f"The file inflates to more than {limit} bytes. It may be made to do so. Reading stopped there.",
                    )
        except zlib.error:
            raise InputRefused(
                "bad_attribute", "The file is compressed as a whole, and the stream is damaged. Copy it again from its source."
            ) from None
        if not self._inflater.eof:
            raise InputRefused("truncated", "The compressed stream ends too early. The rest is not guessed. Copy it again.")
        behind = self._inflater.unused_data + self.file.read(2)
        self.has_rest = len(behind) > 1 or behind.strip(b"\0") != b""
