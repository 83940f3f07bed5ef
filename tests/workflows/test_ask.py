import json
import stat
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from pydicom.uid import JPEG2000Lossless
from tests.clinical.bad_inputs import builders
from tests.clinical.bad_inputs.dicom_pixels import jpeg_2000

from vesalius.clinical.examples import real_ct
from vesalius.datasets.phantoms import dicom as phantom_dicom
from vesalius.errors import InputRefused, UsageError
from vesalius.generate.native import NativeResponder
from vesalius.generate.respond import Query, Response, Scope
from vesalius.generate.tokenizer import Tokenizer
from vesalius.models import checkpoint
from vesalius.models.vlm import NativeVLM
from vesalius.phantom import world
from vesalius.transforms.draw import save_png
from vesalius.types import Box, ModelIdentity, Region
from vesalius.workflows import ask as workflow


def quiet(_: str) -> None:
    pass


@pytest.fixture
def radiograph(tmp_path: Path) -> Path:
    return phantom_dicom.write(world.make("chest_xray", seed=7, size_px=64), tmp_path / "files")[0]


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A model of random weights that was "trained" on DX alone: what it says is noise, how it is said is not."""
    torch.manual_seed(0)
    tokenizer = Tokenizer.train(["Where is the heart?", "heart", "yes", "no"], pieces=300)
    model = NativeVLM(vocabulary=len(tokenizer), width=32, encoder_layers=1, decoder_layers=1, heads=2, canvas_px=32)
    card = checkpoint.Card("tiny", "a test", "1" * 64, dict(model.settings), ("DX",), True, False, ())
    checkpoint.save(tmp_path / "run" / "model", model, card, tokenizer.to_json())
    return tmp_path / "run"


class Pointing:
    """A responder by rule: it always points at the same quarter of the current picture."""

    identity = ModelIdentity("pointing", "2" * 64, "3" * 64)
    trained_patients: frozenset[str] = frozenset()

    def __init__(self, status: str = "strict", *, priors: bool = True) -> None:
        self.scope = Scope(frozenset({"DX"}), phantoms_only=False, priors=priors)
        self.status = status
        self.asked: list[Query] = []

    def respond(self, queries: list[Query]) -> list[Response]:
        self.asked += queries
        side = queries[0].images[0].image.shape[0]
        region = Region("heart", Box((0.0, 0.0), (side / 2, side / 4)))
        text = "" if self.status == "failed" else "heart"
        return [Response(text, (region,), 0.5, self.status, "raw", 4, 6) for _ in queries]  # type: ignore[arg-type]


def test_the_answer_has_the_shape_of_the_contract(radiograph: Path, model_folder: Path, tmp_path: Path) -> None:
    found = workflow.ask(
        [radiograph], "Where is the heart?", model=str(model_folder), prior=None, out=tmp_path / "out", say=quiet
    )
    keys = {"text", "abstained", "reason", "confidence", "statements", "warnings", "model", "usage", "seconds", "shown", "notice"}
    assert set(found.data) == keys
    assert found.exit_code == 0
    assert json.loads((tmp_path / "out" / "answer.json").read_text()) == json.loads(json.dumps(found.data))
    assert (tmp_path / "out" / "preview.png").read_bytes().startswith(b"\x89PNG")
    assert found.data["usage"]["image_tokens"] == 4
    assert found.data["model"]["sha256"] == checkpoint.sha256(model_folder / "model")
    assert "trained_on_phantoms" in {warning["code"] for warning in found.data["warnings"]}
    assert 0.0 <= found.data["confidence"] <= 1.0


def test_sizes_come_from_the_box_and_the_spacing(radiograph: Path) -> None:
    shown = workflow.look_up([radiograph])
    answer = workflow.answer_about(Pointing(), "Where is the heart?", shown, None)
    evidence = [item.to_json() for item in answer.statements[0].evidence]
    assert evidence[0]["box_xyxy_px"] == [0.0, 0.0, 16.0, 32.0]
    assert shown.image.spacing_mm is not None
    measured = {item["name"]: item for item in evidence if item["kind"] == "measurement"}
    assert measured["height"]["value"] == pytest.approx(32 * shown.image.spacing_mm[0], abs=1e-3)
    assert measured["width"]["value"] == pytest.approx(16 * shown.image.spacing_mm[1], abs=1e-3)
    assert measured["width"]["from"] == "region 0"
    assert measured["width"]["unit"] == "mm"


def test_with_unknown_spacing_nothing_is_measured_and_the_doubt_is_said(tmp_path: Path) -> None:
    save_png(tmp_path / "picture.png", np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8))
    answer = workflow.answer_about(Pointing(), "Where?", workflow.look_up([tmp_path / "picture.png"]), None)
    assert {item.to_json()["kind"] for item in answer.statements[0].evidence} == {"region"}
    assert {"no_calibration", "modality_unknown"} <= {warning.code for warning in answer.warnings}


def test_another_modality_is_not_answered(model_folder: Path) -> None:
    found = workflow.ask([real_ct()], "Is there an effusion?", model=str(model_folder), prior=None, out=None, say=quiet)
    assert found.data["abstained"]
    assert found.data["reason"].startswith("out_of_scope")
    assert found.data["statements"] == []
    assert found.exit_code == 0


def test_a_prior_is_shown_to_the_model_and_named_as_evidence(radiograph: Path, tmp_path: Path) -> None:
    later = phantom_dicom.write(world.make("chest_xray", seed=7, visit=1, size_px=64), tmp_path / "later")[0]
    responder = Pointing()
    current, prior = workflow.look_up([later]), workflow.look_up([radiograph])
    answer = workflow.answer_about(responder, "Has it changed?", current, prior)
    assert [item.role for item in responder.asked[0].images] == ["current", "prior"]
    assert answer.statements[0].evidence[-1].to_json() == {"kind": "prior", "study_key": prior.study.study_key}
    without = workflow.answer_about(Pointing(priors=False), "Has it changed?", current, prior)
    assert "prior_not_used" in {warning.code for warning in without.warnings}


def test_a_prior_of_another_patient_is_refused(radiograph: Path, model_folder: Path, tmp_path: Path) -> None:
    other = phantom_dicom.write(world.make("chest_xray", seed=8, size_px=64), tmp_path / "other")[0]
    with pytest.raises(InputRefused) as refused:
        workflow.ask([radiograph], "Changed?", model=str(model_folder), prior=other, out=None, say=quiet)
    assert refused.value.code == "mixed_patients"


def test_two_patients_in_one_input_are_refused(radiograph: Path, tmp_path: Path) -> None:
    phantom_dicom.write(world.make("chest_xray", seed=8, size_px=64), tmp_path / "files")[0]
    with pytest.raises(InputRefused) as refused:
        workflow.look_up([radiograph.parent])
    assert refused.value.code == "mixed_patients"


def test_two_visits_of_one_patient_are_asked_about_the_later_one(radiograph: Path) -> None:
    later = phantom_dicom.write(world.make("chest_xray", seed=7, visit=1, size_px=64), radiograph.parent)[0]
    shown = workflow.look_up([radiograph.parent])
    assert shown.image.source.path == later.resolve()
    assert "other_series_not_shown" in {warning.code for warning in shown.warnings}


@pytest.mark.parametrize(("status", "abstained"), [("repaired", False), ("failed", True)])
def test_a_broken_output_is_said_or_not_answered(radiograph: Path, status: str, abstained: bool) -> None:
    answer = workflow.answer_about(Pointing(status), "Where?", workflow.look_up([radiograph]), None)
    assert answer.abstained == abstained
    assert ("output_repaired" in {warning.code for warning in answer.warnings}) == (status == "repaired")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.write_bytes(b""), "input_empty"),
        (lambda path: path.write_bytes(bytes(range(256)) * 8), "not_dicom"),
        (lambda path: None, "input_missing"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_code(tmp_path: Path, make: Callable[[Path], object], code: str) -> None:
    make(tmp_path / "x.dcm")
    with pytest.raises(InputRefused) as refused:
        workflow.look_up([tmp_path / "x.dcm"])
    assert refused.value.code == code
    assert "x.dcm" not in refused.value.message


@pytest.mark.parametrize(("question", "model", "code"), [("  ", None, "bad_option"), ("Where?", "no-such-run", "unknown_name")])
def test_an_empty_question_and_an_unknown_model_are_refused(
    radiograph: Path, question: str, model: str | None, code: str
) -> None:
    with pytest.raises(UsageError) as refused:
        workflow.ask([radiograph], question, model=model, prior=None, out=None, say=quiet)
    assert refused.value.code == code


def test_a_prior_that_is_later_or_the_study_itself_is_refused(radiograph: Path, model_folder: Path, tmp_path: Path) -> None:
    later = phantom_dicom.write(world.make("chest_xray", seed=7, visit=1, size_px=64), tmp_path / "later")[0]
    for prior in (later, radiograph):
        with pytest.raises(UsageError) as refused:
            workflow.ask([radiograph], "Changed?", model=str(model_folder), prior=prior, out=None, say=quiet)
        assert refused.value.code == "bad_option"


def test_questions_about_one_picture_share_it_and_agree_with_asking_one_by_one(radiograph: Path, model_folder: Path) -> None:
    model, card, tokenizer = checkpoint.load(model_folder / "model")
    scope = Scope(frozenset(card.modalities), True, False)
    responder = NativeResponder(model, Tokenizer.from_json(tokenizer), ModelIdentity("t", "0", "0"), scope, frozenset())
    shown = workflow.look_up([radiograph])
    from_one = [workflow.SampleImage("current", shown.image)]
    queries = [Query(tuple(from_one), question) for question in ("Where is the heart?", "yes or no?", "Is it normal?")]
    together = responder.respond(queries)
    alone = [responder.respond([query])[0] for query in queries]
    assert [response.raw for response in together] == [response.raw for response in alone]
    assert [response.confidence for response in together] == pytest.approx([response.confidence for response in alone], rel=1e-3)


def test_written_answers_are_plain_files(radiograph: Path, model_folder: Path, tmp_path: Path) -> None:
    workflow.ask([radiograph], "Where?", model=str(model_folder), prior=None, out=tmp_path / "out", say=quiet)
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == ["answer.json", "preview.png"]
    assert all(stat.S_ISREG(path.stat().st_mode) for path in written)
    assert str(radiograph) not in (tmp_path / "out" / "answer.json").read_text()


def test_boxes_of_a_turned_slice_are_said_in_the_files_own_grid(tmp_path: Path) -> None:
    """Columns run to the right and rows to the front: shown, the slice is turned by half a circle."""
    pixels = np.zeros((40, 30, 5), dtype=np.int16)  # as NIfTI has it: x, y, z
    pixels[2:6, 3:9, 2] = 1000
    nibabel.save(nibabel.Nifti1Image(pixels, np.diag([0.5, 2.0, 3.0, 1.0])), tmp_path / "a.nii")
    shown = workflow.look_up([tmp_path / "a.nii"])
    assert (shown.frame, shown.image.shape, shown.image.spacing_mm) == (2, (30, 40), (2.0, 0.5))
    rows, columns = np.nonzero(shown.image.load())
    seen = Box((float(rows.min()), float(columns.min())), (float(rows.max() + 1), float(columns.max() + 1)))
    assert shown.view.in_file(seen).xyxy_px == (2.0, 3.0, 6.0, 9.0)
    assert shown.view.as_shown(shown.view.in_file(seen)) == seen
    assert seen.xyxy_px == (34.0, 21.0, 38.0, 27.0)
    answer = workflow.answer_about(Pointing(), "Where?", shown, None)
    region, height, width = (item.to_json() for item in answer.statements[0].evidence)
    assert (region["box_xyxy_px"], region["frame"]) == ([32.5, 15.0, 40.0, 30.0], 2)
    assert (height["value"], width["value"]) == (15 * 2.0, 7.5 * 0.5)
    assert "shown_in_file_order" not in {warning.code for warning in answer.warnings}


def test_a_volume_that_lies_nowhere_is_shown_as_it_is_stored_and_that_is_said(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.arange(20 * 18 * 4, dtype=np.int16).reshape(20, 18, 4), None)
    nibabel.save(image, tmp_path / "a.nii")
    shown = workflow.look_up([tmp_path / "a.nii"])
    np.testing.assert_array_equal(shown.image.load(), image.dataobj[:, :, 2].T)
    assert {"shown_in_file_order", "volume_as_slice"} <= {warning.code for warning in shown.warnings}


def test_of_a_series_of_volumes_a_slice_of_the_first_is_shown(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 99, (20, 18, 5, 3), dtype=np.int16)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([-1.0, -1.0, 1.0, 1.0])), tmp_path / "a.nii.gz")
    shown = workflow.look_up([tmp_path / "a.nii.gz"])
    np.testing.assert_array_equal(shown.image.load(), values[:, :, 2, 0].T)
    said = shown.to_json("current")
    assert (said["slice_policy"], said["volume"], said["frame"]) == ("middle_slice v2", 0, 2)
    assert said["series_choice"] == "largest_original v2"


def test_of_a_clip_the_middle_frame_is_shown(tmp_path: Path) -> None:
    frames = [Pillow.fromarray(np.full((40, 30), shade, dtype=np.uint8)) for shade in (0, 90, 180)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
    shown = workflow.look_up([tmp_path / "a.gif"])
    assert (shown.frame, shown.image.kind, shown.image.frame_times_s) == (1, "image", None)
    assert np.unique(shown.image.load()).tolist() == [90]


def test_of_a_slide_the_overview_is_shown_and_boxes_are_said_in_its_finest_pixels(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile", reason="tifffile, which writes the file, is not installed")
    scene = np.random.default_rng(0).integers(0, 255, (300, 420, 3), dtype=np.uint8)
    said = "Aperio Image Library v11.2.1\r\n420x300 [0,0 420x300] (64x64) Q=70|AppMag = 20|MPP = 0.5"
    with tifffile.TiffWriter(tmp_path / "a.svs") as out:
        for level in (scene, scene[::4, ::4].copy(), scene[::30, ::30].copy()):  # the last has 10 rows
            out.write(level, description=said, tile=(64, 64), photometric="rgb", metadata=None)
    shown = workflow.look_up([tmp_path / "a.svs"])
    np.testing.assert_array_equal(shown.image.load(), scene[::4, ::4])
    assert shown.image.spacing_mm == pytest.approx((0.002, 0.002))
    assert shown.view.in_file(Box((1.0, 2.0), (3.0, 4.0))) == Box((4.0, 8.0), (12.0, 16.0))
    assert (shown.to_json("current")["level"], shown.frame) == (1, None)
    assert "volume_as_slice" in {warning.code for warning in shown.warnings}


def test_only_the_slice_that_is_shown_is_decoded(tmp_path: Path) -> None:
    """All other slices are damaged, which nobody sees who does not decode them."""
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)
    stream = jpeg_2000(pixels)
    for index in range(5):
        frames = [stream if index == 2 else stream[:60]]
        place = {"SOPInstanceUID": f"1.2.{index}", "InstanceNumber": index, "ImagePositionPatient": [0, 0, 2.0 * index]}
        (tmp_path / f"{index}.dcm").write_bytes(builders.compressed(builders.CT, pixels, frames, JPEG2000Lossless, **place))
    shown = workflow.look_up([tmp_path])
    np.testing.assert_array_equal(shown.image.load(), pixels.astype(np.float32) - 1024)
    with pytest.raises(InputRefused):
        shown.series.images[0].load()


@pytest.mark.parametrize("shape", [(15, 400), (400, 15), (1, 1)])
def test_a_picture_in_which_nothing_can_be_seen_is_refused(tmp_path: Path, shape: tuple[int, int]) -> None:
    save_png(tmp_path / "a.png", np.zeros(shape, dtype=np.uint8))
    with pytest.raises(InputRefused) as refused:
        workflow.look_up([tmp_path / "a.png"])
    assert refused.value.code == "too_small"


def test_objects_without_a_picture_are_refused_by_their_kind(public_data: Path) -> None:
    folder = public_data / "dicom_real" / "pydicom"
    for name, kind in (
        ("reportsi.dcm", "report"),
        ("rtplan.dcm", "plan"),
        ("rtstruct.dcm", "structures"),
        ("waveform_ecg.dcm", "waveform"),
    ):
        with pytest.raises(InputRefused) as refused:
            workflow.look_up([folder / name])
        assert refused.value.code == "no_pixels"
        assert kind in refused.value.message


def test_a_picture_with_arrows_in_it_is_shown_with_a_warning(public_data: Path) -> None:
    shown = workflow.look_up([public_data / "covid_chestxray" / "images" / "extubation-13.jpg"])
    (doubt,) = (warning for warning in shown.warnings if warning.code == "prior_annotation")
    assert doubt.at == {"in": "pixels"}
    answer = workflow.answer_about(Pointing(), "Where?", shown, None)
    assert "prior_annotation" in {warning.code for warning in answer.warnings}


def test_an_address_is_a_usage_error(model_folder: Path) -> None:
    with pytest.raises(UsageError):
        workflow.ask([Path("https://pacs.example/studies/1")], "Where?", model=str(model_folder), prior=None, out=None, say=quiet)
