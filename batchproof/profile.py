"""Optimisation profiles: the batch sizes and the image sizes that an engine is built and executed for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from batchproof.errors import InputError
from batchproof.profile_text import EXAMPLE, Size, read_batches, read_sizes
from batchproof.zoo.spec import ModelSpec, OutputSpec

Shape = tuple[int, ...]
# Far beyond any engine for faces; a slip of the finger is caught before it asks for terabytes.
LARGEST_BATCH = 4096
LARGEST_SIDE = 8192
# Each costs as much memory as an engine of its own.
MOST_PROFILES = 16
_LONGEST_TAG = 100  # letters: file systems take 255 for a whole name


@dataclass(frozen=True)
class Shapes:
    """One tensor's shape at the profile's minimum, optimum and maximum."""

    minimum: Shape
    optimum: Shape
    maximum: Shape


@dataclass(frozen=True)
class Profile:
    """One optimisation profile: batch sizes, and the image sizes in pixels of models whose size is free.

    The engine accepts every batch from `minimum` to `maximum` and is tuned for `optimum`. It accepts every image from
    `smallest` to `largest` (height, width; None: `height` x `width` alone), and is tuned for `height` x `width`.
    Raises `InputError` unless 1 <= minimum <= optimum <= maximum, and likewise for heights and for widths.
    """

    minimum: int = 1
    optimum: int = 16
    maximum: int = 32
    height: int = 640
    width: int = 640
    smallest: Size | None = None
    largest: Size | None = None

    def __post_init__(self) -> None:
        self._check_batches()
        self._check_sizes()

    @classmethod
    def parse(cls, text: str, *, height: int = 640, width: int = 640) -> Profile:
        """Read `1,16,32` (minimum, optimum, maximum) or one number, with image sizes behind `@` or at height x width.

        One number N means 1,N,N, two are minimum and maximum; sizes are written `320x320,640x640,960x960`, or one for
        all. An engine for exactly N is asked for as N,N,N. Raises `InputError` for anything else.
        """
        batches, at, sizes = text.partition("@")
        numbers = read_batches(batches, text)
        if not at:
            return cls(*numbers, height, width)
        smallest, tuned, largest = read_sizes(sizes, text)
        if smallest == largest == tuned:
            return cls(*numbers, *tuned)
        return cls(*numbers, *tuned, smallest, largest)

    @property
    def text(self) -> str:
        """The profile as `parse` reads it."""
        return f"{self._batch_list()}@{self.size_list(',')}"

    def __str__(self) -> str:
        """Name the batches: the size belongs to the model, whose own may be fixed."""
        return f"N={self.minimum}..{self.optimum}..{self.maximum}"

    @property
    def batches(self) -> tuple[int, ...]:
        """The distinct batch sizes, ascending."""
        return tuple(sorted({self.minimum, self.optimum, self.maximum}))

    @property
    def size(self) -> Size:
        """Height and width that the engine is tuned for."""
        return self.height, self.width

    @property
    def sizes(self) -> tuple[Size, Size, Size]:
        """Smallest, optimum and largest image size, each height and width."""
        return self.smallest or self.size, self.size, self.largest or self.size

    def size_list(self, separator: str) -> str:
        """Name the three image sizes of a range, or the one that is all."""
        sizes = self.sizes if len(set(self.sizes)) > 1 else (self.size,)
        return separator.join(map(_pixels, sizes))

    def input_shapes(self, spec: ModelSpec) -> Shapes:
        """Return the shapes of the model's image input.

        Raises `InputError` when the image size is free and one of the profile's is no multiple of what the model needs.
        """
        if spec.input.dynamic_size:
            for size in self.sizes:
                _check_multiple(size, spec)
        batches = (self.minimum, self.optimum, self.maximum)
        return Shapes(*(spec.input.shape(batch, *size) for batch, size in zip(batches, self.sizes, strict=True)))

    def output_shapes(self, spec: ModelSpec, output: OutputSpec) -> Shapes:
        """Return the shapes of one output; raises `InputError` like `input_shapes`."""
        images = self.input_shapes(spec)
        return Shapes(
            *(_output_shape(spec, output, image) for image in (images.minimum, images.optimum, images.maximum))
        )

    def _check_batches(self) -> None:
        if self.minimum < 1:
            raise InputError(f"batch {self.minimum} in profile {self._batch_list()} is below 1", remedy=EXAMPLE)
        if not self.minimum <= self.optimum <= self.maximum:
            raise InputError(f"profile {self._batch_list()} is not minimum <= optimum <= maximum", remedy=EXAMPLE)
        if self.maximum > LARGEST_BATCH:
            raise InputError(f"batch {self.maximum} is more than {LARGEST_BATCH}", remedy=EXAMPLE)

    def _check_sizes(self) -> None:
        for size in self.sizes:
            if max(size) > LARGEST_SIDE:
                raise InputError(f"image size {_pixels(size)} is more than {LARGEST_SIDE}", remedy="Give pixels")
            if min(size) < 1:
                raise InputError(f"image size {_pixels(size)} is not positive", remedy="Give pixels")
        for sides in zip(*self.sizes, strict=True):
            if list(sides) != sorted(sides):
                what = "heights and widths are not smallest <= optimum <= largest"
                raise InputError(f"profile {self.text}: {what}", remedy=EXAMPLE)

    def _batch_list(self) -> str:
        return f"{self.minimum},{self.optimum},{self.maximum}"


@dataclass(frozen=True)
class EngineProfiles:
    """All profiles of one engine, in the order in which it numbers them.

    Raises `InputError` when there is none, or one twice.
    """

    profiles: tuple[Profile, ...] = (Profile(),)

    def __post_init__(self) -> None:
        if not self.profiles:
            raise InputError("an engine without a profile accepts nothing", remedy=EXAMPLE)
        if len(self.profiles) > MOST_PROFILES:
            what = f"{len(self.profiles)} profiles in one engine are more than {MOST_PROFILES}"
            raise InputError(what, remedy="Build several engines")
        if len(set(self.profiles)) < len(self.profiles):
            twice = next(profile for profile in self.profiles if self.profiles.count(profile) > 1)
            raise InputError(f"profile {twice.text} is there twice", remedy="Leave one away")

    @classmethod
    def parse(cls, text: str, *, height: int = 640, width: int = 640) -> EngineProfiles:
        """Read profiles joined by `+`, such as `1+1,16,32`; those without a size of their own are at height x width.

        Raises `InputError` like `Profile.parse`.
        """
        return cls(tuple(Profile.parse(part, height=height, width=width) for part in text.split("+")))

    def __iter__(self) -> Iterator[Profile]:
        return iter(self.profiles)

    def __len__(self) -> int:
        return len(self.profiles)

    @property
    def text(self) -> str:
        """The profiles as `parse` reads them."""
        return "+".join(profile.text for profile in self)

    def __str__(self) -> str:
        return " + ".join(map(str, self))

    @property
    def overall(self) -> Profile:
        """One profile around all: smallest minimum, largest maximum; tuned like the one of the largest maximum."""
        main = max(self, key=lambda profile: profile.maximum)
        smallest = (min(profile.sizes[0][0] for profile in self), min(profile.sizes[0][1] for profile in self))
        largest = (max(profile.sizes[2][0] for profile in self), max(profile.sizes[2][1] for profile in self))
        fixed = smallest == largest
        return Profile(
            min(profile.minimum for profile in self),
            main.optimum,
            main.maximum,
            main.height,
            main.width,
            None if fixed else smallest,
            None if fixed else largest,
        )

    def distinct(self, spec: ModelSpec) -> EngineProfiles:
        """Return them without those that differ only in image sizes which the model does not have."""
        return EngineProfiles(tuple({profile.input_shapes(spec): profile for profile in self}.values()))

    def tag(self, spec: ModelSpec) -> str:
        """Return a name that is safe in file names: `b1-1-1+b1-16-32_640x640`, sizes only where the model's is free.

        A name that would become too long ends in a hash.
        """
        tag = self._full_tag(spec)
        if len(tag) <= _LONGEST_TAG:
            return tag
        return f"{tag[:_LONGEST_TAG]}-{hashlib.sha256(tag.encode()).hexdigest()[:8]}"

    def _full_tag(self, spec: ModelSpec) -> str:
        batches = [f"b{profile.minimum}-{profile.optimum}-{profile.maximum}" for profile in self]
        if not spec.input.dynamic_size:
            return "+".join(batches)
        sizes = [profile.size_list("-") for profile in self]
        if len(set(sizes)) == 1:
            return f"{'+'.join(batches)}_{sizes[0]}"
        return "+".join(f"{batch}_{size}" for batch, size in zip(batches, sizes, strict=True))


def _check_multiple(size: Size, spec: ModelSpec) -> None:
    step = spec.input.multiple_of
    if any(pixels % step for pixels in size):
        height, width = (-(-pixels // step) * step for pixels in size)
        raise InputError(
            f"image size {_pixels(size)} is no multiple of {step}, which this {spec.family} needs",
            remedy=f"Use {height}x{width}",
        )


def _output_shape(spec: ModelSpec, output: OutputSpec, image: Shape) -> Shape:
    batch, _, height, width = image
    rows = output.rows(height, width, spec.anchors_per_cell)
    return (batch, output.channels) if rows is None else (batch, rows, output.channels)


def _pixels(size: Size) -> str:
    return "{}x{}".format(*size)
