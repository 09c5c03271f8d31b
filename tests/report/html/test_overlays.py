from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from batchproof.artifacts.manifest import Artifact
from batchproof.errors import StoreError
from batchproof.report.html.overlays import overlays
from batchproof.report.html.store_files import StoreFiles
from tests.report.chains import FACE, JPEG, PATH, PICTURE, SEEN, chain_store
from tests.report.html.document import Node, parsed


def drawn(root: Path, *, pictures: bool = True) -> Node:
    return parsed(overlays(chain_store(root), StoreFiles(root, pictures)))


def test_the_faces_of_both_are_drawn_in_pixels_of_the_picture(tmp_path: Path) -> None:
    first, second = drawn(tmp_path).all("svg", "overlay")
    assert first.attributes["viewbox"] == "0 0 200 100"
    (original,) = first.all("path", "original")[:1]
    assert original.attributes["d"] == "M10 20H50V80H10z" * 2
    (batched,) = first.all("path", "boxes")[1:]
    assert (batched.attributes["class"], batched.attributes["d"]) == ("boxes batched", "M10.5 20H50V80H10.5z")
    assert first.all("path", "points")[1].attributes["d"] == "M20 40h0M40 40h0"
    assert not second.all("path")


def test_the_summary_counts_the_faces(tmp_path: Path) -> None:
    text = drawn(tmp_path).all("summary")[0].text
    assert text == "det.fp16: 1 of insightface's 2 faces found again, 0 others; furthest box 0.5 px"


def test_crowds_are_counted_although_only_the_best_are_drawn(tmp_path: Path) -> None:
    crowd = replace(SEEN.pictures[0], original_count=700, batched_count=650)
    errors = replace(SEEN.errors, box=(0.5,) * 640)
    seen = replace(SEEN, pictures=(crowd, SEEN.pictures[1]), errors=errors)
    root = parsed(overlays(chain_store(tmp_path, seen), StoreFiles(tmp_path)))
    assert "640 of insightface's 700 faces found again, 10 others" in root.all("summary")[0].text
    captions = [caption.text for caption in root.all("figcaption")]
    assert captions[0] == "a.jpg: faces of insightface 700, of the batch 650; drawn are the best 2"
    assert captions[1] == "b.jpg: faces of insightface 0, of the batch 0"


def test_pictures_whose_names_are_printed_alike_stay_apart(tmp_path: Path) -> None:
    seen = replace(SEEN, pictures=(SEEN.pictures[0], replace(SEEN.pictures[1], name="a.jpg")))
    manifest = chain_store(tmp_path, seen)
    second = PICTURE.replace("0000", "0001")
    (tmp_path / second).write_bytes(b"another")
    chain, pictures = manifest.records
    both = replace(
        pictures, notes={"names": ["a.jpg", "a.jpg"]}, artifacts=(*pictures.artifacts, Artifact(second, "0", 1))
    )
    root = parsed(overlays(replace(manifest, records=(chain, both)), StoreFiles(tmp_path)))
    images = [image.attributes["id"] for image in root.all("image")]
    assert len(set(images)) == 2
    assert [unquote(use.attributes["href"]) for use in root.all("use")] == [f"#{image}" for image in images]


def test_a_link_that_leads_out_of_the_store_is_not_embedded(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    manifest = chain_store(store)
    (tmp_path / "secret").write_bytes(b"secret")
    (store / PICTURE).unlink()
    (store / PICTURE).symlink_to(tmp_path / "secret")
    assert "<image" not in overlays(manifest, StoreFiles(store))


def test_each_picture_is_embedded_once_and_referred_to(tmp_path: Path) -> None:
    root = drawn(tmp_path)
    (image,) = root.all("image")
    assert image.attributes["href"] == f"data:image/jpeg;base64,{b64encode(JPEG).decode()}"
    assert [unquote(use.attributes["href"]) for use in root.all("use")] == [f"#{image.attributes['id']}"]


def test_without_pictures_the_ground_is_empty(tmp_path: Path) -> None:
    root = drawn(tmp_path, pictures=False)
    assert not root.all("image")
    assert not root.all("use")
    assert len(root.all("path", "boxes")) == 2


def test_a_chain_that_is_about_an_embedder_is_not_drawn_again(tmp_path: Path) -> None:
    manifest = chain_store(tmp_path)
    (tmp_path / PATH).write_bytes((tmp_path / PATH).read_bytes().replace(b'"det.fp16"', b'"rec.fp16"'))
    assert overlays(manifest, StoreFiles(tmp_path)) == ""


def test_a_file_that_is_gone_is_left_out_and_a_foreign_one_refused(tmp_path: Path) -> None:
    manifest = chain_store(tmp_path)
    (tmp_path / PICTURE).unlink()
    assert "<image" not in overlays(manifest, StoreFiles(tmp_path))
    (tmp_path / PATH).write_text('{"format": 2}')
    with pytest.raises(StoreError, match="has format 2, this version reads 1"):
        overlays(manifest, StoreFiles(tmp_path))
    (tmp_path / PATH).unlink()
    assert overlays(manifest, StoreFiles(tmp_path)) == ""


def test_a_hostile_name_is_text(tmp_path: Path) -> None:
    name = '"><script>alert("100%")</script>'
    pictures = (replace(SEEN.pictures[0], name=name, original=(FACE,)),)
    text = overlays(chain_store(tmp_path, replace(SEEN, pictures=pictures)), StoreFiles(tmp_path))
    assert not parsed(text).all("script")
