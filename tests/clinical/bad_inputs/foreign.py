"""Groups 54 and 57: types that are not read, files that are two types at once, and names that say another type."""

import io
import struct
import tarfile
import zipfile
from typing import Any

from PIL import Image as Pillow
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import CANARY, NAME, Case
from tests.clinical.bad_inputs.dicom_pixels import SCENE
from tests.clinical.bad_inputs.pictures import BLOCKS, LOSSY, saved
from tests.clinical.bad_inputs.tiff_files import picture, tiff
from tests.clinical.bad_inputs.volumes import VOXELS, nifti


def cases() -> list[Case]:
    """Groups 54 and 57."""
    return [*_types(), *_two_at_once(), *_names()]


def pdf(*, pages: int = 1, locked: bool = False) -> bytes:
    """A document that runs a script when it is opened."""
    objects = [
        f"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert('{CANARY}'))>>>>",
        f"<</Type/Pages/Count {pages}/Kids[{' '.join(f'{index + 3} 0 R' for index in range(pages))}]>>",
        *["<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"] * pages,
    ]
    body, places = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode()
    lock = f"/Encrypt<</Filter/Standard/V 2/R 3/P -44/O({'x' * 32})/U({'y' * 32})>>/ID[<00><00>]" if locked else ""
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}trailer<</Size {len(places) + 1}/Root 1 0 R{lock}>>\n"
    return body + (end + f"startxref\n{len(body)}\n%%EOF\n").encode()


