"""What a graph is fed that has its preprocessing inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from batchproof.errors import InputError
from batchproof.pipeline.picture import Pixels

_FIELDS = ("dtype", "layout", "colour")


@dataclass(frozen=True)
class RawInput:
    """Pixels 0..255 in this type, order of axes and order of colours; not normalised."""

    dtype: Literal["uint8", "float32"] = "uint8"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    colour: Literal["BGR", "RGB"] = "BGR"

    @classmethod
    def parse(cls, text: str) -> RawInput:
        """Read type, order of axes and order of colours, `uint8,NHWC,BGR`; raises `InputError` for anything else."""
        try:
            return TypeAdapter(cls).validate_python(dict(zip(_FIELDS, text.split(","), strict=True)))
        except ValueError as error:
            remedy = "Write uint8 or float32, NCHW or NHWC, BGR or RGB, for example uint8,NHWC,BGR"
            raise InputError(f"'{text}' describes no raw input", remedy=remedy) from error

    def __str__(self) -> str:
        return f"{self.dtype} {self.layout} {self.colour}"

    def feed(self, pictures: Sequence[Pixels]) -> NDArray[Any]:
        """Stack pictures of one size, BGR `[height, width, 3]`, in the order and type that the graph takes."""
        stacked = np.stack(pictures)
        ordered = stacked[..., ::-1] if self.colour == "RGB" else stacked
        placed = ordered.transpose(0, 3, 1, 2) if self.layout == "NCHW" else ordered
        return np.ascontiguousarray(placed, dtype=self.dtype)
