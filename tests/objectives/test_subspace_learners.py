import math

import pytest
import torch
from torch import nn
from torch.optim import SGD

from tests.models.test_subspaces import encoder
from tests.objectives.parts import assert_parts_are_exact, rich_batch
from vesalius.errors import UsageError
from vesalius.models.subspaces import ImageEncoder
from vesalius.objectives.losses.margin import margin_loss
from vesalius.objectives.subspace_learners import SubspaceLearners

E, ITEMS = 24, 40
LABELS = [0, 0, 1, 1, 2, 2, 0, 1]


def objective(**options: object) -> SubspaceLearners:
    return SubspaceLearners(**{"embedding": E, "items": ITEMS, "patience": 2, **options})


def model() -> ImageEncoder:
    return encoder(embedding=E)


def vectors_of(seed: int = 0) -> torch.Tensor:
    return torch.randn(ITEMS, E, generator=torch.Generator().manual_seed(seed))


def embed() -> tuple[torch.Tensor, torch.Tensor]:
    return vectors_of(), torch.arange(ITEMS)


def taught(**options: object) -> SubspaceLearners:
    """An objective that has seen the class of every picture."""
    made = objective(**options)
    made.label[:] = torch.arange(ITEMS) % 4
    return made


def by_hand(rows: list[list[float]], labels: list[int], beta: float) -> float:
    total, active = 0.0, 0
    points = [[v / math.hypot(*row) for v in row] for row in rows]
    for a, anchor in enumerate(points):
        distances = [math.dist(anchor, point) for point in points]
        positives = [d for p, d in enumerate(distances) if p != a and labels[p] == labels[a]]
        far = sorted(d for n, d in enumerate(distances) if labels[n] != labels[a] and d > 0.5)[: len(positives)]
        terms = [*(max(0.0, d - beta + 0.2) for d in positives), *(max(0.0, beta - d + 0.2) for d in far)]
        total += sum(terms)
        active += sum(term > 0 for term in terms)
    return total / max(1, active)


def test_each_learner_learns_its_slice_from_its_cluster_in_float64() -> None:
    learners = objective(learners=3)
    assert learners.owner.tolist() == [0] * 8 + [1] * 8 + [2] * 8
    learners.cluster[:8] = torch.tensor([0, 1, 1, 0, 2, -1, 1, 1])
    features = {"image": vectors_of(1)[:8].double()}
    links = rich_batch([], label=LABELS).links
    found = learners.losses(model().train(), features, links)
    expected = 0.0
    for learner in range(3):
        mine = [i for i in range(8) if learners.cluster[i] in (learner, -1)]
        rows = [features["image"][i, 8 * learner : 8 * learner + 8].tolist() for i in mine]
        expected += by_hand(rows, [LABELS[i] for i in mine], 1.2) / 3
    assert math.isclose(float(found["loss"].detach()), expected, rel_tol=1e-6)
    longer = learners.losses(model().train(), {"image": 10 * features["image"]}, links)
    assert math.isclose(float(longer["loss"].detach()), expected, rel_tol=1e-6)


def test_held_out_pictures_have_no_cluster_and_leave_no_trace() -> None:
    learners = taught(learners=2)
    learners.cluster[:] = 0
    before = learners.label.clone()
    links = rich_batch([], label=LABELS).links
    features = {"image": vectors_of(1)[:8].double()}
    held_out = float(learners.losses(model().eval(), features, links)["loss"].detach())
    assert torch.equal(learners.label, before)
    expected = sum(by_hand(features["image"][:, 12 * c : 12 * c + 12].tolist(), LABELS, 1.2) / 2 for c in range(2))
    assert math.isclose(held_out, expected, rel_tol=1e-6)


def test_parts_are_exact_and_every_parameter_is_trained_the_boundary_too() -> None:
    # At the first steps vectors lie close: nothing is farther than 0.5.
    assert_parts_are_exact(objective(least_distance=0.0), model().train(), rich_batch([], label=LABELS), 3)


def test_the_boundary_is_a_parameter_that_an_optimizer_moves() -> None:
    learners, trained = objective(least_distance=0.0), model().train()
    optimizer = SGD([*trained.parameters(), *learners.parameters()], lr=0.1)
    torch.autograd.backward(learners(trained, rich_batch([], label=LABELS))["loss"])
    optimizer.step()
    assert dict(learners.named_parameters()).keys() == {"beta"}
    assert float(learners.beta.detach()) != pytest.approx(1.2)


def test_learners_split_when_the_figure_has_stood_still_and_not_before() -> None:
    learners, trained = taught(), model()
    course = [(0.3, 1), (0.4, 1), (0.4, 1), (0.5, 1), (0.45, 1), (0.5, 2)]  # two checks without a better one: a split
    course += [(0.4, 2), (0.5, 2), (0.5, 2), (0.6, 2), (0.5, 2), (0.6, 3)]  # the next one waits for a better figure first
    for figure, expected in course:
        learners.adapt(trained, {"nmi": figure}, embed)
        assert learners.learners == expected
    assert int(torch.bincount(learners.owner).min()) >= 5
    assert learners.begun.tolist() == [0, 6, 12, -1, -1, -1, -1, -1]


