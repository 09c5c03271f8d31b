"""Running a model in the batches that it was built for, however many pictures there are."""

from __future__ import annotations

import numpy as np

from batchproof.pipeline.decode import Floats, check_outputs
from batchproof.runtime import Blob, Outputs, Runner
from batchproof.zoo.spec import ModelSpec


def infer_whole(runner: Runner, spec: ModelSpec, blob: Blob, batch: int) -> Outputs:
    """Run `blob` in whole batches, repeating it to fill the last one, and put the rows together again.

    Whole ones, because a defect may show only from some batch size on. Raises `StepFailedError` for outputs that do not
    fit `spec`.
    """
    parts = []
    for start in range(0, len(blob), batch):
        part = np.take(blob, np.arange(start, start + batch), axis=0, mode="wrap")
        parts.append(runner.infer(part))
        check_outputs(parts[-1], spec, batch, *part.shape[2:])
    return {output.name: np.concatenate([part[output.name] for part in parts])[: len(blob)] for output in spec.outputs}


class WholeBatches:
    """A runner for our own pipeline that runs whole batches only, and keeps the rows that it gave."""

    def __init__(self, runner: Runner, spec: ModelSpec, batch: int) -> None:
        self._runner, self._spec, self._batch = runner, spec, batch
        self._parts: list[Floats] = []

    @property
    def name(self) -> str:
        """That of the runner behind."""
        return self._runner.name

    @property
    def rows(self) -> Floats:
        """The first output for everything that was run so far, `[n, channels]`; raises `ValueError` before that."""
        return np.concatenate(self._parts)

    def infer(self, images: Blob) -> Outputs:
        """Run one batch, or a part of one; raises like `infer_whole`."""
        outputs = infer_whole(self._runner, self._spec, images, self._batch)
        self._parts.append(outputs[self._spec.outputs[0].name])
        return outputs
