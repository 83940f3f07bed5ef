import os
from pathlib import Path

import pytest

from vesalius.datasets import first_real
from vesalius.errors import InputRefused, MissingFromEnvironment

PUBLISHED = os.environ.get("VESALIUS_DATA", "")
with_data = pytest.mark.skipif(not PUBLISHED, reason="VESALIUS_DATA is not set: the published collections are not here")


def test_without_a_folder_it_is_said_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VESALIUS_DATA", raising=False)
    with pytest.raises(MissingFromEnvironment) as refused:
        first_real.data_root(None)
    assert refused.value.code == "missing_data"


def test_a_folder_with_none_of_them_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        list(first_real.read(str(tmp_path)))
    assert refused.value.code == "bad_dataset"
    with pytest.raises(InputRefused) as missing:
        list(first_real.read(str(tmp_path / "nowhere")))
    assert missing.value.code == "input_missing"


@with_data
def test_no_patient_and_no_picture_is_in_two_splits() -> None:
    for key in ("patient", "picture"):
        splits: dict[str, set[str | None]] = {}
        for sample in first_real.read():
            unit = sample.provenance.patient_key if key == "patient" else sample.images[0].image.source.sha256
            splits.setdefault(unit, set()).add(sample.provenance.split)
        assert len(splits) > 500
        assert all(len(found) == 1 for found in splits.values())


@with_data
def test_more_is_asked_of_the_smears_to_learn_from_and_of_no_others() -> None:
    plain, more = list(first_real.read()), list(first_real.training())
    added = more[len(plain) :]
    assert [sample.key for sample in more[: len(plain)]] == [sample.key for sample in plain]
    assert len(added) > 200
    assert {sample.provenance.split for sample in added} == {"train"}
    assert {sample.task for sample in added} == {"count"}
    for sample in added:
        assert sample.turns[1].text.split(" ")[0] == str(len(sample.regions))
        assert set(sample.labels.values()) == {"present" if sample.regions else "absent"}
    assert len({sample.key for sample in more}) == len(more)


@with_data
def test_one_collection_alone_is_read() -> None:
    alone = list(first_real.read(str(Path(PUBLISHED) / "bccd")))
    assert {sample.provenance.source for sample in alone} == {"bccd"}
