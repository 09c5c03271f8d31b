"""What a user types for a profile: `1,16,32`, `8`, `1,16,32@320x320,640x640,960x960`."""

from __future__ import annotations

import re
from typing import TypeAlias

from batchproof.errors import InputError

Size: TypeAlias = tuple[int, int]  # height, width
EXAMPLE = "Write minimum, optimum and maximum, for example 1,16,32 or 1,16,32@320x320,640x640,960x960"


def read_batches(text: str, whole: str) -> tuple[int, int, int]:
    """Read minimum, optimum and maximum; `whole` is the text to blame.

    Two numbers are minimum and maximum, tuned for the maximum. One number N means 1,N,N: tuned for full batches, yet
    accepting the last, incomplete one of a stream. Raises `InputError` for anything else.
    """
    numbers = [_whole_number(part, whole) for part in text.split(",")]
    if len(numbers) > 3:
        raise InputError(f"profile '{whole}' has {len(numbers)} batch sizes, expected 1 to 3", remedy=EXAMPLE)
    maximum = numbers[-1]
    minimum = numbers[0] if len(numbers) > 1 else min(1, maximum)
    return minimum, numbers[1] if len(numbers) == 3 else maximum, maximum


def read_sizes(text: str, whole: str) -> tuple[Size, Size, Size]:
    """Read smallest, optimum and largest image size; two are smallest and largest, tuned for the largest, one is all.

    Raises `InputError` for anything else.
    """
    sizes = [read_size(part.strip()) for part in text.split(",")]
    if len(sizes) > 3:
        raise InputError(f"profile '{whole}' has {len(sizes)} image sizes, expected 1 to 3", remedy=EXAMPLE)
    return sizes[0], sizes[1] if len(sizes) == 3 else sizes[-1], sizes[-1]


def read_size(text: str) -> Size:
    """Read `640x480` as height and width in pixels; raises `InputError` for anything else."""
    size = re.fullmatch(r"([1-9][0-9]{0,4})[xX]([1-9][0-9]{0,4})", text, re.ASCII)
    if size is None:
        raise InputError(f"'{text}' is no image size", remedy="Write height x width in pixels, for example 640x640")
    return int(size[1]), int(size[2])


def _whole_number(part: str, whole: str) -> int:
    if re.fullmatch(r"\s*-?[0-9]{1,99}\s*", part, re.ASCII) is None:
        raise InputError(f"'{part.strip()}' in profile '{whole}' is no whole number", remedy=EXAMPLE)
    return int(part)
