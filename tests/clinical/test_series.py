import itertools

import numpy as np

from vesalius.clinical.series import LARGEST_ORIGINAL, MIDDLE_SLICE, choose, shown_part
from vesalius.types import CodedWarning, Image, Kind, Part, Series, Source, Study

SLIDE = ((6000, 4000), (1500, 1000), (30, 20), (6, 4))


def image(*shape: int, code: str | None = None, kind: Kind | None = None) -> Image:
    warnings = (CodedWarning(code, ""),) if code else ()
    source = Source(None, "", "memory")
    levels = SLIDE if kind == "slide" else ()
    kind = kind or ("image" if len(shape) == 2 else "volume")
    return Image(kind, shape, 1, lambda: np.zeros(shape), source, warnings=warnings, levels=levels)


def chosen(*pictures: Image | None) -> list[tuple[bool, str]]:
    series = tuple(
        Series(str(index), "report" if picture is None else picture.kind, "CT", () if picture is None else (picture,), 1)
        for index, picture in enumerate(pictures)
    )
    return [(one.chosen, one.why) for one in choose(Study("", "", series)).series]


def test_the_largest_original_series_is_chosen_and_each_says_why() -> None:
    found = chosen(image(3, 8, 8, code="localizer"), image(20, 8, 8), image(90, 8, 8, code="derived"), None, image(40, 8, 8))
    assert [mark for mark, _ in found] == [False, False, False, False, True]
    assert "localizer" in found[0][1]
    assert "computed" in found[2][1]
    assert "report" in found[3][1]


def test_a_localizer_is_chosen_when_there_is_nothing_else() -> None:
    assert [mark for mark, _ in chosen(image(3, 8, 8, code="localizer"), None)] == [True, False]


def test_nothing_is_chosen_where_there_is_no_picture() -> None:
    assert chosen(None) == [(False, "holds no picture (report)")]


def test_of_equals_the_first_is_chosen() -> None:
    assert [mark for mark, _ in chosen(image(8, 8), image(8, 8))] == [True, False]


def test_all_slices_of_all_times_count_and_times_alone_do_not() -> None:
    assert [mark for mark, _ in chosen(image(30, 5, 8, 8), image(140, 8, 8))] == [True, False]
    assert [mark for mark, _ in chosen(image(20, 5, 8, 8), image(140, 8, 8))] == [False, True]


def test_a_screenshot_ranks_between_what_was_computed_and_a_localizer() -> None:
    codes = ("localizer", "secondary_capture_low_trust", "derived")
    for worse, better in itertools.pairwise(codes):
        found = chosen(image(90, 8, 8, code=worse), image(2, 8, 8, code=better))
        assert [mark for mark, _ in found] == [False, True]
        assert found[1][1] == "the best there is"


def test_one_plane_of_everything_is_shown() -> None:
    shown = {
        image(5, 8, 8): Part((2,)),
        image(4, 8, 8): Part((2,)),
        image(8, 8): Part(),
        image(7, 9, 8, 8): Part((0, 4)),
        image(9, 8, 8, kind="clip"): Part((4,)),
        image(6000, 4000, kind="slide"): Part(level=2),
    }
    assert [shown_part(one) for one in shown] == list(shown.values())


def test_rules_have_names_and_versions_and_explain_themselves() -> None:
    assert (LARGEST_ORIGINAL.label, MIDDLE_SLICE.label) == ("largest_original v2", "middle_slice v2")
    assert "localizers come last" in str(LARGEST_ORIGINAL)
    assert "middle slice of the first volume" in str(MIDDLE_SLICE)
