"""Siemens mosaics: the slices of a volume laid side by side in one picture, taken apart again.

Where the slices lie follows from the public attributes of the whole picture and from two numbers of the maker's private
header: how many slices there are, and along which direction they follow one another. Image Position is the corner that a
picture of the mosaic's size would have around the same center. Sources: nibabel's documentation "Siemens mosaic format" and
"CSA header"; the layout was checked against it.
"""

import math
import struct

import numpy as np
from pydicom.dataset import Dataset

from vesalius.clinical.dicom.facts import Frame, Triple
from vesalius.clinical.dicom.file import PARSE_FAULTS
from vesalius.clinical.dicom.plane import moved, normal_of
from vesalius.clinical.dicom.values import values
from vesalius.errors import InputRefused

LIMIT_SLICES = 4096
_CREATOR, _IMAGE_HEADER = "SIEMENS CSA HEADER", 0x10
_TAG, _ITEM = struct.Struct("<64si4siii"), struct.Struct("<4i")


def is_mosaic(dataset: Dataset) -> bool:
    """Whether a picture says that it is one."""
    return "MOSAIC" in {str(value) for value in values(dataset, "ImageType")}


def slices_of(dataset: Dataset, whole: Frame, rows: int, columns: int) -> tuple[Frame, ...]:
    """The slices of a mosaic of `rows` x `columns` pixels, which lies where `whole` says.

    Raises:
        InputRefused: `unsupported_iod` when the private header does not say what is needed; `bad_geometry` when what it
            says cannot be.
    """
    header = _private_header(dataset)
    count, direction = header.get("NumberOfImagesInMosaic", ()), header.get("SliceNormalVector", ())
    if len(count) != 1 or len(direction) != 3 or whole.between_mm is None or None in (whole.position_mm, whole.spacing_mm):
        raise InputRefused(
            "unsupported_iod",
            "The picture is a mosaic of slices, and does not say where they lie. Sides would be guessed. Export single slices.",
        )
    assert whole.position_mm is not None, "checked above"
    assert whole.row is not None, "a position comes with directions"
    assert whole.column is not None, "a position comes with directions"
    assert whole.spacing_mm is not None, "checked above"
    across = math.isqrt(max(0, int(count[0]) - 1)) + 1
    normal = np.asarray(direction)
    is_upright = abs(float(normal @ np.asarray(normal_of(whole.row, whole.column)))) > 0.99
    if not 1 <= count[0] <= LIMIT_SLICES or rows % across or columns % across or not is_upright:
        raise InputRefused(
            "bad_geometry", "The mosaic's number of slices or their direction contradicts the picture. Export single slices."
        )
    height, width = rows // across, columns // across
    corner = moved(whole.position_mm, whole.row, (columns - width) / 2 * whole.spacing_mm[1])
    corner = moved(corner, whole.column, (rows - height) / 2 * whole.spacing_mm[0])
    step: Triple = (float(normal[0]), float(normal[1]), float(normal[2]))
    return tuple(
        _tile(whole, moved(corner, step, index * whole.between_mm), divmod(index, across), height, width)
        for index in range(int(count[0]))
    )


def _tile(whole: Frame, position_mm: Triple, place: tuple[int, int], height: int, width: int) -> Frame:
    top, left = place[0] * height, place[1] * width
    return Frame(
        position_mm=position_mm,
        row=whole.row,
        column=whole.column,
        spacing_mm=whole.spacing_mm,
        order=whole.order,
        content=whole.content,
        time_s=whole.time_s,
        thickness_mm=whole.thickness_mm,
        between_mm=whole.between_mm,
        box_yxyx_px=(top, left, top + height, left + width),
    )


def _private_header(dataset: Dataset) -> dict[str, tuple[float, ...]]:
    """The numbers of the private image header, by name; none when it is missing or of another form.

    Layout: `SV10`, four bytes, the number of tags, 77; per tag a name of 64 bytes, multiplicity, type, two numbers of
    which the second counts items, 77; per item four numbers of which the second is its length, then text, padded to four.
    """
    try:
        content = dataset.private_block(0x0029, _CREATOR)[_IMAGE_HEADER].value
    except PARSE_FAULTS:
        return {}
    if not isinstance(content, bytes) or not content.startswith(b"SV10"):
        return {}
    found: dict[str, tuple[float, ...]] = {}
    try:
        (count,) = struct.unpack_from("<i", content, 8)
        at = 16
        for _ in range(min(count, LIMIT_SLICES)):
            name, _, _, _, items, _ = _TAG.unpack_from(content, at)
            at += _TAG.size
            texts = []
            for _ in range(min(items, LIMIT_SLICES)):
                length = _ITEM.unpack_from(content, at)[1]
                at += _ITEM.size
                if not 0 <= length <= len(content) - at:
                    return {}
                texts.append(content[at : at + length].partition(b"\0")[0].strip())
                at += (length + 3) // 4 * 4
            found[name.partition(b"\0")[0].decode("ascii", "replace")] = _numbers(texts)
    except struct.error:
        return {}
    return found


def _numbers(texts: list[bytes]) -> tuple[float, ...]:
    """Those items that are finite numbers."""
    found = []
    for text in filter(None, texts):
        try:
            found.append(float(text))
        except ValueError:
            return ()
    return tuple(found) if all(map(math.isfinite, found)) else ()
