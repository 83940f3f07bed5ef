"""kermany: chest radiographs of children."""

from collections import Counter
from pathlib import Path

import pytest
from tests.datasets.collections.made import Told
from tests.datasets.conftest import picture

from vesalius.datasets.collections import kermany

HEAD = ",X_ray_image_name,Label,Dataset_type,Label_2_Virus_category,Label_1_Virus_category\n"
FILES = ["train/NORMAL/IM-0115-0001.jpeg", "train/PNEUMONIA/person1_bacteria_1.jpeg", "val/PNEUMONIA/person2_virus_3.jpeg"]
FILES += ["test/NORMAL/NORMAL2-IM-0115-0001-0001.jpeg"]


@pytest.fixture
def children(tmp_path) -> Path:
    for shade, name in enumerate(FILES):
        picture(tmp_path / "chest_xray" / name, 32, 24, shade)
    return tmp_path


def test_names_and_folders_become_labels_patients_and_splits(children):
    samples = {sample.provenance.split: sample for sample in list(kermany.read(children))[::-1]}
    assert samples["test"].labels == {"pneumonia": "absent"}
    assert samples["validation"].labels == {"pneumonia": "present", "viral pneumonia": "present"}
    assert Counter(sample.provenance.split for sample in kermany.read(children)) == {"train": 2, "test": 1, "validation": 1}
    assert len({sample.provenance.patient_key for sample in kermany.read(children)}) == 4


def test_all_pictures_of_a_number_have_one_key(children):
    picture(children / "chest_xray" / "test" / "PNEUMONIA" / "person1_bacteria_2.jpeg", 32, 24, 9)
    samples = list(kermany.read(children))
    assert len(samples) == 5
    assert len({sample.provenance.patient_key for sample in samples}) == 4
    assert len({sample.key for sample in samples}) == 5


def test_a_folder_or_a_table_that_says_otherwise_is_told_and_the_name_is_kept(children):
    picture(children / "chest_xray" / "test" / "NORMAL" / "person9_virus_9.jpeg", 32, 24, 9)
    rows = ["1,IM-0115-0001.jpeg,Pnemonia,TRAIN,,bacteria", "2,person1_bacteria_1.jpeg,Pnemonia,TEST,,bacteria"]
    (children / kermany.TABLE).write_text(HEAD + "\n".join([*rows, "3,person2_virus_3.jpeg,Pnemonia,VAL,,Virus"]))
    told = Told()
    samples = list(kermany.read(children, told.append))
    assert told.codes == ["annotation_conflict"] * 3
    assert sum(sample.labels["pneumonia"] == "present" for sample in samples) == 3


def test_a_foreign_name_and_a_damaged_picture_are_told(children):
    picture(children / "chest_xray" / "train" / "NORMAL" / "scan.jpeg", 32, 24, 9)
    (children / "chest_xray" / FILES[0]).write_bytes(b"no picture")
    assert not kermany.recognizes(children)  # one name among the first is foreign
    (children / "chest_xray" / "train" / "NORMAL" / "scan.jpeg").rename(children / "scan.jpeg")
    told = Told()
    assert len(list(kermany.read(children, told.append))) == 3
    assert sorted(told.codes) == ["media_unreadable", "record_malformed"]


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(kermany.read(public_data / "kermany_chestxray", told.append))
    assert Counter(sample.provenance.split for sample in samples) == {"train": 90, "test": 35}
    assert Counter(tuple(sample.labels) for sample in samples) == {
        ("pneumonia",): 55,
        ("pneumonia", "bacterial pneumonia"): 35,
        ("pneumonia", "viral pneumonia"): 35,
    }
    assert told.codes == ["annotation_conflict"] * 38  # the copy was divided anew: its table states other splits
