from dataclasses import replace

import numpy as np
import pytest
import torch

from vesalius.datasets.pairs import embedder as file
from vesalius.datasets.pairs.embedder import Embedder
from vesalius.datasets.pairs.pair import Pair
from vesalius.datasets.pairs.phantoms import cohort
from vesalius.datasets.pairs.presentation import Presentation
from vesalius.datasets.pairs.shown import Showing
from vesalius.generate.tokenizer import Tokenizer
from vesalius.models.dual_encoder import DualEncoder


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    made = (
        cohort(kinds=(kind,), patients=3, validation=0, test=0, size_px=48, volume_px=16)
        for kind in ("skin", "chest_ct", "surgery")
    )
    return [pair for found in made for pair in found]


@pytest.fixture(scope="module")
def embedder(pairs: list[Pair]) -> Embedder:
    torch.manual_seed(0)
    words = Tokenizer.train(text.words for pair in pairs for text in pair.texts)
    model = DualEncoder(vocabulary=len(words), width=32, layers=1, heads=2, text_width=32, text_heads=2, embedding=24)
    return Embedder(model, words, Showing(Presentation(longest_px=48), 16))


def test_vectors_do_not_depend_on_what_is_embedded_beside(
    embedder: Embedder, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = embedder.pictures(pairs)
    alone = np.concatenate([embedder.pictures([pair]) for pair in pairs])
    assert together.shape == (len(pairs), 24)
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    monkeypatch.setattr(file, "TOKENS_AT_ONCE", 1)
    np.testing.assert_allclose(embedder.pictures(pairs), together, atol=1e-5)


def test_texts_do_not_depend_on_each_other(embedder: Embedder) -> None:
    texts = ["a mole", "a very long description of nothing that was ever seen in any picture at all", ""]
    np.testing.assert_allclose(embedder.texts(texts), np.concatenate([embedder.texts([text]) for text in texts]), atol=1e-5)
    assert embedder.texts([]).shape == (0, 24)


def test_maps_cover_the_picture_alone(embedder: Embedder, pairs: list[Pair]) -> None:
    found = embedder.maps(pairs, ["nevus", "melanoma"])
    assert [len(maps) for maps in found] == [2] * len(pairs)
    assert found[0][0].shape == (1, 3, 3)
    tall = replace(pairs[0].sample.images[0].image, shape=(48, 20), load=lambda: np.random.rand(48, 20, 3).astype(np.float32))
    sample = replace(pairs[0].sample, key="tall", images=(replace(pairs[0].sample.images[0], image=tall),))
    found_tall = embedder.maps([Pair(sample, ())], ["nevus"])[0][0]
    assert found_tall.shape == (1, 3, 8)  # 20 of 32 columns: four fifths of the first patch, one of the second
    assert [len(set(row)) for row in found_tall[0]] == [2, 2, 2]
    assert (found_tall[0, :, :6] == found_tall[0, :, :1]).all()
