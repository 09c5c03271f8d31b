"""Configuration against network: names, types and dims.

What ONNX Runtime's and TensorRT's backends compare was read in their sources; neither runs in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.network import Dims, Network, Tensor
from batchproof.deploy.lint.triton.config import IO, Config, flag
from batchproof.deploy.lint.triton.repository import Model, Repositories
from batchproof.deploy.lint.triton.rules.batch_axis import has_batch

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
                if io.name and io.name not in names and not _replaces_a_constant(io, network):
                    sentence = f"{quoted(path)} has no {io.side} {quoted(io.name)}: the backend refuses the model"
                    remedy = f"It has {', '.join(map(quoted, names))}"
                    yield Fault(config.place("name", io.message), sentence, remedy)


def _replaces_a_constant(io: IO, network: Network) -> bool:
    """ONNX Runtime's backend takes such an input when it is optional."""
    return io.side == "input" and io.name in network.replaceable and flag(io.message, "optional")


def _missing_input(read: Repositories) -> Iterator[Fault]:
    for _, config, path, network in read.networks():
        named = {io.name for io in config.inputs} | config.fed
        lost = [tensor for tensor in network.inputs if tensor.name not in named]
        if config.inputs and lost and len(named) < len(network.inputs):
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


def _batch_in_dims(read: Repositories) -> Iterator[Fault]:
    for _, config, network, io, tensor in _pairs(read):
        if _batch_is_written(config, network, io, tensor):
            sentence = f"dims {_shown(io)} of {quoted(io.name)} have the batch axis, which the server adds itself"
            remedy = "Leave its first size out"
            yield Fault(config.place("dims", io.message), f"{sentence}: the backend refuses the model", remedy)


def _batch_is_written(config: Config, network: Network, io: IO, tensor: Tensor) -> bool:
    batched = config.batches and (io.side == "input" or has_batch(network, tensor))
    return batched and not io.is_ragged and len(io.shape) == len(tensor.dims) > 0


def _dims(read: Repositories) -> Iterator[Fault]:
    for model, config, network, io, tensor in _pairs(read):
        if not io.dims or io.is_ragged or _batch_is_written(config, network, io, tensor):
            continue
        if config.batches and io.side == "output" and not has_batch(network, tensor):
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


RULES = (
    Rule("graph.unreadable", "error", "An ONNX that is none, or that its own checker refuses.", _unreadable),
    Rule("graph.name", "error", "An input or output that the network does not have.", _name, "network"),
    Rule("graph.missing_input", "error", "An input of the network that is not declared.", _missing_input, "network"),
    Rule("graph.data_type", "error", "A `data_type` other than the network's.", _data_type, "network"),
    Rule("graph.batch_in_dims", "error", "`dims` with the batch axis, which Triton adds.", _batch_in_dims, "network"),
    Rule("graph.dims", "error", "`dims` other than the network's.", _dims, "network"),
    Rule("graph.ragged", "error", "Ragged batches for a network that takes images.", _ragged, "network"),
)
