"""The library as nvdspreprocess calls it, against DeepStream's own headers; `glue.cpp` says what stands in."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from batchproof.pipeline.align import arcface_template
from tests.deploy.deepstream.align import frames, glue
from tests.deploy.deepstream.align.frames import Format
from tests.deploy.deepstream.align.glue import Face, Prepared, Surface, open_library, opened
from tests.deploy.deepstream.align.native import BUNDLE, STRICT, Native, compiler
from tests.deploy.deepstream.align.test_placement import parsed
from tests.deploy.deepstream.sdk import system_headers
from tests.pipeline.tiny_scrfd import picture

FRAME = picture(240, 320)
SIZE = (320, 240)


def landmarks(x: float = 60, scale: float = 0.7) -> np.ndarray:
    points: np.ndarray = arcface_template(112) * np.float32(scale) + np.array([x, 60], np.float32)
    return points


def face(native: Native, x: float = 60, **more: object) -> Face:
    return Face(parsed(native, landmarks(x), SIZE), **more)  # type: ignore[arg-type]


def expected_crop(native: Native, x: float = 60, frame: frames.FrameBuffer | None = None) -> np.ndarray:
    outcome, back = native.place(np.array([0, 0, 9, 9], np.float32), parsed(native, landmarks(x), SIZE), SIZE)
    assert outcome == "aligned"
    tensor = native.warp(frame or frames.rgba(FRAME), back[None], mean=127.5, std=127.5)
    assert tensor is not None
    crop: np.ndarray = tensor[0]
    return crop


def assert_nothing_attached(prepared: Prepared, status: int) -> None:
    assert (prepared.status, prepared.buffer_given) == (status, 0)
    assert prepared.acquired == prepared.released


@pytest.mark.parametrize("source", sorted((BUNDLE / "align").glob("preprocess*.cpp")))
def test_it_compiles_against_the_headers_of_the_sdk(need_compiler: None, source: Path) -> None:
    command = [compiler() or "g++", *STRICT, "-O2", "-fsyntax-only", str(source), *system_headers()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("variant", frames.FORMATS)
def test_faces_are_cut_out_of_every_format(library: ctypes.CDLL, native: Native, variant: Format) -> None:
    frame = frames.rgba(FRAME) if variant == "rgba" else frames.nv12(FRAME, variant)
    with opened(library) as opened_library:
        found = opened_library.prepare([Surface(frame)], [face(native), face(native, x=150)])
    assert (found.status, found.faces, found.kept, found.buffer_given) == (glue.SUCCESS, 2, [0, 1], 1)
    assert (found.acquired, found.released, found.buffer_size) == (1, 0, 2 * 3 * 112 * 112 * 4)
    np.testing.assert_array_equal(found.tensor[0], expected_crop(native, frame=frame))
    np.testing.assert_array_equal(found.tensor[1], expected_crop(native, 150, frame))
    assert np.isnan(found.tensor[2:]).all()


def test_colours_come_in_the_order_of_the_configuration(library: ctypes.CDLL, native: Native) -> None:
    with opened(library, colour=0) as rgb:
        found = rgb.prepare([Surface(frames.rgba(FRAME))], [face(native)])
    np.testing.assert_array_equal(found.tensor[0], expected_crop(native)[::-1])


def test_each_face_comes_from_its_own_frame(library: ctypes.CDLL, native: Native) -> None:
    other = picture(240, 320, 1)
    with opened(library) as opened_library:
        surfaces = [Surface(frames.rgba(FRAME)), Surface(frames.rgba(other), source=1)]
        found = opened_library.prepare(surfaces, [face(native, frame=1), face(native, frame=0)])
    np.testing.assert_array_equal(found.tensor[0], expected_crop(native, frame=frames.rgba(other)))
    np.testing.assert_array_equal(found.tensor[1], expected_crop(native))


def test_faces_that_cannot_be_aligned_are_left_out_and_the_others_close_up(
    library: ctypes.CDLL, native: Native, capfd: pytest.CaptureFixture[str]
) -> None:
    foreign = np.full(28 * 28, 0.7, np.float32)
    faces = [
        Face(None),
        face(native),
        face(native, confidence=-0.1),
        face(native, present=False),
        Face(foreign),
        face(native, frame=-1),
        face(native, box=(5, 5, 0, 0)),
        face(native, box=(5, 5, 40, 23)),
        face(native, x=150),
    ]
    with opened(library, min_face="24") as opened_library:
        found = opened_library.prepare([Surface(frames.rgba(FRAME))], faces)
    assert (found.status, found.faces, found.kept) == (glue.SUCCESS, 2, [1, 8])
    np.testing.assert_array_equal(found.tensor[1], expected_crop(native, 150))
    summary = "2 faces aligned, 5 without a detection or landmarks, 1 too small, 1 without extent"
    assert f"batchproof: aligner: {summary}\n" in capfd.readouterr().err


def test_boxes_are_cut_out_without_landmarks(library: ctypes.CDLL, native: Native) -> None:
    with opened(library, (4, 3, 96, 96), mode="bbox1.5", mean="0", std="1") as boxes:
        found = boxes.prepare([Surface(frames.rgba(FRAME))], [Face(None), Face(None, confidence=-0.1)])
    _, back = native.place(np.array([50, 50, 130, 150], np.float32), None, SIZE, size=96, box_mode=True)
    assert found.kept == [0]
    np.testing.assert_array_equal(found.tensor[:1], native.warp(frames.rgba(FRAME), back[None], 96))


def test_no_face_gives_no_tensor(library: ctypes.CDLL, native: Native) -> None:
    with opened(library) as opened_library:
        assert_nothing_attached(opened_library.prepare([Surface(frames.rgba(FRAME))], []), glue.NOT_READY)
        assert_nothing_attached(opened_library.prepare([Surface(frames.rgba(FRAME))], [Face(None)]), glue.NOT_READY)


def test_more_faces_than_the_tensor_holds_are_not_written(library: ctypes.CDLL, native: Native) -> None:
    with opened(library, embed_interval="9") as opened_library:
        faces = [face(native, x=60 + i, track=i) for i in range(6)]
        found = opened_library.prepare([Surface(frames.rgba(FRAME))], faces)
        assert (found.faces, found.kept) == (4, [0, 1, 2, 3])
        assert np.isnan(found.tensor[4]).all()
        assert opened_library.prepare([Surface(frames.rgba(FRAME), number=1)], faces).kept == [4, 5]


def test_a_track_is_embedded_once_in_an_interval(library: ctypes.CDLL, native: Native) -> None:
    with opened(library, embed_interval="3") as opened_library:
        faces = [face(native, track=7), face(native)]
        kept = [opened_library.prepare([Surface(frames.rgba(FRAME), number=n)], faces).kept for n in range(5)]
        assert kept == [[0, 1], [1], [1], [0, 1], [1]]
        alone = opened_library.prepare([Surface(frames.rgba(FRAME), number=5)], faces[:1])
        assert_nothing_attached(alone, glue.NOT_READY)


def test_a_failure_of_cuda_gives_the_buffer_back(
    library: ctypes.CDLL, native: Native, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(library) as opened_library:
        for _ in range(3):
            failed = opened_library.prepare([Surface(frames.rgba(FRAME))], [face(native)], cuda_says="out of memory")
            assert_nothing_attached(failed, glue.CUDA_ERROR)
            assert failed.acquired == 1
    assert capfd.readouterr().err.count("batchproof: aligner: CUDA: out of memory\n") == 1


def test_an_element_that_is_flushing_has_no_buffer(library: ctypes.CDLL, native: Native) -> None:
    with opened(library) as opened_library:
        found = opened_library.prepare([Surface(frames.rgba(FRAME))], [face(native)], pool_empty=True)
    assert_nothing_attached(found, glue.RESOURCE_ERROR)


@pytest.mark.parametrize(
    ("memory", "name"),
    [(glue.SURFACE_ARRAY, "surface arrays of Jetson"), (glue.SYSTEM, "system memory"), (7, "memory of a kind")],
)
def test_memory_that_cuda_cannot_read_is_refused_by_name(
    library: ctypes.CDLL, native: Native, capfd: pytest.CaptureFixture[str], memory: int, name: str
) -> None:
    with opened(library) as opened_library:
        for _ in range(2):
            found = opened_library.prepare([Surface(frames.rgba(FRAME))], [face(native)], memory=memory)
            assert_nothing_attached(found, glue.TENSOR_FAILED)
    assert capfd.readouterr().err.count(f"frames lie in {name}") == 1


@pytest.mark.parametrize(
    ("surface", "complaint"),
    [
        (Surface(frames.rgba(FRAME), colour_format=2), "frames have the NvBufSurfaceColorFormat 2, expected RGBA"),
        (Surface(frames.rgba(FRAME), layout=1), "frames are block-linear"),
        (Surface(frames.rgba(FRAME), data_size=1000), "planes do not hold the pixels"),
        (Surface(frames.nv12(FRAME, "nv12"), data_size=240 * 333), "planes do not hold the pixels"),
        (Surface(frames.nv12(FRAME, "nv12"), planes=1), "planes do not hold the pixels"),
    ],
)
def test_a_frame_that_cannot_be_read_is_named(
    library: ctypes.CDLL, native: Native, capfd: pytest.CaptureFixture[str], surface: Surface, complaint: str
) -> None:
    with opened(library) as opened_library:
        assert_nothing_attached(opened_library.prepare([surface], [face(native)] * 2), glue.NOT_READY)
    said = capfd.readouterr().err
    assert said.count(complaint) == 1
    assert "0 faces aligned, 2 in an unreadable frame" in said


@pytest.mark.parametrize("colour", [0, 1])
def test_crops_are_dumped_as_the_embedder_sees_them(
    library: ctypes.CDLL, native: Native, tmp_path: Path, colour: int
) -> None:
    with opened(library, colour=colour, dump_folder=str(tmp_path)) as opened_library:
        surface = Surface(frames.rgba(FRAME), source=3, number=12)
        opened_library.prepare([surface], [face(native, track=7), face(native, x=150)])
    names = ["0_source3_frame12_track7.ppm", "1_source3_frame12_tracknone.ppm"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    levels = np.rint(expected_crop(native) * 127.5 + 127.5).astype(np.uint8)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / names[0])), levels.transpose(1, 2, 0))


def test_a_forgotten_dump_does_not_fill_the_disk(library: ctypes.CDLL, tmp_path: Path) -> None:
    with opened(library, (500, 3, 8, 8), mode="bbox1.5", dump_folder=str(tmp_path)) as opened_library:
        for _ in range(3):
            opened_library.prepare([Surface(frames.rgba(FRAME))], [Face(None)] * 400)
    assert len(list(tmp_path.iterdir())) == 1000


def test_a_folder_that_is_gone_costs_the_pictures_alone(
    library: ctypes.CDLL, native: Native, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "crops"
    folder.mkdir()
    with opened(library, dump_folder=str(folder)) as opened_library:
        folder.rmdir()
        found = opened_library.prepare([Surface(frames.rgba(FRAME))], [face(native)] * 2)
    assert found.status == glue.SUCCESS
    assert capfd.readouterr().err.count(f"cannot write crops to {folder}") == 1


@pytest.mark.parametrize(
    ("configs", "tensor", "complaint"),
    [
        ({"mode": "bbox"}, {}, "[user-configs] mode cannot be 'bbox'"),
        ({"offsets": "1;2;3"}, {}, "[user-configs] has no key offsets"),
        ({"dump-folder": "/no/such/folder"}, {}, "dump-folder=/no/such/folder is no folder that can be written to"),
        ({}, {"shape": (4, 3, 100, 100)}, "no alignment template for crops of 100 pixels"),
        ({}, {"data_type": 7}, "tensor-data-type must be 0, FP32"),
        ({}, {"order": 1}, "network-input-order must be 0, NCHW"),
        ({}, {"colour": 2}, "network-color-format must be 0 or 1, RGB or BGR"),
    ],
)
def test_a_configuration_that_cannot_be_followed_is_refused_in_one_line(
    library: ctypes.CDLL,
    capfd: pytest.CaptureFixture[str],
    configs: dict[str, str],
    tensor: dict[str, object],
    complaint: str,
) -> None:
    assert open_library(library, configs, **tensor) is None  # type: ignore[arg-type]
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("batchproof: aligner: ")
    assert complaint in line


def test_what_was_never_opened_can_be_closed_and_prepares_nothing(library: ctypes.CDLL) -> None:
    library.glue_close(None)
    unopened = glue.Library(library, 0, (4, 3, 112, 112))
    assert_nothing_attached(unopened.prepare([Surface(frames.rgba(FRAME))], []), glue.INVALID)


def test_the_element_need_not_crop(library: ctypes.CDLL) -> None:
    assert library.glue_transform() == glue.SUCCESS
