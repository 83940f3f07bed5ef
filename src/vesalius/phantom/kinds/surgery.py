"""surgery: a laparoscopic clip of a cholecystectomy with its phases, tools, actions and narration.

Physics:  liver, gallbladder, duct, artery, bowel and fat are surfaces with a color and a slope, lit by a lamp beside the lens:
          what faces it is bright, wet surfaces shine, the rim of the field is darker. The camera sways and breathes, the
          gallbladder is pulled; each is a shift or a turn, so that lengths stay what they are. Smoke while tissue is burnt.
Findings: bleeding, bile leak, adhesion, perforation, spilled stone, cholecystitis. Look-alikes: bile and fat, blood and
          vessels, stones and lobules of fat, an inflamed and a red but healthy gallbladder.
Measured: in the plane of the field, where a pixel is `spacing_mm`: greatest diameters, lengths along a band, widths at right
          angles. Blood spreads until 0.7 of the clip and then has its size. Shares are of the clip's time.
          A transcript's `word_error_rate` is Levenshtein's distance over words from the narration, over its words.
Known limits: instruments do not push tissue; the cut duct's ends do not spring apart; depth is only shading; one liver edge.
"""

from typing import cast

import numpy as np

from vesalius.errors import Problem
from vesalius.phantom import grid
from vesalius.phantom.bodies.endoscopy.chip import developed
from vesalius.phantom.bodies.surgery import lesions as disease
from vesalius.phantom.bodies.surgery.field import Anatomy, draw_anatomy, paint_anatomy
from vesalius.phantom.bodies.surgery.lesions import Placed
from vesalius.phantom.bodies.surgery.maps import Maps, draw_maps, spot
from vesalius.phantom.bodies.surgery.speech import misheard, narrate
from vesalius.phantom.bodies.surgery.story import PHASES, TOOLS, Story, draw_story, events
from vesalius.phantom.bodies.surgery.things import draw_bag, draw_clips
from vesalius.phantom.bodies.surgery.tools import draw_over, tools_of
from vesalius.phantom.bodies.surgery.view import Frames, light, sway
from vesalius.phantom.case import Case
from vesalius.phantom.factors import Factor, Values
from vesalius.phantom.findings import FindingKind
from vesalius.phantom.grid import Grid
from vesalius.phantom.truth import Bools, Drawing, Floats, Measured, Picture, Transcript
from vesalius.types import Array, Point

SIZE_PX, FRAMES, FIELD_MM, MODALITY = 96, 16, 110.0, "ES"
_BLOCK = 1 << 16  # pixels that are worked on at a time

SAYS = "laparoscopic cholecystectomy: a clip with phases, tools, complications and a narration as recognizers heard it"
_ZONES = ("liver bed", "hepatocystic triangle", "omentum")
FINDINGS = (
    FindingKind(
        "bleeding",
        "T81.0",
        size_mm=(8, 22),
        size_is="greatest diameter when it has spread",
        attributes={"zone": _ZONES},
        severities={"small": (0.0, 12.0), "moderate": (12.0, 18.0), "large": (18.0, 34.0)},
        looks_like=("vessels",),
    ),
    FindingKind(
        "bile leak",
        "K83.8",
        size_mm=(8, 20),
        size_is="greatest diameter",
        attributes={"zone": _ZONES},
        severities={"small": (0.0, 11.0), "moderate": (11.0, 16.0), "large": (16.0, 31.0)},
        looks_like=("fat",),
    ),
    FindingKind(
        "adhesion",
        "K66.0",
        size_mm=(18, 34),
        size_is="length of the band",
        attributes={"shape": ("filmy", "dense")},
        looks_like=("fat",),
    ),
    FindingKind("perforation", "K82.2", size_mm=(4, 9), size_is="greatest diameter", looks_like=("shadow on the gallbladder",)),
    FindingKind(
        "spilled stone",
        "K80.2",
        size_mm=(4, 9),
        size_is="greatest diameter",
        attributes={"color": tuple(disease.STONES)},
        most=4,
        looks_like=("lobule of fat", "clip"),
    ),
    FindingKind("cholecystitis", "K81.0", grades=("mild", "moderate", "severe"), looks_like=("red healthy gallbladder",)),
)
FACTORS = {
    **grid.CLIP,
    "phase": Factor("of the operation at the clip's beginning", choices=PHASES),
    "word_error_rate": Factor("of the two recognizers: share of words that are wrong", low=0, high=0.6),
}
_ANATOMY, _MAPS = range(2)  # streams of the body
_STORY, _CAMERA, _TOOLS, _LIGHT, _NOISE, _SPEECH = range(6)  # streams of the visit


