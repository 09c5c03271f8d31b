"""What `triton_python_backend_utils` gives to a model, as far as ours use it, without a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class TritonModelException(Exception):  # noqa: N818
    """What a model raises, and what a request to another model does."""


@dataclass(frozen=True)
class Tensor:
    tensor_name: str
    array: NDArray[Any]

    def name(self) -> str:
        return self.tensor_name

    def as_numpy(self) -> NDArray[Any]:
        """Read-only, as pixels in shared memory are."""
        view: NDArray[Any] = self.array.view()
        view.flags.writeable = False
        return view


@dataclass(frozen=True)
class TritonError:
    sentence: str
    code: int = 0

    INTERNAL, INVALID_ARG = 2, 3

    def message(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Response:
    output_tensors: Sequence[Tensor] = ()
    error: TritonError | None = None

    def has_error(self) -> bool:
        return self.error is not None

    def arrays(self) -> dict[str, NDArray[Any]]:
        assert self.error is None, self.error
        return {tensor.name(): tensor.array for tensor in self.output_tensors}


class ErrorResponse:
    """A response to a request of a model, whose error is asked for by a method."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def has_error(self) -> bool:
        return True

    def error(self) -> TritonError:
        return TritonError(self._sentence)


@dataclass(frozen=True)
class Request:
    """A request to the model under test."""

    inputs: Arrays
    wanted: Sequence[str] = ()

    def requested_output_names(self) -> Sequence[str]:
        return self.wanted


@dataclass
class Triton:
    """The module, with the other models of the server: functions from an image batch to outputs."""

    models: dict[str, Callable[[NDArray[np.float32]], Arrays]] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    def module(self) -> ModuleType:
        """Make it importable: put this into `sys.modules`."""
        made = ModuleType("triton_python_backend_utils")
        made.TRITONSERVER_MEMORY_CPU = 0  # type: ignore[attr-defined]
        made.PreferredMemory = lambda kind, device: (kind, device)  # type: ignore[attr-defined]
        made.Tensor, made.TritonError = Tensor, TritonError  # type: ignore[attr-defined]
        made.TritonModelException = TritonModelException  # type: ignore[attr-defined]
        made.InferenceResponse = Response  # type: ignore[attr-defined]
        made.InferenceRequest = self._inference_request  # type: ignore[attr-defined]
        made.get_input_tensor_by_name = _input  # type: ignore[attr-defined]
        made.get_output_tensor_by_name = _output  # type: ignore[attr-defined]
        made.Logger = self  # type: ignore[attr-defined]
        return made

    def log_info(self, sentence: str) -> None:
        self.logged.append(sentence)

    log_warn = log_info

    def _inference_request(
        self, *, model_name: str, requested_output_names: list[str], inputs: list[Tensor], preferred_memory: object
    ) -> _ModelRequest:
        assert preferred_memory == (0, 0), "outputs must come to where numpy is"
        return _ModelRequest(self, model_name, requested_output_names, inputs[0].array)


@dataclass(frozen=True)
class _ModelRequest:
    triton: Triton
    model: str
    wanted: list[str]
    images: NDArray[np.float32]

    def exec(self) -> Response | ErrorResponse:
        self.triton.asked.append((self.model, len(self.images)))
        if self.model not in self.triton.models:
            raise TritonModelException(f"Request for unknown model: '{self.model}' is not found")
        try:
            found = self.triton.models[self.model](self.images)
        except RuntimeError as error:
            return ErrorResponse(str(error))
        return Response([Tensor(name, found[name]) for name in self.wanted])


def _input(request: Request, name: str) -> Tensor | None:
    return Tensor(name, request.inputs[name]) if name in request.inputs else None


def _output(response: Response, name: str) -> Tensor | None:
    return next((tensor for tensor in response.output_tensors if tensor.name() == name), None)
