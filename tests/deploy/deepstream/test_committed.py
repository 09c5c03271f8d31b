from __future__ import annotations

from batchproof.deploy.deepstream.committed import FOLDER, committed


def test_the_committed_bundles_are_what_the_emitter_writes() -> None:
    """Stale? Run: python -m batchproof.deploy.deepstream.committed."""
    wanted = committed()
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert found == set(wanted)
    for name, text in wanted.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, name


def test_there_is_one_of_each_pack_for_each_layout_of_a_box() -> None:
    folders = {name.rsplit("/", 1)[0] for name in committed() if name.endswith("/manifest.json")}
    assert folders == {
        f"{pack}/{target}" for pack in ("demo", "buffalo_l") for target in ("deepstream-8.0", "deepstream-9.1")
    }


def test_no_weights_are_among_them() -> None:
    assert not [path for path in FOLDER.rglob("*") if path.suffix in (".onnx", ".engine", ".so")]
