"""Metrics of others: packages with the published signatures stand in for theirs, whose weights are not at hand.

What is tested is our side: what is passed, what comes back, that nothing is downloaded, and what is said of what is missing.
"""

from pathlib import Path

import numpy as np
import pytest

from vesalius.errors import MissingFromEnvironment
from vesalius.metrics import chexbert_f1, green_score, radgraph_f1, rate_score
from vesalius.metrics.findings import labels
from vesalius.metrics.outside import child

REPORTS = ["No effusion.", "Effusion, «quoted» 肺."]
METRICS = {
    "radgraph": radgraph_f1.items,
    "f1chexbert": chexbert_f1.counts,
    "green_score": green_score.items,
    "RaTEScore": rate_score.items,
}
STAND_INS = {
    "radgraph": """
class F1RadGraph:
    def __init__(self, reward_level, model_type):
        assert (reward_level, model_type) == ("all", "radgraph-xl")
        print("Using device: cpu")
    def __call__(self, refs, hyps):
        same = [float(r == h) for r, h in zip(refs, hyps)]
        return (0, 0, 0), (same, [s / 2 for s in same], [s / 4 for s in same]), [], []
""",
    "f1chexbert": """
class F1CheXbert:
    def get_label(self, report, mode):
        assert mode == "classification"
        return [1 if "No" not in report else 0, -1, ""] + [""] * 11
""",
    "green_score": """
class GREEN:
    def __init__(self, model_name, output_dir):
        self.model_name = model_name
    def __call__(self, refs, hyps):
        return 0.5, 0.1, [None if r == h else 0.25 for r, h in zip(refs, hyps)], "", None
""",
    "RaTEScore": """
class RaTEScore:
    def __init__(self, use_gpu):
        assert use_gpu is False
    def compute_score(self, candidate_list, reference_list):
        return [float(c == r) for c, r in zip(candidate_list, reference_list)]
""",
    "torch": """
class cuda:
    is_available = staticmethod(lambda: False)
""",
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment in which the packages can be imported."""
    offline = "import os\nassert os.environ['HF_HUB_OFFLINE'] == os.environ['TRANSFORMERS_OFFLINE'] == '1'\n"
    for name, code in STAND_INS.items():
        (tmp_path / f"{name}.py").write_text(offline + code, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("installed")
def test_each_metric_comes_back_item_by_item() -> None:
    truths = [REPORTS[0], "Other."]
    assert radgraph_f1.items(REPORTS, truths).tolist() == [0.5, 0]
    assert radgraph_f1.items(REPORTS, truths, level="complete").tolist() == [0.25, 0]
    assert rate_score.items(REPORTS, truths).tolist() == [1, 0]
    found = green_score.items(REPORTS, truths)
    assert np.isnan(found[0])
    assert found[1] == 0.25


@pytest.mark.usefixtures("installed")
def test_labels_of_chexbert_become_an_f1() -> None:
    answers, truths = ["Effusion.", "No effusion."], ["Effusion.", "Effusion."]
    # first finding: one hit, one miss; the second is uncertain everywhere
    sums = chexbert_f1.counts(answers, truths).sum(axis=0).reshape(3, -1)
    assert sums[:, :2].tolist() == [[1, 2], [0, 0], [1, 0]]
    assert chexbert_f1.value(answers, truths) == pytest.approx(6 / 7)
    assert chexbert_f1.value(answers, truths, doubt="absent") == pytest.approx(2 / 3)
    assert chexbert_f1.value(answers, truths, findings=labels.FINDINGS[:1]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", METRICS)
def test_a_missing_package_is_named_with_what_to_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(MissingFromEnvironment) as caught:
        METRICS[name](REPORTS, REPORTS)
    assert caught.value.code == "missing_package"
    assert "pip install" in caught.value.message
    assert child.PYTHON in caught.value.message
    assert not any(report in caught.value.message for report in REPORTS)


def test_weights_that_are_not_there_are_said_to_be_missing(installed: Path) -> None:
    (installed / "radgraph.py").write_text("def F1RadGraph(**_): raise FileNotFoundError('weights')", encoding="utf-8")
    with pytest.raises(MissingFromEnvironment, match="weights could not be loaded"):
        radgraph_f1.items(REPORTS, REPORTS)
    (installed / "radgraph.py").write_text("def F1RadGraph(**_): raise KeyError('a report')", encoding="utf-8")
    with pytest.raises(MissingFromEnvironment, match="an error of the package"):
        radgraph_f1.items(REPORTS, REPORTS)


def test_a_python_that_cannot_be_run_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(child.PYTHON, "/nowhere/python")
    with pytest.raises(MissingFromEnvironment, match="cannot be run"):
        rate_score.items(REPORTS, REPORTS)


def test_unequal_numbers_are_a_mistake_and_none_need_no_package() -> None:
    with pytest.raises(ValueError, match="one answer per truth"):
        radgraph_f1.items(REPORTS, REPORTS[:1])
    assert radgraph_f1.items([], []).shape == green_score.items([], []).shape == rate_score.items([], []).shape == (0,)
    assert chexbert_f1.counts([], []).shape == (0, 42)


ANALYSIS = """[Explanation]:
Text.

[Clinically Significant Errors]:
(a) False report of a finding in the candidate: 2. one; two.
(b) Missing a finding present in the reference: 1. three.
(f) Omitting a comparison detailing a change from a prior study: 0.

[Clinically Insignificant Errors]:
(d) Misassessment of the severity of a finding: 4. many.

[Matched Findings]:
3. effusion; pneumothorax; heart.
"""


def test_analyses_of_green_by_hand() -> None:
    assert green_score.of_analysis(ANALYSIS) == pytest.approx(3 / (3 + 3))
    assert green_score.of_analysis(ANALYSIS.replace("3. effusion; pneumothorax; heart.", "No matched findings.")) == 0
    no_errors = "[Clinically Significant Errors]:\nNo clinically significant errors.\n\n[Matched Findings]:\n2. a; b.\n"
    assert green_score.of_analysis(no_errors) == 1


def test_an_analysis_that_stops_is_not_a_report_without_matches() -> None:
    # the package counts a part that is missing as zero, and the report as 0
    assert np.isnan(green_score.of_analysis(ANALYSIS.split("[Matched")[0]))
    assert np.isnan(green_score.of_analysis(ANALYSIS.replace("3. effusion", "effusion")))
    assert np.isnan(green_score.of_analysis(""))
