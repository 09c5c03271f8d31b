"""Polygraphy's own command line on TensorRT-RTX: `python -m benchmarks.polygraphy_cli convert MODEL.onnx ...`.

`polygraphy` alone does not find the libraries where the extra `rtx` brings them; everything after this import is its.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from batchproof.build.tensorrt import compat as tensorrt_compat
from batchproof.errors import StepFailedError
from batchproof.profile import Shape, Shapes

_ROOT = Path(__file__).parents[1]


def convert(model: Path, engine: Path, image: str, profiles: Sequence[Shapes]) -> str:
    """Build a strongly typed engine for the profiles of input `image`; returns what Polygraphy printed.

    Raises `StepFailedError` with its last line when it refuses the model.
    """
    options = (option for shapes in profiles for option in _profile(image, shapes))
    command = [sys.executable, "-m", "benchmarks.polygraphy_cli", "convert", str(model.resolve())]
    typed = ["--convert-to", "trt", "--strongly-typed", "-o", str(engine.resolve())]
    done = subprocess.run([*command, *typed, *options], cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1]
        raise StepFailedError(f"Polygraphy's command line refuses it ({last})", where=model)
    return done.stdout


def _profile(image: str, shapes: Shapes) -> Iterator[str]:
    for name, shape in (("min", shapes.minimum), ("opt", shapes.optimum), ("max", shapes.maximum)):
        yield from (f"--trt-{name}-shapes", f"{image}:{_listed(shape)}")


def _listed(shape: Shape) -> str:
    return f"[{','.join(map(str, shape))}]"


def main() -> None:
    """Hand over to Polygraphy, with TensorRT-RTX loaded."""
    tensorrt = tensorrt_compat.load("rtx")
    if isinstance(tensorrt, tensorrt_compat.Absent):
        sys.exit(f"{tensorrt.reason}. {tensorrt.remedy}.")
    from polygraphy.tools import main as polygraphy

    sys.exit(polygraphy())


if __name__ == "__main__":
    main()
