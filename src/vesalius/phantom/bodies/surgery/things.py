"""What surgeons leave in the field: clips on the duct, the cut between them, the bag for the gallbladder."""

import numpy as np

from vesalius.phantom.bodies.surgery.field import Anatomy, along_tube
from vesalius.phantom.bodies.surgery.maps import Maps, spot
from vesalius.phantom.bodies.surgery.story import Story
from vesalius.phantom.bodies.surgery.view import Frames, Surface
from vesalius.phantom.truth import Bools

_CLIP_MM, _CUT_MM = 0.85, 1.5  # half widths along the duct


def draw_clips(surface: Surface, a: Anatomy, story: Story, frames: Frames, duct: Bools) -> Bools:
    """Metal clips across the duct from when they are put on, and the cut from when it is made; the clips' mask.

    The cut is taken out of `duct`.
    """
    on, cut = story.reached("clipping", frames.moments), story.reached("cutting", frames.moments)
    mask = np.zeros(frames.x.shape, np.bool_)
    if not on.any():
        return mask
    middle = ((a.duct_end[0] + a.neck[0]) / 2, (a.duct_end[1] + a.neck[1]) / 2)
    length = ((a.neck[0] - a.duct_end[0]) ** 2 + (a.neck[1] - a.duct_end[1]) ** 2) ** 0.5
    box = frames.box(middle, length / 2 + 8)
    along, aside = along_tube(frames, (a.duct_end, a.neck, a.duct_bow), box)
    share = 0.52 * length
    gap = duct[box] & (np.abs(along - np.float32(share)) < _CUT_MM) & (cut[:, None, None] > 0)
    surface.cover(box, gap, (0.42, 0.12, 0.10), (0.0, 0.0), 0.6)
    duct[box] &= ~gap
    half = max(_CLIP_MM, 0.55 * frames.step_mm)
    clips = np.zeros(along.shape, np.bool_)
    for number in range(story.clips):
        place = share + (4.2, -3.6, -6.4)[number]
        at = (along - np.float32(place)) * np.float32(1 / half)
        inside = (np.abs(at) < 1) & (np.abs(aside) < np.float32(a.duct_half + 1.2)) & (on[:, None, None] > 0)
        tone = 0.42 + 0.5 * np.sqrt(np.maximum(1 - at * at, 0))
        surface.cover(box, inside, (tone, tone, tone * np.float32(1.03)), (at * np.float32(0.3), aside * np.float32(0.1)), 1.2)
        clips |= inside
    mask[box] = clips
    duct[box] &= ~clips
    return mask


def draw_bag(surface: Surface, a: Anatomy, story: Story, frames: Frames, maps: Maps) -> Bools:
    """The bag into which the gallbladder goes, neck first, from when it is in it: a milky pouch with a stiff rim."""
    mask = np.zeros(frames.x.shape, np.bool_)
    there = story.reached("retrieval", frames.moments)
    if not there.any():
        return mask
    mouth, back = a.on_axis(0.24), a.on_axis(-0.5)
    length = ((mouth[0] - back[0]) ** 2 + (mouth[1] - back[1]) ** 2) ** 0.5
    middle, wide = a.on_axis(-0.13), a.half_at(0.24) * 1.7 + 2.0
    box = frames.box(middle, length / 2 + wide, pull=1)
    along, aside = along_tube(frames.pulled(), (back, mouth, 0.0), box)
    wrinkle = spot(*frames.around((0, 0), box, pull=1)).of(maps.cloud)
    share, at = along * np.float32(1 / length), aside * np.float32(1 / wide)
    rim = np.float32(1.0) - np.float32(0.10) * at * at
    half = np.sqrt(np.clip(share * np.float32(2.2), 0, 1)) * (1 + np.float32(0.10) * wrinkle)
    inside = (share > 0) & (share < rim) & (np.abs(at) < half) & (there[:, None, None] > 0)
    veil = np.clip(0.55 + 0.15 * wrinkle + np.clip((share - rim + 0.07) * 9, 0, 0.4), 0, 0.95)
    surface.blend(box, inside, (0.86, 0.88, 0.92), veil.astype(np.float32))
    for axis in range(2):
        slope = surface.slope[axis][box]
        np.copyto(slope, slope * np.float32(0.4) + wrinkle * np.float32(0.35), where=inside)
    np.copyto(surface.gloss[box], np.float32(1.2), where=inside)
    mask[box] = inside
    return mask
