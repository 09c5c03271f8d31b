"""Polygraphy's own command line takes the same ONNX with the same profiles, and builds the same engine."""

from pathlib import Path

import pytest

from batchproof.artifacts import onnx_file
from batchproof.build.tensorrt import engine as tensorrt_engine
from batchproof.engine_options import EngineOptions
from batchproof.errors import StepFailedError
from batchproof.profile import EngineProfiles
from batchproof.surgery.repair import repair
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec, Precision
from benchmarks.polygraphy_cli import convert
from tests.build import tiny_graphs

PROFILES = EngineProfiles.parse("1+1,4,8", height=64, width=96)
# Two builds of the same differ in a few dozen bytes.
ALIKE = 0.02


def sizes(graph: Path, spec: ModelSpec, profiles: EngineProfiles, precision: Precision) -> tuple[int, int]:
    """The sizes of our engine and of Polygraphy's."""
    theirs = graph.with_suffix(".polygraphy")
    shapes = [profile.input_shapes(spec) for profile in profiles]
    said = convert(graph, theirs, onnx_file.read(graph).graph.input[0].name, shapes)
    assert f"Optimization Profiles  | {len(profiles)} profile(s)" in said
    built = tensorrt_engine.build(
        graph,
        graph.with_suffix(".engine"),
        backend="rtx",
        precision=precision,
        profiles=profiles,
        options=EngineOptions(),
        timing_cache=None,
        spec=spec,
    )
    return built.bytes, theirs.stat().st_size


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_same_graph_and_profiles_give_an_engine_of_the_same_size(tmp_path: Path, precision: Precision) -> None:
    graph = tiny_graphs.detector(tmp_path / "tiny.onnx", dtype=precision)
    ours, theirs = sizes(graph, tiny_graphs.SPEC, PROFILES, precision)
    assert theirs == pytest.approx(ours, rel=ALIKE)


def test_a_real_detector(tmp_path: Path, test_data: Path) -> None:
    model = onnx_file.read(test_data / "models" / "det_500m.onnx")
    recognised = recognise(model)
    graph = tmp_path / "det_500m.onnx"
    graph.write_bytes(repair(model, recognised).model.SerializeToString())
    ours, theirs = sizes(graph, recognised.spec, EngineProfiles.parse("1+1,16,32"), "fp32")
    assert theirs == pytest.approx(ours, rel=ALIKE)


def test_what_polygraphy_refuses_is_said(tmp_path: Path) -> None:
    graph = tiny_graphs.with_unknown_operator(tmp_path / "dice.onnx")
    with pytest.raises(StepFailedError, match=r"dice\.onnx: Polygraphy's command line refuses it"):
        convert(graph, tmp_path / "dice.engine", "input", [PROFILES.overall.input_shapes(tiny_graphs.SPEC)])
