"""What a model is shown of an upload: one plane of one series, chosen by named rules and turned as a reader sees it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vesalius.clinical import study as studies
from vesalius.clinical.series import LARGEST_ORIGINAL, MIDDLE_SLICE, SMALLEST_SHOWN_PX, shown_part
from vesalius.errors import InputRefused
from vesalius.transforms.orient import (
    Order,
    box_from_display,
    box_to_display,
    display_order,
    in_display_order,
    to_display_order,
)
from vesalius.transforms.strokes import has_colored_strokes
from vesalius.types import Array, Box, CodedWarning, Image, Part, Series, Study


@dataclass(frozen=True, eq=False)
class View:
    """A plane of a picture, turned as a reader sees it, and the way back to the file's own grid.

    Attributes:
        part: which part of the picture it is.
        plane_px: (rows, columns) of it as stored.
        order: how it was turned.
        scale: pixels of the picture's finest grid per pixel of the plane, (y, x): more than 1 for a slide's overview.
    """

    part: Part
    plane_px: tuple[int, int]
    order: Order
    scale: tuple[float, float] = (1.0, 1.0)

    def of(self, image: Image) -> Image:
        """The plane as a picture of its own, decoded.

        Raises:
            InputRefused: it cannot be decoded.
        """
        pixels: Array = to_display_order(image.part(self.part), self.order, channels=image.channels)
        spacing = None
        if image.spacing_mm is not None:
            spacing = in_display_order(_scaled(image.spacing_mm[-2:], self.scale), self.order)
        plane = replace(image, kind="image", shape=in_display_order(self.plane_px, self.order), load=lambda: pixels)
        plane = replace(plane, load_part=None, spacing_mm=spacing, affine_lps_mm=None, levels=())
        return replace(plane, frame_s=None, frame_times_s=None)

    def in_file(self, box: Box) -> Box:
        """A box of the plane as shown, in pixels of the file's own grid."""
        stored = box_from_display(box, self.order, self.plane_px)
        return Box(_scaled(stored.low, self.scale), _scaled(stored.high, self.scale))

    def as_shown(self, box: Box) -> Box:
        """The inverse of `in_file`."""
        back = (1 / self.scale[0], 1 / self.scale[1])
        return box_to_display(Box(_scaled(box.low, back), _scaled(box.high, back)), self.order, self.plane_px)


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture as the model is shown it: of which study and series, which plane, and everything that is doubtful about it."""

    image: Image
    study: Study
    series: Series
    view: View
    warnings: tuple[CodedWarning, ...]

    @property
    def frame(self) -> int | None:
        """The slice of the volume, or the frame of the clip; None for what is shown whole."""
        return self.view.part.index[-1] if self.view.part.index else None

    def to_json(self, role: str) -> dict[str, Any]:
        """What an answer says of it: the rules by which it was chosen, with their versions."""
        part = self.view.part
        said = {"role": role, "study_key": self.study.study_key, "series_key": self.series.series_key}
        said |= {"series_choice": LARGEST_ORIGINAL.label, "why": self.series.why}
        if part.index:
            volume = {"volume": part.index[0]} if len(part.index) == 2 else {}
            return {**said, "slice_policy": MIDDLE_SLICE.label, **volume, "frame": self.frame}
        return {**said, "slice_policy": MIDDLE_SLICE.label, "level": part.level} if self.series.kind == "slide" else said


def look_up(paths: Sequence[Path]) -> Shown:
    """Read files, and choose and decode the one plane that is shown.

    Raises:
        InputRefused: `mixed_patients`; `no_pixels` when nothing of it is a picture; `too_small`; the one refusal where a
            single file was refused, or the picture cannot be decoded.
        UsageError: `bad_option` for an address.
    """
    inventory = studies.read(paths)
    study, series = _chosen(inventory)
    image = series.images[0]
    view = view_of(image)
    plane = view.of(image)
    if min(plane.shape) < SMALLEST_SHOWN_PX:
        raise InputRefused(
            "too_small",
            f"The picture has fewer than {SMALLEST_SHOWN_PX} pixels a side. Nothing can be seen in it. Name a larger one.",
        )
    pictures = sum(len(series.images) for study in inventory.studies for series in study.series)
    beside = [warning for warning in inventory.warnings if warning.code != "several_patients"]  # of one patient several visits
    doubts = (*_said_of_view(image, view, plane), *_said_of_rest(pictures - 1))
    return Shown(plane, study, series, view, (*series.warnings, *image.warnings, *study.warnings, *doubts, *beside))


def view_of(image: Image) -> View:
    """The plane that stands for a picture, by the rule `MIDDLE_SLICE`, and how it is turned."""
    part = shown_part(image)
    rows, columns = image.levels[part.level] if image.levels else image.shape[-2:]
    scale = (image.shape[-2] / rows, image.shape[-1] / columns)
    return View(part, (rows, columns), display_order(image.affine_lps_mm), scale)


def _chosen(inventory: studies.Inventory) -> tuple[Study, Series]:
    """Of several visits the latest is asked about."""
    if not inventory.studies and inventory.rejected:
        first = inventory.rejected[0]
        more = f" {len(inventory.rejected) - 1} further files were refused too." if len(inventory.rejected) > 1 else ""
        raise InputRefused(first.code, first.message + more)
    if len({study.patient_key for study in inventory.studies}) > 1:
        raise InputRefused(
            "mixed_patients",
            f"The input holds {len(inventory.studies)} studies of several patients (a file that names no patient counts as one). "
            "One answer cannot be about several people. Ask about one at a time.",
        )
    pictured = [(study, series) for study in inventory.studies for series in study.series if series.chosen]
    if not pictured:
        kinds = sorted({series.kind for study in inventory.studies for series in study.series})
        what = f"objects of the kind {', '.join(kinds)}" if kinds else "a list of files alone"
        raise InputRefused("no_pixels", f"The input holds {what} and no picture. There is nothing to look at. Add the pictures.")
    return max(pictured, key=lambda pair: pair[1].images[0].day or 0.0)


def _said_of_view(image: Image, view: View, plane: Image) -> list[CodedWarning]:
    """What is lost by showing one plane, and what can be seen on it alone."""
    doubts = []
    if image.kind == "volume" and image.affine_lps_mm is None:
        said = "The file does not say how the volume lies in the patient: the slice is shown as stored; sides may be exchanged."
        doubts.append(CodedWarning("shown_in_file_order", said))
    what, index = {"volume": "slice", "clip": "frame"}.get(image.kind, ""), view.part.index
    if index:
        volume = f" of volume {index[0]} of {image.shape[0]}" if len(index) == 2 else ""
        said = f"The model takes pictures; {what} {index[-1]} of {image.shape[-3]}{volume} was shown to it."
        doubts.append(CodedWarning("volume_as_slice", said, {"frame": index[-1]}))
    elif image.kind == "slide":
        rows, columns = view.plane_px
        said = f"The model takes pictures; the slide's overview of {columns} x {rows} pixels was shown to it, no detail."
        doubts.append(CodedWarning("volume_as_slice", said, {"level": view.part.level}))
    if plane.channels == 3 and has_colored_strokes(plane.load()):
        said = "Straight strokes of color lie on a gray picture: somebody has marked it before. The model sees the marks too."
        doubts.append(CodedWarning("prior_annotation", said, {"in": "pixels"}))
    return doubts


def _said_of_rest(pictures: int) -> list[CodedWarning]:
    said = f"The input holds {pictures} further pictures or volumes that the model was not shown."
    return [CodedWarning("other_series_not_shown", said, {"pictures": pictures})] if pictures else []


def _scaled(pair: Sequence[float], scale: tuple[float, float]) -> tuple[float, ...]:
    return tuple(value * factor for value, factor in zip(pair, scale, strict=True))
