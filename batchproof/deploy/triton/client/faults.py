"""What can go wrong between a client and a server, by what the client may do about it."""

from __future__ import annotations

from batchproof.errors import InputError, StepFailedError


class UnavailableError(InputError):
    """Nobody answers at this address, or not now, or not in time: the same request may be answered later."""


class RefusedError(StepFailedError):
    """The server has answered that it cannot do this: asking again changes nothing."""


class UnreadableAnswerError(StepFailedError):
    """The server has answered what no served pipeline answers."""
