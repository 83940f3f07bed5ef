"""Questions that give their answer away."""

from collections.abc import Iterator

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.datasets.lint.words import words
from vesalius.types import PLACEHOLDER

CODES = ("answer_given_away",)
LONGEST_QUESTION = 80  # words; longer ones are texts to read, in which an answer may stand
LONGEST_ANSWER = 12
SHORTEST = 5  # letters of an answer; of Chinese 3
# A question that offers choices names the answer among them.
_CHOICE = {"or", "oder", "ou", "o", "oppure", "还是", "或", "या", "أو", "أم", "either", "which", "between"}
_CHOICE |= {"option", "options", "choose", "choices", "following"}
_OPEN = ("(a)", "a)", "a.", "a:", "1)", "还是", "或", "哪")


class Check:
    """Looks for the words of each answer in its question and in what a system turn says."""

    def __init__(self, asked: Asked) -> None:
        pass

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """Answers that are places, choices, numbers, yes or no are let pass."""
        sample = seen.sample
        if sample.options:
            return
        told = [word for turn in sample.turns if turn.role == "system" for word in words(turn.text)]
        for number, (question, answer) in enumerate(zip(sample.turns, sample.turns[1:], strict=False), start=1):
            if (question.role, answer.role) != ("user", "assistant") or PLACEHOLDER.search(answer.text):
                continue
            asked, said = words(question.text), words(answer.text)
            if not _is_telling(said) or len(asked) > LONGEST_QUESTION or _offers(asked, question.text):
                continue
            if _within(said, asked) or (len(told) <= LONGEST_QUESTION and _within(said, told)):
                said_of = f"The whole answer to the question of turn {number} stands in the text before it."
                yield seen.fault("answer_given_away", said_of)

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()


def _is_telling(answer: list[str]) -> bool:
    joined = "".join(answer)
    is_short = len(joined) < (3 if joined and ord(joined[0]) > 0x2E80 else SHORTEST)
    return bool(answer) and len(answer) <= LONGEST_ANSWER and not is_short and not joined.isdigit()


def _offers(asked: list[str], text: str) -> bool:
    return bool(_CHOICE & set(asked)) or any(mark in text.lower() for mark in _OPEN)


def _within(answer: list[str], asked: list[str]) -> bool:
    length = len(answer)
    return any(asked[at : at + length] == answer for at in range(len(asked) - length + 1))
