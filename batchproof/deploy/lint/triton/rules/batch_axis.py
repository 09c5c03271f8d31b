"""The batch axis: of networks that have none, a fixed one, or one whose frames are mixed."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.network import Network, Tensor
from batchproof.deploy.lint.triton.repository import Repositories
from batchproof.verdict import Status

# An output of a detector is [N, rows, channels].
_DETECTOR_RANK = 3
_SURGERY = "batchproof surgery MODEL.onnx -o OUT.onnx"


def fixed_batch(network: Network) -> int | None:
    """Return the batch that a network is fixed to; None when it is free."""
    return next((tensor.dims[0] for tensor in network.inputs if tensor.dims and tensor.dims[0] is not None), None)


def has_batch(network: Network, output: Tensor) -> bool:
    """Tell whether the first axis of an output can be the batch: free, or fixed to the batch of the input."""
    if network.is_detector and len(output.dims) < _DETECTOR_RANK:
        return False
    return bool(output.dims) and output.dims[0] in (None, fixed_batch(network))


def _fixed(read: Repositories) -> Iterator[Fault]:
    for model, config, path, network in read.networks():
        fixed = fixed_batch(network)
        onnx = model.backend(config) == "onnxruntime"
        if config.batches and fixed is not None and (onnx or config.max_batch_size > fixed):
            sentence = f"max_batch_size is {config.max_batch_size}, and the batch of {quoted(path)} is fixed to {fixed}"
            yield Fault(
                config.place("max_batch_size"), f"{sentence}: the backend refuses the model", f"Free it: {_SURGERY}"
            )


def _no_batch_axis(read: Repositories) -> Iterator[Fault]:
    for _, config, path, network in read.networks():
        lost = [tensor for tensor in network.outputs if not has_batch(network, tensor)]
        if config.batches and lost:
            what = f"output {quoted(lost[0].name)} of {quoted(path)} is {lost[0].shape}, without a batch axis"
            sentence = f"{what}, and max_batch_size is {config.max_batch_size}: the backend refuses the model, or takes"
            remedy = f"Give it one: {_SURGERY}; or write max_batch_size: 0"
            yield Fault(config.place("max_batch_size"), f"{sentence} rows for frames", remedy)


def _mixes(read: Repositories) -> Iterator[Fault]:
    for _, config, path, network in read.networks():
        separate = all(has_batch(network, output) for output in network.outputs) and fixed_batch(network) is None
        if separate and config.max_batch_size > 1 and network.proof.status is Status.REFUTED:
            sentence = f"{quoted(path)} mixes the frames of a batch ({network.proof.reason}): the server batches them"
            remedy = f"Repair it: {_SURGERY}; or write max_batch_size: 1"
            yield Fault(config.place("max_batch_size"), f"{sentence}, and each client gets something of others", remedy)


def _profile(read: Repositories) -> Iterator[Fault]:
    for model, config in read.on("tensorrt"):
        engine = model.engine
        if engine and config.max_batch_size > engine.largest_batch:
            largest = engine.largest_batch
            described = f"{quoted(engine.path)} has profiles up to {largest}"
            sentence = f"max_batch_size is {config.max_batch_size}, and {described}"
            remedy = f"Write max_batch_size: {largest}, or build a larger engine"
            yield Fault(config.place("max_batch_size"), f"{sentence}: the backend refuses the model", remedy)


RULES = (
    Rule("graph.fixed_batch", "error", "`max_batch_size` of a network of fixed batch.", _fixed, "network"),
    Rule(
        "graph.no_batch_axis",
        "error",
        "`max_batch_size` of a network whose outputs have no batch axis, as the published SCRFDs.",
        _no_batch_axis,
        "network",
    ),
    Rule(
        "graph.mixes_frames",
        "error",
        "A network that is refuted (`batchproof prove`), in batches of more than one.",
        _mixes,
        "network",
    ),
    Rule("graph.profile", "error", "`max_batch_size` above the profiles of a description of ours.", _profile),
)
