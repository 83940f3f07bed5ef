import json
import math
from pathlib import Path

import pytest
import torch

from tests.objectives.batches import (
    assert_length_of_features_is_no_matter,
    assert_parts_are_exact,
    batch_of,
    encoder,
    gradients_at_once,
    links_of,
)
from vesalius.objectives.unimed_clip import UniMedCLIP

OPEN_CLIP = json.loads((Path(__file__).parent / "losses" / "open_clip_values.json").read_text(encoding="utf-8"))["clip"]
LOSSES = ("negative", "positive", "ignored")


def test_it_is_open_clips_loss_and_the_temperature_learns_as_it_does_there() -> None:
    model = encoder(temperature=1 / OPEN_CLIP["values"]["scale"]).double()
    features = {side: torch.tensor(OPEN_CLIP["values"][side], dtype=torch.float64) for side in ("image", "text")}
    losses = UniMedCLIP().losses(model, features, links_of(7))
    assert math.isclose(losses["loss"].item(), OPEN_CLIP["loss"], rel_tol=1e-6)
    torch.autograd.backward(losses["loss"])
    by_log = OPEN_CLIP["gradients"]["scale"] * OPEN_CLIP["values"]["scale"]  # d/dlog t = t d/dt
    assert math.isclose(float(model.logits.log_scale.grad), by_log, rel_tol=1e-6)


def template_captions() -> tuple[torch.Tensor, torch.Tensor]:
    """Vectors of six pictures and of their captions, of which there are only two: what a template makes of two classes."""
    classes = torch.tensor([0, 1, 0, 0, 1, 0])
    torch.manual_seed(0)
    captions = torch.nn.functional.normalize(torch.randn(2, 8, dtype=torch.float64), dim=-1)
    return classes, captions


def test_with_template_captions_the_floor_tells_a_collapsed_retrieval_from_a_stalled_loss() -> None:
    classes, _ = template_captions()
    model = encoder(temperature=0.01).double()
    features = {side: torch.eye(2, dtype=torch.float64)[classes] for side in ("image", "text")}  # every class is known
    losses = UniMedCLIP(same_text="positive").losses(model, features, links_of(6, key=classes.tolist()))
    assert math.isclose(float(losses["floor"]), (4 * math.log(4) + 2 * math.log(2)) / 6, rel_tol=1e-6)
    assert (losses["loss"] - losses["floor"]).item() < 1e-6  # learned to the end
    as_negatives = UniMedCLIP(same_text="negative").losses(model, features, links_of(6, key=classes.tolist()))
    assert math.isclose(as_negatives["loss"].item(), losses["loss"].item(), rel_tol=1e-9)  # nor can it fall any further
    similarity = features["image"] @ features["text"].T
    chance = [1 / int((row == row.max()).sum()) for row in similarity]  # of the own caption among its equals
    assert sum(chance) / 6 == pytest.approx((4 / 4 + 2 / 2) / 6)  # a third: the pictures' own captions cannot be found


def test_of_captions_with_one_vector_negatives_and_positives_teach_the_same() -> None:
    classes, _ = template_captions()
    batch, model = batch_of(links_of(6, key=classes.tolist())), encoder()
    found = {kind: gradients_at_once(UniMedCLIP(same_text=kind), model, batch) for kind in LOSSES}
    for name, gradient in found["negative"][1].items():
        assert torch.allclose(gradient, found["positive"][1][name], rtol=1e-4, atol=1e-6), name
    different = [
        name for name, gradient in found["negative"][1].items() if not torch.allclose(gradient, found["ignored"][1][name])
    ]
    assert "image_head.weight" in different


def test_of_captions_worded_differently_only_positives_do_not_ask_which_was_drawn_for_whom() -> None:
    torch.manual_seed(1)
    features = {side: torch.randn(6, 8, dtype=torch.float64) for side in ("image", "text")}
    links = links_of(6, key=[0, 1, 0, 0, 1, 0])
    exchanged = {**features, "text": features["text"][[3, 4, 0, 5, 1, 2]]}  # each picture gets another caption of its category
    for kind in LOSSES:
        objective, model = UniMedCLIP(same_text=kind), encoder().double()
        losses = [objective.losses(model, some, links)["loss"].item() for some in (features, exchanged)]
        assert math.isclose(*losses, rel_tol=1e-9) == (kind == "positive"), kind


def test_every_parameter_learns() -> None:
    model = encoder()
    _, gradients = gradients_at_once(UniMedCLIP(), model, batch_of(links_of(4)))
    assert {name for name, _ in model.named_parameters()} == gradients.keys()
    assert {name for name, gradient in gradients.items() if not gradient.any()} <= {"vision.unknown_spacing"}


def test_parts_of_a_batch_give_the_loss_and_the_gradients_of_the_whole() -> None:
    links = links_of(5, owner=[0, 0, 1, 2, 3, 3, 4], key=[1, 2, 1, 3, 2, 4, 1])
    for kind in LOSSES:
        assert_parts_are_exact(UniMedCLIP(same_text=kind), encoder(), batch_of(links), cut=2)


def test_longer_features_give_the_same_loss() -> None:
    assert_length_of_features_is_no_matter(UniMedCLIP(), encoder(), batch_of(links_of(4)))
