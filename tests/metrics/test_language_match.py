import numpy as np
import pytest

from vesalius.metrics import language_match


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The heart is normal in size and there is no effusion.", "en"),
        ("右肺未见明显异常", "zh"),
        ("القلب طبيعي الحجم", "ar"),
        ("Le cœur est de taille normale et les poumons sont clairs.", "fr"),
        ("No hay derrame pleural en la radiografía.", "es"),
        ("Es ist kein Pleuraerguss zu sehen.", "de"),
        ("O coração não é grande e não há derrame.", "pt"),
        ("Il cuore non è ingrandito e i polmoni sono chiari.", "it"),
        ("हृदय का आकार सामान्य है", "hi"),
        ("心臓の大きさは正常です", "ja"),
        ("심장 크기는 정상입니다", "ko"),
        ("Сердце не увеличено", "ru"),
        ("There is no evidence of a pleural effusion in the left lung.", "en"),
        ("No se observa derrame pleural en los campos pulmonares del paciente.", "es"),
        ("Il n'y a pas d'épanchement dans le poumon gauche et les coupoles sont libres.", "fr"),
        ("Es ist kein Erguss in der linken Lunge zu sehen und das Herz ist nicht groß.", "de"),
        ("T2加权MRI图像显示什么器官?", "zh"),
        ("左の肺に胸水はありません。", "ja"),
        ("T2 weighted", ""),
        ("Pneumonia, left lower lobe", ""),
        ("CT", ""),
        ("yes", ""),
        ("12 mm", ""),
        ("", ""),
        ("pneumothorax", ""),
    ],
)
def test_languages(text: str, code: str) -> None:
    assert language_match.language(text) == code


def test_hand_computed_case() -> None:
    answers = ["The heart is normal in size.", "The heart is normal in size.", "CT"]
    found = language_match.items(answers, ["en", "zh", "en"])
    assert found[:2].tolist() == [1, 0]
    assert np.isnan(found[2])
    assert language_match.items([], []).shape == (0,)


def test_who_has_to_be_sure_asks_for_more_function_words() -> None:
    text = "Clear lungs. Enlarged left ventricle. A tortuous dilated aorta. No pneumonia"
    assert language_match.language(text) == "pt"  # "a" and "no" are words there
    assert language_match.language(text, fewest_hits=4) == ""
    assert language_match.language("右肺未见异常", fewest_hits=4) == "zh"  # a script that is one language's needs none
