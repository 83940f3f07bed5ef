"""The report says exactly what is seen."""

import re
from collections import Counter

from vesalius.phantom import report, world
from vesalius.phantom.paint import stream
from vesalius.phantom.truth import Lesion

NEGATIVE = re.compile(r"^No |clear|heart|cardiac", re.IGNORECASE)
WORDS = {"effusion": "effusion|pleural fluid", "nodule": "nodule", "consolidation": "consolidation"}


def parsed(text: str) -> Counter[tuple[str, str, str | None, str | None]]:
    """A reader of its own: what each sentence that is not a negative one states."""
    found: Counter[tuple[str, str, str | None, str | None]] = Counter()
    for sentence in re.findall(r"[^.]+\.", text):
        if NEGATIVE.search(sentence.strip()):
            continue
        (finding,) = [name for name, words in WORDS.items() if re.search(words, sentence, re.IGNORECASE)]

        def word(pattern: str, sentence: str = sentence) -> str | None:
            match = re.search(pattern, sentence, re.IGNORECASE)
            return match[0].lower() if match else None

        found[finding, str(word("right|left")), word("upper|middle|lower"), word("small|moderate|large")] += 1
    return found


def stated(lesions: tuple[Lesion, ...]) -> Counter[tuple[str, str, str | None, str | None]]:
    return Counter((lesion.finding, lesion.side, lesion.zone, lesion.severity) for lesion in lesions)


def test_reading_a_report_gives_back_exactly_the_findings() -> None:
    for wording in ("varied", "canonical"):
        for seed in range(60):
            phantom = world.make("chest_xray", seed=seed, size_px=32, wording=wording)
            assert parsed(phantom.report.findings) == stated(phantom.lesions), phantom.report.findings


def test_the_impression_names_each_finding_with_its_side_or_calls_the_picture_normal() -> None:
    for seed in range(60):
        phantom = world.make("chest_xray", seed=seed, size_px=32)
        said = phantom.report.impression.lower()
        for finding in WORDS:
            sides = {lesion.side for lesion in phantom.lesions if lesion.finding == finding}
            assert (finding in said) == bool(sides)
            assert not sides or (sides.pop() if len(sides) == 1 else "bilateral") in said


def test_absent_findings_are_said_to_be_absent_when_another_is_there() -> None:
    lesion = Lesion("nodule", "left", "upper", 12.0, None, "nodule 1")
    told = report.write([lesion]).findings
    assert told == "Nodule in the left upper zone. No pleural effusion. No consolidation. The heart is of normal size."


def test_words_vary_with_the_draw_and_canonical_ones_do_not() -> None:
    lesion = Lesion("effusion", "left", None, 50.0, "moderate", "effusion")
    drawn = {report.write([lesion], stream("words", number)).findings for number in range(40)}
    assert len(drawn) > 10
    assert len({report.write([lesion]).findings for _ in range(3)}) == 1
