"""How published benchmarks are put to a model where they fix no wording of their own: the question, and the form of its answer.

The form is asked for in words, so that an answer that misses it is the model's. Nothing is said of the model's role, nothing to
think about first.
"""

from vesalius.generate.answers import Form
from vesalius.types import Sample

SHORT = {
    "option": "{question}\n{options}\nAnswer with the letter of the right option and nothing else.",
    "yes_no": "{question}\nAnswer yes or no.",
    "open": "{question}\nAnswer in a few words.",
}
SHORT_ZH = {"yes_no": "{question}\n请用一个词回答。", "open": "{question}\n请用几个词回答。"}
REPORT = "Describe this examination."
YES_NO = ("yes", "no")


def form_of(sample: Sample) -> Form:
    """One of the options where there are some; yes or no where a closed question has such an answer; else words.

    That a question is closed is the publisher's statement and is told to every model alike.
    """
    if sample.options:
        return "option"
    closed = sample.task.startswith("closed") and sample.turns[-1].text.strip().casefold() in YES_NO
    return "yes_no" if closed else "open"
