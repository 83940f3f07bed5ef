"""Pictures, slides, volumes and sidecars: everything around them goes, and what they show stays as it was."""

import contextlib
import gzip
import io
import json
import struct
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms, ImageSequence
from tests.clinical.deid import made

from vesalius.clinical.deid import icc
from vesalius.errors import InputRefused


def pixels_of(content: bytes) -> np.ndarray[Any, Any]:
    with Pillow.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)


def photo() -> bytes:
    return made.with_comment(made.jpeg(made.photograph(), exif=made.exif(), icc_profile=made.profile(), progressive=True))


@pytest.mark.parametrize(("maker", "suffix"), [(photo, ".jpg"), (made.png, ".png"), (made.webp, ".webp"), (made.tiff, ".tif")])
def test_a_picture_stays_as_it_is_and_nothing_around_it_does(maker: Any, suffix: str, tmp_path: Path) -> None:
    content = maker()
    assert "metadata_left" in made.left(content, tmp_path)
    result, copy = made.cleaned(content, made.rules(), tmp_path)
    assert (result.suffix, result.is_at_risk) == (suffix, True)
    assert (pixels_of(copy) == pixels_of(content)).all()
    assert made.CANARY.encode() not in copy
    with Pillow.open(io.BytesIO(copy)) as picture:
        if suffix != ".tif":
            assert dict(picture.getexif()) == {0x0112: 6}, "the turn alone"
        assert not {"Author", "Comment", "Title", "comment", "xmp"} & set(picture.info)
    assert made.left(copy, tmp_path) == {"burned_in_risk": 1}
    assert made.cleaned(copy, made.rules(), tmp_path)[1] == copy, "a clean picture stays as it is"


def test_a_color_profile_keeps_its_colors_and_loses_its_words() -> None:
    original = made.profile()
    blank = icc.blanked(original)
    assert blank is not None
    assert len(blank) == len(original)
    assert made.CANARY.encode("utf-16-be") in original
    assert made.CANARY.encode("utf-16-be") not in blank
    ramp = Pillow.fromarray(made.photograph())
    lab = ImageCms.createProfile("LAB")
    values = [
        np.asarray(ImageCms.profileToProfile(ramp, ImageCms.ImageCmsProfile(io.BytesIO(profile)), lab, outputMode="LAB"))
        for profile in (original, blank)
    ]
    assert (values[0] == values[1]).all()
    assert icc.blanked(b"no profile") is None
    assert icc.blanked(original[:60] + original[61:]) is None


def test_a_moving_picture_keeps_its_frames_and_times(tmp_path: Path) -> None:
    result, copy = made.cleaned(made.gif(), made.rules(), tmp_path)
    assert result.suffix == ".gif"
    with Pillow.open(io.BytesIO(copy)) as after, Pillow.open(io.BytesIO(made.gif())) as before:
        assert after.info["duration"] == 80
        assert after.info["loop"] == 0
        frames = zip(ImageSequence.Iterator(before), ImageSequence.Iterator(after), strict=True)
        assert [(np.asarray(one) == np.asarray(other)).all() for one, other in frames] == [True] * 3
    with pytest.raises(InputRefused, match="moves"):
        made.cleaned(made.gif(), made.rules(black_out=((0, 0, 5, 5),)), tmp_path)


@pytest.mark.parametrize("maker", [photo, made.png, made.webp, made.tiff])
def test_rectangles_become_black_and_the_picture_a_png(maker: Any, tmp_path: Path) -> None:
    content = maker()
    result, copy = made.cleaned(content, made.rules(black_out=((10, 5, 30, 20),)), tmp_path)
    assert (result.suffix, result.cleaned, result.is_at_risk) == (".png", ("pixels",), False)
    expected = pixels_of(content).copy()
    expected[5:20, 10:30] = 0
    assert (pixels_of(copy) == expected).all()
    assert made.CANARY.encode() not in copy


def test_sixteen_bits_of_gray_stay_sixteen_bits(tmp_path: Path) -> None:
    deep = (np.arange(2400, dtype="<u2") * 27).reshape(40, 60)
    out = io.BytesIO()
    Pillow.fromarray(deep).save(out, format="PNG")
    for told in (made.rules(), made.rules(black_out=((0, 0, 2, 2),))):
        _, copy = made.cleaned(out.getvalue(), told, tmp_path)
        assert (pixels_of(copy)[2:, 2:] == deep[2:, 2:]).all()


def test_a_bmp_becomes_a_png(tmp_path: Path) -> None:
    out = io.BytesIO()
    Pillow.fromarray(made.photograph()).save(out, format="BMP")
    result, copy = made.cleaned(out.getvalue(), made.rules(), tmp_path)
    assert (result.suffix, result.cleaned, result.is_at_risk) == (".png", (), True)
    assert (pixels_of(copy) == made.photograph()).all()


