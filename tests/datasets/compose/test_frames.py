"""frames: questions that need several pictures."""

import re
from collections import Counter
from functools import cache

import numpy as np
from tests.datasets.compose import annotated

from vesalius.datasets.compose import frames
from vesalius.types import Mask, Sample

COUNT = 16


@cache
def made() -> tuple[dict[str, Sample], tuple[Sample, ...]]:
    sources = [*annotated.patients("surgery", 50, size_px=32), *annotated.patients("endoscopy", 30, size_px=32)]
    return {sample.key: sample for sample in sources}, tuple(frames.compose(sources))


def truth(sample: Sample) -> tuple[str, list[int], dict[str, np.ndarray]]:
    """The label, the frames that are shown, and the pixels of each label in each frame of the clip."""
    sources, _ = made()
    source = sources[sample.key.partition("-frames-")[0]]
    label, numbers = re.search(r": frames_\w+ of (.+), frames ([\d ]+?) \(", sample.provenance.annotation).groups()
    areas: dict[str, np.ndarray] = {}
    for region in source.regions:
        if isinstance(region.geometry, Mask):
            area = region.geometry.load().reshape(COUNT, -1).sum(axis=1)
            areas[region.label] = areas.get(region.label, 0) + area
    return label, [int(number) for number in numbers.split()], areas


def of(task: str) -> list[Sample]:
    return [sample for sample in made()[1] if sample.task == task]


def test_the_pictures_are_the_clips_frames_in_order() -> None:
    sources, samples = made()
    for sample in samples[::5]:
        _, numbers, _ = truth(sample)
        assert numbers == sorted(set(numbers))
        whole = sources[sample.key.partition("-frames-")[0]].images[0].image.load()
        for number, shown in zip(numbers, sample.images, strict=True):
            assert np.array_equal(shown.image.load(), whole[number])
            assert shown.image.kind == "image"


def test_the_label_is_visible_in_the_picture_that_is_named_and_in_no_other() -> None:
    assert len(of("frames_which")) > 12
    for sample in of("frames_which"):
        label, numbers, areas = truth(sample)
        named = int(re.search(r"picture (\d)", sample.turns[1].text)[1]) - 1
        assert [bool(areas[label][number]) for number in numbers] == [at == named for at in range(len(numbers))]
        assert {region.image for region in sample.regions} == {named}
        assert list(sample.options) == [f"picture {at + 1}" for at in range(len(numbers))]


def test_what_is_visible_in_all_is_and_no_other_option_is() -> None:
    assert len(of("frames_all")) > 25
    for sample in of("frames_all"):
        label, numbers, areas = truth(sample)
        right = sample.turns[1].text[3:]
        assert right == label
        for option in sample.options:
            everywhere = option in areas and bool(areas[option][numbers].min() > 0)
            assert everywhere == (option == right)


def test_the_number_of_pictures_with_the_label_is_right_and_varies() -> None:
    told = Counter()
    for sample in of("frames_count"):
        label, numbers, areas = truth(sample)
        assert int(sample.turns[1].text) == int((areas[label][numbers] > 0).sum())
        told[sample.turns[1].text] += 1
    assert len(told) >= 4


def test_trends_are_right_and_each_is_as_frequent() -> None:
    told = Counter()
    for sample in of("frames_trend"):
        label, numbers, areas = truth(sample)
        ratio = areas[label][numbers[-1]] / areas[label][numbers[0]]
        said = sample.turns[1].text[3:]
        assert said == ("larger" if ratio >= 1.5 else "smaller" if ratio <= 1 / 1.5 else "unchanged")
        told[said] += 1
    assert set(told) == {"larger", "smaller", "unchanged"}
    assert len(set(told.values())) == 1


def test_positions_of_the_right_picture_are_balanced_for_each_number_of_pictures() -> None:
    for number in range(2, 6):
        letters = Counter(sample.turns[1].text[0] for sample in of("frames_which") if len(sample.images) == number)
        if letters.total() >= 2 * number:  # one position may have gone back to the deck
            assert max(letters.values()) - min(letters[letter] for letter in "ABCDE"[:number]) <= 2


def test_clips_give_two_to_five_pictures_and_volumes_only_where_they_are_named() -> None:
    assert {len(sample.images) for sample in made()[1]} == {2, 3, 4, 5}
    volumes = annotated.patients("abdomen_ct", 3, size_px=24)
    assert not list(frames.compose(volumes))
    assert list(frames.compose(volumes, kinds=("volume",)))
