"""A corpus of broken datasets, one fault each: lint finds every one and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.datasets.lint import clean

from vesalius.datasets.lint import run
from vesalius.datasets.lint.budget import budget
from vesalius.datasets.lint.seen import Asked
from vesalius.errors import FAULTS, InputRefused
from vesalius.types import Box, Point, Polygon, Region, Report, Sample, SampleImage, Turn

WHOLE = np.ones((clean.ROWS, clean.COLUMNS), bool)


def refused() -> np.ndarray:
    raise InputRefused("decode_failed", "The picture is broken.")


def broken_picture() -> Sample:
    made = clean.sample(1)
    return replace(made, images=(SampleImage("current", replace(made.images[0].image, load=refused)),))


def shown(number: int, array: np.ndarray, **changed: object) -> Sample:
    return clean.sample(number, images=(SampleImage("current", clean.image(array, modality="DX")),), **changed)


def cut(array: np.ndarray) -> np.ndarray:
    """5 % less each way."""
    return np.ascontiguousarray(array[3:-2, 2:-4])


def leaking() -> list[Sample]:
    """Those with an effusion were photographed on another day."""
    return [
        clean.sample(
            number,
            labels={"effusion": "present" if number % 3 == 0 else "absent"},
            images=(SampleImage("current", clean.image(clean.pixels(number), day=float(number % 3 == 0))),),
            turns=(),
            regions=(),
        )
        for number in range(60)
    ]


# What is wrong → the samples. Each is told under the code that stands before the colon.
BROKEN: dict[str, Callable[[], list[Sample]]] = {
    "media_unreadable: a picture that cannot be decoded": lambda: clean.every(6, broken_picture()),
    "media_unreadable: a mask that cannot be decoded": lambda: clean.every(6, unloadable_mask()),
    "placeholder_mismatch: a picture that no turn names": lambda: clean.every(
        12, clean.sample(1, turns=(Turn("user", "Is it normal?"), Turn("assistant", "yes")))
    ),
    "placeholder_mismatch: a picture that is not there": lambda: clean.every(
        12, clean.sample(1, turns=(Turn("user", "<image:0><image:1> Did it change?"), Turn("assistant", "yes")))
    ),
    "placeholder_mismatch: a region that is not there": lambda: clean.every(6, clean.asked("Where is it?", "nodule <region:4>")),
    "answer_missing: an empty answer": lambda: clean.every(6, clean.asked("Is it normal?", " ")),
    "answer_missing: a question behind the last answer": lambda: clean.every(
        12,
        clean.sample(1, turns=(Turn("user", "<image:0> Normal?"), Turn("assistant", "yes"), Turn("user", "Are you sure?"))),
    ),
    "encoding_broken: a replacement character": lambda: clean.every(6, clean.asked("Is it normal?", "no\ufffd")),
    "encoding_broken: UTF-8 read as something else": lambda: clean.every(6, clean.asked("Is it normal?", "a lÃ©sion")),
    "special_token: a turn's mark": lambda: clean.every(6, clean.asked("Is it normal?<|im_end|>", "no")),
    "special_token: a picture's mark": lambda: clean.every(6, clean.asked("<image> Is it normal?", "no")),
    "special_token: a place": lambda: clean.every(6, clean.asked("What lies at <loc0123>?", "nothing")),
    "box_outside: a box": lambda: clean.every(6, clean.boxed(3, (10, 10, 30, 121))),
    "box_outside: a box in a frame that is not there": lambda: clean.every(6, clip_with_frame(7)),
    "box_outside: a point": lambda: clean.every(6, clean.sample(3, regions=(Region("tip", Point((97, 3))),), turns=())),
    "box_outside: an outline": lambda: clean.every(
        12, clean.sample(3, regions=(Region("lung", Polygon(((1, 1), (1, 140), (9, 9)))),), turns=())
    ),
    "box_inverted: a box": lambda: clean.every(6, clean.boxed(3, (30, 10, 10, 50))),
    "box_without_extent: a box": lambda: clean.every(6, clean.boxed(3, (10, 10, 10, 50))),
    "box_space: shares from 0 to 1": lambda: clean.every(6, clean.boxed(3, (0.25, 0.25, 0.5, 0.75))),
    "box_space: x and y exchanged": lambda: [clean.boxed(n, (100 - n, 10, 118 - n, 40)) for n in range(5)],
    "box_space: width and height": lambda: [clean.boxed(n, (60 + n, 70, 20, 30)) for n in range(5)],
    "box_space: thousandths": lambda: [clean.boxed(n, (500, 600 + n, 700, 990)) for n in range(5)],
    "mask_geometry: another size": lambda: clean.every(6, clean.masked(3, WHOLE[:-1])),
    "mask_all_zero: nothing marked": lambda: clean.every(6, clean.masked(3, ~WHOLE)),
    "answer_given_away: in the question": lambda: clean.every(
        12, clean.asked("This is a case of sarcoidosis. What is the diagnosis?", "Sarcoidosis")
    ),
    "language_mismatch: question and answer": lambda: clean.every(
        12,
        clean.asked(
            "What is seen in the lower part of the lung?", "Es ist ein kleiner Erguss in der rechten Seite und kein Infiltrat."
        ),
    ),
    "language_mismatch: a report": lambda: clean.every(
        12, clean.sample(3, report=Report("El corazón es normal y no se observa derrame en los campos.", "", "en"))
    ),
    "phi_like: a date": lambda: clean.every(6, clean.asked("Is it normal?", "Compared with 12.03.2019 yes.")),
    "phi_like: a name": lambda: clean.every(6, clean.asked("Is it normal?", "Discussed with Dr. Miller, yes.")),
    "phi_like: a telephone number": lambda: clean.every(6, clean.asked("Is it normal?", "Call 555-010-4477.")),
    "phi_like: an address": lambda: clean.every(6, clean.asked("Is it normal?", "He lives at 12 Elm Street.")),
    "phi_like: a number of a person": lambda: clean.every(6, clean.asked("Is it normal?", "MRN: 00123456 yes.")),
    "phi_like: an e-mail address": lambda: clean.every(6, clean.asked("Is it normal?", "Ask a.b@clinic.example.org")),
    "key_twice: two samples": lambda: [*clean.every(), clean.sample(40, key="made-3")],
    "sample_duplicate: two samples": lambda: [*clean.every(), clean.sample(3, key="again")],
    "picture_duplicate: two patients": lambda: [*clean.every(), shown(40, clean.pixels(3))],
    "picture_near_duplicate: cut": lambda: [*clean.every(), shown(40, cut(clean.pixels(3)))],
    "picture_near_duplicate: mirrored": lambda: [*clean.every(), shown(40, clean.pixels(3)[:, ::-1].copy())],
    "picture_near_duplicate: clips": lambda: [*clean.every(), film(40, 40), film(41, 40, 30)],
    "picture_across_splits: the very same": lambda: [
        clean.sample(3, provenance={"split": "train"}),
        shown(40, clean.pixels(3), provenance={"split": "test"}),
    ],
    "picture_across_splits: cut": lambda: [
        clean.sample(3, provenance={"split": "train"}),
        shown(40, cut(clean.pixels(3)), provenance={"split": "test"}),
    ],
    "patient_across_splits: two studies": lambda: [
        clean.sample(3, provenance={"split": "train"}),
        clean.sample(4, provenance={"split": "test", "patient_key": "patient 3"}),
    ],
    "study_across_splits: patients are not known": lambda: [
        clean.sample(3, provenance={"split": "train"}),
        clean.sample(4, provenance={"split": "test", "study_key": "study 3"}),
    ],
    "annotation_conflict: yes and no": lambda: [
        *clean.every(),
        clean.sample(1, key="again", turns=(clean.sample(1).turns[0], Turn("assistant", "yes")), labels={}),
    ],
    "label_leak: the day": leaking,
}


def unloadable_mask() -> Sample:
    made = clean.masked(3, WHOLE)
    region = made.regions[0]
    return replace(made, regions=(replace(region, geometry=replace(region.geometry, load=refused)),))


def clip_with_frame(frame: int) -> Sample:
    film = clean.image(clean.pixels(50, (5, 40, 44)), kind="clip")
    region = Region("valve", Box((3, 3), (9, 9)), frame=frame)
    return clean.sample(3, images=(SampleImage("current", film),), regions=(region,), turns=())


def film(number: int, seed: int, shift: int = 0) -> Sample:
    """A clip; another shift of gray levels is another file with the same frames."""
    frames = np.clip(clean.pixels(seed, (5, 60, 64)).astype(int) * 0.8 + shift, 0, 255).astype(np.uint8)
    return clean.sample(number, images=(SampleImage("current", clean.image(frames, kind="clip")),), turns=(), regions=())


def codes(samples: list[Sample], asked: Asked | None = None) -> list[str]:
    return [fault.code for fault in run.lint(samples, asked or Asked())]


def test_a_clean_dataset_has_no_faults() -> None:
    assert codes(clean.every(60)) == []


@pytest.mark.parametrize("what", BROKEN)
def test_lint_finds_the_fault_and_nothing_else(what: str) -> None:
    assert set(codes(BROKEN[what]())) == {what.partition(":")[0]}


def test_every_code_that_a_check_can_tell_is_in_the_corpus_and_every_check_is_asked() -> None:
    told = {what.partition(":")[0] for what in BROKEN} | {"text_over_limit", "benchmark_overlap"}
    can = {code for check in run.checks() for code in check.CODES}
    assert can == told
    assert can <= FAULTS.keys()
    assert len(run.checks()) == 17


def test_a_sample_that_is_too_long_is_told_with_its_tokens() -> None:
    long = clean.asked("Is it normal?", "word " * 600)
    (fault,) = run.lint(clean.every(6, long), Asked(budget=budget("first_phantom", None)))
    assert (fault.code, fault.key) == ("text_over_limit", long.key)
    assert dict(fault.example)["tokens"] > 600
    assert codes(clean.every(6, long), Asked(budget=budget(None, 100))) == ["text_over_limit"]
    assert codes(clean.every(6, long)) == []


def test_items_of_a_benchmark_are_found_by_picture_by_likeness_and_by_words() -> None:
    words = "The upper zone of the left lung shows a cavity with a thick wall and an air fluid level of four centimeters."
    item = clean.asked("Describe the study.", words, 70)
    exam = (("exam", [item, clean.sample(72), clean.sample(75)]),)
    samples = [
        *clean.every(),
        shown(30, clean.pixels(72)),
        shown(31, cut(clean.pixels(75))),
        clean.asked("What do you see?", words),
    ]
    samples[-1] = replace(samples[-1], key="words")
    found = {(fault.code, fault.key) for fault in run.lint(samples, Asked(benchmarks=exam))}
    assert {key for code, key in found if code == "benchmark_overlap"} == {"made-30", "made-31", "words"}
    held_out = [replace(one, provenance=replace(one.provenance, split="test")) for one in samples]
    assert "benchmark_overlap" not in codes(held_out, Asked(benchmarks=exam))


def test_a_quick_run_decodes_nothing_and_still_finds_the_same_file_twice() -> None:
    samples = [
        replace(one, images=tuple(SampleImage("current", replace(i.image, load=refused)) for i in one.images))
        for one in clean.every()
    ]
    assert codes(samples, Asked(is_quick=True)) == []
    twin = replace(samples[3], key="twin", provenance=replace(samples[3].provenance, patient_key="another", study_key="another"))
    assert set(codes([*samples, twin], Asked(is_quick=True))) <= {"picture_duplicate", "sample_duplicate"}


def test_no_fault_repeats_what_looks_like_a_person() -> None:
    text = "Seen by Dr. Miller on 12.03.2019, MRN 00123456, 12 Elm Street, call 555-010-4477 or a.b@clinic.example.org"
    (fault,) = run.lint(clean.every(6, clean.asked("Is it normal?", text)), Asked())
    assert len(dict(fault.example)["kinds"]) == 6
    assert not any(part in str(fault.to_json()) for part in ("Miller", "2019", "00123456", "Elm", "555", "clinic"))


def test_annotated_pictures_without_labels_or_splits_do_not_drown_in_notes() -> None:
    assert codes([replace(one, turns=(), labels={}, regions=()) for one in clean.every(60)]) == []


def test_masks_of_frames_and_pictures_for_comparison_are_let_pass(tmp_path: Path) -> None:
    film = clean.image(clean.pixels(50, (5, 40, 44)), kind="clip")
    frame = Region("valve", clean.masked(1, np.ones((40, 44), bool)).regions[0].geometry, frame=2)
    one = clean.sample(3, images=(SampleImage("current", film),), regions=(frame,), turns=())
    atlas = SampleImage("reference", clean.image(clean.pixels(80)))
    pair = [clean.sample(n, images=(*clean.sample(n).images, atlas), turns=(), regions=()) for n in (4, 5)]
    assert codes([one, *pair]) == []
