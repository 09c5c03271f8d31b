"""A family of face models as one file of it exists, and what the proof must say about that file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import onnx

from batchproof.validate.independence.domain import Kind
from batchproof.verdict import Status

Frame = tuple[int, ...]


@dataclass(frozen=True)
class Form:
    """`frame` is the size of one frame, without the batch; `culprit` the operator that a refutation must blame."""

    family: str
    form: str
    build: Callable[[], onnx.ModelProto]
    frame: Frame
    status: Status = Status.PROVEN
    culprit: str | None = None
    kind: Kind | None = None

    def __str__(self) -> str:
        return f"{self.family}, {self.form}"

    @cached_property
    def model(self) -> onnx.ModelProto:
        """Built once for all tests; copy it before changing it."""
        return self.build()


def refuted(
    family: str, form: str, build: Callable[[], onnx.ModelProto], frame: Frame, culprit: str, kind: Kind = "layout"
) -> Form:
    """A form that is known to be unsafe."""
    return Form(family, form, build, frame, Status.REFUTED, culprit, kind)
