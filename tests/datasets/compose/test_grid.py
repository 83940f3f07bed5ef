"""grid: modality × part of the body × task, with cells that can be held out."""

from collections import Counter

import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import grid
from vesalius.datasets.compose.grid import Cell
from vesalius.errors import UsageError
from vesalius.types import Sample

KINDS = ("chest_xray", "chest_ct", "fundus", "oct", "abdomen_ct")
TARGET = "CT | chest | side"


def sources(count: int = 8) -> list[Sample]:
    return [sample for kind in KINDS for sample in annotated.patients(kind, count, size_px=32)]


def cell_of(sample: Sample) -> Cell:
    return Cell(*sample.provenance.annotation.partition("cell ")[2].partition(":")[0].split(" | "))


def arm(name: str, **options: object) -> Counter[Cell]:
    return Counter(cell_of(sample) for sample in grid.compose(sources(), held_out=TARGET, arm=name, **options))


def test_the_held_out_cell_is_in_its_own_arm_and_in_no_other() -> None:
    target = Cell("CT", "chest", "side")
    assert set(arm("target")) == {target}
    rest, related, unrelated = arm("all"), arm("related"), arm("unrelated")
    assert target not in rest | related | unrelated
    assert set(rest) == set(related) | set(unrelated)
    assert not set(related) & set(unrelated)
    for cell in unrelated:
        assert (cell.modality, cell.area, cell.task) != (target.modality, target.area, target.task)
        assert cell.modality != "CT"
        assert cell.area != "chest"
        assert cell.task != "side"


@pytest.mark.parametrize(("element", "value"), [("modality", "CT"), ("area", "chest"), ("task", "side")])
def test_an_element_can_be_kept_from_the_related_cells(element: str, value: str) -> None:
    found = arm("related", without=element)
    assert found
    assert all(getattr(cell, element) != value for cell in found)


def test_cells_can_be_made_equally_large_for_each_split() -> None:
    split = [sample for side in ("train", "test") for sample in annotated.patients("chest_xray", 10, size_px=32, split=side)]
    found = Counter((cell_of(s), s.provenance.split) for s in grid.compose(split, per_cell=3))
    assert set(found.values()) <= {1, 2, 3}
    assert max(found.values()) == 3


def test_every_distractor_is_wrong_and_the_position_of_the_right_option_is_balanced() -> None:
    known = {sample.key: sample for sample in sources(14)}
    letters: Counter[str] = Counter()
    for sample in grid.compose(known.values()):
        source, right = known[sample.key.partition("-grid-")[0]], sample.turns[1].text[3:]
        assert 2 <= len(sample.options) == len(set(sample.options)) <= 4
        if cell_of(sample).task == "finding":
            assert source.labels[right] == "present"
            assert {source.labels[option] for option in sample.options if option != right} == {"absent"}
        if len(sample.options) == 4:
            letters[sample.turns[1].text[0]] += 1
    assert letters.total() > 40
    assert max(letters.values()) - min(letters.values()) <= 1


def test_six_instructions_are_used() -> None:
    asked = {s.turns[0].text.split("\n")[0] for s in grid.compose(sources(20)) if cell_of(s).task == "finding"}
    assert len(asked) == 6


def test_the_table_of_cells_counts_what_is_composed() -> None:
    assert grid.cells(sources(4)) == Counter(cell_of(sample) for sample in grid.compose(sources(4)))


def test_a_cell_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError) as refused:
        list(grid.compose(sources(4), held_out="MR | knee | side", without="task"))
    assert [problem.key for problem in refused.value.problems] == ["held_out", "without"]
    assert "DX | chest | finding" in refused.value.problems[0].allowed
    with pytest.raises(UsageError):
        list(grid.compose(sources(4), arm="target"))
