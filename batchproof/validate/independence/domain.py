"""The abstract domain: how the content of a tensor depends on the frames of the batch.

The claim that the proof is about: there is one function f, the same for every batch size N and every slot n, such that
row n of each output is f(frame n).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from batchproof.validate.independence.polynomial import Poly

Kind = Literal["content", "layout"]


@dataclass(frozen=True)
class Cause:
    """The node at which the batch was lost, by name or, where it has none, by what it makes; `index` is its place."""

    index: int
    node: str
    op: str
    tensor: str
    reason: str


@dataclass(frozen=True)
class Free:
    """No frame's content reaches the tensor; its shape may depend on N.

    `steady` guarantees that its values do not depend on N either, and that along every axis whose length depends on N
    all values are the same: it is as if a constant had been repeated for each frame.
    """

    steady: bool

    def __str__(self) -> str:
        return "free" if self.steady else "free (depends on the batch size)"


@dataclass(frozen=True)
class Batched:
    """Viewed flat, in row-major order, the tensor is [outer, N, inner]; `outer` and `inner` do not depend on N.

    The element at flat index i is the same function of frame (i // inner) % N, whatever N is and whichever slot that
    is: it depends only on i // (inner * N) and i % inner.
    """

    outer: Poly
    inner: Poly

    def __str__(self) -> str:
        return f"batched [{self.outer}, N, {self.inner}]"


@dataclass(frozen=True)
class Lost:
    """The claim does not hold, or cannot be shown to hold, from `cause` on."""

    cause: Cause

    def __str__(self) -> str:
        return f"{type(self).__name__.lower()} at {self.cause.op} '{self.cause.node}'"


class Mixed(Lost):
    """Content of several frames has met, or stands in the rows of other frames."""


class Pinned(Lost):
    """Holds content of particular frames (the first, all but the last), whatever N is."""


class Frozen(Lost):
    """The graph only runs for particular N: a constant takes the place of the batch."""


class Unknown(Lost):
    """The rules cannot tell."""


Layout = Free | Batched | Lost

# The worst first: what has happened to one operand happens to the result.
SEVERITY: tuple[type[Lost], ...] = (Mixed, Pinned, Frozen, Unknown)


class LossError(Exception):
    """Raised by a rule: its node loses the batch in the way of `layout`, for `reason`."""

    def __init__(self, layout: type[Lost], reason: str) -> None:
        super().__init__(reason)
        self.layout = layout
        self.reason = reason


def mixed(reason: str) -> LossError:
    """Content of several frames meets in this node."""
    return LossError(Mixed, reason)


def pinned(reason: str) -> LossError:
    """This node takes the content of particular frames."""
    return LossError(Pinned, reason)


def frozen(reason: str) -> LossError:
    """This node cannot run for every N."""
    return LossError(Frozen, reason)


def unknown(reason: str) -> LossError:
    """The rules cannot follow this node."""
    return LossError(Unknown, reason)
