import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.objectives.batches import encoder
from tests.objectives.parts import assert_parts_are_exact, rich_batch
from vesalius.errors import UsageError
from vesalius.objectives.devide import DeViDe

NAN = math.nan
# Each picture has a report (source 0) and descriptions of its findings; pictures 0 and 1 share finding 20, 1 and 2 share 21.
OWNER, SOURCE, KEY = [0, 0, 1, 1, 1, 2, 2], [0, 1, 0, 1, 1, 0, 1], [10, 20, 11, 20, 21, 12, 21]
STATES = [[1.0, 0.0, NAN], [1.0, 1.0, NAN], [NAN, 1.0, 0.0]]
WEIGHTS = ("itc_weight", "projection_weight", "alignment_weight", "bce_weight")


def batch(**options: object):  # type: ignore[no-untyped-def]
    return rich_batch(OWNER, source=SOURCE, key=KEY, states=STATES, **options)


def objective(**options: object) -> DeViDe:
    torch.manual_seed(1)
    return DeViDe(**{"bce_weight": 1.0, "findings": 3, "width": 32, "decoder_layers": 2, "decoder_heads": 2, **options})


def cross_entropy(logits: np.ndarray, right: np.ndarray) -> float:
    total = 0.0
    for rows, targets in ((logits, right), (logits.T, right.T)):
        some = [i for i in range(len(rows)) if targets[i].any()]
        for i in some:
            log_softmax = rows[i] - np.log(np.exp(rows[i]).sum())
            total -= log_softmax[targets[i]].mean() / len(some) / 2
    return total


@pytest.mark.parametrize("positives", ["all", "one"])
def test_it_follows_its_formulas_in_float64(positives: str) -> None:
    torch.manual_seed(6)
    counts = [3, 1, 4]
    rows = {"image": 3, "text": 7, "patch": 8}
    features = {name: F.normalize(torch.randn(n, 6, dtype=torch.float64), dim=-1) for name, n in rows.items()}
    features |= {"patch_counts": torch.tensor(counts), "states": torch.randn(3, 3)}
    model = encoder(temperature=0.1)
    losses = objective(positives=positives).losses(model, features, batch().links)
    v, texts, p = (features[name].numpy() for name in ("image", "text", "patch"))
    reports, told = [0, 2, 5], [1, 3, 4, 6]
    finding = [20, 20, 21, 21]  # of the descriptions
    right = np.array([[f in own for f in finding] for own in ({20}, {20, 21}, {21})])
    if positives == "one":
        right = np.array([[True, False, False, False], [False, True, False, False], [False, False, False, True]])
    expected = {"itc": cross_entropy(10.0 * v @ texts[reports].T, np.eye(3, dtype=bool))}
    expected["projection"] = cross_entropy(10.0 * v @ texts[told].T, right)
    seen = np.zeros((3, 4))
    for i, mine in enumerate(np.split(p, np.cumsum(counts)[:-1])):
        for k, query in enumerate(texts[told]):
            weights = np.exp(mine @ query / 0.1)
            place = (weights / weights.sum()) @ mine
            seen[i, k] = place @ query / np.linalg.norm(place)
    expected["alignment"] = cross_entropy(seen / 0.1, right)
    known = [(i, g) for i in range(3) for g in range(3) if not math.isnan(STATES[i][g])]
    logits = features["states"].numpy()
    expected["bce"] = sum(math.log1p(math.exp(-logits[i, g] if STATES[i][g] else logits[i, g])) for i, g in known) / len(known)
    for name, value in expected.items():
        assert math.isclose(float(losses[name]), value, rel_tol=2e-6), name
    whole = expected["itc"] + expected["projection"] + 0.5 * expected["alignment"] + expected["bce"]
    assert math.isclose(float(losses["loss"].detach()), whole, rel_tol=2e-6)


def test_parts_are_exact_and_every_parameter_is_trained() -> None:
    assert_parts_are_exact(objective(), encoder(), batch(), 1)


@pytest.mark.parametrize("kept", WEIGHTS)
def test_a_term_without_weight_leaves_nothing_behind(kept: str) -> None:
    alone = objective(**{name: float(name == kept) for name in WEIGHTS})
    model = encoder()
    losses = alone(model, batch())
    assert set(losses) == {"loss", kept.removesuffix("_weight")}
    torch.autograd.backward(losses["loss"])
    assert bool(list(alone.parameters())) == (kept == "bce_weight")
    assert all(p.grad is not None for p in alone.parameters())


def test_a_state_that_nobody_stated_has_no_gradient() -> None:
    only_states = objective(itc_weight=0.0, projection_weight=0.0, alignment_weight=0.0)
    features = {"states": torch.zeros(3, 3, requires_grad=True)}
    torch.autograd.backward(only_states.losses(encoder(), features, batch().links)["loss"])
    assert torch.equal(features["states"].grad == 0, torch.tensor(STATES).isnan())


def test_without_reports_all_texts_describe() -> None:
    described = objective(itc_weight=0.0, bce_weight=0.0, report_source=None)
    links = rich_batch([0, 1, 2], key=[4, 5, 4]).links
    features = {
        "image": torch.eye(3),
        "text": torch.eye(3),
        "patch": torch.eye(3),
        "patch_counts": torch.ones(3, dtype=torch.long),
    }
    losses = described.losses(encoder(), features, links)
    assert float(losses["projection"]) > math.log(2) / 2  # pictures 0 and 2 have two right descriptions each


@pytest.mark.parametrize(
    "options",
    [
        {"itc_weight": -1.0},
        dict.fromkeys(WEIGHTS, 0.0),
        {"report_source": None},
        {"findings": 0},
        {"temperature": 0.0},
    ],
)
def test_arguments_that_do_not_fit_together_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        objective(**options)
    assert caught.value.problems


def test_a_model_of_another_width_is_refused() -> None:
    with pytest.raises(UsageError, match=r"objective\.width to 32"):
        objective(width=16)(encoder(), batch())


def test_data_of_other_findings_is_refused() -> None:
    with pytest.raises(UsageError, match=r"objective\.findings to 3"):
        objective(findings=4)(encoder(), batch())
