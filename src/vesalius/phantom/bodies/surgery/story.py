"""What happens in a clip of a cholecystectomy: phases, the tools that are in and what they do, as shares of the clip."""

from dataclasses import dataclass
from math import pi, sin

import numpy as np

from vesalius.phantom.truth import Event, Floats

PHASES = ("preparation", "dissection", "clipping", "cutting", "cleaning", "retrieval")
TOOL_OF = {
    "preparation": "grasper",
    "dissection": "hook",
    "clipping": "clipper",
    "cutting": "scissors",
    "cleaning": "suction",
    "retrieval": "grasper",
}
ACTION_OF = {
    "preparation": "expose",
    "dissection": "dissect",
    "clipping": "clip",
    "cutting": "cut",
    "cleaning": "aspirate",
    "retrieval": "pack",
}
TOOLS = ("grasper", "hook", "clipper", "scissors", "suction")
_CHANGE = 0.06  # half of the time that changing a tool takes


@dataclass(frozen=True)
class Story:
    """One clip.

    Attributes:
        first: its phase at the beginning; `second` the next one, or None when it does not change.
        switch: share of the clip at which the phase changes.
        done: share of a phase at which its clips are on or its cut is made.
        seconds: how long the clip lasts.
        clips: how many are put on the duct.
        smoke: how dense smoke gets while tissue is burnt, 0 to 1.
        second_grasper: whether another grasper holds the fundus.
    """

    first: str
    second: str | None
    switch: float
    done: float
    seconds: float
    clips: int
    smoke: float
    second_grasper: bool

    def spans(self) -> list[tuple[str, float, float]]:
        """(phase, begin, end) in shares of the clip."""
        if self.second is None:
            return [(self.first, 0.0, 1.0)]
        return [(self.first, 0.0, self.switch), (self.second, self.switch, 1.0)]

    def working(self) -> list[tuple[str, float, float]]:
        """(phase, begin, end) in which the right hand's tool is in."""
        spans = self.spans()
        return [(phase, begin + (_CHANGE if begin > 0 else 0), end - (_CHANGE if end < 1 else 0)) for phase, begin, end in spans]

    def reached(self, phase: str, moments: Floats) -> Floats:
        """1 from when a phase's work is done on, else 0, (T,)."""
        found = np.zeros(len(moments), np.float32)
        for name, begin, end in self.spans():
            within = (moments >= begin) & (moments < end)
            if PHASES.index(name) > PHASES.index(phase):
                found[within] = 1
            elif name == phase:
                found[within & (moments >= begin + self.done * (end - begin))] = 1
        return found

    def covered(self, moments: Floats) -> Floats:
        """How much fat still hides the duct, (T,): dissection clears it."""
        found = np.zeros(len(moments), np.float32)
        for name, begin, end in self.spans():
            within = (moments >= begin) & (moments < end)
            if name == "preparation":
                found[within] = 0.66
            elif name == "dissection":
                found[within] = 0.60 - 0.5 * (moments[within] - begin) / (end - begin)
            else:
                found[within] = 0.08
        return found

    def smoke_at(self, moments: Floats) -> Floats:
        """Density of smoke, (T,)."""
        found = np.zeros(len(moments), np.float32)
        for name, begin, end in self.spans():
            if name != "dissection":
                continue
            share = np.clip((moments - begin) / (end - begin), 0, 1.6)
            found += np.where(moments >= begin, np.sqrt(np.maximum(np.sin(np.minimum(share, 1) * pi), 0)), 0) * self.smoke
        return found.astype(np.float32)

    def lift(self, moments: Floats) -> Floats:
        """How far the gallbladder is pulled, about 0 to 1, (T,)."""
        return np.array([0.5 + 0.5 * sin(5 * float(u) + 7 * self.switch) for u in moments], np.float32)


def draw_story(rng: np.random.Generator, phase: str | None) -> Story:
    """A clip of one phase or two; `phase` fixes the first."""
    drawn = PHASES[int(rng.integers(len(PHASES)))]
    first = phase or drawn
    goes_on, switch = rng.random() < 0.5, rng.uniform(0.38, 0.62)
    last = first == PHASES[-1]
    return Story(
        first=first,
        second=PHASES[PHASES.index(first) + 1] if goes_on and not last else None,
        switch=switch,
        done=rng.uniform(0.35, 0.7),
        seconds=rng.uniform(14, 26),
        clips=int(rng.integers(2, 4)),
        smoke=rng.uniform(0.25, 1.0),
        second_grasper=rng.random() < 0.6,
    )


def events(story: Story, moments: Floats) -> list[Event]:
    """Phases, tools and actions by frames; what falls between two frames is left out."""
    found = [_event("phase", name, begin, end, moments) for name, begin, end in story.spans()]
    found.append(_event("tool", "grasper", 0.0, 1.0, moments))
    found.append(_event("action", "retract", 0.0, 1.0, moments))
    for phase, begin, end in story.working():
        if TOOL_OF[phase] != "grasper":
            found.append(_event("tool", TOOL_OF[phase], begin, end, moments))
        found.append(_event("action", ACTION_OF[phase], begin, end, moments))
    return [event for event in found if event.begin < event.end]


def _event(sort: str, name: str, begin: float, end: float, moments: Floats) -> Event:
    """From the first frame within to the first after it."""
    return Event(sort, name, int(np.searchsorted(moments, begin)), int(np.searchsorted(moments, end)))
