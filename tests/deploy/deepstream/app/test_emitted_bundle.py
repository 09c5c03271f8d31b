from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from emitted_bundle import EmittedBundle
from face_error import FaceAppError
from tests.deploy.deepstream.app.bundles import MODEL, manifest, write_bundle


def test_the_manifest_says_what_is_run(bundle: Path) -> None:
    read = EmittedBundle.read(bundle)
    assert (read.detector, read.embedder, read.embedder_id, read.embedding) == ("scrfd", "arcface", 2, "embedding")
    assert (read.channels, read.streams, read.model_sha256) == (512, 4, MODEL)
    assert read.manifest_sha256 == hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()
    for config in (read.detector_config, read.crops_config, read.embedder_config, read.tracker_config):
        assert Path(config).is_absolute()
        assert Path(config).is_file()
    read.require_built()


def changed(*path: str | int, value: Any) -> dict[str, Any]:
    content = manifest()
    part: Any = content
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return content


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        7,
        changed("kind", value="another"),
        changed("streams", value=0),
        changed("streams", value="4"),
        changed("streams", value=True),
        changed("on_faces", value=[]),
        changed("on_faces", value=None),
        changed("on_faces", 1, "role", value="attributes"),
        changed("on_faces", 1, "name", value="../../etc/passwd"),
        changed("detector", "name", value="a/b"),
        changed("on_faces", 1, "outputs", value={}),
        changed("on_faces", 1, "outputs", value={"a": {"maximum": [1, 2]}, "b": {"maximum": [1, 2]}}),
        changed("on_faces", 1, "outputs", "embedding", value={"maximum": []}),
        changed("on_faces", 1, "onnx_sha256", value=None),
    ],
)
def test_other_manifests_are_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(FaceAppError, match="is no manifest of a bundle") as caught:
        EmittedBundle.read(write_bundle(tmp_path, content))
    assert caught.value.status == 2


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, '{"kind": NaN'])
def test_what_is_no_json_is_refused(bundle: Path, content: str) -> None:
    (bundle / "manifest.json").write_text(content)
    with pytest.raises(FaceAppError, match="is no manifest of a bundle"):
        EmittedBundle.read(bundle)


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaceAppError, match="name the bundle's folder by --bundle"):
        EmittedBundle.read(tmp_path)


def test_a_missing_configuration_is_named(bundle: Path) -> None:
    (bundle / "configs" / "sgie_arcface.txt").unlink()
    with pytest.raises(FaceAppError, match=r"sgie_arcface\.txt is missing"):
        _ = EmittedBundle.read(bundle).embedder_config


def test_a_bundle_that_is_not_built_says_how(bundle: Path) -> None:
    (bundle / "build" / "libbatchproof_align.so").unlink()
    with pytest.raises(FaceAppError, match=r"libbatchproof_align\.so is missing: run `sh run\.sh build` first"):
        EmittedBundle.read(bundle).require_built()
