from __future__ import annotations

from batchproof.artifacts.manifest import Manifest, ModelEntry, Record
from batchproof.gate.part import Parts
from batchproof.zoo import families

ENTRY = ModelEntry(families.arcface(), "declared", "seed 1", "MIT")


def record(subject: str, stage: str = "validate", check: str = "probe") -> Record:
    return Record(stage, check, subject, "key")


def parts(models: tuple[str, ...], *records: Record) -> Parts:
    return Parts(Manifest("pack", models=dict.fromkeys(models, ENTRY), records=records))


def subjects(found: Parts, model: str) -> dict[str, list[str]]:
    return {part.name: [record.subject for record in part.records] for part in found.of(model)}


def test_a_model_has_its_original_its_precisions_and_their_engines() -> None:
    several = record("det_2.5g.fp16.b1-8-8", "build", "build.rtx")
    found = parts(("det_2.5g",), record("det_2.5g", "export"), record("det_2.5g.fp16"), several)
    assert subjects(found, "det_2.5g") == {
        "det_2.5g": ["det_2.5g"],
        "det_2.5g.fp16": ["det_2.5g.fp16", "det_2.5g.fp16.b1-8-8"],
    }


def test_models_whose_names_look_like_parts_of_each_other_keep_what_is_theirs() -> None:
    found = parts(
        ("a", "a.fp32", "ab"),
        record("a", "export"),
        record("a.fp32", "export"),
        record("a.fp32"),
        record("a.fp32.fp16"),
        record("ab.fp32"),
    )
    assert subjects(found, "a") == {"a": ["a"], "a.fp32": ["a.fp32"]}
    assert subjects(found, "a.fp32") == {"a.fp32": ["a.fp32"], "a.fp32.fp16": ["a.fp32.fp16"]}
    assert subjects(found, "ab") == {"ab": [], "ab.fp32": ["ab.fp32"]}


def test_what_is_of_no_model_is_not_lost() -> None:
    script = record("deepstream-8.0/build_engines.sh", "build", "build.deepstream-8.0.script")
    stranger = record("gone", "export")
    assert parts(("a",), script, stranger).of_nobody.records == (script, stranger)


def test_a_graph_that_is_wanted_is_there_even_when_it_is_empty() -> None:
    found = parts(("a",), record("a.fp32"))
    assert [(part.name, len(part.records)) for part in found.graphs("a", ("fp16",))] == [("a.fp32", 1), ("a.fp16", 0)]
