"""What zero-shot said of each test picture, one row per picture and class or finding, as a Parquet file.

Columns: key (of the sample), image (which of its pictures), patient_key, kind ("class" or "finding"), name, likelihood (of a
class its probability, of a finding how much more alike the picture is to its presence than to its absence) and truth (1, 0, or
null where nobody said).
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vesalius.benchmarks.encoders.scores import Scores
from vesalius.datasets.pairs.pair import Pair

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("image", pa.int32()),
        ("patient_key", pa.string()),
        ("kind", pa.string()),
        ("name", pa.string()),
        ("likelihood", pa.float64()),
        ("truth", pa.int8()),
    ]
)


def to_parquet(scores: Scores, test: Sequence[Pair]) -> bytes:
    """The file; without rows where nothing was asked in words.

    Args:
        scores: of `Exam.run`.
        test: the test pairs that were given to it.
    """
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(_rows(scores, [test[row] for row in scores.test])), schema=SCHEMA), stream)
    return stream.getvalue()


def _rows(scores: Scores, pairs: Sequence[Pair]) -> Iterator[dict[str, Any]]:
    said = scores.material.zero_shot
    if said is not None:
        for row, truth, chances in zip(said.rows, said.truths, said.probabilities, strict=True):
            for place, name in enumerate(said.classes):
                yield {**_about(pairs[row]), "kind": "class", "name": name, "likelihood": chances[place], "truth": place == truth}
    found = scores.material.findings
    if found is not None:
        for pair, likelihoods, states in zip(pairs, found.likelihoods, found.states, strict=True):
            for name, likelihood, state in zip(found.findings, likelihoods, states, strict=True):
                truth = None if np.isnan(state) else int(state)
                yield {**_about(pair), "kind": "finding", "name": name, "likelihood": likelihood, "truth": truth}


def _about(pair: Pair) -> dict[str, Any]:
    return {"key": pair.sample.key, "image": pair.image, "patient_key": pair.sample.provenance.patient_key}
