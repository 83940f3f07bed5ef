"""What crosses the gate comes out as it went in, and what is not of its type does not come out."""

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest

from vesalius.clinical.picture import Description
from vesalius.clinical.wire import pack, unpack
from vesalius.types import CodedWarning, Part

FULL = Description(
    *("nifti", "volume", (3, 4, 5), 1, "float32"),
    spacing_mm=(1.5, 0.1 + 0.2, 1e-300),
    frame_times_s=(0.0, 0.04),
    affine_lps_mm=((1.0, 0.0, 0.0, -7.5), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0)),
    window=(40.0, 400.0),
    levels=((4, 5), (2, 3)),
    warnings=(CodedWarning("no_calibration", "said", {"files": 3}),),
    notes={"turn": 6, "deep": {"a": [1, None]}},
)


def over(value: Any) -> Any:
    return json.loads(json.dumps(pack(value)))


def test_a_description_comes_out_as_it_went_in() -> None:
    assert unpack(Description, over(FULL)) == FULL
    assert unpack(Part, over(Part((1, 2), (0, 0, 3, 4), 1))) == Part((1, 2), (0, 0, 3, 4), 1)


def test_numbers_that_json_does_not_know_come_out_too() -> None:
    @dataclass(frozen=True)
    class Odd:
        value: float

    assert unpack(Odd, over(Odd(math.inf))) == Odd(math.inf)
    assert math.isnan(unpack(Odd, over(Odd(math.nan))).value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shape", [3, "4"]),
        ("shape", 7),
        ("kind", "portrait"),
        ("channels", True),
        ("dtype", None),
        ("window", [1.0]),
        ("warnings", [{"code": "no_calibration"}]),
        ("notes", []),
        ("surplus", 1),
    ],
)
def test_what_has_another_type_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"not a|another type"):
        unpack(Description, over(FULL) | {key: value})


def test_a_missing_field_is_refused() -> None:
    with pytest.raises(ValueError, match="not a Description"):
        unpack(Description, {key: value for key, value in over(FULL).items() if key != "shape"})
