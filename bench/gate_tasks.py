"""What the two contestants that measure the gate share: which files, and the shape of their stack."""

from collections.abc import Sequence
from pathlib import Path

from vesalius.clinical.picture import Description


def sorted_files(folder: Path) -> list[Path]:
    """The files of a folder by name."""
    return sorted(folder.iterdir())


def shape_of(pictures: Sequence[Description]) -> tuple[int, ...]:
    """The shape of pictures of one size, stacked."""
    return (len(pictures), *pictures[0].shape)
