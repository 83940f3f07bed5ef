import math

import torch
from torch import nn

from tests.models.test_vlm import VOCABULARY, batch_of, model  # noqa: F401
from vesalius.models.vlm import NativeVLM
from vesalius.objectives.next_token import NextToken
from vesalius.objectives.patch_labels import BIAS, SCALE, PatchLabels, patch_loss

IDS = {"first_coordinate": 6, "coordinates": 20}


def test_the_patch_loss_follows_its_formula_in_float64() -> None:
    batch = batch_of(2, 4, seed=3)
    torch.manual_seed(5)
    looked, words = torch.randn(2, 4, 8, dtype=torch.float64), nn.Embedding(VOCABULARY, 8).double()
    batch.label_maps[0, 1] = torch.nan
    sums, counts = {0: 0.0, 1: 0.0}, {0: 0, 1: 0}
    for picture in range(2):
        for label, ids in enumerate(([7, 8], [9])):
            mean = words.weight[ids].mean(dim=0)
            for patch, truth in enumerate(batch.label_maps[picture, label].flatten().tolist()):
                if math.isnan(truth):
                    continue
                token = looked[picture, patch]
                logit = SCALE * float(token @ mean / token.norm() / mean.norm()) + BIAS
                sums[int(truth)] += math.log1p(math.exp(-logit if truth else logit))
                counts[int(truth)] += 1
    expected = sum(sums[half] / counts[half] for half in (0, 1)) / 2
    assert math.isclose(float(patch_loss(looked, words, batch)), expected, rel_tol=1e-5)


def test_without_weight_it_is_next_token(model: NativeVLM) -> None:  # noqa: F811
    batch = batch_of(2, 6)
    plain, both = NextToken(**IDS)(model, batch), PatchLabels(**IDS, patch_weight=0.0)(model, batch)
    assert float(plain["loss"]) == float(both["loss"])
    weighted = PatchLabels(**IDS, patch_weight=2.0)(model, batch)
    assert math.isclose(float(weighted["loss"]), float(plain["loss"] + 2 * both["patch"]), rel_tol=1e-6)


def test_a_batch_of_which_nothing_is_known_has_no_patch_loss(model: NativeVLM) -> None:  # noqa: F811
    batch = batch_of(2, 6)
    batch.label_maps[:] = torch.nan
    assert float(PatchLabels(**IDS)(model, batch)["patch"]) == 0.0


def test_learning_it_makes_patches_say_what_lies_on_them(model: NativeVLM) -> None:  # noqa: F811
    batch = batch_of(2, 6)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    model.train()
    first = None
    for _ in range(60):
        loss = patch_loss(model.look(batch.pixels, batch.spacing_mm, batch.roles), model.decoder.embedding, batch)
        first = float(loss) if first is None else first
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    assert float(loss) < 0.2 * first
