"""Published collections as pairs: small ones of the same layout, and the real ones where they are at hand."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.datasets.collections.test_covid_chestxray import row
from tests.datasets.collections.test_iu_xray import NAMES, record
from tests.datasets.collections.test_iu_xray import write as write_iu
from tests.datasets.collections.test_pocus import write as write_pocus
from tests.datasets.conftest import picture

from vesalius.datasets.pairs import published
from vesalius.datasets.pairs.pair import Pair
from vesalius.errors import InputRefused, MissingFromEnvironment

SPLITS = ("train", "validation", "test")


def words(pair: Pair) -> list[str]:
    return [text.words for text in pair.texts]


def counted(pairs: Sequence[Pair]) -> tuple[int, int, list[int]]:
    splits = Counter(pair.sample.provenance.split for pair in pairs)
    return len(pairs), len({pair.sample.provenance.patient_key for pair in pairs}), [splits[split] for split in SPLITS]


def test_covid_chestxray_has_notes_findings_and_views(tmp_path: Path, make_covid: Callable[..., Path]) -> None:
    rows = [
        row("a.png", "p1", finding="COVID-19", clinical_notes="Patchy shadows. Seen on March 3."),
        row("b.png", "p2", finding="Klebsiella", view="L"),
        row("c.png", "p3", finding="No Finding", view="AP Supine"),
        row("d.png", "p4", finding="todo"),
        row("e.png", "p5", finding="COVID-19", modality="CT", view="Axial"),
    ]
    make_covid(tmp_path / "c", rows)
    ill, other, well, unknown = published.covid_chestxray(str(tmp_path), templates=1)
    assert words(ill) == [
        "Patchy shadows.",
        "chest radiograph showing covid-19",
        "chest radiograph, PA view",
        "PA chest radiograph",
    ]
    assert [pair.label for pair in (ill, other, well, unknown)] == ["covid-19", "klebsiella pneumonia", "normal", None]
    assert [pair.sample.labels.get("covid-19") for pair in (ill, other, well, unknown)] == ["present", "absent", "absent", None]
    assert [other.sample.labels[f"{view} view"] for view in published.VIEWS] == ["absent", "absent", "absent", "present"]
    assert words(well)[0] == "normal chest radiograph"
    assert len(list(published.covid_chestxray(str(tmp_path), figures=True))) == 5
    views = [pair.label for pair in published.covid_chestxray(str(tmp_path), label="view")]
    assert views == ["PA", "lateral", "AP supine", "PA"]


def test_kermany_tells_the_cause_and_keeps_a_child_in_one_split(tmp_path: Path) -> None:
    names = [
        "train/NORMAL/IM-0115-0001.jpeg",
        "train/PNEUMONIA/person1_bacteria_1.jpeg",
        "test/PNEUMONIA/person1_bacteria_2.jpeg",
    ]
    for shade, name in enumerate(names):
        picture(tmp_path / "chest_xray" / name, 32, 24, shade)
    pairs = list(published.kermany(str(tmp_path), templates=1))
    assert sorted(pair.label or "" for pair in pairs) == ["bacterial pneumonia", "bacterial pneumonia", "normal"]
    ill = [pair for pair in pairs if pair.label != "normal"]
    assert len({pair.sample.provenance.split for pair in ill}) == 1
    assert words(ill[0]) == ["chest radiograph showing bacterial pneumonia"]
    assert ill[0].sample.labels == {"pneumonia": "present", "bacterial pneumonia": "present", "viral pneumonia": "absent"}


def test_bccd_gives_cells_cut_out_with_room_and_never_beyond_the_picture(tmp_path: Path, make_bccd: Callable[..., Path]) -> None:
    boxes = [("WBC", 21, 11, 30, 20), ("RBC", 1, 1, 9, 9), *[("Platelets", 40 + n, 30, 44 + n, 36) for n in range(5)]]
    pairs = list(published.bccd(str(make_bccd(tmp_path, {"a": boxes})), templates=1))
    assert Counter(pair.label for pair in pairs) == {"white blood cell": 1, "red blood cell": 1, "platelet": 3}
    white, red = (pair.sample.images[0].image for pair in pairs[:2])
    (whole,) = {pair.sample.images[0].image.source.sha256: pair for pair in published.bccd(str(tmp_path), cells=False)}.values()
    assert white.shape == (14, 14)  # ten pixels and 15 % on either side, in whole pixels
    assert np.array_equal(white.load(), whole.sample.images[0].image.load()[8:22, 18:32])
    assert red.load().shape[:2] == red.shape == (11, 11)
    assert len({pair.sample.key for pair in pairs}) == len({pair.sample.images[0].image.source.sha256 for pair in pairs}) == 5
    assert whole.sample.labels == {"white blood cell": "present", "red blood cell": "present", "platelet": "present"}


def test_pocus_puts_the_diagnosis_first(tmp_path: Path) -> None:
    write_pocus(tmp_path, {"Effusion": "1", "B-lines": "0", "MD2": "Small effusion."})
    (pair,) = published.pocus(str(tmp_path), templates=1)
    assert pair.label == "covid-19"
    assert words(pair) == ["Small effusion.", "lung ultrasound showing covid-19, pleural effusion"]


def test_iu_xray_pairs_every_picture_with_the_sentences_of_its_report(tmp_path: Path) -> None:
    for shade, name in enumerate(NAMES):
        picture(tmp_path / "images" / name, 32, 24, shade)
    pairs = list(
        published.iu_xray(str(write_iu(tmp_path, train=[record(report="Clear lungs. The XXXX is normal. No effusion.")])))
    )
    assert [pair.image for pair in pairs] == [0, 1]
    assert words(pairs[0]) == words(pairs[1]) == ["Clear lungs.", "No effusion."]


def test_iu_xray_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        next(published.iu_xray(str(write_iu(tmp_path, train=[record()]))))
    assert refused.value.code == "bad_dataset"


def test_a_folder_without_the_collection_and_no_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(InputRefused) as refused:
        next(published.kermany(str(tmp_path)))
    assert refused.value.code == "bad_dataset"
    monkeypatch.delenv("VESALIUS_DATA", raising=False)
    with pytest.raises(MissingFromEnvironment):
        next(published.kermany())


@pytest.mark.parametrize(
    ("collection", "expected"),
    [
        (published.covid_chestxray, (490, 282, [343, 47, 100])),
        (published.kermany, (125, 122, [91, 10, 24])),
        (published.bccd, (1468, 270, [1064, 109, 295])),
        (published.pocus, (49, 34, [35, 5, 9])),
    ],
)
def test_the_real_folders_have_these_pairs(
    public_data: Path, collection: Callable[[str], Sequence[Pair]], expected: tuple[int, int, list[int]]
) -> None:
    pairs = list(collection(str(public_data)))
    assert counted(pairs) == expected
    assert all(pair.texts for pair in pairs)
