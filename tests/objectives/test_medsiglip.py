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
from vesalius.errors import UsageError
from vesalius.objectives.medsiglip import MedSigLIP
from vesalius.objectives.unimed_clip import UniMedCLIP

OPEN_CLIP = json.loads((Path(__file__).parent / "losses" / "open_clip_values.json").read_text(encoding="utf-8"))["siglip"]
SAME = ("negative", "positive", "ignored")


@pytest.mark.parametrize("tile", [None, 3])
def test_it_is_open_clips_loss_and_temperature_and_bias_learn_as_they_do_there(tile: int | None) -> None:
    values, gradients = OPEN_CLIP["values"], OPEN_CLIP["gradients"]
    model = encoder(temperature=1 / values["scale"], bias=values["bias"]).double()
    features = {side: torch.tensor(values[side], dtype=torch.float64) for side in ("image", "text")}
    loss = MedSigLIP(tile=tile).losses(model, features, links_of(7))["loss"]
    assert math.isclose(loss.item(), OPEN_CLIP["loss"], rel_tol=1e-6)
    torch.autograd.backward(loss)
    assert math.isclose(float(model.logits.log_scale.grad), gradients["scale"] * values["scale"], rel_tol=1e-6)
    assert math.isclose(float(model.logits.bias.grad), gradients["bias"], rel_tol=1e-6)


@pytest.mark.parametrize("same_text", SAME)
def test_tiles_give_the_loss_and_the_gradients_of_the_whole(same_text: str) -> None:
    links = links_of(5, owner=[0, 0, 1, 2, 3, 3, 4], key=[1, 2, 1, 3, 2, 4, 1])
    model, batch = encoder(bias=-10.0), batch_of(links)
    loss, expected = gradients_at_once(MedSigLIP(same_text=same_text), model, batch)
    tiled, gradients = gradients_at_once(MedSigLIP(same_text=same_text, tile=2), model, batch)
    assert math.isclose(float(tiled), float(loss), rel_tol=1e-6)
    for name, gradient in gradients.items():
        scale = float(expected[name].abs().max())  # gradients reach 10 here, and sums of them round
        assert torch.allclose(gradient, expected[name], rtol=1e-4, atol=1e-6 * max(1.0, scale)), name


def test_with_the_softmax_it_is_clips_loss() -> None:
    batch, model = batch_of(links_of(4)), encoder()
    assert torch.equal(MedSigLIP(loss="softmax")(model, batch)["loss"], UniMedCLIP()(model, batch)["loss"])


@pytest.mark.parametrize(("loss", "bias", "wanted"), [("sigmoid", None, "-10.0"), ("softmax", -10.0, "null")])
def test_a_bias_that_is_missing_or_cannot_be_learned_is_refused(loss: str, bias: float | None, wanted: str) -> None:
    with pytest.raises(UsageError, match=f"Set model.bias to {wanted}") as caught:
        MedSigLIP(loss=loss)(encoder(bias=bias), batch_of(links_of(2)))
    assert caught.value.code == "bad_recipe"


@pytest.mark.parametrize(("loss", "bias"), [("sigmoid", -10.0), ("softmax", None)])
def test_every_parameter_learns(loss: str, bias: float | None) -> None:
    model = encoder(bias=bias)
    _, gradients = gradients_at_once(MedSigLIP(loss=loss), model, batch_of(links_of(4)))
    assert {name for name, _ in model.named_parameters()} == gradients.keys()
    assert {name for name, gradient in gradients.items() if not gradient.any()} <= {"vision.unknown_spacing"}


def test_equal_captions_as_negatives_keep_the_loss_from_falling() -> None:
    features = {side: torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64) for side in ("image", "text")}
    model = encoder(temperature=0.01, bias=-50.0).double()
    losses = {kind: MedSigLIP(same_text=kind).losses(model, features, links_of(3, key=[4, 4, 5]))["loss"].item() for kind in SAME}
    assert losses["negative"] > 30
    assert max(losses["positive"], losses["ignored"]) < 1e-9


@pytest.mark.parametrize("tile", [None, 2])
def test_parts_of_a_batch_give_the_loss_and_the_gradients_of_the_whole(tile: int | None) -> None:
    links = links_of(5, owner=[0, 0, 1, 2, 3, 3, 4], key=[1, 2, 1, 3, 2, 4, 1])
    for kind in SAME:
        assert_parts_are_exact(MedSigLIP(same_text=kind, tile=tile), encoder(bias=-10.0), batch_of(links), cut=2)


@pytest.mark.parametrize("loss", ["sigmoid", "softmax"])
def test_longer_features_give_the_same_loss(loss: str) -> None:
    model = encoder(bias=-10.0 if loss == "sigmoid" else None)
    assert_length_of_features_is_no_matter(MedSigLIP(loss=loss), model, batch_of(links_of(4)))


@pytest.mark.parametrize("wrong", [{"tile": 0}, {"tile": 4, "loss": "softmax"}])
def test_tiles_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="tiles") as caught:
        MedSigLIP(**wrong)
    assert caught.value.code == "bad_recipe"
