"""reports: a report with its labels and regions → findings, impression, and questions of four types with their explanation.

Paper:    GEMeX: open, closed, single choice and multiple choice; each answer with a reason in words and the regions that
          show it.
In:       annotated samples with a report in the language that is asked in, labels, and regions where there are any.
Out:      tasks "report" (the findings), "impression", "summary" (the impression from the findings' text), "grounded_report" (each
          sentence with the regions of the findings that it states), and "open", "closed", "single" and "multiple". An answer is
          followed by "Reason:", a sentence of the report that says it, and "Location:" with regions.
Reasons:  only sentences that name the label and agree with its state; a question whose answer no sentence supports is asked
          without a reason.
Balanced: yes and no for every label; the position of the right option; in a multiple choice each number of right options.
Differs:  the paper generates its questions and reasons; ours follow from labels, and reasons are the report's own sentences.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from vesalius.datasets.compose.answers import Deck, Even, Vocabulary, absent, choice, distractors, lettered, said
from vesalius.datasets.compose.made import Again, Talk, made
from vesalius.datasets.compose.questions import has_placeholder
from vesalius.datasets.compose.reading import about, mentions, says, sentences
from vesalius.datasets.compose.view import View, views
from vesalius.datasets.compose.wording import LETTERS, Speech, draw
from vesalius.types import Region, Report, Sample, SampleImage

Task = Literal["report", "impression", "summary", "grounded_report", "open", "closed", "single", "multiple"]
TASKS: tuple[Task, ...] = ("report", "impression", "summary", "grounded_report", "open", "closed", "single", "multiple")
Explain = Literal["both", "reason", "location", "none"]
_OPTIONS = 4


def compose(
    samples: Iterable[Sample], *, seed: int = 0, language: str = "en", tasks: tuple[Task, ...] = TASKS, explain: Explain = "both"
) -> Iterator[Sample]:
    """Questions from reports.

    Args:
        samples: annotated; gone through twice. Those without a report in the language are passed over.
        seed: of wordings and options.
        language: en, zh or ar.
        tasks: which questions.
        explain: what follows an answer; "none" is the arm without explanation.
    """
    speech, several, deck = Speech(language, seed), Again(samples), Deck(seed)
    vocabulary, closed = Vocabulary.of(several), Even[Sample](("yes", "no"))
    for sample in several:
        report = sample.report
        if report is None or report.language != language or has_placeholder(report.findings + report.impression):
            continue
        seen = [found for found in views(sample) if found.image.kind in ("image", "volume")]
        images = tuple(found.shown for found in seen) or tuple(shown for shown in sample.images if shown.role == "current")
        case = Case(sample, report, images, seen, speech, explain)
        yield from case.whole(tasks)
        if "closed" in tasks:
            for label, answer, asked in case.closed():
                yield from closed.offer((sample.provenance.split, label), answer, asked)
        if "open" in tasks:
            yield from case.open()
        if "single" in tasks:
            yield from case.single(vocabulary, deck)
        if "multiple" in tasks:
            yield from case.multiple(vocabulary)


class Case:
    """One reported examination: its pictures, and what can be asked about its report."""

    def __init__(
        self, sample: Sample, report: Report, images: tuple[SampleImage, ...], seen: list[View], speech: Speech, explain: Explain
    ) -> None:
        self.sample, self.report, self.images, self.seen = sample, report, images, seen
        self.speech, self.explain = speech, explain
        self.present = [label for label, state in sample.labels.items() if state == "present" and speech.term(label)]
        self.absent = [label for label in absent(sample) if speech.term(label)]

    def whole(self, tasks: tuple[Task, ...]) -> Iterator[Sample]:
        """The report and its parts."""
        findings, impression = self.report.findings, self.report.impression
        if "report" in tasks and findings:
            yield self._made("report", "report", "report", findings, Talk())
        if "impression" in tasks and impression:
            yield self._made("impression", "impression", "impression", impression, Talk())
        if "summary" in tasks and findings and impression:
            yield self._made("summary", "summary", "summarize", impression, Talk(), images=(), text=findings)
        if "grounded_report" in tasks and findings and self.present:
            talk = Talk()
            said = [" ".join([line, talk.marks(self._shown_by(line))]).strip() for line in sentences(findings)]
            if talk.regions:
                yield self._made("grounded_report", "grounded_report", "grounded_report", " ".join(said), talk)

    def open(self) -> Iterator[Sample]:
        """What the report says of a finding that is there."""
        for label in self.present:
            told = self._sentences(label)
            if told:
                talk = Talk()
                answer = " ".join(told) + self._explained(None, self._regions(label), talk)
                yield self._made("open", f"open question of {label}", "open", answer, talk, label=str(self.speech.term(label)))

    def closed(self) -> Iterator[tuple[str, str, Sample]]:
        """Whether a finding is there: label, answer, sample."""
        for label, answer in [*((label, "yes") for label in self.present), *((label, "no") for label in self.absent)]:
            talk = Talk()
            text = self.speech.fixed(answer) + self._explained(label, self._regions(label), talk)
            name, what = str(self.speech.term(label)), f"closed question of {label}"
            yield label, answer, self._made("closed", what, "presence", text, talk, label=name)

    def single(self, vocabulary: Vocabulary, deck: Deck) -> Iterator[Sample]:
        """One finding that is there among others that are not."""
        for label in self.present:
            random = draw(self.speech.seed, self.sample, f"single {label}")
            wrong = distractors(label, self.sample, vocabulary, random, of=self.absent)
            options = said(wrong, self.speech, _OPTIONS - 1)
            if len(options) < 2:
                continue
            what, talk = f"single choice of {label}", Talk()
            tail = self._explained(label, self._regions(label), talk)
            yield choice(
                self.sample,
                "reports",
                what,
                task="single",
                question=self.speech.say(self.sample, "single", what),
                right=str(self.speech.term(label)),
                wrong=options,
                deck=deck,
                images=self.images,
                tail=tail,
                regions=talk.regions,
            )

    def multiple(self, vocabulary: Vocabulary) -> Iterator[Sample]:
        """Every finding that is there, one to three of four options."""
        random = draw(self.speech.seed, self.sample, "multiple")
        most = min(len(self.present), _OPTIONS - 1)
        if not most:
            return
        right = random.sample(self.present, random.randint(1, most))
        wrong = distractors(right[0], self.sample, vocabulary, random, of=self.absent)[: _OPTIONS - len(right)]
        if len(right) + len(wrong) < _OPTIONS:
            return
        labels = random.sample([*right, *wrong], _OPTIONS)
        options = tuple(str(self.speech.term(label)) for label in labels)
        chosen = [(LETTERS[at], label) for at, label in enumerate(labels) if label in right]
        what, talk = f"multiple choice of {', '.join(right)}", Talk()
        lines = [self._explained(label, self._regions(label), talk) for _, label in chosen]
        answer = self.speech.listed([f"{letter}. {self.speech.term(label)}" for letter, label in chosen]) + "".join(lines)
        question = f"{self.speech.say(self.sample, 'multiple', what)}\n{lettered(options)}"
        turns = talk.turns(question, answer, pictures=len(self.images))
        yield made(
            self.sample,
            "reports",
            what,
            task="multiple",
            turns=turns,
            images=self.images,
            regions=talk.regions,
            options=options,
            report=self.report,
        )

    def _made(
        self,
        task: str,
        what: str,
        fact: str,
        answer: str,
        talk: Talk,
        *,
        images: tuple[SampleImage, ...] | None = None,
        **slots: str,
    ) -> Sample:
        shown = self.images if images is None else images
        turns = talk.turns(self.speech.say(self.sample, fact, what, **slots), answer, pictures=len(shown))
        regions, report = talk.regions, self.report
        return made(self.sample, "reports", what, task=task, turns=turns, images=shown, regions=regions, report=report)

    def _sentences(self, label: str) -> list[str]:
        """Those that name the label and agree with its state."""
        state = self.sample.labels[label]
        return [line for line in about(self.report, label) if says(line, self.speech.language) == state]

    def _explained(self, label: str | None, regions: list[Region], talk: Talk) -> str:
        """The lines behind an answer."""
        lines = []
        told = self._sentences(label) if label is not None else []
        if told and self.explain in ("both", "reason"):
            lines.append(self.speech.fixed("reason", text=told[0]))
        if regions and self.explain in ("both", "location"):
            lines.append(self.speech.fixed("location", regions=talk.marks(regions)))
        return "".join(f"\n{line}" for line in lines)

    def _regions(self, label: str) -> list[Region]:
        """The boxes of a label in the pictures that are shown."""
        return [
            place.boxed(index)
            for index, found in enumerate(self.seen)
            for place in found.of(label)
            if place.box is not None and self.sample.labels[label] == "present"
        ]

    def _shown_by(self, sentence: str) -> list[Region]:
        """The boxes of all findings that a sentence states."""
        if says(sentence, self.speech.language) != "present":
            return []
        named = [label for label in self.present if mentions(sentence, label, self.speech.language)]
        return [region for label in named for region in self._regions(label)]