@pytest.mark.parametrize("maker", [photo, made.png, made.webp, made.gif, made.tiff])
def test_a_cut_picture_is_refused_or_clean(maker: Any, tmp_path: Path) -> None:
    content = maker()
    for size in range(40, len(content), max(1, len(content) // 60)):
        with contextlib.suppress(InputRefused):
            _, copy = made.cleaned(content[:size], made.rules(), tmp_path)
            assert made.CANARY.encode() not in copy


def slide(order: str = "<") -> bytes:
    """Two levels of four and one tiles, and a strip with a label, as a scanner writes them."""
    tiles = [bytes([number]) * 256 for number in range(1, 6)]
    pages = [(32, 32, tiles[:4], True), (16, 16, tiles[4:], True), (8, 8, [b"ZZCANARY" * 8], False)]
    content = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    link = 4
    for width, height, parts, is_tiled in pages:
        offsets = []
        for part in parts:
            offsets.append(len(content))
            content += part
        text = b"Aperio |MPP = 0.4990|User = ZZCANARY\0 "
        place = len(content)
        content += text
        lists = []
        for numbers in (offsets, [len(part) for part in parts]):
            lists.append(len(content) if len(numbers) > 1 else numbers[0])
            content += struct.pack(f"{order}{len(numbers)}I", *numbers)
        entries = [
            (256, 4, 1, width),
            (257, 4, 1, height),
            (258, 3, 1, 8),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (270, 2, len(text), place),
        ]
        entries += [(277, 3, 1, 1)]
        count = len(parts)
        entries += (
            [(322, 4, 1, 16), (323, 4, 1, 16), (324, 4, count, lists[0]), (325, 4, count, lists[1])]
            if is_tiled
            else [(273, 4, count, lists[0]), (278, 4, 1, height), (279, 4, count, lists[1])]
        )
        struct.pack_into(order + "I", content, link, len(content))
        content += struct.pack(order + "H", len(entries))
        for tag, kind, number, value in sorted(entries):
            stored = struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value)
            content += struct.pack(order + "HHI", tag, kind, number) + stored
        link = len(content)
        content += bytes(4)
    return bytes(content)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_slide_keeps_its_levels_and_scale_and_loses_its_label(order: str, tmp_path: Path) -> None:
    content = slide(order)
    assert pixels_of(content)[20, 20] == 4
    result, copy = made.cleaned(content, made.rules(), tmp_path)
    assert (result.suffix, result.cleaned, result.is_at_risk) == (".tif", ("label_pages",), False)
    with Pillow.open(io.BytesIO(copy)) as picture:
        assert picture.n_frames == 2
        assert (np.asarray(picture) == pixels_of(content)).all()
        assert float(picture.tag_v2[282]) == pytest.approx(10000 / 0.499, rel=1e-6)
        assert picture.tag_v2[296] == 3
        assert 270 not in picture.tag_v2
    assert b"ZZCANARY" not in copy
    assert made.left(copy, tmp_path) == {}


def test_a_circle_of_directories_is_refused(tmp_path: Path) -> None:
    content = bytearray(slide())
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * count, first)
    with pytest.raises(InputRefused) as caught:
        made.cleaned(bytes(content), made.rules(), tmp_path)
    assert caught.value.code == "bad_offsets"


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_volume_keeps_voxels_and_place_and_loses_its_texts(is_packed: bool, tmp_path: Path) -> None:
    content = made.gzipped(made.nifti()) if is_packed else made.nifti()
    assert made.left(content, tmp_path) == {"metadata_left": 1}
    result, copy = made.cleaned(content, made.rules(), tmp_path)
    assert result.suffix == (".nii.gz" if is_packed else ".nii")
    plain = gzip.decompress(copy) if is_packed else copy
    assert len(plain) == 352 + 120
    after = nibabel.Nifti1Image.from_bytes(plain)
    before = nibabel.Nifti1Image.from_bytes(made.nifti())
    assert (np.asanyarray(after.dataobj) == np.asanyarray(before.dataobj)).all()
    assert (after.affine == before.affine).all()
    assert after.header["descrip"].item() == b""
    assert made.left(copy, tmp_path) == {}


def test_a_volume_of_the_second_version_too(tmp_path: Path) -> None:
    image = nibabel.Nifti2Image(np.arange(24, dtype="i2").reshape(2, 3, 4), np.diag([2.0, 2, 3, 1]))
    image.header["descrip"], image.header["intent_name"] = made.CANARY, made.CANARY
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", made.CANARY.encode()))
    _, copy = made.cleaned(image.to_bytes(), made.rules(), tmp_path)
    after = nibabel.Nifti2Image.from_bytes(copy)
    assert (np.asanyarray(after.dataobj) == np.arange(24).reshape(2, 3, 4)).all()
    assert made.CANARY.encode() not in copy
    assert made.left(copy, tmp_path) == {}


@pytest.mark.parametrize("content", [made.nifti()[:400], made.gzipped(made.nifti())[:-30]])
def test_a_cut_volume_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        made.cleaned(content, made.rules(), tmp_path)
    assert caught.value.code == "truncated"


def test_a_sidecar_keeps_what_is_known_to_be_technique(tmp_path: Path) -> None:
    result, copy = made.cleaned(made.sidecar(), made.rules(), tmp_path)
    assert json.loads(copy) == {"EchoTime": 0.03, "Modality": "MR"}
    assert "zzcanary" in result.seeds
    assert made.left(made.sidecar(), tmp_path) == {"metadata_left": 1}
    for content in (b'{"PatientName": "A"}', b"{nothing", b'{"a": ' * 100_000):
        with pytest.raises(InputRefused) as caught:
            made.cleaned(content, made.rules(), tmp_path)
        assert caught.value.code == "not_cleanable"


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "input_empty"), (b"some text", "unsupported_type"), (b"\0\0\0\x18ftypmp42" + bytes(40), "not_cleanable")],
)
def test_what_has_no_cleaner_is_refused(content: bytes, code: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        made.cleaned(content, made.rules(), tmp_path)
    assert caught.value.code == code
