import random

import numpy as np

from vesalius.metrics import option_letter, option_text

OPTIONS = ["Left lung", "Right lung", "Heart", "Liver"]


def test_hand_computed_case_extremes_and_undefined() -> None:
    answers, truths = ["heart", "Heart.", "left lung", "", "heart"], ["Heart"] * 4 + ["Spleen"]
    found = option_text.items(answers, truths, [OPTIONS] * 5)
    assert found[:4].tolist() == [1, 1, 0, 0]
    assert np.isnan(found[4])
    letters = option_letter.items(["C", "(c) heart", "A", "heart", "C"], truths, [OPTIONS] * 5)
    assert letters[:4].tolist() == [1, 1, 0, 0]
    assert np.isnan(letters[4])


def test_nonsense_has_no_credit_where_the_most_similar_option_would() -> None:
    # papers/grounding_evaluation.md B2: MedEvalKit takes the option that difflib finds most similar to the whole response
    nonsense = ["hearty", "a lung of the left", "I am not able to see the image", "li ver", "Heart or liver"]
    assert option_text.items(nonsense, ["Heart", "Left lung", "Heart", "Liver", "Heart"], [OPTIONS] * 5).sum() == 0


def test_a_failure_is_wrong_every_time_where_a_random_option_would_be_right_at_times() -> None:
    # papers/grounding_evaluation.md B1 and complaint 2: VLMEvalKit and lmms-eval draw an option when nothing can be read
    runs = [option_letter.items(["?"] * 50, ["Heart"] * 50, [OPTIONS] * 50).sum() for _ in range(3)]
    assert runs == [0, 0, 0]


def test_a_letter_inside_a_word_is_no_answer() -> None:
    # papers/grounding_evaluation.md B5: MedFrameQA takes the earliest option letter that occurs as any character
    answers = ["Because of the shape", "Definitely the heart", "A large mass", "CT shows it"]
    assert option_letter.items(answers, ["Right lung", "Liver", "Left lung", "Heart"], [OPTIONS] * 4).sum() == 0


def test_agrees_with_plain_comparison_on_random_letters_and_texts() -> None:
    draw = random.Random(1)
    chosen, true = ([draw.randrange(4) for _ in range(300)] for _ in range(2))
    expected = np.array(chosen) == true
    truths = [OPTIONS[i] for i in true]
    assert np.array_equal(option_text.items([OPTIONS[i] for i in chosen], truths, [OPTIONS] * 300), expected)
    assert np.array_equal(option_letter.items(["ABCD"[i] for i in chosen], truths, [OPTIONS] * 300), expected)
