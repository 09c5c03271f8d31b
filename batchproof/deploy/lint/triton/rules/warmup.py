"""Warm-up: requests that the server sends to a model before it is ready."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.proto_message import Message
from batchproof.deploy.lint.triton.config import IO, Config, entries, flag, number, numbers
from batchproof.deploy.lint.triton.repository import Model, Repositories, is_ensemble
from batchproof.deploy.lint.triton.scalars import enum_name

_DATA = ("zero_data", "random_data", "input_data_file")
_FREE = -1
_FOLDER = "warmup"


def _samples(read: Repositories) -> Iterator[tuple[Model, Config, Message]]:
    for model, config in read.configs:
        if not is_ensemble(config):
            yield from ((model, config, sample) for sample in config.message.messages("model_warmup"))


def _given(read: Repositories) -> Iterator[tuple[Model, Config, str, Message, IO | None]]:
    """Yield every input of every sample that is sent, with the input of the model."""
    for model, config, sample in _samples(read):
        by_name = {io.name: io for io in config.inputs}
        for name, entry in entries(sample, "inputs") if number(sample, "batch_size") else ():
            yield model, config, name, entry.message("value") or Message((), entry.line), by_name.get(name)


def _skipped(read: Repositories) -> Iterator[Fault]:
    for _, config, sample in _samples(read):
        if number(sample, "batch_size") == 0:
            sentence = "a sample without batch_size: the server skips it, and says so only when it is verbose"
            yield Fault(config.place("batch_size", sample), sentence, "Write batch_size: 1, or more")


def _batch(read: Repositories) -> Iterator[Fault]:
    for model, config, sample in _samples(read):
        batch = number(sample, "batch_size")
        if model.backend(config) in ("onnxruntime", "tensorrt") and batch > max(config.max_batch_size, 1):
            sentence = f"a sample has batch_size {batch}, and max_batch_size is {config.max_batch_size}"
            remedy = f"Write {max(config.max_batch_size, 1)}, or less"
            yield Fault(config.place("batch_size", sample), f"{sentence}: the model does not start", remedy)


def _inputs(read: Repositories) -> Iterator[Fault]:
    for _, config, sample in _samples(read):
        given = {name for name, _ in entries(sample, "inputs")}
        wanted = {io.name for io in config.inputs if not flag(io.message, "optional")}
        strange = given - {io.name for io in config.inputs}
        if not config.inputs or not number(sample, "batch_size") or not (wanted - given or strange):
            continue
        what = f"lacks {quoted(min(wanted - given))}" if wanted - given else f"has {quoted(min(strange))}"
        sentence = f"a sample {what}, and the model's inputs are {', '.join(quoted(io.name) for io in config.inputs)}"
        yield Fault(config.place("inputs", sample), f"{sentence}: the model does not start", "Give each of them")


def _data(read: Repositories) -> Iterator[Fault]:
    for model, config, name, value, _ in _given(read):
        file = value.text("input_data_file")
        if file and f"{_FOLDER}/{file}" not in model.files:
            sentence = f"'{_FOLDER}/{file}' is not in the folder of the model, which does not start without it"
            yield Fault(config.place("input_data_file", value), sentence, "Add the file, or write random_data: true")
        elif not any(value.has(key) for key in _DATA):
            sentence = f"{quoted(name)} has no data: the model does not start"
            yield Fault(config.place("inputs", value), sentence, "Write random_data: true")


def _data_type(read: Repositories) -> Iterator[Fault]:
    for _, config, name, value, io in _given(read):
        written = enum_name("DataType", value.text("data_type", "TYPE_INVALID"))
        if io and written != io.data_type:
            sentence = f"{quoted(name)} is {written}, the model takes {io.data_type}: the model does not start"
            yield Fault(config.place("data_type", value), sentence, f"Write data_type: {io.data_type}")


def _dims(read: Repositories) -> Iterator[Fault]:
    for _, config, name, value, io in _given(read):
        dims = numbers(value, "dims")
        if io and io.dims and not _fit(dims, io.dims):
            sentence = f"{quoted(name)} has dims {list(dims)}, the model takes {list(io.dims)}"
            remedy = "Write its dims, with a number for each -1, and without the batch axis"
            yield Fault(config.place("dims", value), f"{sentence}: the model does not start", remedy)


def _fit(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    sizes = zip(given, wanted, strict=False)
    return len(given) == len(wanted) and all(size > 0 and own in (size, _FREE) for size, own in sizes)


RULES = (
    Rule("warmup.skipped", "warning", "A sample that is not sent.", _skipped),
    Rule("warmup.batch", "error", "A sample of more than `max_batch_size`.", _batch),
    Rule("warmup.inputs", "error", "A sample with other inputs than the model.", _inputs),
    Rule("warmup.data", "error", "An input of a sample without data, or without its file.", _data),
    Rule("warmup.data_type", "error", "An input of a sample of another type than the model's.", _data_type),
    Rule("warmup.dims", "error", "An input of a sample that the model does not take.", _dims),
)
