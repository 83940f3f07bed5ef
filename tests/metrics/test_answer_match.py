from pathlib import Path

import numpy as np

from vesalius.metrics import answer_match, exact
from vesalius.metrics.answers.same import canonical


def test_hand_computed_case_and_extremes() -> None:
    found = answer_match.items(
        ["A CT scan.", "Yes, it is", "lung", "", ""], ["computed tomography", "yes", "left lung", "no", ""]
    )
    assert found.tolist() == [1, 1, 0, 0, 1]
    assert answer_match.items([], []).shape == (0,)


def test_it_credits_whatever_is_exact_and_order_does_not_matter() -> None:
    answers = ["Left lung", "two", "CT", "x", "normal"]
    truths = ["left lung.", "2", "MRI", "x", "no abnormality"]
    found = answer_match.items(answers, truths)
    assert found.tolist() == [1, 1, 0, 1, 1]
    assert (found >= exact.items(answers, truths)).all()
    assert np.array_equal(answer_match.items(answers[::-1], truths[::-1]), found[::-1])


def test_a_word_that_contains_yes_or_no_is_neither() -> None:
    # LLaVA-Med `run_eval`: an answer is right when the letters of the truth stand anywhere in it
    assert answer_match.items(["normal", "I do not know", "eyes", "nodule"], ["no", "no", "yes", "no"]).tolist() == [0, 0, 0, 0]


def test_a_wrong_yes_or_no_stays_in_the_denominator() -> None:
    # LLaVA-Med `run_eval`: a closed answer that says yes or no and is wrong is left out of the mean, which is then 1
    found = answer_match.items(["yes", "no", "yes", "maybe"], ["yes", "yes", "no", "yes"])
    assert found.tolist() == [1, 0, 0, 0]
    assert found.mean() == 0.25


def test_no_answer_is_moved_to_the_nearest_of_known_answers() -> None:
    # LLaVA-Med `run_eval`: "open accuracy" takes the known answer that shares the most words, so that nonsense can be right
    assert answer_match.items(["the picture of a lung", "chest or abdomen"], ["lung", "chest"]).tolist() == [0, 0]


def test_an_answer_that_says_neither_is_wrong_and_no_error() -> None:
    # papers/grounding_evaluation.md B7: TemMed-Bench stops with an error when an answer does not begin with yes or no
    assert answer_match.items(["The effusion has grown.", ""], ["yes", "no"]).tolist() == [0, 0]


def test_both_yes_and_no_is_neither() -> None:
    # MedEvalKit's exclusive or of substrings takes "no" out of "yes, normal"; here one clause says yes and none says no
    assert answer_match.items(["yes, normal", "yes and no", "Yes. No."], ["yes", "yes", "yes"]).tolist() == [1, 0, 0]


def test_what_the_answers_of_a_published_test_set_fold_together(public_data: Path) -> None:
    place = public_data / "vqa_med/metric_check_cgmvqa/gt.csv"
    answers = {line.split("\t")[2] for line in place.read_text(encoding="utf-8").splitlines()}
    forms: dict[str, set[str]] = {}
    for answer in answers:
        forms.setdefault(canonical(answer), set()).add(answer)
    folded = sorted(sorted(each) for each in forms.values() if len(each) > 1)
    assert len(answers) == 159
    assert folded == [["axial", "transverse"], ["ct (with gi and iv contrast)", "ct with gi and iv contrast"]]
