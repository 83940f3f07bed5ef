"""Masks as the lengths of their runs, column after column, as numbers and as the short text that COCO's tools write.

The first run is of what is not marked and may be of length 0; the two kinds alternate. The text holds each number, from the third
marked or unmarked run on as its difference from the one before of its kind, in groups of five bits, lowest first: a character is
48 plus the group, plus 32 where the number goes on; the last group's highest bit is the sign.

Source: the format of segmentations at cocodataset.org ("format-data", RLE) and its reference, the maskApi of cocoapi.
"""

import re

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
_FIRST, _GROUP, _MORE, _SIGN = 48, 5, 32, 16
_MOST_GROUPS = 7  # of a number: 35 bits hold the runs of any picture that is read
_TEXT = re.compile(r"[0-o]*")


def counts_of(mask: npt.NDArray[np.bool_]) -> Counts:
    """The lengths of a mask's runs; they add up to its size.

    Args:
        mask: (Y, X).

    Returns:
        int64. An empty mask has one run, one that marks everything [0, size]; a mask without pixels has none.
    """
    line = mask.ravel(order="F")
    if not line.size:
        return np.zeros(0, np.int64)
    ends = np.flatnonzero(line[1:] != line[:-1]) + 1
    lengths = np.diff(ends, prepend=0, append=line.size)
    return np.concatenate([[0], lengths]) if line[0] else lengths


def mask_of(counts: Counts, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The mask that runs make.

    Args:
        counts: lengths, at least 0, that add up to the number of pixels.
        shape: (Y, X).

    Raises:
        ValueError: a length is negative, or they do not add up; nothing was allocated.
    """
    total = shape[0] * shape[1]
    # No length is larger than the picture before they are added: a sum of such cannot overflow.
    if counts.size and (counts.min() < 0 or counts.max() > total):
        raise ValueError(f"a run is {counts.min()} or {counts.max()} long, and the picture has {total} pixels")
    if int(counts.sum()) != total:
        raise ValueError(f"the runs add up to {int(counts.sum())}, and the picture has {total} pixels")
    marked = np.arange(counts.size) % 2 == 1
    return np.repeat(marked, counts).reshape(shape, order="F")


def text_of(counts: Counts) -> str:
    """The lengths as text."""
    values = counts.copy()
    values[3:] -= counts[1:-2]
    found = []
    for number in values.tolist():
        is_open = True
        while is_open:
            group, number = number & (_MORE - 1), number >> _GROUP
            is_open = number != (-1 if group & _SIGN else 0)
            found.append(chr(_FIRST + group + (_MORE if is_open else 0)))
    return "".join(found)


def counts_of_text(text: str) -> Counts:
    """The lengths that a text holds; they may be impossible, which `mask_of` finds.

    Raises:
        ValueError: a character that no such text has, a number that does not end, or one too large for a picture.
    """
    if not _TEXT.fullmatch(text):
        raise ValueError("a character is none of those that run lengths are written with")
    if not text:
        return np.zeros(0, np.int64)
    codes = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64) - _FIRST
    is_last = (codes & _MORE) == 0
    if not is_last[-1]:
        raise ValueError("the last number does not end")
    ends = np.flatnonzero(is_last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > _MOST_GROUPS:
        raise ValueError("a number is too large for a picture")
    places = (np.arange(codes.size) - np.repeat(starts, lengths)) * _GROUP
    values = np.add.reduceat((codes & (_MORE - 1)) << places, starts)
    values -= np.where(codes[ends] & _SIGN, np.int64(1) << (lengths * _GROUP), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def bounds(counts: Counts, height: int) -> tuple[int, int, int, int] | None:
    """(y0, x0, y1, x1), half-open, around what runs mark in columns of `height` pixels; None when they mark nothing."""
    ends = np.cumsum(counts)
    is_marked = (np.arange(counts.size) % 2 == 1) & (counts > 0)
    if not is_marked.any():
        return None
    first, last = ends[is_marked] - counts[is_marked], ends[is_marked] - 1
    x0, x1 = int(first[0] // height), int(last[-1] // height) + 1
    if (first // height != last // height).any():
        return 0, x0, height, x1
    return int((first % height).min()), x0, int((last % height).max()) + 1, x1
