import torch

from vesalius.models.pairs import Pictures
from vesalius.models.subspaces import ImageEncoder


def encoder(**options: object) -> ImageEncoder:
    torch.manual_seed(0)
    return ImageEncoder(**{"width": 32, "layers": 1, "heads": 2, "embedding": 12, **options})


def pictures() -> Pictures:
    torch.manual_seed(1)
    return Pictures(tuple(torch.rand(1, 3, 32, 16 * n) for n in (1, 3, 2)), torch.full((3, 3), torch.nan))


def test_a_picture_is_the_mean_of_its_patches_by_the_map() -> None:
    model = encoder().eval()
    encoded = model.look(pictures())
    weights = model.attention_map(encoded)
    assert encoded.lengths == (2, 6, 4)
    assert bool(((weights > 0) & (weights < 1)).all())
    vectors = model.image_vectors(encoded)
    for row, (first, last) in zip(vectors, [(0, 2), (2, 8), (8, 12)], strict=True):
        pooled = (encoded.tokens[first:last] * weights[first:last, None]).mean(dim=0) @ model.image_head.weight.T
        torch.testing.assert_close(row, pooled / pooled.norm(), rtol=1e-5, atol=1e-6)


def test_without_a_map_all_patches_count_alike() -> None:
    model = encoder(attention=False)
    assert not any(name.startswith("attention") for name, _ in model.named_parameters())
    assert float(model.attention_map(model.look(pictures())).min()) == 1.0


def test_every_parameter_has_a_gradient() -> None:
    for attention in (True, False):
        model = encoder(attention=attention)
        vectors = model.image_vectors(model.look(pictures()))
        torch.autograd.backward((vectors * torch.randn_like(vectors)).sum())
        assert all(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in model.parameters())


def test_its_settings_build_it_again() -> None:
    model = encoder()
    again = ImageEncoder(**model.settings)
    again.load_state_dict(model.state_dict())
    with torch.no_grad():
        found = [one.eval().image_vectors(one.look(pictures())) for one in (model, again)]
    assert torch.equal(*found)


def test_renewed_dimensions_forget_and_the_others_do_not() -> None:
    model = encoder()
    before = model.image_head.weight.detach().clone()
    anew = torch.arange(12) >= 7
    model.renew(anew, torch.Generator().manual_seed(0))
    after = model.image_head.weight.detach()
    assert torch.equal(after[~anew], before[~anew])
    assert not bool((after[anew] == before[anew]).any())
    assert 0.5 < float(after[anew].std() / before.std()) < 2.0
