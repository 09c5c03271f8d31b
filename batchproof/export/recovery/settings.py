"""A node's attributes as settings that two exports of one layer share, whatever opset and exporter wrote them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Settings = dict[str, object]

_WINDOW = {"strides": [1, 1], "pads": [0, 0, 0, 0], "dilations": [1, 1], "auto_pad": b"NOTSET"}
_DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "Conv": {"group": 1, **_WINDOW},
    "MaxPool": _WINDOW,
    "AveragePool": _WINDOW,
    "BatchNormalization": {"epsilon": 1e-5, "training_mode": 0},
    "InstanceNormalization": {"epsilon": 1e-5},
    "LayerNormalization": {"axis": -1, "epsilon": 1e-5},
    "Linear": {"alpha": 1.0, "beta": 1.0, "transA": 0},
    "Resize": {"mode": b"nearest", "antialias": 0, "keep_aspect_ratio_policy": b"stretch"},
}
# What says nothing about the result: what concerns training, what the weights say as well, what concerns odd sizes,
# which SCRFD never has, and how Resize rounds, which for its factor of two the comparison of outputs settles.
_SILENT: Mapping[str, frozenset[str]] = {
    "Conv": frozenset({"kernel_shape"}),
    "Linear": frozenset({"transB"}),
    "BatchNormalization": frozenset({"momentum", "spatial"}),
    "LayerNormalization": frozenset({"stash_type"}),
    "MaxPool": frozenset({"ceil_mode", "storage_order"}),
    "AveragePool": frozenset({"ceil_mode", "count_include_pad"}),
    "Resize": frozenset(
        {
            "scales",  # of Upsample in opset 7
            "coordinate_transformation_mode",
            "nearest_mode",
            "cubic_coeff_a",
            "extrapolation_value",
            "exclude_outside",
        }
    ),
}
# The axis of the single image may stand anywhere: official files take it between the cell and the channel.
_SAME_FOR_ONE_IMAGE: Mapping[object, object] = {(2, 3, 0, 1): (0, 2, 3, 1)}


def settings_of(kind: str, attributes: Mapping[str, object]) -> Settings:
    """Return the attributes that decide what a layer of `kind` computes, defaults included, in comparable types."""
    silent = _SILENT.get(kind, frozenset())
    given = {**_DEFAULTS.get(kind, {}), **{name: value for name, value in attributes.items() if name not in silent}}
    settings = {name: _comparable(value) for name, value in given.items()}
    if kind == "Transpose":
        settings["perm"] = _SAME_FOR_ONE_IMAGE.get(settings.get("perm"), settings.get("perm"))
    return settings


def _comparable(value: object) -> object:
    """Lists as tuples, text as text, numbers as single precision stores them."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        return float(np.float32(value))
    return tuple(map(_comparable, value)) if isinstance(value, list | tuple) else value
