"""All rules for model repositories, in the order in which their findings and docs/triton-lint.md list them."""

from __future__ import annotations

from batchproof.deploy.lint.finding import Rule
from batchproof.deploy.lint.triton.repository import Repositories
from batchproof.deploy.lint.triton.rules import (
    batch_axis,
    batching,
    ensemble_tensors,
    ensembles,
    faces,
    instances,
    models,
    networks,
    tensors,
    text,
    versions,
    warmup,
)

ALL: tuple[Rule[Repositories], ...] = (
    *text.RULES,
    *models.RULES,
    *versions.RULES,
    *batching.RULES,
    *tensors.RULES,
    *networks.RULES,
    *batch_axis.RULES,
    *instances.RULES,
    *warmup.RULES,
    *ensembles.RULES,
    *ensemble_tensors.RULES,
    *faces.RULES,
)
