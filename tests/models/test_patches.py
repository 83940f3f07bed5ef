import pytest
import torch

from vesalius.models.patches import PATCH_AS_MM, LinearStem, PatchStem, patch_positions_mm, physical_angles


@pytest.mark.parametrize("stem", [PatchStem(32, 2, 8), PatchStem(32, 2, 16), LinearStem(32, 2, 14), LinearStem(32, 2, 32)])
def test_a_stem_gives_one_token_per_slab_and_patch(stem: PatchStem | LinearStem) -> None:
    side = stem.patch_px
    assert stem(torch.rand(2, 1, 3, 2 * side, 3 * side)).shape == (2, 1, 2, 3, 32)
    assert stem(torch.rand(1, 5, 3, side, side)).shape == (1, 3, 1, 1, 32)


@pytest.mark.parametrize("stem", [PatchStem(32, 3, 8), LinearStem(32, 3, 8)])
def test_a_picture_is_one_slab_of_copies(stem: PatchStem | LinearStem) -> None:
    picture = torch.rand(2, 1, 3, 16, 24)
    assert torch.allclose(stem(picture), stem(picture.expand(-1, 3, -1, -1, -1)), atol=1e-5)
    assert not torch.allclose(stem(picture), stem(torch.rand(2, 3, 3, 16, 24)), atol=1e-2)


def test_a_linear_stem_is_one_matrix_over_the_pixels_of_a_patch() -> None:
    stem = LinearStem(32, 2, 4)
    volume = torch.rand(1, 2, 3, 8, 8)
    patch = (volume[0, :, :, 4:8, 0:4] * 2 - 1).transpose(0, 1).flatten()
    assert torch.allclose(stem(volume)[0, 0, 1, 0], stem.embed.weight.flatten(1) @ patch + stem.embed.bias, atol=1e-5)


def test_small_patches_of_large_pixels_lie_where_large_patches_of_small_pixels_do() -> None:
    grid = (2, 3, 4)
    small = patch_positions_mm(grid, (2, 8, 8), torch.tensor([[3.0, 1.0, 1.0]]))
    large = patch_positions_mm(grid, (4, 16, 16), torch.tensor([[1.5, 0.5, 0.5]]))
    assert torch.equal(small, large)
    assert torch.equal(patch_positions_mm(grid, (4, 16, 16), torch.tensor([[3.0, 1.0, 1.0]])), large * 2)


def test_positions_that_count_patches_turn_the_fastest_pair_by_one_radian_per_patch() -> None:
    counted = patch_positions_mm((1, 1, 3), (1, 1, 1), torch.full((1, 3), PATCH_AS_MM))
    angles = physical_angles(counted, 32)
    fastest_of_x = angles[0, :, -6]
    assert torch.allclose(fastest_of_x.diff(), torch.ones(2), atol=1e-6)
    assert torch.allclose(angles[0, 2, -1], torch.tensor(1 / 200), atol=1e-6)
