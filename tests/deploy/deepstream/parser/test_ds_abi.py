"""The ABI of every version, ours and that of NVIDIA's headers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.deepstream.parser.nvinfer_layers import Layer
from tests.deploy.deepstream.parser.parser_library import (
    BUNDLE,
    OBJECT,
    ROTATED,
    WARNINGS,
    build,
    run,
)
from tests.deploy.deepstream.parser.raw_outputs import SIZE, crowd
from tests.deploy.deepstream.sdk import INCLUDES, cuda_includes, deepstream_folders

PARSER = BUNDLE / "parser"


def compiled(source: Path, *flags: str) -> str:
    return run("g++", "-std=c++17", "-fsyntax-only", *WARNINGS, f"-I{BUNDLE / 'include'}", *flags, str(source))


def version(major: int, minor: int) -> tuple[str, str]:
    return (f"-DNVDS_VERSION_MAJOR={major}", f"-DNVDS_VERSION_MINOR={minor}")


@pytest.mark.parametrize(("name", "box"), [("6.3", OBJECT), ("9.1", ROTATED)])
def test_each_version_gets_boxes_of_its_length(tmp_path: Path, name: str, box: object) -> None:
    outputs = crowd()
    parsers = build(tmp_path, name, flags="-O1").opened()
    assert parsers.box_type == box
    layers = [Layer.of(name, values) for name, values in outputs.items()]
    found, masks = parsers.boxes(layers, SIZE), parsers.masks(layers, SIZE)[0]
    assert len(found) > 20
    assert found["left"].tolist() == masks["left"].tolist()
    assert box != ROTATED or not found["rotation"].any()
    sizes = {name: set(masks[name].tolist()) for name in ("mask_width", "mask_height", "mask_size")}
    assert sizes == {"mask_width": {5}, "mask_height": {4}, "mask_size": {80}}


@pytest.mark.parametrize(("major", "minor"), [(6, 2), (5, 1), (10, 0)])
def test_a_version_that_nobody_has_seen_is_refused(major: int, minor: int) -> None:
    with pytest.raises(AssertionError, match="the ABI of this DeepStream is not known here"):
        compiled(PARSER / "ds_abi.h", *version(major, minor))


def test_without_a_version_nothing_is_assumed() -> None:
    with pytest.raises(AssertionError, match="for which DeepStream"):
        compiled(PARSER / "ds_abi.h")


@pytest.mark.parametrize(
    ("field", "other", "what"),
    [
        ("float rotation_angle;", "", "rotation"),
        ("float left;", "double left;", "NvDsInfer"),
        (
            "unsigned int classId;\n  float left;",
            "float left;\n  unsigned int classId;",
            "NvDsInferObjectDetectionInfo",
        ),
        ("const char* layerName;\n  void* buffer;", "void* buffer;\n  const char* layerName;", "NvDsInferLayerInfo"),
        ("unsigned int width;\n  unsigned int height;", "unsigned int height;\n  unsigned int width;", "NetworkInfo"),
        ("unsigned int mask_size;", "", "no member named"),
        ("unsigned int mask_width;\n  unsigned int mask_height;", "unsigned int mask_height, mask_width;", "MaskInfo"),
        ("#define NVDSINFER_MAX_DIMS 8", "#define NVDSINFER_MAX_DIMS 9", "NvDsInferDims"),
        ("unsigned int numClassesConfigured;", "double a, b;", "NvDsInferParseDetectionParams"),
    ],
)
def test_another_layout_does_not_compile(tmp_path: Path, field: str, other: str, what: str) -> None:
    """As NVIDIA's headers of a version that moved a field would not."""
    text = (PARSER / "ds_abi.h").read_text(encoding="utf-8")
    assert field in text
    moved = tmp_path / "ds_abi.h"
    moved.write_text(text.replace(field, other), encoding="utf-8")
    with pytest.raises(AssertionError, match=what):
        compiled(moved, *version(9, 1))


def test_the_parser_compiles_against_the_headers_of_nvidia() -> None:
    """With TensorRT's too, which they include: where nobody has named those, this cannot run."""
    folders = [*deepstream_folders(), str(cuda_includes())]
    if not any(Path(folder, "NvInfer.h").is_file() for folder in folders):
        pytest.skip(f"{INCLUDES} names no folder with TensorRT's NvInfer.h")
    compiled(PARSER / "scrfd_parser.cpp", "-DBATCHPROOF_SDK_HEADERS", *(f"-isystem{folder}" for folder in folders))
