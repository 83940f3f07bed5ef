import numpy as np
import torch
import torch.nn.functional as F

from tests.objectives.batches import encoder
from vesalius.models.local_scores import concept_maps, fused, local_scores, name_vectors, span_vectors
from vesalius.models.pairs import Texts


def unit(rows: int, width: int = 5, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, width, generator=generator, dtype=torch.float64), dim=-1)


def test_a_span_is_the_mean_of_its_words_and_of_no_others() -> None:
    words = torch.randn(9, 5, dtype=torch.float64)
    found = span_vectors(
        words, torch.tensor([4, 2, 3]), torch.tensor([0, 0, 1, 2]), torch.tensor([0, 3, 0, 1]), torch.tensor([2, 4, 2, 3])
    )
    for row, (first, last) in zip(found, [(0, 2), (3, 4), (4, 6), (7, 9)], strict=True):
        mean = words[first:last].numpy().mean(axis=0)
        np.testing.assert_allclose(row.numpy(), mean / np.linalg.norm(mean), rtol=1e-12)
    nothing = torch.zeros(0, dtype=torch.long)
    assert span_vectors(words, torch.tensor([9]), nothing, nothing, nothing).shape == (0, 5)


def test_a_span_is_the_same_beside_longer_texts() -> None:
    model = encoder().eval()
    short, long = torch.arange(4), torch.arange(15)
    at = (torch.tensor([0]), torch.tensor([1]), torch.tensor([3]))
    alone = span_vectors(model.word_vectors(model.read(Texts(short, (4,)))), torch.tensor([4]), *at)
    both = model.word_vectors(model.read(Texts(torch.cat([short, long]), (4, 15))))
    torch.testing.assert_close(span_vectors(both, torch.tensor([4, 15]), *at), alone, rtol=0, atol=1e-6)


def test_a_name_of_differing_prompts_is_as_long_as_any() -> None:
    prompts = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [-0.5, 0.75**0.5]], dtype=torch.float64)
    names = name_vectors(prompts, torch.tensor([0, 0, 1, 1]), 2)
    torch.testing.assert_close(names.norm(dim=1), torch.ones(2, dtype=torch.float64))
    between = torch.tensor([3**0.5 / 2, 0.5], dtype=torch.float64)  # as near to the one as to the other
    similarity = names @ between
    assert abs(float(similarity[0] - similarity[1])) < 1e-12


def test_a_local_score_is_the_mean_of_the_best_patches() -> None:
    patches, names = unit(10), unit(3, seed=1)
    found = local_scores(patches, (4, 6), names, share=0.5)
    for i, mine in enumerate((patches[:4], patches[4:])):
        products = np.sort((mine @ names.T).numpy(), axis=0)[::-1]
        np.testing.assert_allclose(found[i].numpy(), products[: len(mine) // 2].mean(axis=0), rtol=1e-12)
    one = local_scores(patches, (4, 6), names, share=0.01)
    assert abs(float(one[0, 0]) - float((patches[:4] @ names[0]).max())) < 1e-12


def test_fused_probabilities_go_through_one_softmax() -> None:
    whole, local = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    halves = [np.exp(one.numpy()) / np.exp(one.numpy()).sum(axis=1, keepdims=True) for one in (whole, local)]
    np.testing.assert_allclose(fused(whole, local).numpy(), (halves[0] + halves[1]) / 2, rtol=1e-12)
    torch.testing.assert_close(fused(whole, local, local_weight=0.0), whole.softmax(dim=1))
    step = 1e-6  # the slope at the logits is that of one softmax, p (1 - p)
    p = float(fused(whole, whole)[0, 0])
    nudged = whole.clone()
    nudged[0, 0] += step
    slope = (float(fused(nudged, nudged)[0, 0]) - p) / step
    assert abs(slope - p * (1 - p)) < 1e-5


def test_a_map_points_at_the_patch_that_is_the_concept() -> None:
    patches = unit(10)
    first, second = concept_maps(patches, (4, 6), patches[[2, 7]])
    assert first.shape == (2, 4)
    assert second.shape == (2, 6)
    assert int(first[0].argmax()) == 2
    assert int(second[1].argmax()) == 3
