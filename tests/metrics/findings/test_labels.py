"""How well the labeler reads: sixty sentences with traps and sixty public reports, labeled by hand, and simulated reports.

The hand labels were written from the texts before the labeler was run on them. Three of the sixty sentences were read wrongly at
first, and words and rules were mended by them and by the first sixty reports; forty more reports were labeled and read once,
after that. The figures are asserted exactly, so that a change of the words that helps one finding and harms another is seen.
"""

import json
from pathlib import Path

import pytest

from vesalius import phantom
from vesalius.metrics.findings import labels

STATES = {"+": "present", "?": "uncertain", "-": "absent"}
SHORT = {
    "mediastinum": "Enlarged Cardiomediastinum",
    "heart": "Cardiomegaly",
    "opacity": "Lung Opacity",
    "lesion": "Lung Lesion",
    "edema": "Edema",
    "consolidation": "Consolidation",
    "pneumonia": "Pneumonia",
    "atelectasis": "Atelectasis",
    "pneumothorax": "Pneumothorax",
    "effusion": "Pleural Effusion",
    "pleura": "Pleural Other",
    "fracture": "Fracture",
    "devices": "Support Devices",
}
# + present, ? uncertain, - absent; what is not named is not mentioned
SENTENCES = {
    # denied, and how far the denial reaches
    "No pleural effusion.": "-effusion",
    "There is no focal consolidation, large pleural effusion, or pneumothorax.": "-consolidation -effusion -pneumothorax",
    "No pneumonia, effusions, edema, pneumothorax, adenopathy, nodules or masses.": (
        "-pneumonia -effusion -edema -pneumothorax -lesion"
    ),
    "No pleural effusion and mild cardiomegaly.": "-effusion +heart",
    "No pneumothorax, mild bibasilar atelectasis.": "-pneumothorax +atelectasis",
    "No pneumothorax, but a small left effusion.": "-pneumothorax +effusion",
    "Small left effusion without pneumothorax.": "+effusion -pneumothorax",
    "Neither effusion nor pneumothorax is seen.": "-effusion -pneumothorax",
    "The lungs are free of focal airspace disease.": "-opacity",
    "The lungs are clear of consolidation, edema or effusion.": "-consolidation -edema -effusion",
    "Negative for acute fracture or pneumothorax.": "-fracture -pneumothorax",
    "A pneumothorax is not identified.": "-pneumothorax",
    "The previously seen effusion has resolved.": "-effusion",
    "Interval resolution of the left pneumothorax.": "-pneumothorax",
    "Interval removal of the endotracheal tube.": "-devices",
    "Effusion is no longer seen and the heart is enlarged.": "-effusion +heart",
    "Pneumonia is unlikely.": "-pneumonia",
    "No evidence of pneumonia; atelectasis at the left base.": "-pneumonia +atelectasis",
    "There is no opacity to suggest pneumonia.": "-opacity -pneumonia",
    "Atelectasis rather than pneumonia.": "+atelectasis -pneumonia",
    "The consolidation is seen again, effusion is absent.": "+consolidation -effusion",
    "No definite pneumothorax.": "-pneumothorax",
    # looks like a denial and is none
    "No change in the large right pleural effusion.": "+effusion",
    "No significant interval change in pulmonary edema.": "+edema",
    "The pneumothorax has not resolved.": "+pneumothorax",
    "Consolidation without change.": "+consolidation",
    "Not only an effusion is there.": "+effusion",
    "Unchanged small pneumothorax.": "+pneumothorax",
    # doubted, and how far the doubt reaches
    "Possible pneumonia.": "?pneumonia",
    "Left basilar opacity, possible pneumonia.": "+opacity ?pneumonia",
    "The opacity may represent atelectasis or pneumonia.": "+opacity ?atelectasis ?pneumonia",
    "Atelectasis versus pneumonia at the right base.": "?atelectasis ?pneumonia",
    "A small effusion cannot be excluded.": "?effusion",
    "Cannot exclude a small pneumothorax.": "?pneumothorax",
    "Findings are concerning for pneumonia.": "?pneumonia",
    "Likely atelectasis, no effusion.": "?atelectasis -effusion",
    "Probable small effusions and stable cardiomegaly.": "?effusion +heart",
    "A rib fracture is suspected.": "?fracture",
    "Borderline cardiomegaly.": "?heart",
    "Heart size is at the upper limits of normal.": "?heart",
    "Nodule is not excluded.": "?lesion",
    "Consolidation is possible but effusion is not seen.": "?consolidation -effusion",
    # only set aside: a question, a history
    "Evaluate for pneumonia.": "",
    "History of pneumonia.": "",
    "Please rule out pneumothorax.": "",
    "History of lung cancer, no effusion.": "-effusion",
    # said by an adjective of its place
    "The heart is mildly enlarged.": "+heart",
    "Heart size and mediastinal contours are within normal limits.": "-heart -mediastinum",
    "The heart is not enlarged.": "-heart",
    "The heart is normal in size and the mediastinum is widened.": "-heart +mediastinum",
    "Heart size normal, large right effusion.": "-heart +effusion",
    "Stable heart size with large pleural effusion.": "+effusion",
    "Lungs are clear.": "-opacity",
    "Osseous structures are intact.": "-fracture",
    # other things by nearly the same name
    "Small pericardial effusion.": "",
    "Soft tissue edema of the chest wall.": "",
    "Mass effect on the trachea.": "",
    "Kerley B lines are noted.": "+edema",
    "Hydropneumothorax on the left.": "+pneumothorax +effusion",
    "Right PICC line tip in the SVC, no pneumothorax.": "+devices -pneumothorax",
}
# Reports of iu_xray_reports/metric_check, val split, in a random order. The words were mended by the first sixty; the other forty
# were labeled and read once, after that. What is not named in `POSITIVE` is neither present nor uncertain.
MENDED_BY = (
    "676 305 456 3926 1049 2531 1821 711 3235 1943 1263 2717 1555 1122 2244 307 977 2639 2742 1687 790 3394 3878 2941 1026 1927 "
    "3631 204 1684 2574 2249 2164 797 3059 139 108 3805 495 955 3407 2690 878 3360 804 1760 1050 2365 1310 1571 2077 682 2955 "
    "826 540 3195 2356 690 3455 1635 1606"
)
READ_ONCE = (
    "257 1100 8 3644 2945 3185 3324 102 314 1754 1993 796 2802 3492 889 3099 1135 80 641 230 509 3233 1504 3688 3601 3129 1556 "
    "1193 3789 212 2501 3704 2403 899 1847 3606 185 261 2891 1796"
)
POSITIVE = {
    "305": "heart",
    "3926": "heart mediastinum atelectasis",
    "2531": "lesion",
    "711": "lesion",
    "1943": "lesion",
    "1687": "devices",
    "790": "devices",
    "3394": "opacity",
    "3878": "heart opacity pneumonia",
    "3631": "mediastinum devices",
    "2574": "lesion",
    "2249": "lesion pneumonia",
    "2164": "lesion",
    "797": "heart",
    "139": "heart",
    "108": "opacity",
    "495": "opacity",
    "955": "devices opacity",
    "3407": "devices lesion",
    "2690": "lesion",
    "878": "lesion",
    "3360": "atelectasis opacity",
    "804": "edema opacity",
    "1760": "heart atelectasis",
    "1050": "mediastinum",
    "1571": "effusion lesion atelectasis devices",
    "2077": "devices atelectasis opacity",
    "682": "devices",
    "2955": "heart",
    "540": "opacity atelectasis",
    "3195": "opacity devices",
    "3455": "opacity edema heart atelectasis",
    "1635": "lesion opacity atelectasis",
    "257": "devices opacity pneumonia",
    "1100": "heart opacity edema effusion",
    "3644": "heart",
    "2945": "opacity",
    "1754": "opacity pneumonia",
    "2802": "devices",
    "1135": "lesion",
    "230": "lesion",
    "509": "devices effusion opacity",
    "3233": "opacity atelectasis",
    "3688": "devices opacity effusion atelectasis edema pneumonia",
    "1556": "heart opacity",
    "1193": "heart opacity pneumonia edema",
    "3789": "heart devices",
    "212": "fracture",
    "2403": "atelectasis opacity",
    "185": "opacity",
}


