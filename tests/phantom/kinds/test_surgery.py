"""surgery: lengths hold in the plane of the field, events in the frames, and transcripts are as wrong as they say."""

from itertools import pairwise

import numpy as np
import pytest

from vesalius.phantom import world
from vesalius.phantom.bodies.surgery import speech as surgery_speech
from vesalius.phantom.bodies.surgery.story import PHASES, TOOL_OF, TOOLS
from vesalius.phantom.truth import Bools, Phantom

SIZE, FRAMES = 128, 4


def made(seed: int, **factors: object) -> Phantom:
    return world.make("surgery", seed=seed, **{"size_px": SIZE, "frames": FRAMES, **factors})


def greatest_mm(mask: Bools, spacing_mm: float) -> float:
    """From rim to rim of the pixels that are farthest apart, less the half pixel that their squares reach beyond."""
    points = np.argwhere(mask & ~(np.roll(mask, 1, 0) & np.roll(mask, -1, 0) & np.roll(mask, 1, 1) & np.roll(mask, -1, 1)))
    away = points[:, None, :] - points[None, :, :]
    return float(np.sqrt((away**2).sum(axis=-1)).max() * spacing_mm) if len(points) else 0.0


def distance(one: tuple[str, ...], two: tuple[str, ...]) -> int:
    """Levenshtein's, over words."""
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, start=1):
        last, row[0] = row[0], i
        for j, b in enumerate(two, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


@pytest.mark.parametrize("finding", ["bleeding", "bile leak", "perforation", "spilled stone", "adhesion"])
def test_a_lesion_is_as_large_in_the_plane_of_the_field_as_stated(finding: str) -> None:
    errors = []
    for seed in range(8):
        phantom = made(seed, finding=finding)
        step = phantom.picture.spacing_mm[0]
        for lesion in phantom.lesions:
            seen = max(greatest_mm(mask, step) for mask in phantom.picture.masks[lesion.mask])
            assert seen <= lesion.size_mm + 1.5 * step
            errors.append(abs(seen - lesion.size_mm))
    assert np.median(errors) <= 1.5 * step, "instruments hide parts of some"


def test_the_gallbladder_is_as_wide_as_measured() -> None:
    found = []
    for seed in range(12):
        phantom = made(seed, finding="none", phase="dissection", size_px=192)
        picture, told = phantom.picture, {m.name: m.value for m in phantom.measurements}
        if not {"neck", "fundus"} <= set(picture.points):
            continue
        neck, fundus = (np.array(picture.points[name].at)[1:] for name in ("neck", "fundus"))
        axis = (fundus - neck) / np.linalg.norm(fundus - neck)
        points = np.argwhere(picture.masks["gallbladder"][FRAMES // 2]) + 0.5 - neck
        along, aside = points @ axis, points @ np.array([axis[1], -axis[0]])
        widths = [np.ptp(aside[(along >= at) & (along < at + 1)]) + 1 for at in range(int(along.max()) - 1)]
        found.append(max(widths) * picture.spacing_mm[0] / told["width of the gallbladder"])
    assert len(found) >= 4
    assert 0.93 < np.median(found) < 1.07


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.35, 0.6])
def test_transcripts_are_as_wrong_as_they_say(rate: float) -> None:
    for seed in range(6):
        true, *heard = made(seed, word_error_rate=rate, size_px=32, frames=8).transcripts
        assert true.word_error_rate == 0
        assert len(heard) == 2
        for transcript in heard:
            assert distance(true.words, transcript.words) == round(transcript.word_error_rate * len(true.words))
            assert abs(transcript.word_error_rate - rate) * len(true.words) <= 1
            assert len(transcript.words) == len(transcript.frames)
            assert list(transcript.frames) == sorted(transcript.frames)
            assert transcript.frames[-1] < 8
        if rate:
            assert len(heard[0].words) <= len(true.words) <= len(heard[1].words), "one drops words, the other adds some"
            assert heard[0].words != heard[1].words


def test_every_word_of_the_narrations_can_be_misheard_as_one_that_is_never_said() -> None:
    sentences = [*surgery_speech._OPENING, *surgery_speech._CLOSING]
    sentences += [s for said in (*surgery_speech._BY_PHASE.values(), *surgery_speech._OF_FINDING.values()) for s in said]
    said = {word for sentence in sentences for word in sentence.split()}
    assert said <= set(surgery_speech._SOUNDS)
    assert not said & {*surgery_speech._SOUNDS.values(), *surgery_speech._FILLERS}


def test_the_narration_names_what_is_wrong_and_nothing_else() -> None:
    for seed in range(10):
        phantom = made(seed, size_px=32)
        text = " ".join(phantom.transcripts[0].words)
        for finding, said in surgery_speech._OF_FINDING.items():
            assert any(sentence in text for sentence in said) == (phantom.labels[finding] == "present"), finding


@pytest.mark.parametrize("phase", PHASES)
def test_tools_are_seen_in_the_frames_of_their_events(phase: str) -> None:
    phantom = made(3, phase=phase, frames=16, size_px=96)
    masks, out = phantom.picture.masks, {name: np.zeros(16, bool) for name in TOOLS}
    for event in phantom.events:
        assert 0 <= event.begin < event.end <= 16
        if event.sort == "tool":
            out[event.name][event.begin : event.end] = True
    assert TOOL_OF[phase] in {event.name for event in phantom.events if event.sort == "tool"}
    for name in TOOLS:
        seen = masks[name].any(axis=(1, 2))
        assert not (seen & ~out[name]).any(), name
        assert seen.sum() >= out[name].sum() - 2, "while it comes and goes it may be outside the field"
    told = {m.name: m.value for m in phantom.measurements}
    assert told["number of tools"] == sum(frames.any() for frames in out.values())


def test_phases_follow_one_another_without_a_gap() -> None:
    for seed in range(12):
        phases = [event for event in made(seed, size_px=32, frames=10).events if event.sort == "phase"]
        assert phases[0].begin == 0
        assert phases[-1].end == 10
        assert all(a.end == b.begin for a, b in pairwise(phases))
        order = [PHASES.index(event.name) for event in phases]
        assert order == list(range(order[0], order[0] + len(order)))


def test_blood_is_there_for_the_share_of_time_that_is_measured() -> None:
    for seed in range(8):
        phantom = made(seed, finding="bleeding", zone="omentum", frames=16, size_px=64)
        told = {m.name: m.value for m in phantom.measurements}["share of time bleeding"]
        seen = phantom.picture.masks["bleeding"].any(axis=(1, 2))
        assert abs(seen.mean() - told) <= 1 / 16
        assert seen[-1]


def test_clips_are_on_the_duct_once_they_are_set() -> None:
    before, after = made(4, phase="preparation", finding="none"), made(4, phase="cleaning", finding="none")
    assert after.picture.masks["clip"].any(axis=(1, 2)).any()
    assert not before.picture.masks["clip"][0].any()
    assert not (after.picture.masks["clip"] & after.picture.masks["cystic duct"]).any()
