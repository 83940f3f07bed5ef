"""evaluate: a score with its interval and its sanity rows, for a model or for predictions made elsewhere; and two compared."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vesalius.benchmarks
from vesalius.benchmarks import comparison, exam, report, scoring, table
from vesalius.benchmarks import predictions as answers
from vesalius.benchmarks.exam import Result
from vesalius.benchmarks.rules import rules_of
from vesalius.benchmarks.scoring import Item
from vesalius.errors import InputRefused, Problem, UsageError
from vesalius.generate.respond import Responder
from vesalius.metrics.bootstrap import FEW_PATIENTS, RESAMPLES
from vesalius.types import NOTICE, CodedWarning, Sample
from vesalius.workflows.open_model import open_model
from vesalius.workflows.outcome import Outcome

SEED = 0  # of the shuffled pictures and of the bootstrap
FOLDER, PUBLISHED = "folder", "first_real"  # the benchmarks for a folder given without a name


@dataclass(frozen=True, eq=False)
class Exam:
    """What is asked: a benchmark's items, the keys of all its samples, and how many were left out because the model knew them."""

    name: str
    items: Sequence[Item]
    known: frozenset[str]
    excluded_samples: int = 0
    excluded_patients: int = 0


def evaluate(
    *,
    model: str | None,
    predictions: Path | None,
    benchmark: str | None,
    out: Path | None,
    limit: int | None,
    compare: tuple[Path, Path] | None = None,
    say: Callable[[str], None],
) -> Outcome:
    """Score a model or predictions on a benchmark, or compare two evaluations.

    Args:
        model: as `ask` takes it; None for the embedded model.
        predictions: a file of answers made elsewhere, instead of a model.
        benchmark: a benchmark's name, `NAME=FOLDER`, or a folder (in our own layout, or with the published collections).
        out: folder for `scores.json`, `predictions.parquet` and `report.html`.
        limit: at most so many patients, chosen by their keys: always the same ones.
        compare: two output folders; nothing else may be given then.
        say: takes progress lines.

    Raises:
        UsageError: `bad_option`, `unknown_name`.
        InputRefused: `bad_predictions`, `empty_split`, `input_missing`, and what the benchmark's data refuse.
        MissingFromEnvironment: `missing_data`.
    """
    if compare is not None:
        if model is not None or predictions is not None or benchmark is not None or limit is not None:
            raise UsageError(
                "bad_option", "--compare takes two folders of finished evaluations and only -o besides. Leave the rest away."
            )
        return _compared(compare, out)
    if benchmark is None:
        raise UsageError(
            "bad_option", f"A benchmark is needed to score anything. Add --benchmark with one of {', '.join(names())}."
        )
    if model is not None and predictions is not None:
        raise UsageError("bad_option", "Both --model and --predictions were given. A score is of one of them. Leave one away.")
    if limit is not None and limit < 1:
        raise UsageError("bad_option", "--limit is below 1. Nobody would be left to ask about. Give 1 or more.")
    name, _ = _named(benchmark)
    responder = None if predictions is not None else open_model(model)
    say(f"reading the questions of {name}")
    exam_ = prepare(benchmark, frozenset() if responder is None else responder.trained_patients, limit)
    if responder is not None:
        return assess(responder, exam_, out=out, say=say)
    assert predictions is not None
    return _graded(predictions, exam_, out)


def names() -> list[str]:
    """The benchmarks: the files of `benchmarks/` that define `read`."""
    folder = Path(vesalius.benchmarks.__file__).parent
    return sorted(path.stem for path in folder.glob("*.py") if "\ndef read(" in path.read_text(encoding="utf-8"))


def prepare(benchmark: str, trained: frozenset[str], limit: int | None) -> Exam:
    """Read a benchmark and leave out whom the model knows.

    Args:
        benchmark: as for `evaluate`.
        trained: keys of the patients to leave out.
        limit: at most so many patients.

    Raises:
        InputRefused: `empty_split` when nobody is left; `bad_dataset` when samples share a key.
    """
    name, source = _named(benchmark)
    rules = rules_of(name)
    samples: list[Sample] = rules.read(source)
    known = frozenset(sample.key for sample in samples)
    if len(known) < len(samples):
        raise InputRefused(
            "bad_dataset",
            f"{len(samples) - len(known)} samples have the key of another. Their predictions could not be told apart. "
            "Give every sample a key of its own.",
        )
    present = {sample.provenance.patient_key for sample in samples}
    taken = frozenset(sorted(present - trained, key=_lot)[:limit])
    # All become items first: which questions stand for themselves is the benchmark's, not that of the patients taken.
    items = [item for item in scoring.items_of(samples, rules) if item.patient in taken]
    if not items:
        raise InputRefused(
            "empty_split",
            f"Of {len(samples)} samples none is left: the model was trained or tuned on their patients, or they hold no answer. "
            "A score on patients that a model knows says nothing about others. Give data of other patients.",
        )
    left_out = sum(sample.provenance.patient_key in trained for sample in samples)
    return Exam(name, items, known, left_out, len(present & trained))


