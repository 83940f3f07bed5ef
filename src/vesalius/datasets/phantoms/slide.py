"""The whole slide of a phantom of `cells`, larger than memory, written as DICOM with masks: one file a level, tile after tile."""

from functools import partial
from pathlib import Path

from vesalius.clinical.dicom.objects import slide
from vesalius.clinical.dicom.objects.segmentation import Drawn, TileMasks
from vesalius.clinical.dicom.write import Names
from vesalius.datasets.phantoms.dicom import uid, visit_of
from vesalius.phantom import world
from vesalius.phantom.bodies.cells import slide as cells_slide
from vesalius.phantom.case import Case
from vesalius.phantom.kinds import cells
from vesalius.types import Array

SERIES, MASKS_SERIES = 201, 301  # Series Numbers


def write(
    seed: int,
    folder: Path,
    *,
    visit: int = 0,
    levels: tuple[int, ...] = (0, 1, 2),
    masked: tuple[int, ...] = (1, 2),
    **given: object,
) -> list[Path]:
    """Write a patient's slide as `cells-<seed>-visit-<visit>-slide-level-<level>.dcm` into `folder`, which is made.

    The slide is in the study of the fields that `phantoms.dicom.write` writes of the same patient with the same factors. What
    the masks of a level hold lies beside it in `…-masks.dcm`, one segment for each cell type and lesion.

    Args:
        seed: the patient's number.
        folder: where to.
        visit: 0 or 1.
        levels: which are written; 0 is the finest, 16,000 x 20,000 pixels and close to 1 GB.
        masked: of which of them the masks are; those of the finest are some 400 MB, in 20,000 tiles that each are described.
        given: factors of the kind, see `world.make`.

    Returns:
        The files, as the levels were named, each level's masks behind it.

    Raises:
        UsageError: `bad_factor`.
    """
    phantom = world.make("cells", seed=seed, visit=visit, **given)
    case = cells.slide_case(seed, visit=visit, **given)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for level in levels:
        stem = f"cells-{seed}-visit-{visit}-slide-level-{level}"
        shape, step_mm = cells_slide.shape_px(level), cells_slide.STEP_UM * cells_slide.DOWN**level / 1000
        files.append(folder / f"{stem}.dcm")
        names = Names(uid(phantom, "series", "slide"), uid(phantom, "instance", files[-1].name), SERIES, level + 1, "slide")
        with TileMasks(shape, cells_slide.TILE_PX) as masks:
            sop_class = slide.write_level(
                files[-1],
                partial(_drawn, case, level, masks if level in masked else None),
                shape,
                visit_of(phantom),
                names,
                spacing_mm=(step_mm, step_mm),
                frame_uid=uid(phantom, "frame", "slide"),
                specimen_uid=uid(phantom, "specimen"),
                tile_px=cells_slide.TILE_PX,
                is_finest=level == 0,
            )
            if masks.frames:
                drawn = Drawn(
                    sop_class=sop_class,
                    series_uid=names.series_uid,
                    instances=[names.instance_uid],
                    layout="tiles",
                    spacing_mm=(step_mm, step_mm),
                    tile_px=cells_slide.TILE_PX,
                    frame_uid=uid(phantom, "frame", "slide"),
                )
                files.append(folder / f"{stem}-masks.dcm")
                series = uid(phantom, "series", "slide", "masks")
                own = Names(series, uid(phantom, "instance", files[-1].name), MASKS_SERIES, level + 1, "slide masks")
                abnormal = [lesion.mask for lesion in phantom.lesions]
                masks.write(files[-1], drawn, visit_of(phantom), own, abnormal=abnormal)
    return files


def _drawn(case: Case, level: int, masks: TileMasks | None, y0: int, x0: int, y1: int, x1: int) -> Array:
    """A tile's pixels; tiles are whole ones of the slide's own, so that none is drawn twice. Its masks are kept if wanted."""
    seen = cells_slide.region(case, (y0, x0, y1, x1), level)
    if masks is not None:
        masks.add((y0, x0), seen.masks)
    return seen.pixels
