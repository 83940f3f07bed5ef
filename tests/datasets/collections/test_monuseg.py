"""monuseg: nuclei in stained sections."""

from pathlib import Path

import pytest
from tests.datasets.collections.made import Told, mask
from tests.datasets.conftest import picture

from vesalius.datasets.collections import monuseg

OUTLINE = "<Region><Vertices>{}</Vertices></Region>"


def outline(*corners: tuple[float, float]) -> str:
    return OUTLINE.format("".join(f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in corners))


@pytest.fixture
def section(tmp_path) -> Path:
    picture(tmp_path / "Tissue Images" / "TCGA-A7-A13E-01Z-00-DX1.tif", 32, 24, 1)
    write(tmp_path, outline((1, 2), (5.5, 2), (5.5, 8)), outline((10, 10), (20, 10), (20, 20), (10, 20)))
    return tmp_path


def write(root: Path, *outlines: str) -> None:
    place = root / "Annotations" / "TCGA-A7-A13E-01Z-00-DX1.xml"
    place.parent.mkdir(exist_ok=True)
    place.write_text(f"<Annotations><Annotation><Regions>{''.join(outlines)}</Regions></Annotation></Annotations>")


def test_a_section_has_a_polygon_for_every_nucleus(section):
    (sample,) = monuseg.read(section)
    assert [region.geometry.vertices for region in sample.regions] == [
        ((2, 1), (2, 5.5), (8, 5.5)),
        ((10, 10), (10, 20), (20, 20), (20, 10)),
    ]
    assert {region.label for region in sample.regions} == {"nucleus"}


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (outline((1, 1), (2, 2)), "record_malformed"),
        (OUTLINE.format('<Vertex X="a" Y="1"/>' * 3), "record_malformed"),
        (outline((1, 1), (2, 2), (90, 3)), "box_outside"),
        (outline((1, 1), (2, 2), (float("nan"), 3)), "record_malformed"),
    ],
)
def test_an_outline_that_cannot_be_is_told_and_the_others_stay(section, bad, code):
    write(section, bad, outline((1, 1), (5, 1), (5, 5)))
    told = Told()
    (sample,) = monuseg.read(section, told.append)
    assert (len(sample.regions), told.codes, told[0].where) == (1, [code], "section 1, outline 1")


def test_a_section_whose_file_of_outlines_is_cut_off_is_told(section):
    (section / "Annotations" / "TCGA-A7-A13E-01Z-00-DX1.xml").write_text("<Annotations>")
    told = Told()
    assert (list(monuseg.read(section, told.append)), told.codes) == ([], ["record_malformed"])


def test_a_patch_has_its_nuclei_and_what_a_model_took_for_them_under_another_name(tmp_path):
    for number in range(2):
        picture(tmp_path / f"img_{number}.png", 32, 24, number)
        mask(tmp_path / f"label_{number}.png", 32, 24, (1, 1, 5, 5))
    mask(tmp_path / "pred_1.png", 32, 24, (1, 1, 9, 9))
    first, second = monuseg.read(tmp_path)
    assert [region.label for region in first.regions] == ["nuclei"]
    assert [(r.label, int(r.geometry.load().sum())) for r in second.regions] == [("nuclei", 16), ("predicted nuclei", 64)]
    assert first.provenance.patient_key != second.provenance.patient_key


def test_a_patch_without_its_label_is_told(tmp_path):
    for number in range(2):
        picture(tmp_path / f"img_{number}.png", 32, 24, number)
    mask(tmp_path / "label_0.png", 32, 24, (1, 1, 5, 5))
    told = Told()
    assert (len(list(monuseg.read(tmp_path, told.append))), told.codes) == (1, ["media_missing"])


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(monuseg.read(public_data / "monuseg_histology", told.append))
    assert ([len(sample.regions) for sample in samples], told) == ([2] * 14, [])
