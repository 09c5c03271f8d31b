from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
import pytest

from enroll import batches, main
from face_error import FaceAppError
from gallery import Gallery
from picture_file import Picture
from tests.deploy.deepstream.app.bundles import MODEL, manifest, write_bundle
from tests.deploy.deepstream.app.conftest import Play
from tests.deploy.deepstream.app.service_maker_stand_in import BatchMetadata, Face, Frame, Pipeline
from tests.deploy.deepstream.app.test_picture_file import jpeg, put

FILES = {"Ada/1.jpg": (40, 60), "Ada/2.jpg": (40, 60), "Emmy/1.jpg": (40, 60), "Emmy/2.jpg": (30, 31)}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    folder = tmp_path / "people of note"
    for seed, (name, size) in enumerate(FILES.items()):
        put(folder / name, jpeg(*size, seed))
    return folder


def embedding(name: str) -> np.ndarray:
    """As its file says, and no other."""
    return np.random.default_rng(list(FILES).index(name)).normal(size=8).astype(np.float32)


def seeing(faces: dict[str, list[Face]] | None = None, lost: str = "") -> Callable[[Pipeline], Iterable[BatchMetadata]]:
    """Play a pipeline whose sources are pictures; they come in another order than they were asked for."""

    def frames(pipeline: Pipeline) -> Iterable[BatchMetadata]:
        for stream, uri in reversed(list(enumerate(pipeline.uris()))):
            path = Path(unquote(urlparse(uri).path))
            name = f"{path.parent.name}/{path.name}"
            if name != lost:
                found = (faces or {}).get(name, [Face(embedding=embedding(name))])
                yield BatchMetadata(Frame(found, source_id=stream))

    return frames


def enrol(people: Path, bundle: Path, *options: str) -> tuple[int, Gallery]:
    output = bundle / "gallery.npz"
    status = main([str(people), "-o", str(output), "--bundle", str(bundle), *options])
    return status, Gallery.read(output)


def require(gallery: Gallery, names: Iterable[str]) -> None:
    """Each picture's embedding must be there, under the name of its folder, and no other."""
    listed = {name.split("/")[0]: 0 for name in names}
    assert sorted(gallery.names) == sorted(name.split("/")[0] for name in names)
    for name in names:
        (found,) = gallery.match((embedding(name) / np.linalg.norm(embedding(name)))[None], 1, 0.9999)
        assert found[0].name == name.split("/")[0]
    assert set(gallery.people) == set(listed)


def test_every_picture_is_enrolled_under_its_name(
    people: Path, bundle: Path, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    pipelines = play(seeing())
    status, gallery = enrol(people, bundle)
    assert status == 0
    require(gallery, FILES)
    assert gallery.model_sha256 == MODEL
    assert "4 pictures of 2 people, 0 refused" in capsys.readouterr().err
    sizes = {(mux["width"], mux["height"]) for mux in (pipeline.elements["mux"][1] for pipeline in pipelines)}
    assert sizes == {(60, 40), (30, 30)}
    assert all("nvtracker" not in pipeline.chain() for pipeline in pipelines)


def test_pictures_without_a_face_or_with_several_are_refused(
    people: Path, bundle: Path, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    several = [Face(embedding=embedding("Ada/1.jpg")), Face((0, 0, 9, 9), embedding=embedding("Ada/2.jpg"))]
    faces = {"Ada/1.jpg": several, "Emmy/1.jpg": [], "Emmy/2.jpg": [Face()]}
    play(seeing(faces))
    status, gallery = enrol(people, bundle)
    assert status == 1
    require(gallery, ["Ada/2.jpg"])
    said = capsys.readouterr().err
    assert "1.jpg has 2 faces: crop it to one, or take the largest with --largest" in said
    assert "1.jpg has no face" in said
    assert "2.jpg has a face without an embedding" in said


def test_the_largest_face_is_taken_when_asked_for(people: Path, bundle: Path, play: Play) -> None:
    small = Face((0, 0, 9, 9), 0.9, embedding=embedding("Ada/2.jpg") + 1)
    faces = {"Ada/1.jpg": [small, Face(embedding=embedding("Ada/1.jpg")), small]}
    play(seeing(faces))
    status, gallery = enrol(people, bundle, "--largest")
    assert status == 0
    require(gallery, FILES)


def test_a_picture_that_gives_no_frame_is_refused(
    people: Path, bundle: Path, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play(seeing(lost="Ada/2.jpg"))
    status, gallery = enrol(people, bundle)
    assert status == 1
    require(gallery, ["Ada/1.jpg", "Emmy/1.jpg", "Emmy/2.jpg"])
    assert "2.jpg gave no frame: DeepStream cannot decode it" in capsys.readouterr().err


def test_without_any_face_nothing_is_written(people: Path, bundle: Path, play: Play) -> None:
    play(seeing({name: [] for name in FILES}))
    with pytest.raises(FaceAppError, match="no picture can be enrolled"):
        main([str(people), "-o", str(bundle / "g.npz"), "--bundle", str(bundle)])
    assert not (bundle / "g.npz").exists()


def test_a_bundle_that_does_not_know_its_embedder_enrols_nobody(people: Path, tmp_path: Path) -> None:
    content = manifest()
    content["on_faces"][1]["onnx_sha256"] = "unknown"
    bundle = write_bundle(tmp_path / "unknown", content)
    with pytest.raises(FaceAppError, match="emit the bundle from a store"):
        main([str(people), "-o", str(tmp_path / "g.npz"), "--bundle", str(bundle)])


def test_batches_are_of_one_size_and_no_larger_than_the_bundle() -> None:
    pictures = [Picture("Ada", Path(str(i)), 20 + 2 * (i % 2), 20) for i in range(9)]
    found = list(batches(pictures, 2))
    assert [len(batch) for batch in found] == [2, 2, 1, 2, 2]
    assert all(len({(picture.width, picture.height) for picture in batch}) == 1 for batch in found)
    assert sorted(picture.path for batch in found for picture in batch) == sorted(p.path for p in pictures)
