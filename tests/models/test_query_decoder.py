import pytest
import torch

from vesalius.errors import UsageError
from vesalius.models.pairs import Encoded
from vesalius.models.query_decoder import QueryDecoder


def decoder() -> QueryDecoder:
    torch.manual_seed(0)
    return QueryDecoder(3, 16, layers=2, heads=2)


def test_pictures_of_any_sizes_are_read_as_they_are_alone() -> None:
    model, lengths = decoder(), (5, 2, 5, 9)
    tokens = torch.randn(sum(lengths), 16)
    together = model(Encoded(tokens, lengths))
    for row, mine in zip(together, torch.split(tokens, list(lengths)), strict=True):
        torch.testing.assert_close(row, model(Encoded(mine, (len(mine),)))[0], rtol=0, atol=1e-6)


def test_the_order_of_patches_plays_no_part_and_findings_do_not_see_each_other() -> None:
    model, tokens = decoder(), torch.randn(7, 16)
    before = model(Encoded(tokens, (7,)))
    torch.testing.assert_close(model(Encoded(tokens.flip(0), (7,))), before, rtol=0, atol=1e-6)
    with torch.no_grad():
        model.queries[1] += 1.0
    after = model(Encoded(tokens, (7,)))
    assert torch.equal(after[:, [0, 2]], before[:, [0, 2]])
    assert not torch.equal(after[:, 1], before[:, 1])


def test_every_parameter_has_a_gradient() -> None:
    model = decoder()
    torch.autograd.backward(model(Encoded(torch.randn(7, 16), (3, 4))).sum())
    assert all(float(p.grad.abs().sum()) > 0 for p in model.parameters())


def test_queries_find_the_patch_that_matters() -> None:
    torch.manual_seed(2)
    model, mark = decoder(), torch.randn(16)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        there = torch.rand(16, 3) < 0.5
        tokens = torch.randn(16, 6, 16)
        for finding in range(3):
            tokens[:, finding] += there[:, finding, None] * mark.roll(5 * finding) * 3
        logits = model(Encoded(tokens.flatten(0, 1), (6,) * 16))
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, there.float())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    assert float(loss.detach()) < 0.35


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="heads"):
        QueryDecoder(3, 10, heads=4)
