import pytest
import torch

from tests.objectives.batches import links_of
from vesalius.objectives.losses.pairing import cosines, partners

# Picture 0 has two texts, picture 1 none, picture 2 one, picture 3 two; texts 0, 2 and 4 say the same.
OWNER, KEY = [0, 0, 2, 3, 3], [7, 8, 7, 9, 7]


def test_a_picture_has_its_own_texts_however_many_they_are() -> None:
    positive, ignored = partners(links_of(4, owner=OWNER, key=KEY))
    assert positive.int().tolist() == [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]]
    assert ignored is None


def test_texts_that_say_the_same_as_an_own_one_are_positives_where_asked_for() -> None:
    positive, ignored = partners(links_of(4, owner=OWNER, key=KEY), "positive")
    assert positive.int().tolist() == [[1, 1, 1, 0, 1], [0, 0, 0, 0, 0], [1, 0, 1, 0, 1], [1, 0, 1, 1, 1]]
    assert ignored is None


def test_texts_that_say_the_same_as_an_own_one_are_left_out_where_asked_for() -> None:
    positive, ignored = partners(links_of(4, owner=OWNER, key=KEY), "ignored")
    assert ignored is not None
    assert positive.int().tolist() == [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]]
    assert ignored.int().tolist() == [[0, 0, 1, 0, 1], [0, 0, 0, 0, 0], [1, 0, 0, 0, 1], [1, 0, 1, 0, 0]]


@pytest.mark.parametrize("same_text", ["negative", "positive", "ignored"])
def test_tiles_of_the_columns_are_columns_of_the_whole(same_text: str) -> None:
    torch.manual_seed(0)
    owner = torch.randint(9, (23,)).sort().values.tolist()
    links = links_of(9, owner=owner, key=torch.randint(6, (23,)).tolist())
    whole = partners(links, same_text)
    for side in (0, 1):
        if whole[side] is None:
            continue
        tiles = [partners(links, same_text, slice(start, start + 5))[side] for start in range(0, 23, 5)]
        assert torch.equal(torch.cat(tiles, dim=1), whole[side])


def test_duplicate_texts_have_equal_rows_of_targets() -> None:
    positive, _ = partners(links_of(4, key=[5, 6, 5, 5]), "positive")
    assert torch.equal(positive[0], positive[2])
    assert torch.equal(positive[0], positive[3])
    assert positive[0].int().tolist() == [1, 0, 1, 1]


def test_cosines_do_not_depend_on_length_and_keep_float64() -> None:
    torch.manual_seed(0)
    images, texts = torch.randn(3, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    expected = (images @ texts.T) / images.norm(dim=1)[:, None] / texts.norm(dim=1)[None]
    assert cosines(images * 10, texts * 10).dtype == torch.float64
    assert torch.allclose(cosines(images * 10, texts * 10), expected, atol=1e-12, rtol=0)


def test_cosines_are_not_rounded_to_half_precision_under_autocast() -> None:
    torch.manual_seed(0)
    images, texts = torch.randn(8, 64), torch.randn(8, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = cosines(images, texts)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, cosines(images, texts))
