"""What holds for every test: nothing is left in the user's folders, and a busy machine is no reason to fail."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Deadlines measure the machine, not the code; two workers share it with whatever else runs. Continuous integration tries the same
# examples every time, so that it fails by a change alone; who works on the code tries new ones.
settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("house")


@pytest.fixture(scope="session", autouse=True)
def folders_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep salts and caches of the tests out of the user's home; child processes inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.setenv("MPLCONFIGDIR", os.environ.get("MPLCONFIGDIR") or str(tmp_path_factory.mktemp("matplotlib")))
        yield


@pytest.fixture
def public_data() -> Path:
    """The real collections."""
    place = os.environ.get("VESALIUS_DATA")
    if place is None:
        pytest.skip("VESALIUS_DATA is not set: the real collections are not at hand")
    root = Path(place)
    return root / "public" if (root / "public").is_dir() else root
