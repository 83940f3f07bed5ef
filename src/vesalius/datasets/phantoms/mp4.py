"""A phantom's films written as MP4, without loss."""

from pathlib import Path

from vesalius.clinical.video_write import write_film
from vesalius.datasets.phantoms.image import on_screen, stem_of
from vesalius.errors import UsageError
from vesalius.phantom.truth import Phantom


def write(phantom: Phantom, folder: Path) -> list[Path]:
    """Write one visit as `<kind>-<seed>-visit-<visit>-<picture>.mp4` into `folder`, which is made.

    Gray of twelve bits is shown with the eight that a film has.

    Returns:
        The files.

    Raises:
        MissingFromEnvironment: `missing_package`, without the extra `video`.
        UsageError: `bad_option`, for a phantom that is no film; nothing is written.
    """
    for picture in phantom.pictures:
        if picture.kind != "clip" or picture.frame_s is None:
            raise UsageError(
                "bad_option",
                f"{phantom.kind} is no film, and MP4 holds nothing else. Choose another format for it: dicom, nifti or png.",
            )
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for picture in phantom.pictures:
        files.append(folder / f"{stem_of(phantom, picture)}.mp4")
        write_film(files[-1], on_screen(picture.pixels), frame_s=float(picture.frame_s or 0))
    return files
