import pytest
import torch

from vesalius.errors import UsageError
from vesalius.models.encoder import Classed
from vesalius.models.pairs import Encoded
from vesalius.models.pooling import KINDS, Pooling, maximum, mean, spread, total

LENGTHS = (3, 1, 5)


def encoded(lengths: tuple[int, ...] = LENGTHS) -> Classed:
    torch.manual_seed(0)
    n = sum(lengths)
    layers = tuple(torch.randn(n, 8) for _ in range(6))
    return Classed(layers[-1], lengths, layers, classes=torch.randn(len(lengths), 8))


def sequence(whole: Classed, place: int) -> Classed:
    rows = slice(sum(whole.lengths[:place]), sum(whole.lengths[: place + 1]))
    layers = tuple(layer[rows] for layer in whole.layers)
    return Classed(whole.tokens[rows], whole.lengths[place : place + 1], layers, classes=whole.classes[place : place + 1])


@pytest.mark.parametrize("lengths", [LENGTHS, (3, 3, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sequences_vector_does_not_depend_on_its_batch_mates(kind: str, lengths: tuple[int, ...]) -> None:
    pooling = Pooling(kind, 8)
    together = pooling(encoded(lengths))
    alone = torch.cat([pooling(sequence(encoded(lengths), place)) for place in range(3)])
    assert together.shape == (3, 8)
    assert torch.allclose(together, alone, atol=1e-6)


def test_each_kind_is_what_its_name_says() -> None:
    whole = encoded()
    second, third = whole.tokens[3:4], whole.tokens[4:]
    assert torch.allclose(Pooling("mean", 8)(whole)[2], third.mean(0), atol=1e-6)
    assert torch.equal(Pooling("max", 8)(whole)[2], third.amax(0))
    assert torch.equal(Pooling("mean", 8)(whole)[1], second[0])
    assert torch.equal(Pooling("class", 8)(whole), whole.classes)
    flair = torch.stack([whole.layers[i][4:].mean(0) for i in (0, 1, 5)]).mean(0)
    assert torch.allclose(Pooling("layers_mean", 8)(whole)[2], flair, atol=1e-6)
    surgvlp = sum(whole.layers[i][4:].mean(0) for i in (2, 3, 4, 5))
    assert torch.allclose(Pooling("layers_sum", 8)(whole)[2], surgvlp, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 2])
def test_no_layer_counts_twice_in_a_short_tower(depth: int) -> None:
    whole = encoded()
    short = Encoded(whole.layers[depth - 1], LENGTHS, whole.layers[:depth])
    expected = torch.stack(whole.layers[:depth]).mean(0)[4:].mean(0)
    assert torch.allclose(Pooling("layers_mean", 8)(short)[2], expected, atol=1e-6)


def test_attention_weighs_by_softmax_within_each_sequence_and_each_head() -> None:
    torch.manual_seed(1)
    pooling = Pooling("attention", 8, heads=2)
    whole = encoded()
    rows = whole.tokens[4:]
    weights = pooling.score(rows).softmax(0)  # (5, 2)
    values = pooling.value(rows).view(5, 2, 4)
    expected = (weights[:, :, None] * values).sum(0).flatten()
    assert torch.allclose(pooling(whole)[2], expected, atol=1e-6)
    assert torch.allclose(pooling(whole)[1], pooling.value(whole.tokens[3]), atol=1e-6)


def test_large_scores_do_not_overflow() -> None:
    pooling = Pooling("attention", 8)
    whole = encoded()
    assert pooling(Encoded(whole.tokens * 1e4, LENGTHS)).isfinite().all()


@pytest.mark.parametrize("lengths", [LENGTHS, (3, 3, 3)])
def test_sums_means_and_maxima_have_the_right_gradients(lengths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    rows = torch.randn(9, 2, dtype=torch.float64, requires_grad=True)
    for reduce in (total, mean, maximum):
        assert torch.autograd.gradcheck(lambda x, how=reduce: how(x, lengths), rows)


def test_spreading_is_the_way_back() -> None:
    vectors = torch.tensor([[1.0], [2.0], [3.0]])
    assert spread(vectors, LENGTHS)[:, 0].tolist() == [1, 1, 1, 2, 3, 3, 3, 3, 3]
    assert torch.equal(mean(spread(vectors, LENGTHS), LENGTHS), vectors)


def test_a_tower_without_class_token_is_not_pooled_by_it() -> None:
    with pytest.raises(UsageError) as refused:
        Pooling("class", 8)(Encoded(torch.rand(3, 8), (3,)))
    assert refused.value.code == "bad_recipe"


@pytest.mark.parametrize("wrong", [{"kind": "median"}, {"kind": "attention", "width": 6}])
def test_what_does_not_exist_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError) as refused:
        Pooling(**{"kind": "mean", "width": 8, **wrong})
    assert refused.value.code == "bad_recipe"
