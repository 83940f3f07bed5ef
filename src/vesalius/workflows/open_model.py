"""What `--model` names, as something that can be asked."""

from vesalius.generate.native import NativeResponder
from vesalius.generate.respond import Responder, Scope
from vesalius.generate.tokenizer import Tokenizer
from vesalius.models import checkpoint
from vesalius.types import ModelIdentity


def open_model(name: str | None) -> Responder:
    """Load a model.

    Args:
        name: as `checkpoint.place` takes it.

    Raises:
        UsageError: `unknown_name`: there is no such folder.
        InputRefused: `bad_checkpoint`.
    """
    folder = checkpoint.place(name)
    model, card, tokenizer_json = checkpoint.load(folder)
    identity = ModelIdentity(card.name, checkpoint.sha256(folder), card.recipe_sha256)
    scope = Scope(frozenset(card.modalities), card.phantoms_only, card.priors)
    tokenizer = Tokenizer.from_json(tokenizer_json, expected=model.settings["vocabulary"])
    return NativeResponder(model, tokenizer, identity, scope, frozenset(card.trained_patients))
