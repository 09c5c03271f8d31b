"""The first stage of a detector's parity: the raw outputs, before any decoding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from batchproof.policy import DetectorLimits
from batchproof.runtime import Outputs
from batchproof.verdict import Verdict, at_most
from batchproof.zoo.spec import ModelSpec, OutputKind


def raw_verdicts(
    original: Sequence[Outputs],
    batched: Outputs,
    spec: ModelSpec,
    names: Sequence[str],
    subject: str,
    limits: DetectorLimits,
) -> list[Verdict]:
    """One verdict for each kind of output, in the network's units: the largest difference over levels and pictures.

    `original` has the outputs of each picture alone, `[1, rows, channels]`; `batched` those of all together,
    `[N, rows, channels]`; `names` are the pictures' names.
    """
    by_kind: dict[OutputKind, float] = {"score": limits.raw_score, "bbox": limits.raw_bbox, "kps": limits.raw_kps}
    found = []
    for kind, limit in by_kind.items():
        levels = [output.name for output in spec.outputs if output.kind == kind]
        if not levels:
            continue
        amounts = np.array([_differences(alone, batched, index, levels) for index, alone in enumerate(original)])
        worst = int(amounts.argmax())
        picture, level = divmod(worst, len(levels))
        found.append(
            at_most(
                f"parity.raw_{kind}",
                subject,
                float(amounts.flat[worst]),
                limit,
                f"largest difference of raw {kind} outputs, {len(names)} pictures batched, insightface one at a time",
                witness=f"{names[picture]}, output '{levels[level]}'",
            )
        )
    return found


def _differences(alone: Outputs, batched: Outputs, index: int, levels: Sequence[str]) -> list[float]:
    """Largest absolute difference of each level for picture `index`; NaN stays NaN."""
    return [float(np.abs(batched[level][index] - alone[level][0]).max()) for level in levels]
