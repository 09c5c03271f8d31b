"""The random graphs on which soundness is tested: they make every operator that they can."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import Phase, find, settings

from batchproof.validate.independence.rules import RULES
from tests.validate.independence.random_graphs import OPERATORS, RandomGraph, graphs

# Rules without a random step, and why.
NOT_RANDOM = {
    "Bernoulli": "it is random itself",
    "Loop": "no loop is followed",
    "Multinomial": "it is random itself",
    "NonMaxSuppression": "content decides how long the result is, so that no further step can be made to fit",
    "NonZero": "content decides how long the result is",
    "RandomNormal": "it is random itself",
    "RandomNormalLike": "it is random itself",
    "RandomUniform": "it is random itself",
    "RandomUniformLike": "it is random itself",
    "Scan": "no loop is followed",
    "Scatter": "it ended with opset 10, the steps begin with opset 12; its rule is that of ScatterElements",
    "SequenceMap": "no loop is followed",
    "Swish": "ONNX Runtime has no kernel for it yet",
    "Unique": "content decides how long the result is",
    "Upsample": "it ended with opset 9; its rule is that of Resize",
}


def test_every_rule_has_a_random_step_or_a_reason() -> None:
    assert set(RULES) - set(OPERATORS) == set(NOT_RANDOM)
    assert set(OPERATORS) <= set(RULES)


@pytest.mark.parametrize("operator", NOT_RANDOM)
def test_a_rule_without_a_random_step_has_a_test_of_its_own(operator: str) -> None:
    here = Path(__file__)
    files = [file for pattern in ("test_rules*.py", "*_cases.py") for file in here.parent.glob(pattern)]
    tests = [file.read_text(encoding="utf-8") for file in files]
    assert any(f'"{operator}"' in text for text in tests)


@pytest.mark.parametrize("operator", OPERATORS)
def test_its_step_makes_each_operator(operator: str) -> None:
    def made(random: RandomGraph) -> bool:
        return any(node.op_type == operator for node in random.model.graph.node)

    patient = settings(max_examples=2000, database=None, derandomize=True, deadline=None, phases=[Phase.generate])
    assert made(find(graphs([OPERATORS[operator]], 2), made, settings=patient))
