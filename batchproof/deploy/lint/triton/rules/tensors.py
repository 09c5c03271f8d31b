"""Inputs and outputs, each for itself: what the server refuses of any network."""

from __future__ import annotations

import math
from collections.abc import Iterator

from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.triton.config import INVALID, IO, Config, flag
from batchproof.deploy.lint.triton.repository import Model, Repositories

_FREE = -1
_FORMAT_RANK = 3
_TENSORRT_ONLY = ("is_shape_tensor", "is_non_linear_format_io")
_REFUSED = "the server refuses the model"


def _tensors(read: Repositories) -> Iterator[tuple[Model, Config, IO]]:
    for model, config in read.configs:
        yield from ((model, config, io) for io in config.tensors)


def _name(read: Repositories) -> Iterator[Fault]:
    for _, config, io in _tensors(read):
        if not io.name:
            yield Fault(config.place("name", io.message), f"{io.side} without a name: {_REFUSED}", "Write its name")


def _data_type(read: Repositories) -> Iterator[Fault]:
    for model, config, io in _tensors(read):
        if io.data_type == INVALID and not model.completes(config):
            sentence = f"{io.side} {quoted(io.name)} has no data_type: {_REFUSED}"
            yield Fault(config.place("data_type", io.message), sentence, "Write data_type: TYPE_FP32, or its own")


def _dims(read: Repositories) -> Iterator[Fault]:
    for model, config, io in _tensors(read):
        if not io.dims and not model.completes(config):
            sentence = f"{io.side} {quoted(io.name)} has no dims: {_REFUSED}"
            yield Fault(config.place("dims", io.message), sentence, "Write its dims, without the batch axis")


def _size(read: Repositories) -> Iterator[Fault]:
    for _, config, io in _tensors(read):
        wrong = [size for size in (*io.dims, *io.shape) if size < 1 and size != _FREE]
        if wrong:
            key = "dims" if wrong[0] in io.dims else "reshape"
            sentence = f"{io.side} {quoted(io.name)} has the size {wrong[0]}: {_REFUSED}"
            yield Fault(config.place(key, io.message), sentence, "Write 1 or more, or -1 for any size")


def _twice(read: Repositories) -> Iterator[Fault]:
    for _, config in read.configs:
        for tensors in (config.inputs, config.outputs):
            names = [io.name for io in tensors]
            for index, io in enumerate(tensors):
                if io.name and io.name in names[:index]:
                    sentence = f"{io.side} {quoted(io.name)} is there twice: the server's core takes it without a word"
                    remedy = "Keep one of them, or give each its own name"
                    yield Fault(config.place("name", io.message), f"{sentence}, and one hides the other", remedy)


def _reshape(read: Repositories) -> Iterator[Fault]:
    for _, config, io in _tensors(read):
        if io.message.has("reshape") and io.dims and not _same_size(io.dims, io.shape, config.batches):
            sentence = f"{io.side} {quoted(io.name)}: reshape {list(io.shape)} has another size than dims"
            yield Fault(config.place("reshape", io.message), f"{sentence} {list(io.dims)}: {_REFUSED}", "Write as many")


def _same_size(dims: tuple[int, ...], shape: tuple[int, ...], batches: bool) -> bool:
    """Compare what stands between sizes that are free; nothing at all is one value, where there is a batch axis."""
    if not shape:
        return batches and math.prod(dims) == 1
    return _between_free(dims) == _between_free(shape)


def _between_free(sizes: tuple[int, ...]) -> list[int]:
    products = [1]
    for size in sizes:
        if size == _FREE:
            products.append(1)
        else:
            products[-1] *= size
    return products


def _format(read: Repositories) -> Iterator[Fault]:
    for _, config, io in _tensors(read):
        if io.message.text("format", "FORMAT_NONE") not in ("FORMAT_NONE", "0") and len(io.dims) != _FORMAT_RANK:
            sentence = f"{quoted(io.name)} has a format, and {len(io.dims)} dims instead of 3: {_REFUSED}"
            yield Fault(config.place("format", io.message), sentence, "Leave format out, or write three dims")


def _tensorrt_only(read: Repositories) -> Iterator[Fault]:
    for model, config, io in _tensors(read):
        found = [key for key in _TENSORRT_ONLY if flag(io.message, key)]
        if found and model.backend(config) not in ("tensorrt", ""):
            sentence = f"{found[0]} is for TensorRT alone: {_REFUSED}"
            yield Fault(config.place(found[0], io.message), sentence, "Leave it out")


def _optional(read: Repositories) -> Iterator[Fault]:
    for _, config in read.on("onnxruntime"):
        for io in config.inputs:
            if flag(io.message, "optional") and config.batches:
                sentence = f"{quoted(io.name)} is optional, and max_batch_size is not 0: ONNX Runtime's backend refuses"
                yield Fault(config.place("optional", io.message), f"{sentence} the model", "Leave optional out")


def _ragged(read: Repositories) -> Iterator[Fault]:
    # Other backends may do batches of their own.
    for _, config in read.on("tensorrt", "onnxruntime", "python"):
        scheduled = config.has_dynamic_batching or config.message.has("sequence_batching")
        for io in config.inputs:
            if io.is_ragged and not (scheduled and config.batches):
                sentence = f"{quoted(io.name)} allows ragged batches, and nothing batches here: it has no effect"
                remedy = "Add dynamic_batching { } and max_batch_size, or leave allow_ragged_batch out"
                yield Fault(config.place("allow_ragged_batch", io.message), sentence, remedy)


RULES = (
    Rule("io.name", "error", "An input or output without a name.", _name),
    Rule("io.data_type", "error", "An input or output without `data_type`.", _data_type),
    Rule("io.dims", "error", "An input or output without `dims`.", _dims),
    Rule("io.size", "error", "A size of 0, or below -1.", _size),
    Rule("io.twice", "error", "Two inputs, or two outputs, of one name.", _twice),
    Rule("io.reshape", "error", "A `reshape` to another number of values.", _reshape),
    Rule("io.format", "error", "NHWC or NCHW without three dims.", _format),
    Rule("io.tensorrt_only", "error", "Shape tensors and other formats outside of TensorRT.", _tensorrt_only),
    Rule("io.optional", "error", "An optional input of ONNX Runtime, in batches.", _optional),
    Rule("io.ragged", "warning", "Ragged batches where nothing batches.", _ragged),
)
