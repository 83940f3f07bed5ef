"""Parts are drawn within the whole, and what is smaller is taken whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vesalius.datasets.loading.cut import WHOLE, Cut

shapes = st.lists(st.integers(1, 20), min_size=2, max_size=3).map(tuple)


@given(shapes, st.integers(1, 30), st.booleans(), st.tuples(st.integers(1, 30), st.integers(1, 30)), st.integers(0, 99))
def test_a_part_lies_within_and_has_the_size_that_was_asked_for_where_there_is_as_much(shape, slices, spread, crop, seed):
    taken = Cut(slices, spread, crop).draw(np.random.default_rng(seed), shape)
    if taken.slices is not None:
        assert len(taken.slices) == slices < shape[0]
        assert list(taken.slices) == sorted(set(taken.slices))
        assert 0 <= taken.slices[0] <= taken.slices[-1] < shape[0]
        assert spread or taken.slices[-1] - taken.slices[0] == slices - 1
    else:
        assert len(shape) == 2 or slices >= shape[0]
    if taken.box_yxyx_px is not None:
        y0, x0, y1, x1 = taken.box_yxyx_px
        assert (y1 - y0, x1 - x0) == tuple(min(pair) for pair in zip(crop, shape[-2:], strict=True))
        assert min(y0, x0) >= 0
        assert y1 <= shape[-2]
        assert x1 <= shape[-1]


def test_nothing_asked_for_is_the_whole_and_every_place_is_drawn():
    assert Cut().draw(np.random.default_rng(0), (5, 6, 7)) == WHOLE
    firsts = {Cut(2).draw(np.random.default_rng(seed), (5, 6, 7)).slices[0] for seed in range(60)}
    assert firsts == {0, 1, 2, 3}
    spread = {Cut(5, is_spread=True).draw(np.random.default_rng(seed), (20, 6, 7)).slices[0] for seed in range(60)}
    assert spread == {0, 1, 2, 3}
