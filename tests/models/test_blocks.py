import pytest
import torch

from vesalius.models.blocks import Block, Packing, attend


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


def test_a_packed_step_equals_the_step_of_a_batch() -> None:
    torch.manual_seed(0)
    block = Block(32, 2)
    stream, angles = torch.randn(3, 5, 32), torch.randn(3, 5, 8)
    packed = block(stream.flatten(0, 1), angles.flatten(0, 1), None, runs=((3, 5),))
    assert torch.allclose(packed.view(3, 5, 32), block(stream, angles, None), atol=1e-6)
