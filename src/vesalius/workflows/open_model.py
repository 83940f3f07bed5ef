"""What `--model` names, as something that can be asked."""

from pathlib import Path

from vesalius.errors import UsageError
from vesalius.generate.native import NativeResponder
from vesalius.generate.respond import Responder, Scope
from vesalius.generate.tokenizer import Tokenizer
from vesalius.models import checkpoint
from vesalius.types import ModelIdentity

EMBEDDED = "embedded"


def open_model(name: str | None) -> Responder:
    """Load a model.

    Args:
        name: None or "embedded" for the one that ships with the package; else the folder of a run or of a model.

    Raises:
        UsageError: `unknown_name`: there is no such folder.
        InputRefused: `bad_checkpoint`.
    """
    folder = _folder(name)
    model, card, tokenizer_json = checkpoint.load(folder)
    identity = ModelIdentity(card.name, checkpoint.sha256(folder), card.recipe_sha256)
    scope = Scope(frozenset(card.modalities), card.phantoms_only, card.priors)
    return NativeResponder(model, Tokenizer.from_json(tokenizer_json), identity, scope, frozenset(card.trained_patients))


def _folder(name: str | None) -> Path:
    if name is None or name == EMBEDDED:
        return checkpoint.embedded()
    given = Path(name)
    if (given / "model").is_dir():
        return given / "model"
    if given.is_dir():
        return given
    raise UsageError(
        "unknown_name",
        "There is no model of that name and no such folder. Name a run made by `vesalius train`, or leave --model out.",
    )
