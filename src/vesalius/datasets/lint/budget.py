"""How long samples are for a model: counted by its own tokenizer, or estimated where only a number is named.

The native model's count is exact: what `generate/prompt.py` renders. Of a folder with a Hugging Face `tokenizer.json` the texts
are counted exactly; what its chat template adds is taken as `TEMPLATE` tokens a turn, and pictures are not counted.
"""

import json
from importlib.resources import files
from pathlib import Path

from vesalius.datasets.lint.seen import Budget
from vesalius.datasets.lint.words import plain
from vesalius.errors import InputRefused, UsageError
from vesalius.generate.prompt import MAX_TEXT_TOKENS
from vesalius.generate.tokenizer import Tokenizer
from vesalius.types import PLACEHOLDER, Sample

TEMPLATE = 5
BYTES_A_TOKEN = 3.5  # of English in common vocabularies; other scripts have fewer bytes to a token than this or as many
_LIMITS = (("config.json", "max_position_embeddings"), ("tokenizer_config.json", "model_max_length"))
_NO_LIMIT = 1 << 24  # tokenizers without a limit state a huge one


def budget(model: str | None, most: int | None) -> Budget | None:
    """The budget that a user means.

    Args:
        model: the name of an embedded model, or a folder that holds a `tokenizer.json`; None: tokens are estimated.
        most: tokens; None: what the model states.

    Raises:
        UsageError: `unknown_name`; `bad_option`: the number is not positive, or the model states none and none is given.
        InputRefused: `bad_checkpoint`: the tokenizer cannot be read.
    """
    if most is not None and most < 1:
        raise UsageError("bad_option", f"--most-tokens {most} is not positive. No sample has fewer tokens. Give the context's.")
    if model is None:
        return None if most is None else Budget(_estimated, most, "an estimate of 3.5 bytes a token says so, and the limit")
    native = files("vesalius").joinpath("weights", model, "tokenizer.json")
    if "/" not in model and native.is_file():
        tokenizer = Tokenizer.from_json(native.read_text(encoding="utf-8"))
        return Budget(lambda sample: _native(sample, tokenizer), most or MAX_TEXT_TOKENS, f"the context of {model}")
    folder = Path(model)
    if not (folder / "tokenizer.json").is_file():
        raise UsageError(
            "unknown_name",
            "--model names neither an embedded model nor a folder with a tokenizer.json. Its tokens cannot be counted. "
            "`vesalius info` lists models; or give --most-tokens alone, and tokens are estimated.",
        )
    tokenizer = _foreign(folder)
    limit = most or _stated(folder)
    if limit is None:
        raise UsageError(
            "bad_option", "The model's folder states no context. How long a sample may be is unknown. Add --most-tokens."
        )
    return Budget(lambda sample: _templated(sample, tokenizer), limit, "the model's context, pictures not counted,")


def _native(sample: Sample, tokenizer: Tokenizer) -> int:
    """As `generate.prompt.render` writes it: two marks a question; an end an answer; six tokens and its label a region."""
    count = 0
    for turn in sample.turns:
        if turn.role != "assistant":
            count += 2 + len(tokenizer.encode(plain(turn.text)))
            continue
        count += 1 + sum(len(tokenizer.encode(piece.strip())) for piece in PLACEHOLDER.split(turn.text)[::3] if piece.strip())
        for kind, index in PLACEHOLDER.findall(turn.text):
            if kind == "region" and int(index) < len(sample.regions):
                count += 6 + len(tokenizer.encode(sample.regions[int(index)].label))
    return count


def _templated(sample: Sample, tokenizer: Tokenizer) -> int:
    return sum(TEMPLATE + len(tokenizer.encode(plain(turn.text))) for turn in sample.turns)


def _estimated(sample: Sample) -> int:
    return sum(TEMPLATE + round(len(plain(turn.text).encode()) / BYTES_A_TOKEN) for turn in sample.turns)


def _foreign(folder: Path) -> Tokenizer:
    try:
        text = (folder / "tokenizer.json").read_text(encoding="utf-8")
        json.loads(text)
        return Tokenizer.from_json(text)
    except (OSError, ValueError) as error:
        raise InputRefused(
            "bad_checkpoint", "The model's tokenizer.json cannot be read. Its tokens cannot be counted. Copy the folder again."
        ) from error


def _stated(folder: Path) -> int | None:
    """The context that a model's folder states, in its configuration or in that of its language model."""
    for name, key in _LIMITS:
        try:
            said = json.loads((folder / name).read_text(encoding="utf-8"))
            for part in (said, said.get("text_config") or {}):
                if isinstance(limit := part.get(key), int) and 0 < limit < _NO_LIMIT:
                    return limit
        except (OSError, ValueError, AttributeError):
            continue
    return None
