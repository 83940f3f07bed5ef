import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.clinical import keys


def test_an_unsalted_key_never_changes() -> None:
    # Checkpoints on disk hold such keys: sha256 over each part's length (8 bytes, big endian) and its text.
    assert keys.key("covid_chestxray", "7", salted=False) == "3fee65d96e235463"


def test_the_salt_changes_salted_keys_only(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys.key("a"), keys.key("a", salted=False)
    monkeypatch.setenv(keys.SALT_VARIABLE, "another")
    assert keys.key("a") != before[0]
    assert keys.key("a", salted=False) == before[1]


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_different_parts_give_different_keys(one: list[str], other: list[str]) -> None:
    assert (keys.key(*one, salted=False) == keys.key(*other, salted=False)) == (one == other)


def test_the_salt_of_an_installation_is_made_once_and_is_its_owners_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(keys.SALT_VARIABLE)
    monkeypatch.setattr(keys.platformdirs, "user_data_path", lambda name: tmp_path / name)
    first = keys.key("a")
    (file,) = (tmp_path / "vesalius").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text()) == 64
    assert keys.key("a") == first


def without_hard_links(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_a_file_system_without_hard_links_keeps_a_salt_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(keys.SALT_VARIABLE)
    monkeypatch.setattr(keys.platformdirs, "user_data_path", lambda name: tmp_path / name)
    monkeypatch.setattr(keys.os, "link", without_hard_links)
    first = keys.key("a")
    (file,) = (tmp_path / "vesalius").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(salt := file.read_text()) == 64
    keys._create(file, "another process's")  # too late: the first salt stays
    assert [place.read_text() for place in (tmp_path / "vesalius").iterdir()] == [salt]
    assert keys.key("a") == first


def test_an_empty_salt_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "salt").write_text("")
    monkeypatch.delenv(keys.SALT_VARIABLE)
    monkeypatch.setattr(keys.platformdirs, "user_data_path", lambda name: tmp_path)
    with pytest.raises(keys.MissingFromEnvironment, match="delete an empty file"):
        keys.key("a")


def test_without_a_place_for_the_salt_the_user_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.delenv(keys.SALT_VARIABLE)
    monkeypatch.setattr(keys.platformdirs, "user_data_path", lambda name: tmp_path / "file" / name)
    with pytest.raises(keys.MissingFromEnvironment, match=keys.SALT_VARIABLE) as caught:
        keys.key("a")
    assert caught.value.code == "no_salt"
