"""The native model's words: byte-level pieces trained here, the marks of the grammar, and coordinate tokens.

The grammar of an answer, as tokens:
    answer   = text { region } END
    region   = REGION label BOX x0 y0 x1 y1        (four coordinate tokens)
A question is ASK text ANSWER, after the pictures. User text can never contain a mark: it is cut into bytes.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from tokenizers import Tokenizer as Pieces
from tokenizers import decoders, models, pre_tokenizers, trainers

from vesalius.errors import InputRefused

MARKS = ("<pad>", "<ask>", "<answer>", "<end>", "<region>", "<box>")
PAD, ASK, ANSWER, END, REGION, BOX = range(len(MARKS))
COORDINATES = 256
FIRST_COORDINATE = len(MARKS)
FIRST_PIECE = FIRST_COORDINATE + COORDINATES


class Tokenizer:
    """Text to ids and back. Ids: marks, then `COORDINATES` coordinate tokens, then byte-level pieces.

    Args:
        pieces: a byte-level BPE whose own ids start at 0.
    """

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._encode = lru_cache(maxsize=65_536)(self._encode_once)

    @classmethod
    def train(cls, texts: Iterable[str], *, pieces: int = 512) -> "Tokenizer":
        """Learn byte-level BPE pieces (at least the 256 bytes, so that any text can be written).

        Args:
            texts: what the model will read and write.
            pieces: size of the piece vocabulary, ≥ 256; fewer where the texts do not hold that many.
        """
        learner = Pieces(models.BPE())
        learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        learner.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=pieces, initial_alphabet=sorted(alphabet), show_progress=False)
        # Sorted and unique: the same texts give the same pieces whatever their order.
        learner.train_from_iterator(sorted(set(texts)), trainer=trainer)
        return cls(learner)

    @classmethod
    def from_json(cls, text: str, *, expected: int | None = None) -> "Tokenizer":
        """From what `to_json` gave.

        Args:
            text: JSON of Hugging Face's tokenizers.
            expected: the number of ids that a model has.

        Raises:
            InputRefused: `bad_checkpoint`: another number of ids; words would mean others.
        """
        found = cls(Pieces.from_str(text))
        if expected is not None and len(found) != expected:
            raise InputRefused(
                "bad_checkpoint",
                f"The tokenizer has {len(found)} ids and the model {expected}. Words would mean others. "
                "Copy the whole folder again.",
            )
        return found

    def to_json(self) -> str:
        """The pieces in the format of Hugging Face's tokenizers."""
        return str(self._pieces.to_str())

    def __len__(self) -> int:
        """Number of ids."""
        return FIRST_PIECE + int(self._pieces.get_vocab_size())

    def encode(self, text: str) -> tuple[int, ...]:
        """Ids of plain text; marks written in it are only letters."""
        return self._encode(text)

    def spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Which tokens of `encode(text)` hold characters [start, end): (first, the one after the last), per span.

        A piece that holds characters of a span and others belongs to the span; the space before a word is no part of it.
        """
        places = [(a + (text[a : a + 1] == " "), b) for a, b in self._pieces.encode(text).offsets]
        found = []
        for start, end in spans:
            inside = [i for i, (a, b) in enumerate(places) if a < end and b > start]
            found.append((inside[0], inside[-1] + 1) if inside else (0, 0))
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the pieces among `ids`, marks and coordinates left out."""
        return str(self._pieces.decode([i - FIRST_PIECE for i in ids if i >= FIRST_PIECE])).strip()

    def spell(self, ids: Iterable[int]) -> str:
        """All of `ids` for a person: pieces as text, marks and coordinates in angle brackets."""
        shown: list[str] = []
        run: list[int] = []
        for i in [*ids, -1]:
            if i >= FIRST_PIECE:
                run.append(i)
                continue
            if run:
                shown.append(self.decode(run))
                run = []
            if 0 <= i < FIRST_COORDINATE:
                shown.append(MARKS[i])
            elif i >= 0:
                shown.append(f"<{i - FIRST_COORDINATE}>")
        return " ".join(shown)

    def _encode_once(self, text: str) -> tuple[int, ...]:
        return tuple(FIRST_PIECE + i for i in self._pieces.encode(text).ids)
