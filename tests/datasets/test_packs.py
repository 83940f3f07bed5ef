from dataclasses import replace

import numpy as np
import pytest
import torch

from vesalius.datasets.packs import MARKS_WEIGHT, Batches, Presentation, group, prepare
from vesalius.datasets.phantoms import cohorts
from vesalius.errors import InputRefused
from vesalius.generate.native import CODEC
from vesalius.generate.tokenizer import FIRST_COORDINATE, FIRST_PIECE, Tokenizer
from vesalius.models.vlm import Batch
from vesalius.types import Box, Mask, Region, Sample

SIDE = 64


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(cohorts.cohort(patients=6, validation=0, size_px=SIDE, follow_ups=0.5))


@pytest.fixture(scope="module")
def tokenizer(samples: list[Sample]) -> Tokenizer:
    return Tokenizer.train([turn.text for sample in samples for turn in sample.turns], pieces=320)


def batches(samples: list[Sample], tokenizer: Tokenizer, presentation: Presentation, seed: int = 0) -> Batches:
    packs = [prepare(pack, SIDE) for pack in group(samples)]
    return Batches(packs, tokenizer, SIDE, 4, seed, presentation, torch.device("cpu"))


def same(a: Batch, b: Batch) -> bool:
    pairs = list(zip(vars(a).values(), vars(b).values(), strict=True))
    return all(x.shape == y.shape and torch.allclose(x.float(), y.float(), rtol=0, atol=0, equal_nan=True) for x, y in pairs)


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
    assert not same(one.at(7), one.at(8))


def test_each_pack_is_seen_once_an_epoch(samples: list[Sample], tokenizer: Tokenizer) -> None:
    found = batches(samples, tokenizer, Presentation())
    epoch = len(found.packs)
    assert sorted(found._index(i) for i in range(epoch)) == list(range(epoch))
    assert [found._index(i) for i in range(epoch)] != [found._index(epoch + i) for i in range(epoch)]


def test_each_answer_counts_the_same_however_long(samples: list[Sample], tokenizer: Tokenizer) -> None:
    batch = batches(samples, tokenizer, Presentation(most_questions=3)).at(0)
    boxed = (batch.targets >= FIRST_COORDINATE) & (batch.targets < FIRST_PIECE)
    with_regions = 0
    for row in range(4):
        for segment in range(1, int(batch.segments[row].max()) + 1):
            learnt = (batch.segments[row] == segment) & (batch.targets[row] >= 0)
            located = bool((learnt & boxed[row]).any())
            with_regions += located
            assert batch.weights[row][learnt & ~boxed[row]].sum() == pytest.approx(1.0 + MARKS_WEIGHT * located)
            assert batch.weights[row][learnt & boxed[row]].sum() == pytest.approx(1.0 * located)
    assert with_regions > 0
    assert not batch.weights[batch.targets < 0].any()


def test_the_decision_of_an_answer_is_not_thinned_by_its_regions(samples: list[Sample], tokenizer: Tokenizer) -> None:
    yes = next(s for s in samples if s.task == "presence" and s.regions)
    no = replace(yes, turns=(yes.turns[0], replace(yes.turns[1], text="no")), regions=())
    first = []
    for sample in (yes, no):
        batch = batches([sample], tokenizer, Presentation(without_pictures=0.0)).at(0)
        first.append(float(batch.weights[0][batch.targets[0] >= 0][0]))
    # The word and what follows it, a region or the end, share the weight of 1; the regions take nothing of it.
    assert first == pytest.approx([1 / (len(tokenizer.encode(word)) + 1) for word in ("yes", "no")])


def test_coordinates_are_those_of_the_moved_box(samples: list[Sample], tokenizer: Tokenizer) -> None:
    heart = next(s for s in samples if s.task == "location" and s.regions and s.regions[0].label == "heart")
    still = batches([heart], tokenizer, Presentation(without_pictures=0.0)).at(0)
    box = heart.regions[0].geometry
    expected = [FIRST_COORDINATE + n for n in CODEC.encode(box, (SIDE, SIDE))]  # type: ignore[arg-type]
    coordinates = [t for t in still.tokens[0].tolist() if FIRST_COORDINATE <= t < FIRST_PIECE]
    assert coordinates == expected
    moved = batches([heart], tokenizer, Presentation(shift=0.2, without_pictures=0.0)).at(0)
    assert [t for t in moved.tokens[0].tolist() if FIRST_COORDINATE <= t < FIRST_PIECE] != expected


def test_without_jitter_a_smear_is_not_mirrored(samples: list[Sample], tokenizer: Tokenizer) -> None:
    heart = next(s for s in samples if s.task == "location" and s.regions and s.regions[0].label == "heart")
    smear = replace(heart.images[0], image=replace(heart.images[0].image, modality="SM"))
    found = batches([replace(heart, images=(smear,))], tokenizer, Presentation(without_pictures=0.0))
    box = heart.regions[0].geometry
    assert isinstance(box, Box)
    for step in range(8):
        coordinates = [t for t in found.at(step).tokens[0].tolist() if FIRST_COORDINATE <= t < FIRST_PIECE]
        assert coordinates == [FIRST_COORDINATE + n for n in CODEC.encode(box, (SIDE, SIDE))]


def test_each_patch_says_what_lies_on_it_and_what_was_looked_for_in_vain(samples: list[Sample], tokenizer: Tokenizer) -> None:
    heart = next(s for s in samples if s.task == "location" and s.regions and s.regions[0].label == "heart")
    shown = replace(heart, labels={"nodule": "absent", "effusion": "uncertain"})
    batch = batches([shown], tokenizer, Presentation(without_pictures=0.0)).at(0)
    spelled = [tokenizer.decode(row[row > 0].tolist()) for row in batch.labels]
    assert spelled == ["heart", "nodule"]
    there, absent = batch.label_maps[0]
    assert not absent.any()
    box = heart.regions[0].geometry
    assert isinstance(box, Box)
    rows, columns = np.where(there.numpy() == 1)
    assert 0 < len(rows) < there.numel()
    for places, low, high in ((rows, box.low[0], box.high[0]), (columns, box.low[1], box.high[1])):
        assert places.min() * 16 >= low - 8
        assert (places.max() + 1) * 16 <= high + 8


def test_pictures_without_a_known_label_leave_it_open(samples: list[Sample], tokenizer: Tokenizer) -> None:
    located = [replace(s, labels={}) for s in samples if s.task == "location" and len(s.images) == 1]
    known = ~batches(located, tokenizer, Presentation(without_pictures=0.0)).at(0).label_maps.isnan().flatten(2)
    assert known.any()
    assert torch.equal(known.all(dim=2), known.any(dim=2))


def test_splits_and_patients_without_pictures_never_share_a_pack(samples: list[Sample]) -> None:
    one = samples[0]
    held_out = replace(one, provenance=replace(one.provenance, split="test"))
    assert len(list(group([one, held_out]))) == 2
    alone = replace(one, images=(), regions=())
    other = replace(alone, provenance=replace(alone.provenance, patient_key="another"))
    assert len(list(group([alone, other]))) == 2


def test_a_region_in_the_prior_is_refused(samples: list[Sample]) -> None:
    compared = next(s for s in samples if len(s.images) == 2 and s.regions)
    wrong = tuple(replace(region, image=1) for region in compared.regions)
    with pytest.raises(InputRefused) as refused:
        prepare([replace(compared, regions=wrong)], SIDE)
    assert refused.value.code == "bad_dataset"


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