def test_what_matters_stays_and_the_rest_begins_anew() -> None:
    learners, trained = taught(), model()
    before = trained.image_head.weight.detach().clone()
    unit = torch.nn.functional.normalize(vectors_of(), dim=1).requires_grad_()
    loss = margin_loss(unit, learners.label, torch.tensor(1.2))  # the order of pictures plays no part
    scores = (unit.detach() * torch.autograd.grad(loss, unit)[0]).mean(dim=0).abs()
    scaled = (scores - scores.min()) / (scores.max() - scores.min())
    expected = set((scaled > 0.5).nonzero()[:, 0].tolist()) | set(scaled.argsort(descending=True)[:5].tolist())
    for _ in range(3):
        learners.adapt(trained, {"nmi": 0.5}, embed)
    assert learners.learners == 2
    kept = learners.owner == 0
    assert set(kept.nonzero()[:, 0].tolist()) == expected
    assert torch.equal(trained.image_head.weight.detach()[kept], before[kept])
    assert not bool((trained.image_head.weight.detach()[~kept] == before[~kept]).any())


def test_a_narrow_learner_is_not_split() -> None:
    narrow = SubspaceLearners(embedding=10, items=ITEMS, patience=1)
    narrow.label[:] = 0
    for _ in range(4):
        narrow.adapt(encoder(embedding=10), {"nmi": 0.5}, lambda: (vectors_of()[:, :10], torch.arange(ITEMS)))
    assert narrow.learners == 1


def test_clusters_are_made_when_due_and_keep_their_names() -> None:
    learners, trained = taught(learners=2, recluster_every=2), model()
    middles = torch.zeros(2, E)
    middles[0, [0, 12]], middles[1, [1, 13]] = 5.0, 5.0
    truth = torch.arange(ITEMS) % 2

    def clouds() -> tuple[torch.Tensor, torch.Tensor]:
        asked.append(int(learners.checks))
        return middles[truth] + 0.1 * vectors_of(len(asked)), torch.arange(ITEMS)

    asked: list[int] = []
    names = []
    for _ in range(7):
        learners.adapt(trained, {"nmi": 0.1}, clouds)
        names.append(learners.cluster.tolist())
    assert asked == [1, 2, 4, 6]  # at once, then every second check
    assert all(name == names[0] for name in names)
    assert names[0] in (truth.tolist(), (1 - truth).tolist())


def test_at_last_all_dimensions_are_one() -> None:
    learners, trained = taught(learners=2, joint_after=3), model().train()
    learners.cluster[:] = 0
    links, features = rich_batch([], label=LABELS).links, {"image": vectors_of(1)[:8]}
    for _ in range(3):
        learners.adapt(trained, {"nmi": 0.1}, embed)
    assert learners.joint
    found = learners.losses(trained, features, links)["loss"].detach()
    torch.testing.assert_close(found, margin_loss(features["image"], links.label, torch.tensor(1.2)))


def test_test_figures_play_no_part() -> None:
    states = []
    for test_nmi in (0.1, 0.9):
        learners, trained = taught(), model()
        for check in range(5):
            learners.adapt(trained, {"nmi": 0.5, "test_nmi": test_nmi * (1 + check)}, embed)
        states.append(learners.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    with pytest.raises(UsageError, match=r"objective\.watch"):
        objective().adapt(model(), {"test_nmi": 0.5}, embed)


def test_a_checkpoint_holds_partition_clusters_and_history() -> None:
    learners, trained = taught(), model()
    for _ in range(3):
        learners.adapt(trained, {"nmi": 0.5}, embed)
    resumed, again = objective(), model()
    resumed.load_state_dict(learners.state_dict())
    again.load_state_dict(trained.state_dict())
    for figure in (0.6, 0.5, 0.5, 0.7, 0.5, 0.5):
        learners.adapt(trained, {"nmi": figure}, embed)
        resumed.adapt(again, {"nmi": figure}, embed)
    assert learners.learners == resumed.learners >= 3
    same: list[tuple[nn.Module, nn.Module]] = [(learners, resumed), (trained, again)]
    for one, other in same:
        for name, tensor in one.state_dict().items():
            assert torch.equal(tensor, other.state_dict()[name]), name


@pytest.mark.parametrize("options", [{"learners": 0}, {"learners": 9}, {"least_kept": 6}, {"patience": 0}, {"items": 0}])
def test_arguments_that_do_not_fit_together_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        objective(**options)
    assert caught.value.problems


def test_a_model_of_other_vectors_is_refused() -> None:
    with pytest.raises(UsageError, match=r"objective\.embedding to 12"):
        objective()(encoder(), rich_batch([], label=LABELS))


def test_more_pictures_than_places_are_refused() -> None:
    with pytest.raises(UsageError, match=r"objective\.items"):
        objective(items=4)(model().train(), rich_batch([], label=LABELS))
