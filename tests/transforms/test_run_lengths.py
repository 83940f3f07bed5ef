"""Run lengths: there and back, as COCO's own tools have them, and nothing impossible decoded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from vesalius.transforms.run_lengths import bounds, counts_of, counts_of_text, mask_of, text_of

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.booleans(), fill=st.booleans())


@given(MASKS)
def test_a_mask_comes_back_from_its_runs_and_from_their_text(mask: np.ndarray) -> None:
    counts = counts_of(mask)
    assert counts.sum() == mask.size
    assert np.array_equal(mask_of(counts, mask.shape), mask)
    assert np.array_equal(counts_of_text(text_of(counts)), counts)


@given(MASKS)
def test_cocos_own_tools_write_the_same_text_and_read_ours(mask: np.ndarray) -> None:
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode("ascii")
    assert text_of(counts_of(mask)) == theirs
    assert np.array_equal(coco.decode({"size": list(mask.shape), "counts": theirs.encode()}).astype(bool), mask)


def test_large_pictures_with_long_runs_agree_with_cocos_tools() -> None:
    mask = np.zeros((3000, 2000), np.bool_)
    mask[5:2990, 700:1500] = True
    mask[40:50] = False
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode("ascii")
    assert text_of(counts_of(mask)) == theirs
    assert np.array_equal(mask_of(counts_of_text(theirs), (3000, 2000)), mask)


def test_runs_go_down_the_columns_and_begin_with_what_is_not_marked() -> None:
    mask = np.array([[1, 0, 0], [0, 1, 1]], np.bool_)
    assert counts_of(mask).tolist() == [0, 1, 2, 1, 1, 1]
    assert counts_of(np.zeros((2, 3), np.bool_)).tolist() == [6]
    assert counts_of(np.ones((2, 3), np.bool_)).tolist() == [0, 6]


@pytest.mark.parametrize("counts", [[5], [7], [-1, 7], [2**62, 2**62], [3, 2]])
def test_runs_that_do_not_fill_the_picture_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="the picture has 6 pixels"):
        mask_of(np.array(counts, np.int64), (2, 3))


@pytest.mark.parametrize(("text", "why"), [("p", "character"), ("ä", "character"), ("0o", "not end"), ("oooooooo0", "too large")])
def test_a_text_that_holds_no_runs_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        counts_of_text(text)


@given(MASKS)
def test_the_bounds_of_runs_hold_all_that_is_marked(mask: np.ndarray) -> None:
    found = bounds(counts_of(mask), mask.shape[0])
    if not mask.any():
        assert found is None
        return
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert found is not None
    y0, x0, y1, x1 = found
    assert (x0, x1) == (columns[0], columns[-1] + 1)
    # A run that goes on in the next column reaches the lower and the upper edge.
    assert (y0, y1) == (rows[0], rows[-1] + 1)
