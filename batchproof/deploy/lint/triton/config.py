"""One configuration of a model, as the server reads it: what is missing has the value that protobuf gives it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from batchproof.deploy.lint.document import Place
from batchproof.deploy.lint.proto_message import Message
from batchproof.deploy.lint.triton.scalars import as_flag, as_integer, enum_name

Side = Literal["input", "output"]
INVALID = "TYPE_INVALID"


def number(message: Message, key: str) -> int:
    """Return the whole number of a field; 0 where it is missing."""
    return as_integer(message.text(key, "0")) or 0


def numbers(message: Message, key: str) -> tuple[int, ...]:
    """Return every whole number of a repeated field."""
    return tuple(as_integer(text) or 0 for text in message.texts(key))


def flag(message: Message, key: str) -> bool:
    """Return a truth value; false where it is missing."""
    return as_flag(message.text(key, "false")) or False


def entries(message: Message, key: str) -> Iterator[tuple[str, Message]]:
    """Yield every key of a map with its entry, whose field `value` has what belongs to it."""
    return ((entry.text("key"), entry) for entry in message.messages(key))


@dataclass(frozen=True)
class IO:
    """One input or output of a configuration."""

    side: Side
    message: Message

    @property
    def name(self) -> str:
        """Its name; empty where it has none."""
        return self.message.text("name")

    @property
    def data_type(self) -> str:
        """`TYPE_FP32`; `TYPE_INVALID` where it has none."""
        return enum_name("DataType", self.message.text("data_type", INVALID))

    @property
    def dims(self) -> tuple[int, ...]:
        """What clients send or get, without the batch axis where the model has one."""
        return numbers(self.message, "dims")

    @property
    def shape(self) -> tuple[int, ...]:
        """What the backend gets or gives: `reshape` where there is one."""
        reshape = self.message.message("reshape")
        return self.dims if reshape is None else numbers(reshape, "shape")

    @property
    def is_ragged(self) -> bool:
        """Whether requests of different sizes may share a batch."""
        return flag(self.message, "allow_ragged_batch")


@dataclass(frozen=True)
class Config:
    """A config.pbtxt, or one of its alternatives in `configs/`, that the server's parser takes."""

    path: str
    message: Message
    is_alternative: bool = False

    @property
    def max_batch_size(self) -> int:
        """The largest batch; 0 for a model without a batch axis."""
        return number(self.message, "max_batch_size")

    @property
    def batches(self) -> bool:
        """Whether the server puts a batch axis before all dims."""
        return self.max_batch_size > 0

    @cached_property
    def inputs(self) -> tuple[IO, ...]:
        """The inputs."""
        return tuple(IO("input", message) for message in self.message.messages("input"))

    @cached_property
    def outputs(self) -> tuple[IO, ...]:
        """The outputs."""
        return tuple(IO("output", message) for message in self.message.messages("output"))

    @property
    def tensors(self) -> tuple[IO, ...]:
        """Inputs and outputs."""
        return (*self.inputs, *self.outputs)

    @cached_property
    def fed(self) -> frozenset[str]:
        """Inputs of the network that no client sends: the server itself fills them."""
        sequences = self.message.message("sequence_batching")
        controls = [control.text("name") for control in sequences.messages("control_input")] if sequences else []
        states = [state.text("input_name") for state in sequences.messages("state")] if sequences else []
        batches = [name for batch in self.message.messages("batch_input") for name in batch.texts("target_name")]
        return frozenset([*controls, *states, *batches])

    @property
    def has_dynamic_batching(self) -> bool:
        """Whether requests wait for each other to share a batch."""
        return self.message.has("dynamic_batching")

    @property
    def filename(self) -> str:
        """`default_model_filename`."""
        return self.message.text("default_model_filename")

    def place(self, key: str, message: Message | None = None) -> Place:
        """Return where a field is written, in the file or in one of its messages; where it is missing, that."""
        line = (message or self.message).line_of(key)
        return Place(self.path, line, key)
