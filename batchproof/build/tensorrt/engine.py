"""TensorRT and TensorRT-RTX engines: one typed ONNX, all profiles of the engine, one process for every build."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batchproof.artifacts import onnx_file
from batchproof.artifacts.output_file import replacing
from batchproof.build.limited_runner import Limits
from batchproof.build.tensorrt.compat import NAMES, Backend, missing
from batchproof.build.tensorrt.graph_types import guard_types, tensor_types
from batchproof.build.tensorrt.messages import Reply, Request
from batchproof.build.tensorrt.process import ask_worker
from batchproof.build.tensorrt.reply import described, require_built, summarised
from batchproof.build.tensorrt.summary import EngineSummary
from batchproof.build.tensorrt.timing_cache import CacheUse, TacticChanges, TimingCache
from batchproof.engine_options import EngineOptions
from batchproof.errors import StepFailedError
from batchproof.profile import EngineProfiles
from batchproof.zoo.spec import ModelSpec, Precision


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
    limits: Limits | None = None,
) -> EngineSummary:
    """Compile `model` to a strongly typed engine for `profiles`, write it to `output`, and execute it where a GPU is.

    It is executed at every profile's minimum, optimum and maximum, and compared with ONNX Runtime on `model` where
    `limits` let that run. The summary holds what was built and what came of it; `verdicts.verdicts` judges it.

    Raises `StepNotRunError` with what is missing when the backend is not available, `InputError` for a file that is no
    ONNX, a profile that does not fit the model, an option or a timing cache that cannot be used, `StepFailedError` when
    TensorRT refuses the network (naming the node) or an option, crashes, or the network's tensors are not of
    `precision` or of the graph's types, and `StoreError` when `output` cannot be written. `output` is untouched then.
    """
    if timing_cache is not None:
        timing_cache.check(backend)
    shapes = tuple(profile.input_shapes(spec) for profile in profiles)
    types = tensor_types(onnx_file.read(model))  # refuses damaged files with a better sentence than TensorRT's
    if absent := missing(backend):
        raise absent.error
    try:
        with replacing(output) as written, _cache_file(timing_cache, written) as cache:
            request = Request(
                backend, str(model), str(written), precision, shapes, options, spec.input, limits or Limits(), cache
            )
            built = require_built(ask_worker(request), output)
            guard_types(types, built["types"])
            tensors = tuple(described(built, profiles, spec))
            used = None if timing_cache is None else _used(timing_cache, Path(cache), built)
    except StepFailedError as error:
        raise StepFailedError(f"{NAMES[backend]}: {error.what}", where=model, remedy=error.remedy) from error
    return summarised(built, request, profiles, tensors, used)


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
