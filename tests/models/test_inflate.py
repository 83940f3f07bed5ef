import pytest
import torch

from vesalius.errors import UsageError
from vesalius.models.encoder import Encoder
from vesalius.models.inflate import inflate, inflate_encoder

UNKNOWN = torch.full((2, 3), torch.nan)


@pytest.mark.parametrize("stem", ["overlapping", "linear"])
@pytest.mark.parametrize("how", ["center", "mean"])
def test_a_constant_volume_gives_what_the_picture_gave(stem: str, how: str) -> None:
    torch.manual_seed(0)
    flat, deep = (Encoder(32, 1, 2, slab, stem=stem).eval() for slab in (1, 4))
    deep.load_state_dict(inflate_encoder(flat.state_dict(), 4, how))
    picture = torch.rand(2, 1, 3, 32, 32)
    before = flat(picture, UNKNOWN)
    assert torch.allclose(deep(picture, UNKNOWN), before, atol=1e-5)
    assert torch.allclose(deep(picture.expand(-1, 4, -1, -1, -1), UNKNOWN), before, atol=1e-5)


def test_the_center_alone_sees_its_slice_and_the_mean_sees_all() -> None:
    kernel = torch.rand(4, 3, 2, 2)
    center, mean = inflate(kernel, 3, "center"), inflate(kernel[:, :, None], 3, "mean")
    assert torch.equal(center[:, :, 1], kernel)
    assert not center[:, :, [0, 2]].any()
    assert torch.equal(mean[:, :, 0], mean[:, :, 2])
    assert torch.allclose(mean.sum(2), kernel)


def test_inflating_leaves_the_given_weights_as_they_were() -> None:
    state = Encoder(32, 1, 2, 1).state_dict()
    kept = {name: tensor.clone() for name, tensor in state.items()}
    for tensor in inflate_encoder(state, 2).values():
        tensor.zero_()
    assert all(torch.equal(state[name], kept[name]) for name in kept)


@pytest.mark.parametrize("wrong", [{"how": "edge"}, {"slab": 0}, {"weight": torch.rand(4, 3)}])
def test_what_cannot_be_inflated_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError) as refused:
        inflate(**{"weight": torch.rand(4, 3, 2, 2), "slab": 2, "how": "mean", **wrong})
    assert refused.value.code == "bad_recipe"


def test_weights_that_are_deep_already_are_refused() -> None:
    with pytest.raises(UsageError) as refused:
        inflate_encoder(Encoder(32, 1, 2, 2).state_dict(), 4)
    assert refused.value.code == "bad_recipe"
