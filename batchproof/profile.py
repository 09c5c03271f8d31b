"""Optimisation profiles: the batch sizes and the image size that an engine is built and executed for."""

from __future__ import annotations

from dataclasses import dataclass

from batchproof.errors import InputError
from batchproof.zoo.spec import ModelSpec, OutputSpec

Shape = tuple[int, ...]
# Far beyond any engine for faces; a slip of the finger is caught before it asks for terabytes.
LARGEST_BATCH = 4096
LARGEST_SIDE = 8192
_EXAMPLE = "Write minimum, optimum and maximum, for example 1,16,32"


@dataclass(frozen=True)
class Shapes:
    """One tensor's shape at the profile's minimum, optimum and maximum."""

    minimum: Shape
    optimum: Shape
    maximum: Shape


@dataclass(frozen=True)
class Profile:
    """One optimisation profile: batch sizes, and the height and width in pixels of models whose size is free.

    The engine accepts every batch from `minimum` to `maximum` and is tuned for `optimum`. Raises `InputError` unless
    1 <= minimum <= optimum <= maximum and height and width are positive.
    """

    minimum: int = 1
    optimum: int = 16
    maximum: int = 32
    height: int = 640
    width: int = 640

    def __post_init__(self) -> None:
        if self.minimum < 1:
            raise InputError(f"batch {self.minimum} in profile {self._batch_list()} is below 1", remedy=_EXAMPLE)
        if not self.minimum <= self.optimum <= self.maximum:
            raise InputError(f"profile {self._batch_list()} is not minimum <= optimum <= maximum", remedy=_EXAMPLE)
        if self.maximum > LARGEST_BATCH:
            raise InputError(f"batch {self.maximum} is more than {LARGEST_BATCH}", remedy=_EXAMPLE)
        if max(self.height, self.width) > LARGEST_SIDE:
            raise InputError(f"image size {self.height}x{self.width} is more than {LARGEST_SIDE}", remedy="Give pixels")
        if min(self.height, self.width) < 1:
            raise InputError(f"image size {self.height}x{self.width} is not positive", remedy="Give pixels")

    @classmethod
    def parse(cls, text: str, *, height: int = 640, width: int = 640) -> Profile:
        """Read `1,16,32` (minimum, optimum, maximum) or one number.

        One number N means 1,N,N: tuned for full batches, yet accepting the last, incomplete one of a stream. An
        engine for exactly N is asked for as N,N,N. Raises `InputError` for anything else.
        """
        numbers = [_whole_number(part, text) for part in text.split(",")]
        if len(numbers) == 1:
            numbers = [min(1, numbers[0]), numbers[0], numbers[0]]
        if len(numbers) != 3:
            raise InputError(f"profile '{text}' has {len(numbers)} numbers, expected 1 or 3", remedy=_EXAMPLE)
        minimum, optimum, maximum = numbers
        return cls(minimum, optimum, maximum, height, width)

    def __str__(self) -> str:
        """Name the batches: the size belongs to the model, whose own may be fixed."""
        return f"N={self.minimum}..{self.optimum}..{self.maximum}"

    @property
    def batches(self) -> tuple[int, ...]:
        """The distinct batch sizes, ascending."""
        return tuple(sorted({self.minimum, self.optimum, self.maximum}))

    def input_shapes(self, spec: ModelSpec) -> Shapes:
        """Return the shapes of the model's image input.

        Raises `InputError` when the image size is free and no multiple of what the model needs.
        """
        self._check_size(spec)
        minimum, optimum, maximum = (
            spec.input.shape(batch, self.height, self.width) for batch in (self.minimum, self.optimum, self.maximum)
        )
        return Shapes(minimum, optimum, maximum)

    def output_shapes(self, spec: ModelSpec, output: OutputSpec) -> Shapes:
        """Return the shapes of one output; raises `InputError` like `input_shapes`."""
        _, _, height, width = self.input_shapes(spec).minimum
        rows = output.rows(height, width, spec.anchors_per_cell)
        rest = (output.channels,) if rows is None else (rows, output.channels)
        return Shapes((self.minimum, *rest), (self.optimum, *rest), (self.maximum, *rest))

    def _check_size(self, spec: ModelSpec) -> None:
        step = spec.input.multiple_of
        if spec.input.dynamic_size and (self.height % step or self.width % step):
            up = f"{_round_up(self.height, step)}x{_round_up(self.width, step)}"
            raise InputError(
                f"image size {self.height}x{self.width} is no multiple of {step}, which this {spec.family} needs",
                remedy=f"Use {up}",
            )

    def _batch_list(self) -> str:
        return f"{self.minimum},{self.optimum},{self.maximum}"


def _whole_number(part: str, text: str) -> int:
    try:
        return int(part)
    except ValueError as error:
        raise InputError(f"'{part.strip()}' in profile '{text}' is no whole number", remedy=_EXAMPLE) from error


def _round_up(pixels: int, step: int) -> int:
    return -(-pixels // step) * step
