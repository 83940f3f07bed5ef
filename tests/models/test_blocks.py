import pytest
import torch

from vesalius.models.attention import MANY, turns
from vesalius.models.blocks import Block, Norm


@pytest.mark.parametrize("count", [3, MANY])
def test_a_packed_step_and_its_gradients_equal_those_of_a_batch(count: int) -> None:
    torch.manual_seed(0)
    block = Block(32, 2).double()
    stream, angles = torch.randn(count, 5, 32, dtype=torch.float64), torch.randn(count, 5, 8, dtype=torch.float64)
    turned_by, wanted = turns(angles), torch.randn(count, 5, 32, dtype=torch.float64)
    batch = block(stream, turned_by, None)
    packed = block(stream.flatten(0, 1), turned_by.flatten(0, 1), None, runs=((count, 5),)).view(count, 5, 32)
    torch.testing.assert_close(packed, batch, rtol=0, atol=1e-12)
    parameters = list(block.parameters())
    of_batch, of_packed = (torch.autograd.grad((out * wanted).sum(), parameters) for out in (batch, packed))
    for one, other in zip(of_packed, of_batch, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_the_gated_layer_and_its_gradients_are_those_of_its_formula() -> None:
    torch.manual_seed(0)
    block, x = Block(32, 2).double(), torch.randn(6, 32, dtype=torch.float64)
    normed = block.gated_norm(x)
    gate, up = normed @ block.gate.weight.T, normed @ block.up.weight.T
    formula = x + (gate / (1 + (-gate).exp()) * up) @ block.down.weight.T
    found = block._feed(x)
    torch.testing.assert_close(found, formula, rtol=0, atol=1e-12)
    learned = [block.gate.weight, block.up.weight, block.down.weight, block.gated_norm.weight]
    gradients = (torch.autograd.grad(out.square().sum(), learned, retain_graph=True) for out in (found, formula))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(7, 24), (2, 5, 24)])
def test_the_norm_and_its_gradients_are_those_of_torch(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    ours, theirs = Norm(24).double(), torch.nn.RMSNorm(24).double()
    x, gradient = torch.randn(*shape, dtype=torch.float64), torch.randn(*shape, dtype=torch.float64)
    found = []
    for norm in (ours, theirs):
        torch.nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
        leaf = x.clone().requires_grad_()
        out = norm(leaf)
        out.backward(gradient)
        found.append((out.detach(), leaf.grad, norm.weight.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    with torch.no_grad():
        assert torch.equal(ours.float()(x.float()), theirs.float()(x.float()))


def test_a_row_of_zeros_gives_no_infinite_gradient() -> None:
    zeros = torch.zeros(2, 8, requires_grad=True)
    Norm(8)(zeros).sum().backward()
    assert zeros.grad is not None
    assert bool(zeros.grad.isfinite().all())


def test_turning_by_complex_numbers_keeps_half_precision_half() -> None:
    torch.manual_seed(0)
    block = Block(32, 2)
    stream, angles = torch.randn(10, 32), torch.randn(10, 8)
    with torch.autocast("cpu", torch.bfloat16):
        packed = block(stream, turns(angles), None, runs=((2, 5),))
    precise = block(stream, turns(angles), None, runs=((2, 5),))
    assert packed.dtype == torch.float32
    assert torch.allclose(packed, precise, atol=0.05)
