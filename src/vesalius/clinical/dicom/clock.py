"""When frames and slices were taken, as DICOM files state it."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate

from pydicom.dataset import Dataset

from vesalius.clinical.dicom.items import items
from vesalius.clinical.dicom.values import integer, number, numbers, text, values

_FRAME_TIME, _FRAME_TIME_VECTOR = 0x00181063, 0x00181065
LONGEST = 1e8  # milliseconds, about a day: what is longer is no time between frames
_ORIGIN = datetime(2000, 1, 1)


def frame_times_s(dataset: Dataset, frames: int) -> list[float] | None:
    """The time of each frame of a clip, from the first; None when the file does not say.

    The attribute that Frame Increment Pointer names comes first; without one, whichever is there. Frames that differ in
    something else (detector, angle, page) have no times. Source: PS3.3, C.7.6.5 and C.7.6.6.
    """
    named = [int(value) for value in values(dataset, "FrameIncrementPointer") if isinstance(value, int)]
    step_ms = number(dataset, "FrameTime", math.nan)
    steps_ms = numbers(dataset, "FrameTimeVector")[1:frames]
    is_stepped = len(steps_ms) == frames - 1 and all(map(_is_time, steps_ms))
    if is_stepped and not (_FRAME_TIME in named and _is_time(step_ms)):
        return _summed([step / 1000 for step in steps_ms])
    if named and _FRAME_TIME not in named and _FRAME_TIME_VECTOR not in named:
        return None
    if not _is_time(step_ms):
        step_ms = 1000 / rate if _is_time(rate := number(dataset, "CineRate", math.nan)) else math.nan
    return [index * step_ms / 1000 for index in range(frames)] if _is_time(step_ms) else None


def dynamic_times_s(dataset: Dataset, frames: int) -> list[float] | None:
    """Of a dynamic series of nuclear medicine, whose phases have frames of one duration each. Source: PS3.3, C.8.4.14."""
    steps_s: list[float] = []
    for phase in items(dataset, "PhaseInformationSequence"):
        step_ms = number(phase, "ActualFrameDuration", math.nan) + max(0.0, number(phase, "PauseBetweenFrames", 0.0))
        count = integer(phase, "NumberOfFramesInPhase", 0)
        if not _is_time(step_ms) or not 0 < count <= frames:
            return None
        steps_s += [step_ms / 1000] * count
    return _summed(steps_s[:-1]) if len(steps_s) == frames else None


def taken_s(dataset: Dataset) -> float | None:
    """When a slice was taken, in seconds on a clock that all files of a series share; None when it does not say."""
    for keyword in ("AcquisitionDateTime", "FrameAcquisitionDateTime", "FrameReferenceDateTime"):
        moment = moment_of(text(dataset, keyword)) if keyword in dataset else None
        if moment is not None:
            return (moment - _ORIGIN).total_seconds()
    if "AcquisitionTime" not in dataset:
        return None
    moment = moment_of((text(dataset, "AcquisitionDate") or "20000101") + text(dataset, "AcquisitionTime"))
    return None if moment is None else (moment - _ORIGIN).total_seconds()


def moment_of(stamp: str) -> datetime | None:
    """A date and time as DICOM writes them (YYYYMMDDHHMMSS.FFFFFF, an offset from UTC is left out); None when it is none.

    Hour, minute and second may be missing at the end. Source: PS3.5, 6.2.
    """
    digits, _, fraction = stamp.partition("+")[0].partition("-")[0].replace(":", "").partition(".")
    if len(digits) < 8 or not (digits.isascii() and digits.isdigit()):
        return None
    month, day, hour, minute, second = (int(digits[at : at + 2] or "0") for at in range(4, 14, 2))
    try:
        moment = datetime(int(digits[:4]), month, day, hour, minute, second)
    except ValueError:
        return None
    if not fraction:
        return moment
    return moment + timedelta(seconds=float(f"0.{fraction[:6]}")) if fraction.isascii() and fraction.isdigit() else None


def _summed(steps_s: Sequence[float]) -> list[float]:
    return [0.0, *accumulate(steps_s)]


def _is_time(value: float) -> bool:
    return 0 < value <= LONGEST
