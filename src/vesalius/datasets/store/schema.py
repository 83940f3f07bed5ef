"""The columns of `samples.parquet`: those of `Sample`, in every version that is read.

1   the first
2   pictures say when their frames were taken (`frame_times_s`) and what makes uptake of a PET's values (`suv_factor`); a
    mask names the level of a slide that it lies on
3   pictures say which scanner took them (`scanner`)
"""

import pyarrow as pa

VERSION = "3"  # the one that is written
Fields = list[tuple[str, pa.DataType]]

_PAIRS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
_NUMBERS = pa.list_(pa.float64())
_FILE: Fields = [("media", pa.string()), ("bytes", pa.int64())]
_IMAGE: Fields = [
    ("role", pa.string()),
    *_FILE,
    ("kind", pa.string()),
    ("shape", pa.list_(pa.int64())),
    ("channels", pa.int64()),
    ("spacing_mm", _NUMBERS),
    ("frame_s", pa.float64()),
    ("affine_lps_mm", _NUMBERS),
    ("modality", pa.string()),
    ("view", pa.string()),
    ("window", _NUMBERS),
    ("inverted", pa.bool_()),
    ("day", pa.float64()),
    ("source", pa.struct([("sha256", pa.string()), ("format", pa.string())])),
    ("warnings", pa.list_(pa.struct([("code", pa.string()), ("message", pa.string()), ("at", pa.string())]))),
]
_SPANS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))
_TURN: Fields = [("role", pa.string()), ("text", pa.string()), ("spans", _SPANS)]
_PROVENANCE: Fields = [
    *((name, pa.string()) for name in ("source", "licence", "patient_key", "study_key", "annotation", "split", "site")),
    ("age_years", pa.float64()),
    ("sex", pa.string()),
]
_MEASUREMENT: Fields = [
    ("name", pa.string()),
    ("value", pa.float64()),
    ("unit", pa.string()),
    ("method", pa.string()),
    ("region", pa.int64()),
    ("uncertainty", pa.float64()),
]
_WHICH = pa.list_(pa.int64())
_PREFERENCE: Fields = [
    ("chosen", pa.string()),
    ("rejected", pa.string()),
    ("chosen_images", _WHICH),
    ("rejected_images", _WHICH),
    ("weight", pa.float64()),
]


def _region(mask: Fields) -> Fields:
    return [
        ("label", pa.string()),
        ("box", pa.struct([("low", _NUMBERS), ("high", _NUMBERS)])),
        ("point", _NUMBERS),
        ("polygon", pa.list_(_NUMBERS)),
        ("mask", pa.struct(mask)),
        ("space", pa.string()),
        ("image", pa.int64()),
        ("frame", pa.int64()),
        ("attributes", _PAIRS),
    ]


def _sample(image: Fields, region: Fields) -> pa.Schema:
    return pa.schema(
        [
            ("key", pa.string()),
            ("task", pa.string()),
            ("images", pa.list_(pa.struct(image))),
            ("turns", pa.list_(pa.struct(_TURN))),
            ("provenance", pa.struct(_PROVENANCE)),
            ("regions", pa.list_(pa.struct(region))),
            ("measurements", pa.list_(pa.struct(_MEASUREMENT))),
            ("labels", _PAIRS),
            ("report", pa.struct([("findings", pa.string()), ("impression", pa.string()), ("language", pa.string())])),
            ("preference", pa.struct(_PREFERENCE)),
            ("options", pa.list_(pa.string())),
        ]
    )


_IMAGE_2: Fields = [*_IMAGE, ("frame_times_s", _NUMBERS), ("suv_factor", pa.float64())]
_REGION_2 = _region([*_FILE, ("level", pa.int64())])

SCHEMAS = {
    "1": _sample(_IMAGE, _region(_FILE)),
    "2": _sample(_IMAGE_2, _REGION_2),
    "3": _sample([*_IMAGE_2, ("scanner", pa.string())], _REGION_2),
}
SCHEMA = SCHEMAS[VERSION]
