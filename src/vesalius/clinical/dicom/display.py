"""How a file wants its values to be shown, and what it lays over them."""

import math
from collections.abc import Sequence

from pydicom.dataset import Dataset

from vesalius.clinical.dicom.facts import Frame
from vesalius.clinical.dicom.values import numbers
from vesalius.types import CodedWarning

Window = tuple[float, float]

_OVERLAY_GROUPS = range(0x6000, 0x6020, 2)
_OVERLAY_TYPE = 0x0040


def window_of(dataset: Dataset, channels: int, frames: Sequence[Frame]) -> tuple[Window | None, tuple[CodedWarning, ...]]:
    """(center, width), of several the first, of frames the middle one's; and what is doubtful. Source: PS3.3, C.11.2."""
    if channels == 3:
        return None, ()
    of_frame = frames[len(frames) // 2].window
    centers, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    if of_frame is not None:
        return of_frame, ()
    if centers and widths and math.isfinite(centers[0]) and math.isfinite(widths[0]) and widths[0] > 0:
        windows = set(zip(centers, widths, strict=False))
        if len(windows) == 1:
            return (centers[0], widths[0]), ()
        said = f"The file states {len(windows)} display windows; the first is used."
        return (centers[0], widths[0]), (CodedWarning("several_windows", said, {"windows": len(windows)}),)
    if centers or widths:
        return None, (CodedWarning("bad_window", "The stored display window is unusable; the range of the values is used."),)
    if "VOILUTSequence" in dataset:
        return None, (CodedWarning("bad_window", "The display is stored as a table; the range of the values is used."),)
    return None, ()


def has_overlay(dataset: Dataset) -> bool:
    """Whether graphics or outlines lie over the picture in planes of their own. Source: PS3.3, C.9.2."""
    return any((group << 16 | _OVERLAY_TYPE) in dataset for group in _OVERLAY_GROUPS)
