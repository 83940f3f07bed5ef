"""Asking a model every question of a benchmark, as it is, without pictures and with another patient's pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vesalius.benchmarks import baselines, scoring
from vesalius.benchmarks.scoring import Item, Values
from vesalius.generate.respond import Query, Responder, Response

MODEL, MAJORITY, TEXT_ONLY, SHUFFLED = "model", "majority", "text_only", "shuffled_image"
BASELINES = (MAJORITY, TEXT_ONLY, SHUFFLED)
AT_ONCE = 64  # questions between two lines of progress


@dataclass(frozen=True, eq=False)
class Result:
    """What was answered under each condition, and every metric's value per item.

    Attributes:
        items: of the exam.
        responses: condition → one per item; None where the condition does not exist for the item.
        values: condition → metric → float64, (items,).
    """

    items: Sequence[Item]
    responses: dict[str, list[Response | None]]
    values: dict[str, dict[str, Values]]


def sit(responder: Responder, items: Sequence[Item], *, seed: int, say: Callable[[str], None]) -> Result:
    """Ask a model everything under every condition.

    Without pictures each distinct question is asked once: the same words alone must get the same answer.

    Args:
        responder: the model.
        items: in an order that keeps one picture's questions together, so that it is read once.
        seed: of the shuffled pictures.
        say: progress, one line per `AT_ONCE` questions.
    """
    asked: list[Response | None] = [*_ask(responder, [baselines.as_asked(item) for item in items], "as asked", say)]
    questions = list(dict.fromkeys(item.question for item in items))
    alone = dict(zip(questions, _ask(responder, [Query((), q) for q in questions], "without pictures", say), strict=True))
    blind: list[Response | None] = [baselines.laid_on(alone[item.question], item.sample) for item in items]
    donors = baselines.donors(items, seed)
    pairs = [(index, donor) for index, donor in enumerate(donors) if donor is not None]
    strange = [Query(donor.images, items[index].question) for index, donor in pairs]
    shuffled: list[Response | None] = [None] * len(items)
    answers = _ask(responder, strange, "with another patient's pictures", say)
    for (index, donor), response in zip(pairs, answers, strict=True):
        shuffled[index] = baselines.carried_over(response, donor, items[index].sample)
    return _graded(items, {MODEL: asked, TEXT_ONLY: blind, SHUFFLED: shuffled})


def grade(items: Sequence[Item], responses: Sequence[Response]) -> Result:
    """Score answers made elsewhere; of the baselines only majority needs no model."""
    return _graded(items, {MODEL: [*responses]})


def _graded(items: Sequence[Item], responses: dict[str, list[Response | None]]) -> Result:
    best, constant = baselines.majority(items)
    values = {condition: scoring.values_of(items, given) for condition, given in responses.items()} | {MAJORITY: best}
    given = responses | {MAJORITY: constant}
    order = [condition for condition in (MODEL, *BASELINES) if condition in given]
    return Result(items, {c: given[c] for c in order}, {c: values[c] for c in order})


def _ask(responder: Responder, queries: Sequence[Query], how: str, say: Callable[[str], None]) -> list[Response]:
    responses: list[Response] = []
    for start in range(0, len(queries), AT_ONCE):
        responses += responder.respond(queries[start : start + AT_ONCE])
        say(f"asked {how}: {len(responses)}/{len(queries)}")
    return responses
