"""The rules by operator."""

from __future__ import annotations

from collections.abc import Callable

from batchproof.validate.independence.call import Call
from batchproof.validate.independence.tensor import Tensor

Result = Tensor | tuple[Tensor, ...]
Rule = Callable[[Call], Result]

RULES: dict[str, Rule] = {}


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Register the rule of the standard operators `ops`."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(ops, function))
        return function

    return register
