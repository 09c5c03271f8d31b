from batchproof.build.execution import Execution
from batchproof.build.tensorrt.device import OnDevice
from batchproof.build.tensorrt.summary import EngineSummary, EngineTensor
from batchproof.build.tensorrt.verdicts import verdicts
from batchproof.engine_options import EngineOptions
from batchproof.profile import Shapes
from batchproof.verdict import Status, Verdict

ONE, FOUR = (1, 3, 64, 96), (4, 3, 64, 96)


def judged(*executions: Execution, tolerance: float = 0.1, absent: str | None = None) -> list[Verdict]:
    image = EngineTensor("input", "input", "FLOAT", (-1, 3, -1, -1), (Shapes(ONE, ONE, FOUR),))
    summary = EngineSummary(
        backend="rtx",
        version="1.7.1.116",
        precision="fp16",
        profiles=("1,1,4@64x96",),
        options=EngineOptions(),
        without_effect=(),
        timing_cache=None,
        seconds=0.5,
        bytes=1_000_000,
        peak_memory_bytes=10**8,
        tensors=(image,),
        tensor_types={"HALF": 9, "FLOAT": 1, "INT8": 3, "FP8": 1},
        warnings=(),
        gpu=None,
        on_gpu=OnDevice(absent=absent, executions=executions),
    )
    return list(verdicts(summary, tolerance, "tiny"))


def test_an_engine_that_was_built() -> None:
    compiles, precision, executes = judged(absent="no GPU")
    assert compiles.reason == "TensorRT-RTX 1.7.1.116 built 1.0 MB in 0.5 s for N=1..1..4 at 64x96"
    assert compiles.figure == 0.5
    assert precision.reason == "9 half, 1 float and 4 quantised tensors in the network, as fp16 asks for"
    assert precision.figure == 0.9
    assert (executes.status, executes.reason) == (Status.NOT_RUN, "built, not executed: no GPU")


def test_the_largest_difference_is_judged() -> None:
    found = judged(
        Execution(0, ONE, 0.01, difference=0.05, witness="bbox_8"),
        Execution(0, FOUR, 0.02, difference=0.2, witness="score_8"),
    )
    assert found[2].status is Status.PASS
    assert "profile 0 at 1x3x64x96 in 0.0100 s, profile 0 at 4x3x64x96 in 0.0200 s" in found[2].reason
    assert (found[3].status, found[3].figure, found[3].threshold) == (Status.FAIL, 0.2, 0.1)
    assert found[3].witness == "output 'score_8', profile 0 at 4x3x64x96"


def test_shapes_of_equal_difference_are_all_named() -> None:
    found = judged(*(Execution(0, shape, 0.01, difference=0.0, witness="score_8") for shape in (ONE, FOUR)))
    assert found[3].status is Status.PASS
    assert "at profile 0 at 1x3x64x96, profile 0 at 4x3x64x96" in found[3].reason


def test_what_was_not_compared_is_told() -> None:
    ran = Execution(0, ONE, 0.01, difference=0.05, witness="bbox_8")
    found = judged(ran, Execution(0, FOUR, 0.02, not_compared="too slow"))
    assert found[3].reason.endswith("not compared: profile 0 at 4x3x64x96 (too slow)")


def test_nothing_compared_is_not_run() -> None:
    assert judged(Execution(0, ONE, 0.01, not_compared="too slow"))[3].status is Status.NOT_RUN


def test_a_shape_without_memory_is_not_run_beside_those_that_ran() -> None:
    ran = Execution(0, ONE, 0.01, difference=0.0, witness="score_8")
    found = judged(ran, Execution(0, FOUR, skipped="out of memory"))[2:]
    assert [(verdict.check, verdict.status) for verdict in found] == [
        ("build.executes", Status.PASS),
        ("build.executes", Status.NOT_RUN),
        ("build.equals_onnx", Status.PASS),
    ]


def test_a_problem_at_one_shape_fails_with_its_place() -> None:
    ran = Execution(0, ONE, 0.01, difference=0.0, witness="score_8")
    found = judged(ran, Execution(0, FOUR, problem="illegal memory access"))
    assert (found[2].status, found[2].reason) == (Status.FAIL, "illegal memory access")
    assert found[2].witness == "profile 0 at 4x3x64x96"
