"""All rules, in the order in which their findings and docs/deepstream-lint.md list them."""

from __future__ import annotations

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.finding import Rule
from batchproof.deploy.lint.rules import (
    application,
    batches,
    engines,
    files,
    key_values,
    keys,
    masks,
    normalisation,
    preprocessing,
    silent_failures,
    tensors,
    wiring,
)

ALL: tuple[Rule[Bundle], ...] = (
    *files.RULES,
    *keys.RULES,
    *key_values.RULES,
    *wiring.RULES,
    *application.RULES,
    *tensors.RULES,
    *normalisation.RULES,
    *batches.RULES,
    *engines.RULES,
    *preprocessing.RULES,
    *masks.RULES,
    *silent_failures.RULES,
)
