import pytest
import torch

from vesalius.generate.decode import Decoded, decode
from vesalius.generate.tokenizer import ANSWER, ASK, BOX, COORDINATES, END, FIRST_COORDINATE, FIRST_PIECE
from vesalius.models.vlm import Batch, NativeVLM

VOCABULARY, SIDE = FIRST_PIECE + 40, 32
QUESTIONS = [
    [ASK, FIRST_PIECE + 1, FIRST_PIECE + 2, ANSWER],
    [ASK, FIRST_PIECE + 7, ANSWER],
    [ASK, *[FIRST_PIECE + 9] * 6, ANSWER],
]


@pytest.fixture
def model() -> NativeVLM:
    torch.manual_seed(3)
    model = NativeVLM(vocabulary=VOCABULARY, width=32, encoder_layers=1, decoder_layers=2, heads=2, canvas_px=SIDE).eval()
    # Embeddings far apart, so that the greedy choice is never a near tie.
    torch.nn.init.normal_(model.decoder.embedding.weight, std=0.5)
    return model


def shown(model: NativeVLM, packs: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(4)
    pixels, spacing = torch.rand(packs, 1, 3, SIDE, SIDE), torch.full((packs, 3), torch.nan)
    with torch.no_grad():
        return model.show(pixels, spacing, torch.zeros(packs, dtype=torch.long), torch.arange(packs)[:, None])


def without_cache(model: NativeVLM, question: list[int], answer: tuple[int, ...], pack: int) -> torch.Tensor:
    """Log-probabilities of all tokens before each one of the answer, from one uncached forward pass."""
    torch.manual_seed(4)
    pixels = torch.rand(2, 1, 3, SIDE, SIDE)[pack : pack + 1]
    ids = torch.tensor([[*question, *answer]])
    ones = torch.ones_like(ids)
    spacing, first, places = torch.full((1, 3), torch.nan), torch.zeros(1, dtype=torch.long), torch.arange(ids.shape[1])[None]
    nothing = torch.zeros(0, 0, dtype=torch.long), torch.zeros(1, 0, 2, 2)
    batch = Batch(pixels, spacing, first, first[None], ids, ones, places, ids, ones.float(), *nothing)
    with torch.no_grad():
        return model.decoder.score(model(batch))[0, len(question) - 1 : -1]


def test_cached_decoding_equals_the_whole_forward_pass(model: NativeVLM) -> None:
    found = decode(model, *shown(model, 2), QUESTIONS, [0, 1, 1], most_tokens=12)
    for question, pack, decoded in zip(QUESTIONS, [0, 1, 1], found, strict=True):
        logits = without_cache(model, question, decoded.ids, pack)
        for step, (token, log_probability) in enumerate(zip(decoded.ids, decoded.log_probabilities, strict=True)):
            if token in range(FIRST_COORDINATE, FIRST_PIECE):
                continue  # there the grammar leaves only part of the vocabulary
            outside = logits[step].clone()
            outside[[0, ASK, ANSWER, *range(FIRST_COORDINATE, FIRST_PIECE)]] = -torch.inf
            assert int(outside.argmax()) == token
            assert abs(float(outside.log_softmax(-1)[token]) - log_probability) < 1e-4


def test_a_question_is_answered_alike_alone_and_among_others(model: NativeVLM) -> None:
    seen = shown(model, 2)
    together = decode(model, *seen, QUESTIONS, [0, 1, 1], most_tokens=10)
    alone = [decode(model, *seen, [q], [p], most_tokens=10)[0] for q, p in zip(QUESTIONS, [0, 1, 1], strict=True)]
    assert [d.ids for d in together] == [d.ids for d in alone]


def test_questions_without_any_picture_are_answered(model: NativeVLM) -> None:
    nothing = model.show(torch.zeros(0, 1, 3, SIDE, SIDE), torch.zeros(0, 3), torch.zeros(0, dtype=torch.long), torch.zeros(2, 0))
    found = decode(model, *nothing, QUESTIONS, [0, 1, 1], most_tokens=6)
    assert all(isinstance(d, Decoded) and d.ids for d in found)


def test_the_grammar_of_boxes_is_never_broken(model: NativeVLM) -> None:
    with torch.no_grad():  # a model that wants nothing but boxes
        model.decoder.embedding.weight[BOX] = model.decoder.embedding.weight[ANSWER] * 3
    for decoded in decode(model, *shown(model, 2), QUESTIONS, [0, 0, 1], most_tokens=40):
        ids = decoded.ids
        boxes = [ids[i + 1 : i + 5] for i, token in enumerate(ids) if token == BOX and i + 5 <= len(ids)]
        assert boxes
        for x0, y0, x1, y1 in boxes:
            assert FIRST_COORDINATE <= x0 <= x1 < FIRST_COORDINATE + COORDINATES
            assert FIRST_COORDINATE <= y0 <= y1 < FIRST_COORDINATE + COORDINATES
        assert END not in ids[:-1]
