import pytest

from vesalius.clinical.timing import LIMIT_FRAMES, timing
from vesalius.errors import InputRefused


def codes(*arguments: object, **more: float) -> list[str]:
    return [warning.code for warning in timing(*arguments, **more).warnings]  # type: ignore[arg-type]


def test_even_times_give_one_step() -> None:
    told = timing([5.0 + 0.04 * index for index in range(50)], 50)
    assert told.frame_s == pytest.approx(0.04)
    assert told.frame_times_s is not None
    assert told.frame_times_s[:2] == (0.0, 0.04)
    assert not told.warnings


def test_times_rounded_to_a_fine_clock_are_even_and_a_lost_frame_of_a_coarse_one_is_not() -> None:
    rounded = [round(index / 60, 3) for index in range(100)]
    assert timing(rounded, 100, tick_s=0.001).frame_s == pytest.approx(1 / 60, rel=1e-3)
    assert codes(rounded, 100) == ["variable_frame_rate"]
    lost = [index * 0.04 for index in range(100) if index != 50]
    assert codes(lost, 99, tick_s=0.04) == ["variable_frame_rate"]


@pytest.mark.parametrize(("off", "is_even"), [(0.009, True), (0.02, False)])
def test_one_percent_is_the_bound(off: float, is_even: bool) -> None:
    told = timing([0, 1, 2 + off, 3, 4], 5)
    assert (told.frame_s is not None) == is_even
    assert told.frame_times_s == (0, 1, 2 + off, 3, 4)


@pytest.mark.parametrize("times_s", [None, [0.0, 0.0, 0.0], [0.0, 2.0, 1.0]])
def test_times_that_do_not_grow_are_unknown(times_s: list[float] | None) -> None:
    told = timing(times_s, 3)
    assert (told.frame_s, told.frame_times_s) == (None, None)
    assert [warning.code for warning in told.warnings] == ["frame_time_unknown"]


def test_a_long_clip_is_sampled_evenly_and_a_longer_one_is_refused() -> None:
    frames = 2 * LIMIT_FRAMES + 1
    told = timing([index * 0.1 for index in range(frames)], frames)
    assert told.frames == range(0, frames, 3)
    assert told.frame_s == pytest.approx(0.3)
    assert [warning.code for warning in told.warnings] == ["clip_sampled"]
    with pytest.raises(InputRefused) as caught:
        timing([0.0, 1801.0], 2)
    assert caught.value.code == "size_limit"


def test_a_single_frame_has_no_time() -> None:
    assert timing([0.0], 1).frame_times_s is None
    assert codes([0.0], 1) == []
