"""The configuration of `faces`, the whole pipeline as one model of the Python backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from batchproof.deploy.proto_text import Explained, Field, Name, Row, proto_text
from batchproof.deploy.triton.plan import RepositoryPlan
from batchproof.deploy.triton.serving.contract import FRAME, IMAGE, MODEL, ServedTensor

_HEAD = """\
The whole pipeline of {product}: frames in, everything about their faces out. A request has {frame} or {image}.
Requests that wait at the same time are answered together, so that the networks get full batches."""
_WHY = {
    "threshold": "Smallest score of a face, 0 to 1.",
    "iou": "Largest overlap of two faces, 0 to 1; beyond it the better one stays.",
    "max_num": "Most faces of a frame, the most important ones; 0 keeps all.",
    "height": "Pixels that a frame is fitted into, here and in width: a size that the detector takes.",
    "max_megapixels": "Most pixels of a frame, in millions; shm_size in docker-compose.yml follows it.",
}
_NO_WARM_UP = "No model_warmup: it would ask networks that are not loaded yet; they have their own."
_RAGGED = "Frames of one batch may differ in size."


def faces_config(plan: RepositoryPlan) -> str:
    """Write config.pbtxt of `faces`."""
    message: dict[str, Field] = {
        "name": MODEL,
        "backend": "python",
        "max_batch_size": plan.frames,
        "input": [
            {**_tensor(FRAME), "optional": True, "allow_ragged_batch": Explained(_RAGGED, True)},
            {**_tensor(IMAGE), "optional": True},
        ],
        "output": [_tensor(output) for output in plan.outputs],
        "dynamic_batching": dict(_batcher(plan)),
        "instance_group": Explained(_NO_WARM_UP, {"kind": Name("KIND_CPU"), "count": plan.instances}),
        "version_policy": {"latest": {"num_versions": 1}},
        "parameters": list(_parameters(plan)),
    }
    head = _HEAD.format(product=plan.target.product, frame=FRAME.name, image=IMAGE.name)
    return proto_text(head, message)


def _tensor(tensor: ServedTensor) -> dict[str, Field]:
    return {"name": tensor.name, "data_type": Name(f"TYPE_{tensor.data_type}"), "dims": Row(tensor.dims)}


def _batcher(plan: RepositoryPlan) -> Iterator[tuple[str, Field]]:
    """Frames wait as long as the detector's requests would: it is what they are wanted together for."""
    batching = plan.detector.batching
    sizes = [size for size in batching.preferred if size <= plan.frames]
    if sizes:
        yield "preferred_batch_size", Row(sizes)
    yield "max_queue_delay_microseconds", batching.delay_us


def _parameters(plan: RepositoryPlan) -> Iterator[Field]:
    for name, value in asdict(plan.parameters).items():
        entry: Field = {"key": name, "value": {"string_value": str(value)}}
        yield Explained(_WHY[name], entry) if name in _WHY else entry