def zipped(**files: bytes) -> bytes:
    """A small archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def _types() -> list[Case]:
    vector = (
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">'
    )
    billion = (
        '<!DOCTYPE s [<!ENTITY a "ha">'
        + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
        + "]><svg>&j;</svg>"
    )
    said = (
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    2",
        f"COMMENT {CANARY}",
    )
    cards = b"".join(line.ljust(80).encode() for line in (*said, "END"))
    contents = {
        "svg": (f"{vector}<script>alert(1)</script><text>{CANARY}&x;</text></svg>".encode(), "svg"),
        "svg_of_a_billion_laughs": (billion.encode(), "svg"),
        "heic": (struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + b"\0" * 400, "heic"),
        "avif": (struct.pack(">I", 24) + b"ftypavif\0\0\0\0mif1avif" + b"\0" * 400, "avif"),
        "psd": (b"8BPS\0\1" + b"\0" * 6 + struct.pack(">HIIHH", 3, 40, 32, 8, 3) + b"\0" * 400, "psd"),
        "fits": (cards.ljust(2880) + b"\0" * 2880, "fits"),
        "pdf_with_a_script": (pdf(), "pdf"),
        "pdf_with_a_password": (pdf(locked=True), "pdf"),
        "pdf_of_5000_pages": (pdf(pages=5000), "pdf"),
        "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n", "eps"),
        "program": (b"\x7fELF\2\1\1" + b"\0" * 500, "png"),
        "seven_zip": (b"7z\xbc\xaf\x27\x1c\0\4" + b"\0" * 200, "7z"),
        "rar": (b"Rar!\x1a\7\1\0" + b"\0" * 200, "rar"),
        "numpy_pickle": (
            b"\x93NUMPY\1\0v\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(128) + b"cos\nsystem\n",
            "npy",
        ),
        "hdf5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 500, "h5"),
        "json": (f'{{"PatientName": "{CANARY}"}}'.encode(), "json"),
        "table": (f"=cmd|'/C calc'!A0,{CANARY}\n".encode() * 20, "csv"),
    }
    return [
        one_file(54, name, content, "unsupported_type", "refused", f"{NAME}.{ending}")
        for name, (content, ending) in contents.items()
    ] + [one_file(54, "bitmap", saved(SCENE, "BMP"), "", "golden", f"{NAME}.bmp", values=SCENE)]


def _two_at_once() -> list[Case]:
    inside = zipped(**{f"{NAME}.txt": CANARY.encode()})
    elements = b.parts(b.CT)
    png = saved(SCENE, "PNG")
    graphic = Pillow.fromarray(SCENE)
    gif = io.BytesIO()
    graphic.save(gif, "GIF")
    letters = struct.unpack("<f", b"DICM")[0]  # where NIfTI keeps the lowest value, DICOM has its prefix
    at_once = {
        "dicom_and_zip": (b.one() + inside, "dcm"),
        "dicom_and_pdf": (b.dicom(elements, preamble=b"%PDF-1.7\n1 0 obj<<>>endobj\n"), "dcm"),
        "dicom_and_gif": (b.dicom(elements, preamble=b"GIF89a\5\0\6\0\0\0\0"), "dcm"),
        "dicom_and_png": (b.dicom(elements, preamble=png[:120]), "dcm"),
        "png_and_zip": (png + inside, "png"),
        "jpeg_and_zip": (saved(BLOCKS, "JPEG") + inside, "jpg"),
        "gif_and_zip": (gif.getvalue() + inside, "gif"),
        "nifti_and_zip": (nifti() + inside, "nii"),
        "nifti_and_dicom": (nifti(cal_min=letters), "nii"),
        "png_and_program": (png + b"MZ\x90\0" + inside, "png"),
    }
    page = tiff(picture())
    start = struct.unpack("<I", page[4:8])[0]
    dual = b"II*\0" + struct.pack("<I", 128 + 4 + start)
    return [
        *(
            one_file(57, name, content, "type_conflict", "refused", f"{NAME}.{ending}")
            for name, (content, ending) in at_once.items()
        ),
        one_file(57, "pdf_and_zip", pdf() + inside, "type_conflict", "refused", f"{NAME}.pdf", other_code="unsupported_type"),
        one_file(
            57,
            "a_tiff_head_in_the_preamble_is_no_harm",
            b.dicom(elements, preamble=dual),
            "type_conflict",
            "golden",
            values=b.VALUES,
        ),
    ]


def _names() -> list[Case]:
    slices, png = b.one(), saved(SCENE, "PNG")
    jpeg = saved(BLOCKS, "JPEG", quality=95)
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as archive:
        entry = tarfile.TarInfo(NAME)
        entry.size = len(slices)
        archive.addfile(entry, io.BytesIO(slices))
    named: dict[str, tuple[bytes, str, Any]] = {
        "png_named_dcm": (png, f"{NAME}.dcm", SCENE),
        "jpeg_named_png": (jpeg, f"{NAME}.png", BLOCKS),
        "png_named_jpg": (png, f"{NAME}.jpg", SCENE),
        "dicom_named_png": (slices, f"{NAME}.png", b.VALUES),
        "dicom_named_nii": (slices, f"{NAME}.nii", b.VALUES),
        "dicom_named_zip": (slices, f"{NAME}.zip", b.VALUES),
        "nifti_named_dcm": (nifti(), f"{NAME}.dcm", VOXELS),
        "nifti_named_mp4": (nifti(), f"{NAME}.mp4", VOXELS),
        "zip_named_dcm": (zipped(**{NAME: slices}), f"{NAME}.dcm", b.VALUES),
        "tar_named_zip": (tape.getvalue(), f"{NAME}.zip", b.VALUES),
    }
    unnamed = ("", ".12", ".IMA", ".bin", ".2024")
    return [
        *(
            one_file(57, name, content, "extension_mismatch", "warned", file, values=values, tolerance=LOSSY)
            for name, (content, file, values) in named.items()
        ),
        *(
            one_file(
                57,
                f"dicom_named_{ending or 'nothing'}_is_no_harm".replace(".", ""),
                slices,
                "extension_mismatch",
                "golden",
                f"{NAME}{ending}",
                values=b.VALUES,
            )
            for ending in unnamed
        ),
        one_file(57, "capital_letters_are_no_harm", png, "extension_mismatch", "golden", f"{NAME}.PNG", values=SCENE),
        one_file(57, "program_named_png", b"MZ\x90\0" + b"\0" * 300, "unsupported_type", "refused", f"{NAME}.png"),
        one_file(57, "text_named_nii", CANARY.encode() * 40, "unsupported_type", "refused", f"{NAME}.nii"),
    ]
