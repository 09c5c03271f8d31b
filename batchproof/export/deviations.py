"""What keeps a state dict from filling a network, in words."""

from __future__ import annotations

from batchproof.errors import first_few
from batchproof.export.key_names import quoted

Shapes = dict[str, tuple[int, ...]]


def deviations(wanted: Shapes, shapes: Shapes) -> str:
    """Say what is missing, unexpected and of another shape: the first few of each kind, and how many more.

    Empty when both are equal.
    """
    missing = [quoted(key) for key in wanted if key not in shapes]
    unexpected = [quoted(key) for key in shapes if key not in wanted]
    reshaped = [
        f"{quoted(key)} {list(shapes[key])} instead of {list(shape)}"
        for key, shape in wanted.items()
        if key in shapes and shapes[key] != shape
    ]
    kinds = {"missing": missing, "unexpected": unexpected, "mis-shaped": reshaped}
    return "; ".join(f"{len(keys)} {kind}: {first_few(keys)}" for kind, keys in kinds.items() if keys)
