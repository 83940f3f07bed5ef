"""Published questions as samples: one question about some pictures, its answer, and the options where there are some."""

from collections.abc import Sequence

from vesalius.datasets.compose import questions
from vesalius.datasets.sources import RecordRefused
from vesalius.types import Image, Provenance, Sample, SampleImage, Turn


def asked(
    key: str,
    task: str,
    question: str,
    answer: str,
    images: Sequence[Image],
    provenance: Provenance,
    *,
    options: Sequence[str] = (),
    before: Sequence[tuple[str, str]] = (),
) -> Sample:
    """A sample of one question; where it has options, the answer is one of them, letter by letter.

    Args:
        key: of the sample.
        task: the kind of question.
        question: as published.
        answer: as published.
        images: that are asked about; every one of them is current.
        provenance: whose pictures they are.
        options: of a multiple choice, in the order shown.
        before: questions and answers that came before it.

    Raises:
        RecordRefused: `answer_missing`; `special_token`: a text holds our own placeholders; `record_malformed`: there is no
            question, or the answer is none of the options.
    """
    question, answer, options = question.strip(), answer.strip(), tuple(option.strip() for option in options)
    if not question:
        raise RecordRefused("record_malformed", "It has no question.")
    if not answer:
        raise RecordRefused("answer_missing", "Its answer is empty.")
    if any(questions.has_placeholder(text) for text in (question, answer, *options, *(part for pair in before for part in pair))):
        raise RecordRefused("special_token", "Its text holds our own placeholders.")
    if options and answer not in options:
        raise RecordRefused("record_malformed", "Its answer is none of its options.")
    turns = []
    for told, said in before:
        turns += [Turn("user", told), Turn("assistant", said, spans=())]  # what came before is told, not learnt
    turns += [Turn("user", question), Turn("assistant", answer)]
    marks = " ".join(f"<image:{index}>" for index in range(len(images)))
    turns[0] = Turn("user", f"{marks} {turns[0].text}".strip())
    shown = tuple(SampleImage("current", image) for image in images)
    return Sample(key, task, shown, tuple(turns), provenance, options=options)
