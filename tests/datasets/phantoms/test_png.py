"""Phantoms written as PNG give their values and masks back."""

from pathlib import Path

import numpy as np
import pytest
from tests.datasets.by_hand import every

from vesalius.clinical.images import open_image
from vesalius.datasets.phantoms import png as phantom_png
from vesalius.phantom import world
from vesalius.phantom.truth import Phantom, Picture

BY_HAND = every()
KINDS = world.kinds()


def values(folder: Path, picture: Picture, name: str) -> np.ndarray:
    """What the files of that name hold, with their first axis."""
    if picture.kind == "image":
        return open_image(folder / f"{name}.png").load()
    return np.stack([open_image(path).load() for path in sorted((folder / name).iterdir())])


def check(source: Phantom, folder: Path) -> None:
    paths = phantom_png.write(source, folder)
    assert sorted(paths) == sorted(path for path in folder.rglob("*") if path.is_file())
    for picture in source.pictures:
        stem = f"{source.kind}-{source.seed}-visit-{source.visit}-{picture.name.replace(' ', '-')}"
        found = values(folder, picture, stem)
        if picture.pixels.dtype == np.int16:
            found = (found >> 4).astype(np.int16) - 1024
        elif picture.pixels.dtype == np.uint16:
            found = found >> 4
        assert np.array_equal(found, picture.pixels)
        for name, mask in picture.masks.items():
            assert np.array_equal(values(folder, picture, f"{stem}-mask-{name.replace(' ', '-')}") != 0, mask), name


@pytest.mark.parametrize("name", BY_HAND)
def test_pictures_and_masks_are_read_back_as_they_were(tmp_path: Path, name: str) -> None:
    check(BY_HAND[name], tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_back_as_it_was_drawn(tmp_path: Path, kind: str) -> None:
    size_px = 16 if world.factors(kind)["spacing_mm"].numbers == 3 else 48
    check(world.make(kind, seed=6, size_px=size_px), tmp_path)


def test_the_same_phantom_gives_the_same_bytes(tmp_path: Path) -> None:
    for source, again in zip(BY_HAND.values(), every().values(), strict=True):
        first, second = phantom_png.write(source, tmp_path / "a"), phantom_png.write(again, tmp_path / "b")
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
