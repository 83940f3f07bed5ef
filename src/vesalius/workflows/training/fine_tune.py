"""Fine-tuning of an encoder on a share of the labels, and its AUC on patients held out for testing."""

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from vesalius.benchmarks.encoders.fine_tuning import FineTuning
from vesalius.datasets.pairs.batches import PairBatches
from vesalius.datasets.pairs.embedder import Embedder
from vesalius.datasets.pairs.pair import Pair
from vesalius.errors import InputRefused
from vesalius.metrics import auc
from vesalius.models.checkpoint import Encoding
from vesalius.objectives.states import States
from vesalius.train.loop import FitSettings, fit


def fine_tuned(
    model: Encoding,
    pairs: Mapping[str, Sequence[Pair]],
    embedder: Embedder,
    tuning: FineTuning,
    settings: FitSettings,
    folder: Path,
    say: Callable[[str], None],
) -> dict[str, float]:
    """Train a copy of an encoder with a head over the findings, then test it.

    Nothing is chosen: steps and rate are the recipe's, so that neither validation nor test patients steer anything.

    Args:
        model: the encoder to go on from; it stays as it is.
        pairs: by split.
        embedder: whose tokenizer and showing are used.
        tuning: see there.
        settings: of the recipe; seed and precision are taken from it.
        folder: of the fine-tuning run.
        say: takes progress lines.

    Returns:
        "fine_tune_auc", the mean over findings that some test patients have and some have not, and each finding's own.

    Raises:
        InputRefused: `empty_split`: no finding can be tested.
    """
    chosen = _share(pairs["train"], tuning.fine_tune_share, settings.seed)
    device = next(model.parameters()).device
    batches = PairBatches(
        chosen, embedder.words, embedder.showing, batch=tuning.fine_tune_batch, seed=settings.seed, device=device
    )
    torch.manual_seed(settings.seed)
    tuned = copy.deepcopy(model)
    objective = States(findings=len(batches.findings), width=int(tuned.settings["embedding"])).to(device)
    children = dict(tuned.named_children())  # what texts need is frozen
    rates = {name: 0.0 if name.startswith(("text", "logits", "concept_logits")) else tuning.fine_tune_rate for name in children}
    tuned_settings = FitSettings(
        steps=tuning.fine_tune_steps,
        batch=tuning.fine_tune_batch,
        learning_rate=rates,
        warmup=min(20, tuning.fine_tune_steps // 5),
        average=0.0,
        checkpoint_every=tuning.fine_tune_steps,
        seed=settings.seed,
        precision=settings.precision,
    )
    folder.mkdir(parents=True, exist_ok=True)
    fit(tuned, objective, batches.at, tuned_settings, folder=folder, validate=None, say=say)
    test = pairs["test"]
    vectors = torch.from_numpy(Embedder(tuned, embedder.words, embedder.showing).pictures(test)).to(device)
    found = objective.probabilities(vectors).cpu().numpy()
    scores = {}
    for column, finding in enumerate(batches.findings):
        truth = np.array([pair.state(finding) for pair in test])
        known = ~np.isnan(truth)
        if len(set(truth[known])) == 2:
            scores[finding] = auc.value(found[known, column].astype(np.float64), truth[known] == 1)
    if not scores:
        raise InputRefused(
            "empty_split",
            "No finding is present in some test patients and absent in others. Nothing can be tested. Add patients.",
        )
    named = {f"fine_tune_auc_{finding.replace(' ', '_')}": value for finding, value in scores.items()}
    return {"fine_tune_auc": float(np.mean(list(scores.values()))), **named}


def _share(pairs: Sequence[Pair], share: float, seed: int) -> list[Pair]:
    """The pairs of a share of the patients, at least one of them, drawn by seed."""
    patients = sorted({pair.sample.provenance.patient_key for pair in pairs})
    many = max(1, round(share * len(patients)))
    drawn = {patients[i] for i in np.random.default_rng((seed, 7)).permutation(len(patients))[:many]}
    return [pair for pair in pairs if pair.sample.provenance.patient_key in drawn]
