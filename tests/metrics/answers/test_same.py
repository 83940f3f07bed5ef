import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.metrics.answers.same import canonical, same, yes_or_no


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        ("The left lung.", "left lung"),
        ("in the left lungs", "Left Lung"),
        ("Yes, there is an effusion.", "yes"),
        ("no it is not", "No"),
        ("不是的", "no"),
        ("Both sides", "bilateral"),
        ("left and right", "both"),
        ("right-sided pleural effusions", "right pleural effusion"),
        ("twenty-five", "25"),
        ("6.0", "six"),
        ("1,200", "1200"),
        ("1.4 cm", "14 millimetres"),
        ("14mm", "14 mm"),
        ("2 x 3 cm", "20 by 30 mm"),
        ("5 percent", "5%"),
        ("It is a CT scan", "computed tomography"),
        ("plain radiograph", "X-ray"),
        ("hematoxylin and eosin", "H&E stain"),
        ("spleen, liver", "Liver and spleen"),
        ("an enlarged heart", "cardiomegaly"),
        ("no abnormality detected", "normal"),
        ("oedema", "edema"),
        ("vertebrae", "vertebra"),
        ("transverse plane", "axial"),
        ("小肠,结肠", "结肠、小肠"),
        ("US", "ultrasonography"),
    ],
)
def test_these_mean_the_same(answer: str, truth: str) -> None:
    assert same(answer, truth)
    assert same(truth, answer)


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        ("left lung", "right lung"),
        ("normal", "abnormal"),
        ("normal", "no"),
        ("know", "no"),
        ("yes and no", "yes"),
        ("Yes. No.", "yes"),
        ("no evidence of effusion", "no"),
        ("eyes", "yes"),
        ("effusion", "pleural effusion"),
        ("liver", "liver and spleen"),
        ("14 cm", "14 mm"),
        ("2 x 3 cm", "2 x 30 mm"),
        ("1.5", "15"),
        ("6", "60"),
        ("around the bladder", "bladder"),
        ("benign tumor", "tumor"),
        ("", "no"),
        ("none", "normal"),
        ("t1", "t2"),
        ("upper left", "lower left"),
    ],
)
def test_these_do_not(answer: str, truth: str) -> None:
    assert not same(answer, truth)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("Yes.", "yes"),
        ("yes, no abnormality", None),
        ("No, there is no effusion", "no"),
        ("There is", None),
        ("", None),
        ("true", "yes"),
        ("无", "no"),
    ],
)
def test_yes_and_no_are_said_or_not(answer: str, said: str | None) -> None:
    assert yes_or_no(answer) == said


@given(st.text(max_size=60))
def test_any_text_has_one_form_which_stays(text: str) -> None:
    assert same(text, text)
    assert canonical(canonical(text)) == canonical(canonical(canonical(text)))


def test_no_word_means_two_things_and_every_line_begins_in_its_own_form() -> None:
    said = json.loads(files("vesalius.knowledge").joinpath("answers.json").read_text(encoding="utf-8"))
    for table in ("synonyms", "whole"):
        others = [text for line in said[table] for text in line[1:]]
        assert len(others) == len(set(others)), table
        assert not {line[0] for line in said[table]} & set(others), table
    assert not set(said["yes"]) & set(said["no"])
    assert not {plural for plural in said["plurals"].values() if plural in said["plurals"]}
