"""The one parser of the native grammar: tokens to (text, regions, status), tolerant and never guessing.

Version 1. Levels: *strict*, the grammar of `tokenizer` held to the last token; *repaired*, the output was cut off or a
region was incomplete and what could be read was kept; *failed*, there is no answer text and no region.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from vesalius.generate.boxes import BoxCodec
from vesalius.generate.prompt import ShownRegion
from vesalius.generate.tokenizer import BOX, END, FIRST_COORDINATE, FIRST_PIECE, REGION, Tokenizer

PARSER_VERSION = 1
Status = Literal["strict", "repaired", "failed"]


@dataclass(frozen=True)
class Parsed:
    """An answer's text, its regions in pixels of the canvas, and how well the output kept to the grammar."""

    text: str
    regions: tuple[ShownRegion, ...]
    status: Status


def parse(ids: Sequence[int], tokenizer: Tokenizer, codec: BoxCodec, side_px: int) -> Parsed:
    """Read generated ids.

    Args:
        ids: what was generated after ANSWER, with or without END.
        tokenizer: of the model's family.
        codec: of the model's family.
        side_px: side of the canvas.
    """
    ended = END in ids
    body = list(ids[: ids.index(END)]) if ended else list(ids)
    clean = ended and (len(ids) == len(body) + 1)
    starts = [i for i, token in enumerate(body) if token == REGION]
    head = body[: starts[0]] if starts else body
    clean &= all(token >= FIRST_PIECE for token in head)
    regions: list[ShownRegion] = []
    texts = [tokenizer.decode(head)]
    for start, stop in pairwise([*starts, len(body)]):
        region, rest = _region(body[start + 1 : stop], tokenizer, codec, side_px)
        clean &= region is not None and all(token >= FIRST_PIECE for token in rest)
        if region is not None:
            regions.append(region)
        texts.append(tokenizer.decode(rest))
    text = " ".join(t for t in texts if t)
    if not text and not regions:
        return Parsed("", (), "failed")
    return Parsed(text, tuple(regions), "strict" if clean else "repaired")


def _region(
    tokens: Sequence[int], tokenizer: Tokenizer, codec: BoxCodec, side_px: int
) -> tuple[ShownRegion | None, Sequence[int]]:
    """Read `label BOX x0 y0 x1 y1 rest`; the region is None where that is not what stands there."""
    if BOX not in tokens:
        return None, ()
    at = tokens.index(BOX)
    label, numbers, rest = tokens[:at], tokens[at + 1 : at + 5], tokens[at + 5 :]
    ordered = [n - FIRST_COORDINATE for n in numbers]
    if len(numbers) < 4 or not all(FIRST_COORDINATE <= n < FIRST_PIECE for n in numbers) or not label:
        return None, rest
    if ordered[0] > ordered[2] or ordered[1] > ordered[3]:
        return None, rest  # corners in the wrong order: not a box that the model can have meant
    return ShownRegion(tokenizer.decode(label), codec.decode(ordered, (side_px, side_px))), rest
