"""The types that the layers of a finished engine compute in, as its inspector tells them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

# "Half" and "Float" of TensorRT 11 and of compiled regions, "Row major linear FP16 format" of 10; 11 split the field.
_TYPE = re.compile(r"(?i)\b(fp32|fp16|bf16|fp8|fp4|int64|int32|int8|int4|uint8|bool|half|float)\b")
_SAME = {"HALF": "FP16", "FLOAT": "FP32"}


def layer_types(inspected: str) -> Mapping[str, int]:
    """Count the layers of an engine by the type of what they give, from the inspector's JSON: `FP16`, `FP32`, `INT8`.

    A layer without outputs or of an unknown format counts as `UNKNOWN`; all do in engines that keep only names.
    """
    return dict(Counter(map(_type_of, json.loads(inspected)["Layers"])))


def _type_of(layer: Any) -> str:
    return next(_types(layer), "UNKNOWN") if isinstance(layer, dict) else "UNKNOWN"


def _types(layer: Mapping[str, Any]) -> Iterator[str]:
    for output in layer.get("Outputs", ()):
        for key, described in output.items():
            if key.lower().endswith("datatype"):
                yield from (_SAME.get(found.upper(), found.upper()) for found in _TYPE.findall(described))
