"""confusing: pictures that one encoder takes for the same and another does not."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests.datasets.compose import annotated

from vesalius.datasets.compose import confusing
from vesalius.errors import InputRefused
from vesalius.types import Image, Sample


def sources(count: int = 60, split: str | None = None) -> list[Sample]:
    return annotated.patients("chest_xray", count, size_px=32, split=split)


def blind(samples: list[Sample]) -> dict[str, np.ndarray]:
    """An encoder that sees nothing: all pictures are the same to it."""
    return {sample.key: np.ones(4) for sample in samples}


def seeing(samples: list[Sample]) -> dict[str, np.ndarray]:
    """An encoder that sees the findings."""
    return {s.key: np.array([0.1, *(state == "present" for state in s.labels.values())], float) for s in samples}


def pairs(samples: list[Sample]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.key.rpartition("-confusing-")[2].partition("-")[0], []).append(sample)
    return found


def test_a_pair_shares_its_question_and_its_right_letters_differ() -> None:
    samples = sources()
    made = pairs(list(confusing.compose(samples, first=blind(samples), second=seeing(samples))))
    assert len(made) > 15
    for one, other in made.values():
        assert one.turns[0] == other.turns[0]
        assert one.options == other.options
        assert {one.turns[1].text[0], other.turns[1].text[0]} == {"A", "B"}
        assert one.provenance.patient_key != other.provenance.patient_key
        assert len(one.images) == len(other.images) == 1
    letters = Counter(one.turns[1].text[0] for one, _ in made.values())
    assert abs(letters["A"] - letters["B"]) <= 1


def test_the_answer_is_true_of_its_picture_and_the_other_option_is_not() -> None:
    samples = {sample.key: sample for sample in sources()}
    kept = list(samples.values())
    for sample in confusing.compose(kept, first=blind(kept), second=seeing(kept)):
        labels = samples[sample.key.partition("-confusing-")[0]].labels
        right = sample.turns[1].text[3:]
        for option in sample.options:
            is_true = set(labels.values()) == {"absent"} if option == "no abnormality" else labels[option] == "present"
            assert is_true == (option == right)


def test_only_pairs_that_the_first_confuses_and_the_second_does_not_are_taken() -> None:
    samples = sources()
    assert not list(confusing.compose(samples, first=seeing(samples), second=blind(samples)))
    assert not list(confusing.compose(samples, first=blind(samples), second=blind(samples)))
    first, second = (confusing.embedded(samples, table(samples)) for table in (blind, seeing))
    expected = {
        (a, b) for a in range(60) for b in range(a + 1, 60) if first[a] @ first[b] >= 0.9 and second[a] @ second[b] <= 0.3
    }
    found = {(pair.one, pair.other) for pair in confusing.near(samples, first, second, high=0.9, low=0.3)}
    assert found == expected != set()


def test_no_picture_stands_twice_and_no_pair_crosses_splits() -> None:
    samples = [*annotated.patients("chest_xray", 20, size_px=32, split="train")]
    samples += annotated.patients("chest_xray", 20, first=20, size_px=32, split="test")
    made = list(confusing.compose(samples, first=blind(samples), second=seeing(samples)))
    assert len({sample.provenance.patient_key for sample in made}) == len(made)
    for one, other in pairs(made).values():
        assert one.provenance.split == other.provenance.split


def test_functions_files_and_tables_of_vectors_give_the_same(tmp_path: Path) -> None:
    samples = sources(20)
    table = {s.key: s.images[0].image.load()[::4, ::4].ravel().astype(float) for s in samples}
    np.savez(tmp_path / "second.npz", **table)

    def see(image: Image) -> np.ndarray:
        return image.load()[::4, ::4].ravel().astype(float)

    keys = [
        [sample.key for sample in confusing.compose(samples, first=blind(samples), second=second, low=0.97)]
        for second in (table, see, tmp_path / "second.npz")
    ]
    assert keys[0] == keys[1] == keys[2] != []


def test_a_missing_a_zero_and_a_foreign_vector_are_refused(tmp_path: Path) -> None:
    samples = sources(5)
    whole = seeing(samples)
    (tmp_path / "x.npz").write_bytes(b"no archive")
    short, zero = dict(list(whole.items())[1:]), {**whole, samples[0].key: np.zeros(6)}
    for second in (short, zero, {**whole, samples[0].key: np.ones(3)}, tmp_path / "x.npz"):
        with pytest.raises(InputRefused):
            list(confusing.compose(samples, first=blind(samples), second=second))
