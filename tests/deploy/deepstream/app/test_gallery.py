from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from insightface.model_zoo.arcface_onnx import ArcFaceONNX

from batchproof.pipeline.decode import Floats
from batchproof.pipeline.embed import normalised
from emitted_bundle import EmittedBundle
from face_error import FaceAppError
from gallery import Gallery
from tests.deploy.deepstream.app.bundles import MODEL, manifest, write_bundle

NAMES = ("Emmy", "Ada", "Emmy", "Grace", "Ada")


def vectors(count: int, seed: int = 0, channels: int = 64) -> Floats:
    return normalised(np.random.default_rng(seed).normal(size=(count, channels)).astype(np.float32))


def gallery(names: tuple[str, ...] = NAMES, **changes: Any) -> Gallery:
    settings = {"names": names, "embeddings": vectors(len(names)), "model_sha256": MODEL, "manifest_sha256": "b" * 64}
    return Gallery(**{**settings, **changes})


def brute_force(known: Gallery, query: Floats) -> list[tuple[float, str]]:
    """Every picture with insightface's own cosine, the best one of a person, the best person first."""
    recogniser = ArcFaceONNX.__new__(ArcFaceONNX)
    best: dict[str, float] = {}
    for name, embedding in zip(known.names, known.embeddings, strict=True):
        cosine = float(recogniser.compute_sim(query, embedding))
        best[name] = max(cosine, best.get(name, -1))
    return sorted(((cosine, name) for name, cosine in best.items()), reverse=True)


@pytest.mark.parametrize("seed", range(5))
def test_matches_are_those_of_insightface_on_every_picture(seed: int) -> None:
    random = np.random.default_rng(seed)
    names = tuple(f"person {number}" for number in random.integers(0, 12, 40))
    known = gallery(names)
    queries = vectors(7, seed=100 + seed)
    for query, found in zip(queries, known.match(queries, 3, -1), strict=True):
        expected = brute_force(known, query)[:3]
        assert [match.name for match in found] == [name for _, name in expected]
        np.testing.assert_allclose([match.cosine for match in found], [cosine for cosine, _ in expected], atol=1e-6)


def test_nobody_below_the_threshold_is_named() -> None:
    known = gallery()
    (found,) = known.match(known.embeddings[3:4], 5, 0.999)
    assert [match.name for match in found] == ["Grace"]
    assert found[0].cosine == pytest.approx(1, abs=1e-6)
    (nobody,) = known.match(vectors(1, seed=9), 5, 0.999)
    assert nobody == ()


def test_a_person_is_named_once_by_the_most_similar_picture() -> None:
    known = gallery()
    (found,) = known.match(known.embeddings[2:3], 9, -1)
    assert sorted(match.name for match in found) == ["Ada", "Emmy", "Grace"]
    assert found[0].name == "Emmy"
    assert found[0].cosine == pytest.approx(1, abs=1e-6)


def test_a_gallery_on_disk_is_the_same(tmp_path: Path) -> None:
    known = gallery(("Løw", "Ada", "Ada"))
    known.write(tmp_path / "gallery.npz")
    read = Gallery.read(tmp_path / "gallery.npz")
    assert (read.names, read.model_sha256, read.manifest_sha256) == (known.names, MODEL, "b" * 64)
    np.testing.assert_array_equal(read.embeddings, known.embeddings)
    assert [path.name for path in tmp_path.iterdir()] == ["gallery.npz"]


def test_a_gallery_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FaceAppError, match="cannot be written"):
        gallery().write(tmp_path / "nowhere" / "gallery.npz")


def test_it_is_refused_beside_another_embedder(tmp_path: Path) -> None:
    bundle = EmittedBundle.read(write_bundle(tmp_path))
    gallery().require_made_by(bundle)
    with pytest.raises(FaceAppError, match="another embedder: aaaaaaaaaaaa"):
        gallery(model_sha256="a" * 64).require_made_by(bundle)


def test_it_is_refused_by_a_bundle_that_does_not_know_its_embedder(tmp_path: Path) -> None:
    content = manifest()
    content["on_faces"][1]["onnx_sha256"] = "unknown"
    bundle = EmittedBundle.read(write_bundle(tmp_path, content))
    with pytest.raises(FaceAppError, match="emit the bundle from a store"):
        gallery(model_sha256="unknown").require_made_by(bundle)


