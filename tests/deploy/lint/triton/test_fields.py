"""The table of fields against the official descriptor, and what is made of it."""

from __future__ import annotations

import pytest

from batchproof.deploy.lint.triton.descriptor import fields_toml
from batchproof.deploy.lint.triton.fields import FIELDS, ROOT, FieldType, enums, messages

pb = pytest.importorskip("tritonclient.grpc.model_config_pb2", reason="tritonclient is in the extra triton")


def test_the_table_is_that_of_the_installed_client() -> None:
    """Stale? Run: python -m batchproof.deploy.lint.triton.descriptor > batchproof/deploy/lint/triton/fields.toml."""
    assert FIELDS.read_text(encoding="utf-8") == fields_toml()


def test_every_field_of_every_message_is_known() -> None:
    descriptor = pb.ModelConfig.DESCRIPTOR
    assert set(messages()[ROOT]) == {field.name for field in descriptor.fields}
    known = {*messages(), *enums(), "bool", "double", "float", "int32", "int64", "uint32", "uint64", "string"}
    assert {field.kind for fields in messages().values() for field in fields.values()} <= known


def test_the_number_of_a_value_is_its_place() -> None:
    assert [value.number for value in pb.DataType.DESCRIPTOR.values] == list(range(len(enums()["DataType"])))
    kinds = pb.ModelInstanceGroup.Kind.DESCRIPTOR.values
    assert [(value.number, value.name) for value in kinds] == list(enumerate(enums()["ModelInstanceGroup.Kind"]))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ModelInput[]", FieldType("ModelInput", True, "")),
        ("bool|state_data", FieldType("bool", False, "state_data")),
        ("string", FieldType("string", False, "")),
    ],
)
def test_a_field_is_read(text: str, kind: FieldType) -> None:
    assert FieldType.read(text) == kind


def test_maps_are_told_from_lists() -> None:
    fields = messages()[ROOT]
    assert (fields["parameters"].is_map, fields["input"].is_map) == (True, False)
