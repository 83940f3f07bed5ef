import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.generate.boxes import BoxCodec, CanvasBins
from vesalius.types import Box

CODECS: list[tuple[BoxCodec, int]] = [(CanvasBins(256), 512), (CanvasBins(100), 200)]


@pytest.mark.parametrize(("codec", "largest_px"), CODECS)
@given(data=st.data())
def test_a_round_trip_moves_no_corner_by_more_than_a_pixel(codec: BoxCodec, largest_px: int, data: st.DataObject) -> None:
    height, width = data.draw(st.integers(32, largest_px)), data.draw(st.integers(32, largest_px))
    y0, x0 = data.draw(st.floats(0, height - 3)), data.draw(st.floats(0, width - 3))
    y1, x1 = data.draw(st.floats(y0 + 2.5, height)), data.draw(st.floats(x0 + 2.5, width))
    back = codec.decode(codec.encode(Box((y0, x0), (y1, x1)), (height, width)), (height, width))
    moved = [abs(a - b) for a, b in zip((*back.low, *back.high), (y0, x0, y1, x1), strict=True)]
    assert max(moved) <= 1.0


def test_corners_outside_the_canvas_are_moved_to_its_border() -> None:
    assert CanvasBins(256).encode(Box((-5.0, -9.0), (300.0, 999.0)), (256, 256)) == (0, 0, 255, 255)


def test_swapped_corners_are_put_right_and_a_box_is_never_empty() -> None:
    box = CanvasBins(256).decode((9, 9, 4, 9), (256, 256))
    assert box.low < box.high
    assert box.size[0] > 0
    assert box.size[1] > 0
