"""What decides an engine, and the name that the cache gives it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from batchproof.artifacts.hashing import content_sha256, key_of
from batchproof.build.provenance import Provenance
from batchproof.engine_options import EngineOptions
from batchproof.profile import Shapes
from batchproof.zoo.spec import Precision

_BUILD = Path(__file__).parents[1]
# What builds and describes an engine, and what executes it: its outcome stands in the description.
_SOURCES = ("tensorrt/*.py", "execution.py", "limited_runner.py", "output_check.py")


@dataclass(frozen=True)
class EngineKey:
    """Everything that decides an engine, by name; two engines with equal parts may stand in for each other."""

    parts: dict[str, Any]

    @property
    def sha256(self) -> str:
        """The hash over the parts."""
        return key_of(self.parts)


def engine_key(
    onnx: Path,
    *,
    precision: Precision,
    shapes: Iterable[Shapes],
    options: EngineOptions,
    provenance: Provenance,
    timing_cache: str | None = None,
) -> EngineKey:
    """Collect what decides the engine of a graph; `shapes` are those of its input, one for each profile in order.

    `timing_cache` is the sha256 of the timing cache that the build must obey, where there is one.
    Raises `InputError` for a file that is no ONNX.
    """
    return EngineKey(
        {
            "onnx": content_sha256(onnx),
            "precision": precision,
            "profiles": [asdict(shape) for shape in shapes],
            "options": asdict(options),
            "timing_cache": timing_cache,
            "provenance": provenance.facts,
            "source": _own_source(),
        }
    )


@cache
def _own_source() -> str:
    """Hash the code that drives the builders: an engine that was built in another way is another engine."""
    digest = hashlib.sha256()
    for path in (path for source in _SOURCES for path in sorted(_BUILD.glob(source))):
        digest.update(path.relative_to(_BUILD).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
