import math

import numpy as np
import pytest
import torch

from tests.objectives.batches import encoder
from tests.objectives.parts import assert_parts_are_exact, rich_batch
from vesalius.errors import UsageError
from vesalius.objectives.surgvlp import TERMS, SurgVLP

# One exact sentence per clip (source 0), and one or two candidates (source 1); a candidate of clip 2 equals one of clip 0.
OWNER, SOURCE, KEY = [0, 0, 0, 1, 1, 2, 2], [0, 1, 1, 0, 1, 0, 1], [1, 2, 3, 4, 5, 6, 3]


def batch(*, again: bool = False):  # type: ignore[no-untyped-def]
    return rich_batch(OWNER, source=SOURCE, key=KEY, frames=3, again=again)


def drawn() -> dict[str, torch.Tensor]:
    torch.manual_seed(8)
    return {name: torch.randn(n, 6, dtype=torch.float64) for name, n in (("image", 3), ("text", 7), ("again", 3))}


def unit(rows: torch.Tensor) -> np.ndarray:
    array = rows.numpy()
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def by_hand(view: np.ndarray, texts: np.ndarray, same_text: str) -> dict[str, float]:
    exact, bag = texts[[0, 3, 5]], texts[[1, 2, 4, 6]]
    s = view @ exact.T / 0.1
    to_text = -np.mean([s[i, i] - np.log(np.exp(s[i]).sum()) for i in range(3)])
    to_clip = -np.mean([s[i, i] - np.log(np.exp(s[:, i]).sum()) for i in range(3)])
    masses = np.exp(view @ bag.T / 0.1)
    own = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=bool)
    same = np.array([[0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]], dtype=bool)
    right = own | same if same_text == "positive" else own
    counted = ~same if same_text == "ignored" else np.ones_like(own)
    bags = 0.0
    for i in range(3):
        away = sum(masses[j, k] for k in range(4) if right[i, k] for j in range(3) if not right[j, k] and counted[j, k])
        bags -= np.log(masses[i][right[i]].sum() / (masses[i][counted[i]].sum() + away)) / 3
    return {"info_nce": (to_text + to_clip) / 2, "nt_xent": 0.75 * to_text + 0.25 * to_clip, "mil_nce": float(bags)}


@pytest.mark.parametrize("same_text", ["negative", "positive", "ignored"])
def test_it_follows_its_formulas_in_float64(same_text: str) -> None:
    features, links = drawn(), batch().links
    objective = SurgVLP(same_text=same_text)  # type: ignore[arg-type]
    both = [by_hand(unit(features[name]), unit(features["text"]), same_text) for name in ("image", "again")]
    alone = objective.losses(encoder(), {name: features[name] for name in ("image", "text")}, links)
    for name in TERMS:
        assert math.isclose(float(alone[name]), both[0][name], rel_tol=1e-6), name
    assert math.isclose(float(alone["loss"]), sum(both[0].values()) / 3, rel_tol=1e-6)
    views = np.concatenate([unit(features["image"]), unit(features["again"])])
    s = views @ views.T / 0.1
    simclr = -np.mean([s[i, (i + 3) % 6] - np.log(sum(np.exp(s[i, k]) for k in range(6) if k != i)) for i in range(6)])
    twice = objective.losses(encoder(), features, links)
    assert math.isclose(float(twice["simclr"]), simclr, rel_tol=1e-6)
    assert math.isclose(float(twice["loss"]), (sum(sum(view.values()) / 3 for view in both) + simclr) / 3, rel_tol=1e-6)


@pytest.mark.parametrize("terms", [*((term,) for term in TERMS), TERMS])
def test_longer_vectors_change_nothing(terms: tuple[str, ...]) -> None:
    features, links = drawn(), batch().links
    longer = {name: 10 * tensor for name, tensor in features.items()}
    losses = [float(SurgVLP(terms=terms).losses(encoder(), one, links)["loss"]) for one in (features, longer)]
    assert math.isclose(*losses, rel_tol=1e-6)


def test_one_transcript_is_read_alone() -> None:
    features, links = drawn(), batch().links
    changed = dict(features, text=features["text"].clone())
    changed["text"][[1, 2, 4, 6]] *= -1
    exact, bags = SurgVLP(terms=("info_nce", "nt_xent")), SurgVLP(terms=("mil_nce",))
    assert float(exact.losses(encoder(), features, links)["loss"]) == float(exact.losses(encoder(), changed, links)["loss"])
    assert float(bags.losses(encoder(), features, links)["loss"]) != float(bags.losses(encoder(), changed, links)["loss"])


@pytest.mark.parametrize("again", [False, True])
def test_parts_are_exact_and_every_parameter_but_the_scale_is_trained(again: bool) -> None:
    assert_parts_are_exact(SurgVLP(), encoder(), batch(again=again), 1)


@pytest.mark.parametrize("options", [{"terms": ()}, {"terms": ("clip",)}, {"temperature": 0.0}, {"image_weight": 1.5}])
def test_what_cannot_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"objective\.(terms|temperature)"):
        SurgVLP(**options)
