from dataclasses import replace

import numpy as np
import pytest
import torch

from vesalius.datasets import phantoms
from vesalius.datasets.packs import Batches, Presentation, group, prepare
from vesalius.errors import InputRefused
from vesalius.generate.native import CODEC
from vesalius.generate.tokenizer import FIRST_COORDINATE, FIRST_PIECE, Tokenizer
from vesalius.models.vlm import Batch
from vesalius.types import Mask, Region, Sample

SIDE = 64


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(phantoms.cohort(patients=6, validation=0, size_px=SIDE, follow_ups=0.5))


@pytest.fixture(scope="module")
def tokenizer(samples: list[Sample]) -> Tokenizer:
    return Tokenizer.train([turn.text for sample in samples for turn in sample.turns], pieces=320)


def batches(samples: list[Sample], tokenizer: Tokenizer, presentation: Presentation, seed: int = 0) -> Batches:
    packs = [prepare(pack, SIDE) for pack in group(samples)]
    return Batches(packs, tokenizer, SIDE, 4, seed, presentation, torch.device("cpu"))


def same(a: Batch, b: Batch) -> bool:
    return all(
        torch.equal(x, y) or (x.isnan() == y.isnan()).all() for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
    )


def test_packs_hold_the_questions_about_the_same_pictures(samples: list[Sample]) -> None:
    packs = list(group(samples))
    assert sum(len(pack) for pack in packs) == len(samples)
    for pack in packs:
        assert len({tuple(item.image.source.sha256 for item in sample.images) for sample in pack}) == 1
    assert {len(pack[0].images) for pack in packs} == {1, 2}


def test_a_batch_is_a_function_of_seed_and_step(samples: list[Sample], tokenizer: Tokenizer) -> None:
    shown = Presentation(stretch=0.1, shift=0.1, gamma=0.2, gain=0.1, without_pictures=0.3)
    one, again = batches(samples, tokenizer, shown), batches(samples, tokenizer, shown)
    assert same(one.at(7), again.at(7))
    assert not torch.equal(one.at(7).pixels, one.at(8).pixels)


def test_each_pack_is_seen_once_an_epoch(samples: list[Sample], tokenizer: Tokenizer) -> None:
    found = batches(samples, tokenizer, Presentation())
    epoch = len(found.packs)
    assert sorted(found._index(i) for i in range(epoch)) == list(range(epoch))
    assert [found._index(i) for i in range(epoch)] != [found._index(epoch + i) for i in range(epoch)]


def test_each_answer_counts_the_same_however_long(samples: list[Sample], tokenizer: Tokenizer) -> None:
    batch = batches(samples, tokenizer, Presentation(most_questions=3)).at(0)
    boxed = (batch.targets >= FIRST_COORDINATE) & (batch.targets < FIRST_PIECE)
    for row in range(4):
        for segment in range(1, int(batch.segments[row].max()) + 1):
            text = (batch.segments[row] == segment) & (batch.targets[row] >= 0) & ~boxed[row]
            assert batch.weights[row][text].sum() == pytest.approx(1.0)
    assert not batch.weights[batch.targets < 0].any()


def test_coordinates_are_those_of_the_moved_box(samples: list[Sample], tokenizer: Tokenizer) -> None:
    heart = next(s for s in samples if s.task == "location" and s.regions and s.regions[0].label == "heart")
    still = batches([heart], tokenizer, Presentation(without_pictures=0.0)).at(0)
    box = heart.regions[0].geometry
    expected = [FIRST_COORDINATE + n for n in CODEC.encode(box, (SIDE, SIDE))]  # type: ignore[arg-type]
    coordinates = [t for t in still.tokens[0].tolist() if FIRST_COORDINATE <= t < FIRST_PIECE]
    assert coordinates == expected
    moved = batches([heart], tokenizer, Presentation(shift=0.2, without_pictures=0.0)).at(0)
    assert [t for t in moved.tokens[0].tolist() if FIRST_COORDINATE <= t < FIRST_PIECE] != expected


def test_a_stretched_picture_has_finer_pixels(samples: list[Sample], tokenizer: Tokenizer) -> None:
    still = batches(samples, tokenizer, Presentation(without_pictures=0.0)).at(0)
    stretched = batches(samples, tokenizer, Presentation(stretch=0.2, without_pictures=0.0)).at(0)
    ratio = still.spacing_mm[:, 1:] / stretched.spacing_mm[:, 1:]
    assert float(ratio.min()) > 0.7
    assert float(ratio.max()) < 1.35
    assert not torch.allclose(ratio, torch.ones_like(ratio))


def test_packs_without_pictures_keep_their_questions(samples: list[Sample], tokenizer: Tokenizer) -> None:
    blind = batches(samples, tokenizer, Presentation(without_pictures=1.0)).at(0)
    assert (blind.pictures == -1).all()
    assert len(blind.pixels) == 0
    assert (blind.targets >= 0).any()


def test_a_mask_is_refused_because_it_cannot_be_told_in_boxes(samples: list[Sample]) -> None:
    mask = Region("lung", Mask(lambda: np.ones((SIDE, SIDE), np.bool_)))
    with pytest.raises(InputRefused) as refused:
        prepare([replace(samples[0], regions=(mask,))], SIDE)
    assert refused.value.code == "bad_dataset"
