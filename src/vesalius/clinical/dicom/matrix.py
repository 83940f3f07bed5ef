"""The total pixel matrix of a tiled object, and where in it a tile lies.

Source: DICOM PS3.3, C.7.6.17.3 (tiled objects), C.8.12.6 (plane position on a slide).
"""

from pydicom.dataset import Dataset

from vesalius.clinical.dicom.items import first
from vesalius.clinical.dicom.pixels import PixelFormat
from vesalius.clinical.dicom.values import integer, number, text
from vesalius.errors import InputRefused

LIMIT_SIDE_PX, LIMIT_TILES = 2**24, 2**22


def matrix_of(dataset: Dataset) -> tuple[int, int]:
    """(rows, columns) that all tiles lie in.

    Raises:
        InputRefused: `bad_attribute`.
    """
    return _side(dataset, "TotalPixelMatrixRows"), _side(dataset, "TotalPixelMatrixColumns")


def _side(dataset: Dataset, keyword: str) -> int:
    side = integer(dataset, keyword)
    if not 1 <= side <= LIMIT_SIDE_PX:
        raise InputRefused(
            "bad_attribute", f"{keyword} is not between 1 and {LIMIT_SIDE_PX}. The slide has no size. Export it again."
        )
    return side


def tiles_fitting(matrix: tuple[int, int], pixels: PixelFormat) -> int:
    """How many tiles fill the matrix once.

    Raises:
        InputRefused: `size_limit`.
    """
    fitting = -(-matrix[0] // pixels.rows) * -(-matrix[1] // pixels.columns)
    if fitting > LIMIT_TILES:
        raise InputRefused("size_limit", f"The slide would have more than {LIMIT_TILES} tiles. Nothing was allocated.")
    return fitting


def is_full(dataset: Dataset) -> bool:
    """Whether tiles fill the matrix row after row and say nothing of their places."""
    return text(dataset, "DimensionOrganizationType") == "TILED_FULL"


def checked_groups(per_frame: list[Dataset], pixels: PixelFormat) -> list[Dataset]:
    """The functional groups of each frame.

    Raises:
        InputRefused: `bad_attribute`, when there are too few.
    """
    if len(per_frame) < pixels.frames:
        raise InputRefused("bad_attribute", "The file does not say where each tile of the slide lies. Export it again.")
    return per_frame[: pixels.frames]


def place_of(group: Dataset, matrix: tuple[int, int]) -> tuple[int, int]:
    """(y, x) of a tile's first pixel.

    Raises:
        InputRefused: `bad_attribute`, when it lies outside.
    """
    item = first(group, "PlanePositionSlideSequence")
    y, x = (integer(item, f"{axis}PositionInTotalImagePixelMatrix") - 1 for axis in ("Row", "Column"))
    if not (0 <= y < matrix[0] and 0 <= x < matrix[1]):
        raise InputRefused("bad_attribute", "A tile lies outside of the slide. Where it belongs is unclear. Export it again.")
    return y, x


def plane_of(group: Dataset) -> tuple[float, str]:
    """What tells tiles at one place apart: how deep they lie in the slide, and through which filters they were seen."""
    depth = number(first(group, "PlanePositionSlideSequence"), "ZOffsetInSlideCoordinateSystem")
    return depth, text(first(group, "OpticalPathIdentificationSequence"), "OpticalPathIdentifier")