def together(values: Values) -> list[Problem]:
    """What of the factors is impossible in combination."""
    return grid.unfit(values, (FIELD_MM, FIELD_MM))


def draw(case: Case) -> Drawing:
    """The clip of one visit, its masks, events, measurements and transcripts."""
    on = grid.picture_grid(case.values, field_mm=FIELD_MM, size_px=SIZE_PX)
    count = int(cast(int, case.fixed("frames", FRAMES)))
    anatomy, maps = draw_anatomy(case.body(_ANATOMY)), draw_maps(case.body(_MAPS))
    phase = case.values.get("phase")
    story = draw_story(case.pose(_STORY), str(phase) if phase else None)
    moments = ((np.arange(count) + 0.5) / count).astype(np.float32)
    placed = disease.place_all(case, anatomy)
    noise = case.pose(_NOISE)
    block = max(1, _BLOCK // on.shape[0] ** 2)
    parts = [
        _part(case, _frames(case, story, on, moments[at : at + block]), (anatomy, maps, story), placed, noise)
        for at in range(0, count, block)
    ]
    picture = Picture(
        name="clip",
        kind="clip",
        pixels=np.concatenate([part[0] for part in parts]),
        spacing_mm=on.spacing_mm,
        modality=MODALITY,
        masks={name: np.concatenate([part[1][name] for part in parts]) for name in parts[0][1]},
        frame_s=round(story.seconds / count, 6),
        points=_points(_frames(case, story, on, moments), anatomy, count // 2),
    )
    told = events(story, moments)
    tools = len({event.name for event in told if event.sort == "tool"})
    return Drawing((picture,), _measured(anatomy, story, placed, tools), tuple(told), _heard(case, story, count))


def _frames(case: Case, story: Story, on: Grid, moments: Floats) -> Frames:
    """Where the camera looks, and how the gallbladder is pulled, at some moments."""
    rng = case.pose(_CAMERA)
    down, across = (axis[None] for axis in on.axes_mm())
    offset, turn = rng.uniform(-5, 5, 2), rng.uniform(-0.32, 0.32)
    shift = sway(rng, moments, 1.8) + offset.astype(np.float32)
    shift[:, 1] += np.sin(moments * np.float32(story.seconds * 1.4)) * np.float32(1.0)  # breath
    turned = (turn + 0.03 * sway(rng, moments, 1.0)[:, 0]).astype(np.float32)
    pull = sway(rng, moments, 1.4) + story.lift(moments)[:, None] * np.array([[0.6, -1.6]], np.float32)
    c, s = np.cos(turned)[:, None, None], np.sin(turned)[:, None, None]
    x = across * c - down * s + shift[:, 0, None, None]
    y = across * s + down * c + shift[:, 1, None, None]
    return Frames(moments, across, down, x, y, shift, turned, pull.astype(np.float32), on.spacing_mm[0])


def _part(
    case: Case, frames: Frames, patient: tuple[Anatomy, Maps, Story], placed: list[Placed], noise: np.random.Generator
) -> tuple[Array, dict[str, Bools]]:
    """Some frames of the clip and their masks."""
    anatomy, maps, story = patient
    surface, masks = paint_anatomy(anatomy, maps, frames, story.covered(frames.moments))
    masks["clip"] = draw_clips(surface, anatomy, story, frames, masks["cystic duct"])
    masks["bag"] = draw_bag(surface, anatomy, story, frames, maps)
    scene = disease.Scene(surface, anatomy, maps, frames, masks["gallbladder"] & ~masks["bag"])
    lesions = disease.paint(scene, placed)
    rng = case.pose(_LIGHT)
    lamp, gain, shine, edge = rng.uniform(-14, 14, 2), rng.uniform(0.75, 1.25), rng.uniform(0.4, 1.1), rng.uniform(0.3, 0.9)
    picture = light(surface, frames, gain=gain, lamp=(lamp[0], lamp[1]), shine=shine, edge=edge)
    is_round, radius = rng.random() < 0.35, rng.uniform(0.94, 1.08)
    _smoke(picture, story, frames, maps)
    used = draw_over(tools_of(case.pose(_TOOLS), story, anatomy, frames), frames, picture)
    half = np.float32(FIELD_MM / 2 * (radius if is_round else 2))
    field = np.asarray((frames.across**2 + frames.down**2 < half * half)[0])
    pixels = developed(picture, field, case.look, noise)
    shown = np.broadcast_to(field, picture.shape[1:]).copy()
    for name in TOOLS:
        masks[name] = used.get(name, np.zeros(shown.shape, np.bool_)) & field
        shown &= ~masks[name]
    masks["gallbladder"] &= ~masks["bag"]
    return pixels, {name: mask if name in TOOLS else mask & shown for name, mask in {**masks, **lesions}.items()}


def _smoke(picture: Floats, story: Story, frames: Frames, maps: Maps) -> None:
    """A veil that drifts over the field while tissue is burnt, in place."""
    dense = story.smoke_at(frames.moments)
    for frame in np.flatnonzero(dense > 0.02):
        drift = np.float32(40 * frames.moments[frame])
        x, y = np.broadcast_arrays(frames.across[0] * np.float32(0.6) + drift, frames.down[0] * np.float32(0.6) - drift)
        veil = np.clip(spot(x, y).of(maps.cloud) * np.float32(0.22) + np.float32(0.30), 0.04, 0.7) * dense[frame]
        picture[:, frame] += (np.float32(0.74) - picture[:, frame]) * veil


def _points(frames: Frames, a: Anatomy, frame: int) -> dict[str, Point]:
    """Landmarks in the middle frame, in pixels (t, y, x); those that are in the picture."""
    places = {"neck": (a.neck, 1.0), "fundus": (a.fundus, 1.0), "end of the cystic duct": (a.duct_end, 0.0)}
    found = {}
    for name, (place, pull) in places.items():
        across, down = (float(axis[frame]) / frames.step_mm + frames.x.shape[1] / 2 for axis in frames.seen_at(place, pull))
        if 0 <= across < frames.x.shape[2] and 0 <= down < frames.x.shape[1]:
            found[name] = Point((float(frame), down, across))
    return found


def _measured(a: Anatomy, story: Story, placed: list[Placed], tools: int) -> tuple[Measured, ...]:
    """What is true of the clip, on the body itself."""
    length = ((a.fundus[0] - a.neck[0]) ** 2 + (a.fundus[1] - a.neck[1]) ** 2) ** 0.5 + a.neck_half + a.fundus_half
    blood = [item.begins for item in placed if item.lesion.finding == "bleeding"]
    stones = len([item for item in placed if item.lesion.finding == "spilled stone"])
    bleeding = round(1 - min(blood), 3) if blood else 0.0
    found = [
        Measured("width of the cystic duct", round(2 * a.duct_half, 2), "mm", "outer diameter", "clip", "cystic duct"),
        Measured(
            "width of the gallbladder", round(2 * a.fundus_half, 2), "mm", "greatest, at right angles", "clip", "gallbladder"
        ),
        Measured("length of the gallbladder", round(length, 2), "mm", "straight from neck to fundus", "clip", "gallbladder"),
        Measured("length of the clip", round(story.seconds, 3), "s", "number of frames times the time between them", "clip"),
        Measured("number of tools", tools, "1", "different tools in the clip's frames", "clip"),
        Measured("share of time bleeding", bleeding, "1", "of the clip, from when blood is first there", "clip", "bleeding"),
        Measured("number of spilled stones", stones, "1", "outside the gallbladder", "clip", "spilled stone"),
    ]
    sizes = {kind.name: kind.size_is for kind in FINDINGS}
    for item in placed:
        if item.lesion.size_mm is not None:
            name = item.lesion.finding
            found.append(Measured(f"size of the {name}", item.lesion.size_mm, "mm", sizes[name], "clip", item.lesion.mask))
    return tuple(found)


def _heard(case: Case, story: Story, frames: int) -> tuple[Transcript, ...]:
    """The narration as it was said, then as two recognizers heard it."""
    rng = case.pose(_SPEECH)
    drawn = rng.uniform(0.05, 0.35)
    rate = float(cast(float, case.fixed("word_error_rate", drawn)))
    true = narrate(rng, story, case.lesions, frames)
    return (
        true,
        misheard(case.pose(_SPEECH, 1), true, rate, drops=True),
        misheard(case.pose(_SPEECH, 2), true, rate, drops=False),
    )
