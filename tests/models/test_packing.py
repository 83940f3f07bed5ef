import torch

from vesalius.models.packing import Packing


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
