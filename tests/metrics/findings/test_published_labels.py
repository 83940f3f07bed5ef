"""What our labeler gives where CheXbert's precision and recall were published, and why the two differ.

Published of the system that copies the best of twenty retrieved reports (`iu_xray_reports/metric_check`, val): CheXbert's
precision 0.651, recall 0.701, F1 0.675 (244 hits, 131 false alarms, 104 misses: 348 positives). Which findings it counts is not
said. Ours, doubt as present: all fourteen 0.652, 0.596, 0.623 (313, 167, 212); the thirteen without "No Finding" 0.520, 0.391,
0.447 (119, 110, 185); the five of the competition 0.534, 0.416, 0.468 (47, 41, 66). The reports were chosen with CheXbert's
labels, so these agree better than any other labeler's would.
"""

import json
from pathlib import Path

import numpy as np

from vesalius.metrics import entity_f1, finding_f1_macro, finding_f1_micro
from vesalius.metrics.findings import labels


def texts(public_data: Path) -> tuple[list[str], list[str]]:
    root = public_data / "iu_xray_reports/metric_check"
    truths = json.loads((root / "manual_template_target_b4rouge/result/val_refs.json").read_text(encoding="utf-8"))
    answers = json.loads((root / "rag_top20_copy_oracle_cw1/val_oracle_preds.json").read_text(encoding="utf-8"))
    return [answers[key][0] for key in sorted(truths)], [truths[key][0] for key in sorted(truths)]


def test_the_same_reports_by_our_labels(public_data: Path) -> None:
    answers, truths = texts(public_data)
    sums = finding_f1_micro.counts(answers, truths).sum(axis=0)
    hits, alarms, misses = (part.sum() for part in np.split(sums, 3))
    assert (hits, alarms, misses) == (313, 167, 212)
    normal = ["the heart is normal in size . the lungs are clear . no pneumothorax or pleural effusion ."] * len(truths)
    disease = [name for name in labels.FINDINGS if name != labels.NO_FINDING]
    assert finding_f1_micro.value(normal, truths, findings=disease) == 0
    assert finding_f1_micro.value(answers, truths, findings=disease) > 0.4
    assert finding_f1_macro.value(answers, truths, findings=disease) > 0.2
    assert np.nanmean(entity_f1.items(answers, truths)) > np.nanmean(entity_f1.items(normal, truths))


def test_calling_everything_normal_pays_when_no_finding_counts(public_data: Path) -> None:
    _, truths = texts(public_data)
    normal = ["the lungs are clear ."] * len(truths)
    assert finding_f1_micro.value(normal, truths) > 0.45
