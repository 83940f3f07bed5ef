"""Languages are told by script and function words, and not guessed where little shows them."""

import pytest

from vesalius.datasets.lint.languages import language


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "There is no evidence of a pleural effusion in the left lung."),
        ("es", "No se observa derrame pleural en los campos pulmonares del paciente."),
        ("fr", "Il n'y a pas d'épanchement dans le poumon gauche et les coupoles sont libres."),
        ("de", "Es ist kein Erguss in der linken Lunge zu sehen und das Herz ist nicht groß."),
        ("zh", "左肺未见胸腔积液。"),
        ("ar", "لا يوجد انصباب جنبي في الرئة اليسرى"),
        ("hi", "बाएं फेफड़े में कोई बहाव नहीं है"),
        ("ru", "В левом лёгком нет выпота."),
        ("ja", "左の肺に胸水はありません。"),
        ("zh", "T2加权MRI图像显示什么器官?"),
        ("", "T2 weighted"),
        ("", "MRI"),
        ("", "Pneumonia, left lower lobe"),
        ("", "12 mm"),
        ("", "<image:0>"),
    ],
)
def test_the_language_of_a_text(code: str, text: str) -> None:
    assert language(text) == code
