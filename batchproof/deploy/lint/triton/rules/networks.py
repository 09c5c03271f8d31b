"""Configuration against network: names, types, dims, and above all the batch axis.

What ONNX Runtime's and TensorRT's backends compare was read in their sources; neither runs in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.network import Dims, Network, Tensor
from batchproof.deploy.lint.triton.config import IO, Config
from batchproof.deploy.lint.triton.repository import Model, Repositories
from batchproof.verdict import Status

_TYPES = {
    "FLOAT": "TYPE_FP32",
    "FLOAT16": "TYPE_FP16",
    "BFLOAT16": "TYPE_BF16",
    "DOUBLE": "TYPE_FP64",
    "BOOL": "TYPE_BOOL",
    "STRING": "TYPE_STRING",
    **{f"{sign}INT{bits}": f"TYPE_{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)},
}
_FREE = -1
# An output of a detector is [N, rows, channels].
_DETECTOR_RANK = 3
_SURGERY = "batchproof surgery MODEL.onnx -o OUT.onnx"


def _unreadable(read: Repositories) -> Iterator[Fault]:
    yield from read.damaged


def _pairs(read: Repositories) -> Iterator[tuple[Model, Config, Network, IO, Tensor]]:
    """Yield each input and output with the tensor of the network that it is about."""
    for model, config, _, network in read.networks():
        for ios, tensors in ((config.inputs, network.inputs), (config.outputs, network.outputs)):
            by_name = {tensor.name: tensor for tensor in tensors}
            yield from ((model, config, network, io, by_name[io.name]) for io in ios if io.name in by_name)


def _name(read: Repositories) -> Iterator[Fault]:
    for _, config, path, network in read.networks():
        for ios, tensors in ((config.inputs, network.inputs), (config.outputs, network.outputs)):
            names = [tensor.name for tensor in tensors]
            for io in ios:
                if io.name and io.name not in names:
                    sentence = f"{quoted(path)} has no {io.side} {quoted(io.name)}: the backend refuses the model"
                    remedy = f"It has {', '.join(map(quoted, names))}"
                    yield Fault(config.place("name", io.message), sentence, remedy)


def _missing_input(read: Repositories) -> Iterator[Fault]:
    for _, config, path, network in read.networks():
        named = {io.name for io in config.inputs}
        lost = [tensor for tensor in network.inputs if tensor.name not in named]
        if named and lost and len(named) < len(network.inputs):
            sentence = f"{quoted(path)} has an input {quoted(lost[0].name)}, which is not here: the backend refuses"
            yield Fault(config.place("input"), f"{sentence} the model", f"Add an input {quoted(lost[0].name)}")


def _data_type(read: Repositories) -> Iterator[Fault]:
    for _, config, _, io, tensor in _pairs(read):
        wanted = _TYPES.get(tensor.dtype)
        if wanted and io.data_type not in (wanted, "TYPE_INVALID"):
            sentence = f"{io.side} {quoted(io.name)} is {io.data_type}, the network's is {tensor.dtype}: the backend"
            yield Fault(
                config.place("data_type", io.message), f"{sentence} refuses the model", f"Write data_type: {wanted}"
            )


def _fixed_batch(read: Repositories) -> Iterator[Fault]:
    for model, config, path, network in read.networks():
        fixed = _batch_of(network)
        onnx = model.backend(config) == "onnxruntime"
        if config.batches and fixed is not None and (onnx or config.max_batch_size > fixed):
            sentence = f"max_batch_size is {config.max_batch_size}, and the batch of {quoted(path)} is fixed to {fixed}"
            yield Fault(
                config.place("max_batch_size"), f"{sentence}: the backend refuses the model", f"Free it: {_SURGERY}"
            )


def _batch_of(network: Network) -> int | None:
    """Return the batch that a network is fixed to; None when it is free."""
    return next((tensor.dims[0] for tensor in network.inputs if tensor.dims and tensor.dims[0] is not None), None)


def _no_batch_axis(read: Repositories) -> Iterator[Fault]:
    for _, config, path, network in read.networks():
        lost = [tensor for tensor in network.outputs if not _has_batch(network, tensor)]
        if config.batches and lost:
            what = f"output {quoted(lost[0].name)} of {quoted(path)} is {lost[0].shape}, without a batch axis"
            sentence = f"{what}, and max_batch_size is {config.max_batch_size}: the backend refuses the model, or takes"
            remedy = f"Give it one: {_SURGERY}; or write max_batch_size: 0"
            yield Fault(config.place("max_batch_size"), f"{sentence} rows for frames", remedy)


def _has_batch(network: Network, output: Tensor) -> bool:
    """Tell whether the first axis of an output can be the batch: free, or fixed to the batch of the input."""
    if network.is_detector and len(output.dims) < _DETECTOR_RANK:
        return False
    return bool(output.dims) and output.dims[0] in (None, _batch_of(network))


def _batch_in_dims(read: Repositories) -> Iterator[Fault]:
    for _, config, network, io, tensor in _pairs(read):
        if _batch_is_written(config, network, io, tensor):
            sentence = f"dims {_shown(io)} of {quoted(io.name)} have the batch axis, which the server adds itself"
            remedy = "Leave its first size out"
            yield Fault(config.place("dims", io.message), f"{sentence}: the backend refuses the model", remedy)


def _batch_is_written(config: Config, network: Network, io: IO, tensor: Tensor) -> bool:
    batched = config.batches and (io.side == "input" or _has_batch(network, tensor))
    return batched and not io.is_ragged and len(io.shape) == len(tensor.dims) > 0


def _dims(read: Repositories) -> Iterator[Fault]:
    for model, config, network, io, tensor in _pairs(read):
        if not io.dims or io.is_ragged or _batch_is_written(config, network, io, tensor):
            continue
        if config.batches and io.side == "output" and not _has_batch(network, tensor):
            continue
        own = tensor.dims[1:] if config.batches else tensor.dims
        exact = io.side == "output" and model.backend(config) == "onnxruntime"
        strict = model.backend(config) == "onnxruntime"
        if not _fit(io.shape, own, strict=strict, exact=exact):
            sentence = f"dims {_shown(io)} of {quoted(io.name)} are not those of the network, {tensor.shape}"
            sentence += " with the batch axis: " if config.batches else ": "
            remedy = f"Write dims: {[_FREE if size is None else size for size in own]}"
            yield Fault(config.place("dims", io.message), f"{sentence}the backend refuses the model", remedy)


def _fit(written: tuple[int, ...], own: Dims, *, strict: bool, exact: bool) -> bool:
    """Compare as the backends do.

    A free size fits any. ONNX Runtime's is `strict` about sizes that its network has fixed, and `exact` about outputs:
    there a free one must be written as -1.
    """
    if len(written) != len(own):
        return False
    for given, size in zip(written, own, strict=True):
        if size is None and exact and given != _FREE:
            return False
        if size is not None and given != size and (strict or given != _FREE):
            return False
    return True


def _shown(io: IO) -> str:
    return str(list(io.shape))


def _ragged(read: Repositories) -> Iterator[Fault]:
    for model, config, _, io, tensor in _pairs(read):
        if io.is_ragged and model.backend(config) in ("onnxruntime", "tensorrt") and tensor.dims != (None,):
            sentence = f"{quoted(io.name)} allows ragged batches, for which the network must take one list of values"
            remedy = "Leave allow_ragged_batch out"
            yield Fault(
                config.place("allow_ragged_batch", io.message), f"{sentence}; it takes {tensor.shape}: refused", remedy
            )


def _mixes(read: Repositories) -> Iterator[Fault]:
    for _, config, path, network in read.networks():
        separate = all(_has_batch(network, output) for output in network.outputs) and _batch_of(network) is None
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
    Rule("graph.unreadable", "error", "An ONNX that is none.", _unreadable),
    Rule("graph.name", "error", "An input or output that the network does not have.", _name, "network"),
    Rule("graph.missing_input", "error", "An input of the network that is not declared.", _missing_input, "network"),
    Rule("graph.data_type", "error", "A `data_type` other than the network's.", _data_type, "network"),
    Rule("graph.fixed_batch", "error", "`max_batch_size` of a network of fixed batch.", _fixed_batch, "network"),
    Rule(
        "graph.no_batch_axis",
        "error",
        "`max_batch_size` of a network whose outputs have no batch axis, as the published SCRFDs.",
        _no_batch_axis,
        "network",
    ),
    Rule("graph.batch_in_dims", "error", "`dims` with the batch axis, which Triton adds.", _batch_in_dims, "network"),
    Rule("graph.dims", "error", "`dims` other than the network's.", _dims, "network"),
    Rule("graph.ragged", "error", "Ragged batches for a network that takes images.", _ragged, "network"),
    Rule(
        "graph.mixes_frames",
        "error",
        "A network that is refuted (`batchproof prove`), in batches of more than one.",
        _mixes,
        "network",
    ),
    Rule("graph.profile", "error", "`max_batch_size` above the profiles of a description of ours.", _profile),
)
