"""Every format into every other: what comes back is what went in, or was counted as dropped."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from tests.datasets.formats.by_hand import corpus, heard, plain

from vesalius.datasets import recognized
from vesalius.datasets.exports import Dropped
from vesalius.errors import UsageError
from vesalius.types import Sample

NAMES = ["csv", "huggingface", "llamafactory", "llava", "openai", "r2gen", "swift", "trl", "webdataset"]
MODULES: dict[str, ModuleType] = {name: importlib.import_module(f"vesalius.datasets.formats.{name}") for name in NAMES}
KEPT = ("boxes", "pair", "deep", "annotated")
NO_FIELD = "openai"  # the only one that keeps nothing beside its records


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[Sample]]]:
    """The corpus in every format, with what is read of it."""
    found = {}
    for name, module in MODULES.items():
        folder = tmp_path_factory.mktemp(name)
        module.write([sample for sample in corpus() if sample.key in KEPT], folder, Dropped())
        samples, faults = heard(module.read, folder)
        assert faults == []
        found[name] = (folder, samples)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_one_format_writes_is_recognized_by_it_and_by_no_other(start, name: str) -> None:
    known = recognized.readers()
    assert [other for other, module in known.items() if module.recognizes(start[name][0])] == [name]


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("source", NAMES)
def test_nothing_is_lost_between_two_formats_without_being_counted(start, tmp_path: Path, source: str, target: str) -> None:
    samples, dropped = start[source][1], Dropped()
    try:
        MODULES[target].write(samples, tmp_path, dropped)
    except UsageError:
        assert dropped
        return
    back, faults = heard(MODULES[target].read, tmp_path)
    assert faults == []
    assert bool(dropped) or len(back) == len(samples)
    expected = {sample.key: plain(sample) for sample in samples}
    if target != NO_FIELD:
        assert all(expected[sample.key] == plain(sample) for sample in back)
    else:
        texts = {turn.text for sample in samples for turn in sample.turns if "<region" not in turn.text}
        texts |= {
            side for sample in samples if sample.preference for side in (sample.preference.chosen, sample.preference.rejected)
        }
        assert {turn.text for sample in back for turn in sample.turns if "bbox_2d" not in turn.text} <= texts
