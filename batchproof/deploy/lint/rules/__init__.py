"""All rules, in the order in which their findings and docs/deepstream-lint.md list them."""

from __future__ import annotations

from batchproof.deploy.lint.finding import Rule
from batchproof.deploy.lint.rules import batches, engines, files, keys, preprocessing, silent_failures, tensors, wiring

ALL: tuple[Rule, ...] = (
    *files.RULES,
    *keys.RULES,
    *wiring.RULES,
    *tensors.RULES,
    *batches.RULES,
    *engines.RULES,
    *preprocessing.RULES,
    *silent_failures.RULES,
)
