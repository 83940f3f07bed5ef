import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score

from vesalius.benchmarks.encoders.classification import Classified, Found, class_scores, finding_scores, slug

CLASSES = ("a", "b", "c")


def made(seed: int = 0, trainings: int = 1) -> Classified:
    draw = np.random.default_rng(seed)
    likelihoods = draw.dirichlet(np.ones(3), (trainings, 60))
    return Classified("probe", "_10", likelihoods, draw.integers(0, 3, 60), CLASSES, np.arange(60))


def test_each_score_agrees_with_scikit_learn() -> None:
    said = made()
    found, given = class_scores(said, [str(i) for i in range(60)]), said.likelihoods[0].argmax(axis=1)
    assert found["probe_accuracy_10"].value == pytest.approx(accuracy_score(said.truths, given))
    assert found["probe_balanced_accuracy_10"].value == pytest.approx(balanced_accuracy_score(said.truths, given))
    assert found["probe_f1_10"].value == pytest.approx(f1_score(said.truths, given, average="macro"))
    assert found["probe_auc_10"].value == pytest.approx(roc_auc_score(said.truths, said.likelihoods[0], multi_class="ovr"))


def test_several_trainings_are_averaged() -> None:
    said, whose = made(3, trainings=2), [str(i) for i in range(60)]
    both = class_scores(said, whose)
    for name, score in both.items():
        each = [
            class_scores(Classified("probe", "_10", one, said.truths, CLASSES, said.rows), whose)[name].value
            for one in said.likelihoods
        ]
        assert score.value == pytest.approx(np.mean(each)), name


def test_intervals_draw_patients_and_not_pictures() -> None:
    """A hundred copies of a patient's picture tell no more than one."""
    said = made()
    many = Classified(
        "probe", "_10", np.repeat(said.likelihoods, 20, axis=1), np.repeat(said.truths, 20), CLASSES, np.arange(1200)
    )
    one = class_scores(said, [str(i) for i in range(60)], resamples=300)
    copied = class_scores(many, np.repeat(np.arange(60), 20).astype(str).tolist(), resamples=300)
    for name, score in one.items():
        assert copied[name].value == pytest.approx(score.value)
        assert copied[name].interval == pytest.approx(score.interval), name
        assert (score.patients, copied[name].patients, copied[name].n) == (60, 60, 1200)
    free = class_scores(many, [str(i) for i in range(1200)], resamples=300)["probe_accuracy_10"].interval
    wide = one["probe_accuracy_10"].interval
    assert free is not None
    assert wide is not None
    assert free[1] - free[0] < (wide[1] - wide[0]) / 2


def test_a_constant_answer_is_one_class_and_has_no_order() -> None:
    truths = np.array([0, 0, 1, 2])
    found = class_scores(Classified("p", "", np.ones((4, 3)), truths, CLASSES, np.arange(4)), list("wxyz"))
    assert found["p_accuracy"].value == 0.5
    assert found["p_balanced_accuracy"].value == pytest.approx(1 / 3)
    assert found["p_auc"].value == 0.5


def test_one_class_alone_has_an_accuracy_and_no_area() -> None:
    found = class_scores(Classified("p", "", np.eye(3)[[0, 1]], np.array([0, 0]), CLASSES, np.arange(2)), ["x", "y"])
    assert found["p_accuracy"].value == 0.5
    assert "p_auc" not in found


def test_states_that_nobody_said_change_nothing() -> None:
    draw = np.random.default_rng(1)
    likelihoods, states = draw.random((40, 2)), draw.integers(0, 2, (40, 2)).astype(np.float32)
    states[:, 1][::3] = np.nan
    whose = [str(i // 2) for i in range(40)]
    found = finding_scores(Found("zero_shot", "", likelihoods, states, ("Pleural effusion", "b"), each=True), whose, resamples=50)
    known = ~np.isnan(states[:, 1])
    expected = [roc_auc_score(states[:, 0], likelihoods[:, 0]), roc_auc_score(states[known, 1], likelihoods[known, 1])]
    assert found["zero_shot_finding_auc_pleural_effusion"].value == pytest.approx(expected[0])
    assert found["zero_shot_finding_auc_b"].value == pytest.approx(expected[1])
    assert found["zero_shot_finding_auc"].value == pytest.approx(np.mean(expected))
    changed = likelihoods.copy()
    changed[~known, 1] = 99
    again = finding_scores(Found("zero_shot", "", changed, states, ("Pleural effusion", "b"), each=True), whose, resamples=50)
    assert again == found


def test_a_finding_that_every_picture_has_is_left_out() -> None:
    found = finding_scores(Found("p", "", np.ones((3, 1)), np.ones((3, 1), np.float32), ("x",), each=True), list("abc"))
    assert found == {}


def test_names_become_keys() -> None:
    assert slug("COVID-19 (severe)") == "covid_19_severe"
