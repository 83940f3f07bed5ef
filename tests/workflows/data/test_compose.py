"""`vesalius data compose`."""

from pathlib import Path

import numpy as np
import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import confusing
from vesalius.datasets.store import table
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Sample
from vesalius.workflows.data import compose as workflow
from vesalius.workflows.data.compose import allowed, engines, parsed

CARD = table.Card("phantoms", "made by code", "Apache-2.0", "as drawn", "a seed", "by seed")
ENGINES = {
    "captions", "changes", "confusing", "descriptions", "frames", "grades", "grid", "places", "preferences", "projections",
    "rationales", "reports", "sizes",
}  # fmt: skip


def dataset(folder: Path, samples: list[Sample]) -> Path:
    table.write(samples, folder, CARD)
    return folder


@pytest.fixture(scope="module")
def chests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples = annotated.patients("chest_xray", 6, size_px=32, split="train")
    samples += annotated.patients("chest_xray", 4, first=10, size_px=32, split="test")
    return dataset(tmp_path_factory.mktemp("chests") / "data", samples)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Volumes, clips and follow-ups."""
    samples = annotated.patients("chest_ct", 2, size_px=24) + annotated.patients("surgery", 3, size_px=32)
    samples += annotated.patients("chest_xray", 6, visits=2, size_px=32)
    return dataset(tmp_path_factory.mktemp("everything") / "data", samples)


def test_every_engine_says_what_it_does_and_takes_a_seed_and_a_language() -> None:
    assert set(engines()) == ENGINES
    for name, says in engines().items():
        assert says.startswith(f"{name}: ")
        assert "→" in says or ":" in says.removeprefix(name + ":") or len(says) > 30


@pytest.mark.parametrize("engine", sorted(ENGINES - {"confusing"}))
def test_every_engine_writes_a_dataset_that_can_be_read_and_traced(engine: str, everything: Path, tmp_path: Path) -> None:
    given = {"changes": ["balanced=no"], "grades": ["kinds=volume,image"]}.get(engine, [])
    outcome = workflow.compose(everything, engine=engine, out=tmp_path / "out", given=given)
    source = {sample.key: sample for sample in table.read(everything)}
    made = list(table.read(tmp_path / "out"))
    assert len(made) == outcome.data["samples"] > 0
    for sample in made:
        origin = source[sample.provenance.annotation.partition(" from ")[2].partition(": ")[0]]
        assert sample.key.startswith(origin.key + "-")
        assert sample.provenance.patient_key == origin.provenance.patient_key
        assert sample.provenance.annotation.startswith(engine)


def test_pairs_are_found_by_vectors_in_files(chests: Path, tmp_path: Path) -> None:
    samples = list(table.read(chests))
    np.savez(tmp_path / "one.npz", **{sample.key: np.ones(3) for sample in samples})
    seen = {s.key: np.array([0.1, *(state == "present" for state in s.labels.values())], float) for s in samples}
    np.savez(tmp_path / "two.npz", **seen)
    given = [f"first={tmp_path / 'one.npz'}", f"second={tmp_path / 'two.npz'}"]
    outcome = workflow.compose(chests, engine="confusing", out=tmp_path / "out", given=given)
    assert outcome.data["tasks"]["confusing"] % 2 == 0
    assert str(tmp_path) not in (tmp_path / "out" / "CARD.md").read_text()
    assert str(tmp_path) not in str(outcome.data)


def test_the_card_says_which_engine_seed_options_and_source(chests: Path, tmp_path: Path) -> None:
    outcome = workflow.compose(chests, engine="captions", out=tmp_path / "out", given=["seed=7", "per_picture=2"])
    card = table.card(tmp_path / "out")
    assert card.name == "phantoms: captions"
    assert "seed=7, language=en, per_picture=2, attributes=True" in card.notes
    assert str(outcome.data["source"]) in card.source
    assert "as drawn" in card.labels
    assert outcome.data["options"]["seed"] == 7


def test_splits_are_those_of_the_source(chests: Path, tmp_path: Path) -> None:
    workflow.compose(chests, engine="places", out=tmp_path / "out", given=["tasks=where,point"])
    before = {sample.provenance.patient_key: sample.provenance.split for sample in table.read(chests)}
    after = {sample.provenance.patient_key: sample.provenance.split for sample in table.read(tmp_path / "out")}
    assert after.items() <= before.items()
    assert set(after.values()) == {"train", "test"}


def test_the_same_seed_writes_the_same_rows(chests: Path, tmp_path: Path) -> None:
    told = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        workflow.compose(chests, engine="reports", out=tmp_path / name, given=[f"seed={seed}"])
        told.append([(sample.key, sample.turns) for sample in table.read(tmp_path / name)])
    assert told[0] == told[1] != told[2]


def test_all_problems_with_options_are_told_at_once(chests: Path, tmp_path: Path) -> None:
    given = ["seeds=1", "form=open", "form=choice", "language", "tasks=area,colour", "pairs=-1", "state_spacing=maybe"]
    with pytest.raises(UsageError) as refused:
        workflow.compose(chests, engine="sizes", out=tmp_path / "out", given=given)
    problems = {problem.key: problem for problem in refused.value.problems}
    assert set(problems) == {"seeds", "form", "language", "tasks", "pairs", "state_spacing"}
    assert "seed" in problems["seeds"].message
    assert problems["state_spacing"].allowed == ("yes", "no")
    assert any(word.startswith("volume") for word in problems["tasks"].allowed)
    assert not (tmp_path / "out").exists()


def test_an_option_without_a_default_must_be_given() -> None:
    with pytest.raises(UsageError) as refused:
        parsed(confusing, ["high=0.8"])
    assert [(problem.key, problem.allowed) for problem in refused.value.problems] == [
        ("first", ("a file",)),
        ("second", ("a file",)),
    ]
    assert allowed(float) == ("a number, 0 or more",)


def test_unknown_engines_missing_folders_and_samples_without_annotations_are_refused(tmp_path: Path, chests: Path) -> None:
    with pytest.raises(UsageError) as unknown:
        workflow.compose(chests, engine="poems", out=tmp_path / "out")
    assert set(unknown.value.problems[0].allowed) == ENGINES
    with pytest.raises(InputRefused) as missing:
        workflow.compose(tmp_path / "nowhere", engine="sizes", out=tmp_path / "out")
    assert missing.value.code == "input_missing"
    with pytest.raises(InputRefused) as empty:
        workflow.compose(chests, engine="projections", out=tmp_path / "out")
    assert empty.value.code == "bad_dataset"
    assert "no CT volume" in empty.value.problems[0].message
    assert not table.recognizes(tmp_path / "out")
