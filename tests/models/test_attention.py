from math import cos, sin

import pytest
import torch

from vesalius.models.attention import MANY, attend, rotate, turns


@pytest.mark.parametrize("runs", [((4, 6),), ((2, 3), (1, 5), (1, 13)), ((MANY, 2), (1, 8)), ((MANY, 3),)])
def test_attention_of_a_packed_stream_is_that_of_a_block_diagonal_mask(runs: tuple[tuple[int, int], ...]) -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 24, 2, 8, dtype=torch.float64).requires_grad_()
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