def assess(responder: Responder, exam_: Exam, *, out: Path | None, say: Callable[[str], None], seed: int = SEED) -> Outcome:
    """Ask a model a prepared exam under every condition, score it, and write what was found.

    Args:
        responder: the model.
        exam_: from `prepare`.
        out: folder to write; nothing is written when None.
        say: takes progress lines.
        seed: of the shuffled pictures and of the bootstrap.
    """
    result = exam.sit(responder, exam_.items, seed=seed, say=say)
    identity = responder.identity
    about = {"model": {"name": identity.name, "sha256": identity.sha256, "recipe": identity.recipe}}
    return _outcome(result, exam_, about, out, seed)


def _graded(file: Path, exam_: Exam, out: Path | None) -> Outcome:
    """Score predictions made elsewhere."""
    given = answers.load(file, exam_.items, exam_.known)
    about = {"predictions_sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    return _outcome(exam.grade(exam_.items, given), exam_, about, out, SEED)


def _named(benchmark: str) -> tuple[str, Path | None]:
    """A benchmark's file and its folder from what the user wrote."""
    known = names()
    name, equals, folder = benchmark.partition("=")
    if name in known and (not equals or folder):
        return name, Path(folder) if equals else None
    place = Path(benchmark)
    if place.is_dir():
        return (FOLDER if (place / "samples.parquet").is_file() else PUBLISHED), place
    problem = Problem("benchmark", "no benchmark and no folder of that name", tuple(known))
    raise UsageError(
        "unknown_name", f"There is no such benchmark. Choose {', '.join(known)}, NAME=FOLDER, or a folder.", [problem]
    )


def _lot(patient: str) -> str:
    """The order in which patients are taken when not all are: theirs alone to know, and always the same."""
    return hashlib.sha256(patient.encode()).hexdigest()


def _outcome(result: Result, exam_: Exam, about: Mapping[str, Any], out: Path | None, seed: int) -> Outcome:
    found = table.rows(result, seed=seed)
    warnings = _warnings(exam_)
    data = {
        "benchmark": exam_.name,
        **about,
        "version": version("vesalius"),
        "seed": seed,
        "resamples": RESAMPLES,
        "data_sha256": scoring.data_sha256(result.items),
        "items": len(result.items),
        "patients": len({item.patient for item in result.items}),
        "excluded": {"samples": exam_.excluded_samples, "patients": exam_.excluded_patients},
        "warnings": [warning.to_json() for warning in warnings],
        "rows": [row.to_json() for row in found],
        "notice": NOTICE,
    }
    if out is not None:
        facts = {key: value for key, value in data.items() if key not in ("rows", "notice", "warnings")}
        facts |= {f"warning {i}": warning.message for i, warning in enumerate(warnings, start=1)}
        _write(out / "predictions.parquet", answers.to_parquet(result))
        _write(out / "report.html", report.page(found, result, facts).encode())
        _write(out / "scores.json", (json.dumps(data, indent=1, allow_nan=False) + "\n").encode())
    head = f"{exam_.name}: {data['items']} questions about {data['patients']} patients; 95 % intervals over patients"
    notes = [f"! {warning.code}: {warning.message}" for warning in warnings]
    return Outcome(data, "\n".join([head, *notes, "", table.as_text(found), NOTICE]))


def _warnings(exam_: Exam) -> list[CodedWarning]:
    """Who was left out, and whether too few are left."""
    warnings = []
    if exam_.excluded_patients:
        left_out = (
            f"{exam_.excluded_patients} patients ({exam_.excluded_samples} questions) that the model was trained or tuned on"
        )
        warnings.append(CodedWarning("patients_excluded", f"{left_out} were left out."))
    patients = len({item.patient for item in exam_.items})
    if patients < FEW_PATIENTS:
        warnings.append(
            CodedWarning("few_patients", f"Only {patients} patients: the intervals are wide and may be too narrow still.")
        )
    return warnings


def _compared(folders: tuple[Path, Path], out: Path | None) -> Outcome:
    """Two finished evaluations, item by item."""
    first, second = (answers.load_scored(folder / "predictions.parquet") for folder in folders)
    compared, shared = comparison.rows(first, second, seed=SEED)
    data = {
        "compared": [_about(folder) for folder in folders],
        "version": version("vesalius"),
        "seed": SEED,
        "resamples": RESAMPLES,
        "items": {"shared": shared, "only_first": len(first) - shared, "only_second": len(second) - shared},
        "rows": [row.to_json() for row in compared],
        "notice": NOTICE,
    }
    if out is not None:
        _write(out / "comparison.json", (json.dumps(data, indent=1, allow_nan=False) + "\n").encode())
    head = f"{shared} shared questions; {len(first) - shared} only in the first, {len(second) - shared} only in the second"
    return Outcome(data, "\n".join([head, "", comparison.as_text(compared), NOTICE]))


def _about(folder: Path) -> dict[str, Any]:
    """Whose evaluation a folder holds, from its `scores.json`; empty where there is none."""
    path = folder / "scores.json"
    if not path.is_file():
        return {}
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        return {name: stated[name] for name in ("benchmark", "model", "predictions_sha256", "data_sha256") if name in stated}
    except (ValueError, TypeError) as wrong:
        raise InputRefused("bad_predictions", "A scores.json is not what an evaluation writes. Evaluate again.") from wrong


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)
