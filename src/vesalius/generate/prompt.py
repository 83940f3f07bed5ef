"""The one renderer of prompts: what training learns from is what serving sends.

A question becomes ASK text ANSWER; an answer becomes its text, its regions and END (see `tokenizer`). `<image:i>`
placeholders vanish here: pictures stand before all text. Regions that follow one another are written top to bottom,
then left to right, so that the order carries no information.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vesalius.errors import InputRefused
from vesalius.generate.boxes import BoxCodec
from vesalius.generate.tokenizer import ANSWER, ASK, BOX, END, FIRST_COORDINATE, REGION, Tokenizer
from vesalius.types import PLACEHOLDER, Box, Turn

MAX_TEXT_TOKENS = 512


@dataclass(frozen=True)
class ShownRegion:
    """A region as the model is shown it: its label and its box in pixels of the canvas."""

    label: str
    box: Box


@dataclass(frozen=True)
class Rendered:
    """Token ids of a conversation, and for each one whether it is to be learnt."""

    ids: tuple[int, ...]
    learnt: tuple[bool, ...]


def question_ids(tokenizer: Tokenizer, question: str) -> tuple[int, ...]:
    """What is fed before an answer is generated: ASK text ANSWER.

    Raises:
        InputRefused: `text_too_long`.
    """
    ids = (ASK, *tokenizer.encode(_plain(question)), ANSWER)
    if len(ids) > MAX_TEXT_TOKENS:
        raise InputRefused(
            "text_too_long",
            f"The question has {len(ids)} tokens and the model reads {MAX_TEXT_TOKENS}. Nothing is cut silently. "
            "Ask a shorter question.",
        )
    return ids


def render(
    tokenizer: Tokenizer, codec: BoxCodec, turns: Sequence[Turn], regions: Sequence[ShownRegion], side_px: int
) -> Rendered:
    """A conversation as ids. Supervised are the `spans` of a turn; by default all of an assistant's, END included.

    Args:
        tokenizer: of the model's family.
        codec: of the model's family.
        turns: with placeholders.
        regions: what `<region:i>` stands for, in pixels of the canvas.
        side_px: side of the canvas.

    Raises:
        InputRefused: `text_too_long`: nothing is ever cut.
    """
    ids: list[int] = []
    learnt: list[bool] = []
    for turn in turns:
        if turn.role == "assistant":
            _append_answer(ids, learnt, turn, tokenizer, codec, regions, side_px)
        else:
            question = (ASK, *tokenizer.encode(_plain(turn.text)), ANSWER)
            ids += question
            learnt += [False] * len(question)
    if len(ids) > MAX_TEXT_TOKENS:
        raise InputRefused(
            "text_too_long",
            f"A sample has {len(ids)} tokens and the model reads {MAX_TEXT_TOKENS}. Nothing is cut silently. "
            "Shorten or split it.",
        )
    return Rendered(tuple(ids), tuple(learnt))


def _append_answer(
    ids: list[int],
    learnt: list[bool],
    turn: Turn,
    tokenizer: Tokenizer,
    codec: BoxCodec,
    regions: Sequence[ShownRegion],
    side_px: int,
) -> None:
    """Add one assistant turn: text pieces between placeholders, regions in reading order, END."""
    spans = ((0, len(turn.text)),) if turn.spans is None else turn.spans
    for start, end, indices in _pieces(turn.text):
        supervised = any(low <= start < high for low, high in spans)
        if indices:
            piece: list[int] = []
            for region in sorted((regions[i] for i in indices), key=lambda r: (r.box.low, r.box.high)):
                numbers = codec.encode(region.box, (side_px, side_px))
                piece += (REGION, *tokenizer.encode(region.label), BOX, *(FIRST_COORDINATE + n for n in numbers))
        else:
            piece = list(tokenizer.encode(turn.text[start:end].strip()))
        ids += piece
        learnt += [supervised] * len(piece)
    ids.append(END)
    learnt.append(any(high >= len(turn.text) for _, high in spans))


def _pieces(text: str) -> list[tuple[int, int, tuple[int, ...]]]:
    """Cut an answer into (start, end, ()) runs of text and (start, end, indices) runs of region placeholders."""
    pieces: list[tuple[int, int, tuple[int, ...]]] = []
    at = 0
    for found in PLACEHOLDER.finditer(text):
        if text[at : found.start()].strip():
            pieces.append((at, found.start(), ()))
        if found[1] == "region":
            index = int(found[2])
            if pieces and pieces[-1][2] and not text[pieces[-1][1] : found.start()].strip():
                start, _, indices = pieces.pop()
                pieces.append((start, found.end(), (*indices, index)))
            else:
                pieces.append((found.start(), found.end(), (index,)))
        at = found.end()
    if text[at:].strip():
        pieces.append((at, len(text), ()))
    return pieces


def _plain(text: str) -> str:
    """Text without placeholders and with single spaces."""
    return " ".join(PLACEHOLDER.sub(" ", text).split())
