"""The configuration of a network: config.pbtxt, without its batch axis."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.proto_text import Explained, Field, Name, Row, proto_text
from batchproof.deploy.triton import paths
from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.plan import Backend, RepositoryPlan
from batchproof.deploy.triton.tensors import NetworkTensor

# As triton-inference-server/onnxruntime_backend documents it in its README, under "Model Config Options"; the key of
# the Python backend's is that of serving/network/model.py.
_THREADS: dict[Backend, str] = {"onnxruntime": "intra_op_thread_count", "python": "threads"}
_HEAD = """\
{name} for {product}. Names, types and sizes are from {tensors}; a batch axis stands before each.
Batches: {batching}.
Waiting: {waiting}."""
_REHEARSAL = "\nFor machines without a GPU, where something else stands in for the engine: --model-config-name={name}."


def network_config(plan: RepositoryPlan, network: Network, *, rehearsal: bool = False) -> str:
    """Write the configuration of a network; for a `rehearsal` its engine is replaced by what needs no GPU."""
    model = network.model
    head = _HEAD.format(
        name=model.name,
        product=plan.target.product,
        tensors=network.tensors_from,
        batching=network.batching.origin,
        waiting=network.batching.delay_origin,
    )
    message: dict[str, Field] = {
        "name": model.stem,
        **_executed_by(plan.backend),
        "max_batch_size": model.largest_batch,
        "input": _tensor(network.tensors.input),
        "output": [_tensor(tensor) for tensor in network.tensors.outputs],
        **_batcher(network),
        "instance_group": _instances(network, on_gpu=plan.on_gpu and not rehearsal),
        "version_policy": {"latest": {"num_versions": 1}},
        **_parameters(plan.backend, network),
        "model_warmup": list(_warm_ups(network)),
    }
    return proto_text(head + (_REHEARSAL.format(name=paths.REHEARSAL) if rehearsal else ""), message)


def _executed_by(backend: Backend) -> dict[str, Field]:
    return {"platform": "tensorrt_plan"} if backend == "tensorrt" else {"backend": backend}


def _tensor(tensor: NetworkTensor) -> Field:
    return {"name": tensor.name, "data_type": Name(f"TYPE_{tensor.data_type}"), "dims": Row(tensor.dims)}


def _batcher(network: Network) -> dict[str, Field]:
    """Without the block no two requests are joined."""
    batching = network.batching
    if not batching.preferred:
        return {}
    sizes = Row(batching.preferred)
    return {"dynamic_batching": {"preferred_batch_size": sizes, "max_queue_delay_microseconds": batching.delay_us}}


def _instances(network: Network, *, on_gpu: bool) -> Field:
    """One: a second one would halve the batches, and double the memory."""
    if not on_gpu:
        return {"kind": Name("KIND_CPU"), "count": 1}
    indices = [str(index) for index in range(len(network.model.profiles))]
    profiles: dict[str, Field] = {"profile": Row(indices)} if len(indices) > 1 else {}
    return {"kind": Name("KIND_GPU"), "count": 1, **profiles}


def _parameters(backend: Backend, network: Network) -> dict[str, Field]:
    """Buffers are pinned by default; CUDA graphs are left alone, for nobody has measured them on these networks."""
    if backend not in _THREADS:
        return {}
    why = f"Threads of one run: {'as it was measured' if network.threads else '0 leaves them to ONNX Runtime'}."
    entry: Field = {"key": _THREADS[backend], "value": {"string_value": str(network.threads)}}
    return {"parameters": Explained(why, entry)}


def _warm_ups(network: Network) -> Iterator[Field]:
    """Run what the first requests would wait for: one image, and the largest batch that is aimed at."""
    tensor = network.tensors.input
    dims = (network.model.spec.input.channels, *network.model.size)
    noise: Field = {"data_type": Name(f"TYPE_{tensor.data_type}"), "dims": Row(dims), "random_data": True}
    for batch in sorted({1, *network.batching.preferred[-1:]}):
        inputs: Field = {"key": tensor.name, "value": noise}
        yield {"name": f"batch of {batch}", "batch_size": batch, "inputs": inputs}
