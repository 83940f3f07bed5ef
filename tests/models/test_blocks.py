from math import cos, sin

import pytest
import torch

from vesalius.models.blocks import Block, Norm, Packing, attend, rotate, turns


def test_equal_lengths_are_neighbors_in_the_stream_and_come_back_in_order() -> None:
    lengths = (3, 1, 3, 2, 1)
    packing = Packing.by_length(lengths)
    assert packing.order == (1, 4, 3, 0, 2)
    assert packing.runs == ((2, 1), (1, 2), (2, 3))
    assert packing.given == lengths
    owner = torch.repeat_interleave(torch.arange(5), torch.tensor(lengths))
    rows = torch.stack([owner, torch.arange(10)], dim=1)
    stream = packing.arrange(rows)
    assert stream[:, 0].tolist() == [1, 4, 3, 3, 0, 0, 0, 2, 2, 2]
    assert torch.equal(packing.restore(stream), rows)


def test_a_stream_of_equal_lengths_is_not_copied() -> None:
    rows = torch.rand(6, 4)
    packing = Packing.by_length((2, 2, 2))
    assert packing.arrange(rows) is rows
    assert packing.restore(rows) is rows


def test_a_stream_that_somebody_else_has_put_in_order_comes_back_too() -> None:
    packing = Packing((2, 0, 1), (4, 4, 1))
    assert packing.given == (4, 1, 4)
    stream = torch.tensor([2] * 4 + [0] * 4 + [1])
    assert packing.restore(stream).tolist() == [0] * 4 + [1] + [2] * 4


@pytest.mark.parametrize("runs", [((4, 6),), ((2, 3), (1, 5), (1, 13))])
def test_attention_of_a_packed_stream_is_that_of_a_block_diagonal_mask(runs: tuple[tuple[int, int], ...]) -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 24, 2, 8, dtype=torch.float64)
    owner = torch.repeat_interleave(
        torch.arange(sum(count for count, _ in runs)), torch.tensor([length for count, length in runs for _ in range(count)])
    )
    scores = torch.einsum("nhd,mhd->hnm", query, key) / 8**0.5
    scores = scores.masked_fill(owner[:, None] != owner[None, :], -torch.inf)
    expected = torch.einsum("hnm,mhd->nhd", scores.softmax(-1), value).flatten(1)
    assert torch.allclose(attend(query, key, value, runs), expected, atol=1e-12)


def test_neighboring_features_turn_by_their_angle() -> None:
    torch.manual_seed(0)
    x, angles = torch.randn(5, 4, dtype=torch.float64), torch.randn(5, 2, dtype=torch.float64)
    turned = rotate(x, turns(angles))
    for place, (row, by) in enumerate(zip(x.tolist(), angles.tolist(), strict=True)):
        for pair, angle in enumerate(by):
            first, second = row[2 * pair : 2 * pair + 2]
            expected = [first * cos(angle) - second * sin(angle), first * sin(angle) + second * cos(angle)]
            assert turned[place, 2 * pair : 2 * pair + 2].tolist() == pytest.approx(expected, abs=1e-14)


def test_a_packed_step_and_its_gradients_equal_those_of_a_batch() -> None:
    torch.manual_seed(0)
    block = Block(32, 2).double()
    stream, turned_by = torch.randn(3, 5, 32, dtype=torch.float64), turns(torch.randn(3, 5, 8, dtype=torch.float64))
    wanted = torch.randn(3, 5, 32, dtype=torch.float64)
    batch = block(stream, turned_by, None)
    packed = block(stream.flatten(0, 1), turned_by.flatten(0, 1), None, runs=((3, 5),)).view(3, 5, 32)
    torch.testing.assert_close(packed, batch, rtol=0, atol=1e-12)
    parameters = list(block.parameters())
    of_batch, of_packed = (torch.autograd.grad((out * wanted).sum(), parameters) for out in (batch, packed))
    for one, other in zip(of_packed, of_batch, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


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
