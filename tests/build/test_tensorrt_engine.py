import json
import re
import sys
from pathlib import Path

import pytest

from batchproof.build import tensorrt_engine
from batchproof.build.tensorrt_compat import Backend
from batchproof.build.tensorrt_engine import EngineBuild, build
from batchproof.errors import InputError, StepFailedError, StoreError
from batchproof.profile import Profile, Shapes
from batchproof.verdict import Status
from batchproof.zoo.spec import Precision
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC

PROFILE = Profile(1, 4, 8, height=64, width=96)


def build_tiny(model: Path, precision: Precision = "fp32", backend: Backend = "rtx") -> EngineBuild:
    output = model.with_suffix(".engine")
    return build(model, output, backend=backend, precision=precision, profile=PROFILE, spec=SPEC, subject="tiny")


def run_instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(tensorrt_engine, "WORKER_COMMAND", (sys.executable, "-c", code))


def refusal(model: Path, precision: Precision = "fp32") -> str:
    """The sentence of a failing build, which must leave nothing behind."""
    before = sorted(model.parent.iterdir())
    with pytest.raises(StepFailedError) as caught:
        build_tiny(model, precision)
    assert sorted(model.parent.iterdir()) == before
    return caught.value.line()


def test_an_fp32_engine(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    assert built.summary is not None
    assert built.summary.bytes == (tmp_path / "tiny.engine").stat().st_size > 1000
    assert built.summary.version.startswith("1.")
    assert built.summary.half_share == 0.0
    image, score = built.summary.tensors
    assert (image.name, image.mode, image.dtype, image.dims) == ("input", "input", "FLOAT", (-1, 3, -1, -1))
    assert image.shapes == Shapes((1, 3, 64, 96), (4, 3, 64, 96), (8, 3, 64, 96))
    assert (score.name, score.mode, score.dims) == ("score_8", "output", (-1, -1, 1))
    assert score.shapes == Shapes((1, 96, 1), (4, 96, 1), (8, 96, 1))


def test_an_fp16_engine_has_half_tensors_and_float_inputs_and_outputs(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx", dtype="fp16"), "fp16")
    assert built.summary is not None
    assert built.summary.half_share > 0.5
    assert {tensor.dtype for tensor in built.summary.tensors} == {"FLOAT"}


def test_the_verdicts_say_that_an_engine_is_built_and_not_executed(tmp_path: Path) -> None:
    compiles, precision, executes = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx")).verdicts
    assert (compiles.check, compiles.status) == ("build.compiles", Status.PASS)
    assert "TensorRT-RTX 1." in compiles.reason
    assert "for N=1..4..8 at 64x96" in compiles.reason
    assert (precision.check, precision.status) == ("build.precision", Status.PASS)
    assert (executes.check, executes.status) == ("build.executes", Status.NOT_RUN)
    assert executes.reason.startswith("built, not executed: ")


def test_the_sidecar_is_json(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    assert built.summary is not None
    sidecar = json.loads(json.dumps(built.summary.sidecar))
    assert sidecar["backend"] == "rtx"
    assert sidecar["tensors"][0]["shapes"]["maximum"] == [8, 3, 64, 96]


def test_an_fp16_request_for_an_fp32_graph_is_refused(tmp_path: Path) -> None:
    sentence = refusal(tiny_graphs.detector(tmp_path / "tiny.onnx"), "fp16")
    assert "an FP16 engine was asked for" in sentence
    assert "tiny.onnx" in sentence


def test_an_fp32_request_for_an_fp16_graph_is_refused(tmp_path: Path) -> None:
    assert "an FP32 engine was asked for" in refusal(tiny_graphs.detector(tmp_path / "tiny.onnx", dtype="fp16"))


def test_an_operator_without_implementation_is_named(tmp_path: Path) -> None:
    sentence = refusal(tiny_graphs.with_nms(tmp_path / "nms.onnx"))
    assert re.search(r"layer 'head_nms_\d' has no implementation in this TensorRT", sentence)


def test_an_operator_that_the_parser_refuses_is_named_with_its_node(tmp_path: Path) -> None:
    sentence = refusal(tiny_graphs.with_unknown_operator(tmp_path / "dice.onnx"))
    assert "In node 0 with name: dice and operator: Bernoulli" in sentence


def test_a_fixed_batch_is_refused_before_building(tmp_path: Path) -> None:
    sentence = refusal(tiny_graphs.detector(tmp_path / "fixed.onnx", batch=1))
    assert "input 'input' is declared [1, 3, -1, -1] and cannot take [4, 3, 64, 96]" in sentence
    assert "surgery" in sentence


def test_a_flattened_batch_is_refused_though_the_builder_accepts_it(tmp_path: Path) -> None:
    sentence = refusal(tiny_graphs.detector(tmp_path / "flat.onnx", tail="flat"))
    assert "output 'score_8' is [-1, 1] in the network, expected [1, 96, 1]" in sentence


def test_a_damaged_file_is_an_input_error(tmp_path: Path) -> None:
    model = tmp_path / "damaged.onnx"
    model.write_bytes(tiny_graphs.detector(tmp_path / "tiny.onnx").read_bytes()[:-100])
    with pytest.raises(InputError, match="truncated"):
        build_tiny(model)


def test_an_unwritable_output_is_refused_before_building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "raise SystemExit('the worker must not start')")
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    output = model / "tiny.engine"
    with pytest.raises(StoreError, match="cannot be written"):
        build(model, output, backend="rtx", precision="fp32", profile=PROFILE, spec=SPEC, subject="tiny")


def test_a_disk_that_fills_up_is_a_store_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    run_instead(monkeypatch, f"{limit}; {ignore}; from batchproof.build.tensorrt_worker import main; main()")
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    with pytest.raises(StoreError, match=r"tiny\.engine: cannot be written"):
        build_tiny(model)
    assert list(tmp_path.iterdir()) == [model]


def test_a_crash_of_the_native_library_is_a_failed_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last_words = "import sys; print('about to fail', file=sys.stderr, flush=True)"
    run_instead(monkeypatch, f"{last_words}; import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    sentence = refusal(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    assert "TensorRT-RTX: the build process crashed with SIGSEGV (about to fail)" in sentence


def test_a_killed_worker_suggests_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    sentence = refusal(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    assert "SIGKILL" in sentence
    assert "out of memory" in sentence


def test_a_worker_that_raises_is_a_failed_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "raise KeyError('surprise')")
    sentence = refusal(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    assert "ended with exit code 1 (KeyError: 'surprise')" in sentence


def test_a_worker_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(tensorrt_engine, "_TIME_LIMIT_SECONDS", 1)
    assert "no engine after 1 s" in refusal(tiny_graphs.detector(tmp_path / "tiny.onnx"))


def test_native_chatter_reaches_neither_our_output_nor_the_reply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    chatter = "import os; load = c.load; c.load = lambda b: (os.write(1, b'chatter'), load(b))[1]"
    start = "import batchproof.build.tensorrt_compat as c"
    run_instead(monkeypatch, f"{start}; {chatter}; from batchproof.build.tensorrt_worker import main; main()")
    assert build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx")).summary is not None
    assert capfd.readouterr() == ("", "")


def test_without_tensorrt_the_verdict_says_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"), backend="tensorrt")
    assert built.summary is None
    (verdict,) = built.verdicts
    assert (verdict.check, verdict.status) == ("build.compiles", Status.NOT_RUN)
    assert "the Python package tensorrt is not installed" in verdict.reason
    assert "NVIDIA's own package index" in verdict.reason
    assert "Triton" in verdict.reason
    assert "GPU" in verdict.reason
    assert not (tmp_path / "tiny.engine").exists()


def test_rtx_without_its_libraries_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide = "import sys; sys.modules['onnxruntime_ep_nv_tensorrt_rtx'] = None"
    run_instead(monkeypatch, f"{hide}; from batchproof.build.tensorrt_worker import main; main()")
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    (verdict,) = built.verdicts
    assert verdict.status is Status.NOT_RUN
    assert "libtensorrt_rtx" in verdict.reason
    assert "batchproof[rtx]" in verdict.reason
    assert not (tmp_path / "tiny.engine").exists()


def test_the_bindings_alone_suffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide = "import sys; sys.modules['tensorrt_rtx'] = None"
    run_instead(monkeypatch, f"{hide}; from batchproof.build.tensorrt_worker import main; main()")
    assert build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx")).summary is not None


def test_the_enterprise_path_goes_through_the_same_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorRT itself cannot be installed here: RTX stands in for it, with its API and under its name."""
    stand_in = (
        "import sys; import onnxruntime_ep_nv_tensorrt_rtx; import tensorrt_rtx_bindings as bindings;"
        "bindings.__version__ = '10.9.0.34'; sys.modules['tensorrt'] = bindings"
    )
    run_instead(monkeypatch, f"{stand_in}; from batchproof.build.tensorrt_worker import main; main()")
    monkeypatch.setattr(tensorrt_engine, "missing", lambda backend: None)
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx", dtype="fp16"), "fp16", "tensorrt")
    assert built.summary is not None
    assert built.summary.version == "10.9.0.34"
    assert "TensorRT 10.9.0.34 built" in built.verdicts[0].reason


@pytest.mark.skipif(sys.version_info < (3, 11), reason="PYTHONSAFEPATH came with Python 3.11")
def test_a_file_of_the_working_directory_stands_in_for_no_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "polygraphy.py").write_text("raise SystemExit('imported from the working directory')")
    monkeypatch.chdir(tmp_path)
    assert build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx")).summary is not None
