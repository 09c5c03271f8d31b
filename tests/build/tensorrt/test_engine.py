import hashlib
import json
import re
import sys
from pathlib import Path

import pytest

from batchproof.build.tensorrt import engine as tensorrt_engine
from batchproof.build.tensorrt import process as tensorrt_process
from batchproof.build.tensorrt.compat import Backend
from batchproof.build.tensorrt.engine import build
from batchproof.build.tensorrt.summary import EngineSummary
from batchproof.build.tensorrt.timing_cache import TimingCache
from batchproof.build.tensorrt.verdicts import verdicts
from batchproof.engine_options import EngineOptions
from batchproof.errors import InputError, StepFailedError, StepNotRunError, StoreError
from batchproof.profile import EngineProfiles, Shapes
from batchproof.verdict import Status, Verdict
from batchproof.zoo.spec import Precision
from benchmarks.option_effects import always
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC

PROFILES = EngineProfiles.parse("1,4,8", height=64, width=96)
PLAIN = EngineOptions()
UNUSED = (EngineOptions(optimisation_level=5), EngineOptions(distributive_independence=True))


def build_tiny(
    model: Path,
    precision: Precision = "fp32",
    backend: Backend = "rtx",
    *,
    output: Path | None = None,
    profiles: EngineProfiles = PROFILES,
    options: EngineOptions = PLAIN,
    timing_cache: TimingCache | None = None,
) -> EngineSummary:
    return build(
        model,
        output or model.with_suffix(".engine"),
        backend=backend,
        precision=precision,
        profiles=profiles,
        options=options,
        timing_cache=timing_cache,
        spec=SPEC,
    )


def run_instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(tensorrt_process, "WORKER_COMMAND", (sys.executable, "-c", code))


def judged(built: EngineSummary) -> list[Verdict]:
    return list(verdicts(built, 1e-4, "tiny"))


def refusal(model: Path, precision: Precision = "fp32", options: EngineOptions = PLAIN) -> str:
    """The sentence of a failing build, which must leave nothing behind."""
    before = sorted(model.parent.iterdir())
    with pytest.raises(StepFailedError) as caught:
        build_tiny(model, precision, options=options)
    assert sorted(model.parent.iterdir()) == before
    return caught.value.line()


