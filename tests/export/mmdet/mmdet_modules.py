"""mmdet's own building blocks, also where mmcv has no compiled operators: none of these layers calls one."""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest


class _NoOperators(types.ModuleType):
    """Stands in for `mmcv._ext`: every operator is there, and raises when it is called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._absent

    @staticmethod
    def _absent(*args: object, **kwargs: object) -> None:
        raise NotImplementedError("mmcv is installed without its operators")


def mmdet_models() -> tuple[Any, Any, Any]:
    """Return `mmdet.models.necks`, `mmdet.models.backbones.resnet` and `mmcv.cnn`, or skip the test."""
    for package in ("mmdet", "mmcv"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: run nox -s mmdet")
    if find_spec("mmcv._ext") is None:
        stand_in = _NoOperators("mmcv._ext")
        stand_in.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", None)
        sys.modules["mmcv._ext"] = stand_in
    from mmcv import cnn
    from mmdet.models import necks
    from mmdet.models.backbones import resnet

    return necks, resnet, cnn
