from __future__ import annotations

from pathlib import Path

from emitted_bundle import TRACKER_LIBRARY, EmittedBundle
from pipeline_run import run
from tests.deploy.deepstream.app.conftest import Play
from tests.deploy.deepstream.app.playing import URIS, layout, taking, three


def test_the_pipeline_is_the_bundles(bundle: Path, play: Play) -> None:
    pipelines, numbers = play(three), list[int]()
    run(EmittedBundle.read(bundle), layout(), taking(numbers), patience=9)
    (pipeline,) = pipelines
    assert numbers == [0, 1, 2]
    assert pipeline.chain() == ["nvstreammux", "nvinfer", "nvtracker", "nvdspreprocess", "nvinfer", "fakesink"]
    assert pipeline.uris() == list(URIS)
    assert pipeline.probe is not None
    assert pipeline.probe[0] == "embedder"
    properties = {name: values for name, (_, values) in pipeline.elements.items()}
    configs = bundle / "configs"
    assert properties["detector"] == {"config-file-path": str(configs / "pgie_scrfd.txt")}
    assert properties["crops"] == {"config-file": str(configs / "preprocess_align_arcface.txt")}
    assert properties["embedder"] == {"config-file-path": str(configs / "sgie_arcface.txt")}
    assert properties["tracker"]["ll-config-file"] == str(configs / "tracker.yml")
    assert properties["tracker"]["ll-lib-file"] == TRACKER_LIBRARY
    mux = properties["mux"]
    assert (mux["batch-size"], mux["width"], mux["height"], mux["live-source"]) == (3, 1280, 720, False)
    assert mux["nvbuf-memory-type"] == 2


def test_a_window_shows_no_masks(bundle: Path, play: Play) -> None:
    pipelines = play(three)
    run(EmittedBundle.read(bundle), layout(shown=True, live=True), taking([]), patience=9)
    (pipeline,) = pipelines
    assert pipeline.chain()[-4:-1] == ["nvmultistreamtiler", "nvvideoconvert", "nvdsosd"]
    assert pipeline.elements["osd"][1] == {"display-mask": False}
    assert pipeline.elements["sink"][1] == {"sync": False}
    assert pipeline.elements["mux"][1]["live-source"] is True


def test_faces_need_not_be_tracked(bundle: Path, play: Play) -> None:
    pipelines = play(three)
    run(EmittedBundle.read(bundle), layout(tracked=False), taking([]), patience=9)
    assert "nvtracker" not in pipelines[0].chain()
