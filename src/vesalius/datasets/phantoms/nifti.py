"""A phantom written as NIfTI: each picture one file, and each of its masks one beside it, since masks may overlap."""

from pathlib import Path

from vesalius.clinical.nifti_write import write_nifti
from vesalius.datasets.phantoms.image import mask_stem_of, stem_of
from vesalius.phantom.truth import Phantom


def write(phantom: Phantom, folder: Path) -> list[Path]:
    """Write one visit as `<kind>-<seed>-visit-<visit>-<picture>.nii.gz` into `folder`, which is made.

    A mask is `…-<picture>-mask-<name>.nii.gz`, 0 and 1 on the picture's own grid; those that are empty are written too. Volumes
    lie in the patient (RAS); a film's frames are a series of volumes of one slice, and the masks' of it likewise.

    Returns:
        The files, those of each picture together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for picture in phantom.pictures:
        stem = stem_of(phantom, picture)
        arrays = {stem: picture.pixels} | {mask_stem_of(phantom, picture, name): mask for name, mask in picture.masks.items()}
        for name, values in arrays.items():
            files.append(folder / f"{name}.nii.gz")
            write_nifti(
                files[-1],
                values,
                spacing_mm=picture.spacing_mm,
                affine_lps_mm=picture.affine_lps_mm if picture.kind == "volume" else None,
                frame_s=picture.frame_s,
                is_color=name == stem and picture.channels == 3,
            )
    return files
