"""`vesalius data`: convert and split."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.datasets.split import by_patient
from vesalius.datasets.store import table
from vesalius.errors import InputRefused, UsageError
from vesalius.workflows.data import convert as data
from vesalius.workflows.data.split import split

VOC = """<annotation><object><name>WBC</name>
<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{}</xmax><ymax>9</ymax></bndbox></object></annotation>"""


def quiet(line: str) -> None:
    pass


@pytest.fixture
def smears(tmp_path) -> Path:
    """Six fields of view in bccd's layout; the first has a box without extent."""
    root = tmp_path / "published"
    (root / "BCCD" / "JPEGImages").mkdir(parents=True)
    (root / "BCCD" / "Annotations").mkdir()
    for number in range(6):
        pixels = np.full((12, 16, 3), number * 40, np.uint8)
        Pillow.fromarray(pixels).save(root / "BCCD" / "JPEGImages" / f"field{number}.jpg")
        (root / "BCCD" / "Annotations" / f"field{number}.xml").write_text(VOC.format(9 if number else 1))
    return root


def test_a_folder_is_recognized_and_converted_with_its_card(tmp_path, smears):
    said = []
    outcome = data.convert(smears, out=tmp_path / "out", say=said.append)
    samples = list(table.read(tmp_path / "out"))
    assert (outcome.exit_code, outcome.data["format"], outcome.data["samples"]) == (4, "bccd", len(samples))
    assert said == ["reading bccd"]
    assert all(sample.provenance.split == by_patient(sample.provenance.patient_key) for sample in samples)
    card = table.card(tmp_path / "out")
    assert (card.name, card.licence, card.source) == ("bccd", "MIT.", "github.com/Shenggan/BCCD_Dataset.")
    assert card.labels.startswith("boxes drawn by hand")
    assert card.patients.startswith("the part of a smear")


def test_what_was_left_out_is_told_and_stands_in_the_card(tmp_path, smears):
    outcome = data.convert(smears, out=tmp_path / "out", say=quiet)
    assert [fault["code"] for fault in outcome.data["faults"]] == ["box_without_extent"]
    assert "error box_without_extent at annotation 1, object 1" in outcome.text
    assert "box_without_extent: 1" in (tmp_path / "out" / "CARD.md").read_text()


def test_a_format_can_be_named_and_an_unknown_one_is_refused_with_the_known(tmp_path, smears):
    assert data.convert(smears, out=tmp_path / "out", from_format="bccd", say=quiet).data["format"] == "bccd"
    with pytest.raises(UsageError) as refused:
        data.convert(smears, out=tmp_path / "other", from_format="bcd", say=quiet)
    assert refused.value.code == "unknown_name"
    assert set(refused.value.problems[0].allowed) >= {"bccd", "covid_chestxray", "derived_vqa"}


def test_a_folder_of_two_layouts_is_not_guessed(tmp_path, smears):
    (smears / "derived_vqa").mkdir()
    (smears / "derived_vqa" / "vqa.json").write_text("[]")
    with pytest.raises(UsageError, match="bccd and derived_vqa"):
        data.convert(smears, out=tmp_path / "out", say=quiet)


def test_a_foreign_a_missing_and_a_taken_folder_are_refused(tmp_path, smears):
    with pytest.raises(InputRefused) as refused:
        data.convert(tmp_path, out=tmp_path / "out", say=quiet)
    assert refused.value.code == "bad_dataset"
    with pytest.raises(InputRefused) as refused:
        data.convert(tmp_path / "nothing", out=tmp_path / "out", say=quiet)
    assert refused.value.code == "input_missing"
    data.convert(smears, out=tmp_path / "out", say=quiet)
    with pytest.raises(UsageError):
        data.convert(smears, out=tmp_path / "out", say=quiet)


def test_a_refused_source_leaves_no_dataset(tmp_path, smears):
    for number in range(6):
        (smears / "BCCD" / "Annotations" / f"field{number}.xml").write_text("<")
    with pytest.raises(InputRefused):
        data.convert(smears, out=tmp_path / "out", say=quiet)
    assert not table.recognizes(tmp_path / "out")


def test_split_puts_every_patient_into_one_split_and_keeps_the_card(tmp_path, smears):
    data.convert(smears, out=tmp_path / "out", say=quiet)
    outcome = split(tmp_path / "out", out=tmp_path / "parts")
    splits = defaultdict(set)
    for sample in table.read(tmp_path / "parts"):
        splits[sample.provenance.patient_key].add(sample.provenance.split)
    assert splits == {key: {by_patient(key)} for key in splits}
    assert sum(outcome.data["splits"].values()) == outcome.data["samples"] > 0
    before, after = table.card(tmp_path / "out"), table.card(tmp_path / "parts")
    assert after == replace(before, splits=after.splits)


def test_our_own_layout_converts_to_itself(tmp_path, smears):
    data.convert(smears, out=tmp_path / "out", say=quiet)
    outcome = data.convert(tmp_path / "out", out=tmp_path / "copy", say=quiet)
    assert outcome.data["format"] == "vesalius"
    assert table.card(tmp_path / "copy") == table.card(tmp_path / "out")
    assert (tmp_path / "copy" / "samples.parquet").read_bytes() == (tmp_path / "out" / "samples.parquet").read_bytes()
