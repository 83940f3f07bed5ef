"""What a cleaner tells of the copy that it has written: plain data that crosses the gate."""

from dataclasses import dataclass, field
from typing import Literal

Suffix = Literal[".dcm", ".nii", ".nii.gz", ".png", ".jpg", ".webp", ".gif", ".tif", ".json"]
Change = Literal["pixels", "overlay_bits", "trailing_pixels", "codestream_texts", "label_pages"]


@dataclass(frozen=True)
class Told:
    """One copy.

    Attributes:
        suffix: what its name ends in.
        folders: stand-ins of patient, study and series; empty where the format knows none.
        cleaned: what of the pixels was changed. `codestream_texts` changes no pixel: comments in compressed frames are blanked.
        is_at_risk: writing may be left in the picture.
        seeds: parts of the names and numbers of the original. Patient data: never written, never shown.
    """

    suffix: Suffix
    folders: tuple[str, ...] = ()
    cleaned: tuple[Change, ...] = ()
    is_at_risk: bool = False
    seeds: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Left:
    """What is left in one file: a code and how much of it, for each."""

    findings: tuple[tuple[str, int], ...]
