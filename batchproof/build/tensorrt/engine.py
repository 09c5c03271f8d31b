"""TensorRT and TensorRT-RTX engines: one typed ONNX, all profiles of the engine, one process for every build."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from batchproof.artifacts import onnx_file
from batchproof.artifacts.output_file import replacing
from batchproof.build.onnxruntime.session import Limits
from batchproof.build.tensorrt import options as tensorrt_options
from batchproof.build.tensorrt.compat import NAMES, Absent, Backend, missing
from batchproof.build.tensorrt.graph_types import guard_types, tensor_types
from batchproof.build.tensorrt.messages import Reply, Request
from batchproof.build.tensorrt.process import ask_worker
from batchproof.build.tensorrt.reply import NotAvailableError, described, require_built, summarised
from batchproof.build.tensorrt.summary import EngineSummary
from batchproof.build.tensorrt.timing_cache import CacheUse, TacticChanges, TimingCache
from batchproof.build.tensorrt.verdicts import verdicts
from batchproof.engine_options import EngineOptions
from batchproof.errors import StepFailedError
from batchproof.profile import EngineProfiles
from batchproof.verdict import Verdict, not_run
from batchproof.zoo.spec import ModelSpec, Precision


@dataclass(frozen=True)
class EngineBuild:
    """The verdicts of one build; `summary` is None, and no file was written, when the backend is not available."""

    summary: EngineSummary | None
    verdicts: tuple[Verdict, ...]


def build(
    model: Path,
    output: Path,
    *,
    backend: Backend,
    precision: Precision,
    profiles: EngineProfiles,
    options: EngineOptions,
    timing_cache: TimingCache | None,
    spec: ModelSpec,
    subject: str,
    tolerance: float,
    limits: Limits | None = None,
) -> EngineBuild:
    """Compile `model` to a strongly typed engine for `profiles`, write it to `output`, and execute it where a GPU is.

    Verdicts: `build.compiles` (figure: seconds), `build.precision` (figure: share of half tensors),
    `build.timing_cache` where one is given, `build.executes` (each output of every profile's minimum, optimum and
    maximum has N rows and is finite) and `build.equals_onnx` (largest difference to ONNX Runtime on `model` is at most
    `tolerance`, where `limits` let ONNX Runtime run). Without a GPU that loads the engine a single `build.executes` of
    `not_run`. A single `build.compiles` of `not_run` with what is missing when the backend is not available.

    Raises `InputError` for a file that is no ONNX, a profile that does not fit the model, an option or a timing cache
    that cannot be used, `StepFailedError` when TensorRT refuses the network (naming the node) or an option, crashes, or
    the network's tensors are not of `precision` or of the graph's types, and `StoreError` when `output` cannot be
    written. `output` is untouched then.
    """
    tensorrt_options.check_values(options)
    if timing_cache is not None:
        timing_cache.check(backend)
    shapes = tuple(profile.input_shapes(spec) for profile in profiles)
    types = tensor_types(onnx_file.read(model))  # refuses damaged files with a better sentence than TensorRT's
    absent = missing(backend)
    if absent is not None:
        return _not_available(absent, subject)
    try:
        with replacing(output) as written, _cache_file(timing_cache, written) as cache:
            request = Request(
                backend, str(model), str(written), precision, shapes, options, spec.input, limits or Limits(), cache
            )
            built = require_built(ask_worker(request), output)
            guard_types(types, built["types"])
            tensors = tuple(described(built, profiles, spec))
            used = None if timing_cache is None else _used(timing_cache, Path(cache), built)
    except NotAvailableError as error:
        return _not_available(error.absent, subject)
    except StepFailedError as error:
        raise StepFailedError(f"{NAMES[backend]}: {error.what}", where=model, remedy=error.remedy) from error
    summary = summarised(built, request, profiles, tensors, used)
    return EngineBuild(summary, tuple(verdicts(summary, tolerance, subject)))


@contextmanager
def _cache_file(timing_cache: TimingCache | None, written: Path) -> Iterator[str]:
    """Give a copy of the timing cache to the builder, beside the unfinished engine; no name when there is none."""
    if timing_cache is None:
        yield ""
        return
    copy = written.with_name(f"{written.name}.timing")
    try:
        copy.write_bytes(timing_cache.content)
        yield str(copy)
    finally:
        copy.unlink(missing_ok=True)


def _used(timing_cache: TimingCache, left: Path, built: Reply) -> CacheUse:
    return timing_cache.used(left.read_bytes(), TacticChanges.read(built["tactics"]))


def _not_available(absent: Absent, subject: str) -> EngineBuild:
    return EngineBuild(None, (not_run("build.compiles", subject, f"{absent.reason}. {absent.remedy}"),))
