import json
import math
from pathlib import Path

import torch

from tests.objectives.batches import (
    assert_length_of_features_is_no_matter,
    assert_parts_are_exact,
    batch_of,
    encoder,
    gradients_at_once,
    links_of,
)
from vesalius.objectives.plip import PLIP

OPEN_CLIP = json.loads((Path(__file__).parent / "losses" / "open_clip_values.json").read_text(encoding="utf-8"))["clip"]


def test_it_is_open_clips_loss() -> None:
    model = encoder(temperature=1 / OPEN_CLIP["values"]["scale"]).double()
    features = {side: torch.tensor(OPEN_CLIP["values"][side], dtype=torch.float64) for side in ("image", "text")}
    assert math.isclose(PLIP().losses(model, features, links_of(7))["loss"].item(), OPEN_CLIP["loss"], rel_tol=1e-6)


def test_a_post_that_is_shared_by_two_pictures_can_be_left_out_among_the_negatives() -> None:
    torch.manual_seed(0)
    features, model = {side: torch.randn(3, 4, dtype=torch.float64) for side in ("image", "text")}, encoder().double()
    links = links_of(3, key=[7, 7, 8])
    loss = PLIP(same_text="ignored").losses(model, features, links)["loss"].item()
    scores = model.logits.scale().item() * torch.nn.functional.cosine_similarity(
        features["image"][:, None], features["text"][None], dim=-1
    )
    counted = [[0, 2], [1, 2], [0, 1, 2]]  # of pictures 0 and 1 the other's text, which is their own, is no wrong answer
    expected = sum(
        math.log(sum(math.exp(row[k]) for k in some)) - float(row[i])
        for side in (scores, scores.T)
        for i, (row, some) in enumerate(zip(side.tolist(), counted, strict=True))
    )
    assert math.isclose(loss, expected / 6, rel_tol=1e-9)


def test_going_on_training_lowers_the_loss_of_the_new_pairs() -> None:
    model, batch, objective = encoder(), batch_of(links_of(6)), PLIP()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(40):
        loss = objective(model, batch)["loss"]
        losses.append(loss.item())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    assert losses[-1] < 0.2 * losses[0]


def test_every_parameter_learns() -> None:
    model = encoder()
    _, gradients = gradients_at_once(PLIP(), model, batch_of(links_of(4)))
    assert {name for name, _ in model.named_parameters()} == gradients.keys()
    assert {name for name, gradient in gradients.items() if not gradient.any()} <= {"vision.unknown_spacing"}


def test_parts_of_a_batch_give_the_loss_and_the_gradients_of_the_whole() -> None:
    assert_parts_are_exact(PLIP(), encoder(), batch_of(links_of(5, owner=[0, 0, 1, 2, 3, 3, 4])), cut=3)


def test_longer_features_give_the_same_loss() -> None:
    assert_length_of_features_is_no_matter(PLIP(), encoder(), batch_of(links_of(4)))
