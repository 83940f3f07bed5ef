"""Films of phantoms written as MP4 give their frames back; nothing else is written so."""

from pathlib import Path

import numpy as np
import pytest
from tests.datasets.by_hand import every

from vesalius.clinical.images import open_image
from vesalius.datasets.phantoms import mp4 as phantom_mp4
from vesalius.datasets.phantoms.image import stored, to_image
from vesalius.errors import UsageError
from vesalius.phantom import world
from vesalius.phantom.truth import Phantom

BY_HAND = every()
FILMS = [name for name, phantom in BY_HAND.items() if phantom.picture.kind == "clip"]
OTHERS = [name for name in BY_HAND if name not in FILMS]


def check(source: Phantom, folder: Path) -> None:
    paths = phantom_mp4.write(source, folder)
    for path, picture in zip(paths, source.pictures, strict=True):
        read, shown = open_image(path), stored(picture)
        if picture.channels == 1:
            shown = np.repeat(shown[..., None], 3, axis=3)
        assert np.array_equal(read.load(), shown)
        assert read.frame_times_s == pytest.approx(to_image(picture, source).frame_times_s, abs=1e-6)


@pytest.mark.parametrize("name", FILMS)
def test_frames_are_read_back_as_they_were(tmp_path: Path, name: str) -> None:
    check(BY_HAND[name], tmp_path)


@pytest.mark.parametrize("kind", [kind for kind in world.kinds() if "frames" in world.factors(kind)])
def test_every_kind_of_film_is_read_back_as_it_was_drawn(tmp_path: Path, kind: str) -> None:
    check(world.make(kind, seed=6, size_px=48, frames=4), tmp_path)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_film_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no film"):
        phantom_mp4.write(BY_HAND[name], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_the_same_phantom_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in FILMS:
        first, second = (phantom_mp4.write(every()[name], tmp_path / folder) for folder in ("a", "b"))
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