def test_an_fp32_engine(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    assert built.bytes == (tmp_path / "tiny.engine").stat().st_size > 1000
    assert built.version.startswith("1.")
    assert built.half_share == 0.0
    image, score = built.tensors
    assert (image.name, image.mode, image.dtype, image.dims) == ("input", "input", "FLOAT", (-1, 3, -1, -1))
    assert image.shapes == (Shapes((1, 3, 64, 96), (4, 3, 64, 96), (8, 3, 64, 96)),)
    assert (score.name, score.mode, score.dims) == ("score_8", "output", (-1, -1, 1))
    assert score.shapes == (Shapes((1, 96, 1), (4, 96, 1), (8, 96, 1)),)


def test_an_fp16_engine_has_half_tensors_and_float_inputs_and_outputs(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx", dtype="fp16"), "fp16")
    assert built.half_share > 0.5
    assert {tensor.dtype for tensor in built.tensors} == {"FLOAT"}


def test_the_verdicts_say_that_an_engine_is_built_and_not_executed(tmp_path: Path) -> None:
    compiles, precision, executes = judged(build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx")))
    assert (compiles.check, compiles.status) == ("build.compiles", Status.PASS)
    assert "TensorRT-RTX 1." in compiles.reason
    assert "for N=1..4..8 at 64x96" in compiles.reason
    assert (precision.check, precision.status) == ("build.precision", Status.PASS)
    assert (executes.check, executes.status) == ("build.executes", Status.NOT_RUN)
    assert executes.reason.startswith("built, not executed: ")


def test_the_sidecar_is_json(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    sidecar = json.loads(json.dumps(built.sidecar))
    assert sidecar["backend"] == "rtx"
    assert sidecar["tensors"][0]["shapes"][0]["maximum"] == [8, 3, 64, 96]
    assert sidecar["profiles"] == ["1,4,8@64x96"]
    assert sidecar["options"]["tf32"] is False
    assert sidecar["timing_cache"] is None
    assert 10**8 < sidecar["peak_memory_bytes"] < 10**10


def test_an_engine_has_all_its_profiles_with_their_sizes(tmp_path: Path) -> None:
    profiles = EngineProfiles.parse("1+1,4,8@64x64,64x96,96x128", height=32, width=32)
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    built, alone = (
        build_tiny(model, profiles=profiles),
        build_tiny(model, profiles=EngineProfiles(profiles.profiles[1:])),
    )
    assert built.bytes > 1.5 * alone.bytes, "each profile has kernels of its own"
    assert built.profiles == ("1,1,1@32x32", "1,4,8@64x64,64x96,96x128")
    score = built.tensors[1]
    assert score.shapes == (
        Shapes((1, 16, 1), (1, 16, 1), (1, 16, 1)),
        Shapes((1, 64, 1), (4, 96, 1), (8, 192, 1)),
    )
    assert "for N=1..1..1 at 32x32 + N=1..4..8 at 64x64..64x96..96x128" in judged(built)[0].reason


def test_rtx_compiles_for_the_gpus_that_it_is_asked_for(tmp_path: Path) -> None:
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    targets = []
    for capabilities in ((), ("8.0",), ("8.6",), ("8.0", "8.6")):
        options = EngineOptions(compute_capabilities=capabilities)
        built = build_tiny(model, options=options)
        assert built.options == options
        targets.append(model.with_suffix(".engine").read_bytes()[32])  # where RTX 1.7 keeps the list, one bit for each
    everywhere, ampere, ga102, both = targets
    assert (ampere | ga102, ampere & ga102) == (both, 0)
    assert everywhere & both == both


@pytest.mark.parametrize("options", UNUSED)
def test_what_rtx_is_said_not_to_use_changes_nothing(tmp_path: Path, options: EngineOptions) -> None:
    plain, chosen = engines_of(tmp_path, PLAIN), engines_of(tmp_path, options)
    assert {len(engine) for engine in chosen} == {len(engine) for engine in plain}
    assert always(chosen, plain) == 0
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"), options=options)
    assert built.without_effect == options.chosen
    assert judged(built)[0].reason.endswith(f"without effect on this builder: {options.chosen[0]}")


def test_what_rtx_uses_is_seen_in_the_same_way(tmp_path: Path) -> None:
    assert always(engines_of(tmp_path, EngineOptions(tf32=True)), engines_of(tmp_path, PLAIN)) in range(1, 10)


def engines_of(folder: Path, options: EngineOptions) -> list[bytes]:
    """Two engines of the same."""
    model = tiny_graphs.detector(folder / "tiny.onnx")
    engines = []
    for _ in range(2):
        build_tiny(model, options=options)
        engines.append(model.with_suffix(".engine").read_bytes())
    return engines


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (EngineOptions(version_compatible=True), "has no builder flag VERSION_COMPATIBLE"),
        (EngineOptions(hardware="ampere+"), "has no hardware compatibility 'ampere+'"),
        (EngineOptions(compute_capabilities=("9.0",)), "It compiles for 7.5, 8.0, 8.6, 8.9, 12.0, 12.1"),
        (EngineOptions(workspace_mib=1), "no tactics to implement the operation within workspace limit"),
    ],
)
def test_rtx_refuses_what_it_does_not_have(tmp_path: Path, options: EngineOptions, said: str) -> None:
    assert said in refusal(tiny_graphs.detector(tmp_path / "tiny.onnx"), options=options)


def test_a_value_that_no_builder_takes_is_refused_before_building(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_instead(monkeypatch, "raise SystemExit('the worker must not start')")
    with pytest.raises(InputError, match="optimisation level 9"):
        build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"), options=EngineOptions(optimisation_level=9))


def test_an_int8_graph_is_built_as_it_comes(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.quantised(tmp_path / "int8.onnx"))
    assert built.tensor_types["INT8"] >= 6
    assert built.sidecar["quantised"] == built.tensor_types["INT8"]
    assert re.search(r"0 half, \d+ float and \d+ quantised tensors", judged(built)[1].reason)


def test_an_fp8_graph_is_built_as_it_comes(tmp_path: Path) -> None:
    built = build_tiny(tiny_graphs.in_fp8(tmp_path / "fp8.onnx"))
    assert built.tensor_types["FP8"] == 1


def test_an_fp16_request_for_an_fp32_graph_is_refused(tmp_path: Path) -> None:
    sentence = refusal(tiny_graphs.detector(tmp_path / "tiny.onnx"), "fp16")
    assert "an FP16 engine was asked for" in sentence
    assert "tiny.onnx" in sentence


def test_an_fp32_request_for_an_fp16_graph_is_refused(tmp_path: Path) -> None:
    assert "an FP32 engine was asked for" in refusal(tiny_graphs.detector(tmp_path / "tiny.onnx", dtype="fp16"))


def test_a_network_that_does_not_keep_the_types_of_its_graph_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = "build = w._build; w._build = lambda *a: (b := build(*a), b['types'].update(stem='HALF'))[0]"
    run_instead(monkeypatch, f"import batchproof.build.tensorrt.worker as w; {parse}; w.main()")
    assert "'stem' is HALF for FLOAT" in refusal(tiny_graphs.detector(tmp_path / "tiny.onnx"))


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
        build_tiny(model, output=output)


def test_a_disk_that_fills_up_is_a_store_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    run_instead(monkeypatch, f"{limit}; {ignore}; from batchproof.build.tensorrt.worker import main; main()")
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    with pytest.raises(StoreError, match=r"tiny\.engine: cannot be written"):
        build_tiny(model)
    assert list(tmp_path.iterdir()) == [model]


def test_native_chatter_reaches_neither_our_output_nor_the_reply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    chatter = "import os; load = c.load; c.load = lambda b: (os.write(1, b'chatter'), load(b))[1]"
    start = "import batchproof.build.tensorrt.compat as c"
    run_instead(monkeypatch, f"{start}; {chatter}; from batchproof.build.tensorrt.worker import main; main()")
    assert build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx")).bytes > 1000
    assert capfd.readouterr() == ("", "")


def test_without_tensorrt_it_is_said_what_is_missing_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_instead(monkeypatch, "raise SystemExit('the worker must not start')")
    with pytest.raises(StepNotRunError) as caught:
        build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"), backend="tensorrt")
    assert "the Python package tensorrt is not installed" in caught.value.line()
    assert "NVIDIA's own package index" in caught.value.line()
    assert "Triton" in caught.value.line()
    assert "GPU" in caught.value.line()
    assert not (tmp_path / "tiny.engine").exists()


def test_rtx_without_its_libraries_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide = "import sys; sys.modules['onnxruntime_ep_nv_tensorrt_rtx'] = None"
    run_instead(monkeypatch, f"{hide}; from batchproof.build.tensorrt.worker import main; main()")
    with pytest.raises(StepNotRunError, match="libtensorrt_rtx") as caught:
        build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"))
    assert "batchproof[rtx]" in caught.value.line()
    assert not (tmp_path / "tiny.engine").exists()


def test_the_bindings_alone_suffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide = "import sys; sys.modules['tensorrt_rtx'] = None"
    run_instead(monkeypatch, f"{hide}; from batchproof.build.tensorrt.worker import main; main()")
    assert build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx")).bytes > 1000


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorRT itself cannot be installed here: RTX stands in for it, with its API and under its name."""
    code = (
        "import sys; import onnxruntime_ep_nv_tensorrt_rtx; import tensorrt_rtx_bindings as bindings;"
        "bindings.__version__ = '10.9.0.34'; sys.modules['tensorrt'] = bindings"
    )
    run_instead(monkeypatch, f"{code}; from batchproof.build.tensorrt.worker import main; main()")
    monkeypatch.setattr(tensorrt_engine, "missing", lambda backend: None)


def test_the_enterprise_path_goes_through_the_same_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx", dtype="fp16"), "fp16", "tensorrt")
    assert built.version == "10.9.0.34"
    assert "TensorRT 10.9.0.34 built" in judged(built)[0].reason


def test_the_enterprise_path_takes_every_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    options = EngineOptions(True, 1, 512, "ampere+", distributive_independence=True)
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"), backend="tensorrt", options=options)
    assert built.without_effect == ()
    assert any("setHardwareCompatibilityLevel" in warning for warning in built.warnings)


def test_a_timing_cache_is_recorded_with_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    cache = TimingCache("record", tmp_path / "tiny.timing")
    built = build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx"), backend="tensorrt", timing_cache=cache)
    assert built.timing_cache is not None
    sha256 = hashlib.sha256(cache.file.read_bytes()).hexdigest()
    assert built.sidecar["timing_cache"]["sha256"] == sha256
    assert (tmp_path / "tiny.timing.sha256").read_text() == f"{sha256}  tiny.timing\n"
    assert [verdict.check for verdict in judged(built)][2] == "build.timing_cache"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"tiny.onnx", "tiny.engine", "tiny.timing", "tiny.timing.sha256"}


def test_a_timing_cache_that_holds_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    model, content = tiny_graphs.detector(tmp_path / "tiny.onnx"), b"of another release"
    (tmp_path / "old.timing").write_bytes(content)
    cache = TimingCache("verified", tmp_path / "old.timing", hashlib.sha256(content).hexdigest())
    with pytest.raises(StepFailedError, match="the timing cache holds nothing that this TensorRT can use on this GPU"):
        build_tiny(model, backend="tensorrt", timing_cache=cache)
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.onnx", "old.timing"}


def test_a_timing_cache_is_refused_for_rtx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "raise SystemExit('the worker must not start')")
    model = tiny_graphs.detector(tmp_path / "tiny.onnx")
    with pytest.raises(InputError, match="its runtime cache"):
        build_tiny(model, timing_cache=TimingCache("record", tmp_path / "x.timing"))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="PYTHONSAFEPATH came with Python 3.11")
def test_a_file_of_the_working_directory_stands_in_for_no_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "polygraphy.py").write_text("raise SystemExit('imported from the working directory')")
    monkeypatch.chdir(tmp_path)
    assert build_tiny(tiny_graphs.detector(tmp_path / "tiny.onnx")).bytes > 1000