def named(text: str) -> dict[str, str]:
    """The states that a line of `SENTENCES` names, all fourteen."""
    found = dict.fromkeys(SHORT.values(), "not_mentioned")
    found |= {SHORT[word[1:]]: STATES[word[0]] for word in text.split()}
    return found


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences_with_traps(sentence: str) -> None:
    found = labels.label(sentence)
    del found[labels.NO_FINDING]
    assert found == named(SENTENCES[sentence]), {
        name: state for name, state in found.items() if state != named(SENTENCES[sentence])[name]
    }


def test_there_are_sixty_of_them() -> None:
    assert len(SENTENCES) == 60
    assert (len(MENDED_BY.split()), len(READ_ONCE.split())) == (60, 40)


def figures(public_data: Path, keys: str) -> dict[str, tuple[int, int, int]]:
    """Found and true, found and false, missed, of the findings that are present or uncertain in these reports."""
    place = public_data / "iu_xray_reports/metric_check/manual_template_target_b4rouge/result/val_refs.json"
    reports = json.loads(place.read_text(encoding="utf-8"))
    found = dict.fromkeys(SHORT, (0, 0, 0))
    for key in keys.split():
        read = labels.label(reports[key][0])
        for short, name in SHORT.items():
            says, true = read[name] in {"present", "uncertain"}, short in POSITIVE.get(key, "").split()
            hit, alarm, missed = found[short]
            found[short] = (hit + (says and true), alarm + (says and not true), missed + (true and not says))
    return found


