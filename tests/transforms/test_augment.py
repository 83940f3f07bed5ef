import numpy as np
import torch

from vesalius.transforms.augment import Jitter, Move, apply, draw
from vesalius.types import Box

SIDE = 64


def extent(canvas: torch.Tensor) -> Box:
    rows, columns = np.where(canvas.numpy() > 0.5)
    return Box((float(rows.min()), float(columns.min())), (float(rows.max() + 1), float(columns.max() + 1)))


def test_boxes_move_with_the_picture() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        move = draw(random, Jitter(stretch=0.2, shift=0.1), mirror=True)
        canvas = torch.zeros(1, 1, SIDE, SIDE)
        canvas[..., 20:36, 24:50] = 1
        moved, expected = extent(apply(canvas, [move])[0, 0]), move.box(Box((20.0, 24.0), (36.0, 50.0)), SIDE)
        assert np.allclose((*moved.low, *moved.high), (*expected.low, *expected.high), atol=1.0)


def test_no_jitter_changes_nothing() -> None:
    canvas = torch.rand(2, 3, SIDE, SIDE)
    assert torch.allclose(apply(canvas, [Move(), Move()]), canvas, atol=1e-5)
    assert draw(np.random.default_rng(1), Jitter(), mirror=False) == Move()


def test_bodies_are_never_mirrored() -> None:
    random = np.random.default_rng(2)
    assert not any(any(draw(random, Jitter(shift=0.1), mirror=False).flip) for _ in range(50))
    assert any(any(draw(random, Jitter(shift=0.1), mirror=True).flip) for _ in range(50))


def test_mirroring_does_not_change_what_is_drawn_next() -> None:
    one, other = np.random.default_rng(3), np.random.default_rng(3)
    draw(one, Jitter(gain=0.2), mirror=True)
    draw(other, Jitter(gain=0.2), mirror=False)
    assert one.random() == other.random()


def test_outside_the_picture_stays_black_whatever_the_exposure() -> None:
    canvas = torch.full((1, 1, SIDE, SIDE), 0.5)
    shown = apply(canvas, [Move(scale=(0.5, 0.5), offset=0.3, noise=0.1)])
    assert not shown[..., :10, :].any()
    assert shown[..., 30:34, 30:34].mean() > 0.6
