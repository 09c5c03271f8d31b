"""What a configuration must agree with in an ONNX file: names, shapes, types, the family, and the proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx

from batchproof.artifacts import onnx_file
from batchproof.errors import InputError
from batchproof.validate.independence import Proof, prove
from batchproof.zoo.recognise import recognise
from batchproof.zoo.spec import ModelSpec

Dims = tuple[int | None, ...]


@dataclass(frozen=True)
class Tensor:
    """An input or output: its name, its type as ONNX calls it, and its dimensions, None where they are free."""

    name: str
    dtype: str
    dims: Dims

    @property
    def shape(self) -> str:
        """`[?, 3, 112, 112]`."""
        return "[" + ", ".join("?" if dim is None else str(dim) for dim in self.dims) + "]"


@dataclass(frozen=True)
class Network:
    """One ONNX file; `spec` is None when it is no known face model.

    `replaceable` are constants that an input of their name may take the place of: those that stand among the inputs.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    spec: ModelSpec | None
    has_half_weights: bool
    proof: Proof
    replaceable: frozenset[str] = frozenset()

    @property
    def image(self) -> Tensor | None:
        """The one input of four dimensions; None when there are several, or it is another."""
        images = [tensor for tensor in self.inputs if len(tensor.dims) == 4]
        return images[0] if len(self.inputs) == len(images) == 1 else None

    @property
    def is_detector(self) -> bool:
        """Whether it is an SCRFD."""
        return self.spec is not None and self.spec.role == "detector"

    @property
    def is_embedder(self) -> bool:
        """Whether it gives embeddings."""
        return self.spec is not None and self.spec.role == "embedder"


def read_network(path: Path) -> Network:
    """Read what matters of an ONNX file of any size; raises `InputError` for what is none."""
    model = onnx_file.read_graph(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    return Network(
        inputs=tuple(map(_tensor, inputs)),
        outputs=tuple(map(_tensor, onnx_file.inferred_outputs(model))),
        spec=_spec(model),
        has_half_weights=onnx_file.precision(model) == "fp16",
        proof=prove(model),
        replaceable=frozenset(constants & {value.name for value in model.graph.input}),
    )


def _spec(model: onnx.ModelProto) -> ModelSpec | None:
    try:
        return recognise(model).spec
    except InputError:
        return None


def _tensor(value: onnx.ValueInfoProto) -> Tensor:
    kind = value.type.tensor_type
    dims = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in kind.shape.dim)
    return Tensor(value.name, onnx.TensorProto.DataType.Name(kind.elem_type), dims)
