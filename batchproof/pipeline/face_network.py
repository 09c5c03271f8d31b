"""What embedders, landmark and attribute networks share: one crop a face in, one row a face out."""

from __future__ import annotations

import numpy as np

from batchproof.errors import InputError
from batchproof.pipeline.blob import to_blob
from batchproof.pipeline.decode import Floats, check_outputs, require_finite
from batchproof.pipeline.picture import Pixels
from batchproof.runtime import Runner
from batchproof.zoo.spec import ModelSpec, Role


def infer_crops(runner: Runner, spec: ModelSpec, crops: Pixels, largest_batch: int) -> Floats:
    """Run crops `[n, size, size, 3]` in batches, and return the first output of `spec`, `[n, channels]`, float32.

    Raises `StepFailedError` for outputs that do not fit `spec` or are not finite.
    """
    size, output = spec.input.height or 0, spec.outputs[0]
    rows = np.empty((len(crops), output.channels), np.float32)
    for start in range(0, len(crops), largest_batch):
        batch = crops[start : start + largest_batch]
        found = runner.infer(to_blob(batch, spec.input))
        check_outputs(found, spec, len(batch), size, size)
        rows[start : start + len(batch)] = found[output.name]
    require_finite(output.name, rows, np.arange(len(rows)))
    return rows


def require_role(spec: ModelSpec, role: Role, largest_batch: int) -> None:
    """Raise `InputError` unless `spec` has this role and a batch holds something."""
    if spec.role != role:
        raise InputError(f"a model of the family {spec.family} is no {role}", remedy=f"Give the spec of a {role}")
    if largest_batch < 1:
        raise InputError(f"a largest batch of {largest_batch} holds nothing", remedy="Give 1 or more")
