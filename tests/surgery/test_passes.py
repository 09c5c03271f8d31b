from __future__ import annotations

import subprocess
import sys

import onnx_ir as ir
import pytest

from batchproof.surgery.passes import PassResult, RecognisedPass, SurgeryPass, changed, unchanged
from batchproof.zoo.recognise import recognise
from tests.surgery.tiny_graphs import embedder, to_ir


class _Silent(SurgeryPass):
    def call(self, model: ir.Model) -> PassResult:
        return ir.passes.PassResult(model, modified=True)  # type: ignore[return-value]


class _Named(RecognisedPass):
    def call(self, model: ir.Model) -> PassResult:
        return PassResult.of(model, [], otherwise="there is nothing to do")


def test_a_result_with_one_change_is_modified() -> None:
    model = to_ir(embedder())
    result = PassResult.of(model, [unchanged("a", "it is fine"), changed("b", "is new")], otherwise="nothing")
    assert result.modified
    assert [reason.changed for reason in result.reasons] == [False, True]


def test_a_result_without_changes_says_why() -> None:
    result = PassResult.of(to_ir(embedder()), [], otherwise="the graph has no Resize")
    assert not result.modified
    assert [reason.sentence for reason in result.reasons] == ["not changed because the graph has no Resize"]


def test_a_pass_without_reasons_is_refused() -> None:
    with pytest.raises(TypeError, match="_Silent returned no reasons"):
        _Silent()(to_ir(embedder()))


def test_a_pass_on_another_model_than_the_recognised_one_is_refused() -> None:
    model = embedder()
    surgery = _Named(recognise(model))
    model.graph.output[0].name = "other"
    with pytest.raises(ir.passes.PreconditionError, match="'embedding_raw'"):
        surgery(to_ir(model))


def test_the_package_imports_nothing_heavy() -> None:
    code = "import sys, batchproof.surgery; print(sorted({'onnx', 'onnx_ir', 'onnxruntime'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