def test_embeddings_of_other_channels_are_refused() -> None:
    with pytest.raises(FaceAppError, match="gives 32 channels, the gallery has 64"):
        gallery().match(vectors(1, channels=32), 1, 0)


def broken(what: str) -> Floats:
    embeddings = vectors(5)
    if what == "nan":
        embeddings[3, 7] = np.nan
    elif what == "long":
        embeddings[3] *= 2
    elif what == "double":
        embeddings[3] = embeddings[0]
    elif what == "zero":
        embeddings[3] = 0
    return embeddings


@pytest.mark.parametrize(
    ("embeddings", "said"),
    [
        (broken("nan"), "length nan for 'Grace'"),
        (broken("long"), "length 2 for 'Grace'"),
        (broken("zero"), "length 0 for 'Grace'"),
        (broken("double"), "same embedding twice, for 'Emmy' and 'Grace'"),
        (vectors(4), r"5 names and embeddings \[4, 64\]"),
        (vectors(5).astype(np.float64), "float64"),
        (vectors(5)[0], r"embeddings \[64\]"),
    ],
)
def test_embeddings_that_cannot_be_are_refused(embeddings: Floats, said: str) -> None:
    with pytest.raises(FaceAppError, match=said):
        gallery(embeddings=embeddings)


@pytest.mark.parametrize("names", [(), ("",), ("a\nb",), ("x" * 201,), ("\x1b[31m",)])
def test_names_that_are_none_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(FaceAppError, match=r"knows nobody|no name|is none") as caught:
        gallery(names)
    assert "\n" not in str(caught.value)


def npz(path: Path, **changes: Any) -> Path:
    known = gallery()
    content = {
        **{"format": np.array(1), "names": np.array(known.names), "embeddings": known.embeddings},
        **{"model_sha256": np.array(MODEL), "manifest_sha256": np.array("")},
        **changes,
    }
    np.savez(path, **{name: value for name, value in content.items() if value is not None})
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": np.array(2)}, "format 2"),
        ({"format": np.array("1")}, "format are something else"),
        ({"names": np.arange(5)}, "names are something else"),
        ({"names": np.array(NAMES, object)}, "is no gallery"),  # pickled
        ({"embeddings": np.zeros(5, np.float32)}, "embeddings are something else"),
        ({"embeddings": np.zeros((5, 64), int)}, "embeddings are something else"),
        ({"model_sha256": None}, "is no gallery"),
        ({"manifest_sha256": np.array([1])}, "manifest_sha256 are something else"),
    ],
)
def test_arrays_that_do_not_belong_are_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    Gallery.read(npz(tmp_path / "good.npz"))
    with pytest.raises(FaceAppError, match=said):
        Gallery.read(npz(tmp_path / "bad.npz", **changes))


class Harmful:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.folder,)


def test_nothing_in_a_gallery_is_executed(tmp_path: Path) -> None:
    path = npz(tmp_path / "gallery.npz", names=np.array([Harmful(tmp_path / "made")], object))
    with pytest.raises(FaceAppError, match="is no gallery"):
        Gallery.read(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_files_that_are_none_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gallery.npz"
    path.write_bytes(content)
    with pytest.raises(FaceAppError, match="is no gallery"):
        Gallery.read(path)


def test_truncated_galleries_are_refused(tmp_path: Path) -> None:
    content = npz(tmp_path / "whole.npz").read_bytes()
    for length in range(0, len(content), 97):
        (tmp_path / "part.npz").write_bytes(content[:length])
        with pytest.raises(FaceAppError, match="is no gallery"):
            Gallery.read(tmp_path / "part.npz")


def test_a_gallery_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = npz(tmp_path / "gallery.npz")
    huge = zipfile.ZipInfo("embeddings.npy")
    huge.file_size = 2**40
    monkeypatch.setattr(zipfile.ZipFile, "infolist", lambda self: [huge])
    with pytest.raises(FaceAppError, match="larger than any gallery"):
        Gallery.read(path)


def test_a_missing_gallery_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FaceAppError, match="cannot be read: No such file"):
        Gallery.read(tmp_path / "gallery.npz")
