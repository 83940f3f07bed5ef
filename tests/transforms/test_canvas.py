import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.transforms.canvas import place, resample
from vesalius.types import Box

SIDES = st.integers(2, 900)


@given(height=SIDES, width=SIDES, canvas=st.integers(16, 512))
def test_a_picture_fills_its_canvas_along_its_longer_side_and_is_centered(height: int, width: int, canvas: int) -> None:
    placement = place((height, width), canvas)
    corner = placement.to_canvas(Box((0.0, 0.0), (float(height), float(width))))
    assert max(corner.size) == pytest.approx(canvas)
    for low, high in zip(corner.low, corner.high, strict=True):
        assert low == pytest.approx(canvas - high, abs=1e-6)


@given(data=st.data(), height=st.integers(10, 900), width=st.integers(10, 900))
def test_boxes_come_back_from_the_canvas(data: st.DataObject, height: int, width: int) -> None:
    placement = place((height, width), 160)
    y, x = data.draw(st.floats(0, height - 5)), data.draw(st.floats(0, width - 5))
    box = Box((y, x), (data.draw(st.floats(y + 2, height)), data.draw(st.floats(x + 2, width))))
    back = placement.to_picture(placement.to_canvas(box))
    assert np.allclose((*back.low, *back.high), (*box.low, *box.high), atol=1e-6)


def test_a_box_beyond_the_picture_is_cut_at_its_border() -> None:
    placement = place((100, 50), 100)  # 25 px of nothing on the left and on the right
    assert placement.to_picture(Box((-9.0, 0.0), (200.0, 99.0))) == Box((0.0, 0.0), (100.0, 50.0))


def test_a_constant_picture_stays_constant_inside_and_is_black_outside() -> None:
    drawn = resample(np.full((100, 50, 1), 0.6, np.float32), place((100, 50), 40))
    assert np.allclose(drawn[:, 10:30], 0.6)
    assert not drawn[:, :10].any()
    assert not drawn[:, 30:].any()


def test_what_lies_in_a_box_lies_in_the_box_on_the_canvas() -> None:
    picture = np.zeros((300, 400, 1), np.float32)
    picture[120:180, 60:140] = 1
    placement = place((300, 400), 128)
    drawn = resample(picture, placement)[..., 0] > 0.5
    box = placement.to_canvas(Box((120.0, 60.0), (180.0, 140.0)))
    rows, columns = np.where(drawn)
    assert abs(rows.min() - box.low[0]) <= 1
    assert abs(rows.max() + 1 - box.high[0]) <= 1
    assert abs(columns.min() - box.low[1]) <= 1
    assert abs(columns.max() + 1 - box.high[1]) <= 1


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    random = np.random.default_rng(0)
    noise = random.uniform(size=(640, 640, 1)).astype(np.float32)
    drawn = resample(noise, place((640, 640), 64))
    assert abs(drawn.mean() - 0.5) < 0.01
    assert drawn.std() < 0.05
