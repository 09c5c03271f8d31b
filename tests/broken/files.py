"""One file for each way in which a file can be wrong, whatever its graph would say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx

from tests.broken.graphs import sound, sparse_weights, with_function


def truncated(folder: Path) -> Path:
    """A download that broke off in the middle."""
    return _write(folder, sound().SerializeToString()[:1500])


def overwritten(folder: Path) -> Path:
    """A bad disk: the head is right, the rest is noise."""
    content = sound().SerializeToString()
    return _write(folder, content[:40] + bytes(255 - byte for byte in content[40:]))


def web_page(folder: Path) -> Path:
    """What a download link gave in place of the model."""
    return _write(folder, b"<!DOCTYPE html><html><body>404: Not Found</body></html>")


def git_lfs_pointer(folder: Path) -> Path:
    """A checkout without git-lfs."""
    return _write(folder, b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 16923827\n")


def empty(folder: Path) -> Path:
    """No byte at all."""
    return _write(folder, b"")


def data_missing(folder: Path) -> Path:
    """The weights were not copied along with the graph."""
    path = _external(folder)
    (folder / "weights.bin").unlink()
    return path


def data_too_short(folder: Path) -> Path:
    """The weights broke off while they were copied."""
    path = _external(folder)
    (folder / "weights.bin").write_bytes((folder / "weights.bin").read_bytes()[:100])
    return path


def data_beside_the_folder(folder: Path) -> Path:
    """The weights are said to be in a file of the folder above."""
    return _external(folder, location="../secret.bin")


def data_at_an_absolute_path(folder: Path) -> Path:
    """The weights are said to be in a file of the system."""
    return _external(folder, location="/etc/passwd")


def data_behind_a_link(folder: Path) -> Path:
    """The weights are a symbolic link to a file outside."""
    path = _external(folder)
    secret = folder.parent / "secret.bin"
    secret.write_bytes((folder / "weights.bin").read_bytes())
    (folder / "weights.bin").unlink()
    (folder / "weights.bin").symlink_to(secret)
    return path


def data_behind_a_linked_folder(folder: Path) -> Path:
    """The weights are in a folder that is a symbolic link to one outside."""
    path = _external(folder, location="inside/weights.bin")
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "weights.bin").write_bytes((folder / "weights.bin").read_bytes())
    (folder / "inside").symlink_to(outside)
    return path


def data_of_no_name(folder: Path) -> Path:
    """The weights are said to be outside, and nothing says where."""
    return _external(folder, location="")


def data_offset_beyond_the_end(folder: Path) -> Path:
    """The weights are said to begin where their file has ended."""
    return _external(folder, offset="99999999")


def data_offset_negative(folder: Path) -> Path:
    """The weights are said to begin before their file does."""
    return _external(folder, offset="-4")


def data_of_a_function(folder: Path) -> Path:
    """Not a weight, but a constant of a local function is said to be in a file of the system."""
    return _write(folder, with_function(_elsewhere("/etc/passwd")).SerializeToString())


def data_of_a_sparse_weight(folder: Path) -> Path:
    """The numbers of a sparse weight are said to be in a file of the system."""
    model = sparse_weights()
    model.graph.sparse_initializer[0].values.CopyFrom(_elsewhere("/etc/passwd"))
    return _write(folder, model.SerializeToString())


def _elsewhere(location: str) -> onnx.TensorProto:
    tensor = onnx.TensorProto(name="w", dims=[1], data_type=onnx.TensorProto.FLOAT)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def _write(folder: Path, content: bytes) -> Path:
    path = folder / "broken.onnx"
    path.write_bytes(content)
    return path


def _external(folder: Path, **changes: str) -> Path:
    """Write the weights beside the graph, and then say something else about where they are."""
    model = sound()
    path = folder / "broken.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            entry.value = changes.get(entry.key, entry.value)
    path.write_bytes(model.SerializeToString())
    return path


FILES: dict[str, Callable[[Path], Path]] = {
    build.__name__: build
    for build in (
        truncated,
        overwritten,
        web_page,
        git_lfs_pointer,
        empty,
        data_missing,
        data_too_short,
        data_beside_the_folder,
        data_at_an_absolute_path,
        data_behind_a_link,
        data_behind_a_linked_folder,
        data_of_no_name,
        data_offset_beyond_the_end,
        data_offset_negative,
        data_of_a_function,
        data_of_a_sparse_weight,
    )
}
