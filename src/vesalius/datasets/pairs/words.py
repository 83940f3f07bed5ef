"""What cuts texts into tokens for an encoder: the tokenizer that was learnt here, or that of a model of the hub."""

from collections.abc import Sequence
from typing import Protocol

from vesalius.generate.tokenizer import Tokenizer
from vesalius.models.dual_encoder import DualEncoder
from vesalius.models.hub import HubTextTower
from vesalius.models.subspaces import ImageEncoder


class Words(Protocol):
    """Text to ids: `generate.tokenizer.Tokenizer`, or `models.hub.HubTokenizer`."""

    def encode(self, text: str) -> tuple[int, ...]:
        """Ids of a text."""

    def spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Which tokens of `encode(text)` the characters [start, end) lie in: (first, the one after the last)."""

    def to_json(self) -> str:
        """The tokenizer in the format of Hugging Face's tokenizers."""


def words_of(model: DualEncoder | ImageEncoder, tokenizer_json: str) -> Words:
    """The tokenizer of an encoder: a text tower of the hub has its own, any other reads what `tokenizer_json` says.

    Raises:
        InputRefused: `bad_checkpoint`: it has another number of ids than the encoder.
    """
    if isinstance(model, DualEncoder) and isinstance(model.text, HubTextTower):
        return model.text.tokenizer
    return Tokenizer.from_json(tokenizer_json, expected=model.settings["vocabulary"] or None)
