import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.objectives.batches import encoder
from tests.objectives.parts import assert_parts_are_exact, rich_batch
from vesalius.errors import UsageError
from vesalius.models.pairs import Links
from vesalius.objectives.conceptclip import ConceptCLIP, concept_partners

# Concept 4 stands in the captions of pictures 0 and 2, concept 5 twice in that of picture 1.
SPANS = [(0, 0, 2, 4), (1, 1, 3, 5), (1, 4, 7, 5), (2, 2, 3, 4), (3, 0, 1, 6)]


def batch(**options: object):  # type: ignore[no-untyped-def]
    return rich_batch([0, 1, 2, 3], spans=SPANS, **options)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


@pytest.mark.parametrize("same_concept", ["ignored", "negative", "positive"])
def test_it_follows_its_formulas_in_float64(same_concept: str) -> None:
    model = encoder(concept=True, bias=-2.0, temperature=0.2)
    torch.manual_seed(5)
    counts = [3, 1, 4, 2]
    unit = {"image": 4, "text": 4, "patch": sum(counts), "concept": 5}
    features = {name: F.normalize(torch.randn(n, 6, dtype=torch.float64), dim=-1) for name, n in unit.items()}
    features["patch_counts"] = torch.tensor(counts)
    losses = ConceptCLIP(same_concept=same_concept).losses(model, features, batch().links)  # type: ignore[arg-type]
    x, y, p, c = (features[name].numpy() for name in ("image", "text", "patch", "concept"))
    image_text = sum(softplus(-(1 if i == j else -1) * (5.0 * x[i] @ y[j] - 2.0)) for i in range(4) for j in range(4)) / 4
    owner, concept = [0, 1, 1, 2, 3], [4, 5, 5, 4, 6]
    starts = np.cumsum([0, *counts])
    patch_concept = 0.0
    for k in range(5):
        for i in range(4):
            score = max(5.0 * float(p[n] @ c[k]) - 2.0 for n in range(starts[i], starts[i + 1]))
            named = any(owner[s] == i and concept[s] == concept[k] for s in range(5))
            own = owner[k] == i
            if named and not own and same_concept == "ignored":
                continue
            z = 1 if own or (named and same_concept == "positive") else -1
            patch_concept += softplus(-z * score) / 5
    assert math.isclose(float(losses["image_text"]), image_text, rel_tol=1e-6)
    assert math.isclose(float(losses["patch_concept"]), patch_concept, rel_tol=1e-6)
    assert math.isclose(float(losses["loss"].detach()), image_text + 0.5 * patch_concept, rel_tol=1e-6)


def test_the_same_concept_in_two_captions_is_no_false_negative() -> None:
    links: Links = batch().links
    positive, ignored = concept_partners(links, "ignored")
    assert positive.nonzero().tolist() == [[0, 0], [1, 1], [1, 2], [2, 3], [3, 4]]
    assert ignored is not None
    assert ignored.nonzero().tolist() == [[0, 3], [2, 0]]
    both, none = concept_partners(links, "positive")
    assert none is None
    assert torch.equal(both[:, 0], both[:, 3])
    torch.testing.assert_close(concept_partners(links, "negative")[0], positive)


def test_a_concept_is_the_mean_of_its_own_words_whatever_stands_beside() -> None:
    model = encoder(concept=True, bias=-2.0).eval()
    objective = ConceptCLIP()
    whole = objective.features(model, batch())
    words = model.word_vectors(model.read(batch().texts)).view(4, 7, -1)
    for row, (text, start, end, _) in enumerate(SPANS):
        expected = F.normalize(words[text, start:end].mean(dim=0), dim=0)
        torch.testing.assert_close(whole["concept"][row], expected, rtol=0, atol=1e-6)


def test_parts_are_exact_and_every_parameter_is_trained() -> None:
    assert_parts_are_exact(ConceptCLIP(), encoder(concept=True, bias=-2.0), batch(), 1)
    assert_parts_are_exact(ConceptCLIP(concept_weight=0.0), encoder(bias=-2.0), batch(), 3)


def test_a_batch_without_concepts_learns_from_its_texts() -> None:
    losses = ConceptCLIP()(encoder(concept=True, bias=-2.0), rich_batch([0, 1, 2]))
    assert float(losses["patch_concept"]) == 0.0
    assert math.isfinite(float(losses["loss"].detach()))


@pytest.mark.parametrize("options", [{"concept_weight": -0.5}, {"top": 0}, {"sharpness": 0.0}])
def test_a_number_out_of_its_range_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="cannot go together"):
        ConceptCLIP(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_a_scale_of_concepts_that_does_not_fit_is_refused(weight: float) -> None:
    with pytest.raises(UsageError, match=r"model\.concept") as caught:
        ConceptCLIP(concept_weight=weight)(encoder(concept=weight == 0), batch())
    assert caught.value.code == "bad_recipe"