def test_public_reports_that_were_read_once(public_data: Path) -> None:
    # precision 36/38 = 0.95, recall 36/37 = 0.97
    found = figures(public_data, READ_ONCE)
    assert [sum(each) for each in zip(*found.values(), strict=True)] == [36, 2, 1]
    wrong = {name: counts[1:] for name, counts in found.items() if any(counts[1:])}
    assert wrong == {"heart": (0, 1), "lesion": (2, 0)}  # "left ventricular enlargement"; masses of the breast and the hila


def test_public_reports_by_which_the_words_were_mended(public_data: Path) -> None:
    # precision 54/56 = 0.96, recall 54/56 = 0.96; before mending 50/55 and 50/56. Two misses are words run together in the copy.
    found = figures(public_data, MENDED_BY)
    assert [sum(each) for each in zip(*found.values(), strict=True)] == [54, 2, 2]


def test_simulated_reports_say_what_their_truth_tells() -> None:
    of_phantoms = {
        "effusion": "Pleural Effusion",
        "nodule": "Lung Lesion",
        "pneumothorax": "Pneumothorax",
        "cardiomegaly": "Cardiomegaly",
    }
    compared = 0
    for seed in range(30):
        made = phantom.make("chest_xray", seed=seed)
        read = labels.label(f"{made.report.findings}\n{made.report.impression}")
        assert {name: read[of_phantoms[name]] for name in of_phantoms} == {name: made.told[name] for name in of_phantoms}, seed
        told = made.told["consolidation"]  # which the reports also call an airspace opacity
        assert told in {read["Consolidation"], read["Lung Opacity"]}, seed
        compared += sum(made.told[name] != "not_mentioned" for name in made.told)
    assert compared > 60


def test_the_strongest_statement_counts_and_each_has_its_sentence() -> None:
    report = "No effusion on the left. Possible effusion. There is a small right effusion."
    assert labels.label(report)["Pleural Effusion"] == "present"
    assert [(each.state, each.sentence) for each in labels.said(report)] == [
        ("absent", "no effusion on the left"),
        ("uncertain", "possible effusion"),
        ("present", "there is a small right effusion"),
    ]


@pytest.mark.parametrize(
    ("report", "state"),
    [
        ("The lungs are clear. No effusion.", "present"),
        ("Right PICC line. The lungs are clear.", "present"),  # a device is no disease
        ("Degenerative changes of the spine.", "present"),  # none of the fourteen
        ("Possible small effusion.", "not_mentioned"),
        ("Cardiomegaly.", "not_mentioned"),
        ("", "not_mentioned"),
        (" . . ", "not_mentioned"),
    ],
)
def test_no_finding_is_what_is_left_when_no_disease_is_stated_or_doubted(report: str, state: str) -> None:
    assert labels.label(report)[labels.NO_FINDING] == state


def test_labels_come_in_the_order_of_chexpert_and_case_does_not_matter() -> None:
    assert tuple(labels.label("x")) == labels.FINDINGS
    assert len(labels.FINDINGS) == 14
    assert labels.label("NO PNEUMOTHORAX.") == labels.label("no pneumothorax .")


def test_the_words_of_the_data_file_are_lower_case_and_stand_once_in_a_list() -> None:
    for words, meanings in labels._phrases().items():
        assert " ".join(words) == " ".join(words).lower()
        assert len(meanings) == len(set(meanings))
    assert len(labels._phrases()) > 500
