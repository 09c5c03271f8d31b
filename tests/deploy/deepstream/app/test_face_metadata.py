"""The C++ application's reading of DeepStream's own structures, against the Python application's of the bindings."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from face_reader import FaceReader
from tests.deploy.deepstream.align.native import BUNDLE, compile_shared
from tests.deploy.deepstream.app.service_maker_stand_in import EMBEDDER_ID, OUTPUT, BatchMetadata, Face, Frame
from tests.deploy.deepstream.app.shim import Shim
from tests.deploy.deepstream.sdk import gstreamer, system_headers

SIZE = (1366, 768)
FLOAT, HALF, INT8 = 0, 1, 2


class _Face(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("frame", "class_id", "on_object", "data_type")),
        *((name, ctypes.c_uint) for name in ("mask_bytes", "embedder_id", "channels")),
        *((name, ctypes.c_float) for name in ("confidence", "left", "top", "width", "height")),
        ("id", ctypes.c_uint64),
        ("mask", ctypes.c_void_p),
        ("embedding", ctypes.c_void_p),
    )


@dataclass(frozen=True)
class Read:
    """What the C++ application made of a batch: lines, frames, faces, embeddings, broken ones, and its complaint."""

    lines: list[str]
    tally: list[int]
    problem: str


@pytest.fixture(scope="module")
def glue(need_compiler: None, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = tmp_path_factory.mktemp("glue") / "glue.so"
    source = Path(__file__).with_name("metadata_glue.cpp")
    compile_shared(library, [source], "-O0", *system_headers(), *gstreamer("--libs"))
    opened = ctypes.CDLL(str(library))
    opened.glue_read.restype = ctypes.c_char_p
    return opened


def read(glue: ctypes.CDLL, frames: Sequence[Sequence[Face]], data_type: int | None = None) -> Read:
    faces = [_described(number, face, data_type) for number, listed in enumerate(frames) for face in listed]
    tally = (ctypes.c_ulonglong * 4)()
    array = (_Face * len(faces))(*faces)
    text: bytes = glue.glue_read(array, len(faces), len(frames), *SIZE, EMBEDDER_ID, tally)
    *lines, problem = text.decode().split("\n")
    return Read(lines, list(tally), problem)


def _described(frame: int, face: Face, data_type: int | None) -> _Face:
    mask = (0, None) if face.mask is None else (face.mask.nbytes, face.mask.ctypes.data)
    embedding = (0, None) if face.embedding is None else (face.embedding.size, face.embedding.ctypes.data)
    kind = HALF if face.embedding is not None and face.embedding.dtype == np.float16 else FLOAT
    numbers = (frame, face.class_id, int(face.on_object), kind if data_type is None else data_type)
    sizes = (mask[0], face.embedder_id, embedding[0])
    return _Face(*numbers, *sizes, face.confidence, *face.rect, face.object_id, mask[1], embedding[1])


def faces(shim: Shim, seed: int) -> list[list[Face]]:
    """Two frames: faces with everything, without embedding, on objects, untracked, of the tracker alone, broken."""
    random = np.random.default_rng(seed)

    def face(track: int, **changes: object) -> Face:
        left, top, width, height = map(float, (random.random(4) * 300).astype(np.float32))
        raw = random.normal(scale=4, size=64).astype(np.float32)
        mask = shim.mask((random.random((5, 2)) * 640).astype(np.float32))
        found = Face((left, top, width, height), 0.5, track, mask=mask, embedding=raw)
        return replace(found, **changes)  # type: ignore[arg-type]

    first = [face(1), face(2, embedding=None), face(3, on_object=True), face(4, class_id=1), face(5, embedder_id=7)]
    broken = np.full(64, np.nan, np.float32)
    half = random.normal(size=64).astype(np.float16)
    second = [face(1), face(2**64 - 1), face(6, mask=None, confidence=-0.1), face(7, embedding=broken)]
    return [first, [], [*second, face(8, embedding=half)]]


@pytest.mark.parametrize("seed", range(3))
def test_both_applications_read_the_same(glue: ctypes.CDLL, shim: Shim, seed: int) -> None:
    frames = faces(shim, seed)
    found = read(glue, frames)
    reader = FaceReader(EMBEDDER_ID, OUTPUT)
    batch = BatchMetadata(
        *(Frame(listed, number, 10 + number, 1000 + number, *SIZE) for number, listed in enumerate(frames))
    )
    expected = [json.loads(record.line(with_embedding=True)) for record in reader.read(batch)]
    assert len(found.lines) == len(expected) == 9
    for line, theirs in zip(found.lines, expected, strict=True):
        ours = json.loads(line)
        mine, other = ours.pop("embedding"), theirs.pop("embedding")
        assert (mine is None) == (other is None)
        np.testing.assert_allclose(mine or [], other or [], rtol=0, atol=1e-8)
        assert ours == theirs
    tally = reader.tally
    assert found.tally == [tally.frames, tally.faces, tally.embedded, tally.broken] == [3, 9, 6, 1]
    assert found.problem == ""


def test_an_output_that_is_no_float_is_told(glue: ctypes.CDLL, shim: Shim) -> None:
    found = read(glue, faces(shim, 0), INT8)
    assert found.problem == "the embedder gives no floats named embedding"
    assert '"embedding":[' not in "".join(found.lines)


@pytest.mark.parametrize("source", sorted((BUNDLE / "app").glob("*.cpp")))
def test_it_compiles_against_the_headers_of_the_sdk(need_compiler: None, tmp_path: Path, source: Path) -> None:
    compile_shared(tmp_path / "app.so", [source], "-fsyntax-only", *system_headers())
